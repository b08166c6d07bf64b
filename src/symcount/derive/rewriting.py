"""Expressions with other leaves: numbers in the place of fields, or of the indices of loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from symcount.derive import expression as ex
from symcount.derive.expression import Node

__all__ = ["concrete", "floored", "generic", "rebuilt"]

_BUILD: Final[dict[str, Callable[..., Node]]] = {
    "add": ex.add, "sub": ex.sub, "mul": ex.mul, "div": ex.div, "exact_div": ex.exact_div, "floordiv": ex.floordiv,
    "mod": ex.mod, "pow": ex.power, "min": ex.minimum, "max": ex.maximum, "floor": ex.floor, "ceil": ex.ceil,
    "round": ex.round_half_even, "abs": ex.absolute, "gcd": ex.gcd, "log": ex.log,
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


def floored(node: Node) -> Node:
    """*node* with `//` for the divisions that had no remainder where it was seen.

    >>> print(floored(ex.mod(ex.symbol("n"), ex.exact_div(ex.symbol("n"), ex.symbol("k")))))
    (n % (n // k))
    """
    return rebuilt(node, lambda leaf: leaf, {}, _FLOORED)


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


def _number(node: Node) -> Node:
    return ex.const(node.args[1]) if node.op == "index" else node


def _symbol(node: Node) -> Node:
    return ex.symbol(node.args[0]) if node.op == "index" else node
