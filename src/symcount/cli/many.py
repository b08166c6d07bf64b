"""Counting configs by the atlas: files, directories and streams. typer, rich and SymPy are not needed.

`quick` answers the arguments of `symcount count` by itself where they name configs only, so that a count does not wait
for packages that it does not use; everything else is left to the full command line.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from symcount.adapters.config import is_adapter
from symcount.atlas.counting import CONVENTIONS, Counted, Counter, class_of, counter
from symcount.cli.inputs import Input, expand, lines
from symcount.cli.output import complain, emit, number, say, show, table
from symcount.errors import ConfigError, SymcountError, UncoveredError, UnknownModelError
from symcount.files import is_directory, looks_like_path

__all__ = ["count_configs", "quick"]

_COLUMNS = ("unique", "per_layer", "non_embedding", "active")
_ROWS = 1000  # of a table; longer results are printed line by line


def quick(arguments: Sequence[str]) -> int | None:
    """Count what *arguments* name and return the exit code; `None` if they ask for something else."""
    sources: list[str] = []
    stream = convention = None
    as_json = False
    rest = iter(arguments)
    for argument in rest:
        if argument == "--json":
            as_json = True
        elif argument in ("--jsonl", "-c", "--convention"):
            value = next(rest, None)
            if value is None or (argument == "--jsonl") == (value in CONVENTIONS):
                return None
            stream, convention = (value, convention) if argument == "--jsonl" else (stream, value)
        elif is_adapter(argument):
            return None
        elif not argument.startswith("-") and (looks_like_path(argument) or is_directory(argument)):
            sources.append(argument)
        else:
            return None
    if counter() is None or not (sources or stream) or (convention is not None and convention not in CONVENTIONS):
        return None
    return count_configs(sources, stream, convention, as_json)


def count_configs(sources: Sequence[str], stream: str | None, convention: str | None, as_json: bool) -> int:
    """Count configs and print the numbers; the exit code, 2 if one of them could not be counted."""
    columns = _COLUMNS if convention is None else (convention,)
    inputs = _inputs(sources, stream)
    several = stream is not None or len(sources) > 1
    failed = False
    if several:  # what is compiled stays: to look through it again and again for garbage takes a fifth of the time
        gc.set_threshold(50_000, 50, 50)
    rows: list[tuple[str, ...]] = []
    for source, found in _watched(inputs, several and not as_json):
        try:
            if isinstance(found, ConfigError):
                raise found
            name, numbers = counted(source, found)
        except SymcountError as error:  # the other inputs are counted all the same
            failed = True
            text = str(error) if str(error).startswith(source) else f"{source}: {error}"
            complain(text)
            if as_json:
                emit({"source": source, "error": str(error)})
            continue
        if as_json:
            shown = dict.fromkeys((*_COLUMNS, *columns))
            emit({"source": source, "class": name, **{c: numbers[c] for c in shown}})
            continue
        rows.append((source, name, *(number(numbers[c]) for c in columns)))
        if len(rows) > _ROWS:
            _print(rows, columns)
            rows.clear()
    if len(rows) == 1 and convention is not None and not several:
        say(rows[0][2])
    elif rows:
        _print(rows, columns)
    return 2 if failed else 0


def counted(source: str, fields: dict[str, Any]) -> Counted:
    """Class and counts of one config: by the atlas, or where that does not cover it, derived if that is possible.

    Raises:
        SymcountError: neither is possible.
    """
    found = counter()
    assert found is not None  # noqa: S101  # `quick` and the command see to that
    try:
        return _by(found, fields)
    except (UncoveredError, UnknownModelError) as error:
        if not _derivable():
            raise
        refusal = error
    from symcount.api import formula
    from symcount.configs import Config

    config = Config(fields, source)
    try:
        derived = formula(config) if isinstance(refusal, UnknownModelError) else _derived(config)
        return derived.name, {c: derived.count(config, convention=c) for c in CONVENTIONS}
    except SymcountError:
        raise refusal from None


def _derived(config: Any) -> Any:
    from symcount.derive.api import derive

    return derive(config)


def _by(found: Counter, fields: dict[str, Any]) -> Counted:
    class_of(fields)
    return found.count(fields)


@cache
def _derivable() -> bool:
    from importlib.util import find_spec

    try:
        return find_spec("torch") is not None and find_spec("transformers") is not None
    except ImportError:
        return False


def _inputs(sources: Sequence[str], stream: str | None) -> Iterator[Input]:
    yield from expand(sources)
    if stream is not None:
        yield from lines(stream)


def _print(rows: Sequence[tuple[str, ...]], columns: Sequence[str]) -> None:
    show(table(("source", "left"), ("class", "left"), *((c, "right") for c in columns)), rows)


def _watched(inputs: Iterable[Input], wanted: bool) -> Iterator[Input]:
    """Show on standard error how many were counted, where that is a terminal."""
    if not wanted or not sys.stderr.isatty():
        yield from inputs
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        for number, (source, found) in enumerate(inputs, start=1):
            yield source, found
            if number % 100 == 0:
                progress.update(task, completed=number, description=source)
