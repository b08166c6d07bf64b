"""Numbers that remember how they were computed ("concolic": concrete and symbolic at once).

A :class:`SymbolicInt` *is* an ``int``, so it passes validation, indexing and comparison and reaches PyTorch's C++ like any
other, but arithmetic carries an expression along beside the value. Comparisons give a plain ``bool`` and leave a condition
with the recorder of the running trace (see :mod:`symcount.derive.recording`).

>>> h, a = SymbolicInt.field("hidden_size", 768), SymbolicInt.field("num_heads", 12)
>>> h // a, (h // a).node
(64, <(hidden_size / num_heads)>)
>>> h // 100, (h // 100).node
(7, <(hidden_size // 100)>)

What Python does not let a subclass keep (``int(x)`` always returns a plain int) is the business of
:mod:`symcount.derive.shadow`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final, SupportsIndex

from symcount.derive import expression as ex
from symcount.derive.expression import Node, Value, evaluate, exact, free_symbols, symbol, to_sympy
from symcount.derive.recording import record_condition, record_structural

__all__ = ["Node", "SymbolicFloat", "SymbolicInt", "evaluate", "free_symbols", "node_of", "symbol", "to_sympy"]


class SymbolicInt(int):
    """An ``int`` with the expression it is the value of, in ``node``."""

    node: Node

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

    __hash__ = int.__hash__

    def __copy__(self) -> SymbolicInt:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SymbolicInt:
        return self

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[int, Node]]:
        return SymbolicInt.of, (int(self), self.node)

    def __bool__(self) -> bool:
        truth = int.__bool__(self)
        _record_comparison("!=" if truth else "==", self.node, ex.const(0))
        return truth

    def __trunc__(self) -> SymbolicInt:
        return self

    __floor__ = __ceil__ = __pos__ = __trunc__

    def __round__(self, ndigits: SupportsIndex | None = None) -> Any:
        return self if ndigits is None else int.__round__(self, ndigits)

    def __float__(self) -> float:  # float(x) itself returns a plain float; see the shadow
        return int.__float__(self)


class SymbolicFloat(float):
    """A ``float`` with its expression in ``node`` and that expression's exact value in ``exact``."""

    node: Node
    exact: Value

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
        _record_comparison("!=" if truth else "==", self.node, ex.const(0))
        return truth

    def __pos__(self) -> SymbolicFloat:
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
            return float.__round__(self, ndigits)
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


def exact_of(value: int | float) -> Value:
    """The exact value of any finite number."""
    if isinstance(value, SymbolicFloat):
        return value.exact
    return int(value) if isinstance(value, int) else exact(value)


def integer(value: int, node: Node) -> int:
    """``value`` with its expression, or plain if the expression has become a constant."""
    return int(value) if node.op == "const" else SymbolicInt.of(value, node)


def number(value: int | float, node: Node, exact_value: Value) -> int | float:
    """Like :func:`integer` for a result of either type."""
    if isinstance(value, int):
        return integer(value, node)
    return float(value) if node.op == "const" else SymbolicFloat.of(value, node, exact_value)


def _checked(value: int, node: Node, exact_value: int) -> int:
    """The integer ``value`` got by rounding a float. What the program computed rules: if exact arithmetic differs
    (``0.7 * 10`` style) the expression would lie, so it is dropped and the event recorded."""
    if value != exact_value:
        record_condition("ieee", node, ex.const(value))
        return value
    return integer(value, node)


def _record_comparison(relation: str, left: Node, right: Node) -> None:
    """Record a comparison; a remainder compared with zero is a question of divisibility."""
    if left.op == "mod" and right.op == "const" and right.args[0] == 0 and relation in ("==", "!=", ">", "<="):
        divides = relation in ("==", "<=")
        record_condition("divides" if divides else "not divides", left.args[1], left.args[0])
    else:
        record_condition(relation, left, right)


def _quotient(a: Node, b: Node, value_a: Value, value_b: Value) -> Node:
    """The node of ``a // b``: an exact division where there is no remainder, and then a condition."""
    if b.op == "const" and b.args[0] == 1:
        return ex.floor(a)
    if a.integral and b.integral and value_a % value_b == 0:
        record_condition("divides", b, a, exact=True)
        return ex.exact_div(a, b)
    return ex.floordiv(a, b)


_Combine = Callable[[Node, Node], Node]
_ARITHMETIC: Final[dict[str, _Combine]] = {"add": ex.add, "sub": ex.sub, "mul": ex.mul, "truediv": ex.div,
                                           "mod": ex.mod, "pow": ex.power, "floordiv": ex.floordiv}  # fmt: skip
_EXACT: Final[dict[str, str]] = {"truediv": "div"}
_HELD: Final = {"lt": ("<", ">="), "le": ("<=", ">"), "eq": ("==", "!="), "ne": ("!=", "=="), "gt": (">", "<="),
                "ge": (">=", "<")}  # fmt: skip


