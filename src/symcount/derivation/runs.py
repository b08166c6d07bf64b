"""Runs of the constructor: where a class is observed, and which of its runs can be compared.

Depths are small; all other fields are at random places of the domain known so far.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import MappingProxyType

from symcount.concolic.config.symbolic import Number
from symcount.concolic.observe import trace
from symcount.concolic.refusals import ConfigRefusedError, TooManyTensorsError
from symcount.concolic.traces import Trace
from symcount.concolic.values.expression import free_symbols, value_at
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.derivation.evidence import Evidence, Plan
from symcount.derivation.points import sample
from symcount.derivation.selectors import selector_points, selectors
from symcount.derivation.structure import (
    COUNTING,
    depth_fields,
    depth_points,
    divisions_in,
    likely_depths,
    model_conditions,
    shape_nodes,
    shape_symbols,
)
from symcount.derivation.substitution import kept
from symcount.errors import DerivationError

REDRAWN = 8  # times that a point is drawn again
FAR = 256  # beyond the default, for a depth without a remainder
MOVES = 3  # sizes of moves, each larger than the ones before together

__all__ = [
    "comparable",
    "default_run",
    "drawn",
    "feasible_depths",
    "more_runs",
    "observe",
    "possible",
    "run",
    "shallow",
    "stand_in",
]


def default_run(plan: Plan) -> Evidence:
    """The evidence of the default config alone.

    Raises:
        DerivationError: the constructor's own error.
    """
    if plan.observed:
        one = plan.observed[0]
    else:
        plan.journal.harmless.clear()  # at other runs they may be needed
        one = run(plan, {**plan.base, **plan.pinned}, "the default config")
    base = {**plan.base, **{name: value for name, value in one.symbols.items() if name not in plan.base}}
    return Evidence(plan, base, one, guards=plan.guards, least=dict(plan.least))


def observe(e: Evidence, values: Mapping[str, Number]) -> Trace:
    """The run at *values*, with the pinned fields as plain numbers.

    Raises:
        DerivationError: there is no such model.
    """
    limit = 6 * len(e.default.parameters) + 2000  # sizes may be numbers of things
    structure = {n: values[n] for n in e.structural if n in values}
    for smaller in e.journal.too_large:
        if structure and smaller.keys() == structure.keys() and all(structure[n] >= v for n, v in smaller.items()):
            raise TooManyTensorsError(f"{e.plan.cls.__name__} has too many tensors at fewer layers already")
    try:
        return run(e.plan, {**values, **e.pinned}, _place(e, values), limit)
    except TooManyTensorsError:
        e.journal.too_large.append(structure)
        raise


def run(plan: Plan, values: Mapping[str, Number], place: str, limit: int | None = None) -> Trace:
    """The run at *values*, which *place* says in words; made once.

    Raises:
        DerivationError: there is no such model.
    """
    known = plan.journal.runs
    key = id(plan.source), frozenset(plan.pinned), frozenset(values.items())
    if key not in known and (found := _as_pinned(plan, values)) is not None:
        known[key] = plan.source, found
    if key not in known:
        try:
            found = trace(plan.cls, plan.source, values=values, frozen=tuple(plan.pinned), limit=limit)
        except ConfigRefusedError as error:
            known[key] = plan.source, error
            plan.journal.note(f"refused by the config: {place}")
        except DerivationError as error:
            known[key] = plan.source, error
            plan.journal.note(f"run: {place}; refused by the model")
        else:
            known[key] = plan.source, found
            plan.journal.note(f"run: {place}; {len(found.parameters)} parameters")
    _, result = known[key]
    if isinstance(result, DerivationError):
        raise result
    return result


def stand_in(plan: Plan, one: Trace, values: Mapping[str, Number]) -> Trace:
    """A run as that of the default config, where fields that nobody read have the *values* that they have there."""
    there = replace(one, symbols={**one.symbols, **values})
    plan.journal.runs[id(plan.source), frozenset(plan.pinned), frozenset({**plan.base, **plan.pinned}.items())] = (
        plan.source,
        there,
    )
    return there


def _as_pinned(plan: Plan, values: Mapping[str, Number]) -> Trace | None:
    """The run at *values* that was made while some of what is pinned now was not; `None` if there is none."""
    own = set(plan.pinned)
    for (source, pinned, then), (_, one) in plan.journal.runs.items():
        if source == id(plan.source) and pinned <= own and isinstance(one, Trace):
            same = {**dict(then), **one.symbols}
            if all(same.get(n) == v for n, v in values.items()) and one.symbols.keys() <= values.keys():
                return next(iter(kept([one], plan.pinned)), None)
    return None


def _place(e: Evidence, values: Mapping[str, Number]) -> str:
    """Where a run is, in words: the fields that decide the structure, and how many others are not as by default."""
    own = {*e.structural, *likely_depths(e.base)}
    moved = [n for n, v in values.items() if n in e.base and v != e.base[n] and n not in e.pinned]
    named = [f"{n} = {values[n]}" for n in moved if n in own]
    others = len(moved) - len(named)
    said = [", ".join(named)] if named else []
    return " and ".join([*said, f"{others} other fields moved"] if others else said) or "the default config"


def possible(e: Evidence, candidates: Iterable[Mapping[str, Number]]) -> Trace | None:
    """The run at the first of *candidates* at which the model can be constructed."""
    for values in candidates:
        try:
            return observe(e, values)
        except DerivationError:
            continue
    return None


def shallow(e: Evidence, fields: Sequence[str], start: int = 2) -> dict[str, Number]:
    """Small values of the depth *fields*, none of which is less than it can be; see `depth_points`.

    Where nothing is seen to be counted, all move upwards, so that no sum of them stays as it is.
    """
    counted = {*depth_fields(e.default), *e.plan.discovered}
    points = depth_points([n for n in fields if n in counted], e.base, start)
    points |= {n: v for n in points if (v := _dividing(e, n, start)) is not None}
    hidden = (n for n in fields if n not in counted)  # what only a name says, and what may count without a trace of it
    points |= {n: e.base[n] + (2 << min(i, MOVES) if e.base[n] else 0) for i, n in enumerate(hidden)}
    return {n: v if v >= (low := e.least.get(n, 0)) else low + (low == e.base[n]) for n, v in points.items()}


def _dividing(e: Evidence, name: str, start: int) -> int | None:
    """The *start*-th value of a depth of which a part is counted, `range((depth - 2) // 6)`, without a remainder.

    `None` if the depth is not divided.
    """
    asked = [c for c in model_conditions(e.default) if c.relation == "divides" and c.symbols == {name}]
    uses = [use.node for use in e.default.structural if use.kind in COUNTING and free_symbols(use.node) == {name}]
    if not asked or not uses or any(use.op == "sym" for use in uses):
        return None
    near = (v for v in range(1, int(e.base[name]) + FAR) if v != e.base[name])
    whole = (v for v in near if all(holds(c, {name: v}) for c in asked))
    some = (v for v in whole if all((value_at(use, {name: v}) or 0) >= 1 for use in uses))
    return next(islice(some, start - 1, None), None)


def more_runs(e: Evidence, number: int, rng: random.Random, enough: int | None = None) -> Evidence:
    """With up to *number* runs more at small depths, all other fields at random places of the domain known so far.

    As soon as there are *enough* that can be compared, no more.
    """
    chosen = [name for name in e.structural if name in set(selectors(e.default, e.depths, shape_symbols(e.traces)))]
    depths = [name for name in e.structural if name not in chosen]
    for index in range(number):
        if chosen:
            structure = selector_points(chosen, depths, e.base, e.default, rng, least=e.least)
        else:
            structure = shallow(e, rng.sample(depths, len(depths)), 1 + index % 3)
        found = _moved(e, structure, rng)
        if found is not None:
            e = e.with_traces(comparable(e, [*e.traces, found]))
        if enough is not None and len(e.traces) >= enough:
            break
    return e


def drawn(
    e: Evidence, fields: Sequence[str], conditions: Sequence[Condition], rng: random.Random, *, attempts: int,
    share: float = 1.0, known: Mapping[str, Number] = MappingProxyType({}),
) -> dict[str, Number]:  # fmt: skip
    """A random place at which no division is exact that is not so by default: 385 pixels in patches of 16.

    What is *known* of the other fields stays as it is.
    """
    inexact = [c for c in divisions_in(shape_nodes([e.default])) if not holds(c, e.base)]
    conditions = [*conditions, *(replace(c, relation="not divides") for c in inexact)]
    for _ in range(REDRAWN):
        values = sample({**e.base, **known}, fields, conditions, rng, attempts=attempts, share=share)
        if not any(holds(c, values) for c in inexact):
            break
    return values


def _moved(e: Evidence, structure: Mapping[str, Number], rng: random.Random) -> Trace | None:
    """A run at this *structure*, with as many other fields elsewhere as the model admits."""
    asked = [*e.asked, *e.insisted]
    hard = [c for c in asked if c.relation in ("divides", "==")]
    in_shapes = shape_symbols(e.traces)
    widths = [n for n in e.free if n in in_shapes]
    moves = ((e.free, asked, 60, 1.0), (e.free, hard, 40, 1.0), (e.free, asked, 60, 0.5), (widths, asked, 80, 1.0))
    places = (drawn(e, fields, conditions, rng, attempts=tries, share=share)
              for fields, conditions, tries, share in moves)  # fmt: skip
    found = possible(e, [{**next(places), **structure}])
    if found is not None:
        return found
    if (still := possible(e, [{**e.base, **structure}])) is None:  # it is the structure that transformers refuses
        return None
    return possible(e, ({**values, **structure} for values in places)) or still


def feasible_depths(
    e: Evidence, fields: Sequence[str], known: Mapping[str, Number]
) -> tuple[dict[str, Number], Evidence]:
    """For each of the depth *fields* a small value, or if there is none (another field names its last layer) a larger.

    Halved until only those are left that are refused; what is *known* of the others is small already. The evidence
    knows then which depths cannot be less than by default.
    """
    several = {**known, **shallow(e, fields)}
    if len(fields) == 1:
        (name,) = fields
        values = [v for v in (2, 5, 10, int(e.base[name]) + 1) if e.base[name] and v >= e.least.get(name, 0)]
        found = next((v for v in values if possible(e, [{**e.base, **known, name: v}]) is not None), None)
        if found is None:
            return dict(known), e
        least = {**e.least, name: int(e.base[name])} if found > e.base[name] else e.least
        return {**known, name: found}, replace(e, least=least)
    if not fields or possible(e, [{**e.base, **several}]) is not None:
        return several, e
    half = len(fields) // 2
    first, e = feasible_depths(e, fields[:half], known)
    return feasible_depths(e, fields[half:], first)


def comparable(e: Evidence, traces: Sequence[Trace]) -> list[Trace]:
    """Without the runs at which a division or a comparison came out otherwise than by default: of another model."""
    guarded = [t for t in traces if all(holds(c, t.symbols) for c in e.guards)]
    return _same_branches(e, _same_divisions(e, guarded))


def _same_branches(e: Evidence, traces: Sequence[Trace]) -> list[Trace]:
    """Without the runs at which a comparison of sizes came out otherwise than it does by default.

    `if embedding_size != hidden_size` adds a projection: on the other side of it stands another model.
    """
    fixed = [c for c in e.asked if not c.symbols <= set(e.structural)]
    return [t for t in traces if all(holds(c, t.symbols) for c in fixed)]


def _same_divisions(e: Evidence, traces: Sequence[Trace]) -> list[Trace]:
    """Without the runs at which a division came out otherwise than it does by default.

    `H // A` is `H/A` where A divides H and a floor elsewhere. The formula is meant for the side on which the model's
    default is; a layer that the first runs did not show may reveal such a division late.
    """
    divisions = divisions_in(shape_nodes(traces))
    by_default = {c: holds(c, e.base) for c in divisions}
    return [t for t in traces if all(holds(c, t.symbols) == known for c, known in by_default.items())]
