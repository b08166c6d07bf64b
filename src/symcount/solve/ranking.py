"""Which solutions come first: criteria with exact integer or rational scores, the smallest first.

`shape` (like what people build, see `symcount.solve.shape`), `distance` to the budget (of several: to all of them),
`aspect=80` (distance of H/N from 80), `reference` (relative distance to a reference config), `round` or `round=128`
(how many layer sizes are no multiple of it), an expression of one's own, or a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import Any

from sympy import Expr, Rational

from symcount.errors import ExpressionError, StructureError, near
from symcount.expressions.reader import read_expression
from symcount.formula import Formula
from symcount.solve.budget import Budget
from symcount.solve.columns import column
from symcount.solve.polynomial import SAFE, Columns
from symcount.solve.search import CHUNK, Search, evaluated
from symcount.solve.shape import Shape
from symcount.solve.sizes import aspect_ratio, layer_sizes
from symcount.solve.totals import totals_of

__all__ = ["CRITERIA", "Criterion", "Ranking", "read_criteria"]

CRITERIA = ("shape", "distance", "aspect", "reference", "round")
Array = Any
Score = tuple[Array, Array]  # numerator and positive denominator
Budgets = Sequence[Budget]
Scorer = Callable[[Search, Budgets, Columns], Score]
_TOLD_APART = 1 << 51  # a/b and c/d differ by 1/(bd) at least: more than a float is wrong by


class Criterion:
    """One criterion as it was asked for.

    Attributes:
        text: as it was written.
        needs: expressions whose symbols must have values.
    """

    def __init__(
        self,
        text: str | Callable[[Mapping[str, Any]], Any],
        formula: Formula,
        reference: Mapping[str, Any] | None,
        usual: Mapping[str, Any],
    ) -> None:
        self.needs: tuple[Expr, ...] = ()
        self._score: Scorer
        if not isinstance(text, str):
            self.text = getattr(text, "__name__", "a function")
            self._score = _called(text, self.text)
            return
        self.text = text.strip()
        word, sign, value = (part.strip() for part in self.text.partition("="))
        if self.text == "shape":
            self._score = Shape(formula, usual).score
        elif self.text == "distance":
            self._score = _distance
        elif word == "aspect" and sign:
            self._score = self._aspect(formula, value)
        elif self.text == "reference":
            self._score = self._reference(reference)
        elif word == "round" and (not sign or (value.isascii() and value.isdigit() and int(value) > 0)):
            self._score = self._roundness(formula, int(value or 128))
        elif word in CRITERIA:
            raise ExpressionError(
                f"rank {self.text!r:.80}: expected shape, distance, aspect=80, reference, round or round=128"
            )
        else:
            self._score = self._own(formula)

    def score(self, search: Search, budgets: Budgets, columns: Columns) -> Score:
        """The scores of the points in *columns*."""
        return self._score(search, budgets, columns)

    def _own(self, formula: Formula) -> Scorer:
        totals = totals_of(formula)
        if self.text.isidentifier() and self.text not in formula.notation and self.text not in totals:
            hint = near(self.text, [*CRITERIA, *(e.letter for e in formula.notation)])
            raise ExpressionError(f"rank {self.text!r:.80}: expected {', '.join(CRITERIA)} or an expression.{hint}")
        expression = read_expression(self.text, formula.notation, totals)
        self.needs = (expression,)
        return lambda search, _, columns: _values(search, expression, columns)

    def _aspect(self, formula: Formula, value: str) -> Scorer:
        ratio = aspect_ratio(formula)
        if ratio is None:
            raise ExpressionError(f"rank {self.text!r:.80}: {formula.name} does not have both H and N; rank by abs(…)")
        wanted = read_expression(value, formula.notation)
        if not isinstance(wanted, Rational):
            raise ExpressionError(f"rank {self.text!r:.80}: expected a number, such as aspect=80")
        self.needs = (ratio,)
        return lambda search, _, columns: _absolute(_values(search, ratio - wanted, columns))

    def _reference(self, reference: Mapping[str, Any] | None) -> Scorer:
        if reference is None:
            raise ExpressionError("rank 'reference': no reference config is given; give one: reference=…")

        def score(search: Search, _: Budgets, columns: Columns) -> Score:
            free = search.space.rules.free
            values = {n: reference[n] * (free[n].parts or 1) for n in columns if n in reference}
            if not values:
                raise ExpressionError("rank 'reference': the reference config has no value for any free symbol")
            exact = {n: Fraction(v) for n, v in values.items()}
            shares = {n: 1 / Fraction(v.numerator or 1) for n, v in exact.items()}  # of nothing there is no share
            common = lcm(*(share.denominator for share in shares.values()))
            return sum(
                abs(columns[n].astype(object) * v.denominator - v.numerator) * int(shares[n] * common)
                for n, v in exact.items()
            ), 1

        return score

    def _roundness(self, formula: Formula, multiple: int) -> Scorer:
        sizes = layer_sizes(formula)
        expressions = [formula.notation[letter].symbol for letter in sizes]
        if not sizes:
            raise ExpressionError(f"rank {self.text!r:.80}: {formula.name} has no layer size to be round")
        self.needs = tuple(expressions)

        def score(search: Search, _: Budgets, columns: Columns) -> Score:
            tops = [_values(search, e, columns)[0] for e in expressions]
            return sum((_beside(top, multiple) % multiple != 0) + 0 * next(iter(columns.values())) for top in tops), 1

        return score


def _distance(search: Search, budgets: Budgets, columns: Columns) -> Score:
    """How far the count is from the budget; of several, the sum of the shares by which each is missed."""
    if len(budgets) == 1:
        return _missed(search, budgets[0], columns), 1
    common = lcm(*(b.target for b in budgets))
    return sum(_missed(search, b, columns).astype(object) * (common // b.target) for b in budgets), 1


def _missed(search: Search, budget: Budget, columns: Columns) -> Array:
    top, bottom = evaluated(search.space.total(budget.convention), search, columns)
    return abs(_beside(top // bottom + 0 * next(iter(columns.values())), budget.target) - budget.target)


def _beside(column: Array, number: int) -> Array:
    """*column* as integers of any size, where *number*, with which it is to be combined, is beyond 64 bits."""
    import numpy as np

    return column if abs(number) < SAFE else np.asarray(column).astype(object)


def _absolute(score: Score) -> Score:
    return abs(score[0]), score[1]


def _values(search: Search, expression: Expr, columns: Columns) -> Score:
    import numpy as np

    applied = search.space.rules.apply(expression)
    quotient = search.space.quotient(expression) if applied.is_rational_function() else None
    if quotient is not None:
        return evaluated(quotient, search, columns)
    try:
        exact = column(applied, columns, search.space.rules.fixed, search.ranges)
    except (StructureError, ZeroDivisionError):  # row by row, where the first that has none can be named
        pass
    else:
        return exact.top, exact.bottom
    rows = zip(*(c.tolist() for c in columns.values()), strict=True)
    found = [Fraction(search.space.number(expression, dict(zip(columns, row, strict=True)))) for row in rows]
    return np.array([v.numerator for v in found], dtype=object), np.array([v.denominator for v in found], dtype=object)


def _called(function: Callable[[Mapping[str, Any]], Any], name: str) -> Scorer:
    """The scores that a function of a config's values gives."""

    def score(search: Search, _: Budgets, columns: Columns) -> Score:
        import numpy as np

        tops, bottoms = [], []
        for row in zip(*(c.tolist() for c in columns.values()), strict=True):
            values = search.space.values(dict(zip(columns, row, strict=True)))
            try:
                number = Fraction(function(values))
            except Exception as error:  # it is the caller's code
                raise ExpressionError(f"rank {name}: no number at {values}: {type(error).__name__}: {error}") from error
            tops.append(number.numerator)
            bottoms.append(number.denominator)
        return np.array(tops, dtype=object), np.array(bottoms, dtype=object)

    return score


