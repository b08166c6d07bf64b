"""Probes: values of the structural fields at which a model is observed next, or at which explanations are compared."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from symcount.concolic.config.symbolic import Number
from symcount.concolic.values.expression import Node, free_symbols, value_at
from symcount.concolic.values.path import Loop
from symcount.concolic.values.predicates import Predicate, constants
from symcount.derivation.evidence import Evidence
from symcount.derivation.questions import hashed
from symcount.derivation.selectors import selector_points
from symcount.derivation.written_out import written_out

__all__ = [
    "DEEPEST",
    "FAR",
    "Structure",
    "around",
    "deep",
    "deep_enough",
    "edges",
    "far",
    "longer",
    "near",
    "usual_ones",
]

Structure = dict[str, Number]

PROBES: Final = 24  # random structures
DEEPEST: Final = 130  # layers up to which a question is asked what its answer would be
FAR: Final = 40  # iterations of loops that may have filled a list
PERIODIC: Final = 12  # the longest period that is supposed
SPAN: Final = 4  # depths that differ by less are near one another
LONGER: Final = (13, 11, 9, 7)  # iterations of a loop that makes another shape in each
DEEP: Final = DEEPEST  # iterations of a loop whose index was looked up
_DIVISORS: Final = 16  # a length that is computed is not a smaller part of a field
_SMALL: Final = 14  # values of a field that are tried for a question in which it is


def usual_ones(e: Evidence, rng: random.Random) -> list[Structure]:
    """Random structures with few layers, and some with many; the fields that the code compares keep their order."""
    depths = [n for n in e.structural if n in e.depths]
    chosen = [n for n in e.structural if n not in depths]
    found = [selector_points(chosen, depths, e.base, e.default, rng, least=e.least) for _ in range(PROBES)]
    usual = {n: e.base[n] for n in e.structural}
    return [*found, *({**usual, n: v} for n in depths for v in (7, 12, 25, 48) if e.base[n])]


def edges(e: Evidence) -> Iterator[Structure]:
    """Probes at the edge: very few layers, and fields that name the last layer or the one after it."""
    depths = [n for n in e.structural if n in e.depths]
    usual = {n: e.base[n] for n in e.structural}
    for depth in depths:
        for number in (1, 2, 3, 5):
            few = {**usual, depth: number}
            yield few
            for name in (n for n in e.structural if n not in depths):
                yield from ({**few, name: value} for value in (number - 1, number, number + 1) if value > 0)


def deep(e: Evidence, loops: Mapping[str, Loop]) -> Iterator[Structure]:
    """Probes with many iterations of loops whose index was looked up in a set, or written out: that shows only hits."""
    start = e.smallest.symbols
    for name in sorted({name for one in e.traces for name in hashed(one) | written_out(one)} & loops.keys()):
        fields = free_symbols(loops[name].bounds[1]) & set(e.structural)
        if all(max(t.symbols[n] for t in e.traces) < DEEP for n in fields):
            yield {n: DEEP if n in fields else start[n] for n in e.structural}


def far(e: Evidence, supposed: Sequence[Loop]) -> Iterator[Structure]:
    """Structures with many iterations of the *supposed* loops, of which no question explains what is made in them."""
    usual = {n: e.base[n] for n in e.structural}
    for loop in supposed:
        fields = free_symbols(loop.bounds[1]) & set(e.structural)
        divided = len(fields) == 1 and loop.bounds[1].op != "sym"
        lengths = (value_at(loop.bounds[1], t.symbols) or 0 for t in e.traces) if divided else ()
        most = max(map(int, lengths), default=max((int(t.symbols[n]) for t in e.traces for n in fields), default=FAR))
        if most < FAR:
            for number in (FAR + 1, FAR // 2 + 1, FAR // 4 + 1):
                if number > most:
                    deep = _least(loop.bounds[1], next(iter(fields)), number, usual) if divided else number
                    yield {n: deep if n in fields else usual[n] for n in e.structural}


def longer(e: Evidence, loops: Collection[Loop]) -> Iterator[Structure]:
    """Structures with more iterations of *loops*, of all and of each, the most first; all else is as by default."""
    usual = {n: e.base[n] for n in e.structural}
    fields = [
        name
        for loop in sorted(loops, key=lambda one: one.name)
        for name in sorted(free_symbols(loop.bounds[1]) & usual.keys())
    ]
    yield from ({**usual, **dict.fromkeys(fields, number)} for number in LONGER if fields)
    for name in fields:
        yield from ({**usual, name: number} for number in LONGER)


def near(e: Evidence, loops: Iterable[Loop]) -> bool:
    """Whether a field that bounds one of *loops* had nearly the same value in all runs."""
    bounding = {n for loop in loops for n in free_symbols(loop.bounds[1]) if n in e.structural}
    values = ([int(t.symbols[n]) for t in e.traces] for n in bounding)
    return any(max(numbers) - min(numbers) < SPAN for numbers in values)


def _least(length: Node, name: str, number: int, usual: Structure) -> int:
    """The least value of a field at which a *length* computed from it is *number* or more; that, if none is near."""
    near = range(number, _DIVISORS * number)
    return next((v for v in near if (value_at(length, {**usual, name: v}) or 0) >= number), number)


def deep_enough(e: Evidence, supposed: Sequence[Loop]) -> bool:
    """Whether a run has as many iterations as show every period, of each of the *supposed* loops."""
    lengths = ([value_at(loop.bounds[1], t.symbols) or 0 for t in e.traces] for loop in supposed)
    return all(max(numbers) >= PERIODIC for numbers in lengths)


def around(e: Evidence, p: Predicate, nest: Sequence[Loop], start: Structure) -> Iterator[Structure]:
    """Structures that differ from *start* in a field that the question, or the length of a loop, depends on."""
    bounding = {n for loop in nest for bound in loop.bounds for n in free_symbols(bound)}
    fields = [n for n in e.structural if n in bounding | p.symbols]
    near = {v + step for v in constants(p) for step in (0, 1, 2)}
    values = sorted({*range(1, _SMALL), *(v for v in near if 0 < v <= DEEPEST)})
    inner = nest[-1] if nest else None
    for name in fields:
        usual = values
        if inner is None or (name not in p.symbols and name in free_symbols(inner.bounds[1])):
            usual = list(range(1, DEEPEST))
        for value in usual:
            yield {**start, name: value}
    for i, name in enumerate(fields):
        for other in fields[i + 1 :]:
            for value in values[:_SMALL]:
                for more in values[:_SMALL]:
                    yield {**start, name: value, other: more}
