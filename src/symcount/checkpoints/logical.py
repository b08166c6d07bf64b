"""A tensor of the model as a file has it: under the model's name, of the model's shape, put together from its parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from symcount.checkpoints.header import StoredTensor

__all__ = ["LogicalTensor", "plain"]


@dataclass(frozen=True, slots=True)
class LogicalTensor:
    """One tensor that a file holds, in one piece or in several.

    Attributes:
        name: as the model has it, or will have it after renaming.
        shape: `None` where the header does not say it: packed to a row of bytes, or put together in an unknown way.
        most: the most elements that it may have.
        least: the fewest; two elements of four bits share a byte, of which the last half may be empty.
        size: bytes of all parts.
        sources: names of the parts in the file.
        dtype: of the part that has the weights.
        loose: whether its dimensions may be in another order, or those of one left out.
    """

    name: str
    shape: tuple[int, ...] | None
    most: int
    least: int
    size: int
    sources: tuple[str, ...]
    dtype: str
    loose: bool = False

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether it may be a tensor of that shape."""
        if self.shape is None:
            return self.least <= prod(shape) <= self.most
        return self.shape == shape or (self.loose and _dimensions(self.shape) == _dimensions(shape))


def _dimensions(shape: tuple[int, ...]) -> list[int]:
    return sorted(d for d in shape if d != 1)


def plain(tensors: Iterable[StoredTensor]) -> list[LogicalTensor]:
    """Each tensor by itself."""
    return [
        LogicalTensor(t.name, t.shape, (n := t.elements), n, t.size, (t.name,), t.dtype) for t in tensors
    ]  # fmt: skip
