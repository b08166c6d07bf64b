"""Which iterations of a loop satisfy some predicates, as arithmetic progressions: a first index, a step and a number.

Where a size depends on the index, it does not suffice to know how many iterations there are. What
`symcount.derivation.counting` counts is here a few progressions: bounds move the ends, what is not one index is what
is below it and above it, and a class of remainders by p has the step p.

>>> from symcount.derivation.literals import ZERO
>>> i, n = ex.symbol("#0"), ex.symbol("layers")
>>> loop, assumed = Loop("#0", "doctest", (ZERO, n, ONE), ()), Assumptions({"layers": 12})
>>> for one in progressions(loop, {Predicate("divides", ex.const(3), ex.add(i, ONE)): True}, assumed):
...     print(*one)
2 3 (layers // 3)
>>> for one in progressions(loop, {Predicate("==", i, ex.const(2)): False}, assumed):
...     print(*one)
0 1 2
3 1 (layers + -3)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols, value_at
from symcount.concolic.values.path import Loop
from symcount.concolic.values.predicates import Predicate
from symcount.concolic.values.rewriting import collected
from symcount.derivation.counting import count, larger, merged, smaller, trips, within
from symcount.derivation.literals import (
    ONE,
    Assumptions,
    Bound,
    Equal,
    Interval,
    Literal,
    Remainders,
    Residues,
    literal,
)
from symcount.derivation.tables import Table

__all__ = ["Progression", "Series", "progressions", "series"]

_MOST: Final = 12  # progressions that one row is the sum of


class Progression(NamedTuple):
    """The indices *first*, *first + step*, …, so many."""

    first: Node
    step: Node
    number: Node


@dataclass(frozen=True)
class Series:
    """The iterations of one loop in which parameters are made whose size depends on its index.

    Attributes:
        loop: the symbol of its index.
        indices: which.
        times: how many parameters in each.
    """

    loop: str
    indices: Progression
    times: Node

    def at(self, values: Mapping[str, Any]) -> list[int] | None:
        """The index of each parameter at *values* of the fields; `None` where there is none to speak of."""
        first, step, number, times = (value_at(node, values) for node in (*self.indices, self.times))
        if not all(isinstance(n, int) for n in (first, step, number, times)):
            return None
        return [i for i in range(first, first + step * number, step) for _ in range(times)] if number > 0 else []  # type: ignore[operator, arg-type]


def series(table: Table, name: str, assumed: Assumptions) -> list[Series] | None:
    """The iterations of the loop *name* that a table counts; `None` where they are no progressions."""
    names = {loop.name for loop in table.loops}
    own = next((loop for loop in table.loops if loop.name == name), None)
    dependent = any(names & free_symbols(bound) for loop in table.loops for bound in loop.bounds)
    if own is None or dependent or any(len(names & p.symbols) != 1 for p in table.predicates):
        return None
    found: list[Series] = []
    for truth, number in table.numbers.items():
        if not number:
            continue
        truths = dict(zip(table.predicates, map(bool, truth), strict=True))
        times: Node = ex.const(number)
        for loop in table.loops:
            if loop is not own:
                about = {p: said for p, said in truths.items() if loop.name in p.symbols}
                iterations = count(loop, about, assumed) if about else trips(loop, assumed)
                if iterations is None:
                    return None
                times = ex.mul(times, iterations)
        several = progressions(own, {p: said for p, said in truths.items() if name in p.symbols}, assumed)
        if several is None:
            return None
        found += [Series(name, one, collected(times)) for one in several]
    return found if len(found) <= _MOST else None


def progressions(loop: Loop, predicates: Mapping[Predicate, bool], assumed: Assumptions) -> list[Progression] | None:
    """The indices of *loop* at which *predicates* are true, or false, as said; `None` if not known."""
    first, last, step = loop.bounds
    if not predicates:
        number = trips(loop, assumed)
        return None if number is None else [Progression(first, step, number)]
    if step is not ONE:
        return None
    literals = [literal(predicate, loop.name, truth, assumed) for predicate, truth in predicates.items()]
    known = [one for one in literals if one is not None]
    return _found(first, last, known, assumed) if len(known) == len(literals) else None


def _found(first: Node, last: Node, literals: Sequence[Literal], assumed: Assumptions) -> list[Progression] | None:
    for one in literals:
        others = [other for other in literals if other is not one]
        match one:
            case Interval(begin, end, True):
                both = [Bound(begin, upper=False), Bound(end, upper=True)]
                return _found(first, last, [*others, *both], assumed)
            case Interval(begin, end, False):
                return _either(first, last, others, (Bound(begin, upper=True), Bound(end, upper=False)), assumed)
            case Equal(value, True):
                beside = [Bound(value, upper=False), Bound(collected(ex.add(value, ONE)), upper=True)]
                return _found(first, last, [*others, *beside], assumed)
            case Equal(value, False):
                beyond = collected(ex.add(value, ONE))
                return _either(first, last, others, (Bound(value, upper=True), Bound(beyond, upper=False)), assumed)
            case Bound(least, True):
                last = smaller(least, last, assumed)
            case Bound(least, False):
                first = larger(least, first, assumed)
    last = larger(last, first, assumed)
    if last is first:
        return []
    classes = merged([one for one in literals if isinstance(one, Residues | Remainders)])
    if not classes:
        return [Progression(first, ONE, collected(ex.sub(last, first)))]
    return _of_class(first, last, classes[0], assumed) if len(classes) == 1 else None


def _either(
    first: Node, last: Node, others: Sequence[Literal], sides: Iterable[Literal], assumed: Assumptions
) -> list[Progression] | None:
    """The indices on one side, and those on the other."""
    both = [_found(first, last, [*others, side], assumed) for side in sides]
    return None if any(one is None for one in both) else [p for one in both if one is not None for p in one]


def _of_class(first: Node, last: Node, one: Residues | Remainders, assumed: Assumptions) -> list[Progression] | None:
    if isinstance(one, Remainders):
        those = [i for i in range(one.period) if (i in one.those) is one.truth]
        single = [Residues(ex.const(one.period), ex.const(-i % one.period), ONE, truth=True) for i in those]
        parts = [_of_class(first, last, part, assumed) for part in single] if len(those) <= _MOST else [None]
        return None if None in parts else [p for part in parts if part is not None for p in part]
    if one.width is ONE and one.truth:
        number = within(first, last, [one], assumed)
        beyond = collected(ex.add(ex.add(first, one.shift), ex.sub(one.period, ONE)))
        start = collected(ex.sub(ex.mul(one.period, ex.floordiv(beyond, one.period)), one.shift))
        return None if number is None else [Progression(start, one.period, number)]
    if one.period.op == "const" and one.width.op == "const":
        period, width = int(one.period.args[0]), int(one.width.args[0])
        rests = [r for r in range(period) if (r < width) is one.truth]
        parts = [
            _of_class(first, last, replace(one, shift=collected(ex.sub(one.shift, ex.const(r))), width=ONE, truth=True),
                      assumed) for r in rests
        ]  # fmt: skip
        return None if None in parts else [p for part in parts if part is not None for p in part]
    return None
