"""The header of a safetensors file: eight bytes of length, then JSON, then the tensors one after the other.

Read as strictly as the format's own package does (https://huggingface.co/docs/safetensors, "Format"): the length is
bounded, no key comes twice, every shape takes as many bytes as its offsets say, and the offsets tile the rest of the
file without a gap. Nothing after the header is read.
"""

from __future__ import annotations

import json
import os
from math import prod
from pathlib import Path
from typing import Any, NoReturn

from symcount.checkpoints.header import (
    BITS,
    LARGEST,
    LONGEST_NAME,
    MOST_DIMENSIONS,
    Header,
    StoredTensor,
    check_regular,
    said,
)
from symcount.errors import CheckpointError, near

__all__ = ["MOST_BYTES", "read"]

MOST_BYTES = 100_000_000  # of a header, as in the format's own package
_LENGTH = 8
_FIELDS = {"dtype", "shape", "data_offsets"}
_METADATA = "__metadata__"


def read(path: Path) -> Header:
    """The header of a file.

    Raises:
        CheckpointError: the file cannot be read, or is no safetensors file.
    """
    source = str(path)
    try:
        check_regular(path)
        with path.open("rb", buffering=0) as file:  # unbuffered: not a byte after the header is read
            whole = os.fstat(file.fileno()).st_size
            text = _text(file, whole, source)
    except OSError as error:
        raise CheckpointError(f"{source}: {error.strerror or error}") from None
    except ValueError as error:  # of the name
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{source!r:.80}: no file can have this name: {error}") from None
    return parse(text, whole - _LENGTH - len(text), source)


def _text(file: Any, whole: int, source: str) -> bytes:
    """The header's bytes, and nothing else."""
    word = file.read(_LENGTH)
    if len(word) < _LENGTH:
        raise CheckpointError(f"{source}: {len(word)} bytes long; a safetensors file begins with 8 bytes of length")
    length = int.from_bytes(word, "little")
    if length > MOST_BYTES:
        begins = "it seems to be something else" if word[:1] != b"{" else "it begins with {, like a JSON file"
        raise CheckpointError(
            f"{source}: a header of {length:,} bytes, more than the {MOST_BYTES:,} of the format; {begins}"
        )
    if length > whole - _LENGTH:
        raise CheckpointError(
            f"{source}: cut off, or no safetensors file: the header has {length:,} bytes, of which "
            f"{max(0, whole - _LENGTH):,} are there"
        )
    parts: list[bytes] = []
    left = length
    while left and (part := file.read(left)):
        parts.append(part)
        left -= len(part)
    if left:
        raise CheckpointError(f"{source}: cut off while it was read; {left:,} bytes of the header are missing")
    return b"".join(parts)


def parse(text: bytes, room: int, source: str) -> Header:
    """The header that *text* is, of a file with *room* bytes for tensors.

    Raises:
        CheckpointError: see `read`.
    """
    entries = _json(text, source)
    metadata = entries.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise CheckpointError(f"{source}: {_METADATA}: expected an object of strings")
    tensors = sorted((_tensor(n, e, source) for n, e in entries.items()), key=lambda t: (t.start, t.size))
    end = 0
    for tensor in tensors:
        if tensor.start != end:
            what = "overlaps the tensor before it" if tensor.start < end else "leaves a gap after the tensor before it"
            raise CheckpointError(
                f"{source}: {said(tensor.name)} {what}: it begins at byte {tensor.start:,} instead of {end:,}"
            )
        end += tensor.size
    if end != room:
        what = "cut off" if end > room else "longer than its header says"
        raise CheckpointError(f"{source}: {what}: the tensors take {end:,} bytes, the file has {room:,} for them")
    return Header(source, "safetensors", tuple(tensors), metadata)


def _json(text: bytes, source: str) -> dict[str, Any]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            seen: set[str] = set()
            twice = next(name for name, _ in items if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            raise CheckpointError(f"{source}: {said(twice)} comes twice in the header")
        return found

    def constant(word: str) -> NoReturn:
        raise CheckpointError(f"{source}: the header has {word}, which is not JSON")

    if not text.startswith(b"{"):
        raise CheckpointError(f"{source}: the header does not begin with {{; it seems to be no safetensors file")
    try:
        found = json.loads(text.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant)
    except CheckpointError:
        raise
    except RecursionError:
        raise CheckpointError(f"{source}: the header is nested too deeply") from None
    except UnicodeDecodeError:
        raise CheckpointError(f"{source}: the header is not UTF-8 text") from None
    except ValueError as error:
        problem = "a number has too many digits" if "integer string" in str(error) else f"not JSON: {error}"
        raise CheckpointError(f"{source}: the header is broken: {problem}") from None
    entries: dict[str, Any] = found
    return entries


def _tensor(name: str, entry: Any, source: str) -> StoredTensor:
    def error(text: str) -> CheckpointError:
        return CheckpointError(f"{source}: {said(name)}: {text}")

    if len(name) > LONGEST_NAME:
        raise error(f"a name of more than {LONGEST_NAME:,} characters")
    if not isinstance(entry, dict) or not entry.keys() >= _FIELDS:  # others are ignored, as by the format's package
        raise error(f"expected an object with {', '.join(sorted(_FIELDS))}")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    bits = BITS.get(dtype) if isinstance(dtype, str) else None
    if bits is None:
        raise error(f"dtype {said(dtype)}: expected one of the format.{near(str(dtype)[:80], [*BITS])}")
    if not _sizes(shape) or len(shape) > MOST_DIMENSIONS:
        raise error(f"shape {said(shape)}: expected at most {MOST_DIMENSIONS} integers of at least 0 in a list")
    if not _sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise error(f"data_offsets {said(offsets)}: expected where it begins and where it ends")
    start, end = offsets
    elements = prod(shape)
    if elements * bits != (end - start) * 8:
        raise error(
            f"{dtype} of shape {said(shape)} takes {-(-elements * bits // 8):,} bytes, "
            f"but its offsets leave {end - start:,}"
        )
    return StoredTensor(name, tuple(shape), dtype, start, end - start)


def _sizes(numbers: Any) -> bool:
    return isinstance(numbers, list) and all(type(n) is int and 0 <= n <= LARGEST for n in numbers)  # a boolean is none
