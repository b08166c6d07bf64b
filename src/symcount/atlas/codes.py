"""The values of a config file: their kinds and codes, how they are named in an error, and which are exact numbers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from symcount.atlas.record import Number
from symcount.core.paths import path_of
from symcount.errors import ConfigError, DomainError, UncoveredError
from symcount.exact.arithmetic import Number as Value
from symcount.exact.arithmetic import as_written

__all__ = [
    "MISSING",
    "aliased",
    "code",
    "exact",
    "identifiers",
    "kind",
    "labels",
    "mapped",
    "spelled_out",
    "word",
    "wrong",
]

_KINDS = {int: "i", float: "f", bool: "b", str: "s", type(None): "n", list: "l", tuple: "l", dict: "d"}
_WORDS = {"i": "an integer", "f": "a number with a point", "b": "true or false", "s": "a string", "n": "null",
          "l": "a list", "d": "an object"}  # fmt: skip
_LARGEST = 2**63 - 1  # the largest size of a tensor
#: What a key has that is not given.
MISSING: Any = object()
_LONGROPE = {"short_factor": "l", "long_factor": "l"}
_ROPE: Mapping[str, Mapping[str, str]] = {
    "linear": {"factor": "if"}, "dynamic": {"factor": "if"}, "yarn": {"factor": "if"},
    "longrope": _LONGROPE, "su": _LONGROPE,
    "llama3": {"factor": "if", "low_freq_factor": "if", "high_freq_factor": "if"},
}  # fmt: skip
"""Kind of rotary positions -> keys without which transformers refuses it (`modeling_rope_utils`) -> kinds of values."""


def mapped(make: Callable[[Any], Any], value: Any) -> Any:
    """Lists in lists with *make* applied to all that is none."""
    return [mapped(make, x) for x in value] if isinstance(value, list | tuple) else make(value)


def kind(value: Any) -> str:
    """The kind of a JSON value, as one letter; see `Section.types`."""
    return _KINDS.get(type(value), "?")


def code(value: Any) -> str:
    """The code of a JSON value in a `Check`.

    >>> [code(v) for v in (None, True, 8, "gelu", [], {"rope_type": "yarn", "factor": 4.0})]
    ['null', 'true', '#', "'gelu", '[]', 'rope yarn']
    """
    if value is None:
        return "null"
    if value is MISSING:
        return "absent"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}"
    if isinstance(value, int | float):
        return "#"
    if isinstance(value, dict):
        said = value.get("rope_type", value.get("type"))
        if isinstance(said, str):
            lacking = [key for key, kinds in _ROPE.get(said, {}).items() if kind(value.get(key)) not in kinds]
            return f"rope {said}{f' without {lacking[0]}' if lacking else ''}"
        if "rope_theta" in value:
            return "rope default"
        return "dict" if value else "{}"
    if value and isinstance(value, list) and all(type(x) in (int, float) for x in value):
        return f"numbers {len(value)}"
    if value and isinstance(value, list) and all(isinstance(x, list) and all(type(y) in (int, float) for y in x)
                                                 for x in value):  # fmt: skip
        return "rows"
    return "list" if value else "[]"


def exact(path: str, number: Number, value: Any) -> Value:
    """The exact number that a config says.

    Raises:
        DomainError: it is none, or too small or too large.
    """
    title = path if number.name == path else f"{number.name} ({path})"
    if number.ratio:
        from decimal import Decimal  # few models have a ratio
        from fractions import Fraction

        known = isinstance(value, int | float | Fraction | Decimal) and not isinstance(value, bool)
        if not known or not math.isfinite(value) or value < 0:
            raise DomainError(f"{title}: expected a positive number, got {value!r:.80}")
        ratio = as_written(value) if isinstance(value, float) else Fraction(value)
        return ratio.numerator if ratio.denominator == 1 else ratio
    least = "" if number.minimum is None else f" of at least {number.minimum}"
    if isinstance(value, bool) or not isinstance(value, int):
        point = isinstance(value, float) and value == value // 1
        hint = "; write it without a point" if point else "; give a number" if isinstance(value, bool | str) else ""
        raise DomainError(f"{title}: expected an integer{least}, got {value!r:.80}{hint}")
    if number.minimum is not None and value < number.minimum:
        kind_ = UncoveredError if value == 0 else DomainError  # a zero may say that a part of the model is left out
        raise kind_(f"{title}: expected an integer{least}, got {word(value)}")
    if not -_LARGEST <= value <= _LARGEST:
        raise DomainError(f"{title}: expected at most 2^63 - 1, the largest size of a tensor, got {word(value)}")
    return value


def aliased(
    own: Mapping[str, Any], aliases: Mapping[str, str], section: str, overruling: Collection[str] = ()
) -> Mapping[str, Any]:
    """A section with the usual spellings of its keys, of which some are *overruling* the key itself.

    Raises:
        ConfigError: two spellings say different things.
    """
    moved: dict[str, Any] | None = None
    for alias, key in aliases.items():
        if alias in own:
            moved = dict(own) if moved is None else moved
            value = moved.pop(alias)
            if alias in overruling:
                moved[key] = value
            if moved.setdefault(key, value) != value:
                raise ConfigError(
                    f"{path_of(section, key)} = {word(moved[key])} and {path_of(section, alias)} = {word(value)} name "
                    "the same quantity; keep one"
                )
    return own if moved is None else moved


def spelled_out(
    own: Mapping[str, Any], key: str, texts: Mapping[str, Mapping[str, str]], section: str
) -> Mapping[str, Any]:
    """A section with a list instead of a text that has a letter for each of its elements.

    Raises:
        ConfigError: it is no such text.
        UncoveredError: the list is given as well.
    """
    for other, letters in texts.items():
        if other not in own:
            continue
        text, path = own[other], path_of(section, other)
        if not isinstance(text, str) or not set(text) <= letters.keys():
            raise ConfigError(f"{path}: expected a string of the letters {' '.join(letters)}, got {word(text)}")
        listed = [letters[letter] for letter in text]
        if own.get(key) not in (None, listed):
            raise UncoveredError(f"{path} = {word(text)} contradicts {key}; keep one")
        own = {**{k: v for k, v in own.items() if k != other}, key: listed}
    return own


def labels(own: Mapping[str, Any], value: Any, section: str) -> Any:
    """The number of labels: that of the names in `id2label`, where it is given.

    Raises:
        ConfigError: these are no names, or the number is another one.
    """
    named = own.get("id2label")
    if named is None:
        return value
    if not isinstance(named, dict):
        raise ConfigError(f"{path_of(section, 'id2label')}: expected an object, got {word(named)}")
    try:
        number = len(set(map(int, named)))
    except ValueError:
        raise ConfigError(f"{path_of(section, 'id2label')}: expected numbers as keys") from None
    if value is not MISSING and value is not None and value != number:
        raise ConfigError(f"{path_of(section, 'id2label')} names {number} labels, but num_labels = {word(value)}")
    return number


def identifiers(text: str) -> set[str]:
    """The names in the text of an expression; helpers, which begin with an underscore, are none."""
    return set(re.findall(r"\b[A-Za-z]\w*", text))


def wrong(path: str, admitted: str, value: Any) -> ConfigError:
    """The error for a value of another kind than those that are admitted."""
    if not admitted:
        return ConfigError(f"{path} cannot be set; leave it out")
    wanted = [_WORDS[k] for k in admitted]
    text = ", ".join(wanted[:-1]) + " or " + wanted[-1] if len(wanted) > 1 else wanted[0]
    return ConfigError(f"{path}: expected {text}, got {_long(value) or repr(value)[:80]}")


def _long(value: Any) -> str:
    """A number with too many digits to be shown, in words."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return f"a number of about {value.bit_length() * 30103 // 100000} digits"
    return ""


def word(value: Any) -> str:
    """A value as an error shows it: shortened."""
    text = _long(value) or json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
