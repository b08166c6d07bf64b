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

from symcount.derive.beginning import second_trace
from symcount.derive.choosing import all_simple
from symcount.derive.closed_forms import count_iterations
from symcount.derive.configs import ConfigSource
from symcount.derive.derivation import Derivation
from symcount.derive.diagnosis import (
    culprits,
    lengths,
    lost,
    named,
    ratios,
    rigid_fields,
    switches,
    transcendental,
)
from symcount.derive.exploring import comparable, more_traces, traced
from symcount.derive.expression import Node, free_symbols
from symcount.derive.keeping import alike, kept
from symcount.derive.limits import deepest, existing
from symcount.derive.multiplicity import of_iteration
from symcount.derive.ordering import check_order, dispensable
from symcount.derive.points import holds
from symcount.derive.probing import doubtful, forced, suspects, unseen
from symcount.derive.quiet import quiet
from symcount.derive.recording import Condition
from symcount.derive.selecting import selectors, steady
from symcount.derive.settling import fit_plain, settle
from symcount.derive.structure import HUGE, MANY, bounds, depth_fields, likely_depths, model_conditions, shape_symbols
from symcount.derive.templates import Row
from symcount.derive.unreached import to_be_explained
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
            understood = concrete is None
            if concrete is None and not (
                concrete := _unmoved(result) or ratios(result, result.traces) or unseen(result) or suspects(result)
            ):
                result.switches = switches(result)
                check_order(result)
                result.dispensable = dispensable(result)
                result.most, result.existing = deepest(result), existing(result)
                if to_be_explained(result):
                    continue
                return result
            if deep := named(result, concrete):
                result.named.update(deep)
                continue
            pinned = {name: result.base[name] for name in concrete}
            result.pinned.update(pinned)
            why = "it changes the parameters, and no run shows how" if understood else "its effect was not explained"
            for name, value in pinned.items():
                result.note(f"kept concrete: {name} = {value}; {why}")
            if understood and concrete and result.default:  # all expressions are there
                others = (t for t in result.traces if t is not result.default)
                result.kept = kept([result.default, *others], pinned)
    raise DerivationError(
        f"{cls.__name__}: no closed form was found; its structure depends on "
        f"{', '.join(result.pinned) or 'something that no config field shows'} in a way "
        "that tracing at several values did not explain"
    )


def _attempt(d: Derivation, rng: random.Random) -> list[str] | None:
    """One round: trace, collect, fit. Returns the fields to keep concrete in the next round; `None` if it worked."""
    d.structural, d.traces, d.shallow, d.guards, d.least, d.held = [], [], [], [], dict(d.named), set()
    d.default, d.refused, d.counted, d.assumed = None, Counter(), False, []
    old, d.kept = d.kept, []
    if not old:
        d.harmless.clear()  # at other traces they may be needed
    default = d.default = old[0] if old else traced(d, d.base)  # lets the constructor's own error through
    d.base.update({name: value for name, value in default.symbols.items() if name not in d.base})
    if fixed := ratios(d, [default]):
        return fixed
    counted = [*likely_depths(d.base), *d.discovered, *(n for n in depth_fields(default) if d.base[n] <= HUGE)]
    likely = [n for n in dict.fromkeys(counted) if n not in d.pinned]
    if negative := [
        n
        for c in d.asked()
        for n in free_symbols(c.left) | free_symbols(c.right)
        if d.base[n] < 0 and not n.endswith("token_id")
    ]:
        return negative  # minus one stands for "the last" or "none": another value is another rule
    source, still = d.source, doubtful(d, [default])
    first = old[1] if len(old) > 1 else second_trace(d, likely, rng, still)
    if d.source is not source:
        return []  # from the beginning, with lists that follow the depths
    seen = [default] if first is None else [default, first]
    in_shapes = shape_symbols(seen)
    found = [*d.discovered, *(n for t in seen for n in depth_fields(t))]
    depths = [n for n in dict.fromkeys(found) if n not in d.pinned]
    chosen = list(dict.fromkeys(n for t in seen for n in selectors(t, depths, in_shapes) if n not in d.pinned))
    d.structural = [*depths, *(n for n in chosen if n not in steady(seen, depths))]
    if fixed := lengths(d, default):
        return fixed
    d.traces = comparable(d, seen)
    if len(d.traces) > 1 and len(old) < 2 and (early := suspects(d) or forced(d)):
        pinned = {name: d.base[name] for name in early}
        d.pinned.update(pinned)
        for name, value in pinned.items():
            d.note(f"kept concrete: {name} = {value}; it changes the parameters, and no run shows how")
        d.kept = kept(seen, pinned) if alike(seen) else []
        return []
    d.traces = comparable(d, [*d.traces, *old[2:]])
    numbers = [n for n in (*in_shapes, *depths) if d.base[n] and isinstance(d.base[n], int)]  # a ratio never moves
    moved = first is not None and all(first.symbols.get(n) != d.base[n] for n in numbers)
    if not moved:
        more_traces(d, 1, rng)
    if len(d.traces) < 2 and d.structural:
        if rigid := rigid_fields(d, seen):
            return rigid
        more_traces(d, 3, rng, enough=2)
    return _fitted(d, rng)


def _fitted(d: Derivation, rng: random.Random) -> list[str] | None:
    """Fit every multiplicity, with more traces if need be; fields to keep concrete if that fails."""
    failed: list[Row] | None = [] if count_iterations(d, rng) else list(d.rows.counts)
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
    columns: dict[str, list[int]] = {}
    for point in d.points():
        for name, value in point.items():
            columns.setdefault(name, []).append(value)
    near = {name for name, values in columns.items() if max(values) - min(values) < SPAN}
    counted = bounds(d.traces, d.structural)
    depths = {*d.depths(), *counted}

    def close(times: Node) -> bool:
        names = {n for n, node in counted.items() if node in (times, *times.args)} or free_symbols(times)
        return bool(names & near & depths)

    lists: dict[tuple[str, ...], list[Node]] = {}
    for row, times in d.times.items():
        if len(row.stars) == 1 and (times.op == "const" or close(times)):
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
    found = [c for c in seen.values() if all(holds(c, t.symbols) for t in d.traces)]
    if not d.counted:
        return found
    fields = set(d.structural)

    def of_structure(c: Condition) -> bool:
        return free_symbols(c.left) | free_symbols(c.right) <= fields

    return [c for c in found if not of_structure(c) or not of_iteration(c, d.traces)]
