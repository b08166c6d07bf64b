"""Conditions under which a formula holds: relations between expressions, printed, checked and minimal.

A `Condition` is data (relation, left, right), so that it can be printed, typeset, stored and evaluated with integer
arithmetic by the same evaluator as every count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod

from sympy import Expr, Integer, Poly, Symbol

from symcount.errors import DomainError, StructureError
from symcount.exact.arithmetic import HOLDS, WORDS, Number
from symcount.exact.evaluate import compile_scalar

__all__ = ["Condition", "divides", "minimal", "relation"]

_LATEX = {
    "divides": r"\mid",
    "not divides": r"\nmid",
    "==": "=",
    "!=": r"\neq",
    "<": "<",
    "<=": r"\leq",
    ">": ">",
    ">=": r"\geq",
}

_OPPOSITES = {
    "==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "divides": "not divides",
    "not divides": "divides",
}  # fmt: skip
_REMAINDERS = 1024  # so many combinations of remainders are tried, which takes no time


@dataclass(frozen=True)
class Condition:
    """`left relation right`, for example `A divides H` or `N >= d`.

    >>> from symcount.core.notation import symbol
    >>> c = divides(symbol("A"), symbol("H"))
    >>> str(c), c.holds({"A": 12, "H": 768}), c.holds({"A": 10, "H": 768})
    ('A divides H', True, False)
    """

    relation: str
    left: Expr
    right: Expr
    _compiled: dict[str, Callable[..., Number]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.relation not in HOLDS:
            raise StructureError(f"condition {self.relation!r}: expected one of {', '.join(HOLDS)}")

    def __reduce__(self) -> tuple[type[Condition], tuple[str, Expr, Expr]]:
        return Condition, (self.relation, self.left, self.right)  # what is compiled stays in its process

    @property
    def symbols(self) -> set[Symbol]:
        """The symbols that the condition speaks of."""
        return {s for s in self.left.free_symbols | self.right.free_symbols if isinstance(s, Symbol)}

    @property
    def opposite(self) -> Condition:
        """The condition that holds where this one does not."""
        return Condition(_OPPOSITES[self.relation], self.left, self.right)

    def mapped(self, change: Callable[[Expr], Expr]) -> Condition:
        """The same condition with both sides changed by *change*."""
        return Condition(self.relation, change(self.left), change(self.right))

    def holds(self, values: Mapping[str, Number]) -> bool:
        """Whether the condition holds at *values* (by letter); every symbol of it must be given."""
        if not self._compiled:
            self._compiled.update(left=compile_scalar(self.left), right=compile_scalar(self.right))
        return HOLDS[self.relation](self._compiled["left"](values), self._compiled["right"](values))

    def require(self, values: Mapping[str, Number], names: Callable[[Symbol], str] = str) -> None:
        """Raise unless the condition holds at *values*; *names* says how a symbol is called in the message.

        Raises:
            DomainError: it does not hold; the message names the condition and the values given.
        """
        if not self.holds(values):
            given = ", ".join(f"{names(s)} = {values[s.name]}" for s in sorted(self.symbols, key=str))
            raise DomainError(f"outside the formula's domain: {self} is required, but {given}")

    def latex(self, printer: Callable[[Expr], str]) -> str:
        """The condition in LaTeX, each side written by *printer*."""
        return f"{printer(self.left)} {_LATEX[self.relation]} {printer(self.right)}"

    def __str__(self) -> str:
        return f"{self.left} {WORDS[self.relation]} {self.right}"


def divides(divisor: Expr | int, number: Expr | int) -> Condition:
    """The condition that *divisor* divides *number*."""
    return relation(divisor, "divides", number)


def relation(left: Expr | int, how: str, right: Expr | int) -> Condition:
    """The condition `left how right` for *how* in `== != < <= > >= divides`."""
    return Condition(how, _expr(left), _expr(right))


def _expr(value: Expr | int) -> Expr:
    return Integer(value) if isinstance(value, int) else value


def minimal(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Drop conditions that are repeated, hold for all positive integers, or follow from another one.

    Of what divides what: `4 | H` follows from `8 | H`, and `A | 2H` from `A | H`.

    >>> from symcount.core.notation import symbol
    >>> H, A = symbol("H"), symbol("A")
    >>> [str(c) for c in minimal([divides(A, H), divides(A, H), divides(1, H), divides(A, 2 * A), relation(H, ">", 0)])]
    ['A divides H']
    >>> minimal([divides(2, H * (H - 1)), divides(3, H**3 - H)])
    ()
    >>> [str(c) for c in minimal([divides(4, H), divides(8, H), divides(2, H), divides(A, 2 * H), divides(A, H)])]
    ['8 divides H', 'A divides H']
    """
    kept: dict[tuple[str, Expr, Expr], Condition] = {}
    for item in conditions:
        if not _always(item):
            kept.setdefault((item.relation, item.left, item.right), item)
    found: list[Condition] = []
    for item in kept.values():
        if not any(_follows(item, other) for other in found):
            found = [other for other in found if not _follows(other, item)] + [item]
    return tuple(found)


def _follows(condition: Condition, other: Condition) -> bool:
    """Whether *condition* follows from *other*, both of what divides what: a | x from b | y where a | b and y | x."""
    if condition.relation != "divides" or other.relation != "divides":
        return False
    if not condition.symbols >= other.symbols:  # it may be that only the symbols of one are given
        return False
    return bool((other.left / condition.left).is_integer and (condition.right / other.right).is_integer)


def _always(condition: Condition) -> bool:
    difference = condition.left - condition.right
    match condition.relation:
        case "divides":
            return bool((condition.right / condition.left).is_integer) or _at_every_remainder(condition)
        case "not divides":
            return False
        case "==":
            return bool(difference == 0)
        case "!=":
            return difference.is_zero is False
        case "<":
            return difference.is_negative is True
        case "<=":
            return difference.is_nonpositive is True
        case ">":
            return difference.is_positive is True
        case _:
            return difference.is_nonnegative is True


def _at_every_remainder(condition: Condition) -> bool:
    """Whether a number divides a polynomial whatever the remainders of its symbols are: two divides `N(N - 1)`."""
    divisor, symbols = condition.left, sorted(condition.symbols, key=str)
    if not isinstance(divisor, Integer) or (not condition.right.is_Add and not condition.right.is_Mul):
        return False
    number = int(divisor)
    if number < 2 or number ** len(symbols) > _REMAINDERS or not condition.right.is_polynomial(*symbols):
        return False
    terms = Poly(condition.right, *symbols).terms()
    if not all(factor.is_integer for _, factor in terms):
        return False
    return all(
        sum(int(factor) * prod(map(pow, remainders, powers)) for powers, factor in terms) % number == 0
        for remainders in product(range(number), repeat=len(symbols))
    )
