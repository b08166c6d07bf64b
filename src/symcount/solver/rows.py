"""Solutions as rows: kept as columns of numbers, and put together one by one when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, overload

from symcount.errors import StructureError
from symcount.exact.evaluate import compile_scalar
from symcount.solver.budget import Budget
from symcount.solver.columns import column
from symcount.solver.polynomial import Columns
from symcount.solver.search import Search, totals
from symcount.solver.sizes import main_sizes
from symcount.solver.solution import Solution

__all__ = ["Part", "Rows"]

_BLOCK = 4096  # rows that are put together at once
Array = Any


@dataclass(frozen=True)
class Part:
    """The solutions of one search, in columns by letter."""

    search: Search
    columns: Columns

    def solutions(self, rows: Array, budgets: Sequence[Budget]) -> list[Solution]:
        """Those at the places *rows*, in full."""
        space = self.search.space
        formula, rules = space.formula, space.rules
        free = Columns((n, c[rows]) for n, c in self.columns.items())
        letters = [e.letter for e in formula.notation if e.letter in free or e.letter in rules.known]
        values = [self._values(letter, free) for letter in letters]
        conventions = [b.convention for b in budgets]
        counts = [totals(convention, self.search, free).tolist() for convention in conventions]
        width, depth = main_sizes(formula)
        ratio = (width, depth) if {width, depth} <= set(letters) else None
        target = budgets[0].target
        known = [dict(zip(letters, row, strict=True)) for row in zip(*values, strict=False)]
        return [
            Solution(
                row,
                dict(zip(conventions, count, strict=True)),
                target,
                ratio,
                formula,
                space.beside,
                space.lists_at(row),
            )
            for row, count in zip(known, zip(*counts, strict=True), strict=True)
        ]

    def _values(self, letter: str, free: Columns) -> Any:
        """The values of one symbol: a list, or one number over and over."""
        rules = self.search.space.rules
        if letter in free:
            own = rules.free[letter]
            return [own.number(x) for x in free[letter].tolist()] if own.parts else free[letter].tolist()
        if letter in rules.fixed:
            return repeat(rules.fixed[letter])
        expression = rules.in_free(letter)
        try:
            found = column(expression, free, rules.fixed, rules.free)
        except (StructureError, ZeroDivisionError):
            value = compile_scalar(expression)
            points = zip(*(c.tolist() for c in free.values()), strict=True)
            return [value({**rules.fixed, **rules.exact(dict(zip(free, point, strict=True)))}) for point in points]
        return found.numbers(len(next(iter(free.values()))))


class Rows(Sequence[Solution]):
    """Solutions in their order. A slice is of the same kind, and nothing is put together before it is looked at.

    Args:
        parts: the solutions of each search.
        places: for each row the number of its part, and its place there: two arrays.
        budgets: what is counted.
    """

    def __init__(self, parts: Sequence[Part], places: tuple[Array, Array], budgets: Sequence[Budget]) -> None:
        self._parts, self._places, self._budgets = parts, places, tuple(budgets)

    def __len__(self) -> int:
        return len(self._places[0])

    @overload
    def __getitem__(self, index: int) -> Solution: ...
    @overload
    def __getitem__(self, index: slice) -> Rows: ...
    def __getitem__(self, index: int | slice) -> Solution | Rows:
        if isinstance(index, slice):
            return Rows(self._parts, (self._places[0][index], self._places[1][index]), self._budgets)
        place = range(len(self))[index]
        return self._block(place, place + 1)[0]

    def __iter__(self) -> Iterator[Solution]:
        for start in range(0, len(self), _BLOCK):
            yield from self._block(start, start + _BLOCK)

    def _block(self, start: int, stop: int) -> list[Solution]:
        import numpy as np

        of, at = (places[start:stop] for places in self._places)
        found: list[Any] = [None] * len(of)
        for number in np.unique(of).tolist():
            where = np.flatnonzero(of == number)
            solutions = self._parts[number].solutions(at[where], self._budgets)
            for place, solution in zip(where.tolist(), solutions, strict=True):
                found[place] = solution
        return found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rows | tuple | list):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # like a list

    def __repr__(self) -> str:
        few = ", ".join(repr(s) for s in self[:3])
        return f"[{few}{', …' if len(self) > 3 else ''}]"
