"""Results of a forward pass on the meta device, made in less time than torch takes: sizes and types say all of them.

Torch computes them in Python there: 0.2 ms for a product of two tensors, 3 ms for fused attention, and a forward pass
has thousands. Each function here returns `None` where it is not sure of the result; then torch makes it. Of its history
a result has only whether a gradient of it is needed; what is written into one is written without (`written`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from symcount.concolic.tensors.arguments import by_name, writes
from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt

__all__ = ["passing", "written"]

Maker = Callable[[Sequence[Any], dict[str, Any]], Any]
_NUMBERS: Final = frozenset({int, float, SymbolicInt, SymbolicFloat})
#: What a tensor and a tensor or a number make is of their common type, where that is a floating one.
_BINARY: Final = (
    "add", "sub", "mul", "div", "true_divide", "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__",
    "__truediv__", "__rtruediv__", "__div__", "__rdiv__",
)  # fmt: skip
#: What a floating tensor makes is of its size and type.
_UNARY: Final = (
    "neg", "__neg__", "abs", "exp", "log", "sqrt", "rsqrt", "sin", "cos", "tanh", "sigmoid", "relu", "silu", "gelu",
    "softplus", "square", "reciprocal",
)  # fmt: skip


def _new(like: Any, size: Sequence[int], dtype: Any = None, *, of: Sequence[Any] = ()) -> Any:
    """A tensor of that size; a gradient of it is needed if one is of *like*, or of one of the others it is *of*."""
    import torch

    made = like.new_empty(size, dtype=dtype) if dtype is not None else like.new_empty(size)
    if torch.is_grad_enabled() and (like.requires_grad or any(t.requires_grad for t in of)):
        made.requires_grad_()
    return made


def written(func: Any, args: Sequence[Any]) -> bool:
    """Whether a call writes into a result that was made here, or into a part of one, which autograd refuses."""
    import torch

    if not writes(getattr(func, "__name__", "")) or not args or type(args[0]) is not torch.Tensor:
        return False
    into = args[0]
    if not into.requires_grad or not torch.is_grad_enabled():
        return False
    return bool(into.is_leaf or (into._base is not None and into._base.is_leaf))


def _plain(value: Any) -> bool:
    """Whether it is a tensor of the meta device, and of no class of its own."""
    import torch

    return type(value) in (torch.Tensor, torch.nn.Parameter) and value.is_meta


def _binary(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    import torch

    if kwargs or len(args) != 2:
        return None
    tensors = [a for a in args if _plain(a)]
    if len(tensors) == 2:
        size = _broadcast(*(tuple(t.shape) for t in tensors))
        kind = torch.result_type(*tensors)
    elif tensors and any(type(a) in _NUMBERS for a in args):
        size, kind = tensors[0].shape, tensors[0].dtype
    else:
        return None
    return None if size is None or not kind.is_floating_point else _new(tensors[0], size, kind, of=tensors)


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...] | None:
    if a == b:
        return a
    width = max(len(a), len(b))
    pairs = list(zip((1,) * (width - len(a)) + a, (1,) * (width - len(b)) + b, strict=True))
    return tuple(y if x == 1 else x for x, y in pairs) if all(x == y or 1 in (x, y) for x, y in pairs) else None


def _unary(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    known = len(args) == 1 and _plain(args[0]) and kwargs.keys() <= {"inplace", "approximate"}
    if not known or kwargs.get("inplace") or not args[0].is_floating_point():
        return None
    return _new(args[0], args[0].shape)


def _linear(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    named = by_name("input weight bias", args, kwargs)
    given, weight, bias = named["input"], named["weight"], named.get("bias")
    if not all(map(_plain, (given, weight))) or weight.ndim != 2 or given.shape[-1] != weight.shape[-1]:
        return None
    if given.dtype != weight.dtype or not given.ndim or (bias is not None and bias.shape != weight.shape[:1]):
        return None
    return _new(given, (*given.shape[:-1], weight.shape[0]), of=[weight, *([] if bias is None else [bias])])


def _matmul(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    if kwargs or len(args) != 2 or not all(map(_plain, args)):
        return None
    a, b = args
    if a.ndim < 2 or b.ndim < 2 or a.dtype != b.dtype or a.shape[-1] != b.shape[-2]:
        return None
    batch = _broadcast(tuple(a.shape[:-2]), tuple(b.shape[:-2]))
    return None if batch is None else _new(a, (*batch, a.shape[-2], b.shape[-1]), of=[b])


def _attention(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    named = by_name("query key value attn_mask dropout_p is_causal", args, kwargs)
    query, key, value = (named[n] for n in ("query", "key", "value"))
    if not all(map(_plain, (query, key, value))) or not query.dtype == key.dtype == value.dtype:
        return None
    if query.ndim != 4 or query.shape[-1] != key.shape[-1] or key.shape[:-1] != value.shape[:-1]:
        return None
    return _new(query, (*query.shape[:-1], value.shape[-1]), of=[key, value])


def _concatenated(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    named = by_name("tensors dim", args, kwargs)
    tensors, dim = named["tensors"], named.get("dim", 0)
    if not isinstance(tensors, list | tuple) or not tensors or type(dim) is not int or not all(map(_plain, tensors)):
        return None
    first = tensors[0]
    size = list(first.shape)
    if not -len(size) <= dim < len(size) or any(t.dtype != first.dtype or t.ndim != first.ndim for t in tensors):
        return None
    others = [[s for i, s in enumerate(t.shape) if i != dim % len(size)] for t in tensors]
    if any(one != others[0] for one in others):
        return None
    size[dim] = sum(t.shape[dim] for t in tensors)
    return _new(first, size, of=tensors)


def _normalised(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """``layer_norm`` and ``rms_norm``: of the input's size and type, where the weights have the same type."""
    named = by_name("input normalized_shape weight bias", args, kwargs)
    given, scale, shift = named["input"], named.get("weight"), named.get("bias")
    weights: list[Any] = [t for t in (scale, shift) if _plain(t)]
    if not _plain(given) or not given.is_floating_point() or any(t.dtype != given.dtype for t in weights):
        return None
    return _new(given, given.shape, of=weights)


