"""A journal of long work: one JSON object a line, each written at once, so that what was interrupted can be continued.

A line that was cut off, because the process was killed while it wrote, is the last one, and is left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from symcount.errors import ConfigError

__all__ = ["append", "mend", "read"]

Row = TypeVar("Row")


def read(path: Path, row: Callable[[Any], Row], what: str) -> list[Row]:
    """The rows of a journal in the order in which they were written; none where there is no file.

    Args:
        path: the file.
        row: a row made of a line's JSON; raises an error of its kind where it is none.
        what: whose rows these are, for the error ("a sweep").

    Raises:
        ConfigError: the file cannot be read, or is something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(row(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError):
            if number == len(lines):
                break
            raise ConfigError(f"{path}: line {number} is not a row of {what}; give another file") from None
    return rows


def append(path: Path, row: Mapping[str, Any]) -> None:
    """Add a line in a single write, so that no line is ever half there beside another.

    Raises:
        ConfigError: the file cannot be written.
    """
    line = json.dumps(row, ensure_ascii=False) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode("utf-8"))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None


def mend(path: Path) -> None:
    """Cut a half-written last line off, or find out now that the file cannot be written.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    try:
        with path.open("ab+") as file:
            file.seek(0)
            data = file.read()
            if data and not data.endswith(b"\n"):
                file.truncate(data.rfind(b"\n") + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
