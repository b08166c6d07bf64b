"""Ranges of a free symbol: `256..4096:64` is 256, 320, …, 4096."""

from __future__ import annotations

import re
from dataclasses import dataclass
from operator import index
from typing import Any

from symcount.errors import ExpressionError
from symcount.notation import Entry
from symcount.values import title

__all__ = ["Range", "read_range"]

_RANGE = re.compile(
    r"(?P<start>\d+(_\d+)*)?\s*(?P<dots>\.\.)?\s*(?P<stop>\d+(_\d+)*)?\s*(:\s*(?P<step>\d+(_\d+)*))?\Z", re.ASCII
)
_LONGEST = 120


@dataclass(frozen=True)
class Range:
    """`start`, `start + step`, … up to and including `stop`; `None` leaves the end to the budget."""

    start: int
    stop: int | None
    step: int = 1

    @property
    def size(self) -> int | None:
        """How many numbers it has; `None` for an open one."""
        return None if self.stop is None else (self.stop - self.start) // self.step + 1

    def __contains__(self, value: int) -> bool:
        inside = value >= self.start and (self.stop is None or value <= self.stop)
        return inside and (value - self.start) % self.step == 0

    def __str__(self) -> str:
        end = "" if self.stop is None else self.stop
        return f"{self.start}..{end}" + (f":{self.step}" if self.step != 1 else "")


def read_range(entry: Entry, value: Any) -> Range:
    """The range that *value* describes for the symbol *entry*.

    Args:
        entry: the symbol.
        value: text (`256..4096:64`, `1..96`, `64..:64` with the end left to the budget), a Python `range`, an integer,
            a `Range`, or `None` for every admissible number.

    Raises:
        ExpressionError: not a range, empty, reversed, a step of zero, or below the symbol's smallest value.

    >>> from symcount.notation import entry
    >>> str(read_range(entry("H"), range(64, 4097, 64))), str(read_range(entry("N"), None))
    ('64..4096:64', '1..')
    """
    first = max(0, entry.minimum)
    if value is None:
        return Range(first, None)
    if isinstance(value, Range):
        start, stop, step = value.start, value.stop, value.step
    elif isinstance(value, range):
        if not value:
            raise ExpressionError(f"{title(entry)}: the range is empty: {value}")
        low, high = sorted((value[0], value[-1]))
        start, stop, step = low, high, abs(value.step)
    elif hasattr(value, "__index__") and not isinstance(value, bool):  # NumPy's integers too
        start = stop = index(value)
        step = 1
    else:
        start, stop, step = _parsed(entry, value, first)
    if step == 0:
        raise ExpressionError(f"{title(entry)}: the step is zero; expected at least 1")
    if start < first:
        raise ExpressionError(f"{title(entry)}: expected a range from {first} upwards, got {value}")
    if stop is not None:
        if stop < start:
            raise ExpressionError(f"{title(entry)}: the range {value} is reversed: {start} > {stop}")
        stop = start + (stop - start) // step * step
    return Range(start, stop, step)


def _parsed(entry: Entry, value: Any, first: int) -> tuple[int, int | None, int]:
    found = _RANGE.match(value.strip()) if isinstance(value, str) and len(value) <= _LONGEST else None
    if found is None or not (found["dots"] or found["start"]) or (found["stop"] and not found["dots"]):
        raise ExpressionError(
            f"{title(entry)}: range {value!r:.80}: expected FIRST..LAST or FIRST..LAST:STEP, such as 256..4096:64"
        )
    start = int(found["start"]) if found["start"] else first
    stop = int(found["stop"]) if found["stop"] else None if found["dots"] else start
    return start, stop, int(found["step"]) if found["step"] else 1
