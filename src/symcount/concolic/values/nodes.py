"""The nodes of exact expressions, and the functions that build them.

Nodes are *interned*: building the same expression twice gives the same object, so nodes compare by identity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from symcount.concolic.values.operators import OPERATORS, Value
from symcount.errors import DerivationError


class Node:
    """One operator applied to interned arguments. Build nodes with the functions of this module, never directly.

    Attributes:
        op: ``sym``, ``const``, ``index`` (of a loop, in one iteration), ``add``, ``sub``, ``mul``, ``div`` (rational),
            ``exact_div`` (integer, remainder zero), ``floordiv``, ``mod``, ``pow``, ``min``, ``max``, ``floor``,
            ``ceil``, ``round``, ``abs``, ``gcd``, ``log``; ``less``, ``equals``, ``differs``, ``divides``, ``leaves``
            (a remainder): 1 where two integers are in that relation, otherwise 0; ``sum`` (symbol of an index, the
            number of its values from zero on, term).
        args: for ``sym`` ``(name, is an integer)``; for ``const`` ``(number,)``; for ``index`` ``(name of the loop's
            index, number)``; otherwise nodes.
        integral: whether the value is an integer for every admissible value of the symbols.
        indexed: whether the index of a loop is in it.
    """

    __slots__ = ("args", "indexed", "integral", "op")

    def __init__(self, op: str, args: tuple[Any, ...], integral: bool) -> None:
        self.op = op
        self.args = args
        self.integral = integral
        self.indexed = op == "index" or (op not in ("sym", "const") and any(a.indexed for a in args))

    def __reduce__(self) -> tuple[Callable[..., Node], tuple[Any, ...]]:
        # Unpickling interns again, so identity comparison holds in the receiving process too.
        return _intern, (self.op, self.args, self.integral)

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Node:
        return self

    def __str__(self) -> str:
        if self.op in ("sym", "const"):
            return str(self.args[0])
        if self.op == "index":
            return f"{self.args[0]}@{self.args[1]}"
        if self.op in _INFIX:
            return f"({f' {_INFIX[self.op]} '.join(map(str, self.args))})"
        return f"{self.op}({', '.join(map(str, self.args))})"

    def __repr__(self) -> str:
        return f"<{self}>"


_INFIX: Final = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "exact_div": "/", "floordiv": "//", "mod": "%", "pow": "**",
}  # fmt: skip
_TABLE: dict[tuple[str, tuple[Any, ...]], Node] = {}


def _intern(op: str, args: tuple[Any, ...], integral: bool) -> Node:
    key = (op, args)
    node = _TABLE.get(key)
    # setdefault is atomic, so two threads that meet here still agree on one object.
    return node if node is not None else _TABLE.setdefault(key, Node(op, args, integral))


def symbol(name: str, *, integral: bool = True) -> Node:
    """The value of a configuration field, named by its dotted path."""
    return _intern("sym", (name, integral), integral)


def index(name: str, value: int) -> Node:
    """The index of a loop in the iteration in which it is *value*; *name* is that of the loop's index."""
    return _intern("index", (name, value), True)


def const(value: Value) -> Node:
    """A number. Whole fractions and floats become integers, so that equal constants are one node.

    A float that is none stays apart from the fraction that it equals: which of them came first decides nothing.

    >>> const(64.0) is const(64), const(64).args, const(True).args
    (True, (64,), (1,))
    >>> from fractions import Fraction
    >>> const(0.5).args, const(Fraction(1, 2)).args
    ((0.5,), (Fraction(1, 2),))
    """
    if type(value) is int:  # asking more takes long
        return _intern("const", (value,), True)
    if isinstance(value, float):
        if not value.is_integer():
            return _TABLE.setdefault(("float", (value,)), Node("const", (value,), False))
    elif value.denominator != 1:
        return _intern("const", (value,), False)
    return _intern("const", (int(value),), True)


def _fold(op: str, a: Node, b: Node, integral: bool) -> Node:
    """Intern ``op(a, b)``, or compute it now if both are constants and the result is defined."""
    if a.op == "const" and b.op == "const":
        try:
            return const(OPERATORS[op](a.args[0], b.args[0]))
        except (ArithmeticError, DerivationError):
            pass  # for instance 1 / 0 in code whose result is never used: keep the expression
    return _intern(op, (a, b), integral)


