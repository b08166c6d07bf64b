"""Commands that give numbers: `count` and `breakdown`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from symcount.atlas.counting import counter
from symcount.cli.adapters import Base, adapter_count, is_adapter
from symcount.cli.commands.typeset import known
from symcount.cli.looks import Notation, Numbers, Symbols, SymbolsFile, Width, symbols_of
from symcount.cli.options import ConventionOption, Json, Options, Source, Values, load, told
from symcount.cli.output import complain, emit, note, number, say, share, show, table
from symcount.cli.pipelines import pipeline_count
from symcount.cli.presentation import letters_of, plain
from symcount.cli.quick_count import count_configs
from symcount.cli.writing import Output, TableTo, deliver, tabled
from symcount.cli.writing import table as table_as
from symcount.config.files import is_directory, is_several, looks_like_path
from symcount.core.ledger import check_convention
from symcount.errors import ConfigError, OptionError, SymcountError
from symcount.exact.evaluate import integer_value
from symcount.typeset.content import Cell, Count, Table
from symcount.typeset.measure import em
from symcount.typeset.numbers import rounded

__all__ = ["breakdown", "count"]

_COLUMNS = ("unique", "per_layer", "non_embedding", "active")


def count(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL...", help="Class names, model types, config files, directories of them."),
    ] = None,
    values: Values = None,
    options: Options = None,
    convention: Annotated[
        str | None, typer.Option("--convention", "-c", help="Only this number; see `breakdown --help`.")
    ] = None,
    jsonl: Annotated[
        str | None, typer.Option("--jsonl", metavar="FILE", help="Also count each line of FILE (- for standard input).")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="A config with a misspelt size, or that states none, is an error.")
    ] = False,
    transformers: Annotated[
        str,
        typer.Option("--transformers", metavar="VERSION", help="Of which release; by default of the installed one."),
    ] = "",
    base: Base = None,
    to: TableTo = None,
    about: Annotated[bool, typer.Option("--about", help="Rounded numbers (20.9B) beside exact ones.")] = False,
    numbers_style: Numbers = "comma",
    output: Output = None,
    as_json: Json = False,
) -> int:
    """Count the parameters, exactly; fields left out have the class's defaults."""
    form = tabled(to, output)
    laid_out = to is not None or output is not None or about
    models = models or []
    if not models and jsonl is None:
        raise ConfigError("nothing to count: give a model, a config.json, a directory, or --jsonl FILE")
    if jsonl is not None and laid_out:
        raise OptionError("--jsonl answers line by line; leave out --to, --output and --about")
    if models and all(map(is_adapter, models)):
        return adapter_count(models, base, as_json)
    if models and jsonl is None and not laid_out and all(map(is_several, models)):
        return pipeline_count(models, None if convention is None else check_convention(convention), as_json=as_json)
    configs_only = all(looks_like_path(m) or is_directory(m) for m in models) and not values and not options
    if counter() is not None and (configs_only or jsonl is not None) and not laid_out:
        if not configs_only:
            raise OptionError("--jsonl goes with config files and directories, not with names, -s or -o")
        only = None if convention is None else check_convention(convention)
        return count_configs(models, jsonl, only, transformers, as_json=as_json, strict=strict)
    columns = _COLUMNS if convention is None else (check_convention(convention),)
    if as_json and convention is not None:
        columns = tuple(dict.fromkeys((*_COLUMNS, *columns)))
    rows, failed = _each(models, values, options, columns, transformers, as_json=as_json, strict=strict)
    if laid_out and rows and not as_json:
        deliver(table_as(_counted(rows, columns, about), form, numbers_style), output)
    elif not as_json and rows:
        if convention is not None and len(rows) == 1:
            say(number(rows[0][2][0]))
        else:
            headings: list[tuple[str, str]] = [("source", "left"), ("class", "left"), *((c, "right") for c in columns)]
            show(table(*headings), [(source, name, *map(number, numbers)) for source, name, numbers in rows])
    return 2 if failed else 0


