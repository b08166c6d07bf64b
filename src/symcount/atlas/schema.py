"""What a config's keys mean, without transformers: numbers by dotted path, and the switches' labels.

A `Reader` does for one layout what the model's config class would do, as far as that was measured: defaults of fields
that are left out (which may be others where the whole sub-config is left out), other spellings, null, the kinds of
values that an annotation admits, numbers that are filled in from others. Everything else is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, NamedTuple

from symcount.atlas.codes import (
    MISSING,
    aliased,
    code,
    exact,
    identifiers,
    kind,
    labels,
    mapped,
    spelled_out,
    word,
    wrong,
)
from symcount.atlas.compiled import compiled
from symcount.atlas.computed import is_said
from symcount.atlas.fitting import fits
from symcount.atlas.questions import alike
from symcount.atlas.record import Check, Layout, Number, Section
from symcount.config.arranged_lists import counted, field_of
from symcount.core.paths import path_of, split
from symcount.errors import ConfigError, UncoveredError
from symcount.exact.arithmetic import Number as Value

__all__ = ["Reader", "Reading", "Taken"]


class Reading(NamedTuple):
    """What a config says in the terms of a layout.

    Attributes:
        formulas: indices of the formulas of which one may hold for it.
        values: numbers by dotted path.
        stated: paths that the config gives itself.
        filled: paths that the config leaves to others -> text of the number that these make of it.
    """

    formulas: list[int]
    values: dict[str, Value]
    stated: frozenset[str]
    filled: Mapping[str, str]


class Taken(NamedTuple):
    """What a config says itself, before anything is made of it.

    Attributes:
        values: its numbers, and defaults, by dotted path.
        stated: paths of the numbers that it gives.
        pending: paths of those that it leaves to others -> text of the number that these make of it.
        found: what it has for each check, and for what rules take beside.
    """

    values: dict[str, Value]
    stated: AbstractSet[str]
    pending: dict[str, str]
    found: dict[str, Any]


class Reader:
    """Reads configs by one layout."""

    def __init__(self, layout: Layout, activations: frozenset[str]) -> None:
        self.layout = layout
        self._activations = activations
        self._numbers: dict[str, list[tuple[str, str, tuple[int, ...], Number]]] = {s: [] for s in layout.sections}
        self._checks: dict[str, list[tuple[str, str, Check]]] = {s: [] for s in layout.sections}
        self._taken: dict[str, list[tuple[str, Any]]] = {}
        self._spelled: dict[str, list[tuple[str, dict[str, dict[str, str]]]]] = {}
        self._types = {path: dict(section.types) for path, section in layout.sections.items()}
        for path, number in layout.numbers.items():
            section, key, index = split(path)
            if not index:  # what is no number is told in the words of numbers
                self._types[section].pop(key, None)
            self._numbers[section].append((path, key, index, number))
        for path, check in layout.checks.items():
            section, key, _ = split(path)
            self._checks[section].append((path, key, check))
            if check.rule:
                taken = {**check.rule["numbers"], **check.rule["beside"]}
                self._taken[path] = [(k, v) for k, v in taken.items() if k not in {**layout.numbers, **layout.checks}]
            if "spelled" in check.arranged:
                self._spelled.setdefault(section, []).append((key, check.arranged["spelled"]))
        self._names = [n.name for n in layout.numbers.values()]
        self._position = {path: i for i, path in enumerate(layout.numbers)}
        self._rules: dict[str, Callable[..., tuple[Any, ...]]] = {}
        self._needs: dict[str, list[str]] = {}
        self._same = [path for path, number in layout.numbers.items() if number.same]
        self._by_name = {n.name: path for path, n in layout.numbers.items()}

    def read(self, fields: Mapping[str, Any]) -> Reading:
        """Read a config.

        Raises:
            ConfigError: a value of the wrong kind, or a key given twice.
            UncoveredError: the layout does not cover it.
        """
        return self.finished(self.taken(fields))

    def taken(self, fields: Mapping[str, Any]) -> Taken:
        """What a config says itself.

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
                own = aliased(own, rules.aliases, section)
                for key, texts in self._spelled.get(section, ()):
                    own = spelled_out(own, key, texts, section)
                given[section] = own
                self._admit(section, rules, own)
            for path, key, index, number in self._numbers[section]:
                value = MISSING if own is None else own.get(key, MISSING)
                if key == "num_labels" and own is not None and not rules.unnamed:
                    value = labels(own, value, section)
                if index and self._other(path_of(section, key), value):  # no formula has its elements
                    values[path] = number.minimum or 1
                    continue
                if index or path in layout.checks:
                    value = self._element(section, key, index, path, value)
                if value is MISSING or (number.word and value == number.word):
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
                        raise UncoveredError(f"{path} = {word(value)} is outside the stored formulas; give a number")
                values[path] = exact(path, number, value)
            for path, key, check in self._checks[section]:
                default = MISSING if "absent" in check.accept else check.given
                if own is None:
                    found[path] = default if check.absent is None else check.absent
                else:
                    found[path] = own.get(key, default)
                    for name, usual in self._taken.get(path, ()):
                        found.setdefault(name, own.get(name.rpartition(".")[2], usual))
        return Taken(values, stated, pending, found)

    def finished(
        self, taken: Taken, known: Mapping[str, int] = MappingProxyType({}), formulas: list[int] | None = None
    ) -> Reading:
        """What is made of it: numbers that others make, labels, formulas.

        Args:
            taken: whose values are completed in place.
            known: labels that need not be asked for; see `settled`.
            formulas: those that hold where all other labels are those of the default.

        Raises:
            UncoveredError: the layout does not cover it.
        """
        values, stated, pending, found = taken
        if pending:
            self._fill(dict(pending), values)
        for path in self._same:
            number = self.layout.numbers[path]
            if number.given is not None and values[path] == self.meant(path, values):
                values[path] = number.given
        if formulas is None or any(
            self._label(path, check, found, values) for path, check in self.layout.checks.items() if path not in known
        ):
            formulas = self._state(found, values, known)
        return Reading(formulas, values, frozenset(stated), pending)

    def settled(self, found: Mapping[str, Any]) -> dict[str, int]:
        """The labels that the values of checks have whatever the numbers are."""
        labels: dict[str, int] = {}
        for path, check in self.layout.checks.items():
            if not (check.equals or check.each or check.rule):  # these are asked first
                label = check.accept.get(code(found[path]))
                if label is not None:
                    labels[path] = label
        return labels

    def formulas(self, labels: Mapping[str, int]) -> list[int] | None:
        """Those of some labels where all others are those of the default, `None` if none holds."""
        return self.layout.states.get(",".join([str(labels.get(path, 0)) for path in self.layout.switches]))

    def meant(self, path: str, values: Mapping[str, Value]) -> Value:
        """The number that the default of the one at *path* stands for, beside the other *values*."""
        return self._number(self.layout.numbers[path].same, values)

    def _element(self, section: str, key: str, index: tuple[int, ...], path: str, value: Any) -> Any:
        """The number at *index* of a list; what is no list stays as it is.

        Raises:
            UncoveredError: the list is too short.
        """
        found = value
        for i in index:
            if found is MISSING or not isinstance(found, list) or i >= len(found):
                break
            found = found[i]
        check = self.layout.checks.get(path)
        if check is not None and (isinstance(found, list) or (isinstance(found, str) and "letters" in check.pattern)):
            return MISSING  # whether it may be one is the business of the check
        if index and isinstance(found, list) and index[-1] >= len(found):
            raise UncoveredError(f"{path_of(section, key)} has {len(value)} elements; the stored formulas need {path}")
        return found

    def _other(self, path: str, value: Any) -> bool:
        """Whether a list of layers is another one than that whose elements were read one by one."""
        check = self.layout.checks.get(path)
        if check is None or "arranged" not in check.accept or not isinstance(value, list):
            return False
        return check.accept.get("=" + json.dumps(value)) != 0

    def _admit(self, section: str, rules: Section, own: Mapping[str, Any]) -> None:
        """Raise unless the values are of the kinds, and the lists of the lengths, that were measured."""
        types = self._types[section]
        for key, value in own.items():
            admitted = types.get(key)
            if admitted is not None and kind(value) not in admitted:
                raise wrong(path_of(section, key), admitted, value)
        for key in rules.refused:
            if own.get(key) is not None:
                said = f"{path_of(section, key)} = {word(own[key])}"
                raise UncoveredError(f"{said} changes the model in a way that was not measured")
        for key in rules.closed:
            if key in own:
                said = f"{path_of(section, key)} = {word(own[key])} is outside the stored formulas"
                raise UncoveredError(f"{said}: it cannot be set; leave it out")
        for key, length in rules.lengths.items():
            if isinstance(own.get(key), list) and len(own[key]) != length:
                raise UncoveredError(
                    f"{path_of(section, key)} has {len(own[key])} elements, the stored formulas are for {length}"
                )

    def _section(
        self, section: str, given: Mapping[str, Mapping[str, Any] | None], fields: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        if not section:
            return fields
        parent, _, key = section.rpartition(".")
        outer = given[parent]
        rules = self.layout.sections[section]
        own = None if outer is None else outer.get(key, MISSING)
        if outer is not None and rules.instead and outer.get(rules.instead) is not None:
            own = outer[rules.instead]
        if own is None and outer is not None and not rules.null:
            raise UncoveredError(f"{section} = null is outside the stored formulas; leave it out")
        if own is MISSING and rules.flat and outer is not None:
            return outer
        if own is MISSING or own is None:
            if rules.optional == "given":
                raise UncoveredError(f"{section} is left out, but the stored formulas are for configs that have it")
            return None
        if not isinstance(own, dict):
            raise ConfigError(f"{section}: expected an object, got {word(own)}")
        if rules.meant and _is_meant(rules, own):
            return None
        if rules.stated and own.get("model_type") is None:
            raise UncoveredError(f"{section} without model_type is outside the stored formulas; give one")
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
                    if not isinstance(value, int) and not self.layout.numbers[path].ratio:
                        from symcount.atlas.codec import readable

                        raise UncoveredError(f"{path} is left out, and {readable(text)} is no integer here")
                    values[path] = value
                    del pending[path]
                    progress = True
            if not progress:
                raise UncoveredError(f"{', '.join(pending)}: left out, and no rule fills in a value; give a number")

    def _needs_of(self, text: str) -> list[str]:
        if text not in self._needs:
            self._needs[text] = [n for n in self._names if n in identifiers(text)]
            self._rules[text] = compiled([text], self._needs[text])
        return self._needs[text]

    def _number(self, text: str, values: Mapping[str, Value]) -> Value:
        needs = self._needs_of(text)
        (value,) = self._rules[text](*(values[self._by_name[n]] for n in needs))
        return value  # type: ignore[no-any-return]  # compiled from text

    def _state(self, found: Mapping[str, Any], values: dict[str, Value], known: Mapping[str, int]) -> list[int]:
        layout = self.layout
        labels = dict(known)
        for path, check in layout.checks.items():
            if path not in known:
                labels[path] = self._label(path, check, found, values)
        key = ",".join([str(labels[path]) for path in layout.switches])
        state = layout.states.get(key)
        if state is None:
            said = ", ".join(f"{p} = {word(found[p])}" for p in layout.switches if labels[p])
            raise UncoveredError(f"no stored formula holds for {said or 'its options'}{' together' * (', ' in said)}")
        return state

    def _label(self, path: str, check: Check, found: Mapping[str, Any], values: dict[str, Value]) -> int:
        value = found[path]
        said = code(value)
        if said == "#" and check.equals and self._number(check.equals, values) == value:
            return 0
        if check.each and isinstance(value, list) and value == self._listed(check.each, values):
            return 0
        if check.rule and self._computed(path, value, found, values):
            return 0
        label = check.accept.get(said)
        if label is None and said.startswith("numbers"):
            label = check.accept.get("numbers")
        if label is not None:
            return label
        if check.pattern and type(value) in {list, str, dict, int} and fits(check.pattern, value, values, found):
            return 0
        if check.activation and isinstance(value, str) and value in self._activations:
            return 0
        label = check.accept.get("=" + json.dumps(value, sort_keys=True))
        if label is not None:
            return label
        if "arranged" in check.accept and isinstance(value, list):
            self._arrange(path, check, value, values)
            return check.accept["arranged"]
        if any(alike(measured, asked, value) for measured, asked in check.paths):
            return 0
        raise UncoveredError(f"{path} = {word(value)} is outside the stored formulas")

    def _computed(
        self, path: str, value: Any, found: Mapping[str, Any], values: Mapping[str, Value],
        asked: frozenset[str] = frozenset(),
    ) -> bool:  # fmt: skip
        """Whether *value* is what the config computes beside the other keys of a file, of which some were *asked*."""
        rule = self.layout.checks[path].rule
        if type(value) not in (int, list, dict) or not is_said(rule, value, {**found, **values}):
            return False
        for name, usual in rule["beside"].items():
            own = found.get(name, MISSING)
            if own is MISSING or own is None or own == usual or name in asked:
                continue
            other = self.layout.checks.get(name)
            if other is None or not other.rule or not self._computed(name, own, found, values, asked | {path}):
                return False
        return True

    def _listed(self, each: list[Any], values: Mapping[str, Value]) -> Any:
        def said(item: Any) -> Any:
            if not isinstance(item, str):
                return item
            return item[1:] if item.startswith("'") else self._number(item, values)

        return mapped(said, each)

    def _arrange(self, path: str, check: Check, value: list[Any], values: dict[str, Value]) -> None:
        """Put the numbers of layers of each kind, as a list has them, among the values."""
        spec = check.arranged
        depth = values.get(spec["depth"])
        found = counted(value, spec["kinds"], depth if isinstance(depth, int) else None, spec["form"])
        if isinstance(found, str):
            raise UncoveredError(f"{path} = {word(value)} {found}")
        for kind_, number in found.items():
            known = self.layout.numbers.get(field_of(path, kind_))
            if known is None:  # no formula has it: it took too long
                raise UncoveredError(f"{path} = {word(value)} is outside the stored formulas")
            if number < (least := known.minimum or 0):
                said = f"has {number} layers of the kind {kind_}; the stored formulas are for at least {least}"
                raise UncoveredError(f"{path} = {word(value)} {said}")
            values[field_of(path, kind_)] = number


#: What a saved file says of how it came about.
_ORIGIN = frozenset({"transformers_version", "dtype", "torch_dtype", "architectures", "_name_or_path"})


def _is_meant(rules: Section, own: Mapping[str, Any]) -> bool:
    """Whether a sub-config says what is made of it where it is left out."""
    said = {key: value for key, value in own.items() if key not in _ORIGIN}
    return said.keys() >= set(rules.own) and all(rules.meant.get(k, MISSING) == v for k, v in said.items())
