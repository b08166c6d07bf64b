"""Symbolic shapes of what flows through a forward pass: which dimension of a result is which of what went in.

The rules of `symcount.derive.shapes` are those of constructors. A forward pass calls many more functions; the sizes of
their results are nearly always sizes of what they were given, so where there is no rule a size is looked up among
these: at the same place of a tensor with as many dimensions, counted from the last one, anywhere. A guess that is wrong
gives another row at other values of the fields, which the derivation sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from symcount.derive.concolic import SymbolicInt
from symcount.derive.tensors import Tracker
from symcount.derive.views import Dims, Rule, ShapeOf

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


def _linear(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    given, weight = (*args, *(kwargs[n] for n in ("input", "weight") if n in kwargs))[:2]
    return (*shape_of(given)[:-1], shape_of(weight)[0])


def _embedding(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    given, weight = (*args, *(kwargs[n] for n in ("input", "weight") if n in kwargs))[:2]
    return (*shape_of(given), *shape_of(weight)[1:])


def _product(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``matmul`` and ``bmm``, with broadcasting."""
    a, b = shape_of(args[0]), shape_of(args[1])
    if len(a) == 1 or len(b) == 1:
        return (*a[:-1], *b[:-2], *b[-1:]) if len(b) > 1 else a[:-1]
    return (*_broadcast(a[:-2], b[:-2]), a[-2], b[-1])


def _broadcast(a: Dims, b: Dims) -> Dims:
    width = max(len(a), len(b))
    a, b = (1,) * (width - len(a)) + tuple(a), (1,) * (width - len(b)) + tuple(b)
    return tuple(y if int(x) == 1 or not isinstance(x, SymbolicInt) and int(y) != 1 else x for x, y in zip(a, b, strict=True))


def _added_product(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``addmm`` and ``baddbmm``."""
    return _product(shape_of, args[1:], kwargs, result)


def _attention(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``scaled_dot_product_attention``."""
    named = {**dict(zip(("query", "key", "value"), args, strict=False)), **kwargs}
    query, value = shape_of(named["query"]), shape_of(named["value"])
    return (*query[:-1], value[-1])


def _convolution(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``conv1d`` to ``conv3d``."""
    names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
    named = {**dict(zip(names, args, strict=False)), **kwargs}
    given, weight = shape_of(named["input"]), shape_of(named["weight"])
    places = len(weight) - 2
    stride, dilation = (_each(named.get(n, 1), places) for n in ("stride", "dilation"))
    out: list[int] = []
    padding = named.get("padding", 0)
    for i, size in enumerate(given[-places:]):
        reach = dilation[i] * (weight[2 + i] - 1)
        if isinstance(padding, str):
            out.append(size if padding == "same" else (size - reach - 1) // stride[i] + 1)
        else:
            out.append((size + 2 * _each(padding, places)[i] - reach - 1) // stride[i] + 1)
    return (*given[: -places - 1], weight[0], *out)


def _each(value: Any, places: int) -> Sequence[int]:
    if isinstance(value, list | tuple):
        return tuple(value) * places if len(value) == 1 else tuple(value)
    return (value,) * places


def _pad(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    pads = kwargs["pad"] if "pad" in kwargs else args[1]
    dims = list(shape_of(args[0] if args else kwargs["input"]))
    for i in range(len(pads) // 2):
        dims[-1 - i] = dims[-1 - i] + pads[2 * i] + pads[2 * i + 1]
    return tuple(dims)


def _unfold(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``Tensor.unfold(dimension, size, step)``."""
    dims = list(shape_of(args[0]))
    place, size, step = args[1:4]
    dims[place] = (dims[place] - size) // step + 1
    return (*dims, size)


def _einsum(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    equation, *operands = args
    operands = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    if not arrow or "." in equation:
        return None
    sizes = {c: d for part, t in zip(inputs.split(","), operands, strict=True) for c, d in zip(part, shape_of(t), strict=True)}
    return tuple(sizes[c] for c in output)


@lru_cache(maxsize=1)
def _rules() -> dict[Any, Rule]:
    import torch
    from torch.nn import functional

    table: dict[Any, Rule] = {
        functional.linear: _linear,
        functional.embedding: _embedding,
        functional.scaled_dot_product_attention: _attention,
        functional.pad: _pad,
        torch.einsum: _einsum,
        torch.Tensor.unfold: _unfold,
    }
    for name, rule in (("matmul", _product), ("bmm", _product), ("mm", _product), ("__matmul__", _product),
                       ("addmm", _added_product), ("baddbmm", _added_product)):  # fmt: skip
        for owner in (torch, torch.Tensor):
            if hasattr(owner, name):
                table[getattr(owner, name)] = rule
    for name in ("conv1d", "conv2d", "conv3d"):
        table[getattr(functional, name)] = table[getattr(torch, name)] = _convolution
    return table
