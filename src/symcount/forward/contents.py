"""What small tensors contain where their content is known: positions, masks without padding, sizes of grids.

A tensor on the meta device has no content. Those that are made of numbers (`arange`, `ones`, `tensor`), and what is
computed from such alone, are computed on the CPU beside, so that the code's questions about them have answers.
Tokens, pictures and weights have no content, nor has what is computed from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symcount.concolic.tensors.arguments import writes
from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt

__all__ = ["Contents"]

_LARGEST = 1 << 16  # elements
#: Functions that make tensors of numbers.
_MAKING = {
    "arange", "tensor", "as_tensor", "scalar_tensor", "zeros", "ones", "full", "linspace", "eye", "zeros_like",
    "ones_like", "full_like", "new_zeros", "new_ones", "new_full", "new_tensor", "tril_indices", "triu_indices",
}  # fmt: skip
#: Those that only need to know the shape of the tensor that they are given.
_SHAPED = {"zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full", "new_tensor"}


class Contents:
    """The contents of tensors on the meta device, as far as they are known."""

    def __init__(self) -> None:
        """Know none."""
        self._known: dict[int, tuple[Any, Any]] = {}  # id -> the tensor, which keeps the id taken, and its content

    def of(self, tensor: Any) -> Any:
        """The same tensor on the CPU; `None` where its content is not known."""
        found = self._known.get(id(tensor))
        return None if found is None else found[1]

    def learn(self, tensor: Any, content: Any) -> None:
        """Note what *tensor* contains."""
        self._known[id(tensor)] = (tensor, content)

    def note(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
        """Note the content of the results of a call, where it follows from what is known."""
        import torch

        name = getattr(func, "__name__", "")
        written = args[0] if args and writes(name) and isinstance(args[0], torch.Tensor) else None
        if written is not None and id(written) not in self._known:
            return
        results = [result] if isinstance(result, torch.Tensor) else result if isinstance(result, tuple | list) else ()
        if written is None and not any(_small(one) for one in results):
            return
        given = [t for t in _tensors((args, kwargs)) if name not in _SHAPED or t is not args[0]]
        if (not given and name not in _MAKING) or any(id(t) not in self._known for t in given):
            if written is not None:
                del self._known[id(written)]
            return
        found = self.computed(func, args, kwargs)
        if written is not None and found is None and name != "__setitem__":
            del self._known[id(written)]
        for one, content in zip(results, [found] if isinstance(result, torch.Tensor) else found or (), strict=False):
            if isinstance(content, torch.Tensor) and _small(one) and content.shape == one.shape:
                self.learn(one, content)

    def computed(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """What a call gives for the contents of its arguments; `None` where that is not known."""
        name = getattr(func, "__name__", "")
        given = [t for t in _tensors((args, kwargs)) if name not in _SHAPED or t is not args[0]]
        if any(id(t) not in self._known for t in given):
            return None
        try:
            device = {"device": "cpu"} if name in _MAKING or "device" in kwargs else {}
            return func(*self._plain(args, name in _SHAPED), **{**self._plain(kwargs, False), **device})
        except Exception:  # noqa: BLE001  # what cannot be computed beside is not known
            return None

    def _plain(self, value: Any, shaped: bool) -> Any:
        """Arguments with contents in place of tensors, and numbers in place of expressions."""
        import torch

        if isinstance(value, torch.Tensor):
            if shaped:
                return torch.empty(tuple(map(int, value.shape)), dtype=value.dtype, device="cpu")
            return self._known[id(value)][1]
        if isinstance(value, SymbolicInt):
            return int(value)
        if isinstance(value, SymbolicFloat):
            return float(value)
        if isinstance(value, torch.device):
            return torch.device("cpu")
        if isinstance(value, dict):
            return {k: self._plain(v, False) for k, v in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self._plain(v, shaped and i == 0) for i, v in enumerate(value))
        return slice(*(self._plain(getattr(value, n), False) for n in ("start", "stop", "step"))) if isinstance(
            value, slice) else value  # fmt: skip


def _small(tensor: Any) -> bool:
    return getattr(getattr(tensor, "device", None), "type", "") == "meta" and tensor.numel() <= _LARGEST


def _tensors(value: Any) -> list[Any]:
    """The tensors in arguments, those in lists and dicts too."""
    import torch

    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return []
    return [t for v in value for t in _tensors(v)]
