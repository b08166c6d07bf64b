"""Where a class is traced: small depths, all other fields at random places of the domain known so far."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from symcount.derive import expression as ex
from symcount.derive.configs import Number
from symcount.derive.derivation import Derivation
from symcount.derive.expression import free_symbols
from symcount.derive.points import holds, sample
from symcount.derive.structure import (
    depth_points,
    divisions_in,
    selector_points,
    selectors,
    shape_nodes,
    shape_symbols,
)
from symcount.derive.templates import collect
from symcount.derive.trace import Trace, trace
from symcount.errors import DerivationError

__all__ = ["least_depth", "more_traces", "possible", "traced"]


def traced(d: Derivation, values: Mapping[str, Number]) -> Trace:
    """The trace at *values*, with the pinned fields as plain numbers."""
    limit = 20 * len(d.default.parameters) + 2000 if d.default else None  # sizes may be numbers of things
    return trace(d.cls, d.source, values={**values, **d.pinned}, frozen=tuple(d.pinned), limit=limit)


def possible(d: Derivation, candidates: Iterable[Mapping[str, Number]]) -> Trace | None:
    """The trace at the first of *candidates* at which the model can be constructed."""
    for values in candidates:
        try:
            return traced(d, values)
        except DerivationError:
            continue
    return None


def more_traces(d: Derivation, number: int, rng: random.Random, low: int = 0) -> None:
    """Add up to *number* traces, all fields at random places of the domain known so far.

    Depths are small; with *low* they are at least that, and traces at smaller depths are put aside: a model may
    treat its first or last few layers in another way, which very shallow ones cannot show.
    """
    first = d.default or d.traces[0]
    in_shapes = shape_symbols(d.traces)
    chosen = [name for name in d.structural if name in set(selectors(first, d.depths(), in_shapes))]
    depths = [name for name in d.structural if name not in chosen]
    movable = d.free()
    widths = [n for n in movable if n in in_shapes]
    for index in range(number):
        asked = d.asked()
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
        found = possible(d, candidates)
        if found is not None:
            d.traces.append(found)
    deep = [t for t in d.traces if all(t.symbols[n] >= low or not d.base[n] for n in depths if n in t.symbols)]
    if low and len(deep) > 2:
        d.shallow += [t for t in d.traces if t not in deep and t is not d.default]
        d.traces = deep if d.default in deep else [d.default, *deep] if d.default else deep
    d.traces = _same_branches(d, _same_divisions(d, d.traces))


def least_depth(d: Derivation) -> dict[str, int]:
    """Depth fields below which the multiplicities do not hold, with the smallest depth that was tried."""
    depths = set(d.depths())
    fields = [n for n in d.structural if n in depths and d.base[n]]
    if not d.shallow:
        return {}
    comparable = _same_branches(d, _same_divisions(d, [*d.traces, *d.shallow]))
    counts = collect(comparable).counts
    for index in range(len(d.traces), len(comparable)):
        values = {row: ex.evaluate(times, comparable[index].symbols) for row, times in d.times.items()}
        outside = any(value < 0 for value in values.values())  # then the domain excludes this depth anyway
        if not outside and any(value != counts[row][index] for row, value in values.items() if row in counts):
            return {n: min(int(t.symbols[n]) for t in d.traces) for n in fields}
    return {}


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
