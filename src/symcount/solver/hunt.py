"""A search under way: what was found so far, and where there is nothing, what comes nearest and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from symcount.errors import BudgetError, DomainError
from symcount.solver.budget import Budget
from symcount.solver.closed import closed_form
from symcount.solver.criteria import Criterion
from symcount.solver.measures import UNITS
from symcount.solver.polynomial import Columns
from symcount.solver.ranges import Range
from symcount.solver.ranking import Ranking
from symcount.solver.rows import Part, Rows
from symcount.solver.search import Search, totals
from symcount.solver.solution import Solution
from symcount.solver.solutions import Neighbours, Solutions
from symcount.solver.space import Space

__all__ = ["Hunt"]

_MOST = 10**12  # configs that are gone through: hours
_MANY = 1 << 18  # configs in a window beyond which it is made smaller instead of gone through
_BEYOND = 1 << 20  # times a budget: how far above it is looked where the ranges themselves have no end


class Hunt:
    """A search under way. `steps` does it, one stretch at a time, and can be left at any point; `result` is the answer.

    Args:
        spaces: what is searched, one space for each formula that the class may have there, with the ranking's criteria.
        budgets: the windows of counts.
        limit: how many solutions are given in full.

    Raises:
        BudgetError: see `Search`.
    """

    def __init__(
        self, spaces: Sequence[tuple[Space, Sequence[Criterion]]], budgets: Sequence[Budget], limit: int | None = 10
    ) -> None:
        self.spaces, self.budgets = tuple(space for space, _ in spaces), tuple(budgets)
        self._searches = [Search(space, budgets, _MOST) for space in self.spaces]
        self._rankings = [
            Ranking(search, self.budgets, criteria, limit)
            for search, (_, criteria) in zip(self._searches, spaces, strict=True)
        ]
        self._limit = limit
        self._complete = False
        self._least: dict[tuple[Search, str], int] = {}  # the count where the ranges begin
        self.progress = 0.0

    @property
    def space(self) -> Space:
        """The space of the formula of the usual case."""
        return self.spaces[0]

    @property
    def _closed(self) -> bool:
        """Whether every range has an end of its own, rather than one that the budget gives it."""
        return all(r.stop is not None for r in self.space.ranges.values())

    @property
    def found(self) -> int:
        """How many solutions there are so far."""
        return sum(ranking.number for ranking in self._rankings)

    def steps(self) -> Iterator[float]:
        """Search on; yields the share of the work that is done."""
        self.progress = 0.0
        for i, (search, ranking) in enumerate(zip(self._searches, self._rankings, strict=True)):
            for columns in search.chunks():
                ranking.add(columns)
                self.progress = (i + search.progress) / len(self._searches)
                yield self.progress
        self.progress = 1.0
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
        answer = Solutions(self.spaces, self.budgets, self._ranges(), self.found, self._best(), self._complete)
        if self._complete and not self.found:
            answer = replace(answer, neighbours=self._nearest())
        if self._complete and len(self.space.ranges) == 1:
            first = self.budgets[0]
            exact = replace(first, low=first.target, high=first.target)
            around = Neighbours(exact, self._beside(0, exact, above=False), self._beside(0, exact, above=True))
            closed = closed_form(self.space, first) if len(self.spaces) == 1 else None
            answer = replace(answer, neighbours=(around,), closed_form=closed)
        return answer

    def _best(self) -> Rows:
        """The first solutions by rank."""
        import numpy as np

        parts = [Part(s, r.columns()) for s, r in zip(self._searches, self._rankings, strict=True) if r.number]
        if len(parts) == 1:
            rows = len(next(iter(parts[0].columns.values())))
            return Rows(parts, (np.zeros(rows, dtype=np.int64), np.arange(rows)), self.budgets)
        ranked = [
            (score, i, row)
            for i, ranking in enumerate(r for r in self._rankings if r.number)
            for row, score in enumerate(ranking.scored())
        ]
        ranked = sorted(ranked)[: self._limit]
        places = (np.array([i for _, i, _ in ranked], np.int64), np.array([row for _, _, row in ranked], np.int64))
        return Rows(parts, places, self.budgets)

    def _ranges(self) -> dict[str, Range]:
        """The ranges that were searched: open ones as far as the budget reaches in any of the spaces."""
        found = dict(self._searches[0].ranges)
        for search in self._searches[1:]:
            found = {
                n: r if (r.stop or 0) >= (search.ranges[n].stop or 0) else search.ranges[n] for n, r in found.items()
            }
        return found

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
                at = ", ".join(f"{n} = {_written(extreme.values[n])}" for n in self.space.ranges)
                raise BudgetError(
                    f"the budget {only.budget} is out of reach: the {side} admissible config has {extreme.count:,} "
                    f"{UNITS.get(only.budget.convention, 'parameters')} ({at})"
                )
        return found

    def _beside(self, index: int, budget: Budget, *, above: bool) -> Solution | None:
        """The nearest solution outside the window of *budget*, in any of the spaces."""
        if budget.high is None if above else budget.low <= 1:
            return None
        near = [
            found
            for space, search in zip(self.spaces, self._searches, strict=True)
            if (found := self._beside_in(space, search, index, budget, above=above)) is not None
        ]
        return min(near, key=lambda s: abs(s.counts[budget.convention] - budget.target), default=None)

    def _beside_in(self, space: Space, search: Search, index: int, budget: Budget, *, above: bool) -> Solution | None:
        """The nearest solution outside the window in one space: windows beside it, each wider than the last."""
        space = space if above else space.changed(search.ranges)
        width = 1
        while True:
            if above:
                assert budget.high is not None  # noqa: S101  # see the first line
                last = width > self._beyond(search, budget)
                high = budget.high + width
                window = replace(budget, low=budget.high + 1, high=None if last and self._closed else high)
            else:
                last = width >= budget.low - 1
                window = replace(budget, low=max(1, budget.low - width), high=budget.low - 1)
            if found := self._nearest_in(space, index, window, above=above):
                return found
            if last:
                return None
            width *= 4

    def _nearest_in(self, space: Space, index: int, window: Budget, *, above: bool) -> Solution | None:
        """The solution in a window that is nearest to the one beside it; the window shrinks to the best one so far."""
        low, high = window.low, window.high
        while True:
            window = replace(window, low=low, high=high, target=low if above else high)  # type: ignore[arg-type]
            search = Search(space, [*self.budgets[:index], window, *self.budgets[index + 1 :]])
            nearest = Ranking(search, (window,), (), 1)
            best: Solution | None = None
            for columns in search.chunks():
                nearest.add(columns)
                if nearest.number > _MANY:
                    best = self._first(search, nearest)
                    count = best.counts[window.convention]
                    if count != (high if above else low):
                        break
                    return best  # none is nearer than the end of the window
            else:
                return self._first(search, nearest) if nearest.number else None
            low, high = (low, count) if above else (count, high)

    def _first(self, search: Search, ranking: Ranking) -> Solution:
        return Part(search, ranking.columns()).solutions(slice(0, 1), self.budgets)[0]

    def _explain(self) -> None:
        """Say which conditions exclude everything.

        Raises:
            DomainError: always, unless a budget is what excludes everything.
        """
        loose = (
            []
            if self._closed
            else [replace(b, low=1, high=max(self._beyond(s, b) for s in self._searches)) for b in self.budgets]
        )
        if any(_possible(space, loose) for space in self.spaces):
            return
        space = self.space
        dropped: list[int] = []
        for i in range(len(space.stated)):
            if not _possible(space.changed(without=[*dropped, i]), loose):
                dropped.append(i)
        kept = [s.text for i, s in enumerate(space.stated) if i not in dropped]
        kept += [getattr(f, "__name__", "a function") for f in space.called]
        kept += [s.text for s in space.rules.conditions() if any(space.letters_in(c) for c in s.conditions)]
        ranges = ", ".join(f"{n} = {r}" for n, r in self.space.ranges.items())
        apart = [c for c in space.cuts if _tells_apart(space, c)]
        if apart and _possible(_without(space, apart), loose):
            name = space.formula.name
            raise DomainError(
                f"not searched: the formula of {name} holds only where {' and '.join(apart)}, which no config with "
                f"{ranges} fulfils; at other sizes {name} has a formula of its own: symcount.derive(config)"
            )
        fulfils = f" fulfils {' and '.join(kept)}," if kept else " is admissible,"
        raise DomainError(f"contradictory: no config with {ranges}{fulfils} whatever its count")

    def _beyond(self, search: Search, budget: Budget) -> int:
        """A count far above a budget, and above that of the smallest config where the ranges begin."""
        import numpy as np

        key = (search, budget.convention)
        if key not in self._least:
            first = Columns((n, np.array([r.start])) for n, r in search.ranges.items())
            try:
                self._least[key] = int(totals(budget.convention, search, first)[0])
            except (DomainError, ZeroDivisionError):
                self._least[key] = 1
        return _BEYOND * max(budget.high or budget.low, self._least[key], 1)


def _written(number: Any) -> str:
    return f"{number:,}" if isinstance(number, int) else str(float(number))  # for the eye


def _without(space: Space, texts: Sequence[str]) -> Space:
    """*space* without some conditions of its formula's domain."""
    formula = replace(space.formula)
    formula.__dict__["domain"] = tuple(c for c in space.formula.domain if str(c) not in texts)
    return replace(space, formula=formula, rules=replace(space.rules, formula=formula)).changed()


def _tells_apart(space: Space, text: str) -> bool:
    """Whether a condition of the formula only says for which configs it was made, rather than which there are."""
    own = {str(c): c.relation for c in space.formula.domain}
    return own.get(text, "divides") not in ("divides", "not divides")


def _possible(space: Space, budgets: Sequence[Budget]) -> bool:
    return any(True for _ in Search(space, budgets).chunks())
