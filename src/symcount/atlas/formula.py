"""A stored formula as a `Formula`: the tree is read, and everything that a `Formula` can do can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr

from symcount.atlas.codec import to_sympy
from symcount.atlas.counting import REMEDY, Counter, class_of, counter
from symcount.atlas.record import Entry, Layout, StoredFormula
from symcount.atlas.trees import tree_from
from symcount.configs import Config, read
from symcount.derive.arranged import MARK
from symcount.domain import Condition, relation
from symcount.errors import ConfigError, DomainError, UncoveredError, UnknownModelError
from symcount.formula import Formula
from symcount.lettering import lettered
from symcount.notation import Entry as Letter
from symcount.notation import Notation

__all__ = ["AtlasFormula", "find", "from_config"]


@dataclass(frozen=True)
class AtlasFormula(Formula):
    """A formula of the atlas.

    Attributes:
        entry: the class.
        layout: for which sub-config classes it holds.
        stored: what the atlas has of it.
        pinned: config fields that the formula holds at one value of.
    """

    entry: Entry | None = field(default=None, repr=False)
    layout: Layout | None = field(default=None, repr=False)
    stored: StoredFormula | None = field(default=None, repr=False)
    pinned: Mapping[str, Any] = field(default_factory=dict)

    def domain_text(self) -> str:
        """The domain in words, with the fields that are kept at one value."""
        kept = [f"{name} = {value}" for name, value in self.pinned.items()]
        said = super().domain_text()
        return " and ".join([said, *kept]) if self.domain or not kept else f"valid when {' and '.join(kept)}"

    @property
    def deciding(self) -> Mapping[str, Any]:
        """Those of the options at whose other value the atlas has another total."""
        if self.layout is None or self.stored is None:
            return self.options
        others = [f for f in self.layout.formulas if f.totals != self.stored.totals]

        def alone(other: StoredFormula, name: str) -> bool:  # it differs in this option and in no other
            return all(other.options.get(n) == v for n, v in self.options.items() if n != name)

        return {
            name: value
            for name, value in self.options.items()
            if any(f.options.get(name) != value and alone(f, name) for f in others)
        }

    def count(self, config: Any = None, /, *, convention: str = "unique", **values: Any) -> int:
        """The exact number of parameters; see `Formula.count`.

        Single *values* become part of the config before it is read: other fields may be filled in from them.
        """
        if config is None or not values:
            return super().count(config, convention=convention, **values)
        fields, rest = dict(read(config).fields), {}
        for name, value in values.items():
            path = self.notation[name].field
            if "[" in path or MARK in path:
                rest[name] = value
            else:
                fields = _put(fields, path.split("."), value)
        return super().count(fields, convention=convention, **rest)

    def bound(self, config: Any) -> dict[str, Any]:
        """Values by letter for *config*, read by the rules that the atlas has of the model's config class.

        Raises:
            ConfigError: it cannot be read, or belongs to another model.
            UncoveredError: the formula does not hold for it.
        """
        described = read(config)
        if not described.fields:
            return dict(self.defaults)
        found = _counter()
        assert self.entry is not None  # noqa: S101  # set by `find`
        assert self.layout is not None  # noqa: S101  # the same
        fields = {"model_type": self.entry.model_type, **described.fields, "architectures": [self.entry.name]}
        found.entry(fields)
        try:
            layout, reading, variant = found.read(self.entry, fields)
            if layout is not self.layout or variant.formula is not self.stored:
                raise UncoveredError("other options than this formula's; ask for symcount.formula(config)")
        except (ConfigError, DomainError) as error:
            raise type(error)(f"{described.source}: {self.name}: {error}") from None
        return {e.letter: reading.values[e.field] for e in self.notation}


def _put(fields: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """*fields* with the one at *path* set.

    >>> _put({"a": {"b": 1}}, ["a", "c"], 2)
    {'a': {'b': 1, 'c': 2}}
    """
    first, *rest = path
    inner = fields.get(first)
    return {**fields, first: _put(inner if isinstance(inner, Mapping) else {}, rest, value) if rest else value}


def find(name: str, options: Mapping[str, Any] | None = None) -> AtlasFormula | None:
    """The formula of a class or model type for config fields *options*; `None` if the atlas does not have the class.

    Raises:
        UncoveredError: not for these options.
    """
    found = counter()
    entry = None if found is None else found.atlas.find(name)
    if found is None or entry is None:
        return None
    return _formula(found, entry, dict(options or {}), name)


def from_config(config: Config, options: Mapping[str, Any] | None = None) -> AtlasFormula | None:
    """The formula that holds for *config*; `None` if the atlas does not have its class.

    Raises:
        ConfigError: the config is malformed.
        UncoveredError: it is outside the stored formulas.
    """
    found = counter()
    if found is None:
        return None
    fields = {**config.fields, **(options or {})}
    try:
        class_of(fields)
        entry = found.entry(fields)
        return _formula(found, entry, fields, config.source)
    except UnknownModelError:
        return None
    except ConfigError as error:
        raise ConfigError(f"{config.source}: {error}") from None


def _counter() -> Counter:
    found = counter()
    if found is None:
        raise UnknownModelError("the atlas is missing; reinstall symcount")
    return found


def _formula(found: Counter, entry: Entry, fields: Mapping[str, Any], said: str) -> AtlasFormula:
    try:
        layout, reading, variant = found.read(entry, fields)
    except UncoveredError as error:
        raise UncoveredError(f"{said}: {error}; {REMEDY}") from None
    except DomainError as error:
        raise DomainError(f"{said}: {error}") from None
    stored = variant.formula
    notation = lettered(Notation(tuple(Letter(*letter) for letter in stored.letters)))
    symbols = {e.letter: e.symbol for e in notation}
    names = {n.name: notation[p].symbol for p, n in layout.numbers.items() if p in {e.field for e in notation}}

    def condition(item: list[str]) -> Condition:
        how, left, right = item
        return relation(to_sympy(left, symbols), how, to_sympy(right, symbols))

    filled: dict[str, Expr] = {}
    for e in notation:
        rule = layout.numbers[e.field].rule
        if rule and layout.numbers[e.field].given is None:
            try:
                filled[e.letter] = to_sympy(rule, names)
            except ValueError:  # it is filled from a number that the formula does not have
                continue
    return AtlasFormula(
        tree_from(found.atlas.trees(entry.name), stored.tree, symbols),
        notation,
        entry.name,
        entry.model_type,
        options=stored.options,
        defaults={e.letter: reading.values[e.field] for e in notation},
        filled=filled,
        conditions=tuple(map(condition, stored.domain)),
        origin="derived",
        entry=entry,
        layout=layout,
        stored=stored,
        pinned=stored.pinned,
    )
