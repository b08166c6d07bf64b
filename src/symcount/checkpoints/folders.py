"""Folders and shards: which files are one model's weights, and what an index says of them.

A folder is read as transformers reads it: `model.safetensors` first, then its index, and every file of the index is
one shard. The names of a folder's other files are told, so that nothing is passed over in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from symcount.checkpoints import gguf, gguf_config, safetensors
from symcount.checkpoints.header import Checkpoint, Header, said
from symcount.config.config import Config
from symcount.config.config import read as read_config
from symcount.config.files import PICKLES, WEIGHTS, is_directory, is_file, load
from symcount.errors import CheckpointError, ConfigError

__all__ = ["config_of", "read"]

_INDEX = ".safetensors.index.json"
_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\Z", re.DOTALL)
_MOST_FILES = 100_000
_MOST_BYTES = 256 * 2**20  # of an index: a million tensors


def config_of(checkpoint: Checkpoint) -> Config:
    """The config of a checkpoint: the `config.json` beside it, or what a gguf file says itself.

    Raises:
        CheckpointError: there is neither.
    """
    path = Path(checkpoint.source)
    folder = path if is_directory(path) else path.parent
    if is_file(folder / "config.json"):
        return read_config(folder / "config.json")
    if checkpoint.format == "gguf":
        return Config(gguf_config.config(checkpoint), checkpoint.source)
    raise CheckpointError(f"{path}: no config.json in {folder}, which would say of which model these weights are")


def read(path: Path) -> Checkpoint:
    """The headers of a file, of an index with its shards, or of a folder.

    Raises:
        CheckpointError: there are no weights, or a header is broken.
    """
    if is_directory(path):
        return _folder(path)
    if path.name.endswith(_INDEX):
        return _indexed(path, str(path))
    if path.name.endswith(".gguf"):
        return _split(path)
    if path.name.endswith(".safetensors"):
        header = safetensors.read(path)
        return Checkpoint(str(path), (header,), header.metadata)
    raise CheckpointError(f"{path}: expected a folder, *.safetensors, *{_INDEX} or *.gguf")


def _files(folder: Path) -> list[Path]:
    """The files of weights and the indices of a folder, by name; those below it are others' business."""
    try:
        found = [p for p in folder.iterdir() if p.name.endswith(WEIGHTS) and not p.name.startswith(".")]
    except OSError as error:
        raise CheckpointError(f"{folder}: {error.strerror or error}") from None
    return sorted(found, key=lambda p: p.name)


def _folder(folder: Path) -> Checkpoint:
    files = _files(folder)
    if not files:
        others = sorted(p.name for p in folder.iterdir() if p.name in PICKLES)
        remedy = f"; {others[0]} is not opened: convert it to safetensors" if others else ""
        raise CheckpointError(f"{folder}: no *.safetensors and no *.gguf in this folder{remedy}")
    chosen = _chosen(files)
    if chosen.name.endswith(_INDEX):
        found = _indexed(chosen, str(folder))
    elif chosen.name.endswith(".gguf"):
        found = _split(chosen)
    else:
        found = _together(_siblings(chosen, files), str(folder))
    used = {Path(h.source).name for h in found.headers} | {chosen.name, *found.absent.values()}
    rest = [p.name for p in files if p.name not in used]
    told = f"passed over: {', '.join(rest[:5])}{f' and {len(rest) - 5} more' if len(rest) > 5 else ''}"
    notes = (*found.notes, told) if rest else found.notes
    return Checkpoint(str(folder), found.headers, found.metadata, found.absent, notes)


def _chosen(files: Sequence[Path]) -> Path:
    """The file that a folder's model is loaded from."""
    names = {p.name: p for p in files}
    for wanted in ("model.safetensors", f"model{_INDEX}", "adapter_model.safetensors"):
        if wanted in names:
            return names[wanted]
    for ending in (_INDEX, ".safetensors", ".gguf"):
        if found := [p for p in files if p.name.endswith(ending)]:
            return found[0]
    raise AssertionError("a file of weights ends on one of these")


