"""Exact arithmetic expressions, light enough to be built thousands of times while a model is constructed.

SymPy is far too slow for that, so a trace works with :class:`Node`: an operator and its arguments, nothing else. Nodes
are *interned*: building the same expression twice gives the same object, so comparing and hashing are by identity and
two layers built by the same code have equal signatures for free. A node is never simplified beyond what is needed for
that (constants are folded, constant factors come first); SymPy does the rest once, at the end, through
:func:`to_sympy`.

>>> h, a = symbol("hidden_size"), symbol("num_heads")
>>> mul(const(4), h) is mul(h, const(4))
True
>>> evaluate(exact_div(h, a), {"hidden_size": 768, "num_heads": 12})
64
>>> print(add(floordiv(h, const(2)), const(1)))
((hidden_size // 2) + 1)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from symcount.concolic.values.nodes import (
    Node,
    absolute,
    add,
    ceil,
    const,
    div,
    exact_div,
    floor,
    floordiv,
    gcd,
    index,
    indicator,
    log,
    maximum,
    minimum,
    mod,
    mul,
    neg,
    power,
    round_half_even,
    sub,
    summation,
    symbol,
)
from symcount.concolic.values.operators import OPERATORS, Value, exact, whole
from symcount.core.summation import free_index, summed
from symcount.errors import DerivationError
from symcount.exact.evaluate import Round
from symcount.exact.indicators import RELATIONS, Indicator

if TYPE_CHECKING:
    import sympy

__all__ = [
    "Node",
    "Value",
    "absolute",
    "add",
    "ceil",
    "compiled",
    "const",
    "div",
    "evaluate",
    "exact",
    "exact_div",
    "floor",
    "floordiv",
    "free_symbols",
    "gcd",
    "index",
    "indicator",
    "log",
    "maximum",
    "minimum",
    "mod",
    "mul",
    "neg",
    "power",
    "round_half_even",
    "sub",
    "summation",
    "symbol",
    "to_sympy",
]


def evaluate(node: Node, values: Mapping[str, Value], memo: dict[Node, Value] | None = None) -> Value:
    """The exact value of ``node`` at ``values`` (symbol name to number; a float is read as the decimal it prints as).

    Raises:
        DerivationError: a symbol has no value, or an exact division leaves a remainder.
    """
    if node.op == "sym" and type(given := values.get(node.args[0])) is int:  # most are, and need no conversion
        return given
    memo = {} if memo is None else memo
    if node in memo:
        return memo[node]
    result: Value
    if node.op == "const":
        result = node.args[0]
    elif node.op == "index":
        result = node.args[1]
    elif node.op == "sym":
        if node.args[0] not in values:
            raise DerivationError(f"no value for {node.args[0]!r}")
        given = values[node.args[0]]
        result = exact(given) if isinstance(given, float) else given if isinstance(given, Fraction) else int(given)
    elif node.op == "sum":
        result = compiled(node)(values)
    else:
        result = OPERATORS[node.op](*(evaluate(argument, values, memo) for argument in node.args))
    if type(result) is not int and isinstance(result, Fraction):  # asking an abstract class takes long
        result = whole(result)
    memo[node] = result
    return result


@lru_cache(maxsize=1 << 16)
def compiled(node: Node) -> Callable[[Mapping[str, Value]], Value]:
    """`evaluate` for one *node*, as a function of the values: for what is evaluated at thousands of places.

    >>> compiled(add(symbol("layers"), const(1)))({"layers": 12})
    13
    """
    if node.op in ("const", "index"):
        constant = node.args[node.op == "index"]
        return lambda _: constant
    if node.op == "sym":
        name = node.args[0]
        return lambda values: given if type(given := values.get(name)) is int else evaluate(node, values)
    if node.op == "sum":
        own, (number, term) = node.args[0].args[0], map(compiled, node.args[1:])
        return lambda values: whole(Fraction(sum(term({**values, own: i}) for i in range(int(number(values))))))
    operator, parts = OPERATORS[node.op], [compiled(argument) for argument in node.args]

    def value(values: Mapping[str, Value]) -> Value:
        result = operator(*[part(values) for part in parts])
        return result if type(result) is int or not isinstance(result, Fraction) else whole(result)

    return value


def value_at(node: Node, values: Mapping[str, Value]) -> Value | None:
    """The exact value of ``node`` at ``values``, ``None`` where it has none (a division by zero)."""
    try:
        return evaluate(node, values)
    except (DerivationError, ArithmeticError):
        return None


def to_sympy(node: Node, symbols: Mapping[str, sympy.Symbol], memo: dict[Node, sympy.Expr] | None = None) -> sympy.Expr:
    """The same expression in SymPy. Pass one ``memo`` for a whole model: its layers share most of their nodes.

    ``round`` becomes :class:`symcount.exact.evaluate.Round`, which rounds an exact half as Python does.
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
    elif node.op == "abs":  # whatever reads a formula knows the larger of two expressions
        result = to_sympy(maximum(node.args[0], neg(node.args[0])), symbols, memo)
    elif node.op == "sum":
        index_node, number, term = node.args
        own = free_index({symbols[name].name for name in free_symbols(node)})
        inside = {**symbols, index_node.args[0]: own}  # what is known of other parts has not this index in it
        result = summed(to_sympy(term, inside), own, to_sympy(number, symbols, memo))
    else:
        arguments = [to_sympy(argument, symbols, memo) for argument in node.args]
        result = _extreme(sympy, node, arguments) if node.op in ("max", "min") else _SYMPY[node.op](sympy, *arguments)
    memo[node] = result
    return result


