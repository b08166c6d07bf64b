"""Sums and products on NumPy arrays, in place and block by block, so that what is computed stays in the cache.

An expression becomes a `Tape`: one node for each subexpression, after those it needs. On arrays, what is smaller than
the result (numbers, and arrays that broadcasting stretches) is computed at once and only once; all the rest for one
block of the result after the other, in scratch space that is used again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from operator import itemgetter
from typing import Any

import numpy as np
from sympy import Add, Expr, Integer, Mul, Symbol

from symcount.evaluate import function
from symcount.horner import is_power, operations

__all__ = ["BLOCK", "Tape", "blocks"]

BLOCK = 1 << 15  # elements, of 8 bytes: three or four such arrays fit into a core's cache of a megabyte

Array = Any  # NumPy's own types would be imported wherever these signatures are read
Index = tuple[Any, ...]


def blocks(shape: tuple[int, ...]) -> Iterator[Index]:
    """Indices that cut an array of *shape* into blocks of at most `BLOCK` elements, or rows of more.

    >>> list(blocks((3, BLOCK // 2)))
    [(slice(0, 2, None), Ellipsis), (slice(2, 4, None), Ellipsis)]
    """
    axis = next((i for i in range(len(shape)) if prod(shape[i + 1 :]) <= BLOCK), None)
    if axis is None:
        yield (...,)
        return
    rows = max(1, BLOCK // max(1, prod(shape[axis + 1 :])))
    for outer in np.ndindex(shape[:axis]):
        for start in range(0, shape[axis], rows):
            yield (*outer, slice(start, start + rows), ...)


@dataclass(frozen=True)
class _Node:
    """An input (by name), a number, or an operation on other nodes: a ufunc on pairs, anything else on all at once."""

    value: str | int = 0
    operation: Callable[..., Any] | None = None
    operands: tuple[int, ...] = ()


class Tape:
    """An expression as a sequence of operations.

    >>> from symcount.notation import symbol
    >>> H, N = symbol("H"), symbol("N")
    >>> out = np.empty((2, 2), dtype=np.int64)
    >>> Tape(N * (H + 1)).play({"H": np.array([[1], [2]]), "N": np.array([10, 20])}, out)
    >>> out
    array([[20, 40],
           [30, 60]])

    Args:
        expression: what is computed; no quotient, unless in a function such as `floor`.
        namespace: vectorised functions, see `symcount.evaluate.function`.
    """

    def __init__(self, expression: Expr, namespace: Mapping[str, Any] | None = None) -> None:
        self._nodes: list[_Node] = []
        self._places: dict[Expr, int] = {}
        self._namespace = namespace
        self.place(expression)

    def place(self, expression: Expr) -> int:
        """The number of the node that computes *expression*."""
        if expression not in self._places:
            self._places[expression] = self._add(self._node(expression))
        return self._places[expression]

    def apply(self, operation: Callable[..., Any], *operands: Expr) -> None:
        """Let the result be *operation* on the values of *operands*."""
        self._add(_Node(operation=operation, operands=tuple(self.place(e) for e in operands)))

    def _add(self, node: _Node) -> int:
        self._nodes.append(node)
        return len(self._nodes) - 1

    def _node(self, expression: Expr) -> _Node:
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
        plan = _Plan(out.shape)
        places: list[int] = []
        for node in self._nodes:
            operands = [places[i] for i in node.operands]
            if node.operation is None:
                value = inputs[node.value] if isinstance(node.value, str) else np.array(node.value, dtype=np.int64)
                places.append(plan.keep(value))
            elif isinstance(node.operation, np.ufunc):
                places.append(plan.fold(node.operation, operands))
            else:
                places.append(plan.do(node.operation, operands))
        plan.run(places[-1], out)


@dataclass
class _Plan:
    """What is known already and what is done for each block. Values are numbered; `None` is one that is yet to come."""

    shape: tuple[int, ...]
    known: list[Array] = field(default_factory=list)
    steps: list[tuple[Callable[..., Any], list[int], int]] = field(default_factory=list)

    def keep(self, value: Array) -> int:
        self.known.append(value)
        return len(self.known) - 1

    def fold(self, ufunc: Callable[..., Any], operands: list[int]) -> int:
        """Combine *operands*, the small ones first."""
        first, *rest = sorted(operands, key=self._size)
        for other in rest:
            first = self.do(ufunc, [first, other])
        return first

    def _size(self, place: int) -> int:
        value = self.known[place]
        return prod(self.shape) if value is None else int(value.size)

    def do(self, operation: Callable[..., Any], operands: list[int]) -> int:
        """Compute now what is smaller than the result, and everything else later."""
        values = [self.known[o] for o in operands]
        if all(v is not None for v in values):
            shape = np.broadcast_shapes(*(v.shape for v in values))
            if prod(shape) < prod(self.shape):
                return self.keep(np.asarray(operation(*values)))
        place = self.keep(None)
        self.steps.append((operation, operands, place))
        return place

    def run(self, result: int, out: Array) -> None:
        """Take the steps for each block of *out*, which is the first of the scratch arrays."""
        used = {o for _, operands, _ in self.steps for o in operands} | {result}
        wide = {p: np.broadcast_to(v, self.shape) for p, v in enumerate(self.known) if p in used and np.ndim(v)}
        steps = [(_writing(operation), itemgetter(*operands, place)) for operation, operands, place in self.steps]
        targets = self._targets(result)
        values = list(self.known)
        scratch: list[Array] = []
        for index in blocks(self.shape):
            part = out[index]
            if not scratch or scratch[0].shape != part.shape:
                scratch = [np.empty(part.shape, dtype=np.int64) for _ in {0, *targets.values()}]
            scratch[0] = part
            for place, value in wide.items():
                values[place] = value[index]
            for place, target in targets.items():
                values[place] = scratch[target]
            for operation, pick in steps:
                operation(*pick(values))
            if result not in targets:
                part[...] = values[result]

    def _targets(self, result: int) -> dict[int, int]:
        """The scratch array that each step writes to; it is free again after the last step that reads it."""
        last = {o: i for i, (_, operands, _) in enumerate(self.steps) for o in operands}
        targets: dict[int, int] = {}
        free = [0]
        for i, (_, operands, place) in enumerate(self.steps):
            free += [targets[o] for o in set(operands) if o in targets and last[o] == i]
            targets[place] = 0 if place == result else free.pop() if free else 1 + max(targets.values())
        return targets


def _writing(operation: Callable[..., Any]) -> Callable[..., Any]:
    """*operation* with an array to write to as its last argument, as ufuncs have it."""
    if isinstance(operation, np.ufunc):
        return operation

    def write(*arguments: Any) -> None:
        *operands, out = arguments
        out[...] = operation(*operands)

    return write