def _softmax(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    named = by_name("input dim", args, {**kwargs, "input": args[0]} if args else kwargs)
    given, kind = named["input"], named.get("dtype")
    known = len(args) <= 2 and named.keys() <= {"input", "dim", "dtype", "_stacklevel"} and _plain(given)
    if not known or not given.is_floating_point() or not given.ndim:
        return None
    return _new(given, given.shape, kind)


def _power(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    known = not kwargs and len(args) == 2 and _plain(args[0]) and type(args[1]) in _NUMBERS
    return _new(args[0], args[0].shape) if known and args[0].is_floating_point() else None


def _mean(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    named = by_name("input dim keepdim", args, kwargs)
    given, dim = named["input"], named.get("dim")
    if not named.keys() <= {"input", "dim", "keepdim"} or not _plain(given) or not given.is_floating_point():
        return None
    if dim not in (-1, given.ndim - 1) or isinstance(dim, bool) or not given.ndim:
        return None
    return _new(given, (*given.shape[:-1], *([1] if named.get("keepdim") else [])))


@lru_cache(maxsize=1)
def passing() -> dict[Any, Maker]:
    """Functions of a forward pass, with what makes their results."""
    import torch
    from torch.nn import functional

    owners = (torch, torch.Tensor, torch._C.TensorBase, torch._C._nn, functional)
    named = {
        **dict.fromkeys(_BINARY, _binary), **dict.fromkeys(_UNARY, _unary), "linear": _linear,
        **dict.fromkeys(("matmul", "__matmul__", "bmm"), _matmul),
        **dict.fromkeys(("cat", "concat"), _concatenated), "scaled_dot_product_attention": _attention,
        **dict.fromkeys(("layer_norm", "rms_norm"), _normalised), "softmax": _softmax, "mean": _mean,
        **dict.fromkeys(("pow", "__pow__"), _power),
    }  # fmt: skip
    table: dict[Any, Maker] = {}
    for name, make in named.items():
        for owner in owners:
            function = getattr(owner, name, None)
            if callable(function):
                table[function] = make
    return table
