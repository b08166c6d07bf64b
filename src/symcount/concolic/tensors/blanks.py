"""Tensors of the meta device, made in less time than torch takes: there is nothing in them but a size and a type.

Torch computes what lies on the meta device in Python, with checks that take a hundred times as long as making the
result, and a model has many tensors of few sizes. So a new tensor is another name of one of the same size and type.
Each function here returns `None` where it is not sure of the result; then torch makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt

__all__ = ["Made", "computed", "sized"]

#: The tensors made so far in one trace, by size and type.
Made = dict[tuple[Any, ...], Any]
_INTEGERS: Final = frozenset({int, SymbolicInt})
_NUMBERS: Final = frozenset({int, float, SymbolicInt, SymbolicFloat})
#: What a tensor makes with a number, or with another of its size and type, is of that size and type.
_WHOLE: Final = (
    "add", "sub", "mul", "floor_divide", "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__",
    "__floordiv__",
)  # fmt: skip
#: The same of a floating tensor.
_ARITHMETIC: Final = (
    "add", "sub", "mul", "div", "pow", "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__",
    "__truediv__", "__rtruediv__", "__div__", "__rdiv__", "__pow__", "__rpow__",
)  # fmt: skip


def sized(made: Made, dims: Sequence[Any], dtype: Any) -> Any:
    """`torch.empty(dims)`."""
    import torch

    if not _INTEGERS.issuperset(map(type, dims)):
        return None
    key = size, kind = tuple(map(int, dims)), dtype or torch.get_default_dtype()
    one = made.get(key)
    if one is None:
        one = made[key] = torch.empty(size, dtype=kind, device="meta")
    return torch.Tensor._make_subclass(torch.Tensor, one)


@lru_cache(maxsize=1)
def computed() -> dict[Any, Callable[[Made, Sequence[Any], dict[str, Any]], Any]]:
    """Functions that make tensors of others or of numbers, with what makes their results."""
    import torch

    owners = (torch, torch.Tensor, torch._C.TensorBase)

    def named(*names: str) -> list[Any]:
        return [getattr(owner, name) for name in names for owner in owners if hasattr(owner, name)]

    return {
        **dict.fromkeys(named(*_ARITHMETIC), _scaled),
        **dict.fromkeys(named(*_WHOLE), _combined),
        **dict.fromkeys(named("tril", "triu"), _masked),
        torch.norm_except_dim: _normed,
        torch.arange: _counted,
    }


def _scaled(made: Made, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A floating tensor and a number."""
    if kwargs or len(args) != 2:
        return None
    tensor, number = args if _is_blank(args[0]) else reversed(args)
    if type(number) not in _NUMBERS or not _is_blank(tensor) or not tensor.is_floating_point():
        return None
    return _named_again(tensor)


def _combined(made: Made, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A tensor of integers and an integer, two tensors of one size and type, or as `_scaled`."""
    import torch

    if kwargs or len(args) != 2:
        return None
    one, other = args if _is_blank(args[0]) else reversed(args)
    if not _is_blank(one) or one.dtype is torch.bool or one.is_complex():
        return None
    if _is_blank(other):
        return _named_again(one) if one.dtype is other.dtype and one.shape == other.shape else None
    if one.is_floating_point():
        return _scaled(made, args, kwargs)
    return _named_again(one) if type(other) in _INTEGERS else None


def _masked(made: Made, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A part of a matrix, the rest of which is nothing."""
    if not 1 <= len(args) <= 2 or kwargs.keys() - {"diagonal"} or not _INTEGERS.issuperset(map(type, args[1:])):
        return None
    return _named_again(args[0]) if _is_blank(args[0]) and args[0].dim() > 1 else None


def _normed(made: Made, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The norms of a weight along one of its dimensions, where they are no function of it."""
    import torch

    if kwargs or len(args) != 3 or not isinstance(args[0], torch.Tensor) or type(args[2]) is not int:
        return None
    tensor, _, dim = args
    if not tensor.is_meta or not tensor.is_floating_point() or (tensor.requires_grad and torch.is_grad_enabled()):
        return None
    if not 0 <= dim < tensor.dim():
        return None
    return sized(made, [n if i == dim else 1 for i, n in enumerate(tensor.shape)], tensor.dtype)


def _is_blank(value: Any) -> bool:
    """Whether a value is a tensor that has nothing but a size and a type."""
    import torch

    return type(value) is torch.Tensor and value.is_meta and not value.requires_grad and value.is_contiguous()


def _named_again(tensor: Any) -> Any:
    import torch

    return torch.Tensor._make_subclass(torch.Tensor, tensor)


def _counted(made: Made, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """`torch.arange` of integers."""
    import torch

    if not 1 <= len(args) <= 3 or not kwargs.keys() <= {"device", "dtype"} or not _INTEGERS.issuperset(map(type, args)):
        return None
    if kwargs.get("device") is not None:
        return None
    start, end, step = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
    length = len(range(int(start), int(end), int(step))) if step else 0
    return sized(made, (length,), kwargs.get("dtype") or torch.int64) if length else None
