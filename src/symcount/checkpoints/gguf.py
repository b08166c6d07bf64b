"""The header of a gguf file: a table of metadata, a table of tensors, and after both the tensors.

The format says nowhere how long its header is, so it is read step by step. What is still to come has a least length (a
string takes eight bytes and more, a tensor's entry thirty-two), and no more than that is ever asked for: nothing after
the header is read. Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from symcount.checkpoints.header import LARGEST, LONGEST_NAME, Header, StoredTensor, check_regular, said
from symcount.errors import CheckpointError

__all__ = ["TYPES", "read"]

#: number of a type -> its name, how many elements a block of it has, and how many bytes
TYPES: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
}  # fmt: skip
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_SHORT = 64  # elements of a list that is kept; longer ones are vocabularies
_LONGEST_TEXT = 65_535  # bytes of a key, as the format has it, and of a text that is kept
_MOST_DIMENSIONS = 4  # the most that the format has
_DEEPEST = 4  # lists in lists
_LEAST_PAIR = 8 + 4 + 1
_LEAST_TENSOR = 8 + 4 + 8 + 4 + 8
_CHUNK = 1 << 16


def read(path: Path) -> Header:
    """The header of a file.

    Raises:
        CheckpointError: the file cannot be read, or is no gguf file.
    """
    source = str(path)
    try:
        check_regular(path)
        with path.open("rb", buffering=0) as file:
            return _Reader(file, os.fstat(file.fileno()).st_size, source).header()
    except OSError as error:
        raise CheckpointError(f"{source}: {error.strerror or error}") from None
    except ValueError as error:  # of the name
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{source!r:.80}: no file can have this name: {error}") from None


class _Reader:
    """A place in a file, and how many bytes of the header are at least still to come."""

    def __init__(self, file: Any, whole: int, source: str) -> None:
        self._file, self._whole, self._source = file, whole, source
        self._buffer, self._at, self._place = b"", 0, 0  # bytes that were read, how far in them, and in the file
        self._order = "<"
        self._owed = 0

    def header(self) -> Header:
        if self._take(4, "the first word") != _MAGIC:
            raise self._error("it does not begin with GGUF; it seems to be something else")
        version = self._number("I", "the version")
        if version not in _VERSIONS and int.from_bytes(version.to_bytes(4, "little"), "big") in _VERSIONS:
            self._order, version = ">", int.from_bytes(version.to_bytes(4, "little"), "big")
        if version not in _VERSIONS:
            raise self._error(f"version {version} of the format; versions {' and '.join(map(str, _VERSIONS))} are read")
        tensors, pairs = self._number("Q", "the number of tensors"), self._number("Q", "the number of metadata")
        self._expect(tensors * _LEAST_TENSOR + pairs * _LEAST_PAIR, f"{tensors:,} tensors and {pairs:,} metadata")
        metadata: dict[str, Any] = {}
        for _ in range(pairs):
            self._owed -= _LEAST_PAIR
            key = self._text("a key of the metadata", _LONGEST_TEXT)
            if key in metadata:
                raise self._error(f"the key {said(key)} comes twice in the metadata")
            metadata[key] = self._value(self._number("I", f"the type of {said(key)}"), f"the value of {said(key)}", 0)
        infos = [self._tensor() for _ in range(tensors)]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or isinstance(alignment, bool) or not 0 < alignment <= 2**20 or alignment % 8:
            raise self._error(f"general.alignment is {said(alignment)}: expected a multiple of 8")
        self._tiled(infos, alignment)
        return Header(self._source, "gguf", tuple(infos), metadata)

    def _tensor(self) -> StoredTensor:
        self._owed -= _LEAST_TENSOR
        name = self._text("a tensor's name", LONGEST_NAME)
        number = self._number("I", f"the dimensions of {said(name)}")
        if not 1 <= number <= _MOST_DIMENSIONS:
            raise self._error(f"{said(name)} has {number:,} dimensions: expected 1 to {_MOST_DIMENSIONS}")
        dims = [self._number("Q", f"the shape of {said(name)}") for _ in range(number)]
        kind = self._number("I", f"the type of {said(name)}")
        start = self._number("Q", f"the offset of {said(name)}")
        if kind not in TYPES:
            raise self._error(f"{said(name)} has a type of number {kind}, which is none of the format's")
        word, elements, size = TYPES[kind]
        total = prod(dims)
        if total > LARGEST or dims[0] % elements:
            raise self._error(f"{said(name)} of shape {dims}: a row of {word} is a multiple of {elements} elements")
        return StoredTensor(name, tuple(reversed(dims)), word, start, total // elements * size)

    def _tiled(self, tensors: list[StoredTensor], alignment: int) -> None:
        """Raise unless names are unique and the tensors stand one after the other to the end of the file."""
        begin = -(-self._position // alignment) * alignment
        end = 0
        names: set[str] = set()
        for tensor in tensors:
            if tensor.name in names:
                raise self._error(f"{said(tensor.name)} comes twice in the header")
            names.add(tensor.name)
            if tensor.start != end:
                what = "overlaps the tensor before it" if tensor.start < end else "leaves a gap after the one before it"
                raise self._error(f"{said(tensor.name)} {what}: it begins at byte {tensor.start:,} instead of {end:,}")
            last = end + tensor.size
            end = -(-last // alignment) * alignment
        if tensors and begin + last > self._whole:
            raise self._error(
                f"cut off: the tensors take {last:,} bytes, the file has {max(0, self._whole - begin):,} for them"
            )
        if begin + end < self._whole:
            raise self._error(
                f"longer than its header says: the tensors take {end:,} bytes, the file has {self._whole - begin:,}"
            )

    def _value(self, kind: int, what: str, depth: int) -> Any:
        if kind in _NUMBERS:
            return self._number(_NUMBERS[kind], what)
        if kind == _STRING:
            return self._text(what, None)
        if kind != _ARRAY or depth >= _DEEPEST:
            raise self._error(f"{what} has a type of number {kind}, which is none of the format's")
        inner, length = self._number("I", what), self._number("Q", what)
        if inner in _NUMBERS:
            size = struct.calcsize("=" + _NUMBERS[inner])
            self._expect(length * size, f"{what}, a list of {length:,}")
            self._owed -= length * size
            if length > _SHORT:
                self._skip(length * size)
                return f"a list of {length:,}"
            return [self._number(_NUMBERS[inner], what) for _ in range(length)]
        least = 8 if inner == _STRING else 12
        self._expect(length * least, f"{what}, a list of {length:,}")
        kept = []
        for _ in range(length):
            self._owed -= least
            if length > _SHORT and inner == _STRING:
                self._skip(self._length(what))
            else:
                item = self._value(inner, what, depth + 1)
                if length <= _SHORT:
                    kept.append(item)
        return kept if length <= _SHORT else f"a list of {length:,}"

    def _text(self, what: str, most: int | None) -> str:
        length = self._length(what)
        if most is not None and length > most:
            raise self._error(f"{what} has {length:,} bytes: expected at most {most:,}")
        if length > _LONGEST_TEXT:
            self._skip(length)
            return f"a text of {length:,} bytes"
        try:
            return self._take(length, what).decode("utf-8")
        except UnicodeDecodeError:
            raise self._error(f"{what} is not UTF-8 text") from None

    def _length(self, what: str) -> int:
        length: int = self._number("Q", what)
        if length > self._whole - self._position:
            raise self._error(f"cut off: {what} has {length:,} bytes, {self._whole - self._position:,} are there")
        return length

    def _number(self, kind: str, what: str) -> Any:
        return struct.unpack(self._order + kind, self._take(struct.calcsize("=" + kind), what))[0]

    # ---------------------------------------------------------------- bytes

    @property
    def _position(self) -> int:
        """How much of the file was used."""
        return self._place - len(self._buffer) + self._at

    def _expect(self, least: int, what: str) -> None:
        """Note that at least so many bytes are to come; raise if the file does not have them."""
        if least > self._whole - self._position - self._owed:
            raise self._error(f"cut off: {what} do not fit into the {self._whole:,} bytes of the file")
        self._owed += least

    def _take(self, number: int, what: str) -> bytes:
        have = len(self._buffer) - self._at
        if have < number:
            if number - have > self._whole - self._place:
                raise self._error(f"cut off in {what}: the file ends after {self._whole:,} bytes")
            more = self._read(max(number - have, min(self._owed - have, _CHUNK)), what)
            self._buffer, self._at = self._buffer[self._at :] + more, 0
        found = self._buffer[self._at : self._at + number]
        self._at += number
        return found

    def _read(self, number: int, what: str) -> bytes:
        parts = []
        while number and (part := self._file.read(number)):
            parts.append(part)
            number -= len(part)
            self._place += len(part)
        if number:
            raise self._error(f"cut off in {what} while it was read")
        return b"".join(parts)

    def _skip(self, number: int) -> None:
        """Pass over bytes without reading them."""
        have = len(self._buffer) - self._at
        if number <= have:
            self._at += number
            return
        self._place = self._file.seek(number - have, os.SEEK_CUR)
        self._buffer, self._at = b"", 0

    def _error(self, text: str) -> CheckpointError:
        return CheckpointError(f"{self._source}: {text}")
