"""Numbers that remember how they were computed ("concolic": concrete and symbolic at once).

A :class:`SymbolicInt` *is* an ``int``, so it passes validation, indexing and comparison and reaches PyTorch's C++ like
any other, but arithmetic carries an expression along beside the value. Comparisons give a plain ``bool`` and leave a
condition with the recorder of the running trace (see :mod:`symcount.concolic.values.path`).

>>> h, a = SymbolicInt.field("hidden_size", 768), SymbolicInt.field("num_heads", 12)
>>> h // a, (h // a).node
(64, <(hidden_size / num_heads)>)
>>> h // 100, (h // 100).node
(7, <(hidden_size // 100)>)

What Python does not let a subclass keep (``int(x)`` always returns a plain int) is the business of
:mod:`symcount.concolic.python.builtins`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Number
from typing import Any, Final

from symcount.concolic.values import expression as ex
from symcount.concolic.values.carriers import (
    SymbolicFloat,
    SymbolicInt,
    exact_of,
    integer,
    node_of,
    number,
    record_comparison,
)
from symcount.concolic.values.expression import Node, Value
from symcount.concolic.values.operators import OPERATORS
from symcount.concolic.values.path import record_condition, record_hash, record_remainder, record_structural
from symcount.concolic.values.rewriting import generic

__all__ = ["SymbolicFloat", "SymbolicInt", "exact_of", "integer", "node_of", "number"]


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
    operator = OPERATORS[_EXACT.get(name, name)]
    method = f"__{'r' if reflected else ''}{name}__"
    for_int: Any = getattr(int, method)
    for_float: Any = getattr(float, method)

    def compute(self: Any, other: Any) -> Any:
        if other.__class__.__module__ == "numpy" and isinstance(other, Number):
            other = other.item()  # type: ignore[attr-defined]  # a NumPy scalar, whose type would swallow the expression
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
            if name == "mod" and node.op == "mod" and node.indexed and node.args[1].op == "const":
                record_remainder(generic(node))
            return integer(value, node)
        try:
            return number(value, node, operator(exact_left, exact_right))
        except ArithmeticError:  # exact arithmetic overflows a float where IEEE gives a value: keep the value
            return value

    compute.__name__ = compute.__qualname__ = method
    return compute


def _integral(name: str, reflected: bool) -> Callable[[Any, Any], Any]:
    """The method of a symbolic integer for a sum, difference or product: of integers, nearly always."""
    combine = _ARITHMETIC[name]
    method = f"__{'r' if reflected else ''}{name}__"
    plain: Any = getattr(int, method)
    general = _binary(int, name, reflected)

    def compute(self: Any, other: Any) -> Any:
        if type(other) is SymbolicInt:
            node = other.node
        elif type(other) is int:
            node = ex.const(other)
        else:
            return general(self, other)
        node = combine(node, self.node) if reflected else combine(self.node, node)
        result = integer(plain(self, other), node)
        if name == "mul" and type(result) is SymbolicInt and result.node is not self.node:
            result.factors = (other, self) if reflected else (self, other)
        return result

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
                record_comparison(if_true if result else if_false, self.node, other_node)
        return result

    compare.__name__ = compare.__qualname__ = f"__{name}__"
    return compare


def _truediv(self: Any, other: Any) -> Any:
    """The quotient of an integer and a plain number, without its expression until that is asked for.

    Of anything else as usual.
    """
    if type(other) is int or (type(other) is SymbolicInt and other.node is not self.node):
        return SymbolicFloat.quotient(self, other)
    if isinstance(other, float) and type(other) is not SymbolicFloat and other and math.isfinite(other):
        return SymbolicFloat.quotient(self, float(other))  # of NumPy, perhaps
    return _GENERAL["truediv"](self, other)


def _rtruediv(self: Any, other: Any) -> Any:
    return SymbolicFloat.quotient(other, self) if type(other) is int else _GENERAL["rtruediv"](self, other)


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
    value = int.__neg__(self) if isinstance(self, int) else float.__neg__(self)
    return number(value, ex.neg(self.node), -exact_of(self))


def _abs(self: Any) -> Any:
    value = int.__abs__(self) if isinstance(self, int) else float.__abs__(self)
    exact_value: Any = exact_of(self)
    return number(value, ex.absolute(self.node), abs(exact_value))


def _of_bits(name: str) -> Callable[[Any, Any], Any]:
    """An operation on bits, whose result has no expression: nothing shows any more what is asked of it."""
    original = getattr(int, f"__{name}__")

    def operation(self: Any, other: Any) -> Any:
        for one in (self, other):
            if isinstance(one, SymbolicInt):
                record_structural("bits", one.node)
                if one.node.indexed:
                    record_hash(one.node)
        return original(self, other)

    return operation


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
_POW: Final[dict[type, Any]] = {SymbolicInt: SymbolicInt.__pow__, SymbolicFloat: SymbolicFloat.__pow__}
for _name in ("add", "sub", "mul"):
    setattr(SymbolicInt, f"__{_name}__", _integral(_name, reflected=False))
    setattr(SymbolicInt, f"__r{_name}__", _integral(_name, reflected=True))
for _class in (SymbolicInt, SymbolicFloat):
    setattr(_class, "__pow__", _pow)  # noqa: B010  (a class variable of a loop has no static attribute to assign)
_GENERAL: Final[dict[str, Any]] = {"truediv": SymbolicInt.__truediv__, "rtruediv": SymbolicInt.__rtruediv__}
SymbolicInt.__truediv__ = _truediv  # type: ignore[method-assign]
SymbolicInt.__rtruediv__ = _rtruediv  # type: ignore[method-assign]
for _name in ("and", "or", "xor", "rand", "ror", "rxor"):
    setattr(SymbolicInt, f"__{_name}__", _of_bits(_name))
SymbolicInt.__lshift__ = _shift(1)  # type: ignore[method-assign]
SymbolicInt.__rshift__ = _shift(-1)  # type: ignore[method-assign]
SymbolicInt.__rlshift__ = _rlshift  # type: ignore[method-assign]
