"""Counting configs by the atlas: files, directories and streams. typer, rich and SymPy are not needed.

`quick` answers the arguments of `symcount count` by itself where they name configs only, so that a count does not wait
for packages that it does not use; everything else is left to the full command line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from symcount.atlas.counting import counter, derivable
from symcount.atlas.speaker import speaker
from symcount.atlas.variant import CONVENTIONS
from symcount.cli.inputs import Input, expand, lines
from symcount.cli.output import complain, emit, jsonl, note, number, printable, say, show, table
from symcount.cli.recognition import Recognition, Result
from symcount.config.files import is_adapter, is_directory, is_several, looks_like_path, parse
from symcount.config.releases import installed, is_installed
from symcount.diagnostics import notes_on_release, refuse, teller
from symcount.ecosystem.files import is_of_library, library_totals
from symcount.errors import SymcountError, UncoveredError, UnknownModelError
from symcount.foreign import guarded

__all__ = ["count_configs", "quick"]

_COLUMNS = ("unique", "per_layer", "non_embedding", "active")
_ROWS = 1000  # of a table; longer results are printed line by line


def quick(arguments: Sequence[str]) -> int | None:
    """Count what *arguments* name and return the exit code; `None` if they ask for something else."""
    sources: list[str] = []
    stream = convention = None
    version = ""
    as_json = strict = False
    rest = iter(arguments)
    for argument in rest:
        if argument == "--json":
            as_json = True
        elif argument == "--strict":
            strict = True
        elif argument == "--transformers" and (value := next(rest, None)) is not None:
            version = value
        elif argument in ("--jsonl", "-c", "--convention"):
            value = next(rest, None)
            if value is None or (argument == "--jsonl") == (value in CONVENTIONS):
                return None
            stream, convention = (value, convention) if argument == "--jsonl" else (stream, value)
        elif is_adapter(argument) or is_several(argument):
            return None
        elif not argument.startswith("-") and (looks_like_path(argument) or is_directory(argument)):
            sources.append(argument)
        else:
            return None
    if counter() is None or not (sources or stream) or (convention is not None and convention not in CONVENTIONS):
        return None
    return count_configs(sources, stream, convention, version, as_json=as_json, strict=strict)


def count_configs(
    sources: Sequence[str], stream: str | None, convention: str | None, version: str = "", *, as_json: bool = False,
    strict: bool = False,
) -> int:  # fmt: skip
    """Count configs and print the numbers; the exit code, 2 if one of them could not be counted.

    Args:
        sources: files and directories.
        stream: a file with a config on each line.
        convention: the only one to be printed.
        version: of transformers, as of which they are counted; by default see `speaker`.
        as_json: one JSON object for each config.
        strict: a config that may mean something else is not counted.
    """
    columns = _COLUMNS if convention is None else (convention,)
    inputs = _inputs(sources, stream)
    several = stream is not None or len(sources) > 1
    failed = False
    rows: list[tuple[str, ...]] = []
    known = Recognition(version)
    for source, found in _watched(inputs, several and not as_json):
        try:
            if isinstance(found, SymcountError):
                raise found
            result = _counted(source, found, version, known)
            numbers = result.totals
            printable(max(numbers.values()), source)
            if strict:
                refuse(result.notes, source)
        except SymcountError as error:  # the other inputs are counted all the same
            failed = True
            text = str(error) if str(error).startswith(source) else f"{source}: {error}"
            complain(text)
            if as_json:
                emit({"source": source, "error": str(error)})
            continue
        for remark in result.notes:
            note(f"note: {source}: {remark.text}")
        if as_json:
            if not result.text:
                shown = dict.fromkeys((*_COLUMNS, *columns))
                result.text = jsonl({"class": result.name, **{c: numbers[c] for c in shown},
                    "transformers": result.release, "notes": [remark.text for remark in result.notes]})  # fmt: skip
            say(f"{jsonl({'source': source})[:-1]}, {result.text[1:]}")
            continue
        rows.append((source, result.name, *(number(numbers[c]) for c in columns)))
        if len(rows) > _ROWS:
            _print(rows, columns)
            rows.clear()
    if len(rows) == 1 and convention is not None and not several:
        say(rows[0][2])
    elif rows:
        _print(rows, columns)
    return 2 if failed else 0


def _counted(source: str, found: dict[str, Any] | bytes, version: str, known: Recognition) -> Result:
    """As `counted`, of the fields of a file or of a line that is not parsed yet."""
    if not isinstance(found, bytes):
        return counted(source, found, version)
    if (result := known.counted(found)) is not None:
        return result
    fields = parse(found, source)
    if known.learn(found, fields) and (result := known.counted(found)) is not None:
        return result
    return known.keep(found, counted(source, fields, version))


@guarded
def counted(source: str, fields: dict[str, Any], version: str = "") -> Result:
    """What is said of one config: by the atlas, or where that does not cover it, derived.

    Raises:
        SymcountError: neither is possible; where both were tried, the reasons of both.
    """
    if is_of_library(fields):
        return Result(*library_totals(fields), [], "")
    try:
        speaks = speaker(fields, version)
        assert speaks is not None  # noqa: S101  # `quick` and the command see to that
        tell = teller(speaks.release)
        assert tell is not None  # noqa: S101  # the same
        found = speaks.counter.found(fields)
        totals = speaks.counter.totals(found)
        notes = [*tell.notes(fields, found), *notes_on_release(speaks, fields, found, totals["unique"])]
        return Result(found.entry.name, totals, notes, speaks.release)
    except (UncoveredError, UnknownModelError) as error:
        if not derivable() or not is_installed(version):
            raise
        refusal = error
    from symcount.config.config import Config
    from symcount.derivation.api import derive
    from symcount.diagnostics.of_formula import notes_on
    from symcount.lookup import formula

    config = Config(fields, source)
    unknown = isinstance(refusal, UnknownModelError)
    try:
        derived = formula(config) if unknown else derive(config)
        numbers = {c: derived.count(config, convention=c) for c in CONVENTIONS}
    except SymcountError as error:
        said = str(error).removeprefix(f"{source}: ")
        raise error if unknown else type(error)(f"{refusal}; nor is it derived: {said}") from None
    return Result(derived.name, numbers, notes_on(config, derived, teller()), str(installed()))


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
