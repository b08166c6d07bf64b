"""Ranges of a free symbol: `256..4096:64` is 256, 320, …, 4096; of a ratio `1..2:0.1`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from operator import index
from typing import Any

from symcount.core.notation import Entry
from symcount.core.values import exact, title
from symcount.errors import ExpressionError

__all__ = ["Range", "read_range"]

_RANGE = re.compile(
    r"(?P<start>\d+(_\d+)*)?\s*(?P<dots>\.\.)?\s*(?P<stop>\d+(_\d+)*)?\s*(:\s*(?P<step>\d+(_\d+)*))?\Z", re.ASCII
)
_DECIMAL = r"\d{1,12}(?:\.\d{1,12})?"
_RATIOS = re.compile(
    rf"(?P<start>{_DECIMAL})\s*(?:\.\.\s*(?P<stop>{_DECIMAL})\s*(?::\s*(?P<step>{_DECIMAL}))?)?\Z", re.ASCII
)
_LONGEST = 120
_LONGEST_LIST = 10_000
_MOST = 1_000_000  # numbers of a range in a list


@dataclass(frozen=True)
class Range:
    """`start`, `start + step`, … up to and including `stop`; `None` leaves the end to the budget.

    Where it has *members*, these are its numbers, in order: all lie in the steps. Of a ratio these numbers count
    *parts*: 11 of 10 parts are 1.1.
    """

    start: int
    stop: int | None
    step: int = 1
    members: tuple[int, ...] = ()
    parts: int = 0

    @classmethod
    def of(cls, numbers: Iterable[int], parts: int = 0) -> Range:
        """The range that has these numbers, and no others.

        >>> str(Range.of([64, 768, 128])), Range.of([64, 128, 192])
        ('64, 128, 768', Range(start=64, stop=192, step=64, members=(), parts=0))
        """
        members = tuple(sorted(set(numbers)))
        step = gcd(*(b - members[0] for b in members[1:])) or 1
        whole = cls(members[0], members[-1], step, (), parts)
        return whole if whole.size == len(members) else replace(whole, members=members)

    def number(self, place: int) -> int | Fraction:
        """The number that *place* of its numbers stand for: itself, or a ratio."""
        return Fraction(place, self.parts) if self.parts else place

    @property
    def size(self) -> int | None:
        """How many numbers it has; `None` for an open one."""
        if self.members:
            return len(self.members)
        return None if self.stop is None else (self.stop - self.start) // self.step + 1

    def __contains__(self, value: int) -> bool:
        if self.members:
            return value in self.members
        inside = value >= self.start and (self.stop is None or value <= self.stop)
        return inside and (value - self.start) % self.step == 0

    def __str__(self) -> str:
        if self.members:
            return ", ".join(map(self._written, self.members))
        end = "" if self.stop is None else self._written(self.stop)
        step = f":{self._written(self.step)}" if self.step != 1 or self.parts else ""
        return f"{self._written(self.start)}..{end}{step}"

    def _written(self, place: int) -> str:
        """A number in decimals."""
        if not self.parts:
            return str(place)
        exact = Decimal(place) / Decimal(self.parts)
        return f"{exact:f}" if Fraction(exact) == Fraction(place, self.parts) else f"{place}/{self.parts}"


def read_range(entry: Entry, value: Any) -> Range:
    """The range that *value* describes for the symbol *entry*.

    Args:
        entry: the symbol.
        value: text (`256..4096:64`, `1..96`, `64..:64` with the end left to the budget, `64,128,768`, `64..4096:*2` for
            every doubling), a Python `range`, an integer, a list, set or array of them, a `Range`, or `None` for every
            admissible number; of a ratio its numbers, or from where to where in what steps.

    Raises:
        ExpressionError: not a range, empty, reversed, a step of zero, or below the symbol's smallest value.

    >>> from symcount.core.notation import entry
    >>> str(read_range(entry("H"), range(64, 4097, 64))), str(read_range(entry("N"), None))
    ('64..4096:64', '1..')
    """
    if entry.rational:
        return _ratios(entry, value)
    first = max(0, entry.minimum)
    if value is None:
        return Range(first, None)
    found = _range(entry, value, first)
    if found.step == 0:
        raise ExpressionError(f"{title(entry)}: the step is zero; expected at least 1")
    if found.start < first:
        raise ExpressionError(f"{title(entry)}: expected a range from {first} upwards, got {value}")
    if found.stop is None or found.members:
        return found
    if found.stop < found.start:
        raise ExpressionError(f"{title(entry)}: the range {value} is reversed: {found.start} > {found.stop}")
    return Range(found.start, found.start + (found.stop - found.start) // found.step * found.step, found.step)


def _range(entry: Entry, value: Any, first: int) -> Range:
    """The range as it was written."""
    if isinstance(value, Range):
        return value
    if isinstance(value, range):
        if not value:
            raise ExpressionError(f"{title(entry)}: the range is empty: {value}")
        low, high = sorted((value[0], value[-1]))
        return Range(low, high, abs(value.step))
    if isinstance(value, list | tuple | set | frozenset) or type(value).__name__ == "ndarray":
        numbers = [exact(entry, number) for number in value]
        if not numbers:
            raise ExpressionError(f"{title(entry)}: the set of values is empty")
        return Range.of(map(int, numbers))
    if hasattr(value, "__index__") and not isinstance(value, bool):  # NumPy's integers too
        return Range(index(value), index(value))
    if isinstance(value, str) and ("," in value or "*" in value) and len(value) <= _LONGEST_LIST:
        return Range.of(_listed(entry, value))
    return Range(*_parsed(entry, value, first))


def _ratios(entry: Entry, value: Any) -> Range:
    """The numbers of a ratio, in parts of their common denominator."""
    if isinstance(value, Range):
        return value
    wanted = f"{title(entry)} is a ratio: give its numbers, such as 1, 1.1, 1.2, or FIRST..LAST:STEP, such as 1..2:0.1"
    items = value if isinstance(value, list | tuple | set | frozenset) or hasattr(value, "tolist") else [value]
    if isinstance(value, str) and len(value) <= _LONGEST_LIST:
        items = [part.strip() for part in value.split(",")]
    numbers: list[Fraction] = []
    for item in items.tolist() if hasattr(items, "tolist") else items:
        if item is None:
            raise ExpressionError(wanted)
        if not isinstance(item, str):
            numbers.append(Fraction(exact(entry, item)))
            continue
        found = _RATIOS.match(item) if len(item) <= _LONGEST else None
        if found is None or (found["stop"] is None) != (found["step"] is None):
            raise ExpressionError(f"{wanted}; got {item!r:.60}")
        start, stop, step = (Fraction(found[n] or "0") for n in ("start", "stop", "step"))
        number = 1 if found["step"] is None else (stop - start) // step + 1 if step else 0
        if not 1 <= number <= _LONGEST_LIST:
            raise ExpressionError(f"{wanted}; {item!r:.60} has {number:,} numbers")
        numbers += [start + i * step for i in range(number)]
    if not numbers or min(numbers) < 0 or (entry.minimum and min(numbers) == 0):
        raise ExpressionError(f"{wanted}; they must be positive")
    parts = lcm(*(n.denominator for n in numbers))
    return Range.of((int(n * parts) for n in numbers), parts)


def _listed(entry: Entry, text: str) -> Iterator[int]:
    """The numbers of a list of numbers and ranges, and of ranges whose step is a factor: `64..4096:*2`."""
    for part in text.split(","):
        ends, star, factor = part.replace(" ", "").partition(":*")
        wanted = ExpressionError(
            f"{title(entry)}: {part.strip()!r:.60}: expected a number, FIRST..LAST:STEP, or FIRST..LAST:*FACTOR"
        )
        if "*" in ends:  # no factor, and no list either
            raise wanted
        r = read_range(entry, ends if star else part.strip())
        if r.stop is None or (r.size or 0) > _MOST or (star and not (factor.isdecimal() and int(factor[:9]) > 1)):
            raise wanted
        if not star:
            yield from range(r.start, r.stop + 1, r.step)
            continue
        number = r.start
        while 0 < number <= r.stop:
            yield number
            number *= int(factor)


def _parsed(entry: Entry, value: Any, first: int) -> tuple[int, int | None, int]:
    found = _RANGE.match(value.strip()) if isinstance(value, str) and len(value) <= _LONGEST else None
    if found is None or not (found["dots"] or found["start"]) or (found["stop"] and not found["dots"]):
        raise ExpressionError(
            f"{title(entry)}: range {value!r:.80}: expected FIRST..LAST or FIRST..LAST:STEP, such as 256..4096:64"
        )
    start = int(found["start"]) if found["start"] else first
    stop = int(found["stop"]) if found["stop"] else None if found["dots"] else start
    return start, stop, int(found["step"]) if found["step"] else 1
