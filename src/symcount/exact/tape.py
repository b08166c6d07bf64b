"""Sums and products on NumPy arrays, in place and block by block, so that what is computed stays in the cache.

An expression becomes a `Tape`: one node for each subexpression, after those it needs. On arrays, what is smaller than
the result (numbers, and arrays that broadcasting stretches) is computed at once and only once; all the rest for one
block of the result after the other, in scratch space that is used again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from operator import itemgetter
from typing import Any

from sympy import Add, Expr, Integer, Mul, Symbol

from symcount.exact.evaluate import function
from symcount.exact.horner import is_power, operations

__all__ = ["BLOCK", "Tape", "blocks"]

BLOCK = 1 << 15  # elements, of 8 bytes: three or four such arrays fit into a core's cache of a megabyte

Array = Any  # NumPy's own types would be imported wherever these signatures are read
Index = tuple[Any, ...]


def blocks(shape: tuple[int, ...]) -> Iterator[Index]:
    """Indices that cut an array of *shape* into blocks of at most `BLOCK` elements.

    >>> list(blocks((3, BLOCK // 2)))
    [(slice(0, 2, None), Ellipsis), (slice(2, 4, None), Ellipsis)]
    """
    import numpy as np

    if prod(shape) <= BLOCK:
        yield (...,)
        return
    axis = next(i for i in range(len(shape)) if prod(shape[i + 1 :]) <= BLOCK)
    rows = BLOCK // prod(shape[axis + 1 :])
    for outer in np.ndindex(shape[:axis]):
        for start in range(0, shape[axis], rows):
            yield (*outer, slice(start, start + rows), ...)


@dataclass(frozen=True)
class _Node:
    """An input (by name), a number, or an operation on other nodes: a ufunc on pairs, anything else on all at once."""

    value: str | int = 0
    operation: Any = None  # a callable
    operands: tuple[int, ...] = ()


class Tape:
    """An expression as a sequence of operations.

    >>> import numpy as np
    >>> from symcount.core.notation import symbol
    >>> H, N = symbol("H"), symbol("N")
    >>> out = np.empty((2, 2), dtype=np.int64)
    >>> Tape(N * (H + 1)).play({"H": np.array([[1], [2]]), "N": np.array([10, 20])}, out)
    >>> out
    array([[20, 40],
           [30, 60]])

    Args:
        expression: what is computed; no quotient, unless in a function such as `floor`.
        namespace: vectorised functions, see `symcount.exact.evaluate.function`.
    """

    def __init__(self, expression: Expr, namespace: Mapping[str, Any] | None = None) -> None:
        self._nodes: list[_Node] = []
        self._places: dict[Expr, int] = {}
        self._namespace = namespace
        self.place(expression)
        self._plan = lru_cache(maxsize=32)(self._planned)

    def place(self, expression: Expr) -> int:
        """The number of the node that computes *expression*."""
        if expression not in self._places:
            self._places[expression] = self._add(self._node(expression))
        return self._places[expression]

    def apply(self, operation: Callable[..., Any], *operands: Expr) -> None:
        """Let the result be *operation* on the values of *operands*."""
        self._add(_Node(operation=operation, operands=tuple(self.place(e) for e in operands)))

    @property
    def _inputs(self) -> list[str]:
        return [node.value for node in self._nodes if isinstance(node.value, str)]

    def _add(self, node: _Node) -> int:
        self._nodes.append(node)
        return len(self._nodes) - 1

    def _node(self, expression: Expr) -> _Node:
        import numpy as np

        if isinstance(expression, Symbol):
            return _Node(expression.name)
        if isinstance(expression, Integer):
            return _Node(int(expression))
        if isinstance(expression, Add | Mul):
            ufunc = np.add if isinstance(expression, Add) else np.multiply
            longest_first = sorted(expression.args, key=operations, reverse=True)  # needs the least scratch space
            return _Node(operation=ufunc, operands=tuple(self.place(a) for a in longest_first))
        if is_power(expression):
            return _Node(operation=np.multiply, operands=(self.place(expression.base),) * int(expression.exp))
        symbols = sorted(expression.free_symbols, key=str)
        call = function(expression, [str(s) for s in symbols], self._namespace)
        return _Node(operation=call, operands=tuple(self.place(s) for s in symbols))

    def play(self, inputs: Mapping[str, Array], out: Array) -> None:
        """Compute the expression at *inputs* (int64, by letter) into *out*, of the shape that they broadcast to."""
        import numpy as np

        plan = self._plan(tuple(inputs[name].shape for name in self._inputs), out.shape)
        values = list(plan.values)
        for place, name in plan.named.items():
            values[place] = inputs[name]
        for place in plan.once:
            node = plan.nodes[place]
            values[place] = np.asarray(node.operation(*(values[o] for o in node.operands)))
        if not plan.steps:
            out[...] = values[plan.result]
            return
        wide = {p: _stretched(values[p], out.shape) for p in plan.read if plan.shapes[p] and p not in plan.targets}
        scratch: list[Array] = []
        for index in blocks(out.shape):
            part = out[index]
            if not scratch or scratch[0].shape != part.shape:
                scratch = [np.empty(part.shape, dtype=np.int64) for _ in {0, *plan.targets.values()}]
            scratch[0] = part
            for place, value in wide.items():
                values[place] = value[index]
            for place, target in plan.targets.items():
                values[place] = scratch[target]
            for operation, pick in plan.calls:
                operation(*pick(values))

    def _planned(self, shapes: tuple[tuple[int, ...], ...], shape: tuple[int, ...]) -> _Plan:
        """The plan for inputs of *shapes* and a result of *shape*."""
        import numpy as np

        plan = _Plan(shape)
        known = dict(zip(self._inputs, shapes, strict=True))
        places: list[int] = []
        for node in self._nodes:
            operands = [places[i] for i in node.operands]
            if node.operation is None:
                places.append(plan.keep(node, known[node.value] if isinstance(node.value, str) else ()))
            elif isinstance(node.operation, np.ufunc):
                places.append(plan.fold(node.operation, operands))
            else:
                places.append(plan.do(node.operation, operands))
        plan.finish(places[-1])
        return plan


def _stretched(array: Array, shape: tuple[int, ...]) -> Array:
    import numpy as np

    return array if array.shape == shape else np.broadcast_to(array, shape)


@dataclass
class _Plan:
    """What is done once and what for each block, for given shapes.

    Attributes:
        shape: the result's.
        nodes: those of a tape, with operations on two operands each.
        shapes: the nodes' shapes.
        once: nodes that are computed once.
        steps: nodes that are computed for each block.
        read: nodes that the steps need.
        targets: for each step the scratch array that it writes to; 0 is the result.
        result: the last node.
        values: the numbers among the nodes, as arrays.
        named: the inputs among the nodes.
        calls: for each step a function that writes to its last argument, and what picks its arguments from the values.
    """

    shape: tuple[int, ...]
    nodes: list[_Node] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    once: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    read: set[int] = field(default_factory=set)
    targets: dict[int, int] = field(default_factory=dict)
    result: int = 0
    values: list[Any] = field(default_factory=list)
    named: dict[int, str] = field(default_factory=dict)
    calls: list[tuple[Callable[..., Any], Callable[..., Any]]] = field(default_factory=list)

    def keep(self, node: _Node, shape: tuple[int, ...]) -> int:
        self.nodes.append(node)
        self.shapes.append(shape)
        return len(self.nodes) - 1

    def fold(self, ufunc: Callable[..., Any], operands: list[int]) -> int:
        """Combine *operands* two at a time, the small ones first."""
        first, *rest = sorted(operands, key=lambda o: prod(self.shapes[o]))
        for other in rest:
            first = self.do(ufunc, [first, other])
        return first

    def do(self, operation: Callable[..., Any], operands: list[int]) -> int:
        """Compute once what is smaller than the result, and everything else for each block."""
        import numpy as np

        shape = np.broadcast_shapes(*(self.shapes[o] for o in operands))
        later = prod(shape) >= prod(self.shape)
        place = self.keep(_Node(operation=operation, operands=tuple(operands)), self.shape if later else shape)
        (self.steps if later else self.once).append(place)
        return place

    def finish(self, result: int) -> None:
        """Share the scratch space out: an array is free again after the last step that reads it."""
        import numpy as np

        self.result = result
        for place, node in enumerate(self.nodes):
            number = node.operation is None and isinstance(node.value, int)
            self.values.append(np.array(node.value, dtype=np.int64) if number else None)
            if node.operation is None and isinstance(node.value, str):
                self.named[place] = node.value
        self.calls = [(_writing(self.nodes[p].operation), itemgetter(*self.nodes[p].operands, p)) for p in self.steps]
        last = {o: step for step in self.steps for o in self.nodes[step].operands}
        self.read = set(last)
        free = [0]
        for step in self.steps:
            ended = (o for o in set(self.nodes[step].operands) if o in self.targets and last[o] == step)
            free += [self.targets[o] for o in ended]
            new = 1 + max(self.targets.values(), default=0)
            self.targets[step] = 0 if step == result else free.pop() if free else new


def _writing(operation: Callable[..., Any]) -> Callable[..., Any]:
    """*operation* with an array to write to as its last argument, as ufuncs have it."""
    import numpy as np

    if isinstance(operation, np.ufunc):
        return operation

    def write(*arguments: Any) -> None:
        *operands, out = arguments
        out[...] = operation(*operands)

    return write
