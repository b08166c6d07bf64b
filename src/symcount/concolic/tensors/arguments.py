"""The arguments of torch's functions, which may be given by position or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["by_name", "tensors_of_product", "writes"]

#: The tensors of a product as torch's signatures name them, in their order.
_TENSORS = ("input", "weight", "mat", "mat1", "batch1", "mat2", "batch2", "vec", "tensor", "other")


def by_name(names: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name; *names* are those that a signature begins with.

    >>> by_name("input weight bias", ["x", "w"], {"stride": 2})
    {'input': 'x', 'weight': 'w', 'stride': 2}
    """
    return {**dict(zip(names.split(), args, strict=False)), **kwargs}


def tensors_of_product(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """The tensors that a product is called with, in the order of its signature: by position, then by name.

    >>> tensors_of_product(["x"], {"batch2": "b", "batch1": "a", "beta": 1})
    ['x', 'a', 'b']
    """
    return [*args, *(kwargs[name] for name in _TENSORS if name in kwargs)]


def writes(name: str) -> bool:
    """Whether a method of that name writes into its tensor.

    >>> [name for name in ("add", "add_", "__iadd__", "__add__", "__setitem__", "__invert__") if writes(name)]
    ['add_', '__iadd__', '__setitem__']
    """
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__")) or (
        name.startswith("__i") and name not in ("__invert__", "__index__", "__int__"))  # fmt: skip
