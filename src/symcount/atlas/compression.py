"""How the blocks of an atlas are compressed: with zlib, and a text of what they have in common.

The blocks are small, because a count reads one of them, and zlib begins each anew. With a dictionary, a text that both
sides have beforehand, it refers to what many blocks have from their first byte on.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

__all__ = ["dictionary", "packed", "unpacked"]

_WINDOW: Final = 1 << 15  # bytes that zlib looks back
_SHORTEST, _LONGEST = 12, 400  # letters of a text that is worth a reference, and that others are likely to have
_BLOCKS: Final = 3  # that have it


def packed(item: Any, common: bytes = b"") -> bytes:
    """*item* as JSON, compressed with a dictionary.

    >>> unpacked(packed({"a": [1, 2]}, b'"a":[1'), b'"a":[1')
    b'{"a":[1,2]}'
    """
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    writer = zlib.compressobj(9, zdict=common) if common else zlib.compressobj(9)
    return writer.compress(text) + writer.flush()


def unpacked(data: bytes, common: bytes = b"") -> bytes:
    """The JSON that `packed` made *data* of.

    Raises:
        zlib.error: it is something else, or was compressed with another dictionary.
    """
    return (zlib.decompressobj(zdict=common) if common else zlib.decompressobj()).decompress(data)


def dictionary(blocks: Iterable[Any]) -> bytes:
    """The parts that most letters of the *blocks* repeat, as one text; those that save most stand last.

    >>> dictionary([{"hidden_size": {"given": 768}, "n": n} for n in range(4)])
    b'"hidden_size":{"given":768}'
    """
    having: Counter[str] = Counter()
    for block in blocks:
        found: set[str] = set()
        _text(block, found)
        having.update(found)
    saved = sorted(((n - 1) * len(text), text) for text, n in having.items() if n >= _BLOCKS)
    chosen, size = "", 0
    for _, text in reversed(saved):
        if text not in chosen:
            chosen, size = text + chosen, size + len(text.encode("utf-8"))
        if size >= _WINDOW:
            break
    return chosen.encode("utf-8")[-_WINDOW:]


def _text(item: Any, found: set[str]) -> str:
    """*item* as JSON; what of it may be a part of others is *found*."""
    if isinstance(item, dict):
        parts = [f"{json.dumps(k, ensure_ascii=False)}:{_text(v, found)}" for k, v in item.items()]
        text = f"{{{','.join(parts)}}}"
    elif isinstance(item, list):
        parts = [_text(v, found) for v in item]
        text = f"[{','.join(parts)}]"
    else:
        parts, text = [], json.dumps(item, ensure_ascii=False)
    found.update(part for part in (*parts, text) if _SHORTEST <= len(part) <= _LONGEST)
    return text
