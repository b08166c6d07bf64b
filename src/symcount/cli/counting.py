"""Commands that give numbers: `count` and `breakdown`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from symcount.atlas.counting import counter
from symcount.cli.adapters import Base, adapter_count, is_adapter
from symcount.cli.many import count_configs
from symcount.cli.options import ConventionOption, Json, Options, Source, Values, load, told
from symcount.cli.output import complain, emit, note, number, say, share, show, table
from symcount.cli.reading import plain
from symcount.errors import ConfigError, OptionError, SymcountError
from symcount.evaluate import integer_value
from symcount.files import is_directory, looks_like_path
from symcount.ledger import check_convention

__all__ = ["breakdown", "count"]

_COLUMNS = ("unique", "per_layer", "non_embedding", "active")


def count(  # noqa: PLR0912  # configs, names and adapters are three kinds of inputs
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
    base: Base = None,
    as_json: Json = False,
) -> int:
    """Count the parameters, exactly; fields left out have the class's defaults."""
    models = models or []
    if not models and jsonl is None:
        raise ConfigError("nothing to count: give a model, a config.json, a directory, or --jsonl FILE")
    if models and all(map(is_adapter, models)):
        return adapter_count(models, base, as_json)
    configs_only = all(looks_like_path(m) or is_directory(m) for m in models) and not values and not options
    if counter() is not None and (configs_only or jsonl is not None):
        if not configs_only:
            raise OptionError("--jsonl goes with config files and directories, not with names, -s or -o")
        only = None if convention is None else check_convention(convention)
        return count_configs(models, jsonl, only, as_json=as_json, strict=strict)
    columns = _COLUMNS if convention is None else (check_convention(convention),)
    if as_json and convention is not None:
        columns = tuple(dict.fromkeys((*_COLUMNS, *columns)))
    failed = False
    rows: list[tuple[str, str, list[int]]] = []
    for source in models:
        try:
            subject = load(source, values, options, strict=strict)
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
            emit({"source": source, "class": subject.formula.name, **counts, "notes": remarks})
        rows.append((source, subject.formula.name, numbers))
    if not as_json and rows:
        if convention is not None and len(rows) == 1:
            say(number(rows[0][2][0]))
        else:
            headings: list[tuple[str, str]] = [("source", "left"), ("class", "left"), *((c, "right") for c in columns)]
            show(table(*headings), [(source, name, *map(number, numbers)) for source, name, numbers in rows])
    return 2 if failed else 0


def breakdown(
    model: Source,
    values: Values = None,
    options: Options = None,
    convention: ConventionOption = "unique",
    depth: Annotated[int | None, typer.Option(min=1, help="Cut paths after so many names; all by default.")] = None,
    by: Annotated[str, typer.Option(help="path or kind.")] = "path",
    as_json: Json = False,
) -> None:
    """Print the parts that sum to the total."""
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
    headings = [("layer type", "left")] if by == "kind" else [("path", "left"), ("layer type", "left")]
    rows = []
    for part, value in zip(parts, numbers, strict=True):
        labels = (part.kind,) if by == "kind" else (part.label or "(model)", part.kind)
        rows.append((*labels, plain(part.expression, shown), number(value), share(value, total)))
    last = (*[f"total, {convention}", ""][: len(headings)], "", number(sum(numbers)), share(total, total))
    result = table(*headings, ("rule", "left"), ("parameters", "right"), ("share", "right"))
    show(result, rows, last)
