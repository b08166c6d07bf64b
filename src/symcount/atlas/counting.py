"""From a config to its counts, by the stored formulas: each formula is compiled once, and SymPy is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

from symcount.atlas.codes import word
from symcount.atlas.record import Entry, Layout
from symcount.atlas.schema import Reader, Reading
from symcount.atlas.store import Atlas, atlas
from symcount.atlas.variant import CONVENTIONS, Variant
from symcount.config.model_types import canonical, is_known, meant, text_type
from symcount.config.releases import installed
from symcount.core.paths import value_at
from symcount.errors import ConfigError, DomainError, UncoveredError, UnknownModelError, near

__all__ = [
    "CONVENTIONS",
    "REMEDY",
    "Counted",
    "Counter",
    "Found",
    "Variant",
    "class_of",
    "counter",
    "derivable",
    "remedy",
]

REMEDY = 'with pip install "symcount[hf]" it is derived from the model\'s own code'
"""What to do about a config that no stored formula covers, where it cannot be derived at once."""

Counted = tuple[str, dict[str, int]]


class Found(NamedTuple):
    """What a config was read as."""

    entry: Entry
    layout: Layout
    reading: Reading
    variant: Variant


def class_of(fields: Mapping[str, Any]) -> str:
    """The class, or else the model type, that a config names.

    Raises:
        ConfigError: none, several, or something that is no name.
        FileTypeError: the file is of another kind.
    """
    names, model_type = fields.get("architectures"), fields.get("model_type")
    if names is not None and names != []:
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise ConfigError(f"architectures: expected a list of class names, got {names!r:.80}")
        if len(names) > 1:
            raise ConfigError(f"architectures names {len(names)} classes ({', '.join(names)}); keep one")
        return str(names[0])
    if not isinstance(model_type, str) or not model_type:
        from symcount.config.filetypes import nameless

        raise nameless(fields)
    from symcount.config.filetypes import check_typed

    check_typed(fields)
    return model_type


class Counter:
    """Counts configs of one atlas."""

    def __init__(self, source: Atlas) -> None:
        self.atlas = source
        self._readers: dict[int, Reader] = {}
        self._variants: dict[tuple[int, int], Variant] = {}

    def entry(self, fields: Mapping[str, Any]) -> Entry:
        """The entry of the class that a config names.

        Raises:
            ConfigError: it names none, or the model type of another.
            UnknownModelError: the atlas does not have it.
        """
        name, stated = class_of(fields), fields.get("model_type")
        if stated is not None and not isinstance(stated, str):
            raise ConfigError(f"model_type: expected a name, got {stated!r:.80}")
        model_type = (
            canonical(stated) if stated is not None and is_known(stated) else ""
        )  # others are of a repository's own code
        named = bool(fields.get("architectures"))
        entry = self.atlas.find(name, model_type) if named or name in self.atlas.bases else None
        if entry is None and named and not self.atlas.model_types(name):
            family = self.atlas.family(model_type) if model_type else ()
            name = meant(name, model_type, family, self.atlas.names) or name
            entry = self.atlas.find(name, model_type)
        if entry is None and named and model_type and (own := self.atlas.find(name)) is not None:
            said = f"this is a config of {stated:.80}, but the formula is of {own.model_type}"
            if text_type(model_type) == own.model_type:
                raise UncoveredError(f"{said}, of its text model: outside the stored formulas")
            raise ConfigError(said)
        if entry is None:
            if not named and (family := self.atlas.family(model_type)):
                said = f"no base model of {name} is stored; name a class as architectures: {', '.join(family[:3])}"
                raise UnknownModelError(f"{said}.{remedy(' ', REMEDY.capitalize())}")
            known = [*self.atlas.names, *self.atlas.bases]
            raise UnknownModelError(f"unknown model {name!r:.80}.{near(name, known)}{remedy(' ', REMEDY.capitalize())}")
        return entry

    def layouts(self, entry: Entry, fields: Mapping[str, Any]) -> list[Layout]:
        """The layouts for the sub-configs that a config has; the default one is the first.

        Raises:
            UncoveredError: there is none.
        """
        if not entry.layouts:
            raise UncoveredError(f"no formula of it is stored for transformers {self.atlas.release}")
        said = ""
        found = []
        for layout in entry.layouts:
            for path, admitted in layout.types.items():
                stated = value_at(fields, f"{path}.model_type")
                if (stated is not None and stated not in admitted) or (stated is None and "" not in admitted):
                    said = f"{path}.model_type = {word(stated)}"
                    break
            else:
                found.append(layout)
        if not found:
            raise UncoveredError(f"{said} is outside the stored formulas")
        return found

    def read(self, entry: Entry, fields: Mapping[str, Any]) -> tuple[Layout, Reading, Variant]:
        """Read a config by the entry of its class: the first of its layouts that covers it.

        Raises:
            ConfigError, DomainError, UncoveredError: see `Reader.read`.
        """
        first: DomainError | UncoveredError | tuple[Layout, Reading] | None = None
        for layout in self.layouts(entry, fields):
            try:
                reading = self.reader(layout).read(fields)
                if (found := self.holding(layout, reading)) is not None:
                    return layout, reading, found
                first = first or (layout, reading)
            except (DomainError, UncoveredError) as error:
                first = first or error
        if isinstance(first, tuple):  # the first one is told: it is the one of the usual case
            return *first, self.settled(*first)
        raise first or UncoveredError("no formula is stored for it")

    def readings(self, entry: Entry, fields: Mapping[str, Any]) -> list[tuple[Layout, Reading]]:
        """Read a config by each layout that has formulas for it, whichever of them holds at its numbers.

        Raises:
            ConfigError, DomainError, UncoveredError: there is none, see `Reader.read`.
        """
        refused: DomainError | UncoveredError | None = None
        found = []
        for layout in self.layouts(entry, fields):
            try:
                found.append((layout, self.reader(layout).read(fields)))
            except (DomainError, UncoveredError) as error:
                refused = refused or error
        if not found:
            raise refused or UncoveredError("no formula is stored for it")
        return found

    def reader(self, layout: Layout) -> Reader:
        """Of the configs of a layout."""
        reader = self._readers.get(id(layout))
        if reader is None:
            reader = self._readers[id(layout)] = Reader(layout, self.atlas.activations, self.atlas.kinds)
        return reader

    def count(self, fields: Mapping[str, Any]) -> Counted:
        """The class that a config names, and its counts by convention.

        Raises:
            SymcountError: the config is malformed, unknown, or outside the stored formulas.
        """
        found = self.found(fields)
        return found.entry.name, self.totals(found)

    def found(self, fields: Mapping[str, Any]) -> Found:
        """What a config is read as: the entry of its class, the layout that covers it, numbers, and the formula.

        Raises:
            SymcountError: the config is malformed, unknown, or outside the stored formulas.
        """
        entry = self.entry(fields)
        try:
            return Found(entry, *self.read(entry, fields))
        except UncoveredError as error:
            raise UncoveredError(f"{entry.name}: {error}{remedy()}") from None

    def totals(self, found: Found) -> dict[str, int]:
        """The counts of a config by convention.

        Raises:
            UncoveredError: its numbers are outside the stored formulas.
        """
        try:
            return found.variant.count(found.reading.values)
        except UncoveredError as error:
            raise UncoveredError(f"{found.entry.name}: {error}{remedy()}") from None

    def settled(self, layout: Layout, reading: Reading) -> Variant:
        """The formula in whose domain the numbers of a config lie.

        Raises:
            UncoveredError: none.
        """
        if (found := self.holding(layout, reading)) is not None:
            return found
        for number in reading.formulas:  # the first one is told: it is the one of the usual case
            self.variant(layout, number).check(reading.values)
        raise UncoveredError("no formula is stored for it")

    def holding(self, layout: Layout, reading: Reading) -> Variant | None:
        """The formula in whose domain the numbers of a config lie; see `settled`."""
        for number in reading.formulas:
            found = self.variant(layout, number)
            if found.holds(reading.values):
                return found
        return None

    def variant(self, layout: Layout, state: int) -> Variant:
        """The compiled formula of a state."""
        key = (id(layout), state)
        if key not in self._variants:
            self._variants[key] = Variant(layout, layout.formulas[state])
        return self._variants[key]


def counter(version: str = "") -> Counter | None:
    """The counter of the shipped atlas, `None` where there is none.

    Args:
        version: of transformers, for which it speaks; by default the one that is installed, or else the newest.

    Raises:
        ConfigError: *version* is none.
    """
    found = atlas()
    return None if found is None else _counter_of(found.at(version or installed() or found.release))


@cache
def _counter_of(view: Atlas) -> Counter:
    return Counter(view)


@cache
def derivable() -> bool:
    """Whether the packages are there with which a formula is derived from a model's own code."""
    try:
        return find_spec("torch") is not None and find_spec("transformers") is not None
    except ImportError:
        return False


def remedy(before: str = "; ", said: str = REMEDY) -> str:
    """What to do about a config that is not covered, *said* after *before*; nothing where it is derived at once."""
    return "" if derivable() else f"{before}{said}"
