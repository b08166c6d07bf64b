"""What is written, and where: results to standard output, notes and errors to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from symcount.errors import DomainError

if TYPE_CHECKING:
    from fractions import Fraction

    from rich.table import Table

__all__ = [
    "ascii_only", "complain", "emit", "encodable", "exactly", "jsonl", "note", "number", "printable", "say", "share",
    "show", "stream", "table", "watched",
]  # fmt: skip

Item = TypeVar("Item")
_MOST_BITS = 14_000  # Python prints integers of up to 4,300 digits
_LONGEST = 2000  # characters of an error, which repeats what was asked


def say(text: str) -> None:
    """A line of result."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """A remark that is not part of the result."""
    sys.stderr.write(_printable(text) + "\n")


def complain(text: str) -> int:
    """A mistake in what was asked; returns the exit code."""
    note(f"error: {text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}")
    return 2


def emit(item: Mapping[str, Any]) -> None:
    """One JSON object on a line of its own."""
    say(jsonl(item))


def jsonl(item: Mapping[str, Any]) -> str:
    """The text of one JSON object, with the signs that standard output can show."""
    return json.dumps(item, ensure_ascii=ascii_only(), allow_nan=False)


def ascii_only() -> bool:
    """Whether standard output cannot show mathematical signs."""
    try:
        "²·⌊ₙ—".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def encodable(text: str) -> str:
    """*text*, with question marks for the signs that standard output cannot show."""
    return text.encode("ascii", "replace").decode() if ascii_only() else text


def exactly(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers for a JSON object: integers as they are, ratios as text."""
    return {name: value if isinstance(value, int) else str(value) for name, value in values.items()}


def printable(count: int, source: str) -> int:
    """*count* itself.

    Raises:
        DomainError: it is so long that Python refuses to print it.
    """
    if count.bit_length() > _MOST_BITS:
        raise DomainError(f"{source}: the count has more than 4,200 digits; give smaller values")
    return count


def number(value: float | Fraction) -> str:
    """With thousands separators; a ratio as it was written."""
    if type(value) is int:  # all that a count needs
        return f"{value:,}"
    from decimal import Decimal
    from fractions import Fraction

    if isinstance(value, Fraction) and value.denominator != 1:
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        return f"{exact:,}" if Fraction(exact) == value else str(value)
    return f"{value if isinstance(value, float) else int(value):,}"


def share(part: int, total: int) -> str:
    """*part* of *total* in percent: for the eye only, the one place where a float is made."""
    return f"{100 * part / total:.2f} %" if total else "-"


def table(*columns: tuple[str, str]) -> Table:
    """An empty table of columns (heading, `left` or `right`); numbers are on the right and are never broken."""
    from rich.box import ASCII, SIMPLE_HEAD
    from rich.table import Table

    result = Table(box=ASCII if ascii_only() else SIMPLE_HEAD, pad_edge=False)
    for heading, side in columns:
        right = side == "right"
        result.add_column(heading, justify="right" if right else "left", no_wrap=right, overflow="fold")
    return result


def show(result: Table, rows: Sequence[Sequence[str]], total: Sequence[str] | None = None) -> None:
    """Print *rows*, and below a rule *total*; wider than the terminal rather than with digits cut off."""
    from rich.console import Console
    from rich.measure import Measurement
    from rich.text import Text

    for row in rows:
        result.add_row(*(Text(_printable(cell)) for cell in row))
    if total is not None:
        result.add_section()
        result.add_row(*(Text(cell, style="bold") for cell in total))
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    needed = Measurement.get(console, console.options.update(max_width=10_000), result)
    width = max(console.width, needed.minimum) if console.is_terminal else max(console.width, needed.maximum)
    console.width = width
    with console.capture() as drawn:  # written by ourselves: rich would turn a closed pipe into an exit of its own
        console.print(result, crop=False)
    sys.stdout.write(drawn.get())


def stream(headings: Sequence[str], items: Iterable[Item], cells: Callable[[Item], Sequence[str]]) -> None:
    """Print a table of numbers row by row, however long it is: *items* are gone through twice, and none is kept."""
    widths = [len(h) for h in headings]
    for item in items:
        widths = [max(w, len(cell)) for w, cell in zip(widths, cells(item), strict=True)]

    def line(row: Sequence[str]) -> str:
        return f" {'   '.join([cell.rjust(w) for cell, w in zip(row, widths, strict=True)])}\n"

    rule = ("-" if ascii_only() else "─") * (sum(widths) + 3 * (len(widths) - 1) + 1)
    sys.stdout.write(f"\n{line(headings)} {rule}\n")
    sys.stdout.writelines(line(cells(item)) for item in items)
    sys.stdout.write("\n")


def watched(items: Iterable[Item], total: int, said: Callable[[Item], str]) -> Iterator[Item]:
    """*items*, with a progress bar on standard error, where that is a terminal; *said* is the line beside it."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        for item in items:
            progress.update(task, advance=1, description=said(item))
            yield item


def _printable(text: str) -> str:
    """Without control characters: a file's name or content must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\n\r\t" else ascii(c)[1:-1] for c in text)
