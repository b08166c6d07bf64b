"""A stored formula as a `Formula`: the tree is read, and everything that a `Formula` can do can be done with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from symcount.atlas.counting import Counter, class_of, counter, remedy
from symcount.atlas.draft import Draft
from symcount.atlas.record import Entry, Layout, StoredFormula
from symcount.atlas.speaker import speaker
from symcount.atlas.trees import tree_from
from symcount.config.config import Config, read
from symcount.config.kind_lists import MARK
from symcount.core.paths import path_of, with_value
from symcount.errors import ConfigError, DomainError, OptionError, UncoveredError, UnknownModelError, near
from symcount.formulas.binding import Lettered
from symcount.formulas.formula import Formula

__all__ = ["AtlasFormula", "cases", "find", "from_config"]


@dataclass(frozen=True, repr=False)
class AtlasFormula(Formula):
    """A formula of the atlas.

    Attributes:
        entry: the class.
        layout: for which sub-config classes it holds.
        stored: what the atlas has of it.
        release: of transformers, of whose class it is.
    """

    entry: Entry | None = field(default=None, repr=False)
    layout: Layout | None = field(default=None, repr=False)
    stored: StoredFormula | None = field(default=None, repr=False)
    release: str = field(default="", repr=False)

    __hash__ = Formula.__hash__

    @property
    def made_of(self) -> tuple[str, ...]:
        """The version of transformers whose model it is of."""
        found = counter()
        versions = found.atlas.versions.split(", ") if found is not None else []
        return tuple(v for v in versions if v.startswith("transformers "))

    @property
    def deciding(self) -> Mapping[str, Any]:
        """The options at whose other value the atlas has another total, and booleans that it has at one only."""
        if self.layout is None or self.stored is None:
            return self.options
        others = [f for f in self.layout.formulas if f.totals != self.stored.totals]

        def alone(other: StoredFormula, name: str) -> bool:  # it differs in this option and in no other
            return all(other.options.get(n) == v for n, v in self.options.items() if n != name)

        def only(name: str, value: Any) -> bool:  # what it would be otherwise is not stored
            check = self.layout.checks.get(name) if self.layout is not None and isinstance(value, bool) else None
            return check is not None and set(check.accept) == {str(value).lower()}

        return {
            name: value
            for name, value in self.options.items()
            if only(name, value) or any(f.options.get(name) != value and alone(f, name) for f in others)
        }


@dataclass(frozen=True)
class Stored:
    """The rules that the atlas has of a model's config class: the binding of its formulas."""

    def bound(self, formula: Lettered, config: Any) -> dict[str, Any]:
        """Values by letter for *config*; see `Binding.bound`.

        Raises:
            ConfigError: it cannot be read, or belongs to another model.
            UncoveredError: the formula does not hold for it.
        """
        described = read(config)
        if not described.fields:
            return dict(formula.defaults)
        own = _stored(formula)
        found, entry = _counter(own.release), own.entry
        assert entry is not None  # noqa: S101  # set by `find`
        fields = {"model_type": entry.model_type, **described.fields, "architectures": [entry.name]}
        if (other := found.entry(fields)) is not entry:
            raise ConfigError(f"{described.source} is a config of {other.model_type}, but the formula is of "
                              f"{entry.model_type}; use its own: symcount.formula(config)")  # fmt: skip
        try:
            layout, reading, variant = found.read(entry, fields)
            if layout is not own.layout or variant.formula is not own.stored:
                raise UncoveredError("the config has other options than this formula; ask for symcount.formula(config)")
        except (ConfigError, DomainError) as error:
            raise type(error)(f"{described.source}: {formula.name}: {error}") from None
        return {e.letter: reading.values[e.field] for e in formula.notation}

    def given(self, formula: Lettered, config: Any, beside: Collection[str]) -> dict[str, Any]:
        """Values by letter that *config* states or that are constants of the class; see `Binding.given`.

        Raises:
            ConfigError, UncoveredError: see `bound`.
        """
        if not beside and (config is None or not read(config).fields):
            return dict(formula.defaults)
        return cases(_stored(formula), config, beside)[0][1]

    def changed(self, formula: Lettered, config: Any, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """See `Binding.changed`: single values become part of the config, since others may be filled in from them."""
        if not values:
            return config, {}
        fields, rest = dict(read(config).fields), {}
        for name, value in values.items():
            path = formula.notation[name].field
            if "[" in path or MARK in path:
                rest[name] = value
            else:
                fields = with_value(fields, path, value)
        return fields, rest

    def real_model(
        self, formula: Lettered, config: Any, changed: Mapping[str, Any], device: str  # noqa: ARG002  # the protocol's
    ) -> tuple[dict[str, Any], Any] | None:  # fmt: skip
        """See `Binding.real_model`."""
        return None


def _stored(formula: Lettered) -> AtlasFormula:
    assert isinstance(formula, AtlasFormula)  # noqa: S101  # only such a formula has this binding
    return formula


def find(name: str, options: Mapping[str, Any] | None = None, version: str = "") -> AtlasFormula | None:
    """The formula of a class or model type for config fields *options*; `None` if the atlas does not have the class.

    Args:
        name: of either.
        options: config fields.
        version: of transformers; by default the one that is installed, or else the newest.

    Raises:
        UncoveredError: not for these options.
        OptionError: one is no field of the config.
    """
    found = counter(version)
    entry = None if found is None else found.atlas.find(name)
    if found is None or entry is None:
        return None
    made = _formula(found, entry, dict(options or {}), name)
    _check_known(made, options or {}, "")
    return made


def _check_known(formula: AtlasFormula, options: Mapping[str, Any], section: str) -> None:
    """Refuse options that the config class does not declare: a config swallows any name.

    Raises:
        OptionError: there is one.
    """
    layout = formula.layout
    if layout is None:
        return
    declared = layout.sections.get(section)
    names = {} if declared is None else {**declared.types, **declared.aliases}
    paths = {**layout.numbers, **layout.checks, **formula.options}
    for name, value in options.items():
        path = path_of(section, name)
        if isinstance(value, Mapping) and path in layout.sections:
            _check_known(formula, value, path)
        elif name not in names and not any(
            p == path or p.startswith((f"{path}.", f"{path}[", f"{path}#")) for p in paths
        ):
            raise OptionError(f"{formula.name} has no config field {path!r:.80}.{near(name, sorted(names))}")


def from_config(config: Config, options: Mapping[str, Any] | None = None, version: str = "") -> AtlasFormula | None:
    """The formula that holds for *config*; `None` if the atlas does not have its class.

    Args:
        config: the config.
        options: further fields of it.
        version: of transformers; by default see `speaker.speaker`.

    Raises:
        ConfigError: the config is malformed.
        UncoveredError: it is outside the stored formulas.
    """
    fields = {**config.fields, **(options or {})}
    try:
        class_of(fields)
        speaks = speaker(fields, version)
        if speaks is None:
            return None
        found = speaks.counter
        entry = found.entry(fields)
        return _formula(found, entry, fields, config.source)
    except UnknownModelError:
        return None
    except ConfigError as error:
        raise ConfigError(f"{config.source}: {error}") from None


def _counter(version: str = "") -> Counter:
    found = counter(version)
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
    return _made(Draft(entry, layout, reading, variant.formula, {}), found)


def cases(formula: AtlasFormula, config: Any, beside: Collection[str]) -> list[tuple[AtlasFormula, dict[str, Any]]]:
    """The formulas of which one holds for *config*, whatever the numbers called *beside* will be; the usual one first.

    They are in the letters of *formula*, each with the values that the config gives; see `Formula.given`. Their domains
    have everything in them that the atlas knows, also of numbers that do not enter the count.

    Raises:
        ConfigError, UncoveredError: see `AtlasFormula.bound`.
    """
    found, described, entry = _counter(formula.release), read({} if config is None else config), formula.entry
    assert entry is not None  # noqa: S101  # set by `find`
    fields = {"model_type": entry.model_type, **described.fields, "architectures": [entry.name]}
    found.entry(fields)
    try:
        _, reading = found.readings(entry, fields)[0]
        for letter in beside:  # a sub-config of which one number is given may have other defaults for the rest
            path = formula.notation[letter].field
            if "[" not in path and MARK not in path and path not in reading.stated and path in reading.values:
                fields = with_value(fields, path, reading.values[path])
        readings = found.readings(entry, fields)
    except (ConfigError, DomainError) as error:
        raise type(error)(f"{described.source}: {formula.name}: {error}") from None
    letters = {e.field: e.letter for e in formula.notation}
    drafts = [Draft(entry, layout, one, layout.formulas[i], letters) for layout, one in readings for i in one.formulas]
    drafts = [draft for draft in drafts if draft.possible(beside)] or drafts[:1]
    made = [_made(draft, found, formula) for draft in drafts]
    return [(one, dict(one.defaults)) for one in made]


def _made(draft: Draft, found: Counter, beside: AtlasFormula | None = None) -> AtlasFormula:
    """The formula of a draft; *beside* another one of the class with all that is asked, and with its tree."""
    own = all(s.name == name for name, s in draft.symbols.items())
    like = beside if beside is not None and own and beside.stored is draft.stored else None
    pool = found.atlas.trees(draft.entry.name, draft.entry.model_type)
    made = AtlasFormula(
        tree_from(pool, draft.stored.tree, draft.symbols) if like is None else like.tree,
        draft.notation,
        draft.entry.name,
        draft.entry.model_type,
        options=draft.stored.options,
        defaults=draft.defaults,
        filled=draft.filled,
        conditions=(*draft.domain, *(() if beside is None else draft.asked)),
        origin="derived",
        entry=draft.entry,
        layout=draft.layout,
        stored=draft.stored,
        pinned=draft.stored.pinned,
        release=found.atlas.release,
        binding=Stored(),
    )
    if like is not None:  # what follows from the tree alone
        made.__dict__.update({n: v for n, v in like.__dict__.items() if n in ("ledger", "_totals")})
    return made
