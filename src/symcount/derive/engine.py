"""Deriving a formula: trace at a few small points, find what repeats, fit how often, assemble the tree.

The whole pipeline is `derive_class`. Two kinds of doubt are settled before a formula is returned:

* a dimension that lost its expression on the way shows as two different rows where there should be one, because the
  traces are taken at different values of every field; the field responsible is then kept concrete, and the formula's
  domain says so;
* a multiplicity that no hypothesis explains does the same for the depth field responsible.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import reduce

from symcount.derive import expression as ex
from symcount.derive.configs import ConfigSource
from symcount.derive.derivation import Derivation
from symcount.derive.diagnosis import culprits, lengths, lost, rigid_fields, suspects, switches, transcendental
from symcount.derive.exploring import more_traces, possible, traced
from symcount.derive.expression import Node, free_symbols
from symcount.derive.fit import fit
from symcount.derive.points import holds, sample, scaled
from symcount.derive.quiet import quiet
from symcount.derive.recording import Condition
from symcount.derive.structure import (
    bounds,
    composite_periods,
    depth_fields,
    depth_points,
    likely_depths,
    model_conditions,
    selectors,
    shape_symbols,
)
from symcount.derive.templates import Row, collect
from symcount.errors import DerivationError

__all__ = ["Derivation", "derive_class"]

ROUNDS = 20


def derive_class(cls: type, source: ConfigSource, seed: int = 0) -> Derivation:
    """Derive the rows of *cls* and their multiplicities.

    Raises:
        DerivationError: the class cannot be constructed, or its structure was not understood.
    """
    with quiet():
        result = Derivation(cls, source)
        for _ in range(ROUNDS):
            concrete = _attempt(result, random.Random(seed))
            if concrete is None and not (concrete := [*_unmoved(result), *suspects(result)]):
                result.switches = switches(result)
                return result
            result.pinned.update({name: result.base[name] for name in concrete})
    raise DerivationError(
        f"{cls.__name__}: no closed form was found; its structure depends on "
        f"{', '.join(result.pinned) or 'something that no config field shows'} in a way "
        "that tracing at several values did not explain"
    )


def _attempt(d: Derivation, rng: random.Random) -> list[str] | None:
    """One round: trace, collect, fit. Returns the fields to keep concrete in the next round; `None` if it worked."""
    d.structural, d.traces = [], []
    d.default = None
    default = d.default = traced(d, d.base)  # lets the constructor's own error through
    d.base.update({name: value for name, value in default.symbols.items() if name not in d.base})
    likely = [n for n in dict.fromkeys([*likely_depths(d.base), *d.discovered]) if n not in d.pinned]
    small, larger = depth_points(likely, d.base), depth_points(likely, d.base, start=5)
    movable = [name for name in d.free() if name not in likely]
    asked = d.asked()
    if negative := [
        n
        for c in asked
        for n in free_symbols(c.left) | free_symbols(c.right)
        if d.base[n] < 0 and not n.endswith("token_id")
    ]:
        return negative  # minus one stands for "the last" or "none": another value is another rule
    hard = [c for c in asked if c.relation in ("divides", "==")]
    moved_about = ({**sample(d.base, movable, conditions, rng, attempts=30), **small} for conditions in (hard, asked))
    first = possible(
        d, (*moved_about, {**scaled(d.base, movable, 2), **small}, {**d.base, **small}, {**d.base, **larger})
    )
    seen = [default] if first is None else [default, first]
    in_shapes = shape_symbols(seen)
    found = [*d.discovered, *(n for t in seen for n in depth_fields(t))]
    depths = [n for n in dict.fromkeys(found) if n not in d.pinned]
    chosen = list(dict.fromkeys(n for t in seen for n in selectors(t, depths, in_shapes) if n not in d.pinned))
    d.structural = [*depths, *chosen]
    if fixed := lengths(d, default):
        return fixed
    d.traces = seen if not chosen else [default]
    moved = first is not None and all(first.symbols.get(n) != d.base[n] for n in (*in_shapes, *depths) if d.base[n])
    if chosen or not moved or not d.traces:
        more_traces(d, 4 if chosen else 1, rng)
    if len(d.traces) < 2 and d.structural:
        if rigid := rigid_fields(d):
            return rigid
        more_traces(d, 3, rng, low=6)
    return _fitted(d, rng)


def _fitted(d: Derivation, rng: random.Random) -> list[str] | None:
    """Fit every multiplicity, with more traces if need be; fields to keep concrete if that fails."""
    failed: list[Row] = []
    selecting = len(d.structural) > len(d.depths())
    for more, patterns in ((0, False), (9, True)) if selecting else ((0, False), (3, False), (9, True)):
        if more:
            more_traces(d, more, rng, low=6)
        failed = _fit_all(d, patterns=patterns, simple=not more)
        if fields := transcendental(d):
            return fields
        if not failed and (not (more or selecting) or _stable(d, rng, patterns=patterns, simple=not more)):
            return None
        if more and lost(d, failed):
            break
    return culprits(d)


def _unmoved(d: Derivation) -> list[str]:
    """Structural fields that had one value in all traces: nothing is known about any other."""
    return [n for n in d.structural if all(t.symbols[n] == d.base[n] for t in d.traces)]


def _stable(d: Derivation, rng: random.Random, *, patterns: bool, simple: bool) -> bool:
    """Whether multiplicities that are not plain depths stay what they are when more points are added."""
    for _ in range(3):
        before = d.times
        # a period that is computed (`i % (n // k)`) looks like something simpler at most points
        more_traces(d, 12 if composite_periods(d.traces) else 3, rng, low=4)
        if _fit_all(d, patterns=patterns, simple=simple):
            return False
        if d.times == before:
            return True
    return False


def _fit_all(d: Derivation, *, patterns: bool, simple: bool) -> list[Row]:
    """Fit the rows' multiplicities; the rows for which that failed."""
    d.rows = collect(d.traces)
    d.conditions = _conditions(d)
    d.times = {}
    points = d.points()
    periods = {node: [int(ex.evaluate(node, t.symbols)) for t in d.traces] for node in composite_periods(d.traces)}
    computed = {text: node for text, node in bounds(d.traces, d.structural).items() if all(text in p for p in points)}
    cache: dict[tuple[int | None, ...], Node | None] = {}

    def fitted(counts: Sequence[int | None]) -> Node | None:
        key = tuple(counts)
        if key not in cache:
            known = [i for i, count in enumerate(counts) if count is not None]
            cache[key] = fit(
                [count for count in counts if count is not None],
                [points[i] for i in known],
                d.structural,
                patterns=patterns,
                simple=simple,
                computed=computed,
                periods={node: [values[i] for i in known] for node, values in periods.items()},
            )
        return cache[key]

    failed = []
    for row, counts in d.rows.counts.items():
        levels = [fitted(level) for level in d.rows.factors(row)]
        found = None if None in levels else reduce(ex.mul, (node for node in levels if node is not None))
        if found is None and len(levels) > 1:
            found = fitted(counts)
        if found is None or [ex.evaluate(found, t.symbols) for t in d.traces] != list(counts):
            failed.append(row)
        else:
            d.times[row] = found
    return failed


def _conditions(d: Derivation) -> list[Condition]:
    """What the model's code asked in any trace and what was true in all of them."""
    seen = {(c.relation, c.left, c.right): c for t in d.traces for c in model_conditions(t)}
    return [c for c in seen.values() if all(holds(c, t.symbols) for t in d.traces)]
