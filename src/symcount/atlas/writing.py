"""Writing an atlas: its layers as blocks, behind an index; the file is there as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from symcount.atlas.compression import dictionary, packed
from symcount.atlas.store import LENGTH_BYTES, MAGIC, Family
from symcount.config.model_types import canonical
from symcount.core.records import Record, made
from symcount.errors import ConfigError

__all__ = ["Layer", "write"]


class Layer(Record):
    """What an atlas has of one release, to be written.

    Attributes:
        families: model type, entries by class, trees; in the order in which they are to stand.
        bases: model type -> base model; of an older release those that are others, empty for none.
        activations: see `Atlas.activations`.
        versions: of the packages that it was built with.
        summary: see `Atlas.summary`.
        gone: of an older release: model type -> classes that only newer ones have.
        kinds: see `Atlas.kinds`.
    """

    families: Iterable[Family]
    bases: Mapping[str, str]
    activations: Iterable[str]
    versions: str
    summary: Mapping[str, Any]
    gone: Mapping[str, Iterable[str]] = made(default_factory=dict)
    kinds: Mapping[str, str] = made(default_factory=dict)


def write(
    path: Path,
    families: Iterable[Family],
    bases: Mapping[str, str],
    activations: Iterable[str],
    versions: str,
    summary: Mapping[str, Any],
    older: Iterable[Layer] = (),
    kinds: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write an atlas, at once or not at all.

    Args:
        path: where.
        families: model type, entries by class, trees; in the order in which they are to stand.
        bases: model type -> base model.
        activations: see `Atlas.activations`.
        versions: of the packages.
        summary: see `Atlas.summary`.
        older: what older releases have otherwise, the newest of them first.
        kinds: see `Atlas.kinds`.

    Raises:
        ConfigError: the file cannot be written.
    """
    layers = [Layer(families, bases, activations, versions, summary, {}, kinds), *older]
    layers = [one.changed(families=[*one.families]) for one in layers]
    common = [dictionary(family[part] for one in layers for family in one.families) for part in (1, 2)]
    blocks = [packed(text.decode("utf-8")) for text in common]
    sizes = [len(block) for block in blocks]
    headers = []
    for one in layers:
        found, header = _header(one, common)
        blocks += found
        headers.append(header)
    first, *rest = headers
    known = {(name, str(first["families"][n][0])) for name, places in first["classes"].items() for n in places}
    first["common"] = sizes
    first["bases"] = {t: name for t, name in first["bases"].items() if (name, canonical(t)) in known}
    if rest:
        first["older"] = rest
    index = packed(first)
    data = b"".join([MAGIC, len(index).to_bytes(LENGTH_BYTES, "big"), index, *blocks])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None


def _header(one: Layer, common: list[bytes]) -> tuple[list[bytes], dict[str, Any]]:
    """The blocks of a layer, and its part of the index."""
    blocks: list[bytes] = []
    sizes: list[list[Any]] = []
    classes: dict[str, list[int]] = defaultdict(list)
    for number, (model_type, entries, trees) in enumerate(one.families):
        found = [packed(dict(sorted(entries.items())), common[0]), packed(trees, common[1])]
        blocks.extend(found)
        sizes.append([model_type, *map(len, found)])
        for name, entry in entries.items():
            classes[name].insert(0 if entry.get("own", True) else len(classes[name]), number)
    return blocks, {
        "versions": one.versions,
        "classes": dict(sorted(classes.items())),
        "bases": dict(sorted(one.bases.items())),
        "activations": sorted(one.activations),
        "kinds": dict(sorted(one.kinds.items())),
        "families": sizes,
        "summary": dict(one.summary),
        "gone": {t: sorted(names) for t, names in sorted(one.gone.items())},
    }
