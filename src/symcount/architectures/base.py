"""What an architecture is: a tree built from layers, and the rules by which its config gives the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from typing import Any, TypeAlias

from sympy import Expr

from symcount.config.config import Config, read
from symcount.core.domain import Condition
from symcount.core.letters import assign, lettered
from symcount.core.notation import Entry, Notation, entry
from symcount.core.tree import Block, block
from symcount.errors import ConfigError, ContradictedError, OptionError, SymcountError, near
from symcount.exact.evaluate import integer_value
from symcount.formulas.binding import ByField, Lettered
from symcount.formulas.formula import Formula
from symcount.formulas.registry import made_by

__all__ = [
    "GIVEN",
    "Architecture",
    "Build",
    "Composed",
    "Options",
    "notation_of",
]

Options: TypeAlias = Mapping[str, Any]
Build: TypeAlias = Callable[[Options], Block]

GIVEN = "given"
"""The option value that stands for any number, of a config field that may also be `None`."""


def _named(name: str) -> Architecture:
    """The architecture of a class name, out of the registry that imports this module."""
    found: Architecture = import_module(__package__ or "").find(name)
    return found


def notation_of(fields: Mapping[str, str]) -> Notation:
    """The notation of an architecture whose config calls the letters' quantities *fields*.

    A letter that is not in the table is the one that `symcount.core.letters.assign` gives to the field.

    >>> notation_of({"H": "n_embd"})["H"].field
    'n_embd'
    >>> notation_of({"H_text": "text_config.hidden_size"})["H_text"].meaning
    'hidden size (text)'
    """
    return lettered(Notation(tuple(_entry(letter, name) for letter, name in fields.items())))


def _entry(letter: str, name: str) -> Entry:
    (assigned,) = assign([name])
    return assigned if assigned.letter == letter else replace(entry(letter), field=name)


@dataclass(frozen=True)
class Architecture:
    """A model class of transformers, composed by hand.

    Attributes:
        name: the class name, `BertForMaskedLM`.
        model_type: transformers' name of the family, `bert`.
        build: from option values to the tree, in the letters of *fields*.
        fields: letter -> config field.
        defaults: config field -> the config class's default (an integer).
        filled: letter -> rule by which the config class fills the field when it is left out or `None`.
        early: letters of these that it fills from a field before it takes that field's other spellings: of T5,
            `num_hidden_layers` alone leaves the decoder as deep as `num_layers` is by default.
        options: config option -> default; they change the structure. A boolean, a word, or `None` with `GIVEN` as
            the other value for numbers that may be missing.
        decided: options that a config states through its numbers -> what decides, from field values (ELECTRA projects
            its embeddings where they are not as wide as its layers).
        pinned: config field -> the values for which the formula holds, the default first; others are refused.
        implied: config field -> what the options make of it; a config in which it says otherwise, as transformers would
            let it, is refused (T5's `is_gated_act` beside `feed_forward_proj`).
        arguments: constructor arguments that are not in the config -> default (`add_pooling_layer`).
        conditions: what the config class or the model's constructor demands beyond the layers' own conditions.
        aliases: other spellings that the config class takes -> field; where both are given, the alias counts.
    """

    name: str
    model_type: str
    build: Build
    fields: Mapping[str, str]
    defaults: Mapping[str, int]
    filled: Mapping[str, Expr] = field(default_factory=dict)
    early: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    decided: Mapping[str, Callable[[Mapping[str, Any]], bool]] = field(default_factory=dict)
    pinned: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    implied: Mapping[str, Callable[[Options], Any]] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Callable[[str], Architecture], tuple[str]]:
        return _named, (self.name,)  # it holds functions, which cannot be pickled

    def topped(self, name: str, under: str, body: Build | None = None, /, **heads: Block | Build) -> Architecture:
        """The class *name*: a base model, which it calls *under*, with further layers.

        Args:
            name: the class name.
            under: the attribute that holds the base model.
            body: the base model, where it is not this architecture's own.
            heads: the further layers, in the model's order; a function of the options where they depend on them.
        """
        base = body or self.build

        def build(options: Options) -> Block:
            layers = {n: head if isinstance(head, Block) else head(options) for n, head in heads.items()}
            return block(name, **{under: base(options)}, **layers)

        return replace(self, name=name, build=build, arguments={})

    def formula(self, **options: Any) -> Formula:
        """The formula for these option values; options left out have their defaults.

        Raises:
            OptionError: an option that the architecture does not have, or not with this value.
        """
        known = {**self.options, **self.arguments}
        chosen = dict(known)
        for name, value in options.items():
            if name not in known:
                raise OptionError(
                    f"{self.name} has no option {name!r}: it has {', '.join(known) or 'none'}.{near(name, list(known))}"
                )
            chosen[name] = self._checked(name, value, known[name])
        tree = self.build(chosen)
        notation = notation_of(self.fields)
        used: set[Any] = set()
        for _, part in tree.walk():
            used |= part.repeat.free_symbols | part.active.free_symbols
            used |= {s for p in part.parameters for d in p.shape for s in d.free_symbols}
            used |= {s for c in part.conditions for s in c.symbols}
        used |= {s for c in self.conditions for s in c.symbols}
        filled = {letter: rule for letter, rule in self.filled.items() if notation[letter].symbol in used}
        used |= {s for rule in filled.values() for s in rule.free_symbols}
        notation = notation.restrict(used)
        return Formula(
            tree,
            notation,
            self.name,
            self.model_type,
            options=chosen,
            defaults={e.letter: self.defaults[e.field] for e in notation if e.field in self.defaults},
            filled=filled,
            conditions=self.conditions,
            binding=Composed(self),
        )

    def options_for(self, config: Config) -> dict[str, Any]:
        """The option values that a config chooses.

        Raises:
            ConfigError: an option has a value of the wrong type.
            OptionError: a field has a value for which this architecture has no formula.
        """
        chosen: dict[str, Any] = {}
        for name, default in self.options.items():
            value = config.fields.get(name, default)
            if name in self.decided and name not in config.fields:
                numbers = {
                    f: number if (v := config.value(f, self.aliases)) is None else v
                    for f, number in self.defaults.items()
                }
                value = self.decided[name](numbers)
            elif default in (None, GIVEN):  # a number that may be missing
                if isinstance(value, int) and not isinstance(value, bool):
                    value = GIVEN
            elif isinstance(default, str):
                if not isinstance(value, str):
                    raise ConfigError(
                        f"{config.source}: {name}: expected a word such as {default!r}, got {value!r:.80}"
                    )
            elif not isinstance(value, bool):
                raise ConfigError(f"{config.source}: {name}: expected true or false, got {value!r:.80}")
            chosen[name] = value
        for name, admissible in self.pinned.items():
            value = config.fields.get(name, admissible[0])
            if value not in admissible:
                raise OptionError(
                    f"{config.source}: {name} = {value!r:.80} is outside the formula of {self.name}, which holds "
                    f"for {name} = {admissible[0]}; derive its own from the model's code: symcount.derive(config)"
                )
        for name, rule in self.implied.items():
            if name in config.fields and (value := config.fields[name]) is not (wanted := rule(chosen)):
                raise OptionError(
                    f"{config.source}: {name} = {value!r:.80} contradicts {', '.join(self.options)}, "
                    f"by which it is {wanted}; leave it out, or derive its own formula: symcount.derive(config)"
                )
        return chosen

    def _checked(self, name: str, value: Any, default: Any) -> Any:
        if default in (None, GIVEN):  # a number that may be missing
            if value is None or value == GIVEN:
                return value
            if isinstance(value, int) and not isinstance(value, bool):
                return GIVEN
            raise OptionError(f"{name}: expected None or an integer, got {value!r}")
        if isinstance(default, str):
            if not isinstance(value, str):
                raise OptionError(f"{name}: expected a word such as {default!r}, got {value!r}")
        elif not isinstance(value, bool):
            raise OptionError(f"{name}: expected true or false, got {value!r}")
        return value


@lru_cache(maxsize=256)
def _of_options(name: str, options: tuple[tuple[str, Any], ...]) -> Formula:
    """The formula of an architecture with some options, composed once: many configs are counted with one formula."""
    return _named(name).formula(**dict(options))


@dataclass(frozen=True)
class Composed(ByField):
    """The rules of an architecture: its config class's spellings, and the options that a formula of it holds for."""

    architecture: Architecture

    def bound(self, formula: Lettered, config: Any) -> dict[str, Any]:
        """See `Binding.bound`.

        Raises:
            ConfigError: a config of another model, or a field given twice or null where a number is needed.
            OptionError: the config chooses an option that this formula does not hold for.
        """
        described = read(config)
        if not described.is_of(formula.model_type):
            return super().bound(formula, described)  # which refuses it
        self._check_options(formula, described)
        numbers = self._numbers(formula, described)
        self._check_keys(formula, described)
        return numbers

    def _check_keys(self, formula: Lettered, described: Config) -> None:
        """Refuse a config with a key that the formula does not have, and that the model reads all the same.

        That is `head_dim` of ViT, for example, which only newer config classes declare.
        """
        known = {"architectures", "model_type", *self.architecture.aliases, *formula.options}
        if described.fields.keys() <= known.union(entry.field for entry in formula.notation):
            return
        own = _of_options(self.architecture.name, tuple(sorted(self.architecture.options_for(described).items())))
        if own.options != formula.options:  # chosen by the caller
            return
        try:
            fields = {**described.fields, "architectures": [own.name], "model_type": own.model_type}
            counted = made_by("stored count")(replace(described, fields=fields))
            composed = integer_value(own.total, own.values(self._numbers(own, described), "unique"))
        except SymcountError:  # told where it is counted
            return
        if counted not in (None, composed):
            raise ContradictedError(
                f"{described.source}: the model reads a key that the formula of {own.name} does not have: it has "
                f"{counted:,} parameters and not {composed:,}; use its own formula: symcount.formula(config)"
            )

    def _numbers(self, formula: Lettered, described: Config) -> dict[str, Any]:
        numbers = described.numbers(
            formula.notation, self.architecture.aliases, formula.defaults, formula.filled, formula.options
        )
        early = [n for n in self.architecture.early if n in formula.filled and n not in numbers]
        if early:
            own = described.numbers(formula.notation, {}, formula.defaults, formula.filled, formula.options)
            sources = [(n, str(source)) for n in early for source in formula.filled[n].free_symbols]
            # where no other spelling says something else, it follows whatever the field will be
            numbers.update((n, own[source]) for n, source in sources if own[source] != numbers[source])
        return numbers

    def _check_options(self, formula: Lettered, config: Config) -> None:
        for name, value in self.architecture.options_for(config).items():
            if name not in config.fields or value == formula.options.get(name):
                continue
            # another word may say the same structure: T5's "relu" and "gelu"
            if self.architecture.formula(**{**formula.options, name: value}).tree != formula.tree:
                raise OptionError(
                    f"{config.source}: {name} = {config.fields[name]!r} is outside this formula, which holds for "
                    f"{name} = {formula.options.get(name)}; ask for symcount.formula(config), or pass {name}=…"
                )
