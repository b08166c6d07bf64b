"""Expressions as polynomials with integer coefficients in the free symbols, and in parts that are none: *atoms*.

What is no polynomial (a floor, a maximum) becomes an atom, a variable whose column is computed by the one evaluator of
formulas as soon as its own symbols have values. A free ratio counts in parts of its common denominator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from sympy import Expr, Pow, Rational, Symbol, ceiling, floor, fraction, together

from symcount.exact.evaluate import compile_scalar
from symcount.solver.atoms import Atom
from symcount.solver.polynomial import Polynomial, combine, from_sympy, variables
from symcount.solver.ranges import Range
from symcount.solver.rules import ROUNDINGS, Rules

__all__ = ["Algebra", "Quotient"]


@dataclass(frozen=True)
class Quotient:
    """`top / bottom`, the bottom positive."""

    top: Polynomial
    bottom: Polynomial

    @property
    def whole(self) -> bool:
        """Whether there is nothing to divide by."""
        return self.bottom == {(): 1}


class Algebra:
    """What expressions are in the free symbols of one space.

    Args:
        rules: how the other symbols get their values.
        ranges: the free symbols, by letter.
    """

    def __init__(self, rules: Rules, ranges: Mapping[str, Range]) -> None:
        self.rules, self.ranges = rules, ranges
        self.atoms: dict[str, Atom] = {}
        self._names: dict[Expr, Symbol] = {}
        self._quotients: dict[Expr, Quotient | None] = {}

    def quotient(self, expression: Expr) -> Quotient | None:
        """*expression* as a quotient of polynomials, `None` where its denominator may vanish or be negative."""
        if expression not in self._quotients:
            self._quotients[expression] = self._quotient(self.rules.apply(expression))
        return self._quotients[expression]

    def total(self, expression: Expr) -> Quotient:
        """The same of a total: where no polynomial helps, an atom as a whole."""
        found = self.quotient(expression)
        if found is None:
            name = self._atom(self.rules.apply(expression)).name
            found = self._quotients[expression] = Quotient({((name, 1),): 1}, {(): 1})
        return found

    def names_of(self, expression: Expr) -> set[str]:
        """The free letters on which *expression*, after the rules are applied, depends."""
        return {s.name for s in expression.free_symbols if isinstance(s, Symbol) and s.name in self.ranges}

    def _quotient(self, expression: Expr) -> Quotient | None:
        top, bottom = fraction(together(self._without_atoms(expression).xreplace(self.rules.ratios())))
        below = from_sympy(bottom.expand())
        if all(c < 0 for c in below.values()):
            top, below = -top, combine((-1, below))
        names = variables(below)
        if not below or any(c < 0 for c in below.values()) or not self._positive(below):
            return None
        if any(name in self.atoms and not self.atoms[name].nonnegative for name in names):
            return None
        return Quotient(from_sympy(top.expand()), below)

    def _positive(self, polynomial: Polynomial) -> bool:
        """Whether some term of *polynomial*, whose coefficients are positive, cannot vanish."""
        return any(all(n in self.ranges and self.ranges[n].start > 0 for n, _ in monomial) for monomial in polynomial)

    def _without_atoms(self, expression: Expr) -> Expr:
        symbolic = isinstance(expression, Pow) and not expression.exp.is_Integer
        if isinstance(expression, ROUNDINGS) or symbolic:
            if self.names_of(expression):
                if isinstance(expression, floor) and expression.args[0].could_extract_minus_sign():
                    return -self._atom(ceiling(-expression.args[0]))  # which is not negative
                return self._atom(expression)
            return Rational(Fraction(compile_scalar(expression)(self.rules.fixed)))
        if not expression.args:
            return expression
        return expression.func(*(self._without_atoms(a) for a in expression.args))

    def _atom(self, expression: Expr) -> Symbol:
        if expression not in self._names:
            name = f"_{len(self._names)}"
            self._names[expression] = Symbol(name, real=True)
            self.atoms[name] = Atom.of(name, expression, self.ranges, self.rules.fixed)
        return self._names[expression]
