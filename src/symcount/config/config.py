"""Reading a model's config: a `config.json`, a dict of its form, or a transformers config object.

A published config leaves fields out (the model's defaults apply), spells them in its family's way, and carries many
keys that have nothing to do with parameters; those are ignored. What matters is checked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symcount.config.files import load, untagged
from symcount.config.model_types import canonical, is_known
from symcount.config.params import as_config
from symcount.core.notation import Notation
from symcount.core.paths import value_at
from symcount.core.values import title
from symcount.errors import ConfigError

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

    def is_of(self, model_type: str) -> bool:
        """Whether the config is one of *model_type*, as far as it says: a type that only its own code knows is none."""
        stated = self.model_type
        return stated is None or not is_known(stated) or canonical(stated) == canonical(model_type)

    def numbers(
        self,
        notation: Notation,
        aliases: Mapping[str, str],
        defaults: Mapping[str, Any],
        filled: Collection[str],
        options: Collection[str],
    ) -> dict[str, Any]:
        """Values by letter: as given, or the model's defaults.

        Args:
            notation: the letters and their fields.
            aliases: other spelling -> field.
            defaults: what a letter is where its field is left out.
            filled: letters that follow from others where their field is left out or null.
            options: fields that may be null because something else is meant by it.

        Raises:
            ConfigError: a field is null where a number is needed.
        """
        values: dict[str, Any] = {}
        for item in notation:
            value = self.value(item.field, aliases)
            if value == LEFT_OUT and item.letter in filled:
                continue
            if value is None:
                if item.field not in self.fields or item.field in options:
                    value = defaults.get(item.letter)
                elif item.letter not in filled:
                    raise ConfigError(f"{self.source}: {title(item)} is null; give a number")
            if value is not None:
                values[item.letter] = value
        return values

    def value(self, field: str, aliases: Mapping[str, str]) -> Any:
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
        stated = {key: _untagged(value) for key, value in source.items()}
        return Config(as_config(stated) or stated, "config")
    if isinstance(source, str | Path):
        found = load(Path(source))
        return Config(as_config(found, Path(source).parent) or found, str(source))
    to_dict = getattr(source, "to_dict", None)
    if callable(to_dict) and not isinstance(source, type):
        return Config({**to_dict(), "model_type": source.model_type}, type(source).__name__)
    raise ConfigError(f"expected a path, a dict or a transformers config, got {type(source).__name__}")
