"""A config read once, for others that differ from it only in whole numbers: what was read of it holds for them as well.

A plan keeps what every layout took of a config (see `schema.Taken`) with places for the numbers that are free. All that
depends on these is done anew for each config: numbers that are filled in from others, labels that are rules of numbers,
the conditions of the formulas, the totals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from symcount.atlas.counting import Counter, Found
from symcount.atlas.record import Entry, Layout
from symcount.atlas.schema import Reader, Taken
from symcount.core.paths import path_of, section_of
from symcount.errors import DomainError, UncoveredError

__all__ = ["Place", "Plan", "marked", "planned"]

Place = tuple[str, str]
"""A section and a key of it."""


class _Attempt(NamedTuple):
    """One layout, and what it took of the config.

    Attributes:
        layout: the layout.
        reader: of it.
        taken: with the config's own numbers.
        free: path of a number, which of the free ones it is, and how large it must be.
        known: labels that no number decides.
        formulas: those that hold where the other labels are those of the default.
    """

    layout: Layout
    reader: Reader
    taken: Taken
    free: list[tuple[str, int, int]]
    known: Mapping[str, int]
    formulas: list[int] | None


class Plan:
    """How the configs of one form are read.

    Attributes:
        entry: the class.
        places: those of the free numbers on which a count depends.
    """

    def __init__(self, counter: Counter, entry: Entry, attempts: Sequence[_Attempt]) -> None:
        self.entry = entry
        self.places = frozenset(place for attempt in attempts for _, place, _ in attempt.free)
        self._counter = counter
        self._attempts = attempts

    def found(self, numbers: Sequence[int]) -> Found | None:
        """What the config with these free *numbers* is read as; `None` where it is not covered."""
        for layout, reader, taken, free, known, formulas in self._attempts:
            values = dict(taken.values)
            for path, place, least in free:
                number = values[path] = numbers[place]
                if number < least:
                    break
            else:
                try:
                    reading = reader.finished(Taken(values, *taken[1:]), known, formulas)
                    variant = self._counter.holding(layout, reading)
                except (DomainError, UncoveredError):
                    continue  # the next layout may cover it
                if variant is not None:
                    return Found(self.entry, layout, reading, variant)
        return None


def marked(fields: Mapping[str, Any], marks: Mapping[int, Place]) -> dict[str, Any]:
    """A config with other numbers at some places."""
    inside: dict[str, dict[str, int]] = {"": {}}
    for mark, (section, key) in marks.items():
        inside.setdefault(section, {})[key] = mark
    for section in list(inside):
        while section:
            section = section_of(section)  # noqa: PLW2901  # outwards
            inside.setdefault(section, {})
    return _marked(fields, "", inside)


def _marked(own: Mapping[str, Any], section: str, inside: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    found = {**own, **inside[section]}
    for key, value in own.items():
        if isinstance(value, dict) and (path := path_of(section, key)) in inside:
            found[key] = _marked(value, path, inside)
    return found


def planned(counter: Counter, fields: Mapping[str, Any], marks: Mapping[int, Place]) -> tuple[Plan, set[int]]:
    """The plan of a config, and the marks of numbers that may decide more than what `Plan.found` does anew.

    Where there are any, the plan is not to be used.

    Args:
        counter: of the release.
        fields: a config that has a mark at each of the places.
        marks: numbers beyond all others, each with its place.

    Raises:
        SymcountError: there is no plan.
    """
    order = {mark: i for i, mark in enumerate(marks)}
    wrong: set[int] = set()
    entry = counter.entry(fields)
    attempts = []
    for layout in counter.layouts(entry, fields):
        meant = [path for path, rules in layout.sections.items() if rules.meant]
        wrong |= {mark for mark, place in marks.items() for path in meant if f"{place[0]}.".startswith(f"{path}.")}
        reader = counter.reader(layout)
        try:
            taken = reader.taken(fields)
        except (DomainError, UncoveredError):
            continue  # whatever the numbers are: none of them is compared with another one before this point
        compared = [x for path, x in taken.found.items() if type(x) is not int or path not in reader.passing]
        wrong |= marks.keys() & set(_integers(compared))
        free = [
            (path, order[int(value)], (not layout.numbers[path].ratio and layout.numbers[path].minimum) or 0)
            for path, value in taken.values.items()
            if value in order
        ]
        taken = taken._replace(stated=frozenset(taken.stated))
        known = reader.settled(taken.found)
        attempts.append(_Attempt(layout, reader, taken, free, known, reader.formulas(known)))
    return Plan(counter, entry, attempts), wrong


def _integers(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _integers(item)
    elif type(value) is int:
        yield value
