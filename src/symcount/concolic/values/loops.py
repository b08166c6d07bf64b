"""Loops of a constructor: `range` of a symbolic number hands out indices that are symbolic, too.

While a loop runs, the recorder knows in which iteration the code is, so that every parameter can say in which
iterations of which loops it was made. What the code asks of an index is a predicate on it (`i < k`, `p divides i + 1`),
which speaks of the iterations that were not seen as well.

>>> from symcount.concolic.values.numbers import SymbolicInt
>>> from symcount.concolic.values.path import STATE, Recorder
>>> STATE.recorder = Recorder()
>>> [i % 2 == 0 for i in SymbolicRange((SymbolicInt.field("layers", 3),), "doctest")]
[True, False, True]
>>> [(c.relation, c.right.args[1]) for c in STATE.recorder.predicates.values()]
[('divides', 0), ('not divides', 1), ('divides', 2)]
>>> STATE.recorder = None
"""

from __future__ import annotations

import builtins
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, SupportsIndex

from symcount.concolic.values import expression as ex
from symcount.concolic.values.carriers import SymbolicInt
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import STATE, Loop, Recorder
from symcount.concolic.values.rewriting import floored, generic

__all__ = ["SymbolicRange"]

_MANY = 1 << 16  # iterations of one loop, after which it has no new questions: it makes a table of positions


class SymbolicRange(Sequence[int]):
    """What `range` of symbolic numbers gives: as a sequence the plain one, as a loop one with symbolic indices."""

    def __init__(self, bounds: Sequence[int], where: str) -> None:
        """Make it of the arguments of `range`; *where* names the place in the code."""
        self._plain = builtins.range(*map(int, bounds))
        first, last, *step = bounds if len(bounds) > 1 else (0, *bounds)
        self._bounds = first, last, step[0] if step else 1
        self._where = where

    def __len__(self) -> int:
        return len(self._plain)

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        return self._plain[key]

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, SymbolicInt):
            return value in self._plain
        first, last, step = self._bounds
        inside = first <= value < last if step > 0 else last < value <= first
        return inside and (value - first) % step == 0

    def __eq__(self, other: object) -> bool:
        return bool(self._plain == (other._plain if isinstance(other, SymbolicRange) else other))

    def __hash__(self) -> int:
        return hash(self._plain)

    def __repr__(self) -> str:
        return repr(self._plain)

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_plain"), name)

    def __iter__(self) -> Iterator[int]:
        return self._iterations(self._plain)

    def __reversed__(self) -> Iterator[int]:
        return self._iterations(self._plain[::-1])

    def _iterations(self, values: Sequence[int]) -> Iterator[int]:
        recorder = STATE.recorder
        return iter(values) if recorder is None else _Iterations(self._where, self._bounds, values, recorder)


class _Iterations(Iterator[int]):
    """The iterations of a loop, which keeps the recorder informed of where the code is.

    A loop that is left by `break` does not say so: its iterator is gone then, which the recorder sees. (What a
    generator does when it is closed early runs where an interrupt is lost.)
    """

    def __init__(self, where: str, bounds: Sequence[int], values: Sequence[int], recorder: Recorder) -> None:
        self._where = where
        self._bounds = bounds
        self._values = iter(values)
        self._recorder = recorder
        self._loop: Loop | None = None
        self._depth = 0

    def __next__(self) -> int:
        stack = self._recorder.iterations
        if self._loop is None:  # not before the first iteration: `zip` makes all its iterators beforehand
            outer = self._recorder.here()
            first, last, step = map(_node, self._bounds)
            if step is ex.const(-1):  # the same indices as from the other end
                first, last, step = ex.add(last, ex.const(1)), ex.add(first, ex.const(1)), ex.const(1)
            self._loop = Loop.of(self._where, (first, last, step), tuple(one for one, _ in outer))
            self._depth = len(stack)
            self._recorder.loops.setdefault(self._loop)
        del stack[self._depth :]
        value = next(self._values)
        stack.append((self._loop, value, weakref.ref(self)))
        self._recorder.turns[self._loop] += 1
        if self._recorder.running or self._recorder.turns[self._loop] > _MANY:
            return value
        return SymbolicInt.of(value, ex.index(self._loop.name, value))


def _node(bound: int) -> Node:
    return floored(generic(bound.node)) if isinstance(bound, SymbolicInt) else ex.const(int(bound))
