"""Exact arithmetic expressions, light enough to be built thousands of times while a model is constructed.

SymPy is far too slow for that, so a trace works with :class:`Node`: an operator and its arguments, nothing else. Nodes are
*interned*: building the same expression twice gives the same object, so comparing and hashing are by identity and two
layers built by the same code have equal signatures for free. A node is never simplified beyond what is needed for that
(constants are folded, constant factors come first); SymPy does the rest once, at the end, through :func:`to_sympy`.

>>> h, a = symbol("hidden_size"), symbol("num_heads")
>>> mul(const(4), h) is mul(h, const(4))
True
>>> evaluate(exact_div(h, a), {"hidden_size": 768, "num_heads": 12})
64
>>> print(add(floordiv(h, const(2)), const(1)))
((hidden_size // 2) + 1)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from symcount.errors import DerivationError

if TYPE_CHECKING:
    import sympy

#: An exact value; a ``float`` only where a root or a logarithm is irrational.
Value = int | Fraction | float


class Node:
    """One operator applied to interned arguments. Build nodes with the functions of this module, never directly.

    Attributes:
        op: ``sym``, ``const``, ``add``, ``sub``, ``mul``, ``div`` (rational), ``exact_div`` (integer, remainder zero),
            ``floordiv``, ``mod``, ``pow``, ``min``, ``max``, ``floor``, ``ceil``, ``round``, ``abs``, ``gcd``, ``log``.
        args: for ``sym`` ``(name, is an integer)``; for ``const`` ``(number,)``; otherwise nodes.
        integral: whether the value is an integer for every admissible value of the symbols.
    """

    __slots__ = ("args", "integral", "op")

    def __init__(self, op: str, args: tuple[Any, ...], integral: bool) -> None:
        self.op = op
        self.args = args
        self.integral = integral

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


def const(value: Value) -> Node:
    """A number. Whole fractions become integers, so that equal constants are one node."""
    if isinstance(value, Fraction) and value.denominator == 1:
        value = value.numerator
    return _intern("const", (value,), isinstance(value, int))


def _fold(op: str, a: Node, b: Node, integral: bool) -> Node:
    """Intern ``op(a, b)``, or compute it now if both are constants and the result is defined."""
    if a.op == "const" and b.op == "const":
        try:
            return const(_OPERATORS[op](a.args[0], b.args[0]))
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
    if b.op == "const" and b.args[0] == 1:
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


def _rounding(op: str, a: Node) -> Node:
    if a.integral:
        return a
    return const(_OPERATORS[op](a.args[0])) if a.op == "const" else _intern(op, (a,), True)


@lru_cache(maxsize=4096)
def exact(value: float) -> Fraction:
    """The number a person wrote: ``0.1`` is one tenth, not its nearest binary fraction, and ``8960 / 1536`` is 35/6.

    That is the fraction with a denominator of at most 1000 that rounds to exactly this float, if there is one, and
    otherwise the decimal that the float prints as.

    >>> exact(0.1), exact(8960 / 1536), exact(2.6667)
    (Fraction(1, 10), Fraction(35, 6), Fraction(26667, 10000))
    """
    simple = Fraction(value).limit_denominator(1000)
    return simple if float(simple) == value else Fraction(repr(float(value)))


def _exact_quotient(a: Value, b: Value) -> Value:
    quotient = _quotient(a, b)
    if isinstance(quotient, Fraction) and quotient.denominator != 1:
        raise DerivationError(f"{b} does not divide {a}, which the formula requires")
    return quotient


def _quotient(a: Value, b: Value) -> Value:
    if isinstance(a, float) or isinstance(b, float):
        return a / b
    return _whole(Fraction(a) / Fraction(b))


def _power(a: Value, b: Value) -> Value:
    if b == Fraction(1, 2) and isinstance(a, int) and a >= 0 and math.isqrt(a) ** 2 == a:
        return math.isqrt(a)
    if isinstance(b, Fraction):
        return float(a) ** float(b)
    if isinstance(a, int) and isinstance(b, int) and b < 0:
        return _whole(Fraction(a) ** b)
    result: Value = a**b
    return result


def _log(a: Value, base: Value) -> Value:
    return math.log2(a) if base == 2 else math.log(a, base)


def _whole(value: Fraction) -> Value:
    return value.numerator if value.denominator == 1 else value


_OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": _quotient,
    "exact_div": _exact_quotient,
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "pow": _power,
    "min": min,
    "max": max,
    "gcd": math.gcd,
    "log": _log,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "abs": abs,
}


def evaluate(node: Node, values: Mapping[str, Value], memo: dict[Node, Value] | None = None) -> Value:
    """The exact value of ``node`` at ``values`` (symbol name to number; a float is read as the decimal it prints as).

    Raises:
        DerivationError: a symbol has no value, or an exact division leaves a remainder.
    """
    memo = {} if memo is None else memo
    if node in memo:
        return memo[node]
    result: Value
    if node.op == "const":
        result = node.args[0]
    elif node.op == "sym":
        if node.args[0] not in values:
            raise DerivationError(f"no value for {node.args[0]!r}")
        given = values[node.args[0]]
        result = exact(given) if isinstance(given, float) else given if isinstance(given, Fraction) else int(given)
    else:
        result = _OPERATORS[node.op](*(evaluate(argument, values, memo) for argument in node.args))
    if isinstance(result, Fraction):
        result = _whole(result)
    memo[node] = result
    return result


def to_sympy(
    node: Node, symbols: Mapping[str, sympy.Symbol], memo: dict[Node, sympy.Expr] | None = None
) -> sympy.Expr:
    """The same expression in SymPy. Pass one ``memo`` for a whole model: its layers share most of their nodes.

    ``round`` becomes ``floor(x + 1/2)``, which differs from Python only at an exact half.
    """
    import sympy

    memo = {} if memo is None else memo
    if node in memo:
        return memo[node]
    result: sympy.Expr
    if node.op == "sym":
        result = symbols[node.args[0]]
    elif node.op == "const":
        value = node.args[0]
        exact_value = Fraction(value)
        result = sympy.Float(value) if isinstance(value, float) else sympy.Rational(
            exact_value.numerator, exact_value.denominator
        )  # fmt: skip
    else:
        result = _SYMPY[node.op](sympy, *(to_sympy(argument, symbols, memo) for argument in node.args))
    memo[node] = result
    return result


_SYMPY: Final[dict[str, Callable[..., Any]]] = {
    "add": lambda _, a, b: a + b,
    "sub": lambda _, a, b: a - b,
    "mul": lambda _, a, b: a * b,
    "div": lambda _, a, b: a / b,
    "exact_div": lambda _, a, b: a / b,
    "floordiv": lambda s, a, b: s.floor(a / b),
    "mod": lambda s, a, b: s.Mod(a, b),
    "pow": lambda _, a, b: a**b,
    "min": lambda s, a, b: s.Min(a, b),
    "max": lambda s, a, b: s.Max(a, b),
    "gcd": lambda s, a, b: s.gcd(a, b) if a.is_Integer and b.is_Integer else s.Function("gcd", integer=True)(a, b),
    "log": lambda s, a, b: s.log(a, b),
    "floor": lambda s, a: s.floor(a),
    "ceil": lambda s, a: s.ceiling(a),
    "round": lambda s, a: s.floor(a + s.Rational(1, 2)),
    "abs": lambda s, a: s.Abs(a),
}


def free_symbols(node: Node, memo: dict[Node, frozenset[str]] | None = None) -> frozenset[str]:
    """The names of the symbols an expression depends on."""
    memo = {} if memo is None else memo
    if node not in memo:
        if node.op in ("sym", "const"):
            memo[node] = frozenset(node.args[:1]) if node.op == "sym" else frozenset()
        else:
            memo[node] = frozenset().union(*(free_symbols(argument, memo) for argument in node.args))
    return memo[node]