def add(a: Node, b: Node) -> Node:
    """``a + b``; a constant goes last and joins a constant already there."""
    if a.op == "const":
        a, b = b, a
    if b.op == "const":
        if b.args[0] == 0:
            return a
        if a.op == "add" and a.args[1].op == "const":
            return add(a.args[0], _fold("add", a.args[1], b, True))
    return _fold("add", a, b, a.integral and b.integral)


def sub(a: Node, b: Node) -> Node:
    """``a - b``; subtracting a constant is adding its negative."""
    if b.op == "const":
        return add(a, const(-b.args[0]))
    return const(0) if a is b else _fold("sub", a, b, a.integral and b.integral)


def neg(a: Node) -> Node:
    """``-a``, written ``-1 * a``."""
    return mul(const(-1), a)


def mul(a: Node, b: Node) -> Node:
    """``a * b``; a constant goes first and joins a constant already there."""
    if b.op == "const":
        a, b = b, a
    if a.op == "const":
        if a.args[0] == 1:
            return b
        if a.args[0] == 0:
            return a
        if b.op == "mul" and b.args[0].op == "const":
            return mul(_fold("mul", a, b.args[0], True), b.args[1])
    return _fold("mul", a, b, a.integral and b.integral)


def div(a: Node, b: Node) -> Node:
    """The rational number ``a / b``."""
    if (b.op == "const" and b.args[0] == 1) or (a.op == "const" and a.args[0] == 0 and b.op != "const"):
        return a
    return const(1) if a is b else _fold("div", a, b, False)


def exact_div(a: Node, b: Node) -> Node:
    """The integer ``a / b``, where the code has seen a remainder of zero."""
    if b.op == "const" and b.args[0] == 1:
        return a
    return const(1) if a is b else _fold("exact_div", a, b, True)


def floordiv(a: Node, b: Node) -> Node:
    """``floor(a / b)``."""
    if b.op == "const" and b.args[0] == 1 and a.integral:
        return a
    return const(1) if a is b else _fold("floordiv", a, b, True)


def mod(a: Node, b: Node) -> Node:
    """``a % b``, with Python's sign convention."""
    if b.op == "const" and b.args[0] == 1 and a.integral:
        return const(0)
    return const(0) if a is b else _fold("mod", a, b, a.integral and b.integral)


def power(a: Node, b: Node) -> Node:
    """``a ** b``; the exponent may be a fraction (a square root is the power 1/2)."""
    if b.op == "const":
        if b.args[0] == 1:
            return a
        if b.args[0] == 0:
            return const(1)
    # An exponent that is a symbol is a size or a count and so not negative.
    natural = b.integral and (b.op != "const" or b.args[0] >= 0)
    return _fold("pow", a, b, a.integral and natural)


def minimum(a: Node, b: Node) -> Node:
    """``min(a, b)``."""
    return a if a is b else _fold("min", a, b, a.integral and b.integral)


def maximum(a: Node, b: Node) -> Node:
    """``max(a, b)``."""
    return a if a is b else _fold("max", a, b, a.integral and b.integral)


def gcd(a: Node, b: Node) -> Node:
    """The greatest common divisor."""
    return a if a is b else _fold("gcd", a, b, True)


def log(a: Node, base: Node) -> Node:
    """``log(a, base)``, in practice of a power of two."""
    return _fold("log", a, base, False)


def floor(a: Node) -> Node:
    """The largest integer not above ``a``."""
    if a.op == "div" and a.args[0].integral and a.args[1].integral:
        return floordiv(a.args[0], a.args[1])
    return _rounding("floor", a)


def ceil(a: Node) -> Node:
    """The smallest integer not below ``a``."""
    return _rounding("ceil", a)


def round_half_even(a: Node) -> Node:
    """Python's ``round(a)``: to the nearest integer, a half to the even one."""
    return _rounding("round", a)


def absolute(a: Node) -> Node:
    """``abs(a)``."""
    return const(abs(a.args[0])) if a.op == "const" else _intern("abs", (a,), a.integral)


def indicator(relation: str, a: Node, b: Node) -> Node:
    """1 where two integers are in a relation (`less`, `equals`, `differs`, `divides`, `leaves`), and 0 where not."""
    return _fold(relation, a, b, True)


def summation(index: Node, number: Node, term: Node) -> Node:
    """The sum of a term over the first values of an index, from zero on."""
    return _intern("sum", (index, number, term), term.integral)


def _rounding(op: str, a: Node) -> Node:
    if a.integral:
        return a
    return const(OPERATORS[op](a.args[0])) if a.op == "const" else _intern(op, (a,), True)
