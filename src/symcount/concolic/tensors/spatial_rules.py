"""What convolutions, pools and the like do to symbolic shapes, by rules as in `concolic.tensors.shape_rules`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from symcount.concolic.tensors.arguments import by_name
from symcount.concolic.tensors.view_rules import Dims, Rule, ShapeOf
from symcount.concolic.values import expression as ex
from symcount.concolic.values.numbers import integer, node_of
from symcount.concolic.values.path import STATE

__all__ = ["spatial"]


def _convolution(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``conv1d`` to ``conv3d``."""
    named = by_name("input weight bias stride padding dilation groups", args, kwargs)
    given, weight = shape_of(named["input"]), shape_of(named["weight"])
    places = len(weight) - 2
    stride, dilation = (_each(named.get(n, 1), places) for n in ("stride", "dilation"))
    out: list[int] = []
    padding = named.get("padding", 0)
    for i, size in enumerate(given[-places:]):
        reach = dilation[i] * (weight[2 + i] - 1)
        if padding in (0, (0,) * places, [0] * places) and _side_by_side(weight[2 + i], stride[i], dilation[i]):
            out.append(_patches(size, stride[i]))
        elif isinstance(padding, str):
            out.append(size if padding == "same" else _steps(size - reach - 1, stride[i]) + 1)
        else:
            out.append(_steps(size + 2 * _each(padding, places)[i] - reach - 1, stride[i]) + 1)
    return (*given[: -places - 1], weight[0], *out)


def _steps(room: int, stride: int) -> int:
    """How often a window goes on where there is *room*: rounded down, also where it divides that at these sizes."""
    own, by = node_of(room), node_of(stride)
    return room // stride if own is None or by is None else integer(int(room) // int(stride), ex.floordiv(own, by))


def _patches(size: int, stride: int) -> int:
    """How many patches there are: a quotient where the code has asked for that before, as for their positions."""
    recorder = STATE.recorder
    asked = recorder is not None and ("divides", node_of(stride), node_of(size), True) in recorder.predicates
    return size // stride if asked else _steps(size, stride)


def _side_by_side(kernel: int, stride: int, dilation: int) -> bool:
    """Whether a convolution goes over patches, which do not overlap: there are as many as fit."""
    return node_of(kernel) is node_of(stride) and dilation == 1


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
    dims[place] = _steps(dims[place] - size, step) + 1
    return (*dims, size)


def _transposed(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``conv_transpose1d`` to ``conv_transpose3d``."""
    named = by_name("input weight bias stride padding output_padding groups dilation", args, kwargs)
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
        named = by_name("input kernel_size stride padding", args, kwargs)
        given, kernel = shape_of(named["input"]), _each(named["kernel_size"], places)
        stride = _each(named.get("stride"), places)
        stride = kernel if stride[0] is None else stride
        padding = _each(named.get("padding", 0), places)
        if named.get("ceil_mode") or named.get("dilation", 1) not in (1, (1,) * places, [1] * places):
            return None
        out = [_steps(n + 2 * padding[i] - kernel[i], stride[i]) + 1 for i, n in enumerate(given[-places:])]
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
    named = by_name("input size scale_factor", args, kwargs)
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


def _shuffled(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``pixel_shuffle``."""
    *front, channels, height, width = shape_of(args[0])
    factor = kwargs.get("upscale_factor", args[1] if len(args) > 1 else 1)
    return (*front, channels // (factor * factor), height * factor, width * factor)


def _columns(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``torch.nn.functional.unfold``."""
    named = by_name("input kernel_size dilation padding stride", args, kwargs)
    given, kernel = shape_of(named["input"]), _each(named["kernel_size"], 2)
    dilation, padding, stride = (_each(named.get(n, v), 2) for n, v in (("dilation", 1), ("padding", 0), ("stride", 1)))
    steps = [
        _steps(n + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1, stride[i]) + 1 for i, n in enumerate(given[2:])
    ]
    return (given[0], given[1] * kernel[0] * kernel[1], steps[0] * steps[1])


def _linear(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    named = by_name("input weight bias", args, kwargs)
    return (*shape_of(named["input"])[:-1], shape_of(named["weight"])[0])


def _same(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    return shape_of(args[0] if args else kwargs["input"])


#: Activations, norms and dropouts: what comes out is as large as what goes in.
_UNCHANGED = (
    "relu", "relu_", "relu6", "gelu", "silu", "mish", "elu", "selu", "celu", "leaky_relu", "hardswish", "hardtanh",
    "hardsigmoid", "prelu", "rrelu", "threshold", "logsigmoid", "softsign", "tanhshrink", "softshrink", "hardshrink",
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "batch_norm",
    "layer_norm", "group_norm", "instance_norm", "rms_norm", "normalize", "local_response_norm", "tanh", "sigmoid",
)  # fmt: skip


@lru_cache(maxsize=1)
def spatial() -> dict[Any, Rule]:
    """The rules, by function."""
    import torch
    from torch.nn import functional

    table: dict[Any, Rule] = {
        functional.pad: _pad,
        functional.interpolate: _interpolated,
        functional.glu: _halved,
        functional.pixel_shuffle: _shuffled,
        torch.pixel_shuffle: _shuffled,
        functional.unfold: _columns,
        torch.Tensor.unfold: _unfold,
        functional.linear: _linear,
    }
    for owner in (functional, torch):
        table |= {getattr(owner, name): _same for name in _UNCHANGED if hasattr(owner, name)}
    for places in (1, 2, 3):
        for name, rule in ((f"conv{places}d", _convolution), (f"conv_transpose{places}d", _transposed)):
            table[getattr(functional, name)] = table[getattr(torch, name)] = rule
        for kind in ("avg", "max"):
            for owner in (functional, torch):
                if hasattr(owner, f"{kind}_pool{places}d"):
                    table[getattr(owner, f"{kind}_pool{places}d")] = _pooled(places)
            table[getattr(functional, f"adaptive_{kind}_pool{places}d")] = _adapted(places)
    return table
