"""Expressions with other leaves: numbers in the place of fields, or of the indices of loops."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Final

from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, Value
from symcount.exact.indicators import RELATIONS

__all__ = ["collected", "concrete", "floored", "generic", "rebuilt"]

_BUILD: Final[dict[str, Callable[..., Node]]] = {
    "add": ex.add, "sub": ex.sub, "mul": ex.mul, "div": ex.div, "exact_div": ex.exact_div, "floordiv": ex.floordiv,
    "mod": ex.mod, "pow": ex.power, "min": ex.minimum, "max": ex.maximum, "floor": ex.floor, "ceil": ex.ceil,
    "round": ex.round_half_even, "abs": ex.absolute, "gcd": ex.gcd, "log": ex.log, "sum": ex.summation,
    **{name: partial(ex.indicator, name) for name in RELATIONS},
}  # fmt: skip

_FLOORED: Final = {**_BUILD, "exact_div": ex.floordiv}


def rebuilt(
    node: Node, leaf: Callable[[Node], Node], memo: dict[Node, Node], build: Mapping[str, Callable[..., Node]] = _BUILD
) -> Node:
    """*node* with ``leaf(x)`` in the place of each field and index x in it; what is known already is in *memo*."""
    if node.op == "const":
        return node
    if node not in memo:
        if node.op in ("sym", "index"):
            memo[node] = leaf(node)
        else:
            arguments = [rebuilt(a, leaf, memo, build) for a in node.args]
            same = build is _BUILD and all(a is b for a, b in zip(arguments, node.args, strict=True))
            memo[node] = node if same else build[node.op](*arguments)
    return memo[node]


def floored(node: Node, only: Collection[tuple[Node, Node]] | None = None) -> Node:
    """*node* with `//` for the divisions that had no remainder where it was seen; for *only* some (divisor, dividend).

    >>> print(floored(ex.mod(ex.symbol("n"), ex.exact_div(ex.symbol("n"), ex.symbol("k")))))
    (n % (n // k))
    """
    return rebuilt(node, lambda leaf: leaf, {}, _FLOORED) if only is None else _floored(node, only, {})


def _floored(node: Node, only: Collection[tuple[Node, Node]], memo: dict[Node, Node]) -> Node:
    if node.op in ("sym", "const", "index"):
        return node
    if node not in memo:
        arguments = [_floored(a, only, memo) for a in node.args]
        floors = node.op == "exact_div" and (node.args[1], node.args[0]) in only
        memo[node] = ex.floordiv(*arguments) if floors else _BUILD[node.op](*arguments)
    return memo[node]


def concrete(node: Node, memo: dict[Node, Node] | None = None) -> Node:
    """*node* with its number in the place of each index.

    >>> print(concrete(ex.add(ex.mul(ex.index("#0", 3), ex.symbol("width")), ex.index("#0", 3))))
    ((3 * width) + 3)
    """
    return rebuilt(node, _number, {} if memo is None else memo) if node.indexed else node


def generic(node: Node, memo: dict[Node, Node] | None = None) -> Node:
    """*node* with the symbol of its loop in the place of each index, so that it speaks of every iteration.

    >>> print(generic(ex.mod(ex.add(ex.index("#0", 3), ex.const(1)), ex.symbol("period"))))
    ((#0 + 1) % period)
    """
    return rebuilt(node, _symbol, {} if memo is None else memo) if node.indexed else node


def collected(node: Node) -> Node:
    """A sum with each term once, those that are added first.

    >>> n, k = ex.symbol("n"), ex.symbol("k")
    >>> print(collected(ex.sub(ex.const(-1), ex.sub(ex.sub(n, ex.const(1)), ex.sub(n, k)))))
    (0 - k)
    >>> print(collected(ex.sub(n, ex.sub(n, ex.sub(n, k)))))
    (n - k)
    >>> print(collected(ex.add(ex.floordiv(ex.sub(n, ex.const(1)), ex.const(6)), ex.const(1))))
    ((n + 5) // 6)
    """
    terms: dict[Node, int] = {}
    constant = _absorbed(terms, _collect(node, 1, terms))
    total: Node | None = None
    for positive in (True, False):
        for term, times in terms.items():
            if times and (times > 0) is positive:
                part = ex.mul(ex.const(abs(times)), term)
                if total is None:
                    total = part if positive else ex.sub(ex.const(constant), part)
                    constant = constant if positive else 0
                else:
                    total = ex.add(total, part) if positive else ex.sub(total, part)
    return ex.const(constant) if total is None else ex.add(total, ex.const(constant))


def _absorbed(terms: dict[Node, int], constant: Value) -> Value:
    """Put the constant into the one rounded quotient of a sum; what is left of it."""
    quotients = [t for t, times in terms.items() if t.op == "floordiv" and t.args[1].op == "const" and times in (1, -1)]
    if not constant or type(constant) is not int or len(quotients) != 1:
        return constant
    (quotient,) = quotients
    dividend, divisor = quotient.args
    sign = terms[quotient]
    shifted = ex.floordiv(collected(ex.add(dividend, ex.const(sign * constant * divisor.args[0]))), divisor)
    found = {shifted if term is quotient else term: times for term, times in terms.items()}
    terms.clear()
    terms.update(found)
    return 0


def _collect(node: Node, times: int, terms: dict[Node, int]) -> Value:
    """Add *times* the terms of a sum to *terms*; the constant among them."""
    if node.op in ("add", "sub"):
        left, right = node.args
        return _collect(left, times, terms) + _collect(right, times if node.op == "add" else -times, terms)
    if node.op == "mul" and node.args[0].op == "const" and type(node.args[0].args[0]) is int:
        return _collect(node.args[1], times * node.args[0].args[0], terms)
    if node.op == "const":
        constant: Value = times * node.args[0]
        return constant
    terms[node] = terms.get(node, 0) + times
    return 0


def _number(node: Node) -> Node:
    return ex.const(node.args[1]) if node.op == "index" else node


def _symbol(node: Node) -> Node:
    return ex.symbol(node.args[0]) if node.op == "index" else node
