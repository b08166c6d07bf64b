r"""One unknown: the closed form of the size that has a given count, as the root of a polynomial of degree 1 or 2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from sympy import Add, Expr, Integer, Poly, Rational, Symbol, expand, fraction, sqrt, together

from symcount.exact.evaluate import compile_scalar
from symcount.formulas.formula import Formula
from symcount.solver.budget import Budget
from symcount.solver.rules import ROUNDINGS
from symcount.solver.space import Space
from symcount.typeset.plain import set_plain

__all__ = ["ClosedForm", "closed_form"]

_DIGITS = 12
_MOST_ROUNDED = 8  # roundings beyond which nobody would call it a closed form


@dataclass(frozen=True)
class ClosedForm:
    """`symbol = …`, in the letters of the formula and *budget* for the count.

    Attributes:
        formula: whose notation it is in.
        symbol: the unknown.
        budget: the letter of the count.
        coefficients: of the polynomial in the unknown whose root it is, the highest power first: two or three.
        value: the root at the numbers that were given, in decimals, for the eye.
    """

    formula: Formula
    symbol: Symbol
    budget: Symbol
    coefficients: tuple[Expr, ...]
    value: str

    @property
    def expression(self) -> Expr:
        """The root as a SymPy expression."""
        if len(self.coefficients) == 2:
            slope, rest = self.coefficients
            return -rest / slope
        a, b, c = self.coefficients
        return (-b + sqrt(b**2 - 4 * a * c)) / (2 * a)

    def latex(self) -> str:
        r"""In LaTeX.

        >>> import symcount as sc
        >>> print(sc.solve("gpt2", "1B", free="H=64..:64").closed_form.latex())
        H = \frac{-(13N + V + L + 2) + \sqrt{(13N + V + L + 2)^2 + 48NP}}{24N}
        """
        typeset = self.formula.set_symbols
        left = f"{self.formula.notation[self.symbol].latex} = "
        if len(self.coefficients) == 2:
            top, bottom = self._above(typeset), typeset(self.coefficients[0])
            return left + (top if bottom == "1" else rf"\frac{{{top}}}{{{bottom}}}")
        a, b, c = self.coefficients
        middle, inner = typeset(b), typeset(expand(-4 * a * c))
        middle = f"({middle})" if isinstance(b, Add) else middle
        minus, square, sign = f"-{middle} + ", f"{middle}^2", "" if inner.startswith("-") else "+ "
        if b == 0:
            minus = square = sign = ""
        return left + rf"\frac{{{minus}\sqrt{{{f'{square} {sign}{inner}'.strip()}}}}}{{{typeset(2 * a)}}}"

    def _above(self, typeset: Callable[[Expr], str]) -> str:
        """The numerator of a root of degree 1: `P - (…)`."""
        rest = self.coefficients[1].subs(self.budget, 0)
        count = typeset(expand(rest - self.coefficients[1]))
        if rest == 0:
            return count
        return f"{count} - ({typeset(rest)})" if isinstance(rest, Add) else f"{count} - {typeset(rest)}"

    def __str__(self) -> str:
        return self.plain()

    def plain(self, *, ascii_only: bool = False) -> str:
        """As text for a terminal."""

        def typeset(expression: Expr) -> str:
            return set_plain(expression, ascii_only=ascii_only)

        if len(self.coefficients) == 2:
            top, bottom = self._above(typeset), typeset(self.coefficients[0])
            return f"{self.symbol} = {top if bottom == '1' else f'({top})/({bottom})'}"
        a, b, c = self.coefficients
        root, squared = ("sqrt", "^2") if ascii_only else ("√", "²")
        middle, inner = typeset(b), typeset(expand(-4 * a * c))
        middle = f"({middle})" if isinstance(b, Add) else middle
        sign = " - " if inner.startswith("-") else " + "
        inside = f"{middle}{squared}{sign}{inner.lstrip('-')}" if b != 0 else inner
        minus = f"-{middle} + " if b != 0 else ""
        return f"{self.symbol} = ({minus}{root}({inside}))/({typeset(2 * a)})"


def closed_form(space: Space, budget: Budget) -> ClosedForm | None:
    """The closed form of the one free symbol of *space*; `None` where there is none of degree at most 2.

    There is one where the total is a polynomial of degree 1 or 2 whose highest coefficient is positive and whose value
    at 0 is below the budget: then exactly one root is positive.
    """
    [letter] = space.ranges
    formula, rules = space.formula, space.rules
    x = formula.notation[letter].symbol
    total = formula.total_as(budget.convention)
    for _ in rules.functions:  # rules may stand on rules
        total = total.subs({formula.notation[n].symbol: rule for n, rule in rules.functions.items()}, simultaneous=True)
    count = Symbol(
        next(n for n in ("P", "Q", "X", "P_budget") if n not in formula.notation), integer=True, positive=True
    )
    if len(total.atoms(*ROUNDINGS)) > _MOST_ROUNDED:
        return None
    top, bottom = fraction(together(total))
    equation = expand(top - count * bottom)
    if not equation.is_polynomial(x) or (degree := Poly(equation, x).degree()) not in (1, 2):
        return None
    coefficients = tuple(Poly(equation, x).all_coeffs())
    known = {**rules.fixed, str(count): budget.target}
    numbers = [Fraction(compile_scalar(c)(known)) for c in coefficients]
    if numbers[0] <= 0 or numbers[-1] >= 0:
        return None
    exact = [Rational(n) for n in numbers]
    if degree == 1:
        root = -exact[1] / exact[0]
    else:
        root = (-exact[1] + sqrt(exact[1] ** 2 - 4 * exact[0] * exact[2])) / (2 * exact[0])
    value = f"{int(root):,}" if isinstance(root, Integer) else str(root.evalf(_DIGITS))
    return ClosedForm(formula, x, count, coefficients, value)
