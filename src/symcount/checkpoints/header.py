"""What a file of weights says of itself: the names, shapes, types and places of its tensors. All values are frozen.

A *header* is one file's; a *checkpoint* is one model's, of one file or of a folder of shards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from symcount.errors import CheckpointError

__all__ = [
    "BITS",
    "LONGEST_NAME",
    "MOST_DIMENSIONS",
    "Checkpoint",
    "Header",
    "StoredTensor",
    "check_regular",
    "said",
    "shown",
]

LONGEST_NAME = 4096  # characters of a tensor's name; the longest of published models have about 200
MOST_DIMENSIONS = 64  # of a tensor: as many as PyTorch can handle
LARGEST = 2**63 - 1  # sizes and offsets are 64-bit numbers in every format

#: bits of one element, by the format's word for the type
BITS: Mapping[str, int] = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor as a file has it.

    Attributes:
        name: its name there.
        shape: in the order of PyTorch, the slowest dimension first.
        dtype: the type, in the words of the format.
        start: where its bytes begin, from the end of the header.
        size: how many bytes it takes.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    start: int
    size: int

    @property
    def elements(self) -> int:
        """The number of its elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class Header:
    """One file's header.

    Attributes:
        source: the file.
        format: `safetensors` or `gguf`.
        tensors: in the order of their bytes.
        metadata: what the file says besides; long lists are left out.
    """

    source: str
    format: str
    tensors: tuple[StoredTensor, ...] = field(repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __iter__(self) -> Iterator[StoredTensor]:
        return iter(self.tensors)


@dataclass(frozen=True)
class Checkpoint:
    """One model's weights, in one file or in several.

    Attributes:
        source: what was asked for: a file or a folder.
        headers: of each file, in the order of their names.
        metadata: of the index, or else of the only file.
        absent: tensors that the index promises and that no file has -> the file where they should be.
        notes: what a reader should know: files that were passed over, tensors that the index does not name.
    """

    source: str
    headers: tuple[Header, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    absent: Mapping[str, str] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def format(self) -> str:
        """`safetensors` or `gguf`."""
        return self.headers[0].format if self.headers else "safetensors"

    @property
    def tensors(self) -> tuple[StoredTensor, ...]:
        """Those of all files.

        Raises:
            CheckpointError: two files have a tensor of one name.
        """
        found: dict[str, StoredTensor] = {}
        for header in self.headers:
            for tensor in header.tensors:
                if tensor.name in found:
                    raise CheckpointError(f"{header.source}: tensor {said(tensor.name)} is in another file, too")
                found[tensor.name] = tensor
        return tuple(found.values())

    @property
    def size(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.size for header in self.headers for tensor in header.tensors)


def check_regular(path: Path) -> None:
    """Raise unless *path* is a file, or nothing at all: a pipe would be waited for.

    Raises:
        CheckpointError: it is something else.
    """
    if path.exists() and not path.is_file():
        raise CheckpointError(f"{path}: no regular file")


def shown(name: str) -> str:
    r"""A name as it can be printed: without characters that steer a terminal, and not too long.

    >>> shown("lm_head.weight")
    'lm_head.weight'
    >>> print(shown("a\x1b[2J"))
    'a\x1b[2J'
    """
    return name if name.isprintable() and len(name) <= 200 else said(name)


def said(name: object) -> str:
    """A name, or another value, from a file, fit for a message: quoted and not too long."""
    if isinstance(name, list | dict) and len(name) > MOST_DIMENSIONS:
        return f"a {type(name).__name__} of {len(name):,}"
    text = ascii(name) if isinstance(name, str) and not name.isprintable() else repr(name)
    return text if len(text) <= 120 else f"{text[:100]}… ({len(text):,} characters)"
