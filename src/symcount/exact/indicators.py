"""Conditions as numbers: 1 where they hold and 0 where not. The sum of one over an index is the number of a set.

They stand in a multiplicity for which there is no closed form, `#{i < N : 7 divides i^2 + 1}`, and are counted one
index after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from sympy import Expr, Function, Integer, Mul, Sum

__all__ = ["RELATIONS", "Differs", "Divides", "Equals", "Indicator", "Leaves", "Less", "members"]


class Indicator(Function):  # type: ignore[misc]  # SymPy is untyped
    """Of two integers, whether they are in a relation: 1 or 0.

    Attributes:
        sign: of the relation, as plain text.
        latex: the same as LaTeX.
    """

    nargs = 2
    is_integer = True
    is_real = True
    is_nonnegative = True
    sign: ClassVar[str]
    latex: ClassVar[str]

    @classmethod
    def eval(cls, left: Expr, right: Expr) -> Expr | None:
        """The value, where both are numbers."""
        known = isinstance(left, Integer) and isinstance(right, Integer)
        return Integer(cls.holds(int(left), int(right))) if known else None

    @staticmethod
    def holds(left: int, right: int) -> bool:
        """Whether two numbers are in the relation."""
        raise NotImplementedError


class Less(Indicator):
    """Whether *left* is less than *right*.

    >>> from symcount.core.notation import symbol
    >>> Less(3, 4), Less(symbol("H"), 4).subs(symbol("H"), 4)
    (1, 0)
    """

    sign, latex = "<", "<"

    @staticmethod
    def holds(left: int, right: int) -> bool:
        """Whether *left* is less."""
        return left < right


class Equals(Indicator):
    """Whether *left* is *right*."""

    sign, latex = "=", "="

    @staticmethod
    def holds(left: int, right: int) -> bool:
        """Whether they are one number."""
        return left == right


class Differs(Indicator):
    """Whether *left* is another number than *right*."""

    sign, latex = "!=", r"\neq"

    @staticmethod
    def holds(left: int, right: int) -> bool:
        """Whether they are two numbers."""
        return left != right


class Divides(Indicator):
    """Whether *left* divides *right*."""

    sign, latex = "divides", r"\mid"

    @staticmethod
    def holds(left: int, right: int) -> bool:
        """Whether there is no remainder."""
        return left != 0 and right % left == 0


class Leaves(Indicator):
    """Whether *left* leaves a remainder of *right*."""

    sign, latex = "does not divide", r"\nmid"

    @staticmethod
    def holds(left: int, right: int) -> bool:
        """Whether there is a remainder."""
        return left != 0 and right % left != 0


#: Each by the name that expressions have for it while a model is built.
RELATIONS: Final[dict[str, type[Indicator]]] = {
    "less": Less, "equals": Equals, "differs": Differs, "divides": Divides, "leaves": Leaves,
}  # fmt: skip


def members(total: Sum) -> Sequence[Indicator] | None:
    """The conditions of the set whose number a sum is; `None` if it is the sum of something else.

    >>> from symcount.core.notation import symbol
    >>> from symcount.core.summation import index_symbol
    >>> i, N = index_symbol(), symbol("N")
    >>> members(Sum(Divides(7, i**2 + 1) * Less(i, 9), (i, 0, N - 1)))
    [Divides(7, i**2 + 1), Less(i, 9)]
    """
    factors = Mul.make_args(total.function)
    return sorted(factors, key=str) if all(isinstance(factor, Indicator) for factor in factors) else None