def read_criteria(
    rank: Any, formula: Formula, reference: Mapping[str, Any] | None = None, usual: Mapping[str, Any] | None = None
) -> tuple[Criterion, ...]:
    """The criteria that *rank* names: one text, or several, the first the most important; or a function of the values.

    *usual* are the values of the class's default config, by letter.

    Raises:
        ExpressionError: a criterion that cannot be read, or that this formula does not have.
    """
    texts = [rank] if isinstance(rank, str) or callable(rank) or not isinstance(rank, Iterable) else list(rank)
    if not texts or not all(isinstance(t, str) or callable(t) for t in texts):
        raise ExpressionError(f"rank {rank!r:.80}: expected one or more of {', '.join(CRITERIA)}, or an expression")
    return tuple(Criterion(text, formula, reference, usual or {}) for text in texts)


class Ranking:
    """The best solutions so far. Ties go to the smaller distance, then to the smaller values in notation order."""

    def __init__(self, search: Search, budgets: Budgets, criteria: Sequence[Criterion], limit: int | None) -> None:
        self.number = 0
        self._search, self._budgets, self._limit = search, budgets, limit
        self._scores = [c.score for c in criteria] + [_distance]
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

    def best(self) -> list[dict[str, int]]:
        """The best points, in order."""
        columns = self.columns()
        if not columns:
            return []
        return [
            dict(zip(self._letters, map(int, row), strict=True))
            for row in zip(*(columns[n].tolist() for n in self._letters), strict=True)
        ]

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
