"""What functions that return several tensors do to symbolic shapes: splitting, sorting, choosing the largest.

A rule is one of `symcount.concolic.tensors.shape_rules`, with a shape for each result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from symcount.concolic.tensors.shape_rules import by_function
from symcount.concolic.tensors.view_rules import Dims, ShapeOf

__all__ = ["splitting"]

Rule = Callable[[ShapeOf, Sequence[Any], dict[str, Any], Sequence[Any]], list[Dims]]


def _argument(
    args: Sequence[Any], kwargs: dict[str, Any], names: Sequence[str], place: int, default: Any = None
) -> Any:
    return next((kwargs[n] for n in names if n in kwargs), args[place] if len(args) > place else default)


def _parts(shape: Dims, place: int, sizes: Sequence[int]) -> list[Dims]:
    place %= len(shape)
    return [(*shape[:place], size, *shape[place + 1 :]) for size in sizes]


def _split(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], results: Sequence[Any]) -> list[Dims]:
    """``split`` by one size or by several."""
    shape, place = shape_of(args[0]), _argument(args, kwargs, ("dim",), 2, 0)
    size = _argument(args, kwargs, ("split_size_or_sections", "split_size", "split_sizes"), 1)
    if isinstance(size, list | tuple):
        return _parts(shape, place, size if len(size) > 1 else [shape[place]])
    whole = len(results) - 1
    return _parts(shape, place, [*(size,) * whole, size if int(size) * len(results) == int(shape[place])
                                 else shape[place] - size * whole])  # fmt: skip


def _chunk(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], results: Sequence[Any]) -> list[Dims]:
    """``chunk``: into parts of one size, of which the last may be smaller."""
    shape, place = shape_of(args[0]), _argument(args, kwargs, ("dim",), 2, 0)
    number = _argument(args, kwargs, ("chunks",), 1)
    if int(shape[place]) % int(number) == 0:
        return _parts(shape, place, [shape[place] // number] * len(results))
    size = -(-shape[place] // number)
    return _parts(shape, place, [*(size,) * (len(results) - 1), shape[place] - size * (len(results) - 1)])


def _unbind(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], results: Sequence[Any]) -> list[Dims]:
    shape = list(shape_of(args[0]))
    del shape[_argument(args, kwargs, ("dim",), 1, 0)]
    return [tuple(shape)] * len(results)


def _topk(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], results: Sequence[Any]) -> list[Dims]:
    shape = list(shape_of(args[0]))
    shape[_argument(args, kwargs, ("dim",), 2, -1)] = _argument(args, kwargs, ("k",), 1)
    return [tuple(shape)] * 2


def _sort(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], results: Sequence[Any]) -> list[Dims]:
    return [shape_of(args[0])] * 2


def _extreme(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], results: Sequence[Any]) -> list[Dims]:
    """``max`` and ``min`` over one dimension."""
    shape = list(shape_of(args[0]))
    place = _argument(args, kwargs, ("dim",), 1)
    if len(shape) == results[0].ndim:
        shape[place] = 1
    else:
        del shape[place]
    return [tuple(shape)] * 2


@lru_cache(maxsize=1)
def splitting() -> dict[Any, Rule]:
    """Every torch function that returns several tensors and has a rule."""
    named: dict[str, Rule] = {
        "split": _split, "split_with_sizes": _split, "tensor_split": _chunk, "chunk": _chunk, "unbind": _unbind,
        "topk": _topk, "sort": _sort, "max": _extreme, "min": _extreme,
    }  # fmt: skip
    return by_function(named)
