"""The atlas file: a small index, and one compressed block for each config family.

Looking a class up reads the index and one block. The bytes depend on nothing but the entries: their order is fixed, and
there is no date. Layout: a magic line; the length of the index in four bytes; the index; two dictionaries; the blocks.
Each is compressed JSON; see `atlas.compression`. A family, which is one model type, has two blocks: what a count needs,
and the trees. A class whose configs are of several model types has an entry in the family of each.

The file is of the newest release of transformers. For each older one it has a *layer*: the entries that are others than
those of the next newer release, and the names of the classes that the older one does not have yet. Nothing here looks
into an entry.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from symcount.atlas.compression import unpacked
from symcount.atlas.record import Entry
from symcount.config.model_types import canonical
from symcount.config.releases import nearest, release_of
from symcount.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LENGTH_BYTES", "MAGIC", "Atlas", "Family", "atlas", "default_path"]

MAGIC = b"symcount atlas 3\n"
LENGTH_BYTES = 4
_FILE = "atlas.bin"
_DECODER = json.JSONDecoder()
_MOST = 1000

Family = tuple[str, Mapping[str, Any], Mapping[str, Any]]


class Atlas:
    """An open atlas file as it is for one release of transformers; entries are read when they are asked for.

    Raises:
        ConfigError: there is no such file, or it is something else.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        try:
            with open(path, "rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    raise ConfigError(f"{path} is no atlas; build one: symcount atlas build")
                length = int.from_bytes(file.read(LENGTH_BYTES), "big")
                header: dict[str, Any] = json.loads(unpacked(file.read(length)))
        except (OSError, zlib.error, ValueError) as error:
            raise ConfigError(f"{path}: the atlas cannot be read ({error}); reinstall symcount") from None
        self._headers: list[dict[str, Any]] = [header, *header.get("older", ())]
        self._starts: list[int] = []
        start = len(MAGIC) + LENGTH_BYTES + length
        self._common: dict[int, bytes] = {}
        self._commons = [*accumulate(header["common"], initial=start)]
        start = self._commons[-1]
        for one in self._headers:
            self._starts.append(start)
            start += sum(sum(sizes) for _, *sizes in one["families"])
        self._texts: dict[tuple[int, int], str] = {}
        self._offsets: dict[int, list[int]] = {}
        self._depth = 0
        self._depths: dict[str, int] = {}
        self._places: dict[str, list[tuple[int, int]]] = {}
        self._differing: dict[tuple[str, str], list[str]] = {}
        self._entries: dict[tuple[str, int, int], Entry] = {}
        self._blocks: dict[tuple[int, int, int], Any] = {}
        self._views: dict[int, Atlas] = {0: self}

    def at(self, version: str) -> Atlas:
        """The atlas as it is for the release that speaks for a *version*; see `releases.nearest`.

        Raises:
            ConfigError: it is no version.
        """
        depth = self._depths.get(version)
        if depth is None:
            depth = len(self.releases) - 1 - self.releases.index(nearest(version, self.releases))
            if len(self._depths) < _MOST:  # files may say any number of versions
                self._depths[version] = depth
        if depth not in self._views:
            other = object.__new__(Atlas)
            other.__dict__.update(self.__dict__)
            for name in ("activations", "bases", "kinds", "names", "_families"):
                other.__dict__.pop(name, None)
            other._depth, other._places = depth, {}
            self._views[depth] = other
        return self._views[depth]

    @property
    def release(self) -> str:
        """The release of transformers that it speaks for."""
        return release_of(self.versions)

    @cached_property
    def releases(self) -> list[str]:
        """Those of the file, oldest first."""
        return [release_of(str(one["versions"])) for one in reversed(self._headers)]

    @property
    def versions(self) -> str:
        """Of the packages that it was built with."""
        return str(self._headers[self._depth]["versions"])

    @cached_property
    def names(self) -> list[str]:
        """The classes, in alphabetical order."""
        found = {name for one in self._headers[: self._depth + 1] for name in one["classes"]}
        return sorted(name for name in found if self._places_of(name))

    @cached_property
    def bases(self) -> Mapping[str, str]:
        """Model type -> base model."""
        found: dict[str, str] = {}
        for one in self._headers[: self._depth + 1]:
            found.update(one["bases"])
        return {model_type: name for model_type, name in found.items() if name}

    @cached_property
    def activations(self) -> frozenset[str]:
        """Names of activation functions that have no parameters."""
        return frozenset(self._headers[self._depth]["activations"])

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """Key that every config class has -> the kinds of values that it admits, as in `Section.types`."""
        found: dict[str, str] = self._headers[self._depth]["kinds"]
        return found

    @property
    def summary(self) -> Mapping[str, Any]:
        """What the build recorded of the whole: numbers of classes, formulas, points and configs."""
        found: dict[str, Any] = self._headers[self._depth]["summary"]
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
        if (name, *place) not in self._entries:
            self._entries[name, *place] = Entry.from_json(self._entry(place, name))
        found = self._entries[name, *place]
        return found if found.own or model_type else None

    def model_types(self, name: str) -> list[str]:
        """The model types of a class of the atlas, its own first, without reading their blocks."""
        return [self._type_at(place) for place in self._places_of(name)]

    def family(self, model_type: str) -> list[str]:
        """The classes that the atlas has for a model type."""
        return self._families.get(model_type, [])

    @cached_property
    def _families(self) -> Mapping[str, list[str]]:
        """Model type -> its classes."""
        found: dict[str, list[str]] = {}
        for name in self.names:
            for model_type in dict.fromkeys(self.model_types(name)):
                found.setdefault(model_type, []).append(name)
        return found

    def differing(self, name: str, model_type: str) -> list[str]:
        """The releases that have another entry of a class than the next older one, or none there, oldest first.

        Empty where all releases have the same. No block is read.
        """
        if (name, model_type) not in self._differing:
            views = [self.at(release) for release in self.releases]
            places = [view._place(name, model_type) for view in views]  # of its own kind
            self._differing[name, model_type] = [
                r for r, own, older in zip(self.releases[1:], places[1:], places, strict=False) if own != older
            ]
        return self._differing[name, model_type]

    def same(self, other: Atlas, name: str, model_type: str) -> bool:
        """Whether another atlas, or this one as it is for another release, has the same entry of a class."""
        places = [one._place(name, model_type) for one in (self, other)]
        if self.path == other.path or None in places:
            return places[0] == places[1]
        return bool(self._json(name, model_type) == other._json(name, model_type))

    def _json(self, name: str, model_type: str) -> Any:
        place = self._place(name, model_type)
        return None if place is None else self._block(place, 0)[name]

    def trees(self, name: str, model_type: str = "") -> dict[str, Any]:
        """The trees of the family of a class: `expressions`, `blocks`, `trees`."""
        place = self._place(name, model_type)
        found: dict[str, Any] = {} if place is None else self._block(place, 1)
        return found

    def families(self, wanted: str = "") -> Iterator[Family]:
        """What the file has of this release and no newer one: model type, entries by class as JSON, trees.

        Args:
            wanted: only of this model type.
        """
        for number, (model_type, *_) in enumerate(self._headers[self._depth]["families"]):
            place = self._depth, number
            if not wanted or model_type == wanted:
                yield model_type, self._block(place, 0), self._block(place, 1)

    def _places_of(self, name: str) -> list[tuple[int, int]]:
        """For each of the model types of a class, its own first: the layer and the family where its entry is."""
        if name in self._places:
            return self._places[name]
        found = [(0, n) for n in self._headers[0]["classes"].get(name, ())]
        for depth, one in enumerate(self._headers[1 : self._depth + 1], start=1):
            gone = {model_type for model_type, names in one["gone"].items() if name in names}
            own = {self._type_at((depth, n)): (depth, n) for n in one["classes"].get(name, ())}
            found = [place for place in found if self._type_at(place) not in gone]
            found = [own.pop(self._type_at(place), place) for place in found] + list(own.values())
        if found:  # a stream may have any number of names that are none
            self._places[name] = found
        return found

    def _type_at(self, place: tuple[int, int]) -> str:
        depth, number = place
        return str(self._headers[depth]["families"][number][0])

    def _place(self, name: str, model_type: str) -> tuple[int, int] | None:
        """Where the entry of a class is that is of that model type, or else the first one."""
        places = self._places_of(name)
        if not model_type:
            return places[0] if places else None
        return next((place for place in places if self._type_at(place) == model_type), None)

    def _entry(self, place: tuple[int, int], name: str) -> Any:
        """One entry of a block: its text is read alone, which takes a fraction of the time."""
        if (*place, 0) in self._blocks:
            return self._blocks[*place, 0][name]
        text = self._texts.get(place)
        if text is None:
            text = self._texts[place] = self._data(place, 0).decode("utf-8")
        key = json.dumps(name) + ":"
        try:
            found, _ = _DECODER.raw_decode(text, text.index(key + '{"name":') + len(key))
        except ValueError as error:
            raise self._replaced(error) from None
        return found

    def _replaced(self, error: Exception) -> ConfigError:
        return ConfigError(f"{self.path}: the atlas was replaced since it was opened ({error}); start anew")

    def _block(self, place: tuple[int, int], part: int) -> Any:
        if (*place, part) not in self._blocks:
            self._blocks[*place, part] = json.loads(self._data(place, part))
        return self._blocks[*place, part]

    def _data(self, place: tuple[int, int], part: int) -> bytes:
        depth, number = place
        if depth not in self._offsets:
            sizes = (sum(sizes) for _, *sizes in self._headers[depth]["families"])
            self._offsets[depth] = list(accumulate(sizes, initial=self._starts[depth]))
        _, *parts = self._headers[depth]["families"][number]
        try:
            with open(self.path, "rb") as file:
                if part not in self._common:
                    file.seek(self._commons[part])
                    data = file.read(self._commons[part + 1] - self._commons[part])
                    self._common[part] = json.loads(unpacked(data)).encode("utf-8")
                file.seek(self._offsets[depth][number] + sum(parts[:part]))
                return unpacked(file.read(parts[part]), self._common[part])
        except (OSError, zlib.error, ValueError) as error:
            raise ConfigError(
                f"{self.path}: the atlas was replaced since it was opened ({error}); start anew"
            ) from None


def default_path() -> Path:
    """The atlas that is shipped with the package."""
    from pathlib import Path  # not where a count only reads

    return Path(__file__).with_name(_FILE)


@cache
def atlas() -> Atlas | None:
    """The shipped atlas as it is for the newest release, `None` where there is none."""
    path = os.path.join(os.path.dirname(__file__), _FILE)
    return Atlas(path) if os.path.isfile(path) else None
