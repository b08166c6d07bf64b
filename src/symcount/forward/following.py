"""Symbolic shapes of what flows through a forward pass: which dimension of a result is which of what went in.

The rules of `symcount.derive.shapes` are those of constructors. A forward pass calls many more functions; the sizes of
their results are nearly always sizes of what they were given, so where there is no rule a size is looked up among
these: at the same place of a tensor with as many dimensions, counted from the last one, anywhere. A guess that is wrong
gives another row at other values of the fields, which the derivation sees.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from symcount.derive.concolic import SymbolicInt
from symcount.derive.tensors import Tracker
from symcount.derive.views import Dims, Rule, ShapeOf, inferred
from symcount.forward.parting import parting

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
        parts = parting().get(func)
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
    return tuple(
        y if int(x) == 1 or (not isinstance(x, SymbolicInt) and int(y) != 1) else x for x, y in zip(a, b, strict=True)
    )


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


def _transposed(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``conv_transpose1d`` to ``conv_transpose3d``."""
    names = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
    named = {**dict(zip(names, args, strict=False)), **kwargs}
    given, weight = shape_of(named["input"]), shape_of(named["weight"])
    places = len(weight) - 2
    plain = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1}
    stride, padding, more, dilation = (_each(named.get(n, v), places) for n, v in plain.items())
    out = [
        (size - 1) * stride[i] - 2 * padding[i] + dilation[i] * (weight[2 + i] - 1) + more[i] + 1
        for i, size in enumerate(given[-places:])
    ]
    return (*given[: -places - 1], weight[1] * named.get("groups", 1), *out)


