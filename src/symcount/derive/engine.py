"""Deriving a formula: trace at a few small points, find what repeats, fit how often, assemble the tree.

The whole pipeline is `derive_class`. Two kinds of doubt are settled before a formula is returned:

* a dimension that lost its expression on the way shows as two different rows where there should be one, because the
  traces are taken at different values of every field; the field responsible is then kept concrete, and the formula's
  domain says so;
* a multiplicity that no hypothesis explains does the same for the depth field responsible.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symcount.derive import expression as ex
from symcount.derive.configs import ConfigSource, Number, build
from symcount.derive.expression import Node, free_symbols
from symcount.derive.fit import fit
from symcount.derive.points import holds, sample, scaled
from symcount.derive.quiet import quiet
from symcount.derive.recording import Condition
from symcount.derive.structure import (
    bounds,
    depth_fields,
    depth_points,
    divisions_in,
    likely_depths,
    list_lengths,
    model_conditions,
    selector_points,
    selectors,
    shape_nodes,
    shape_symbols,
)
from symcount.derive.templates import Row, Rows, collect
from symcount.derive.trace import Trace, trace
from symcount.errors import DerivationError

__all__ = ["Derivation", "derive_class"]

ROUNDS = 8


@dataclass
class Derivation:
    """What the traces of one class showed: rows with their multiplicities, and on what that relies.

    Attributes:
        cls: the model class.
        source: its config.
        base: every numeric config field with its default.
        default: the trace at the default config.
        traces: the traces taken.
        rows: the rows, with class names of the modules.
        times: row -> multiplicity as an expression in the depth fields.
        structural: fields that decide the structure.
        pinned: fields kept concrete, with their values.
        conditions: what the model's own code asked, true at every trace.
        shallow: traces put aside because they are too shallow to show what the model does in general.
    """

    cls: type
    source: ConfigSource
    base: dict[str, Number]
    default: Trace | None = None
    traces: list[Trace] = field(default_factory=list)
    rows: Rows = field(default_factory=lambda: Rows({}, {}))
    times: dict[Row, Node] = field(default_factory=dict)
    structural: list[str] = field(default_factory=list)
    pinned: dict[str, Number] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)
    shallow: list[Trace] = field(default_factory=list)

    def least_depth(self) -> dict[str, int]:
        """Depth fields below which the multiplicities do not hold, with the smallest depth that was tried."""
        fields = [n for n in self.structural if self.default is None or n in depth_fields(self.default)]
        for one in self.shallow:
            counts = collect([one]).counts
            for row, times in self.times.items():
                value = ex.evaluate(times, one.symbols)
                if isinstance(value, int) and value >= 0 and value != counts.get(row, [0])[0]:
                    return {n: min(int(t.symbols[n]) for t in self.traces) for n in fields if self.base[n]}
        return {}


def derive_class(cls: type, source: ConfigSource, seed: int = 0) -> Derivation:
    """Derive the rows of *cls* and their multiplicities.

    Raises:
        DerivationError: the class cannot be constructed, or its structure was not understood.
    """
    with quiet():
        result = Derivation(cls, source, dict(build(source, {}, ()).symbols))
        for _ in range(ROUNDS):
            culprits = _attempt(result, random.Random(seed))
            if not culprits:
                return result
            result.pinned.update({name: result.base[name] for name in culprits})
    raise DerivationError(
        f"{cls.__name__}: no closed form was found; its structure depends on {', '.join(result.pinned)} in a way "
        "that tracing at several values did not explain"
    )


def _traced(d: Derivation, values: Mapping[str, Number]) -> Trace:
    return trace(d.cls, d.source, values={**values, **d.pinned}, frozen=tuple(d.pinned))


def _possible(d: Derivation, candidates: Iterable[Mapping[str, Number]]) -> Trace | None:
    """The trace at the first of *candidates* at which the model can be constructed."""
    for values in candidates:
        try:
            return _traced(d, values)
        except DerivationError:
            continue
    return None


def _attempt(d: Derivation, rng: random.Random) -> list[str]:
    """One round: trace, collect, fit. Returns the fields to keep concrete before the next round; none if it worked."""
    likely = [name for name in likely_depths(d.base) if name not in d.pinned]
    small, larger = depth_points(likely, d.base), depth_points(likely, d.base, start=5)
    integers = [n for n, v in d.base.items() if isinstance(v, int) and n not in d.pinned and n not in likely]
    movable = [n for n in integers if not n.endswith("token_id")]
    default = d.default = _traced(d, d.base)  # lets the constructor's own error through
    d.base.update({name: value for name, value in default.symbols.items() if name not in d.base})
    asked = _asked(d)
    hard = [c for c in asked if c.relation in ("divides", "==")]
    moved_about = ({**sample(d.base, movable, conditions, rng, attempts=30), **small} for conditions in (hard, asked))
    first = _possible(d, (*moved_about, {**scaled(d.base, movable, 2), **small}, {**d.base, **small}, {**d.base, **larger}))
    seen = [default] if first is None else [default, first]
    in_shapes = shape_symbols(seen)
    depths = list(dict.fromkeys(n for t in seen for n in depth_fields(t) if n not in d.pinned))
    chosen = list(dict.fromkeys(n for t in seen for n in selectors(t, depths, in_shapes) if n not in d.pinned))
    d.structural = [*depths, *chosen]
    if lengths := _lengths(d, default):
        return lengths
    d.traces = seen if not chosen else [default]
    moved = first is not None and all(first.symbols.get(n) != d.base[n] for n in (*in_shapes, *depths) if d.base[n])
    if chosen or not moved or not d.traces:
        _more_traces(d, 5 if chosen else 1, rng)
    if len(d.traces) < 2 and d.structural:
        if rigid := _rigid(d):
            return rigid
        _more_traces(d, 3, rng, low=6)
    return _fitted(d, rng)


def _lengths(d: Derivation, default: Trace) -> list[str]:
    """Structural fields that say how long the config's lists are (`num_stages`): alone they cannot change."""
    lists = list_lengths(d.base)
    found = []
    for name in d.structural:
        value = int(d.base[name])
        if name.endswith("]") or (name.rpartition(".")[0], value) not in lists:
            continue
        shorter = _possible(d, [{**d.base, name: value - 1}]) if value > 1 else None
        if shorter is None or not _explained(d, default, shorter):
            found.append(name)
    return found


