"""Tables: how many parameters of a row are made in an iteration, by what is true of the indices; their closed forms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.path import Condition, Loop
from symcount.concolic.values.predicates import Predicate, index_tuples
from symcount.concolic.values.rewriting import collected
from symcount.derivation.counting import Assumptions, count, triangle, trips

__all__ = ["Iterations", "Known", "Table", "Truth", "iterations"]

Truth = tuple[bool | None, ...]


@dataclass(frozen=True)
class Iterations:
    """The iterations of some loops, and what is true in each; a predicate is evaluated once, whoever asks for it.

    Attributes:
        places: values of fields and indices in each iteration.
        columns: truth of a predicate in each iteration.
    """

    places: Sequence[Mapping[str, Any]]
    columns: dict[Predicate, list[bool | None]] = field(default_factory=dict)

    def truth(self, predicate: Predicate) -> list[bool | None]:
        """Whether a predicate is true, iteration by iteration."""
        if predicate not in self.columns:
            self.columns[predicate] = [predicate.holds(place) for place in self.places]
        return self.columns[predicate]

    def truths(self, predicates: Sequence[Predicate]) -> Iterable[Truth]:
        """What is true of several predicates, iteration by iteration."""
        return zip(*map(self.truth, predicates), strict=True) if predicates else repeat((), len(self.places))


#: What is known of the iterations of nests of loops, all at the same values of the fields.
Known = dict[tuple[Loop, ...], Iterations]


@dataclass(frozen=True)
class Table:
    """How many parameters of a row are made in an iteration of some loops, by what is true of its indices.

    Attributes:
        loops: the loops, the outermost first.
        predicates: on their indices, and on fields.
        numbers: truth of each predicate -> number of parameters.
        others: what else was asked in these loops -> the answers seen, each with what was true of the predicates.
        supposed: whether the code asked nothing that explains the numbers; see `symcount.derivation.index_sets`.
        tried: number of iterations beyond which nothing is known; zero for none.
    """

    loops: tuple[Loop, ...]
    predicates: tuple[Predicate, ...]
    numbers: Mapping[Truth, int]
    others: Mapping[Predicate, frozenset[tuple[Truth, bool | None]]] = field(default_factory=dict)
    supposed: bool = False
    tried: int = 0

    def number(self, values: Mapping[str, Any], known: Known | None = None) -> int | None:
        """The exact number of parameters at *values* of the fields; `None` if an iteration is like none seen so far.

        Args:
            values: of the fields.
            known: what is known of other tables at the same values, which is used and added to.
        """
        total = 0
        for truth in self._truths(values, {} if known is None else known):
            if truth not in self.numbers:
                return None
            total += self.numbers[truth]
        return total

    def _truths(self, values: Mapping[str, Any], known: Known) -> Iterable[Truth]:
        """What is true in each iteration."""
        if self.loops not in known:
            known[self.loops] = Iterations(list(iterations(self.loops, values)))
        return known[self.loops].truths(self.predicates)

    def closed(self, assumed: Assumptions) -> Node | None:
        """The number as an expression in the fields, if the rules of counting have one."""
        if not self.predicates and len(self.loops) > 1 and (summed := triangle(*self.loops[-2:])) is not None:
            outer = Table(self.loops[:-2], (), self.numbers).closed(assumed)
            return outer and collected(ex.mul(outer, summed))
        names = {loop.name for loop in self.loops}
        dependent = any(names & free_symbols(bound) for loop in self.loops for bound in loop.bounds)
        if dependent or any(len(names & p.symbols) != 1 for p in self.predicates):
            return None
        if self.tried:
            assumed.taken.setdefault(Condition("<=", self.loops[0].bounds[1], ex.const(self.tried), ""))
        most = Counter(self.numbers.values()).most_common(1)[0][0]
        ways = [self._counted(usual, assumed) for usual in dict.fromkeys((0, most))]
        return min((way for way in ways if way is not None), key=lambda way: len(str(way)), default=None)

    def _counted(self, usual: int, assumed: Assumptions) -> Node | None:
        """The number: *usual* everywhere, and more or fewer in some iterations."""
        parts: list[tuple[int, Mapping[Predicate, bool]]] = [(usual, {})]
        for truth, number in self.numbers.items():
            parts.append((number - usual, dict(zip(self.predicates, map(bool, truth), strict=True))))
        total: Node = ex.const(0)
        for number, truths in parts:
            times: Node = ex.const(number)
            for loop in self.loops if number else ():
                own = {p: truth for p, truth in truths.items() if loop.name in p.symbols}
                found = count(loop, own, assumed) if own else trips(loop, assumed)
                if found is None:
                    return None
                times = ex.mul(times, found)
            total = ex.add(total, times)
        return collected(total)


def iterations(loops: Sequence[Loop], values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The values of fields and indices in each iteration of *loops*."""
    for indices in index_tuples(loops, values):
        yield {**values, **{loop.name: index for loop, index in zip(loops, indices, strict=True)}}