def _pooled(places: int) -> Rule:
    """``max_pool2d`` and ``avg_pool2d``."""

    def rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
        named = {**dict(zip(("input", "kernel_size", "stride", "padding"), args, strict=False)), **kwargs}
        given, kernel = shape_of(named["input"]), _each(named["kernel_size"], places)
        stride = _each(named.get("stride"), places)
        stride = kernel if stride[0] is None else stride
        padding = _each(named.get("padding", 0), places)
        if named.get("ceil_mode") or named.get("dilation", 1) not in (1, (1,) * places, [1] * places):
            return None
        out = [(n + 2 * padding[i] - kernel[i]) // stride[i] + 1 for i, n in enumerate(given[-places:])]
        return (*given[:-places], *out)

    return rule


def _adapted(places: int) -> Rule:
    """``adaptive_avg_pool2d`` and its kind."""

    def rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
        given = shape_of(args[0])
        size = _each(kwargs.get("output_size", args[1] if len(args) > 1 else None), places)
        return (
            *given[:-places],
            *(old if new is None else new for old, new in zip(given[-places:], size, strict=True)),
        )

    return rule


def _interpolated(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    named = {**dict(zip(("input", "size", "scale_factor"), args, strict=False)), **kwargs}
    given = shape_of(named["input"])
    places = len(given) - 2
    if named.get("size") is not None:
        return (*given[:2], *_each(named["size"], places))
    factors = _each(named["scale_factor"], places)
    return (*given[:2], *(math.floor(size * factor) for size, factor in zip(given[2:], factors, strict=True)))


def _halved(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``glu``."""
    dims = list(shape_of(args[0]))
    place = kwargs.get("dim", args[1] if len(args) > 1 else -1)
    dims[place] = dims[place] // 2
    return tuple(dims)


def _one_hot(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    return (*shape_of(args[0]), kwargs.get("num_classes", args[1] if len(args) > 1 else -1))


def _shuffled(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``pixel_shuffle``."""
    *front, channels, height, width = shape_of(args[0])
    factor = kwargs.get("upscale_factor", args[1] if len(args) > 1 else 1)
    return (*front, channels // (factor * factor), height * factor, width * factor)


def _columns(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``torch.nn.functional.unfold``."""
    named = {**dict(zip(("input", "kernel_size", "dilation", "padding", "stride"), args, strict=False)), **kwargs}
    given, kernel = shape_of(named["input"]), _each(named["kernel_size"], 2)
    dilation, padding, stride = (_each(named.get(n, v), 2) for n, v in (("dilation", 1), ("padding", 0), ("stride", 1)))
    steps = [(n + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i, n in enumerate(given[2:])]
    return (given[0], given[1] * kernel[0] * kernel[1], steps[0] * steps[1])


def _place(args: Sequence[Any], kwargs: dict[str, Any], default: Any = None) -> Any:
    return kwargs.get("dim", args[1] if len(args) > 1 else default)


def _without(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """Reductions over one dimension."""
    shape, place = shape_of(args[0]), _place(args, kwargs)
    if type(place) is not int:
        return ()
    kept = len(shape) == result.ndim
    return tuple(1 if i == place % len(shape) else d for i, d in enumerate(shape) if kept or i != place % len(shape))


def _moved(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``movedim`` of one dimension."""
    dims = list(shape_of(args[0]))
    source, target = (kwargs.get(n, args[i] if len(args) > i else None) for i, n in ((1, "source"), (2, "destination")))
    if type(source) is not int or type(target) is not int:
        return None
    dim = dims.pop(source % len(dims))
    dims.insert(target % (len(dims) + 1), dim)
    return tuple(dims)


def _unflattened(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    dims, place = list(shape_of(args[0])), _place(args, kwargs)
    sizes = kwargs.get("sizes", args[2] if len(args) > 2 else None)
    place %= len(dims)
    inner = inferred(list(sizes), (dims[place],))
    return None if inner is None else (*dims[:place], *inner, *dims[place + 1 :])


def _narrowed(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    dims = list(shape_of(args[0]))
    dims[_place(args, kwargs)] = kwargs.get("length", args[3] if len(args) > 3 else None)
    return tuple(dims)


def _selected(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    dims = list(shape_of(args[0]))
    del dims[_place(args, kwargs)]
    return tuple(dims)


def _gathered(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    index = kwargs.get("index", args[2] if len(args) > 2 and hasattr(args[2], "new_empty") else args[1])
    return shape_of(index)


def _index_selected(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    dims = list(shape_of(args[0]))
    dims[_place(args, kwargs)] = shape_of(kwargs.get("index", args[2] if len(args) > 2 else None))[0]
    return tuple(dims)


def _einsum(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    equation, *operands = args
    operands = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    if not arrow or "." in equation:
        return None
    sizes = {
        c: d
        for part, t in zip(inputs.split(","), operands, strict=True)
        for c, d in zip(part, shape_of(t), strict=True)
    }
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
    for name in ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"):
        table[getattr(functional, name)] = table[getattr(torch, name)] = _transposed
    for places in (1, 2, 3):
        for kind in ("avg", "max"):
            for owner in (functional, torch):
                if hasattr(owner, f"{kind}_pool{places}d"):
                    table[getattr(owner, f"{kind}_pool{places}d")] = _pooled(places)
            table[getattr(functional, f"adaptive_{kind}_pool{places}d")] = _adapted(places)
    table[functional.interpolate] = _interpolated
    table[functional.glu] = _halved
    table[functional.one_hot] = _one_hot
    table[functional.pixel_shuffle] = table[torch.pixel_shuffle] = _shuffled
    table[functional.unfold] = _columns
    for owner in (torch, torch.Tensor):
        for name, rule in (("argmax", _without), ("argmin", _without), ("any", _without), ("all", _without),
                           ("logsumexp", _without), ("var", _without), ("movedim", _moved), ("moveaxis", _moved),
                           ("unflatten", _unflattened), ("narrow", _narrowed), ("select", _selected), ("gather", _gathered),
                           ("index_select", _index_selected), ("take_along_dim", _gathered)):  # fmt: skip
            if hasattr(owner, name):
                table[getattr(owner, name)] = rule
    return table
