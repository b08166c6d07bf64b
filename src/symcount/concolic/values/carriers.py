"""The two number classes of :mod:`symcount.concolic.values.numbers`, without their arithmetic, which that module adds.

Import them from there: only then are they complete.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, SupportsIndex

from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, Value, exact
from symcount.concolic.values.operators import OPERATORS
from symcount.concolic.values.path import record_condition, record_hash, record_structural, record_text


class SymbolicInt(int):
    """An ``int`` with the expression it is the value of, in ``node``; of a product the factors, if they are known."""

    node: Node
    factors: tuple[int, int] | None = None

    @classmethod
    def of(cls, value: int, node: Node) -> SymbolicInt:
        """The number ``value``, known to be the value of ``node``."""
        self = int.__new__(cls, value)
        self.node = node
        return self

    @classmethod
    def field(cls, name: str, value: int) -> SymbolicInt:
        """The value of the configuration field ``name``."""
        return cls.of(value, ex.symbol(name))

    def __hash__(self) -> int:
        if self.node.indexed:
            record_hash(self.node)
        return int.__hash__(self)

    def __copy__(self) -> SymbolicInt:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SymbolicInt:
        return self

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[int, Node]]:
        return SymbolicInt.of, (int(self), self.node)

    def __bool__(self) -> bool:
        truth = int.__bool__(self)
        record_comparison("!=" if truth else "==", self.node, ex.const(0))
        return truth

    def __trunc__(self) -> SymbolicInt:
        return self

    __floor__ = __ceil__ = __pos__ = __trunc__

    def __round__(self, ndigits: SupportsIndex | None = None) -> Any:
        return self if ndigits is None else int.__round__(self, ndigits)

    def __float__(self) -> float:  # float(x) itself returns a plain float; see the shadow
        return int.__float__(self)

    def __repr__(self) -> str:  # how long it is says the logarithm of the number
        record_structural("log", self.node)
        if self.node.indexed:
            record_text(self.node)
        return int.__repr__(self)

    def __format__(self, spec: str) -> str:
        record_structural("log", self.node)
        if self.node.indexed:
            (record_text if spec in ("", "d") else record_hash)(self.node)
        return int.__format__(self, spec)

    def bit_length(self) -> int:
        """How many bits it has: `⌊log2 n⌋ + 1`, if there are any."""
        record_structural("log", self.node)
        node = ex.add(ex.floor(ex.log(self.node, ex.const(2))), ex.const(1))
        return integer(int.bit_length(self), node) if self > 0 else int.bit_length(self)

    def bit_count(self) -> int:
        """How many of its bits are ones, as a plain number: no expression says that."""
        record_structural("bits", self.node)
        return int.bit_count(self)


class SymbolicFloat(float):
    """A ``float`` with its expression in ``node`` and that expression's exact value in ``exact``.

    Those of a quotient of an integer are found when they are asked for: a table of positions has millions of quotients,
    of which only the value is of interest.
    """

    _parts: tuple[int, float]

    @cached_property
    def node(self) -> Node:
        """The expression."""
        return ex.div(*(node for part in self._parts if (node := node_of(part)) is not None))  # both are finite

    @cached_property
    def exact(self) -> Value:
        """The exact value."""
        quotient: Value = OPERATORS["div"](*map(exact_of, self._parts))
        return quotient

    @classmethod
    def quotient(cls, a: int, b: float) -> SymbolicFloat:
        """``a / b`` for an integer and a finite number, of which at least one is symbolic."""
        self = float.__new__(cls, int.__truediv__(a, b) if isinstance(b, int) else int.__float__(a) / b)
        self._parts = a, b
        return self

    @classmethod
    def of(cls, value: float, node: Node, exact_value: Value) -> SymbolicFloat:
        """The number ``value``, known to be (up to rounding) the value ``exact_value`` of ``node``."""
        self = float.__new__(cls, value)
        self.node = node
        self.exact = exact_value
        return self

    @classmethod
    def field(cls, name: str, value: float) -> SymbolicFloat:
        """The value of the configuration field ``name``, read as the decimal it prints as."""
        return cls.of(value, ex.symbol(name, integral=False), exact(value))

    __hash__ = float.__hash__

    def __copy__(self) -> SymbolicFloat:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SymbolicFloat:
        return self

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[float, Node, Value]]:
        return SymbolicFloat.of, (float(self), self.node, self.exact)

    def __bool__(self) -> bool:
        truth = float.__bool__(self)
        record_comparison("!=" if truth else "==", self.node, ex.const(0))
        return truth

    def __pos__(self) -> SymbolicFloat:
        return self

    def __repr__(self) -> str:  # the text may be read as a number again, or be compared
        return float.__repr__(self._noted())

    def __format__(self, spec: str) -> str:
        return float.__format__(self._noted(), spec)

    def hex(self) -> str:
        """As text, which no expression follows."""
        return float.hex(self._noted())

    def as_integer_ratio(self) -> tuple[int, int]:
        """Numerator and denominator, which no expression follows."""
        return float.as_integer_ratio(self._noted())

    def is_integer(self) -> bool:
        """Whether it is a whole number; the answer is recorded as a condition."""
        whole = float.is_integer(self)
        record_condition("divides" if whole else "not divides", ex.const(1), self.node)
        return whole

    def _noted(self) -> float:
        record_structural("log", self.node)
        return self

    def __trunc__(self) -> int:
        """``int(x)``: towards zero."""
        return self.__floor__() if self.exact >= 0 else self.__ceil__()

    def __floor__(self) -> int:
        value, floored = float.__floor__(self), math.floor(self.exact)
        a_quotient = self.node.op == "div" and self.node.args[0].integral and self.node.args[1].integral
        if a_quotient and value == floored == self.exact:  # as for ``//``: no remainder, so no floor, but a condition
            record_condition("divides", self.node.args[1], self.node.args[0], exact=True)
            return integer(value, ex.exact_div(*self.node.args))
        return _checked(value, ex.floor(self.node), floored)

    def __ceil__(self) -> int:
        return _checked(float.__ceil__(self), ex.ceil(self.node), math.ceil(self.exact))

    def __round__(self, ndigits: SupportsIndex | None = None) -> Any:
        if ndigits is not None:
            return float.__round__(self._noted(), ndigits)
        return _checked(float.__round__(self), ex.round_half_even(self.node), round(self.exact))


def node_of(value: object) -> Node | None:
    """The expression of any number, ``None`` for anything else (and for infinities, which no formula contains)."""
    if isinstance(value, SymbolicInt | SymbolicFloat):
        return value.node
    if isinstance(value, int):
        return ex.const(int(value))
    if isinstance(value, float):
        return ex.const(exact(value)) if math.isfinite(value) else None
    return None


def exact_of(value: float) -> Value:
    """The exact value of any finite number."""
    if isinstance(value, SymbolicFloat):
        return value.exact
    return int(value) if isinstance(value, int) else exact(value)


def integer(value: int, node: Node) -> int:
    """``value`` with its expression, or plain if the expression has become a constant."""
    return int(value) if node.op == "const" else SymbolicInt.of(value, node)


def number(value: float, node: Node, exact_value: Value) -> int | float:
    """Like :func:`integer` for a result of either type."""
    if isinstance(value, int):
        return integer(value, node)
    return float(value) if node.op == "const" else SymbolicFloat.of(value, node, exact_value)


def _checked(value: int, node: Node, exact_value: int) -> int:
    """The integer ``value`` got by rounding a float, with its expression unless that would lie.

    What the program computed rules: if exact arithmetic differs (``int(0.29 * 100)`` is 28), the expression is dropped
    and the event recorded.
    """
    if value != exact_value:
        record_condition("ieee", node, ex.const(value))
        return value
    return integer(value, node)


def record_comparison(relation: str, left: Node, right: Node) -> None:
    """Record a comparison; of a remainder with zero it asks about divisibility, of a root about what is under it."""
    while _is_root(left) and right is ex.const(0):
        left = left.args[0]
    if left.op == "mod" and right.op == "const" and right.args[0] == 0 and relation in ("==", "!=", ">", "<="):
        divides = relation in ("==", "<=")
        record_condition("divides" if divides else "not divides", left.args[1], left.args[0])
    else:
        record_condition(relation, left, right)


def _is_root(node: Node) -> bool:
    """Whether *node* is `x ** e` and e no whole number: where it is real, x is not negative, and has the same sign."""
    return node.op == "pow" and node.args[1].op == "const" and not node.args[1].integral
