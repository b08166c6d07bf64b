"""What a config's keys mean, without transformers: numbers by dotted path, and the switches' labels.

A `Reader` does for one layout what the model's config class would do, as far as that was measured: defaults of fields
that are left out (which may be others where the whole sub-config is left out), other spellings, null, the kinds of
values that an annotation admits, numbers that are filled in from others. Everything else is refused.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symcount.arithmetic import Number as Value
from symcount.arithmetic import as_written
from symcount.atlas.codec import compiled, readable
from symcount.atlas.record import Check, Layout, Number
from symcount.derive.arranged import counted, field_of
from symcount.errors import ConfigError, DomainError, UncoveredError

__all__ = ["Reader", "Reading", "code", "identifiers", "kind"]

_KINDS = {int: "i", float: "f", bool: "b", str: "s", type(None): "n", list: "l", tuple: "l", dict: "d"}
_WORDS = {"i": "an integer", "f": "a number with a point", "b": "true or false", "s": "a string", "n": "null",
          "l": "a list", "d": "an object"}  # fmt: skip
_LARGEST = 2**63 - 1  # the largest size of a tensor
_MISSING: Any = object()
_LONGROPE = {"short_factor": "l", "long_factor": "l"}
_ROPE: Mapping[str, Mapping[str, str]] = {
    "linear": {"factor": "if"}, "dynamic": {"factor": "if"}, "yarn": {"factor": "if"},
    "longrope": _LONGROPE, "su": _LONGROPE,
    "llama3": {"factor": "if", "low_freq_factor": "if", "high_freq_factor": "if"},
}  # fmt: skip
"""Kind of rotary positions -> keys without which transformers refuses it (`modeling_rope_utils`) -> kinds of values."""


@dataclass(frozen=True)
class Reading:
    """What a config says in the terms of a layout.

    Attributes:
        formulas: indices of the formulas of which one may hold for it.
        values: numbers by dotted path.
        stated: paths that the config gives itself.
    """

    formulas: list[int]
    values: dict[str, Value]
    stated: frozenset[str]


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
    if value is _MISSING:
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


class Reader:
    """Reads configs by one layout."""

    def __init__(self, layout: Layout, activations: frozenset[str]) -> None:
        self.layout = layout
        self._activations = activations
        self._numbers: dict[str, list[tuple[str, str, tuple[int, ...], Number]]] = {s: [] for s in layout.sections}
        self._checks: dict[str, list[tuple[str, str, Check]]] = {s: [] for s in layout.sections}
        self._types = {path: dict(section.types) for path, section in layout.sections.items()}
        for path, number in layout.numbers.items():
            section, key, index = _split(path)
            if not index:  # what is no number is told in the words of numbers
                self._types[section].pop(key, None)
            self._numbers[section].append((path, key, index, number))
        for path, check in layout.checks.items():
            section, key, _ = _split(path)
            self._checks[section].append((path, key, check))
        self._names = [n.name for n in layout.numbers.values()]
        self._position = {path: i for i, path in enumerate(layout.numbers)}
        self._rules: dict[str, Callable[..., tuple[Any, ...]]] = {}
        self._needs: dict[str, list[str]] = {}
        self._by_name = {n.name: path for path, n in layout.numbers.items()}

    def read(self, fields: Mapping[str, Any]) -> Reading:
        """Read a config.

        Raises:
            ConfigError: a value of the wrong kind, or a key given twice.
            UncoveredError: the layout does not cover it.
        """
        layout = self.layout
        values: dict[str, Value] = {}
        stated: set[str] = set()
        pending: dict[str, str] = {}
        found: dict[str, Any] = {}
        given: dict[str, Mapping[str, Any] | None] = {}
        for section, rules in layout.sections.items():
            own = given[section] = self._section(section, given, fields)
            if own is not None:
                own = given[section] = _aliased(own, rules.aliases, section)
                types = self._types[section]
                for key, value in own.items():
                    admitted = types.get(key)
                    if admitted is not None and _KINDS.get(type(value), "?") not in admitted:
                        raise _wrong(_path(section, key), admitted, value)
                for key in rules.refused:
                    if own.get(key) is not None:
                        said = f"{_path(section, key)} = {_word(own[key])}"
                        raise UncoveredError(f"{said} changes the model in a way that is not measured")
                for key, length in rules.lengths.items():
                    if isinstance(own.get(key), list) and len(own[key]) != length:
                        raise UncoveredError(
                            f"{_path(section, key)} has {len(own[key])} elements, the stored formulas are for {length}"
                        )
            for path, key, index, number in self._numbers[section]:
                value = _MISSING if own is None else own.get(key, _MISSING)
                if key == "num_labels" and own is not None and not rules.unnamed:
                    value = _labels(own, value, section)
                for i in index:
                    if value is _MISSING or not isinstance(value, list) or i >= len(value):
                        break
                    value = value[i]
                if path in layout.checks and isinstance(value, list):
                    value = _MISSING  # whether it may be one is the business of the check
                if value is _MISSING or (number.word and value == number.word):
                    default = number.absent if own is None and number.absent is not None else number.given
                    if default is None:
                        pending[path] = number.rule
                        continue
                    value = default
                elif value is None:
                    if not number.null:
                        said = path if number.name == path else f"{number.name} ({path})"
                        raise ConfigError(f"{said} is null; give a number")
                    pending[path] = number.null
                    continue
                else:
                    stated.add(path)
                    if not index and type(value) in {str, list, dict} and kind(value) in rules.types.get(key, ""):
                        raise UncoveredError(f"{path} = {_word(value)} is outside the stored formulas; give a number")
                values[path] = _exact(path, number, value)
            for path, key, check in self._checks[section]:
                default = _MISSING if "absent" in check.accept else check.given
                if own is None:
                    found[path] = default if check.absent is None else check.absent
                else:
                    found[path] = own.get(key, default)
        self._fill(pending, values)
        return Reading(self._state(found, values), values, frozenset(stated))

    def _section(
        self, section: str, given: Mapping[str, Mapping[str, Any] | None], fields: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        if not section:
            return fields
        parent, _, key = section.rpartition(".")
        outer = given[parent]
        rules = self.layout.sections[section]
        own = None if outer is None else outer.get(key, _MISSING)
        if outer is not None and rules.instead and outer.get(rules.instead) is not None:
            own = outer[rules.instead]
        if own is None and outer is not None and not rules.null:
            raise UncoveredError(f"{section} = null is outside the stored formulas; leave it out")
        if own is _MISSING and rules.flat and outer is not None:
            return outer
        if own is _MISSING or own is None:
            if rules.optional == "given":
                raise UncoveredError(f"{section} is left out, but the stored formulas are for configs that have it")
            return None
        if not isinstance(own, dict):
            raise ConfigError(f"{section}: expected an object, got {_word(own)}")
        if rules.optional == "absent":
            raise UncoveredError(f"{section} is given, but the stored formulas are for configs that leave it out")
        return own

    def _fill(self, pending: dict[str, str], values: dict[str, Value]) -> None:
        while pending:
            progress = False
            for path, text in list(pending.items()):
                if not text:
                    raise UncoveredError(f"{path} is left out and has no default; give a number")
                if all(self._by_name[n] in values for n in self._needs_of(text)):
                    value = self._number(text, values)
                    if isinstance(value, Fraction) and not self.layout.numbers[path].ratio:
                        raise UncoveredError(f"{path} is left out, and {readable(text)} is no integer here")
                    values[path] = value
                    del pending[path]
                    progress = True
            if not progress:
                raise UncoveredError(f"{', '.join(pending)}: left out, and nothing says what they are")

    def _needs_of(self, text: str) -> list[str]:
        if text not in self._needs:
            self._needs[text] = [n for n in self._names if n in identifiers(text)]
            self._rules[text] = compiled([text], self._needs[text])
        return self._needs[text]

    def _number(self, text: str, values: Mapping[str, Value]) -> Value:
        needs = self._needs_of(text)
        (value,) = self._rules[text](*(values[self._by_name[n]] for n in needs))
        return value  # type: ignore[no-any-return]  # compiled from text

    def _state(self, found: Mapping[str, Any], values: dict[str, Value]) -> list[int]:
        layout = self.layout
        labels: dict[str, int] = {}
        for path, check in layout.checks.items():
            labels[path] = self._label(path, check, found[path], values)
        key = ",".join([str(labels[path]) for path in layout.switches])
        state = layout.states.get(key)
        if state is None:
            said = ", ".join(f"{p} = {_word(found[p])}" for p in layout.switches if labels[p])
            raise UncoveredError(f"{said or 'this combination'} together are outside the stored formulas")
        return state

    def _label(self, path: str, check: Check, value: Any, values: dict[str, Value]) -> int:
        said = code(value)
        if said == "#" and check.equals and self._number(check.equals, values) == value:
            return 0
        if check.each and isinstance(value, list) and value == [self._number(text, values) for text in check.each]:
            return 0
        label = check.accept.get(said)
        if label is None and said.startswith("numbers"):
            label = check.accept.get("numbers")
        if label is not None:
            return label
        if check.pattern and isinstance(value, list) and _fits(check.pattern, value, values):
            return 0
        if check.activation and isinstance(value, str) and value in self._activations:
            return 0
        label = check.accept.get("=" + json.dumps(value, sort_keys=True))
        if label is not None:
            return label
        if "arranged" in check.accept and isinstance(value, list):
            self._arrange(path, check, value, values)
            return check.accept["arranged"]
        raise UncoveredError(f"{path} = {_word(value)} is outside the stored formulas")

    def _arrange(self, path: str, check: Check, value: list[Any], values: dict[str, Value]) -> None:
        """Put the numbers of layers of each kind, as a list has them, among the values."""
        spec = check.arranged
        depth = values.get(spec["depth"])
        found = counted(value, spec["kinds"], depth if isinstance(depth, int) else None, spec["form"])
        if isinstance(found, str):
            raise UncoveredError(f"{path} = {_word(value)} {found}")
        for kind_, number in found.items():
            known = self.layout.numbers.get(field_of(path, kind_))
            if known is None:  # no formula has it: it took too long
                raise UncoveredError(f"{path} = {_word(value)} is outside the stored formulas")
            if number < (least := known.minimum or 0):
                said = f"has {number} of the kind {kind_}; the stored formulas are for at least {least}"
                raise UncoveredError(f"{path} = {_word(value)} {said}")
            values[field_of(path, kind_)] = number


def _fits(pattern: Mapping[str, Any], value: Sequence[Any], values: Mapping[str, Value]) -> bool:
    if "numbered" in pattern:
        first, rest = pattern["numbered"]
        return all(name == (f"{rest}{i}" if i else first) for i, name in enumerate(value))
    if "stages" in pattern:
        return pattern["stages"] in (0, len(value)) and _rising(value)
    if "list" in pattern:
        return value == pattern["list"] and all(values[p] == v for p, v in pattern.get("same", {}).items())
    if len(value) != values.get(pattern["depth"]):
        return False
    if pattern.get("numbers"):
        return all(type(v) in {int, float} for v in value)
    if "kinds" in pattern:
        return all(isinstance(v, str | int) and v in pattern["kinds"] for v in value)
    period, same = pattern["period"], pattern.get("same", {})
    return all(values[p] == v for p, v in same.items()) and all(
        v == period[i % len(period)] for i, v in enumerate(value)
    )


def _rising(value: Sequence[Any]) -> bool:
    """Whether names or numbers of stages stand in their order.

    >>> _rising(["stage3", "stage6"]), _rising([3, 6]), _rising([6, 3]), _rising(["stem", "stage6"])
    (True, True, False, False)
    """
    if all(isinstance(x, str) and re.fullmatch(r"stage[1-9]\d{0,8}", x) for x in value):
        value = [int(x.removeprefix("stage")) for x in value]
    return all(type(x) is int and x >= 0 for x in value) and all(a < b for a, b in itertools.pairwise(value))


def identifiers(text: str) -> set[str]:
    """The names in the text of an expression; helpers, which begin with an underscore, are none."""
    return set(re.findall(r"\b[A-Za-z]\w*", text))


def _split(path: str) -> tuple[str, str, tuple[int, ...]]:
    """Section, key and indices of a dotted path.

    >>> _split("vision_config.depths[1]")
    ('vision_config', 'depths', (1,))
    """
    section, _, last = path.rpartition(".")
    key, _, rest = last.partition("[")
    return section, key, tuple(int(i.rstrip("]")) for i in rest.split("[") if rest)


def _path(section: str, key: str) -> str:
    return f"{section}.{key}" if section else key


def _aliased(own: Mapping[str, Any], aliases: Mapping[str, str], section: str) -> Mapping[str, Any]:
    moved: dict[str, Any] | None = None
    for alias, key in aliases.items():
        if alias in own:
            moved = dict(own) if moved is None else moved
            value = moved.pop(alias)
            if moved.setdefault(key, value) != value:
                raise ConfigError(
                    f"{_path(section, key)} = {_word(moved[key])} and {_path(section, alias)} = {_word(value)} name "
                    "the same quantity; keep one"
                )
    return own if moved is None else moved


def _labels(own: Mapping[str, Any], value: Any, section: str) -> Any:
    named = own.get("id2label")
    if named is None:
        return value
    if not isinstance(named, dict):
        raise ConfigError(f"{_path(section, 'id2label')}: expected an object, got {_word(named)}")
    try:
        number = len({int(key) for key in named})
    except ValueError:
        raise ConfigError(f"{_path(section, 'id2label')}: expected numbers as keys") from None
    if value is not _MISSING and value is not None and value != number:
        raise ConfigError(f"{_path(section, 'id2label')} names {number} labels, but num_labels = {_word(value)}")
    return number


def _exact(path: str, number: Number, value: Any) -> Value:
    title = path if number.name == path else f"{number.name} ({path})"
    if number.ratio:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise DomainError(f"{title}: expected a positive number, got {value!r:.80}")
        ratio = as_written(value) if isinstance(value, float) else value
        return ratio.numerator if ratio.denominator == 1 else ratio
    least = "" if number.minimum is None else f" of at least {number.minimum}"
    if isinstance(value, bool) or not isinstance(value, int):
        point = isinstance(value, float) and value == value // 1
        hint = "; write it without a point" if point else "; give a number" if isinstance(value, bool | str) else ""
        raise DomainError(f"{title}: expected an integer{least}, got {value!r:.80}{hint}")
    if number.minimum is not None and value < number.minimum:
        raise DomainError(f"{title}: expected an integer{least}, got {_word(value)}")
    if not -_LARGEST <= value <= _LARGEST:
        raise DomainError(f"{title}: expected at most 2^63 - 1, the largest size of a tensor, got {_word(value)}")
    return value


def _wrong(path: str, admitted: str, value: Any) -> ConfigError:
    wanted = [_WORDS[k] for k in admitted]
    text = ", ".join(wanted[:-1]) + " or " + wanted[-1] if len(wanted) > 1 else wanted[0]
    return ConfigError(f"{path}: expected {text}, got {_long(value) or repr(value)[:80]}")


def _long(value: Any) -> str:
    """A number with too many digits to be shown, in words."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return f"a number of about {value.bit_length() * 30103 // 100000} digits"
    return ""


def _word(value: Any) -> str:
    text = _long(value) or json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
