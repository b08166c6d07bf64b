"""What code is answered that asks for the content of a tensor on the meta device.

Where the content is known it is the answer (`symcount.forward.contents`). Otherwise the input is one without padding,
whose tokens are ordinary ones: `mask.all()` is true, `(ids == special).any()` is false. Of a mixture that goes through
the experts that were chosen, one of them gets all that is routed: so many tokens are there for all of them together.
Where it is counted how many tokens each expert has, the first one has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from symcount.concolic.tensors.mode import TENSORS
from symcount.errors import DerivationError
from symcount.forward.contents import Contents

__all__ = ["Answers"]

#: Questions about content whose answer is yes.
_AFFIRMED = ("all", "allclose", "equal", "_is_all_true")
#: Functions whose results are as long as contents say.
_SIZED_BY_CONTENT = ("arange", "repeat_interleave", "unique", "unique_consecutive", "bincount", "masked_select")
#: Functions that keep the numbers of a count, or add some of them.
_ADDING = ("long", "int", "float", "to", "type_as", "sum", "view", "reshape", "contiguous", "cpu", "detach")
#: Comparisons with one number, and whether they are true of an ordinary token.
_COMPARED = {"__eq__": False, "eq": False, "__ne__": True, "ne": True}
_NUMBERS = ("item", "__int__", "__float__", "__index__", "tolist")


class Answers:
    """The answers; those that a call of a torch function does not have itself are given in its place."""

    def __init__(self, where: Callable[[], str], *, whole: bool) -> None:
        """Answer.

        Args:
            where: the path of the module that runs, for the errors.
            whole: whether one expert gets all tokens; otherwise one of them, since how many there are does not matter.
        """
        self.contents = Contents()
        self._where, self._whole = where, whole
        self._true: dict[int, Any] = {}
        self._chosen: dict[int, Any] = {}
        self._counted: dict[int, tuple[Any, int]] = {}  # id -> a tensor of counts, and their sum
        self.tokens: list[Any] = []  # those that were put in

    def note(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], result: Any, results: Sequence[Any]) -> None:
        """Note of the results of a call what is to be answered of them."""
        if getattr(func, "__name__", "") in _AFFIRMED and hasattr(result, "new_empty"):
            self._true[id(result)] = result
        if self._chosen and args and id(args[0]) in self._chosen:
            self._chosen.update((id(tensor), tensor) for tensor in results)
        if results and (number := self._number_counted(getattr(func, "__name__", ""), args)) is not None:
            self._counted[id(result)] = result, number
        self.contents.note(func, args, kwargs, result)
        truth = _COMPARED.get(getattr(func, "__name__", "")) if results else None
        if truth is not None and len(args) > 1 and isinstance(args[1], int) and any(args[0] is t for t in self.tokens):
            self.contents.learn(result, result.new_full(tuple(map(int, result.shape)), truth, device="cpu"))

    def _number_counted(self, name: str, args: Sequence[Any]) -> int | None:
        """Of how many things a call counts those of each kind: what it marks by a one each, or has already."""
        if name == "scatter" and len(args) > 3 and args[3] == 1:
            return prod(_shape(args[2]))
        if name in ("one_hot", "histc"):
            return prod(_shape(args[0]))
        known = self._counted.get(id(args[0])) if args and name in _ADDING else None
        return None if known is None else known[1]

    def instead(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """The result of a call that the meta device has none for; `NotImplemented` for all others.

        Raises:
            DerivationError: it asks for a number that is not known.
        """
        name = getattr(func, "__name__", "")
        given = args[0] if args else kwargs.get("input", kwargs.get("condition"))
        if given is None or getattr(getattr(given, "device", None), "type", "") != "meta":
            return NotImplemented
        if name in _NUMBERS or name == "__bool__":
            return self._number(name, given)
        if name == "__format__" and given.ndim == 0:
            return format(self._number("item", given), args[1])
        if name == "__contains__":
            content = self.contents.of(given)
            return False if content is None or hasattr(args[1], "new_empty") else args[1] in content
        if name in ("nonzero", "argwhere") or (name == "where" and len(args) + len(kwargs) == 1):
            return self._entries(given, separate=name == "where" or bool(kwargs.get("as_tuple")))
        if name in _SIZED_BY_CONTENT and hasattr(content := self.contents.computed(func, args, kwargs), "new_empty"):
            made = content.to("meta")
            self.contents.learn(made, content)
            return made
        if name == "__getitem__":
            return self._masked(given, args[1])
        return NotImplemented

    def _number(self, name: str, given: Any) -> Any:
        content = self.contents.of(given)
        if content is not None:
            return getattr(content, name)()
        if name == "__bool__" or str(given.dtype) == "torch.bool":
            return id(given) in self._true
        if id(given) in self._chosen and name != "tolist":
            return 0
        if name == "tolist" and id(given) in self._counted and given.ndim == 1:
            return [self._counted[id(given)][1], *[0] * (len(given) - 1)]
        raise DerivationError(
            f"the forward pass asks for a number that is the content of a tensor, in {self._where() or 'the model'}"
        )

    def _entries(self, given: Any, *, separate: bool) -> Any:
        """Where *given* is not zero: what is known, or one of the entries, or all where an expert has its tokens."""
        content = self.contents.of(given)
        if content is None:
            number = prod(_shape(given)) if self._whole and given.ndim > 1 else 1
        else:
            number = len(content.nonzero())
        found = [_indices(number) for _ in range(max(1, given.ndim))]
        if content is None:
            self._chosen.update((id(tensor), tensor) for tensor in found)
        else:
            for tensor, known in zip(found, content.nonzero(as_tuple=True), strict=False):
                self.contents.learn(tensor, known)
        if separate:
            return tuple(found)
        together = _indices(number, given.ndim)
        if content is None:
            self._chosen[id(together)] = together
        else:
            self.contents.learn(together, content.nonzero())
        return together

    def _masked(self, given: Any, index: Any) -> Any:
        """`given[mask]` for a mask whose content is known, and `given[i]` for the index of something chosen."""
        import torch

        if not isinstance(index, torch.Tensor):
            return NotImplemented
        if index.ndim == 0 and index.dtype is not torch.bool:
            number = self._number("item", index)
            return given[number]
        if index.dtype is not torch.bool or (content := self.contents.of(index)) is None:
            return NotImplemented
        if bool(content.all()):
            return given.flatten(0, index.ndim - 1)
        return given.new_empty((int(content.sum()), *given.shape[index.ndim :]))


def _shape(tensor: Any) -> Sequence[int]:
    """The sizes of a tensor, as expressions where they are known."""
    return TENSORS.tracker.shape_of(tensor) if TENSORS.tracker is not None else tuple(tensor.shape)


def _indices(*sizes: int) -> Any:
    """Indices without content."""
    import torch

    made = torch.empty(tuple(map(int, sizes)), dtype=torch.long, device="meta")
    if TENSORS.tracker is not None:
        TENSORS.tracker.learn(made, sizes)
    return made