def _each(
    models: Sequence[str],
    values: list[str] | None,
    options: list[str] | None,
    columns: Sequence[str],
    version: str,
    *,
    as_json: bool,
    strict: bool,
) -> tuple[list[tuple[str, str, list[int]]], bool]:
    """Source, class and numbers of each model; and whether there were any that could not be counted."""
    failed = False
    rows: list[tuple[str, str, list[int]]] = []
    for source in models:
        try:
            subject = load(source, values, options, version, strict=strict)
            numbers = [subject.count(c) for c in columns]
            text = subject.defaults_note("per_layer")
        except SymcountError as error:  # the other inputs are counted all the same
            failed = True
            named = str(error).startswith(source) or repr(source) in str(error)
            complain(str(error) if named or len(models) == 1 else f"{source}: {error}")
            if as_json:
                emit({"source": source, "error": str(error)})
            continue
        if text:
            note(text)
        told(subject)
        if as_json:
            remarks = [remark.text for remark in subject.notes]
            counts = dict(zip(columns, numbers, strict=True))
            emit({"source": source, "class": subject.formula.name, **counts, "transformers": subject.release,
                  "notes": remarks})  # fmt: skip
        rows.append((source, subject.formula.name, numbers))
    return rows, failed


def _counted(rows: Sequence[tuple[str, str, list[int]]], columns: Sequence[str], about: bool) -> Table:
    named = [(name if source == name else f"{source} ({name})", numbers) for source, name, numbers in rows]
    lines: list[tuple[Cell, ...]] = [
        (name, *map(Count, numbers), *([rounded(numbers[0])] if about else [])) for name, numbers in named
    ]
    headings = [("Model", "left"), *((c.replace("_", "-"), "right") for c in columns)]
    return Table([*headings, *([("about", "right")] if about else [])], lines)


def breakdown(
    model: Source,
    values: Values = None,
    options: Options = None,
    convention: ConventionOption = "unique",
    depth: Annotated[int | None, typer.Option(min=1, help="Cut paths after so many names; all by default.")] = None,
    by: Annotated[str, typer.Option(help="path or kind.")] = "path",
    notation: Notation = None,
    symbols: Symbols = None,
    symbols_file: SymbolsFile = None,
    numbers_style: Numbers = "comma",
    width: Width = None,
    to: TableTo = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Print the parts that sum to the total."""
    form = tabled(to, output)
    subject = load(model, values, options)
    shown = subject.formula
    chosen: Any = by  # `breakdown` checks it
    parts = shown.breakdown(depth, by=chosen, convention=convention)
    at = subject.values(convention)
    numbers = [part.count(at) for part in parts]
    total = integer_value(shown.total_as(convention), at)
    if text := subject.defaults_note(convention):
        note(text)
    told(subject)
    if as_json:
        for part, value in zip(parts, numbers, strict=True):
            emit({by: part.label, "kind": part.kind, "formula": str(part.expression), "count": value})
        emit(
            {"total": total, "class": shown.name, "convention": convention, "formula": str(shown.total_as(convention))}
        )
        return
    letters = letters_of(shown, notation, symbols_of(symbols, symbols_file, known(subject)))
    if to is not None or output is not None:
        laid_out = parts.table(at, letters)
        deliver(table_as(laid_out, form, numbers_style, None if width is None else em(width)), output)
        return
    headings = [("layer type", "left")] if by == "kind" else [("path", "left"), ("layer type", "left")]
    rows = []
    for part, value in zip(parts, numbers, strict=True):
        labels = (part.kind,) if by == "kind" else (part.label or "(model)", part.kind)
        rows.append((*labels, plain(part.expression, shown, letters), number(value), share(value, total)))
    last = (*[f"total, {convention}", ""][: len(headings)], "", number(sum(numbers)), share(total, total))
    result = table(*headings, ("rule", "left"), ("parameters", "right"), ("share", "right"))
    show(result, rows, last)
