"""The atlas file: a small index, and one compressed block for each config family.

Looking a class up reads the index and one block. The bytes depend on nothing but the entries: their order is fixed, and
there is no date. Layout: a magic line; the length of the index in four bytes; the index; the blocks. Index and blocks
are JSON, compressed with zlib. A family, which is one model type, has two blocks: what counting needs, and the trees. A
class whose configs are of several model types has an entry in the family of each.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from symcount.atlas.record import Entry
from symcount.errors import ConfigError
from symcount.modeltypes import canonical

__all__ = ["Atlas", "atlas", "default_path", "write"]

_MAGIC = b"symcount atlas 2\n"
_WORD = 4
_PARTS = 2


class Atlas:
    """An open atlas file; entries are read when they are asked for.

    Raises:
        ConfigError: there is no such file, or it is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    raise ConfigError(f"{path} is no atlas; build one: symcount atlas build")
                length = int.from_bytes(file.read(_WORD), "big")
                self._header: dict[str, Any] = json.loads(zlib.decompress(file.read(length)))
        except (OSError, zlib.error, ValueError) as error:
            raise ConfigError(f"{path}: the atlas cannot be read ({error}); reinstall symcount") from None
        self._start = len(_MAGIC) + _WORD + length
        self._entries: dict[tuple[str, int], Entry] = {}
        self._blocks: dict[tuple[int, int], Any] = {}

    @property
    def versions(self) -> str:
        """Of the packages that it was built with."""
        return str(self._header["versions"])

    @property
    def names(self) -> list[str]:
        """The classes, in alphabetical order."""
        return list(self._header["classes"])

    @property
    def bases(self) -> Mapping[str, str]:
        """Model type -> base model."""
        found: dict[str, str] = self._header["bases"]
        return found

    @cached_property
    def activations(self) -> frozenset[str]:
        """Names of activation functions that have no parameters."""
        return frozenset(self._header["activations"])

    @property
    def summary(self) -> Mapping[str, Any]:
        """What the build recorded of the whole: numbers of classes, formulas, points and configs."""
        found: dict[str, Any] = self._header["summary"]
        return found

    def find(self, name: str, model_type: str = "") -> Entry | None:
        """The entry of a class, or of a model type's base model.

        Args:
            name: of either.
            model_type: of whose configs, where the class is that of several; by default those that it says itself.
        """
        if name in self.bases:
            name, model_type = self.bases[name], canonical(name)
        place = self._place(name, model_type)
        if place is None:
            return None
        if (name, place) not in self._entries:
            self._entries[name, place] = Entry.from_json(self._block(place, 0)[name])
        found = self._entries[name, place]
        return found if found.own or model_type else None

    def model_types(self, name: str) -> list[str]:
        """The model types of a class of the atlas, its own first, without reading their blocks."""
        return [str(self._header["families"][place][0]) for place in self._header["classes"].get(name, ())]

    def family(self, model_type: str) -> list[str]:
        """The classes that the atlas has for a model type."""
        return [name for name in self.names if model_type in self.model_types(name)]

    def trees(self, name: str, model_type: str = "") -> dict[str, Any]:
        """The trees of the family of a class: `expressions`, `blocks`, `trees`."""
        place = self._place(name, model_type)
        found: dict[str, Any] = {} if place is None else self._block(place, 1)
        return found

    def families(self) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Everything: model type, entries by class as JSON, trees; as `write` takes it."""
        for place, (model_type, *_) in enumerate(self._header["families"]):
            yield model_type, self._block(place, 0), self._block(place, 1)

    def _place(self, name: str, model_type: str) -> int | None:
        """The family of a class that is of that model type, or else the first one."""
        places: list[int] = self._header["classes"].get(name, [])
        if not model_type:
            return places[0] if places else None
        return next((place for place in places if self._header["families"][place][0] == model_type), None)

    def _block(self, place: int, part: int) -> Any:
        if (place, part) not in self._blocks:
            _, *sizes = self._header["families"][place]
            before = sum(sum(sizes_) for _, *sizes_ in self._header["families"][:place])
            with self.path.open("rb") as file:
                file.seek(self._start + before + sum(sizes[:part]))
                data = file.read(sizes[part])
            self._blocks[place, part] = json.loads(zlib.decompress(data))
        return self._blocks[place, part]


def default_path() -> Path:
    """The atlas that is shipped with the package."""
    return Path(__file__).with_name("atlas.bin")


@cache
def atlas() -> Atlas | None:
    """The shipped atlas, `None` where there is none."""
    path = default_path()
    return Atlas(path) if path.is_file() else None


def write(
    path: Path,
    families: Iterable[tuple[str, Mapping[str, Any], Mapping[str, Any]]],
    bases: Mapping[str, str],
    activations: Iterable[str],
    versions: str,
    summary: Mapping[str, Any],
) -> None:
    """Write an atlas, at once or not at all.

    Args:
        path: where.
        families: model type, entries by class, trees; in the order in which they are to stand.
        bases: model type -> base model.
        activations: see `Atlas.activations`.
        versions: of the packages.
        summary: see `Atlas.summary`.

    Raises:
        ConfigError: the file cannot be written.
    """
    blocks: list[bytes] = []
    sizes: list[list[Any]] = []
    classes: dict[str, list[int]] = defaultdict(list)
    for place, (model_type, entries, trees) in enumerate(families):
        packed = [_pack(dict(sorted(entries.items()))), _pack(trees)]
        blocks.extend(packed)
        sizes.append([model_type, *map(len, packed)])
        for name, entry in entries.items():
            classes[name].insert(0 if entry.get("own", True) else len(classes[name]), place)
    kept = [(t, n) for t, n in bases.items() if any(sizes[place][0] == canonical(t) for place in classes.get(n, ()))]
    header = {
        "versions": versions,
        "classes": dict(sorted(classes.items())),
        "bases": dict(sorted(kept)),
        "activations": sorted(activations),
        "families": sizes,
        "summary": dict(summary),
    }
    index = _pack(header)
    data = b"".join([_MAGIC, len(index).to_bytes(_WORD, "big"), index, *blocks])
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


def _pack(item: Any) -> bytes:
    return zlib.compress(json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode("utf-8"), 9)
