"""Symbolic shapes of what flows through a forward pass: which dimension of a result is which of what went in.

The rules of `symcount.concolic.tensors.shape_rules` are those of constructors. A forward pass calls many more
functions; the sizes of their results are nearly always sizes of what they were given, so where there is no rule a
size is looked up among these: at the same place of a tensor with as many dimensions, counted from the last one,
anywhere. A guess that is wrong gives another row at other values of the fields, which the derivation sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from symcount.concolic.tensors.mode import Tracker
from symcount.concolic.tensors.view_rules import Dims, Rule
from symcount.concolic.values.numbers import SymbolicInt
from symcount.forward.products import products
from symcount.forward.selecting import selections
from symcount.forward.splitting import splitting

__all__ = ["Follower", "tensors_in"]


def tensors_in(value: Any) -> Iterator[Any]:
    """The tensors in arguments or results: by themselves, or in lists and tuples."""
    if hasattr(value, "new_empty"):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)


def _numbers_in(value: Any) -> Iterator[int]:
    if isinstance(value, SymbolicInt):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers_in(item)


class Follower:
    """What is done with every call of a torch function while a model runs."""

    def __init__(self, tracker: Tracker) -> None:
        """Follow the shapes that *tracker* knows."""
        self._tracker = tracker

    def __call__(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
        """Find the shapes of the tensors of *result* that the general rules did not find."""
        results = list(tensors_in(result))
        if not results:
            return
        rule = _rules().get(func)
        if rule is not None and len(results) == 1:
            self._tracker.apply(rule, args, kwargs, results[0])
        parts = splitting().get(func)
        if parts is not None:
            self._tracker.apply_each(parts, args, kwargs, results)
        unknown = [one for one in results if self._tracker.known(one) is None]
        if not unknown:
            return
        given = [self._tracker.shape_of(t) for t in tensors_in((args, kwargs))]
        numbers = list(_numbers_in((*args, *kwargs.values())))
        for one in unknown:
            dims = _matched(tuple(one.shape), given, numbers)
            if any(isinstance(dim, SymbolicInt) for dim in dims):
                self._tracker.learn(one, dims)


def _matched(sizes: Dims, given: Sequence[Dims], numbers: Sequence[int]) -> Dims:
    """The sizes of a result, each with the expression of a size that went in, if there is one of that value."""
    found: list[int] = []
    for place, size in enumerate(sizes):
        back = place - len(sizes)
        at_place = [dims[place] for dims in given if len(dims) == len(sizes)]
        from_end = [dims[back] for dims in given if len(dims) >= -back]
        anywhere = [dim for dims in given for dim in dims]
        candidates = (*at_place, *from_end, *numbers, *anywhere)
        same = (dim for dim in candidates if size > 1 and isinstance(dim, SymbolicInt) and int(dim) == size)
        found.append(next(same, size))
    return tuple(found)


@lru_cache(maxsize=1)
def _rules() -> dict[Any, Rule]:
    return {**products(), **selections()}
