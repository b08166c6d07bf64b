"""Polynomials with integer coefficients, as the search needs them: bounds over a box, and columns of values.

A polynomial maps monomials to coefficients; a monomial is a sorted tuple of (name, exponent). Names are letters of free
symbols, or atoms: parts of an expression that are no polynomial (a floor), and get a name and a column of their own.
No variable is ever negative, so a term is largest where its variables are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sympy import Expr, Poly, Symbol

from symcount.errors import StructureError

__all__ = [
    "SAFE",
    "Columns",
    "Monomial",
    "Polynomial",
    "bound",
    "combine",
    "degree_in",
    "evaluate",
    "from_sympy",
    "split",
    "variables",
]

Monomial = tuple[tuple[str, int], ...]
Polynomial = Mapping[Monomial, int]
SAFE = 2**61  # twice this is still a 64-bit integer
Array = Any  # a NumPy array of int64, or of Python integers where 64 bits might not do


def from_sympy(expression: Expr) -> Polynomial:
    """The polynomial that *expression* is; its coefficients must be integers.

    >>> from symcount.core.notation import letters
    >>> N, H = letters("N H")
    >>> from_sympy(N * (4 * H**2 + H) - 7)
    {(('H', 2), ('N', 1)): 4, (('H', 1), ('N', 1)): 1, (): -7}
    """
    symbols = sorted((s for s in expression.free_symbols if isinstance(s, Symbol)), key=lambda s: s.name)
    if not symbols:
        return {(): int(expression)} if expression != 0 else {}
    names = [s.name for s in symbols]
    terms = Poly(expression, *symbols).terms()
    if not all(coefficient.is_Integer for _, coefficient in terms):
        raise StructureError(f"{expression} has a coefficient that is no integer")
    return {
        tuple((name, power) for name, power in zip(names, powers, strict=True) if power): int(coefficient)
        for powers, coefficient in terms
        if coefficient
    }


def combine(*parts: tuple[int, Polynomial]) -> Polynomial:
    """The sum of multiples of polynomials."""
    total: dict[Monomial, int] = {}
    for factor, polynomial in parts:
        for monomial, coefficient in polynomial.items():
            total[monomial] = total.get(monomial, 0) + factor * coefficient
    return {monomial: coefficient for monomial, coefficient in total.items() if coefficient}


def variables(polynomial: Polynomial) -> set[str]:
    """The names in *polynomial*."""
    return {name for monomial in polynomial for name, _ in monomial}


def degree_in(polynomial: Polynomial, name: str) -> int:
    """The degree of *polynomial* in one variable."""
    return max((power for monomial in polynomial for n, power in monomial if n == name), default=0)


def split(polynomial: Polynomial, name: str) -> dict[int, Polynomial]:
    """The coefficients of *polynomial*, by their power of one variable."""
    parts: dict[int, dict[Monomial, int]] = {}
    for monomial, coefficient in polynomial.items():
        power = next((p for n, p in monomial if n == name), 0)
        rest = tuple(item for item in monomial if item[0] != name)
        parts.setdefault(power, {})[rest] = coefficient
    return dict(parts)


def bound(polynomial: Polynomial, box: Mapping[str, tuple[int, int]], *, upper: bool) -> Polynomial:
    """A polynomial in the variables outside *box* that bounds *polynomial* for every point of the box.

    >>> bound({(("H", 1), ("N", 1)): 2, (("N", 1),): -3, (): 5}, {"N": (1, 10)}, upper=True)
    {(('H', 1),): 20, (): 2}
    """
    result: dict[Monomial, int] = {}
    for monomial, coefficient in polynomial.items():
        rest = []
        value = coefficient
        for name, power in monomial:
            if name in box:
                value *= box[name][(coefficient > 0) == upper] ** power
            else:
                rest.append((name, power))
        key = tuple(rest)
        result[key] = result.get(key, 0) + value
    return {monomial: value for monomial, value in result.items() if value}


class Columns(dict[str, Array]):
    """Columns of values by name, and the products of them that were needed so far."""

    def __init__(self, columns: Mapping[str, Array] | Iterable[tuple[str, Array]] = ()) -> None:
        super().__init__(columns)
        self._products: dict[Monomial, Array] = {}

    def product(self, monomial: Monomial) -> Array:
        """The column of a monomial that is not 1."""
        found = self._products.get(monomial)
        if found is None:
            *rest, (name, power) = monomial
            if power > 1:
                rest.append((name, power - 1))
            found = self[name] if not rest else self.product(tuple(rest)) * self[name]
            self._products[monomial] = found
        return found


def evaluate(polynomial: Polynomial, columns: Columns) -> Array:
    """The column of values of *polynomial*, an integer where it is a constant."""
    total: Array = 0
    for monomial, coefficient in polynomial.items():
        term = columns.product(monomial) if monomial else 1
        total = total + (term if coefficient == 1 else coefficient * term)
    return total
