"""At which line of the user's code a number lost its expression.

A formula keeps a field at its value where the code does with it what no expression follows (`len(str(width))`). The
model is built twice, at two values of the field, and what its code has in plain numbers is compared, line by line: the
first one that differs has come from the field and does not say so.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from symcount.concolic.config.config_source import ConfigSource
from symcount.concolic.config.symbolic import Number
from symcount.concolic.observe import trace
from symcount.concolic.python.modules import is_users
from symcount.concolic.session import quiet
from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt
from symcount.errors import DerivationError

__all__ = ["lost_at"]

_MOST: Final = 200_000  # so much is compared, of models of many layers


@dataclass(frozen=True)
class _Seen:
    """What a line has made of plain numbers, under a name of its own."""

    file: str
    line: int
    name: str
    value: Any


def lost_at(cls: Any, source: ConfigSource, base: Mapping[str, Number], pinned: Mapping[str, Number], name: str) -> str:
    """The line at which the field *name* loses its expression, as `file:line: code`; empty if none shows.

    Args:
        cls: what builds the model.
        source: of its config.
        base: the values of all fields.
        pinned: the fields that are kept at their values.
        name: one of these.
    """
    value = pinned[name]
    steps: tuple[Number, ...] = (
        (value * 2, value / 2) if isinstance(value, float) else (value + 1, value * 2, value - 1)
    )
    with quiet():
        first = _observed(cls, source, {**base, **pinned})
        for moved in (*steps, value * 8):
            other = _observed(cls, source, {**base, **pinned, name: moved})
            if found := _difference(first, other):
                return found
    return ""


def _difference(one: list[_Seen], other: list[_Seen]) -> str:
    """The first line at which two runs have other numbers, or after which they go other ways."""
    before: _Seen | None = None
    for a, b in zip(one, other, strict=False):
        if (a.file, a.line, a.name) != (b.file, b.line, b.name):
            return f"{_said(before)} (another way from there)" if before is not None else ""
        if a.value != b.value:
            return _said(a)
        before = a
    return ""


def _said(seen: _Seen) -> str:
    code = linecache.getline(seen.file, seen.line).strip()
    return f"{Path(seen.file).name}:{seen.line}{': ' if code else ''}{code:.100}"


def _observed(cls: Any, source: ConfigSource, values: Mapping[str, Number]) -> list[_Seen]:
    """What the code has in plain numbers while it builds the model at *values*; as far as it comes."""
    seen: list[_Seen] = []

    @contextmanager
    def watched() -> Iterator[None]:
        outer = sys.gettrace()
        sys.settrace(_tracer(seen))
        try:
            yield
        finally:
            sys.settrace(outer)

    with suppress(DerivationError):  # the model may be none at this value, which may show before
        trace(cls, source, values=values, watched=watched)
    return seen


def _tracer(seen: list[_Seen]) -> Callable[[FrameType, str, Any], Any]:
    known: dict[int, dict[str, Any]] = {}  # frame -> its plain numbers
    lines: dict[int, int] = {}

    def called(frame: FrameType, _event: str, _arg: Any) -> Any:
        caller = frame.f_back
        if caller is not None and _is_users(caller) and len(seen) < _MOST:
            for name, value in frame.f_locals.items():
                if (number := _plain(value)) is not None:
                    seen.append(
                        _Seen(caller.f_code.co_filename, caller.f_lineno, f"{frame.f_code.co_name} {name}", number)
                    )
        if not _is_users(frame):
            return None
        known[id(frame)] = {n: v for n, value in frame.f_locals.items() if (v := _plain(value)) is not None}
        lines[id(frame)] = frame.f_lineno
        return stepped

    def stepped(frame: FrameType, event: str, _arg: Any) -> Any:
        if len(seen) >= _MOST:
            return None
        before = known.setdefault(id(frame), {})
        line = lines.get(id(frame), frame.f_lineno)
        for name, value in frame.f_locals.items():
            number = _plain(value)
            if number is not None and before.get(name) != number:
                before[name] = number
                seen.append(_Seen(frame.f_code.co_filename, line, name, number))
        lines[id(frame)] = frame.f_lineno
        if event == "return":
            known.pop(id(frame), None)
            lines.pop(id(frame), None)
        return stepped

    return called


def _is_users(frame: FrameType) -> bool:
    return is_users(str(frame.f_globals.get("__name__", "")))


def _plain(value: Any) -> Any:
    """The plain numbers in *value*, with a mark for each that has an expression; `None` if there are none."""
    if type(value) in (int, float):
        return value
    if type(value) in (list, tuple) and 0 < len(value) <= 64:
        items = tuple("followed" if isinstance(x, SymbolicInt | SymbolicFloat) else _plain(x) for x in value)
        return items if any(item not in (None, "followed") for item in items) else None
    return None
