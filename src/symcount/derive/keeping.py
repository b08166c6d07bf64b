"""Traces that are still good after some more fields were pinned: those at which these had the value they keep.

What a trace found is true at every value of its symbols at which its conditions hold, so also where some of them are
numbers: their values are put in, which saves constructing the model again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from symcount.derive import expression as ex
from symcount.derive.configs import Number
from symcount.derive.expression import Node
from symcount.derive.trace import Trace

__all__ = ["alike", "kept"]

_BUILD: Final[dict[str, Callable[..., Node]]] = {
    "add": ex.add, "sub": ex.sub, "mul": ex.mul, "div": ex.div, "exact_div": ex.exact_div, "floordiv": ex.floordiv,
    "mod": ex.mod, "pow": ex.power, "min": ex.minimum, "max": ex.maximum, "floor": ex.floor, "ceil": ex.ceil,
    "round": ex.round_half_even, "abs": ex.absolute, "gcd": ex.gcd, "log": ex.log,
}  # fmt: skip


def kept(traces: Iterable[Trace], pinned: Mapping[str, Number]) -> list[Trace]:
    """The traces at which the *pinned* fields have their values, with numbers in the place of these fields."""
    return [_with(t, pinned) for t in traces if all(t.symbols.get(n, v) == v for n, v in pinned.items())]


def alike(traces: Iterable[Trace]) -> bool:
    """Whether no dimension that is a plain number has another one, under the same name, in another of *traces*.

    Otherwise an expression was lost on the way, which may not happen where the field responsible is a plain number.
    """
    known: dict[str, tuple[int | None, ...]] = {}
    for one in traces:
        for parameter in one.parameters:
            plain = tuple([None if isinstance(dim, Node) else dim for dim in parameter.shape])
            if known.setdefault(parameter.path, plain) != plain:
                return False
    return True


def _with(one: Trace, pinned: Mapping[str, Number]) -> Trace:
    memo: dict[Node, Node] = {}

    def put(node: Any) -> Any:
        if not isinstance(node, Node) or node.op == "const":
            return node
        if node not in memo:
            if node.op == "sym":
                value = pinned.get(node.args[0])
                memo[node] = node if value is None else ex.const(ex.exact(value) if isinstance(value, float) else value)
            else:
                arguments = [put(a) for a in node.args]
                same = all(a is b for a, b in zip(arguments, node.args, strict=True))
                memo[node] = node if same else _BUILD[node.op](*arguments)
        return memo[node]

    def dimension(dim: Node | int) -> Node | int:
        found = put(dim)
        return int(found.args[0]) if isinstance(found, Node) and found.op == "const" else found

    shapes: dict[tuple[Node | int, ...], tuple[Node | int, ...]] = {}
    parameters = []
    for p in one.parameters:
        if p.shape not in shapes:
            shapes[p.shape] = tuple(map(dimension, p.shape))
        parameters.append(p if shapes[p.shape] == p.shape else p._replace(shape=shapes[p.shape]))
    conditions = [replace(c, left=put(c.left), right=put(c.right)) for c in one.conditions]
    return replace(
        one,
        parameters=parameters,
        conditions=[c for c in conditions if c.left.op != "const" or c.right.op != "const"],
        structural=[use for u in one.structural if (use := replace(u, node=put(u.node))).node.op != "const"],
        symbols={n: v for n, v in one.symbols.items() if n not in pinned},
    )
