"""Trees of integer operations: what a language without exact fractions computes a formula with.

They are made of the syntax trees that `symcount.exact.evaluate` compiles. There a ratio (`mlp_ratio`) is one exact
number; here it is two integers, numerator and denominator, and every quotient becomes one division of integers at
the end.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from sympy import Expr

from symcount.errors import StructureError
from symcount.exact.evaluate import syntax_tree

__all__ = ["BOTTOM", "TOP", "Approximate", "Node", "Operation", "quotient"]

TOP, BOTTOM = "_top", "_bottom"  # after the name of a ratio: its numerator, its denominator


@dataclass(frozen=True)
class Operation:
    """`add`, `multiply`, `power`, `negate`, `modulo`, `floor`, `round`, `least` or `greatest` of some nodes.

    `floor` and `round` take a numerator and a denominator; a `floor` of ratios has a third part, `Approximate`.
    """

    name: str
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Approximate:
    """The quotient of a `floor` in floating point, as the model computes it; Python's syntax tree."""

    tree: ast.expr


Node = int | str | Operation | Approximate
_Ratio = tuple[Node, Node]


def quotient(expression: Expr, ratios: Collection[str] = ()) -> tuple[Node, Node]:
    """Numerator and denominator of *expression*, in which the letters *ratios* are no integers.

    >>> from symcount.core.notation import symbol
    >>> H, A = symbol("H"), symbol("A")
    >>> quotient(H**2 / A)
    (Operation(name='power', parts=('H', 2)), 'A')

    Raises:
        StructureError: it has an operation that is none of integers.
    """
    return _quotient(expression, frozenset(ratios))


@lru_cache(maxsize=256)  # conventions often have the same total
def _quotient(expression: Expr, ratios: frozenset[str]) -> tuple[Node, Node]:
    return _read(syntax_tree(expression), ratios)


def _read(node: ast.expr, ratios: frozenset[str]) -> _Ratio:
    match node:
        case ast.Constant(value=int() as value):
            return value, 1
        case ast.Name(id=name):
            return (name + TOP, name + BOTTOM) if name in ratios else (name, 1)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            top, bottom = _read(operand, ratios)
            return _negated(top), bottom
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            (a, b), (c, d) = _read(left, ratios), _read(right, ratios)
            return (_sum(a, c), b) if b == d else (_sum(_product(a, d), _product(c, b)), _product(b, d))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            (a, b), (c, d) = _read(left, ratios), _read(right, ratios)
            return _product(a, c), _product(b, d)
        case ast.BinOp(left=left, op=ast.Mod(), right=right):
            return Operation("modulo", (_integer(left, ratios), _integer(right, ratios))), 1
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, arguments, ratios)
    raise StructureError(f"no integer operation for {ast.unparse(node)}")


def _call(name: str, arguments: list[ast.expr], ratios: frozenset[str]) -> _Ratio:
    match name, arguments:
        case "_divide", [over, under]:
            (a, b), (c, d) = _read(over, ratios), _read(under, ratios)
            return _product(a, d), _product(b, c)
        case (("_floor" | "_floor_of_ratio"), [over, under, *approximate]):
            (a, b), (c, d) = _read(over, ratios), _read(under, ratios)
            return _floor(_product(a, d), _product(b, c), [Approximate(tree) for tree in approximate]), 1
        case "_round", [number]:
            top, bottom = _read(number, ratios)
            return (top if bottom == 1 else Operation("round", (top, bottom))), 1
        case "_power", [base, exponent]:
            return Operation("power", (_integer(base, ratios), _integer(exponent, ratios))), 1
        case (("_min" | "_max"), numbers):
            return Operation(
                {"_min": "least", "_max": "greatest"}[name], tuple(_integer(n, ratios) for n in numbers)
            ), 1
    if name == "_sum":
        raise StructureError("a sum without a closed form has no code; count with the formula, or with compile()")
    raise StructureError(f"no integer operation for {name}")


def _integer(node: ast.expr, ratios: frozenset[str]) -> Node:
    top, bottom = _read(node, ratios)
    if bottom != 1:
        raise StructureError(f"{ast.unparse(node)} is a fraction inside an operation of integers")
    return top


def _floor(top: Node, bottom: Node, approximate: list[Approximate]) -> Node:
    return top if bottom == 1 and not approximate else Operation("floor", (top, bottom, *approximate))


def _negated(node: Node) -> Node:
    match node:
        case int():
            return -node
        case Operation("negate", (inner,)):
            return inner
    return Operation("negate", (node,))


def _parts(node: Node, name: str) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Operation) and node.name == name else (node,)


def _sum(*nodes: Node) -> Node:
    terms = [t for node in nodes for t in _parts(node, "add") if t != 0]
    if not terms:
        return 0
    # like a person: what is taken away does not come first
    ordered = sorted(terms, key=lambda t: isinstance(t, Operation) and t.name == "negate")
    return ordered[0] if len(ordered) == 1 else Operation("add", tuple(ordered))


def _product(*nodes: Node) -> Node:
    """The product with its number first, and equal factors as a power."""
    number, factors, negative = 1, Counter[Node](), False
    for node in nodes:
        inner = node
        if isinstance(inner, Operation) and inner.name == "negate":
            negative, inner = not negative, inner.parts[0]
        for factor in _parts(inner, "multiply"):
            match factor:
                case int():
                    number *= factor
                case Operation("power", (base, int() as exponent)):
                    factors[base] += exponent
                case _:
                    factors[factor] += 1
    if number < 0:
        number, negative = -number, not negative
    if number == 0:
        return 0
    powers = [base if n == 1 else Operation("power", (base, n)) for base, n in factors.items()]
    parts: tuple[Node, ...] = (*((number,) if number != 1 or not powers else ()), *powers)
    whole = parts[0] if len(parts) == 1 else Operation("multiply", parts)
    return _negated(whole) if negative else whole