def _asked(d: Derivation) -> list[Condition]:
    """Everything that the model's own code asked in any trace, and that is so by default."""
    traces = [d.default, *d.traces] if d.default else d.traces
    seen = {(c.relation, c.left, c.right): c for t in traces for c in model_conditions(t)}
    return [c for c in seen.values() if holds(c, d.base)]


def _more_traces(d: Derivation, number: int, rng: random.Random, low: int = 0) -> None:
    """Add up to *number* traces, all fields at random places of the domain known so far.

    Depths are small; with *low* they are at least that, and traces at smaller depths are put aside: a model may
    treat its first or last few layers in another way, which very shallow ones cannot show.
    """
    first = d.default or d.traces[0]
    in_shapes = shape_symbols(d.traces)
    chosen = [name for name in d.structural if name in set(selectors(first, depth_fields(first), in_shapes))]
    depths = [name for name in d.structural if name not in chosen]
    integers = [n for n, v in d.base.items() if isinstance(v, int) and n not in d.structural and n not in d.pinned]
    movable = [n for n in integers if not n.endswith("token_id")]
    widths = [n for n in movable if n in in_shapes]
    for index in range(number):
        asked = _asked(d)
        hard = [c for c in asked if c.relation in ("divides", "==")]
        moves = (
            *((movable, asked, 60, 1.0), (movable, hard, 40, 1.0), (movable, asked, 60, 0.5)),
            *((widths, asked, 80, 1.0), (widths, asked, 80, 0.5), ((), (), 0, 1.0)),
        )
        candidates = []
        for fields, conditions, tries, share in moves:
            if chosen or low:
                structure = selector_points(chosen, depths, first, rng, low or 4)
            else:
                structure = depth_points(rng.sample(depths, len(depths)), d.base, start=1 + index % 3)
            candidates.append({**sample(d.base, fields, conditions, rng, attempts=tries, share=share), **structure})
        found = _possible(d, candidates)
        if found is not None:
            d.traces.append(found)
    deep = [t for t in d.traces if all(t.symbols[n] >= low or not d.base[n] for n in depths if n in t.symbols)]
    if low and len(deep) > 2:
        d.shallow += [t for t in d.traces if t not in deep and t is not d.default]
        d.traces = deep if d.default in deep else [d.default, *deep] if d.default else deep
    d.traces = _same_branches(d, _same_divisions(d, d.traces))


def _same_branches(d: Derivation, traces: list[Trace]) -> list[Trace]:
    """Without the traces at which a comparison of sizes came out otherwise than it does by default.

    `if embedding_size != hidden_size` adds a projection: on the other side of it stands another model.
    """
    fixed = [c for c in _asked(d) if not (free_symbols(c.left) | free_symbols(c.right)) <= set(d.structural)]
    return [t for t in traces if all(holds(c, t.symbols) for c in fixed)]


def _same_divisions(d: Derivation, traces: list[Trace]) -> list[Trace]:
    """Without the traces at which a division came out otherwise than it does by default.

    `H // A` is `H/A` where A divides H and a floor elsewhere. The formula is meant for the side on which the model's
    default is; a layer that the first traces did not show may reveal such a division late.
    """
    divisions = divisions_in(shape_nodes(traces))
    by_default = {c: holds(c, d.base) for c in divisions}
    return [t for t in traces if all(holds(c, t.symbols) == known for c, known in by_default.items())]


def _points(d: Derivation) -> list[dict[str, int]]:
    return [_point(d, t) for t in d.traces]


