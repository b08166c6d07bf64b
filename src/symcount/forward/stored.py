"""Caches of transformers' classes as data: closed forms that were derived and certified when the file was made.

A line of the file is a class: its tree, its letters, what its config class fills in, and the fields besides numbers at
whose other values the cache is another one. A config that has such another value is not covered by what is stored.
Neither torch nor transformers is needed to read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache as cached
from pathlib import Path
from typing import Any

from symcount.atlas.codec import encode, to_sympy
from symcount.atlas.store import atlas
from symcount.atlas.trees import Pool, tree_from, tree_to_json
from symcount.config.config import Config, read
from symcount.config.kind_lists import MARK
from symcount.core.domain import Condition
from symcount.core.notation import ALIASES, Entry, Notation
from symcount.core.paths import value_at
from symcount.errors import UncoveredError
from symcount.formulas.formula import Formula
from symcount.forward.cache_formula import CacheFormula
from symcount.forward.inputs import SIZES

__all__ = ["StoredCache", "default_path", "entry_of", "find", "from_record", "lines_of", "to_record"]

#: Keys that may say which layers are of which kind, or how large a window is, in a spelling that is taken and not kept.
_CHOOSING = re.compile(r"pattern|layer|window|head|local|chunk|sparse|types|swa|sliding")
_ENTRY = ("letter", "field", "latex", "meaning", "minimum", "scales", "rational")


@dataclass(frozen=True, repr=False)
class StoredCache(CacheFormula):
    """The closed form of a cache as it is stored.

    Attributes:
        fixed: fields besides numbers that decide about the cache, with the values at which the formula holds.
        spellings: other names of fields, as the config class has them.
        known: all fields that the config class has.
    """

    fixed: Mapping[str, Any] = field(default_factory=dict)
    spellings: Mapping[str, str] = field(default_factory=dict)
    known: frozenset[str] = frozenset()

    __hash__ = Formula.__hash__

    def bound(self, config: Any) -> dict[str, Any]:
        """Values by letter for *config*, without the sizes of the input; see `Formula.bound`.

        Raises:
            UncoveredError: the formula does not hold for it.
            ConfigError: it cannot be read.
        """
        described = read(config)
        declared = {*self.notation.names, *self.fixed, *self.pinned, *self.spellings}
        if doubtful := [
            n for n in described.fields if _CHOOSING.search(n) and n not in declared and n not in self.known
        ]:
            raise UncoveredError(f"{described.source}: of {doubtful[0]} nothing is stored for {self.name}")
        for path, value in {**self.fixed, **self.pinned}.items():
            given = value_at(described.fields, path)
            if given is not None and given != value and not (isinstance(given, Sequence) and list(given) == value):
                said, held = (json.dumps(x)[:60] for x in (given, value))
                raise UncoveredError(
                    f"{described.source}: {path} = {said}, but the stored cache of {self.name} is that for {held}; "
                    "with torch and transformers it is derived"
                )
        aliases = {**ALIASES, **self.spellings}
        values: dict[str, Any] = {}
        for item in self.notation:
            if item.field in SIZES:
                continue
            number = _number(described, item.field, aliases)
            if number is None and MARK in item.field:
                name = item.field.partition(MARK)[0]
                raise UncoveredError(f"{described.source}: it has no {name}, of which the stored cache is a formula")
            if number is None and item.letter not in self.filled:
                number = self.defaults.get(item.letter)
            if number is not None:
                values[item.letter] = number
        return values


def _number(described: Config, path: str, aliases: Mapping[str, str]) -> Any:
    if MARK in path:
        name, _, kind = path.partition(MARK)
        listed = value_at(described.fields, name)
        return listed.count(kind) if isinstance(listed, list) else None
    return described.value(path, aliases)


def to_record(found: CacheFormula, **more: Any) -> dict[str, Any]:
    """A formula as JSON: *more* are the other attributes of a `StoredCache`."""
    return {
        "class": found.name,
        "model_type": found.model_type,
        "notation": [entry_of(e) for e in found.notation],
        "tree": tree_to_json(found.tree),
        "defaults": dict(found.defaults),
        "conditions": [[c.relation, encode(c.left), encode(c.right)] for c in found.conditions],
        "dtypes": dict(found.dtypes),
        "sizes": dict(found.sizes),
        "kept": dict(found.pinned),
        **more,
    }


def entry_of(item: Entry) -> list[Any]:
    """A line of the notation as JSON."""
    return [getattr(item, name) for name in _ENTRY]


def from_record(record: Mapping[str, Any]) -> StoredCache:
    """The formula of a line of the file."""
    notation = Notation(tuple(Entry(**dict(zip(_ENTRY, entry, strict=True))) for entry in record["notation"]))
    symbols = {e.letter: e.symbol for e in notation}
    return StoredCache(
        _tree(record["tree"], symbols),
        notation,
        record["class"],
        record["model_type"],
        defaults=record["defaults"],
        filled={letter: to_sympy(rule, symbols) for letter, rule in record.get("filled", {}).items()},
        conditions=tuple(Condition(r, to_sympy(a, symbols), to_sympy(b, symbols)) for r, a, b in record["conditions"]),
        origin="derived",
        unit="elements of the cache",
        sign="C",
        dtypes=record["dtypes"],
        sizes=record["sizes"],
        fixed=record.get("fixed", {}),
        spellings=record.get("spellings", {}),
        pinned=record["kept"],
        known=frozenset(record.get("known", ())),
    )


def _tree(item: Sequence[Any], symbols: Mapping[str, Any]) -> Any:
    """The tree that `tree_to_json` wrote."""
    pool = Pool()
    number = pool.add(list(item))
    return tree_from(pool.to_json(), number, symbols)


def default_path() -> Path:
    """The file that is shipped with the package."""
    return Path(__file__).with_name("caches.jsonl")


def lines_of(path: Path) -> dict[str, list[str]]:
    """Class -> its lines, unread: each line begins with the name."""
    found: dict[str, list[str]] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            name = line.partition('"class":"')[2].partition('"')[0]
            found.setdefault(name, []).append(line)
    return found


@cached
def _lines() -> dict[str, list[str]]:
    return lines_of(default_path())


def find(source: Any, options: Mapping[str, Any]) -> StoredCache | None:
    """The stored formula of a class's name, or of the class that a config names, with its numbers; `None` for none.

    Raises:
        ConfigError: the config cannot be read.
        UncoveredError: no formula that is stored of the class holds for it.
    """
    reason: UncoveredError | None = None
    described = Config(dict(options), source) if isinstance(source, str) and "/" not in source else None
    name = source
    if described is None or source.endswith(".json"):
        if not isinstance(source, str | Path | Mapping | Config):
            return None
        described = read(source)
        described = replace(described, fields={**described.fields, **options})
        name = described.class_name or ""
        if not name and (stored := atlas()) is not None:
            name = stored.bases.get(described.model_type or "", "")
    for line in _lines().get(name, ()):
        made = from_record(json.loads(line))
        try:
            values = made.bound(described.fields) if described.fields else dict(made.defaults)
        except UncoveredError as error:
            reason = error
            continue
        if any(MARK in e.field for e in made.notation) and not described.fields:
            continue
        if _unread(made, options):
            continue
        return replace(made, defaults=values)
    if reason is not None:
        raise reason
    return None


def _unread(made: StoredCache, options: Mapping[str, Any]) -> bool:
    """Whether there are *options* of which nothing is stored."""
    known = {*made.fixed, *made.pinned, *made.notation.names, *made.spellings}
    return any(name not in known for name in options)
