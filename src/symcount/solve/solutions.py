"""The answer: all solutions, the best of them in full; or that there is none, and what comes nearest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from symcount.domain import Condition
from symcount.formula import Formula
from symcount.solve.budget import Budget
from symcount.solve.closed import ClosedForm
from symcount.solve.ranges import Range
from symcount.solve.space import Space

__all__ = ["Neighbours", "Solution", "Solutions"]


@dataclass(frozen=True)
class Solution:
    """One config.

    Attributes:
        values: of every symbol that has one, by letter.
        counts: the number of parameters under each convention that was asked for.
        deviation: count minus budget, of the first budget.
        relative: the same as a share of the budget.
        aspect: H/N, where the formula has both.
        formula: what counts it; a class may have several, of which the numbers choose one.
    """

    values: Mapping[str, Any]
    counts: Mapping[str, int]
    deviation: int
    relative: Fraction
    aspect: Fraction | None
    formula: Formula = field(repr=False, compare=False)

    @property
    def count(self) -> int:
        """The number of parameters under the first convention."""
        return next(iter(self.counts.values()))


@dataclass(frozen=True)
class Neighbours:
    """The configs with the nearest counts below and above a budget's window, all else admissible."""

    budget: Budget
    below: Solution | None
    above: Solution | None


@dataclass(frozen=True)
class Solutions:
    """What a search found. Iterating gives the best solutions, in order.

    Attributes:
        spaces: what was searched: one space for each formula that the class may have there.
        budgets: the windows of counts.
        ranges: of the free symbols, open ones as far as the budget reaches.
        number: how many solutions there are.
        best: the first of them by rank.
        complete: whether the whole space was searched; false after an interrupt.
        neighbours: where there is no solution, what comes nearest, for each budget; with one free symbol always, and
            measured from the number that was asked for.
        closed_form: with one free symbol, its closed form, where there is one.
    """

    spaces: tuple[Space, ...]
    budgets: tuple[Budget, ...]
    ranges: Mapping[str, Range]
    number: int
    best: tuple[Solution, ...]
    complete: bool = True
    neighbours: tuple[Neighbours, ...] = ()
    closed_form: ClosedForm | None = None

    def __iter__(self) -> Iterator[Solution]:
        return iter(self.best)

    def __len__(self) -> int:
        return len(self.best)

    @property
    def space(self) -> Space:
        """The space of the formula of the usual case."""
        return self.spaces[0]

    @property
    def conditions(self) -> tuple[str, ...]:
        """What every config that was looked at fulfils, beyond the ranges: nothing is said of others."""
        return tuple(c for c in self.space.cuts if all(c in space.cuts for space in self.spaces[1:]))

    @property
    def cases(self) -> tuple[tuple[str, ...], ...]:
        """What tells the formulas of the class apart, where there are several: the conditions of each."""
        common = set(self.conditions)
        return tuple(tuple(c for c in s.cuts if c not in common) for s in self.spaces) if len(self.spaces) > 1 else ()

    @property
    def size(self) -> int:
        """The number of points of the grid."""
        total = 1
        for r in self.ranges.values():
            total *= r.size or 0
        return total

    @property
    def left_open(self) -> tuple[Condition, ...]:
        """Conditions on symbols that do not enter the count and were not given: they can always be fulfilled."""
        return self.space.rules.left_open

    @property
    def defaults(self) -> dict[str, Any]:
        """Values that are the model's defaults, by letter."""
        rules = self.space.rules
        letters = [e.letter for e in self.space.formula.notation if e.letter in rules.defaulted]
        return {letter: rules.fixed[letter] for letter in letters}
