"""The names of gguf files: which tensor of the model each of theirs is, by the tables of the gguf package.

Its table goes from the model's names to the file's (`model.layers.{bid}.self_attn.q_proj` to `blk.{bid}.attn_q`), for
each architecture those that it has. The copy that is shipped names the version of the package that it was read off.
A gguf file has the dimensions of some tensors in another order or without those of one, so shapes are compared without
regard to either; the experts' first two projections, which transformers keeps as one tensor, are two.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from symcount.checkpoints.logical import LogicalTensor
from symcount.errors import ConfigError
from symcount.verification.matching import INDEX

__all__ = ["default_path", "measure", "named", "table"]

#: what the model has in one tensor, and the file in two
_JOINED: Mapping[str, tuple[str, str]] = {
    "gate_up_proj": ("gate_proj", "up_proj"),
    "kv_b_proj": ("k_b_proj", "v_b_proj"),
}
_SUFFIXES = (".weight", ".bias")


def named(tensors: Iterable[LogicalTensor], architecture: str, rows: Iterable[str]) -> list[LogicalTensor]:
    """The *tensors* of a file under the names that the model has.

    Args:
        tensors: as the file has them.
        architecture: what the file says: `general.architecture`.
        rows: the paths of the model's tensors, with `*` for the index of a list.
    """
    known = _known(architecture)
    whole: dict[str, str] = {}  # template of the file -> path of the model
    halves: dict[str, str] = {}
    for row in rows:
        if (found := _name(row, known)) is not None:
            whole.setdefault(found, row)
            continue
        for joined, parts in _JOINED.items():
            if joined in row:
                names = [_name(row.replace(joined, part), known) for part in parts]
                halves |= {n: row for n in names if n is not None}
    result: list[LogicalTensor] = []
    together: dict[str, list[LogicalTensor]] = {}
    for tensor in tensors:
        numbers = INDEX.findall(tensor.name)
        template = INDEX.sub("*", tensor.name)
        if path := whole.get(tensor.name) or whole.get(template):
            result.append(replace(tensor, name=_filled(path, numbers), loose=True))
        elif path := halves.get(template):
            together.setdefault(_filled(path, numbers), []).append(tensor)
        else:
            result.append(tensor)
    return result + [_joined(name, parts) for name, parts in together.items()]


def _joined(name: str, parts: list[LogicalTensor]) -> LogicalTensor:
    most, least, size = (sum(getattr(p, a) for p in parts) for a in ("most", "least", "size"))
    return LogicalTensor(name, None, most, least, size, tuple(s for p in parts for s in p.sources), parts[0].dtype)


def _filled(row: str, numbers: list[str]) -> str:
    for number in numbers[: row.count("*")]:
        row = row.replace("*", number, 1)
    return row


def _name(row: str, known: Mapping[str, str]) -> str | None:
    """The file's template for a path of the model, where an index of the model's may be a fixed one."""
    if row.endswith("_bias"):  # of experts
        row = f"{row.removesuffix('_bias')}.bias"
    for path in dict.fromkeys((row, INDEX.sub("*", row))):
        candidates = [path, *(path.removesuffix(end) for end in _SUFFIXES if path.endswith(end)), f"{path}.weight"]
        for candidate in candidates:
            if (found := known.get(candidate)) is not None:
                end = path[len(candidate) :] if path.startswith(candidate) else ""
                return found + (end or (".weight" if not path.endswith(_SUFFIXES) else ""))
        if "*" not in path and (first := _first(path, known)) is not None:
            return first
    return None


def _first(path: str, known: Mapping[str, str]) -> str | None:
    """The file's name for a tensor of one layer of a list: the index is a part of it."""
    parts = path.split(".")
    for place, part in enumerate(parts):
        if not part.isdecimal():
            continue
        star = ".".join([*parts[:place], "*", *parts[place + 1 :]])
        for end in _SUFFIXES:
            if star.endswith(end) and (found := known.get(star.removesuffix(end))) is not None:
                return found.replace("*", part, 1) + end
    return None


@cache
def _known(architecture: str) -> dict[str, str]:
    """The model's paths -> the file's templates, without `.weight`, as the gguf package fills its own table."""
    stored = table()
    tensors = stored["architectures"].get(architecture, ())
    found: dict[str, str] = {}
    own = stored["own"].get(architecture, {})
    for kind, paths in (*stored["mappings"].items(), *own.items()):
        if kind in tensors:
            name = stored["names"][kind].replace("{bid}", "*")
            found |= {path.replace("{bid}", "*").replace("{xid}", "*"): name for path in (name, *paths)}
    return found


@cache
def table() -> dict[str, Any]:
    """The shipped table: `gguf` (the version), `names`, `mappings`, `own` (of one architecture), `architectures`."""
    try:
        found: dict[str, Any] = json.loads(zlib.decompress(default_path().read_bytes()))
    except (OSError, ValueError, zlib.error) as error:
        raise ConfigError(f"{default_path()}: the table cannot be read ({error}); reinstall symcount") from None
    return found


def default_path() -> Path:
    """The table that is shipped with the package."""
    return Path(__file__).with_name("gguf.bin")


def measure(path: Path) -> int:
    """Write the table of the gguf package that is installed; the number of architectures."""
    from importlib import import_module
    from importlib.metadata import version

    constants, mapping = (import_module(f"gguf.{name}") for name in ("constants", "tensor_mapping"))
    own = mapping.TensorNameMap
    content = {
        "gguf": version("gguf"),
        "names": {k.name: v for k, v in constants.TENSOR_NAMES.items()},
        "mappings": {k.name: list(v) for c in (own.mappings_cfg, own.block_mappings_cfg) for k, v in c.items()},
        "own": {constants.MODEL_ARCH_NAMES[a]: {k.name: list(v) for k, v in c.items()}
                for a, c in own.arch_block_mappings_cfg.items()},
        "architectures": {constants.MODEL_ARCH_NAMES[a]: [t.name for t in v]
                          for a, v in constants.MODEL_TENSORS.items()},
    }  # fmt: skip
    path.write_bytes(zlib.compress(json.dumps(content, separators=(",", ":")).encode("utf-8"), 9))
    return len(content["architectures"])