def _is_sequence(value: object) -> bool:
    return isinstance(value, list | tuple | str | bytes)


def _binary(base: type[Any], name: str, reflected: bool) -> Callable[[Any, Any], Any]:
    """The method ``__name__`` or ``__rname__`` of a symbolic number whose values are of type ``base``."""
    combine = _ARITHMETIC[name]
    operator = ex._OPERATORS[_EXACT.get(name, name)]
    method = f"__{'r' if reflected else ''}{name}__"
    for_int: Any = getattr(int, method)
    for_float: Any = getattr(float, method)

    def compute(self: Any, other: Any) -> Any:
        other_node = node_of(other)
        if other_node is None:
            if name == "mul" and base is int and _is_sequence(other):
                record_structural("repeat", self.node)
                return other * int(self)
            # Infinities keep IEEE behaviour; tensors and arrays take over with their own reflected method.
            return for_float(float(self), other) if isinstance(other, float) else NotImplemented
        both_int = base is int and isinstance(other, int)
        value = for_int(self, other) if both_int else for_float(float(self), float(other))
        if isinstance(value, complex):
            return value
        left, right = (other, self) if reflected else (self, other)
        exact_left, exact_right = exact_of(left), exact_of(right)
        node_left, node_right = (other_node, self.node) if reflected else (self.node, other_node)
        if name == "floordiv" and both_int:
            return integer(value, _quotient(node_left, node_right, exact_left, exact_right))
        node = combine(node_left, node_right)
        if both_int and isinstance(value, int):
            return integer(value, node)
        try:
            return number(value, node, operator(exact_left, exact_right))
        except ArithmeticError:  # exact arithmetic overflows a float where IEEE gives a value: keep the value
            return value

    compute.__name__ = compute.__qualname__ = method
    return compute


def _comparison(base: type[Any], name: str) -> Callable[[Any, Any], Any]:
    """The method ``__lt__`` and so on: a plain bool, and a record of what held."""
    plain: Any = getattr(base, f"__{name}__")
    general: Any = getattr(float, f"__{name}__")
    if_true, if_false = _HELD[name]

    def compare(self: Any, other: Any) -> Any:
        result = plain(self, other)
        if result is NotImplemented and isinstance(other, float):
            result = general(float(self), other)
        if result is not NotImplemented:
            other_node = node_of(other)
            if other_node is not None and other_node is not self.node:
                _record_comparison(if_true if result else if_false, self.node, other_node)
        return result

    compare.__name__ = compare.__qualname__ = f"__{name}__"
    return compare


def _shift(sign: int) -> Callable[[Any, Any], Any]:
    def shift(self: Any, other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented
        scale = 2 ** (other if isinstance(other, SymbolicInt) else int(other))
        return self * scale if sign > 0 else self // scale

    return shift


def _divmod(self: Any, other: Any) -> Any:
    return (self // other, self % other) if node_of(other) is not None else NotImplemented


def _rdivmod(self: Any, other: Any) -> Any:
    return (other // self, other % self) if node_of(other) is not None else NotImplemented


def _pow(self: Any, other: Any, modulo: Any = None) -> Any:
    return _POW[type(self)](self, other) if modulo is None else pow(int(self), other, modulo)


def _neg(self: Any) -> Any:
    return number(type(self).__base__.__neg__(self), ex.neg(self.node), -exact_of(self))


def _abs(self: Any) -> Any:
    return number(type(self).__base__.__abs__(self), ex.absolute(self.node), abs(exact_of(self)))


def _rlshift(self: Any, other: Any) -> Any:
    return other * 2**self if isinstance(other, int) else NotImplemented


for _class, _base in ((SymbolicInt, int), (SymbolicFloat, float)):
    for _name in _ARITHMETIC:
        setattr(_class, f"__{_name}__", _binary(_base, _name, reflected=False))
        setattr(_class, f"__r{_name}__", _binary(_base, _name, reflected=True))
    for _name in _HELD:
        setattr(_class, f"__{_name}__", _comparison(_base, _name))
    for _name, _method in (("divmod", _divmod), ("rdivmod", _rdivmod), ("neg", _neg), ("abs", _abs)):
        setattr(_class, f"__{_name}__", _method)
_POW: Final = {SymbolicInt: SymbolicInt.__pow__, SymbolicFloat: SymbolicFloat.__pow__}
for _class in (SymbolicInt, SymbolicFloat):
    setattr(_class, "__pow__", _pow)  # noqa: B010  (a class variable of a loop has no static attribute to assign)
SymbolicInt.__lshift__ = _shift(1)  # type: ignore[method-assign]
SymbolicInt.__rshift__ = _shift(-1)  # type: ignore[method-assign]
SymbolicInt.__rlshift__ = _rlshift  # type: ignore[method-assign]
