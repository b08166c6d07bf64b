"""Reading a model's config: a `config.json`, a dict of its form, or a transformers config object.

A published config leaves fields out (the model's defaults apply), spells them in its family's way, and carries many
keys that have nothing to do with parameters; those are ignored. What matters is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symcount.architectures import GIVEN, Architecture, find
from symcount.errors import ConfigError, OptionError, UnknownModelError
from symcount.files import load, untagged
from symcount.filetypes import check_typed, nameless
from symcount.formula import Formula
from symcount.modeltypes import canonical, is_known
from symcount.notation import ALIASES
from symcount.paths import value_at
from symcount.values import title

__all__ = ["Config", "read"]

LEFT_OUT = "auto"
"""The word by which a config leaves a number to the model, as `null` does."""


@dataclass(frozen=True)
class Config:
    """A config's fields, and where they came from."""

    fields: Mapping[str, Any]
    source: str

    @property
    def model_type(self) -> str | None:
        """The family, where the config says it.

        Raises:
            ConfigError: it is no name.
        """
        value = self.fields.get("model_type")
        if value is not None and not isinstance(value, str):
            raise ConfigError(f"{self.source}: model_type: expected a name, got {value!r:.80}")
        return value or None

    @property
    def class_name(self) -> str | None:
        """The class that `architectures` names.

        Raises:
            ConfigError: it names several, or is no list of names.
        """
        names = self.fields.get("architectures")
        if names is None or names == []:
            return None
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            raise ConfigError(f"{self.source}: architectures: expected a list of class names, got {names!r:.80}")
        if len(names) > 1:
            raise ConfigError(f"{self.source}: architectures names {len(names)} classes ({', '.join(names)}); keep one")
        return str(names[0])

    def architecture(self) -> Architecture:
        """The architecture that the config belongs to.

        Raises:
            ConfigError: it says neither `architectures` nor `model_type`.
            UnknownModelError: it says one that is not known.
        """
        name = self.class_name or self.model_type
        if name is None:
            raise nameless(self.fields, self.source)
        if self.class_name is None:
            check_typed(self.fields, self.source)
        found = find(name)
        if not self.is_of(found.model_type):
            raise UnknownModelError(f"{found.name} as a model of {self.model_type} is not composed by hand")
        return found

    def is_of(self, model_type: str) -> bool:
        """Whether the config is one of *model_type*, as far as it says: a type that only its own code knows is none."""
        stated = self.model_type
        return stated is None or not is_known(stated) or canonical(stated) == canonical(model_type)

    def options_for(self, architecture: Architecture) -> dict[str, Any]:
        """The option values of *architecture* that this config chooses.

        Raises:
            ConfigError: an option has a value of the wrong type.
            OptionError: a field has a value for which the architecture has no formula.
        """
        chosen: dict[str, Any] = {}
        for name, default in architecture.options.items():
            value = self.fields.get(name, default)
            if name in architecture.decided and name not in self.fields:
                numbers = {
                    f: number if (v := self._value(f, architecture.aliases)) is None else v
                    for f, number in architecture.defaults.items()
                }
                value = architecture.decided[name](numbers)
            elif default in (None, GIVEN):  # a number that may be missing
                if isinstance(value, int) and not isinstance(value, bool):
                    value = GIVEN
            elif isinstance(default, str):
                if not isinstance(value, str):
                    raise ConfigError(f"{self.source}: {name}: expected a word such as {default!r}, got {value!r:.80}")
            elif not isinstance(value, bool):
                raise ConfigError(f"{self.source}: {name}: expected true or false, got {value!r:.80}")
            chosen[name] = value
        for name, admissible in architecture.pinned.items():
            value = self.fields.get(name, admissible[0])
            if value not in admissible:
                raise OptionError(
                    f"{self.source}: {name} = {value!r:.80} is outside the formula of {architecture.name}, which holds "
                    f"for {name} = {admissible[0]}; derive its own from the model's code: symcount.derive(config)"
                )
        for name, rule in architecture.implied.items():
            if name in self.fields and (value := self.fields[name]) is not (wanted := rule(chosen)):
                raise OptionError(
                    f"{self.source}: {name} = {value!r:.80} contradicts {', '.join(architecture.options)}, "
                    f"by which it is {wanted}; leave it out, or derive its own formula: symcount.derive(config)"
                )
        return chosen

    def values_for(self, formula: Formula) -> dict[str, Any]:
        """Values by letter for *formula*: as given, or the model's defaults.

        Raises:
            ConfigError: a config of another model, or a field given twice or null where a number is needed.
            OptionError: the config chooses an option that this formula does not hold for.
        """
        if type(formula).bound is not Formula.bound:  # it reads a config by rules of its own
            return formula.bound(self)
        architecture = self._check_belongs(formula)
        aliases = architecture.aliases if architecture is not None else ALIASES
        values: dict[str, Any] = {}
        for item in formula.notation:
            value = self._value(item.field, aliases)
            if value == LEFT_OUT and item.letter in formula.filled:
                continue
            if value is None:
                if item.field not in self.fields or item.field in formula.options:
                    value = formula.defaults.get(item.letter)
                elif item.letter not in formula.filled:
                    raise ConfigError(f"{self.source}: {title(item)} is null; give a number")
            if value is not None:
                values[item.letter] = value
        return values

    def _check_belongs(self, formula: Formula) -> Architecture | None:
        stated = self.model_type
        if formula.model_type and not self.is_of(formula.model_type):
            raise ConfigError(
                f"{self.source} is a config of {stated}, but the formula is of {formula.model_type}; "
                f"use its own formula: symcount.formula({stated!r})"
            )
        try:
            architecture = find(formula.name)
        except UnknownModelError:  # a formula of another origin, whose options are not in the config's words
            return None
        for name, value in self.options_for(architecture).items():
            if name not in self.fields or value == formula.options.get(name):
                continue
            # another word may say the same structure: T5's "relu" and "gelu"
            if architecture.formula(**{**formula.options, name: value}).tree != formula.tree:
                raise OptionError(
                    f"{self.source}: {name} = {self.fields[name]!r} is outside this formula, which holds for "
                    f"{name} = {formula.options.get(name)}; ask for symcount.formula(config), or pass {name}=…"
                )
        return architecture

    def _value(self, field: str, aliases: Mapping[str, str]) -> Any:
        """The field's value, or that of an alias of it; `num_labels` may be the length of `id2label`.

        A spelling that the config class does not know is a key like any other that it ignores.
        """
        if "." in field or "[" in field:
            return _stated(self.fields, field)
        if (
            field == "num_labels"
            and self.fields.get(field) is None
            and isinstance(self.fields.get("id2label"), Mapping)
        ):
            return len(self.fields["id2label"])
        said = [name for name, target in aliases.items() if target == field and name in self.fields]
        return self.fields[said[-1]] if said else self.fields.get(field)