def _siblings(chosen: Path, files: Sequence[Path]) -> list[Path]:
    """The shards that belong to *chosen* where there is no index; itself where it is no shard."""
    match = _SHARD.match(chosen.stem)
    if match is None:
        return [chosen]
    base, _, number = match.groups()
    wanted = re.compile(rf"{re.escape(base)}-\d{{5}}-of-{number}\Z", re.DOTALL)
    return [p for p in files if p.suffix == chosen.suffix and wanted.match(p.stem)]


def _together(files: Sequence[Path], source: str) -> Checkpoint:
    headers = tuple(safetensors.read(p) for p in files)
    metadata = headers[0].metadata if len(headers) == 1 else {}
    return Checkpoint(source, headers, metadata, notes=_lacking(files[0], len(files)))


def _lacking(shard: Path, there: int) -> tuple[str, ...]:
    """A note of how many shards are not there, by the number of all in the name of one."""
    match = _SHARD.match(shard.stem)
    number = int(match.group(3)) if match else 0
    return (f"{number - there} of {number} shards are not there",) if number > there else ()


def _split(path: Path) -> Checkpoint:
    """A gguf file, with the others of its split."""
    files = _siblings(path, _files(path.parent)) if path.parent.is_dir() else [path]
    headers = tuple(gguf.read(p) for p in files or [path])
    return Checkpoint(str(path), headers, headers[0].metadata, notes=_lacking(path, len(headers)))


def _indexed(path: Path, source: str) -> Checkpoint:
    """An index and its shards: what it promises and no shard has is absent, what it does not name is not loaded."""
    shards, metadata = _index(path)
    headers: list[Header] = []
    absent: dict[str, str] = {}
    notes: list[str] = []
    for file, names in sorted(shards.items()):
        shard = path.parent / file
        if not shard.is_file():
            absent |= dict.fromkeys(names, file)
            notes.append(f"the shard {file} is not there")
            continue
        header = safetensors.read(shard)
        there = {t.name for t in header.tensors}
        absent |= {n: file for n in names if n not in there}
        if len(there) > len(names) or there - set(names):
            beyond = [t.name for t in header.tensors if t.name not in names]
            notes.append(f"{file} has {said(beyond[0])}, which the index does not name, and {len(beyond) - 1} more")
            kept = tuple(t for t in header.tensors if t.name in names)
            header = Header(header.source, header.format, kept, header.metadata)
        headers.append(header)
    return Checkpoint(source, tuple(headers), metadata, absent, tuple(notes))


def _index(path: Path) -> tuple[dict[str, dict[str, None]], Mapping[str, Any]]:
    """File -> names of its tensors, and the metadata."""
    try:
        content = load(path, _MOST_BYTES)
    except ConfigError as error:
        raise CheckpointError(str(error).replace("a config.json", "an index of safetensors files")) from None
    places, metadata = content.get("weight_map"), content.get("metadata") or {}
    if not isinstance(places, dict) or not isinstance(metadata, dict):
        raise CheckpointError(f"{path}: expected weight_map, an object of tensor names and files, and metadata")
    shards: dict[str, dict[str, None]] = {}
    for name, file in places.items():
        if not isinstance(file, str):
            raise CheckpointError(f"{path}: {said(name)} is in {said(file)}: expected the name of a file")
        shards.setdefault(file, {})[name] = None
    for file in shards:
        if PurePosixPath(file).name != file or not file.endswith(".safetensors"):
            raise CheckpointError(f"{path}: the shard {said(file)}: expected a safetensors file beside the index")
    if len(shards) > _MOST_FILES:
        raise CheckpointError(f"{path}: {len(shards):,} shards; the most that are read is {_MOST_FILES:,}")
    return shards, metadata
