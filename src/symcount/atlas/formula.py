"""A stored formula as a `Formula`: the tree is read, and everything that a `Formula` can do can be done with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from sympy import Expr, Rational

from symcount.atlas.codec import to_sympy
from symcount.atlas.codes import identifiers
from symcount.atlas.counting import Counter, class_of, counter, remedy
from symcount.atlas.record import Entry, Layout, Number, StoredFormula
from symcount.atlas.schema import Reading
from symcount.atlas.trees import tree_from
from symcount.configs import Config, read
from symcount.derive.arranged import MARK
from symcount.domain import Condition, minimal, relation
from symcount.errors import ConfigError, DomainError, UncoveredError, UnknownModelError
from symcount.formula import Formula
from symcount.lettering import assign, lettered
from symcount.notation import Entry as Letter
from symcount.notation import Notation
from symcount.values import by_letter

__all__ = ["AtlasFormula", "cases", "find", "from_config"]


@dataclass(frozen=True, repr=False)
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

    def count(self, config: Any = None, /, *, convention: str = "unique", **values: Any) -> int:
        """The exact number of parameters; see `Formula.count`.

        Single *values* become part of the config before it is read: other fields may be filled in from them.
        """
        if config is None or not values:
            return super().count(config, convention=convention, **values)
        fields, rest = dict(read(config).fields), {}
        for name, value in by_letter(self.notation, values).items():
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
        if (other := found.entry(fields)) is not self.entry:
            raise ConfigError(f"{described.source} is a config of {other.model_type}, but the formula is of "
                              f"{self.entry.model_type}; use its own: symcount.formula(config)")  # fmt: skip
        try:
            layout, reading, variant = found.read(self.entry, fields)
            if layout is not self.layout or variant.formula is not self.stored:
                raise UncoveredError("the config has other options than this formula; ask for symcount.formula(config)")
        except (ConfigError, DomainError) as error:
            raise type(error)(f"{described.source}: {self.name}: {error}") from None
        return {e.letter: reading.values[e.field] for e in self.notation}

    def given(self, config: Any = None, beside: Collection[str] = ()) -> dict[str, Any]:
        """Values by letter that *config* states or that are constants of the class; see `Formula.given`.

        Raises:
            ConfigError, UncoveredError: see `bound`.
        """
        if not beside and (config is None or not read(config).fields):
            return dict(self.defaults)
        return cases(self, config, beside)[0][1]


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
        raise UncoveredError(f"{said}: {error}{remedy()}") from None
    except DomainError as error:
        raise DomainError(f"{said}: {error}") from None
    return _Draft(entry, layout, reading, variant.formula, {}).formula(found)


def cases(formula: AtlasFormula, config: Any, beside: Collection[str]) -> list[tuple[AtlasFormula, dict[str, Any]]]:
    """The formulas of which one holds for *config*, whatever the numbers called *beside* will be; the usual one first.

    They are in the letters of *formula*, each with the values that the config gives; see `Formula.given`. Their domains
    have everything in them that the atlas knows, also of numbers that do not enter the count.

    Raises:
        ConfigError, UncoveredError: see `AtlasFormula.bound`.
    """
    found, described, entry = _counter(), read({} if config is None else config), formula.entry
    assert entry is not None  # noqa: S101  # set by `find`
    fields = {"model_type": entry.model_type, **described.fields, "architectures": [entry.name]}
    found.entry(fields)
    try:
        _, reading = found.readings(entry, fields)[0]
        for letter in beside:  # a sub-config of which one number is given may have other defaults for the rest
            path = formula.notation[letter].field
            if "[" not in path and MARK not in path and path not in reading.stated and path in reading.values:
                fields = _put(fields, path.split("."), reading.values[path])
        readings = found.readings(entry, fields)
    except (ConfigError, DomainError) as error:
        raise type(error)(f"{described.source}: {formula.name}: {error}") from None
    letters = {e.field: e.letter for e in formula.notation}
    drafts = [_Draft(entry, layout, one, layout.formulas[i], letters) for layout, one in readings for i in one.formulas]
    drafts = [draft for draft in drafts if draft.possible(beside)] or drafts[:1]
    made = [draft.formula(found, asked=True) for draft in drafts]
    return [(one, dict(one.defaults)) for one in made]


class _Draft:
    """A stored formula in letters, before its tree is read: fields that are *known* keep theirs."""

    def __init__(
        self, entry: Entry, layout: Layout, reading: Reading, stored: StoredFormula, known: Mapping[str, str]
    ) -> None:
        self.entry, self.layout, self.reading, self.stored = entry, layout, reading, stored
        taken = set(known.values())
        letters = {own: known.get(path) or (f"{own}_" if own in taken else own) for own, path, *_ in stored.letters}
        notation = Notation(tuple(Letter(letters[own], *rest) for own, *rest in stored.letters))
        self.symbols = {own: notation[letters[own]].symbol for own in letters}
        texts = {e.field: reading.filled.get(e.field) or _rule(layout.numbers[e.field]) for e in notation}
        self.notation = lettered(_with_sources(notation, layout, texts.values()))
        self.paths = {n.name: path for path, n in layout.numbers.items()}
        self.names: dict[str, Expr] = {}
        for e in self.notation:
            self.names[layout.numbers[e.field].name] = e.symbol
        self.filled = {
            e.letter: self._expression(texts[e.field]) for e in self.notation if identifiers(texts.get(e.field, ""))
        }

    @property
    def defaults(self) -> dict[str, Any]:
        """What the config gives, or has by default: nothing that follows from others."""
        following = self.filled.keys() & {e.letter for e in self.notation if e.field in self.reading.filled}
        return {e.letter: self.reading.values[e.field] for e in self.notation if e.letter not in following}

    @cached_property
    def domain(self) -> tuple[Condition, ...]:
        """The conditions of the formula itself."""
        return tuple(
            relation(to_sympy(left, self.symbols), how, to_sympy(right, self.symbols))
            for how, left, right in self.stored.domain
        )

    @cached_property
    def asked(self) -> tuple[Condition, ...]:
        """What else the model's code asked, of all numbers of the config."""
        return minimal(
            relation(self._expression(left), how, self._expression(right)) for how, left, right in self.stored.asked
        )

    def _expression(self, text: str) -> Expr:
        """A text in the names of the layout's numbers, in letters: other numbers are what the config makes of them."""
        for name in identifiers(text):
            if name not in self.names:
                path = self.paths[name]
                rule = self.reading.filled.get(path, "")
                value = _number(self.reading.values[path])
                self.names[name] = self._expression(rule) if identifiers(rule) else value
        return to_sympy(text, self.names)

    def possible(self, beside: Collection[str]) -> bool:
        """Whether no condition fails at the numbers of the config that will not be others."""
        fixed = {n: v for n, v in self.defaults.items() if n not in beside}
        known = (c for c in (*self.domain, *self.asked) if {s.name for s in c.symbols} <= fixed.keys())
        return all(c.holds(fixed) for c in known)

    def formula(self, found: Counter, *, asked: bool = False) -> AtlasFormula:
        """The formula with its tree."""
        return AtlasFormula(
            tree_from(found.atlas.trees(self.entry.name, self.entry.model_type), self.stored.tree, self.symbols),
            self.notation,
            self.entry.name,
            self.entry.model_type,
            options=self.stored.options,
            defaults=self.defaults,
            filled=self.filled,
            conditions=(*self.domain, *(self.asked if asked else ())),
            origin="derived",
            entry=self.entry,
            layout=self.layout,
            stored=self.stored,
            pinned=self.stored.pinned,
        )


def _number(value: Any) -> Rational:
    exact = Fraction(value)
    return Rational(exact.numerator, exact.denominator)


def _rule(number: Number) -> str:
    """Text of a number that has no default of its own, where it is left out."""
    return number.rule if number.given is None else ""


def _with_sources(notation: Notation, layout: Layout, texts: Iterable[str]) -> Notation:
    """*notation*, and the numbers from which the config fills others in and that the formula itself does not have."""
    entries, fields = list(notation), {e.field for e in notation}
    taken = {e.letter for e in notation}
    needed = set().union(*map(identifiers, texts))
    for path, number in layout.numbers.items():
        if number.name in needed and path not in fields:
            (entry,) = assign([path])
            letter = next(n for n in (entry.letter, number.name, f"{number.name}_") if n not in taken)
            entries.append(replace(entry, letter=letter, rational=number.ratio, minimum=number.minimum or 0))
            taken.add(letter)
            needed |= identifiers(number.rule if number.given is None else "")
    return Notation(tuple(entries))
