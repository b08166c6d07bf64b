"""Which solutions come first: criteria with exact integer or rational scores, the smallest first.

`shape` (like what people build, see `symcount.solver.shape`), `distance` to the budget (of several: to all of them),
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
from symcount.formulas.formula import Formula
from symcount.solver.budget import Budget
from symcount.solver.columns import column
from symcount.solver.polynomial import SAFE, Columns
from symcount.solver.search import Search, evaluated, totals
from symcount.solver.shape import Shape
from symcount.solver.sizes import aspect_ratio, layer_sizes
from symcount.solver.totals import totals_of

__all__ = ["CRITERIA", "Criterion", "Score", "distance", "read_criteria"]

CRITERIA = ("shape", "distance", "aspect", "reference", "round")
Array = Any
Score = tuple[Array, Array]  # numerator and positive denominator
Budgets = Sequence[Budget]
Scorer = Callable[[Search, Budgets, Columns], Score]


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
            self._score = distance
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
        named = totals_of(formula)
        if self.text.isidentifier() and self.text not in formula.notation and self.text not in named:
            hint = near(self.text, [*CRITERIA, *(e.letter for e in formula.notation)])
            raise ExpressionError(f"rank {self.text!r:.80}: expected {', '.join(CRITERIA)} or an expression.{hint}")
        expression = read_expression(self.text, formula.notation, named)
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


def distance(search: Search, budgets: Budgets, columns: Columns) -> Score:
    """How far the count is from the budget; of several, the sum of the shares by which each is missed."""
    if len(budgets) == 1:
        return _missed(search, budgets[0], columns), 1
    common = lcm(*(b.target for b in budgets))
    return sum(_missed(search, b, columns).astype(object) * (common // b.target) for b in budgets), 1


def _missed(search: Search, budget: Budget, columns: Columns) -> Array:
    return abs(_beside(totals(budget.convention, search, columns), budget.target) - budget.target)


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
