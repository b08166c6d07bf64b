"""The search: rows of partial configs, extended symbol by symbol in vectors, pruned by exact integer bounds.

All arithmetic is on integers: NumPy's 64-bit ones where a bound over the whole grid proves that no intermediate result
can leave them, and Python's otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from symcount.errors import BudgetError
from symcount.solver.algebra import Quotient
from symcount.solver.budget import Budget
from symcount.solver.constraints import Check, Inequality
from symcount.solver.ends import bounded
from symcount.solver.plan import Affine, Level, Monotone, make_plan
from symcount.solver.polynomial import SAFE, Columns, Polynomial, combine, evaluate, variables
from symcount.solver.rowwise import holds
from symcount.solver.space import Space

__all__ = ["CHUNK", "Search", "evaluated", "totals"]

CHUNK = 1 << 16  # rows that are extended at once
Array = Any


class Search:
    """All points of a space whose totals lie in all of the budgets' windows.

    `chunks` yields them, as columns by letter; `progress` is the share of the work that is done, for the eye. Where it
    turns out that more than *most* rows would be gone through, it refuses.

    Raises:
        BudgetError: a range is open and nothing bounds it.
    """

    def __init__(self, space: Space, budgets: Sequence[Budget], most: int | None = None) -> None:
        self.space, self._most = space, most
        self.progress = 0.0
        inequalities = list(space.inequalities)
        self._whole: list[Quotient] = []
        for budget in budgets:
            total = space.total(budget.convention)
            inequalities.append(Inequality(combine((1, total.top), (-budget.low, total.bottom))))
            if budget.high is not None:
                inequalities.append(Inequality(combine((budget.high, total.bottom), (-1, total.top))))
            if not total.whole:
                self._whole.append(total)
        self.ranges = bounded(space, inequalities)
        self.levels = make_plan(space, inequalities, self.ranges)
        self.dtype: Any = self._dtype([g.polynomial for g in inequalities])

    def _dtype(self, polynomials: list[Polynomial]) -> Any:
        polynomials += [p for test in self.space.tests for p in test.polynomials()]
        polynomials += [p for q in self._whole for p in (q.top, q.bottom)]
        polynomials += [{((r, 1),): 1} for r in self.ranges]
        fits = all(fits_64_bits(p, self.space, self.ranges) for p in polynomials)
        import numpy as np

        return np.int64 if fits else object

    def chunks(self) -> Iterator[Columns]:
        """The solutions, in columns by letter; every one exactly once."""
        self.progress = 0.0
        yield from self._level(0, Columns(), 1, 1.0)

    def _level(self, index: int, columns: Columns, rows: int, weight: float) -> Iterator[Columns]:
        if index == len(self.levels):
            if columns := self._integral(columns):
                yield columns
            self.progress += weight
            return
        level = self.levels[index]
        low, high = self._narrowed(level, columns, rows)
        step = level.range.step
        keep = low <= high
        if not keep.all():
            low, high = low[keep], high[keep]
            columns = _kept(columns, keep)
        if not len(low):
            self.progress += weight
            return
        counts = _counts(low, high, step)
        if self._most is not None and (rows := int(counts.sum())) > self._most * weight:
            raise BudgetError(
                f"about {rows / max(weight, 1e-300):.0e} configs would be gone through; narrow the ranges "
                "or the tolerance"
            )
        for x, picked, share in _expanded(low, counts, step):
            taken = Columns((n, c[picked]) for n, c in columns.items())
            taken[level.name] = x
            left = self._checked(level, taken)
            if left is None:
                self.progress += weight * share
            else:
                yield from self._level(index + 1, left, len(left[level.name]), weight * share)

    def _narrowed(self, level: Level, columns: Columns, rows: int) -> tuple[Array, Array]:
        """The range of the level's symbol in every row, as far as the inequalities narrow it."""
        import numpy as np

        r = level.range
        assert r.stop is not None  # noqa: S101  # closed by `bounded`
        low = np.full(rows, r.start, dtype=self.dtype)
        high = np.full(rows, r.stop, dtype=self.dtype)
        for item in level.affine:
            low, high = _by_division(item, columns, low, high)
        if level.monotone:
            keep = low <= high
            low, high = np.where(keep, low, r.start), np.where(keep, high, r.start - 1)
            for bound in level.monotone:
                low, high = _by_halving(bound, level.name, columns, low, high)
        if r.step != 1:
            low = r.start + -((r.start - low) // r.step) * r.step
            high = r.start + (high - r.start) // r.step * r.step
        return low, high

    def _checked(self, level: Level, columns: Columns) -> Columns | None:
        """The rows that pass everything which can be checked after *level*; `None` if there is none."""
        import numpy as np

        for atom in level.atoms:
            column, known = atom.column(columns, self.dtype)
            columns[atom.name] = column if column.dtype == self.dtype else column.astype(self.dtype)
            if known is not None:
                columns = _kept(columns, known)
        mask: Array = True
        if level.range.members:
            mask = np.isin(columns[level.name], np.array(level.range.members, dtype=self.dtype))
        for g in level.filters:
            mask = mask & (evaluate(g, columns) >= 0)
        for test in level.tests:
            mask = mask & self._test(test, columns)
        columns = _kept(columns, mask)
        return columns if len(columns[level.name]) else None

    def _test(self, test: Check, columns: Columns) -> Array:
        """Which rows pass *test*; one truth value where it is the same for all."""
        if test.alternatives:
            groups = [self._all(group, columns) for group in test.alternatives]
            return reduce(or_, groups)
        mask: Array = True
        for side in test.sides:
            mask = mask & (evaluate(side, columns) >= 0)
        if test.quotient is not None:
            mask = mask & (evaluate(test.quotient.top, columns) % evaluate(test.quotient.bottom, columns) == 0)
        if test.condition is not None:
            mask = mask & holds(test.condition, columns, self.space.rules.fixed, self.space.ranges)
        return mask

    def _all(self, tests: Iterable[Check], columns: Columns) -> Array:
        return reduce(and_, [self._test(test, columns) for test in tests], True)

    def _integral(self, columns: Columns) -> Columns:
        """Only the free symbols, and of these the rows with whole totals that pass what is left to check."""
        import numpy as np

        for total in self._whole:
            columns = _kept(columns, evaluate(total.top, columns) % evaluate(total.bottom, columns) == 0)
        points = Columns((n, columns[n]) for n in self.ranges)
        if self.space.earlier:
            points = _kept(points, ~np.asarray(self.space.elsewhere(points)))
        if self.space.called:
            rows = zip(*(c.tolist() for c in points.values()), strict=True)
            here = [self.space.passes(dict(zip(points, row, strict=True))) for row in rows]
            points = _kept(points, np.array(here, dtype=bool))
        return points if len(next(iter(points.values()))) else Columns()


def _kept(columns: Columns, mask: Array) -> Columns:
    """The rows where *mask* is true; a mask that does not depend on the row may be a single truth value."""
    import numpy as np

    if np.all(mask):
        return columns
    if np.ndim(mask) == 0:
        mask = slice(0)
    return Columns((n, c[mask]) for n, c in columns.items())


def fits_64_bits(polynomial: Polynomial, space: Space, ranges: Any) -> bool:
    """Whether neither *polynomial* nor any partial result of it can leave 64 bits anywhere on the grid."""
    total = 0
    largest: dict[str, int] = {}
    for name in variables(polynomial):
        if name in ranges:
            largest[name] = ranges[name].stop
        else:
            known = space.atoms[name].largest
            if known is None or not space.atoms[name].whole:
                return False
            largest[name] = known
    for monomial, coefficient in polynomial.items():
        value = abs(coefficient)
        for name, power in monomial:
            value *= max(1, largest[name]) ** power
        total += value
    return total < SAFE


def evaluated(quotient: Quotient, search: Search, columns: Columns) -> tuple[Array, Array]:
    """Numerator and denominator of *quotient* at points that `search` found."""
    names = variables(quotient.top) | variables(quotient.bottom)
    narrow = all(fits_64_bits(p, search.space, search.ranges) for p in (quotient.top, quotient.bottom))
    import numpy as np

    dtype: Any = np.int64 if narrow else object
    inputs = Columns((n, c.astype(dtype, copy=False)) for n, c in columns.items())
    for name in sorted(names - columns.keys()):
        inputs[name] = search.space.atoms[name].column(inputs, dtype)[0]
    return evaluate(quotient.top, inputs), evaluate(quotient.bottom, inputs)


def totals(convention: str, search: Search, columns: Columns) -> Array:
    """The totals under *convention* at points that `search` found, one for each row."""
    top, bottom = evaluated(search.space.total(convention), search, columns)
    return top // bottom + 0 * next(iter(columns.values()))


def _by_division(item: Affine, columns: Columns, low: Array, high: Array) -> tuple[Array, Array]:
    """Narrow a range so that `slope · x + rest ≥ 0`."""
    import numpy as np

    slope, rest = evaluate(item.slope, columns), evaluate(item.rest, columns)
    if item.sign > 0:
        return np.maximum(low, -(rest // slope)), high
    if item.sign < 0:
        return low, np.minimum(high, rest // -slope)
    some = np.where(slope == 0, 1, slope)
    edge = np.where(slope > 0, -(rest // some), rest // -some)
    impossible = (slope == 0) & (rest < 0)
    low = np.where(slope > 0, np.maximum(low, edge), low)
    high = np.where(slope < 0, np.minimum(high, edge), high)
    return low, np.where(impossible, low - 1, high)


def _by_halving(item: Monotone, name: str, columns: Columns, low: Array, high: Array) -> tuple[Array, Array]:
    """Narrow a range so that a polynomial, which rises or falls in it, is not negative."""
    import numpy as np

    def holds(x: Array) -> Array:
        trial = Columns(columns)
        trial[name] = x
        return evaluate(item.polynomial, trial) >= 0

    outer = low if item.rises else high
    good, bad = (high, low) if item.rises else (low, high)
    none = ~holds(good) | (low > high)
    done = holds(outer)
    while ((abs(good - bad) > 1) & ~done & ~none).any():
        middle = (good + bad) // 2
        fine = holds(middle)
        good, bad = np.where(fine, middle, good), np.where(fine, bad, middle)
    edge = np.where(done, outer, good)
    if item.rises:
        return np.where(none, high + 1, edge), high
    return low, np.where(none, low - 1, edge)


def _counts(low: Array, high: Array, step: int) -> Array:
    """How many numbers the range of each row has; in Python's integers where their sum might leave 64 bits."""
    counts = (high - low) // step + 1
    return counts.astype(object) if int(counts.max()) * len(counts) > SAFE else counts


def _expanded(low: Array, counts: Array, step: int) -> Iterator[tuple[Array, Array, float]]:
    """The numbers of all rows' ranges, at most `CHUNK` at a time: numbers, rows they belong to, share of the whole."""
    import numpy as np

    total = int(counts.sum())
    if total <= CHUNK:
        counts = counts.astype(np.int64, copy=False)
        rows = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        yield low[rows] + within.astype(low.dtype, copy=False) * step, rows, 1.0
        return
    ends = np.cumsum(counts)
    for start in range(0, total, CHUNK):
        size = min(CHUNK, total - start)
        places = np.arange(size).astype(ends.dtype, copy=False) + start
        rows = np.searchsorted(ends, places, side="right")
        within = places - (ends - counts)[rows]
        yield low[rows] + within.astype(low.dtype, copy=False) * step, rows, size / total
