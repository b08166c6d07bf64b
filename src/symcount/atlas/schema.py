"""What a config's keys mean, without transformers: numbers by dotted path, and the switches' labels.

A `Reader` does for one layout what the model's config class would do, as far as that was measured: defaults of fields
that are left out (which may be others where the whole sub-config is left out), other spellings, null, the kinds of
values that an annotation admits, numbers that are filled in from others. Everything else is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, NamedTuple

from symcount.atlas.codes import (
    MISSING,
    aliased,
    code,
    exact,
    kind,
    labels,
    spelled_out,
    word,
    wrong,
)
from symcount.atlas.labels import Labels
from symcount.atlas.record import Check, Layout, Number, Section
from symcount.atlas.rules import Rules
from symcount.atlas.sections import section_in
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
        found: what it has for each check, and for what rules take beside; of a number that is said once for each
            layer, how often.
    """

    values: dict[str, Value]
    stated: AbstractSet[str]
    pending: dict[str, str]
    found: dict[str, Any]


class Reader:
    """Reads configs by one layout.

    Args:
        layout: of a class.
        activations: names of activation functions without parameters.
        kinds: of the values of keys that every config class has; see `Atlas.kinds`.

    Attributes:
        passing: paths of checks for which it is enough that a number is one, whichever it is.
    """

    def __init__(
        self, layout: Layout, activations: frozenset[str], kinds: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.layout = layout
        self._numbers: dict[str, list[tuple[str, str, tuple[int, ...], Number]]] = {s: [] for s in layout.sections}
        self._checks: dict[str, list[tuple[str, str, Check]]] = {s: [] for s in layout.sections}
        self._taken: dict[str, list[tuple[str, Any]]] = {}
        self._spelled: dict[str, list[tuple[str, dict[str, dict[str, str]]]]] = {}
        self._types = {path: {**kinds, **section.types} for path, section in layout.sections.items()}
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
        self._rules = Rules(layout)
        self._labels = Labels(layout, self._rules, activations)
        self._each = [(path, number.each) for path, number in layout.numbers.items() if number.each]
        self._same = [path for path, number in layout.numbers.items() if number.same]
        asked = {path for check in layout.checks.values() for path in _asked_beside(check)}
        self.passing = frozenset(
            path
            for path, check in layout.checks.items()
            if "#" in check.accept and not (check.equals or check.each or check.rule) and path not in asked
        )

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
            own = given[section] = section_in(section, rules, given, fields)
            if own is not None:
                if rules.unread:
                    own = {key: value for key, value in own.items() if key not in rules.unread}
                own = aliased(own, rules.aliases, section, rules.overruling)
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
                if number.each and isinstance(value, list) and value and value == value[:1] * len(value):
                    found[path], value = len(value), value[0]
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
            self._rules.fill(dict(pending), values)
        for path in self._same:
            number = self.layout.numbers[path]
            if number.given is not None and values[path] == self.meant(path, values):
                values[path] = number.given
        for path, depth in self._each:
            if path in found and found[path] != values[depth]:
                said = f"{path} has {found[path]} elements, but {depth} = {values[depth]}"
                raise UncoveredError(f"{said}: outside the stored formulas")
        asked = ((path, check) for path, check in self.layout.checks.items() if path not in known)
        if formulas is None or any(self._labels.label(path, check, found, values) for path, check in asked):
            formulas = self._labels.state(found, values, known)
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
        return self._rules.number(self.layout.numbers[path].same, values)

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


def _asked_beside(check: Check) -> Iterator[str]:
    """The paths of what a check compares with other values than its own."""
    for spec in (check.rule, check.pattern):
        for part in ("numbers", "beside", "same"):
            if isinstance(paths := spec.get(part), Mapping):
                yield from paths
        for part in ("of", "depth"):
            if part in spec:
                yield spec[part]