def _extreme(sympy: Any, node: Node, arguments: Sequence[Any]) -> Any:
    """The larger or the smaller of two expressions; both where SymPy, which searches long, finds neither.

    SymPy 1.14 takes `x/ceiling(t/p)` and `x/Max(1, t/p)` for at least `x` where t and p are positive integers. So what
    it takes for the larger one must not be the smaller one at some points; and where something is rounded, or is a
    maximum itself, it must be the larger one at some.
    """
    signs, both = _compared(*node.args), getattr(sympy, node.op.title())
    if len(signs) > 1 and not any(isinstance(a, sympy.Max | sympy.Min) for a in arguments):
        return both(*arguments, evaluate=False)
    found = both(*arguments)
    if arguments[0] == arguments[1] or found not in arguments:
        return found
    chosen = 1 if (found == arguments[0]) is (node.op == "max") else -1
    doubtful = any(a.has(sympy.Max, sympy.Min, sympy.floor, sympy.ceiling) for a in arguments)
    if -chosen in signs or (doubtful and not signs):
        return both(*arguments, evaluate=False)
    return found


def _compared(a: Node, b: Node) -> set[int]:
    """Which of two expressions is the larger one at some points: 1 for the first, -1 for the second."""
    fields: dict[str, bool] = {}
    stack = [a, b]
    while stack:
        node = stack.pop()
        if node.op == "sym":
            fields[node.args[0]] = node.integral
        elif node.op != "const":
            stack += node.args
    large: dict[str, Value] = dict.fromkeys(fields, _LARGE)
    small: dict[str, Value] = {n: 1 if integral else Fraction(1, _LARGE) for n, integral in fields.items()}
    probes = [small, large]
    probes += [p for n in fields for p in ({**small, n: large[n]}, {**large, n: small[n]})]
    found = set[int]()
    for values in probes:
        left, right = value_at(a, values), value_at(b, values)
        if left is not None and right is not None and left != right:
            found.add(1 if left > right else -1)
            if len(found) > 1:
                break
    return found


_LARGE: Final = 1000  # each of two expressions may be the larger one where some field is large and the others are small


def _indicated(one: type[Indicator], _sympy: Any, a: Any, b: Any) -> Any:
    return one(a, b)


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
    "round": lambda _, a: Round(a),
    **{name: partial(_indicated, one) for name, one in RELATIONS.items()},
}


def free_symbols(node: Node, memo: dict[Node, frozenset[str]] | None = None) -> frozenset[str]:
    """The names of the symbols an expression depends on."""
    memo = {} if memo is None else memo
    if node not in memo:
        if node.op in ("sym", "const", "index"):
            memo[node] = frozenset(node.args[:1]) if node.op == "sym" else frozenset()
        else:
            found = frozenset[str]().union(*(free_symbols(argument, memo) for argument in node.args))
            memo[node] = found - free_symbols(node.args[0]) if node.op == "sum" else found
    return memo[node]
