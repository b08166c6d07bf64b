"""Deriving a formula: trace at a few small points, find what repeats, fit how often, assemble the tree.

The whole pipeline is `derive_class`. Two kinds of doubt are settled before a formula is returned:

* a dimension that lost its expression on the way shows as two different rows where there should be one, because the
  traces are taken at different values of every field; the field responsible is then kept concrete, and the formula's
  domain says so;
* a multiplicity that no hypothesis explains does the same for the depth field responsible.
"""

from __future__ import annotations

import random
from collections import Counter

from symcount.derive.configs import ConfigSource
from symcount.derive.derivation import Derivation
from symcount.derive.diagnosis import (
    culprits,
    lengths,
    lost,
    named,
    ratios,
    rigid_fields,
    suspects,
    switches,
    transcendental,
    unseen,
)
from symcount.derive.exploring import comparable, drawn, feasible_depths, more_traces, possible, shallow, traced
from symcount.derive.expression import Node, free_symbols
from symcount.derive.following import follow
from symcount.derive.limits import deepest, existing
from symcount.derive.ordering import check_order, dispensable
from symcount.derive.points import holds, sample, scaled
from symcount.derive.quiet import quiet
from symcount.derive.recording import Condition
from symcount.derive.settling import fit_plain, settle, simple
from symcount.derive.structure import (
    HUGE,
    depth_fields,
    likely_depths,
    model_conditions,
    scaled_down,
    selectors,
    shape_symbols,
)
from symcount.derive.templates import Row
from symcount.errors import DerivationError

__all__ = ["Derivation", "derive_class"]

ROUNDS = 20
SPAN = 4  # depths that differ by less


def derive_class(cls: type, source: ConfigSource, seed: int = 0) -> Derivation:
    """Derive the rows of *cls* and their multiplicities.

    Raises:
        DerivationError: the class cannot be constructed, or its structure was not understood.
    """
    with quiet():
        result = Derivation(cls, source)
        for _ in range(ROUNDS):
            concrete = _attempt(result, random.Random(seed))
            if concrete is None and not (
                concrete := _unmoved(result) or ratios(result, result.traces) or unseen(result) or suspects(result)
            ):
                result.switches = switches(result)
                check_order(result)
                result.dispensable = dispensable(result)
                result.most, result.existing = deepest(result), existing(result)
                return result
            if deep := named(result, concrete):
                result.named.update(deep)
                continue
            result.pinned.update({name: result.base[name] for name in concrete})
    raise DerivationError(
        f"{cls.__name__}: no closed form was found; its structure depends on "
        f"{', '.join(result.pinned) or 'something that no config field shows'} in a way "
        "that tracing at several values did not explain"
    )


def _attempt(d: Derivation, rng: random.Random) -> list[str] | None:
    """One round: trace, collect, fit. Returns the fields to keep concrete in the next round; `None` if it worked."""
    d.structural, d.traces, d.shallow, d.guards, d.least, d.held = [], [], [], [], dict(d.named), set()
    d.default, d.refused = None, Counter()
    default = d.default = traced(d, d.base)  # lets the constructor's own error through
    d.base.update({name: value for name, value in default.symbols.items() if name not in d.base})
    if fixed := ratios(d, [default]):
        return fixed
    counted = [*likely_depths(d.base), *d.discovered, *(n for n in depth_fields(default) if d.base[n] <= HUGE)]
    likely = [n for n in dict.fromkeys(counted) if n not in d.pinned]
    small = shallow(d, likely)
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
    moved_about = drawn(d, movable, asked, rng, attempts=30, known=small)
    if all(moved_about[n] == d.base[n] for n in movable):
        moved_about = drawn(d, movable, hard, rng, attempts=30)
    first = possible(d, [{**moved_about, **small}])
    if first is None:
        here = possible(d, [{**d.base, **small}])
        if here is None and follow(d, likely, small):
            return []  # from the beginning, with lists that follow the depths
        larger = (shallow(d, likely, start) for start in (5, 10))
        proportions = (*larger, *scaled_down(depth_fields(default), d.base))
        others = (depth for depth in proportions if possible(d, [{**d.base, **depth}]))
        structure = small if here is not None else next(others, None)
        if structure is None:
            structure = feasible_depths(d, likely)
        places = (sample(d.base, movable, asked, rng, attempts=30), scaled(d.base, movable, 2), d.base)
        first = possible(d, ({**values, **structure} for values in places))
    seen = [default] if first is None else [default, first]
    in_shapes = shape_symbols(seen)
    found = [*d.discovered, *(n for t in seen for n in depth_fields(t))]
    depths = [n for n in dict.fromkeys(found) if n not in d.pinned]
    chosen = list(dict.fromkeys(n for t in seen for n in selectors(t, depths, in_shapes) if n not in d.pinned))
    d.structural = [*depths, *chosen]
    if fixed := lengths(d, default):
        return fixed
    d.traces = comparable(d, seen)
    moved = first is not None and all(first.symbols.get(n) != d.base[n] for n in (*in_shapes, *depths) if d.base[n])
    if not moved:
        more_traces(d, 1, rng)
    if len(d.traces) < 2 and d.structural:
        if rigid := rigid_fields(d, seen):
            return rigid
        more_traces(d, 3, rng, enough=2)
    return _fitted(d, rng)


def _fitted(d: Derivation, rng: random.Random) -> list[str] | None:
    """Fit every multiplicity, with more traces if need be; fields to keep concrete if that fails."""
    failed: list[Row] | None = fit_plain(d)
    if failed or len(d.structural) > len(d.depths()) or not all(map(simple, d.times.values())) or _close(d):
        failed = settle(d, rng)
    if d.held and failed is not None:
        return [n for n in d.structural if n in d.held]
    d.conditions = _conditions(d)
    if fields := transcendental(d):
        return fields
    if failed is None and (rigid := rigid_fields(d, d.traces)):
        return rigid
    return None if failed == [] and not lost(d) else suspects(d) or culprits(d)


def _close(d: Derivation) -> bool:
    """Whether layers of one list differ, and the depths traced are so near one another that a pattern may look plain.

    Of two and of three layers every second is one, and the others are `N - 1`.
    """
    near = {n for n in d.depths() if max(v := [t.symbols[n] for t in d.traces]) - min(v) < SPAN}
    lists: dict[tuple[str, ...], list[Node]] = {}
    for row, times in d.times.items():
        if len(row.stars) == 1 and (times.op == "const" or free_symbols(times) & near):
            lists.setdefault(row.path[: row.stars[0] + 1], []).append(times)
    return any(len(set(found)) > 1 and any(times.op != "const" for times in found) for found in lists.values())


def _unmoved(d: Derivation) -> list[str]:
    """Structural fields that had one value in all traces: nothing is known about any other.

    If some of them are no numbers of layers in themselves, it may be these that let no trace be compared.
    """
    still = [n for n in d.structural if all(t.symbols[n] == d.base[n] for t in d.traces)]
    assert d.default is not None  # noqa: S101  # set by the engine
    plain = {*depth_fields(d.default), *likely_depths(d.base)}
    return [n for n in still if n not in plain] or still


def _conditions(d: Derivation) -> list[Condition]:
    """What the model's code asked in any trace and what was true in all of them."""
    seen = {(c.relation, c.left, c.right): c for t in d.traces for c in model_conditions(t)}
    return [c for c in seen.values() if all(holds(c, t.symbols) for t in d.traces)]
