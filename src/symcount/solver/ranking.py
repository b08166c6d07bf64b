"""The best solutions so far, in exact order."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symcount.solver.budget import Budget
from symcount.solver.criteria import Criterion, Score, distance
from symcount.solver.polynomial import Columns
from symcount.solver.search import CHUNK, Search

__all__ = ["Ranking"]

Array = Any
_TOLD_APART = 1 << 51  # a/b and c/d differ by 1/(bd) at least: more than a float is wrong by


class Ranking:
    """The best solutions so far. Ties go to the smaller distance, then to the smaller values in notation order."""

    def __init__(
        self, search: Search, budgets: Sequence[Budget], criteria: Sequence[Criterion], limit: int | None
    ) -> None:
        self.number = 0
        self._search, self._budgets, self._limit = search, budgets, limit
        self._scores = [c.score for c in criteria] + [distance]
        letters = [e.letter for e in search.space.formula.notation if e.letter in search.ranges]
        self._letters = letters
        self._waiting: list[Columns] = []
        self._rows = 0

    def add(self, columns: Columns) -> None:
        """Take more solutions in."""
        rows = len(columns[self._letters[0]])
        self.number += rows
        self._waiting.append(columns)
        self._rows += rows
        if self._limit is not None and self._rows > max(4 * self._limit, CHUNK):
            self._reduce()

    def columns(self) -> Columns:
        """The best points, in order."""
        if not self._waiting:
            return Columns()
        self._reduce()
        [columns] = self._waiting
        return columns

    def scored(self) -> list[tuple[Fraction, ...]]:
        """What the best points are ranked by, for a comparison with those of another search."""
        columns = self.columns()
        keys = [_fractions(score) for score in self._scored(columns)]
        keys += [[Fraction(x) for x in columns[n].tolist()] for n in self._letters]
        return list(zip(*keys, strict=True))

    def _scored(self, columns: Columns) -> list[Score]:
        first = columns[self._letters[0]]
        scores = [score(self._search, self._budgets, columns) for score in self._scores]
        return [_pair(top, bottom, first) for top, bottom in scores]

    def _reduce(self) -> None:
        import numpy as np

        merged = Columns((n, np.concatenate([c[n] for c in self._waiting])) for n in self._letters)
        points = [merged[n] for n in self._letters]
        keys = [_ordinal(*score) for score in self._scored(merged)]
        keys += [_ordinal(column, np.ones_like(column)) for column in points]
        few = np.arange(len(points[0]))
        if self._limit is not None and len(few) > self._limit:  # most rows are out by the first criterion alone
            few = np.flatnonzero(keys[0] <= np.partition(keys[0], self._limit - 1)[self._limit - 1])
        order = few[np.lexsort([key[few] for key in keys[::-1]])][: self._limit]
        self._waiting = [Columns((n, c[order]) for n, c in merged.items())]
        self._rows = len(order)


def _pair(top: Array, bottom: Array, like: Array) -> Score:
    import numpy as np

    first, second, _ = np.broadcast_arrays(top, bottom, like)
    return first, second


def _fractions(score: Score) -> list[Fraction]:
    return [Fraction(a) / Fraction(b) for a, b in zip(score[0].tolist(), score[1].tolist(), strict=True)]


def _ordinal(top: Array, bottom: Array) -> Array:
    """Numbers of 64 bits in the order of the fractions `top / bottom`."""
    import numpy as np

    if object not in (top.dtype, bottom.dtype):
        if (bottom == 1).all():
            return top
        if int(abs(top).max()) * int(bottom.max()) < _TOLD_APART:
            return top / bottom  # equal fractions give one float, others give others, in their order
    elif np.all(bottom == 1):
        return np.unique(top, return_inverse=True)[1]
    pairs = list(zip(top.tolist(), bottom.tolist(), strict=True))
    values = {pair: Fraction(pair[0]) / Fraction(pair[1]) for pair in set(pairs)}
    rank = {value: i for i, value in enumerate(sorted(set(values.values())))}
    return np.array([rank[values[pair]] for pair in pairs], dtype=np.int64)