def _point(d: Derivation, one: Trace) -> dict[str, int]:
    """The structural fields of one trace, and the numbers of things that the model's code computed from them."""
    point = {name: int(one.symbols[name]) for name in d.structural}
    for text, node in bounds(d.traces, d.structural).items():
        value = ex.evaluate(node, one.symbols)
        if isinstance(value, int):
            point[text] = value
    return point


def _fitted(d: Derivation, rng: random.Random) -> list[str]:
    """Fit every multiplicity, with more traces if need be; fields to keep concrete if that fails."""
    failed: list[Row] = []
    selecting = len(d.structural) > len(depth_fields(d.default)) if d.default else False
    for more, patterns in ((0, False), (9, True)) if selecting else ((0, False), (3, False), (9, True)):
        if more:
            _more_traces(d, more, rng, low=6)
        d.rows = collect(d.traces)
        if transcendental := _transcendental(d):
            return transcendental
        d.conditions = _conditions(d)
        failed = _fit_all(d, _points(d), patterns=patterns, simple=not more)
        if not failed:
            return []
        if more and _lost(d, failed):
            break
    return _culprits(d, failed)


def _transcendental(d: Derivation) -> list[str]:
    """Fields inside a logarithm in some shape: there is no closed form in integers for those."""
    stack = [dim for row in d.rows.counts for dim in row.shape if isinstance(dim, Node)]
    seen: set[Node] = set()
    found: set[str] = set()
    while stack:
        node = stack.pop()
        if node in seen or node.op in ("sym", "const"):
            continue
        seen.add(node)
        if node.op == "log" or (node.op == "pow" and not node.integral):
            found |= free_symbols(node)
        stack.extend(a for a in node.args if isinstance(a, Node))
    return sorted(found)


def _fit_all(
    d: Derivation, points: Sequence[dict[str, int]], *, patterns: bool, simple: bool
) -> list[Row]:
    """Fit the rows' multiplicities; the rows for which that failed."""
    d.times = {}
    computed = {text: node for text, node in bounds(d.traces, d.structural).items() if all(text in p for p in points)}
    cache: dict[tuple[int, ...], Node | None] = {}
    failed = []
    for row, counts in d.rows.counts.items():
        key = tuple(counts)
        if key not in cache:
            cache[key] = fit(
                counts, points, d.structural, patterns=patterns, simple=simple, computed=computed
            )
        found = cache[key]
        if found is None or [ex.evaluate(found, t.symbols) for t in d.traces] != list(counts):
            failed.append(row)
        else:
            d.times[row] = found
    return failed


def _lost(d: Derivation, failed: Sequence[Row]) -> bool:
    """Whether rows failed because one name has different shapes in different traces, not because of its number."""
    names: dict[tuple[Any, str], list[int]] = {}
    for row in failed:
        total = names.setdefault((row.path, row.name), [0] * len(d.traces))
        for i, count in enumerate(d.rows.counts[row]):
            total[i] += count
    points = _points(d)
    return any(fit(total, points, d.structural) is not None for total in names.values()) and len(names) < len(failed)


def _conditions(d: Derivation) -> list[Condition]:
    """What the model's code asked in any trace and what was true in all of them."""
    seen = {(c.relation, c.left, c.right): c for t in d.traces for c in model_conditions(t)}
    return [c for c in seen.values() if all(holds(c, t.symbols) for t in d.traces)]


def _rigid(d: Derivation) -> list[str]:
    """Structural fields that cannot be changed alone: the model is then not constructible."""
    first = d.traces[0]
    rigid = []
    for name in d.structural:
        nearby = [{**first.symbols, name: first.symbols[name] + step} for step in (1, -1, 2)]
        if _possible(d, nearby) is None:
            rigid.append(name)
    return rigid


def _culprits(d: Derivation, failed: Sequence[Row]) -> list[str]:
    """The fields whose change alone turns rows into other rows."""
    start = min(d.traces, key=lambda t: len(t.parameters))
    reference = _signature(d, start)
    culprits = []
    for name, value in start.symbols.items():
        if name in d.pinned or not isinstance(value, int):
            continue
        for changed in (value * 2, value + 1, max(1, value // 2)):
            if changed == value:
                continue
            found = _possible(d, [{**start.symbols, name: changed}])
            if found is not None:
                same = _signature(d, found) == reference
                if not same and (name not in d.structural or not _explained(d, start, found)):
                    culprits.append(name)
                break
    return culprits or [name for name in d.structural if name not in d.pinned][:1]


def _signature(d: Derivation, one: Trace) -> frozenset[tuple[Any, ...]]:
    """The set of rows of one trace, without numbers."""
    return frozenset((r.path, r.name, r.shape, r.alias) for r in collect([one]).counts)


def _explained(d: Derivation, start: Trace, other: Trace) -> bool:
    """Whether the rows of two traces that differ in one depth have multiplicities that can be fitted."""
    rows = collect([start, other])
    points = [_point(d, t) for t in (start, other)]
    return all(fit(counts, points, d.structural, simple=True) is not None for counts in rows.counts.values())


