"""Where a class is traced: small depths, all other fields at random places of the domain known so far."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from symcount.derive import expression as ex
from symcount.derive.configs import Number
from symcount.derive.derivation import Derivation
from symcount.derive.expression import free_symbols
from symcount.derive.points import holds, sample
from symcount.derive.recording import Condition
from symcount.derive.selecting import selector_points, selectors
from symcount.derive.structure import (
    depth_fields,
    depth_points,
    divisions_in,
    likely_depths,
    shape_nodes,
    shape_symbols,
)
from symcount.derive.templates import collect
from symcount.derive.trace import Trace, trace
from symcount.errors import DerivationError

REDRAWN = 8  # times that a point is drawn again
MOVES = 3  # sizes of moves, each larger than the ones before together
PATIENCE = 2  # times in a row that a way to move the other fields may be refused

__all__ = [
    "comparable",
    "drawn",
    "feasible_depths",
    "least_depth",
    "more_traces",
    "possible",
    "shallow",
    "trace_with",
    "traced",
]


def traced(d: Derivation, values: Mapping[str, Number]) -> Trace:
    """The trace at *values*, with the pinned fields as plain numbers."""
    limit = 6 * len(d.default.parameters) + 2000 if d.default else None  # sizes may be numbers of things
    try:
        found = trace(d.cls, d.source, values={**values, **d.pinned}, frozen=tuple(d.pinned), limit=limit)
    except DerivationError:
        d.note(f"run: {_place(d, values)}; refused by the model or its config")
        raise
    d.note(f"run: {_place(d, values)}; {len(found.parameters)} parameters")
    return found


def _place(d: Derivation, values: Mapping[str, Number]) -> str:
    """Where a run is, in words: the fields that decide the structure, and how many others are not as by default."""
    if not d.base:
        return "the default config"
    own = {*d.structural, *likely_depths(d.base)}
    moved = [n for n, v in values.items() if n in d.base and v != d.base[n] and n not in d.pinned]
    named = [f"{n} = {values[n]}" for n in moved if n in own]
    others = len(moved) - len(named)
    said = [", ".join(named)] if named else []
    return " and ".join([*said, f"{others} other fields moved"] if others else said) or "the default config"


def possible(d: Derivation, candidates: Iterable[Mapping[str, Number]]) -> Trace | None:
    """The trace at the first of *candidates* at which the model can be constructed."""
    for values in candidates:
        try:
            return traced(d, values)
        except DerivationError:
            continue
    return None


def shallow(d: Derivation, fields: Sequence[str], start: int = 2) -> dict[str, Number]:
    """Small values of the depth *fields*, none of which is less than it can be; see `depth_points`.

    Where nothing is seen to be counted, all move upwards, so that no sum of them stays as it is.
    """
    counted = set(fields) if d.default is None else {*depth_fields(d.default), *d.discovered}
    points = depth_points([n for n in fields if n in counted], d.base, start)
    hidden = (n for n in fields if n not in counted)  # what only a name says, and what may count without a trace of it
    points |= {n: d.base[n] + (2 << min(i, MOVES) if d.base[n] else 0) for i, n in enumerate(hidden)}
    return {n: v if v >= (low := d.least.get(n, 0)) else low + (low == d.base[n]) for n, v in points.items()}


def more_traces(d: Derivation, number: int, rng: random.Random, enough: int | None = None) -> None:
    """Add up to *number* traces at small depths, all other fields at random places of the domain known so far.

    As soon as there are *enough* that can be compared, no more.
    """
    first = d.default or d.traces[0]
    chosen = [name for name in d.structural if name in set(selectors(first, d.depths(), shape_symbols(d.traces)))]
    depths = [name for name in d.structural if name not in chosen]
    for index in range(number):
        if chosen:
            structure = selector_points(chosen, depths, first, rng, least=d.least)
        else:
            structure = shallow(d, rng.sample(depths, len(depths)), 1 + index % 3)
        found = trace_with(d, structure, rng)
        if found is not None:
            d.traces = comparable(d, [*d.traces, found])
        if enough is not None and len(d.traces) >= enough:
            break


def drawn(
    d: Derivation, fields: Sequence[str], conditions: Sequence[Condition], rng: random.Random, *, attempts: int,
    share: float = 1.0, known: Mapping[str, Number] = MappingProxyType({}),
) -> dict[str, Number]:  # fmt: skip
    """A random place at which no division is exact that is not so by default: 385 pixels in patches of 16.

    What is *known* of the other fields stays as it is.
    """
    inexact = [c for c in divisions_in(shape_nodes([d.default])) if not holds(c, d.base)] if d.default else []
    conditions = [*conditions, *(replace(c, relation="not divides") for c in inexact)]
    for _ in range(REDRAWN):
        values = sample({**d.base, **known}, fields, conditions, rng, attempts=attempts, share=share)
        if not any(holds(c, values) for c in inexact):
            break
    return values


def trace_with(d: Derivation, structure: Mapping[str, Number], rng: random.Random) -> Trace | None:
    """A trace at this *structure*, all other fields at random places of the domain known so far."""
    asked = [*d.asked(), *d.insisted]
    hard = [c for c in asked if c.relation in ("divides", "==")]
    movable = d.free()
    in_shapes = shape_symbols(d.traces)
    widths = [n for n in movable if n in in_shapes]
    moves = (
        *((movable, asked, 60, 1.0), (movable, hard, 40, 1.0), (movable, asked, 60, 0.5)),
        *((widths, asked, 80, 1.0), (widths, asked, 80, 0.5)),
    )

    def moved(index: int) -> Trace | None:
        fields, conditions, tries, share = moves[index]
        values = drawn(d, fields, conditions, rng, attempts=tries, share=share)
        found = possible(d, [{**values, **structure}])
        d.refused[index] = 0 if found is not None else d.refused[index] + 1
        return found

    first, *others = [i for i in range(len(moves)) if d.refused[i] < PATIENCE] or range(len(moves))
    before = d.refused[first]
    if (found := moved(first)) is not None:
        return found
    if (still := possible(d, [{**d.base, **structure}])) is None:
        d.refused[first] = before  # if nothing else moved, it is the structure that transformers refuses
        return None
    return next((found for i in others if (found := moved(i)) is not None), still)


def feasible_depths(
    d: Derivation, fields: Sequence[str], known: Mapping[str, Number] = MappingProxyType({})
) -> dict[str, Number]:
    """For each of the depth *fields* a small value, or if there is none (another field names its last layer) a larger.

    Halved until only those are left that are refused; what is *known* of the others is small already. Notes the depths
    that cannot be less than by default.
    """
    several = shallow(d, fields)
    if len(fields) == 1:
        (name,) = fields
        values = [v for v in (2, 5, 10, int(d.base[name]) + 1) if d.base[name] and v >= d.least.get(name, 0)]
        found = next((v for v in values if possible(d, [{**d.base, **known, name: v}]) is not None), None)
        if found is None:
            return dict(known)
        if found > d.base[name]:
            d.least[name] = int(d.base[name])
        return {**known, name: found}
    if not fields or possible(d, [{**d.base, **known, **several}]) is not None:
        return {**known, **several}
    half = len(fields) // 2
    return feasible_depths(d, fields[half:], feasible_depths(d, fields[:half], known))


def comparable(d: Derivation, traces: list[Trace]) -> list[Trace]:
    """Without the traces at which a division or a comparison came out otherwise than by default: of another model."""
    return _same_branches(d, _same_divisions(d, traces))


def least_depth(d: Derivation) -> dict[str, int]:
    """Depth fields below which the multiplicities do not hold, with the smallest depth that was tried."""
    depths = set(d.depths())
    fields = [n for n in d.structural if n in depths and d.base[n]]
    if not d.shallow:
        return d.least
    traces = [t for t in comparable(d, [*d.traces, *d.shallow]) if all(holds(c, t.symbols) for c in d.guards)]
    counts = collect(traces).counts
    for index in range(len(d.traces), len(traces)):
        values = {row: ex.value_at(times, traces[index].symbols) for row, times in d.times.items()}
        outside = any(
            value is None or value < 0 for value in values.values()
        )  # then the domain excludes this depth anyway
        if not outside and any(value != counts[row][index] for row, value in values.items() if row in counts):
            return {**{n: min(int(t.symbols[n]) for t in d.traces) for n in fields}, **d.least}
    return d.least


def _same_branches(d: Derivation, traces: list[Trace]) -> list[Trace]:
    """Without the traces at which a comparison of sizes came out otherwise than it does by default.

    `if embedding_size != hidden_size` adds a projection: on the other side of it stands another model.
    """
    fixed = [c for c in d.asked() if not (free_symbols(c.left) | free_symbols(c.right)) <= set(d.structural)]
    return [t for t in traces if all(holds(c, t.symbols) for c in fixed)]


def _same_divisions(d: Derivation, traces: list[Trace]) -> list[Trace]:
    """Without the traces at which a division came out otherwise than it does by default.

    `H // A` is `H/A` where A divides H and a floor elsewhere. The formula is meant for the side on which the model's
    default is; a layer that the first traces did not show may reveal such a division late.
    """
    divisions = divisions_in(shape_nodes(traces))
    by_default = {c: holds(c, d.base) for c in divisions}
    return [t for t in traces if all(holds(c, t.symbols) == known for c, known in by_default.items())]