def _stated(fields: Any, path: str) -> Any:
    """What a file says at a path, `None` if it leaves it out.

    Of a config that also has `vision_config_dict`, transformers takes that one.
    """
    first, _, rest = path.partition(".")
    if rest and isinstance(fields, Mapping) and fields.get(f"{first}_dict") is not None:
        path = f"{first}_dict.{rest}"
    return value_at(fields, path)


def _untagged(value: Any) -> Any:
    """A value of a dict that was read from a file with `json` alone; see `files.untagged`."""
    if isinstance(value, list):
        return [_untagged(item) for item in value]
    if type(value) is dict:
        return untagged({key: _untagged(item) for key, item in value.items()})
    return value


def read(source: Any) -> Config:
    """Read a config from a path, a dict, or a transformers config object.

    Raises:
        ConfigError: not a file, too large, not JSON, not a JSON object, or of another type.
    """
    if isinstance(source, Config):
        return source
    if isinstance(source, Mapping):
        return Config({key: _untagged(value) for key, value in source.items()}, "config")
    if isinstance(source, str | Path):
        return Config(load(Path(source)), str(source))
    to_dict = getattr(source, "to_dict", None)
    if callable(to_dict) and not isinstance(source, type):
        return Config({**to_dict(), "model_type": source.model_type}, type(source).__name__)
    raise ConfigError(f"expected a path, a dict or a transformers config, got {type(source).__name__}")
