"""What each key of a config section is worth a note for; decided once for each key, and looked up from then on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

from symcount.core.records import Record, made
from symcount.diagnostics.spelling import misspelt
from symcount.diagnostics.words import words

if TYPE_CHECKING:
    from symcount.atlas.record import Layout

__all__ = ["Doubt", "SectionKeys", "Verdict", "Verdicts", "sections_of"]

_MOST = 10_000
"""Keys that are remembered of a section: a stream may have any number of different ones."""
_PREDICTED = re.compile(r"(^|_)(mtp|nextn)(_|\Z)")
_PACKED = ("quantization_config", "compression_config", "quantization")
_TIED = "tie_word_embeddings"
_ALWAYS = frozenset({"architectures", "model_type", "transformers_version", "dtype", "torch_dtype", "_name_or_path"})
"""Keys that say no size of any class."""


class Doubt(Enum):
    """Why a key is worth a note."""

    MISSPELT = "near the spelling of a key that counts"
    FOREIGN = "another family's spelling of a size"
    PREDICTED = "says how many layers of multi-token prediction the checkpoint has"
    PACKED = "says how the checkpoint's weights are quantised"
    TIED = "says whether the head is the word embedding"
    UNREAD = "may be a sub-config that the class does not have"


class Verdict(Record):
    """What a key is worth a note for.

    Attributes:
        doubt: why.
        meant: the keys of the class that it may stand for.
    """

    doubt: Doubt
    meant: tuple[str, ...] = ()


class SectionKeys(Record):
    """The keys that a class knows in its config, or in one of its sub-configs.

    Attributes:
        sizes: key of a size -> the dotted paths of its numbers.
        counting: further keys on whose values the count depends: options, and the names of sub-configs.
        aliases: other spelling -> key.
        others: every other key that the class knows.
    """

    sizes: Mapping[str, tuple[str, ...]]
    counting: frozenset[str] = frozenset()
    aliases: Mapping[str, str] = made(default_factory=dict)
    others: frozenset[str] = frozenset()

    def knows(self, key: str) -> bool:
        """Whether the class reads the key, or declares it."""
        return self.counts(key) or key in self.others

    def counts(self, key: str) -> bool:
        """Whether the key says a size or an option."""
        return key in self.sizes or key in self.counting or key in self.aliases


class Verdicts(dict[str, "Verdict | None"]):
    """Key -> what it is worth a note for, `None` for nothing.

    Attributes:
        section: what the class knows.
        clean: keys that are worth nothing, as far as they were asked for: most configs have no others.
    """

    def __init__(self, section: SectionKeys) -> None:
        super().__init__()
        self.section = section
        self.clean: set[str] = set()

    def __missing__(self, key: str) -> Verdict | None:
        found = self._decide(key)
        if len(self) < _MOST:
            self[key] = found
            if found is None:
                self.clean.add(key)
        return found

    def _decide(self, key: str) -> Verdict | None:
        section = self.section
        if not isinstance(key, str):  # of a dict that no JSON file can have
            return None
        if key == _TIED:  # where the count depends on it, it is followed
            return None if key in section.counting else Verdict(Doubt.TIED)
        if key in _PACKED:
            return Verdict(Doubt.PACKED)
        if _PREDICTED.search(key):
            return Verdict(Doubt.PREDICTED)
        if key in _ALWAYS or section.knows(key):
            return None
        vocabulary = words()
        meaning = vocabulary.meaning(key)
        if len(meaning) > 1 or key in vocabulary.keys:
            meant = tuple(size for size in section.sizes if meaning & vocabulary.meaning(size))
            if meant:
                return Verdict(Doubt.FOREIGN, meant)
        elif meant_one := misspelt(key, [*section.sizes, *section.counting, *section.aliases]):
            return Verdict(Doubt.MISSPELT, (section.aliases.get(meant_one, meant_one),))
        return Verdict(Doubt.UNREAD) if key.endswith("_config") else None


def sections_of(layout: Layout) -> dict[str, SectionKeys]:
    """The keys that a layout of the atlas knows, by section; the config itself under the empty path."""
    from symcount.config.kind_lists import MARK
    from symcount.core.paths import split

    sizes: dict[str, dict[str, list[str]]] = {path: {} for path in layout.sections}
    others: dict[str, set[str]] = {path: {*s.types, *s.lengths, *s.refused} for path, s in layout.sections.items()}
    counting: dict[str, set[str]] = {path: set() for path in layout.sections}
    for path in layout.numbers:
        section, key, _ = split(path.partition(MARK)[0])
        sizes[section].setdefault(key, []).append(path)
    for path in layout.checks:
        section, key, _ = split(path)
        others[section].add(key)
    for path in layout.switches:
        section, key, _ = split(path)
        counting[section].add(key)
    for path, rules in layout.sections.items():
        if path:
            parent, _, key = path.rpartition(".")
            counting[parent].add(key)
            others[parent].add(rules.instead)
            if rules.flat:
                others[parent] |= {*others[path], *sizes[path]}
    return {
        path: SectionKeys(
            {key: tuple(paths) for key, paths in sizes[path].items() if key not in rules.unread},
            frozenset(counting[path]).difference(rules.unread),
            {key: meant for key, meant in rules.aliases.items() if key not in rules.unread},
            frozenset(others[path]).difference(rules.unread),
        )
        for path, rules in layout.sections.items()
    }
