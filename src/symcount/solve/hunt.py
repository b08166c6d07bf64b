"""A search under way: what was found so far, and where there is nothing, what comes nearest and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symcount.domain import Condition
from symcount.errors import BudgetError, DomainError
from symcount.evaluate import integer_value
from symcount.solve.budget import Budget
from symcount.solve.closed import closed_form
from symcount.solve.ranking import Criterion, Ranking, aspect_ratio
from symcount.solve.search import Search
from symcount.solve.solutions import Neighbours, Solution, Solutions
from symcount.solve.space import Space

__all__ = ["Hunt"]

_BEYOND = 1 << 20  # times a budget: how far above it is looked where the ranges themselves have no end


class Hunt:
    """A search under way. `steps` does it, one stretch at a time, and can be left at any point; `result` is the answer.

    Raises:
        BudgetError: see `Search`.
    """

    def __init__(
        self, space: Space, budgets: Sequence[Budget], criteria: Sequence[Criterion], limit: int | None = 10
    ) -> None:
        self.space, self.budgets = space, tuple(budgets)
        self.search = Search(space, budgets)
        self._ranking = Ranking(self.search, self.budgets[0], criteria, limit)
        self._complete = False

    @property
    def _closed(self) -> bool:
        """Whether every range has an end of its own, rather than one that the budget gives it."""
        return all(r.stop is not None for r in self.space.ranges.values())

    @property
    def found(self) -> int:
        """How many solutions there are so far."""
        return self._ranking.number

    def steps(self) -> Iterator[float]:
        """Search on; yields the share of the work that is done."""
        for columns in self.search.chunks():
            self._ranking.add(columns)
            yield self.search.progress
        self._complete = True

    def run(self) -> Solutions:
        """Search to the end."""
        for _ in self.steps():
            pass
        return self.result()

    def result(self) -> Solutions:
        """What was found so far.

        Raises:
            DomainError: the search is complete, and the conditions contradict each other.
            BudgetError: the search is complete, and the budget is beyond every admissible config.
        """
        best = tuple(self._at(point) for point in self._ranking.best())
        answer = Solutions(self.space, self.budgets, self.search.ranges, self._ranking.number, best, self._complete)
        if self._complete and not self._ranking.number:
            answer = replace(answer, neighbours=self._nearest())
        if self._complete and len(self.space.ranges) == 1:
            first = self.budgets[0]
            exact = replace(first, low=first.target, high=first.target)
            around = Neighbours(exact, self._beside(0, exact, above=False), self._beside(0, exact, above=True))
            answer = replace(answer, neighbours=(around,), closed_form=closed_form(self.space, first))
        return answer

    def _at(self, point: Mapping[str, int]) -> Solution:
        """A point of the grid in full."""
        formula, values = self.space.formula, self.space.values(point)
        counts = {b.convention: integer_value(formula.total_as(b.convention), values) for b in self.budgets}
        target = self.budgets[0].target
        deviation = counts[self.budgets[0].convention] - target
        known = aspect_ratio(formula.notation) is not None and {"H", "N"} <= values.keys() and values["N"]
        aspect = Fraction(values["H"], values["N"]) if known else None
        return Solution(values, counts, deviation, Fraction(deviation, target), aspect)

    # ---------------------------------------------------------------- where there is none

    def _nearest(self) -> tuple[Neighbours, ...]:
        found = tuple(
            Neighbours(budget, self._beside(i, budget, above=False), self._beside(i, budget, above=True))
            for i, budget in enumerate(self.budgets)
        )
        if not any(n.below or n.above for n in found):
            self._explain()
        if len(found) == 1:
            [only] = found
            side, extreme = ("smallest", only.above) if only.below is None else ("largest", only.below)
            if extreme is not None and (only.below is None or only.above is None):
                at = ", ".join(f"{n} = {extreme.values[n]:,}" for n in self.space.ranges)
                raise BudgetError(
                    f"the budget {only.budget} is out of reach: the {side} admissible config has {extreme.count:,} "
                    f"parameters ({at})"
                )
        return found

    def _beside(self, index: int, budget: Budget, *, above: bool) -> Solution | None:
        """The nearest solution outside the window of *budget*: windows beside it, each wider than the last."""
        if budget.high is None if above else budget.low <= 1:
            return None
        space = self.space if above else self.space.changed(self.search.ranges)
        width = 1
        while True:
            if above:
                assert budget.high is not None  # noqa: S101  # see the first line
                last = width > budget.high * _BEYOND
                high = budget.high + width
                window = replace(budget, low=budget.high + 1, high=None if last and self._closed else high)
            else:
                last = width >= budget.low - 1
                window = replace(budget, low=max(1, budget.low - width), high=budget.low - 1)
            budgets = [*self.budgets[:index], window, *self.budgets[index + 1 :]]
            search = Search(space, budgets)
            target = replace(window, target=budget.high if above else budget.low)  # type: ignore[arg-type]  # not None
            nearest = Ranking(search, target, (), 1)
            for columns in search.chunks():
                nearest.add(columns)
            if best := nearest.best():
                return self._at(best[0])
            if last:
                return None
            width *= 4

    def _explain(self) -> None:
        """Say which conditions exclude everything.

        Raises:
            DomainError: always, unless a budget is what excludes everything.
        """
        space = self.space
        loose = [] if self._closed else [replace(b, low=1, high=(b.high or b.low) * _BEYOND) for b in self.budgets]
        if _possible(space, loose):
            return
        dropped: list[int] = []
        for i in range(len(space.stated)):
            if not _possible(space.changed(without=[*dropped, i]), loose):
                dropped.append(i)
        kept = [s.text for i, s in enumerate(space.stated) if i not in dropped]
        kept += [s.text for s in space.rules.conditions() if space.names_of(self._applied(s.condition))]
        ranges = ", ".join(f"{n} = {r}" for n, r in self.space.ranges.items())
        raise DomainError(f"contradictory: no config with {ranges} fulfils {' and '.join(kept)}, whatever its count")

    def _applied(self, condition: Condition) -> Any:
        return self.space.rules.apply(condition.left) + self.space.rules.apply(condition.right)


def _possible(space: Space, budgets: Sequence[Budget]) -> bool:
    return any(True for _ in Search(space, budgets).chunks())
