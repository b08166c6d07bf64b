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
from symcount.core.paths import path_of
from symcount.errors import DomainError, UncoveredError

__all__ = ["Place", "Plan", "blocked", "marked", "planned"]

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
    """

    def __init__(self, counter: Counter, entry: Entry, attempts: Sequence[_Attempt]) -> None:
        self.entry = entry
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


def marked(fields: Mapping[str, Any], marks: Mapping[Place, int]) -> dict[str, Any]:
    """A config with other numbers at some places."""
    return _marked(fields, "", marks)


def _marked(own: Mapping[str, Any], section: str, marks: Mapping[Place, int]) -> dict[str, Any]:
    return {
        key: marks.get((section, key), value)
        if not isinstance(value, dict)
        else _marked(value, path_of(section, key), marks)
        for key, value in own.items()
    }


def blocked(counter: Counter, fields: Mapping[str, Any], marks: Mapping[Place, int]) -> set[Place]:
    """The places of numbers that may decide more than what `Plan.found` does anew.

    Args:
        counter: of the release.
        fields: a config that has a mark at each of the places.
        marks: place -> mark, a number beyond all others.

    Raises:
        SymcountError: there is no plan.
    """
    found: set[Place] = set()
    by_mark = {mark: place for place, mark in marks.items()}
    for layout in counter.layouts(counter.entry(fields), fields):
        meant = [path for path, rules in layout.sections.items() if rules.meant]
        found |= {place for place in marks for path in meant if f"{place[0]}.".startswith(f"{path}.")}
        try:
            taken = counter.reader(layout).taken(fields)
        except (DomainError, UncoveredError):
            continue
        found |= {by_mark[x] for x in _integers(list(taken.found.values())) if x in by_mark}
    return found


def _integers(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _integers(item)
    elif type(value) is int:
        yield value


def planned(counter: Counter, fields: Mapping[str, Any], marks: Mapping[int, int]) -> Plan:
    """The plan of a config.

    Args:
        counter: of the release.
        fields: a config that has a mark at each place that is free; none of them is `blocked`.
        marks: each with its number among the free ones.

    Raises:
        SymcountError: there is none.
    """
    entry = counter.entry(fields)
    attempts = []
    for layout in counter.layouts(entry, fields):
        reader = counter.reader(layout)
        try:
            taken = reader.taken(fields)
        except (DomainError, UncoveredError):
            continue  # whatever the numbers are: none of them is compared with another one before this point
        free = [
            (path, marks[int(value)], (not layout.numbers[path].ratio and layout.numbers[path].minimum) or 0)
            for path, value in taken.values.items()
            if value in marks
        ]
        taken = taken._replace(stated=frozenset(taken.stated))
        known = reader.settled(taken.found)
        attempts.append(_Attempt(layout, reader, taken, free, known, reader.formulas(known)))
    return Plan(counter, entry, attempts)
