"""Which class a file of weights may be of, by the names of its tensors alone.

The shipped table has for each class of the atlas what its names come down to: a hash of every path, as transformers
saves a model of the default config. It only says where to look; whether the weights are of a class is decided by the
formula, tensor by tensor.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from symcount.errors import SymcountError
from symcount.verification.matching import template

__all__ = ["candidates", "default_path", "measure"]

_BYTES = 3  # of a hash
_WORD = 2  # bytes of a number


def candidates(names: Iterable[str], most: int = 12) -> list[str]:
    """Classes whose tensors are called like these, the nearest first.

    >>> candidates(["embeddings.word_embeddings.weight", "no.such.name"]) != []
    True
    """
    wanted = {_hash(name) for name in names}
    scored = []
    for name, known in _table().items():
        common = len(wanted & known)
        if common:
            scored.append((-common / len(wanted | known), name))
    return [name for _, name in sorted(scored)[:most]]


def _hash(name: str) -> int:
    return int(zlib.crc32(template(name).encode("utf-8", "surrogatepass"))) & 0xFFFFFF


@cache
def _table() -> dict[str, frozenset[int]]:
    path = default_path()
    if not path.is_file():
        return {}
    data = zlib.decompress(path.read_bytes())
    found: dict[str, frozenset[int]] = {}
    while data:
        length, number = data[0], int.from_bytes(data[1 : 1 + _WORD], "big")
        name, rest = data[1 + _WORD : 1 + _WORD + length], data[1 + _WORD + length :]
        hashes = (rest[i : i + _BYTES] for i in range(0, number * _BYTES, _BYTES))
        found[name.decode("ascii")] = frozenset(int.from_bytes(h, "big") for h in hashes)
        data = rest[number * _BYTES :]
    return found


def default_path() -> Path:
    """The table that is shipped with the package."""
    return Path(__file__).with_name("names.bin")


def measure(classes: Iterable[tuple[str, str]], path: Path, kept: Iterable[str] = ()) -> int:
    """Write the table of *classes*, as the installed transformers saves them; how many.

    Args:
        classes: names and model types.
        path: of the table.
        kept: other classes, of which the table has what the shipped one has.

    Raises:
        DependencyError: torch or transformers is missing.
    """
    from transformers.core_model_loading import revert_weight_conversion

    from symcount.verification import real_model

    found = {name: _table()[name] for name in kept if name in _table()}
    for name, model_type in classes:
        try:
            cls = real_model.model_class(name, model_type)
            model = real_model.build(cls, real_model.make_config(cls, {}), {})
            saved = revert_weight_conversion(model, dict(model.state_dict(keep_vars=True)))
        except (SymcountError, ValueError):  # its default config builds no model, or cannot be saved
            continue
        found[name] = frozenset(_hash(n) for n in saved)
    parts = []
    for name, known in sorted(found.items()):
        head = bytes([len(name)]) + len(known).to_bytes(_WORD, "big") + name.encode("ascii")
        parts.append(head + b"".join(h.to_bytes(_BYTES, "big") for h in sorted(known)))
    path.write_bytes(zlib.compress(b"".join(parts), 9))
    return len(parts)
