"""Substitution: runs that stay valid when more fields are pinned, with numbers put in the place of those fields.

What a trace found is true at every value of its symbols at which its conditions hold, so also where some of them are
numbers: their values are put in, which saves constructing the model again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from symcount.concolic.config.symbolic import Number
from symcount.concolic.traces import Trace
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.path import Condition, Iteration, Loop
from symcount.concolic.values.rewriting import rebuilt

__all__ = ["alike", "kept", "still_asked"]


def kept(traces: Iterable[Trace], pinned: Mapping[str, Number]) -> list[Trace]:
    """The traces at which the *pinned* fields have their values, with numbers in the place of these fields."""
    return [_with(t, pinned) for t in traces if all(t.symbols.get(n, v) == v for n, v in pinned.items())]


def still_asked(conditions: Iterable[Condition], pinned: Mapping[str, Number]) -> list[Condition]:
    """The *conditions* with numbers in the place of the *pinned* fields, as far as they speak of others as well.

    >>> asked = [Condition("<", ex.symbol("first"), ex.symbol("layers"), "")]
    >>> [(str(c.left), str(c.right)) for c in still_asked(asked, {"first": 2})]
    [('2', 'layers')]
    """

    def leaf(node: Node) -> Node:
        value = pinned.get(node.args[0])
        return node if value is None else ex.const(ex.exact(value) if isinstance(value, float) else value)

    memo: dict[Node, Node] = {}
    found = (replace(c, left=rebuilt(c.left, leaf, memo), right=rebuilt(c.right, leaf, memo)) for c in conditions)
    return [c for c in found if c.symbols]


def alike(traces: Iterable[Trace]) -> bool:
    """Whether every plain-number dimension is the same in all of *traces*, name by name: no expression was lost.

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
    loops: dict[str, Loop | None] = {}  # those that are left, by their names before; the others have a fixed length

    def leaf(node: Node) -> Node:
        name = node.args[0]
        if name in loops:
            there = loops[name]
            if node.op == "sym":
                return node if there is None else ex.symbol(there.name)
            return ex.const(node.args[1]) if there is None else ex.index(there.name, node.args[1])
        value = pinned.get(name)
        return node if value is None else ex.const(ex.exact(value) if isinstance(value, float) else value)

    def put(node: Any) -> Any:
        return rebuilt(node, leaf, memo) if isinstance(node, Node) else node

    def dimension(dim: Node | int) -> Node | int:
        found = put(dim)
        return int(found.args[0]) if isinstance(found, Node) and found.op == "const" else found

    def iterations(made: tuple[Iteration, ...]) -> tuple[Iteration, ...]:
        return tuple((there, value) for loop, value in made if (there := loops[loop.name]) is not None)

    def asked(conditions: Iterable[Condition]) -> list[Condition]:
        found = [replace(c, left=put(c.left), right=put(c.right)) for c in conditions]
        return [c for c in found if c.left.op != "const" or c.right.op != "const"]

    for loop in one.loops:  # those around a loop come first
        first, last, step = map(put, loop.bounds)
        outer = tuple(there for around in loop.outer if (there := loops[around.name]) is not None)
        names = free_symbols(first) | free_symbols(last) | free_symbols(step)
        gone = not names or any(loops.get(name, loop) is None for name in names)  # or inside one that is gone
        loops[loop.name] = None if gone else Loop.of(loop.where, (first, last, step), outer)
    shapes: dict[tuple[Node | int, ...], tuple[Node | int, ...]] = {}
    parameters = []
    for p in one.parameters:
        for one_shape in (p.shape, p.general):
            if one_shape not in shapes:
                shapes[one_shape] = tuple(map(dimension, one_shape))
        made = iterations(p.iterations)
        general = shapes[p.general] if len(made) == len(p.iterations) else ()
        parameters.append(p._replace(shape=shapes[p.shape], iterations=made, general=general))
    return replace(
        one,
        parameters=parameters,
        conditions=asked(one.conditions),
        structural=[use for u in one.structural if (use := replace(u, node=put(u.node))).node.op != "const"],
        symbols={n: v for n, v in one.symbols.items() if n not in pinned},
        predicates=asked(one.predicates),
        loops=[loop for loop in loops.values() if loop is not None],
    )
