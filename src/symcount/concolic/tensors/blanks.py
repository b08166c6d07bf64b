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
#: What a floating tensor and a number make is of the tensor's size and type.
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
    arithmetic = [getattr(owner, name) for name in _ARITHMETIC for owner in owners if hasattr(owner, name)]
    return {**dict.fromkeys(arithmetic, _scaled), torch.arange: _counted}


def _scaled(made: Made, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A floating tensor and a number."""
    import torch

    if kwargs or len(args) != 2:
        return None
    tensor, number = args if type(args[0]) is torch.Tensor else reversed(args)
    if type(tensor) is not torch.Tensor or type(number) not in _NUMBERS:
        return None
    if not tensor.is_meta or not tensor.is_floating_point() or tensor.requires_grad or not tensor.is_contiguous():
        return None
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
