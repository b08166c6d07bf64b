"""Commands that put numbers side by side: `compare` and `shares`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from symcount.cli.commands.typeset import known
from symcount.cli.looks import Notation, Numbers, Symbols, SymbolsFile, Width, dressed, symbols_of
from symcount.cli.options import ConventionOption, Json, Options, Source, Subject, Values, completed, load, told
from symcount.cli.output import ascii_only, emit, note
from symcount.cli.writing import deliver, table, tabled
from symcount.config.files import looks_like_path
from symcount.core.notation import escape
from symcount.errors import DomainError
from symcount.reports.compare import Comparison
from symcount.reports.compare import compare as side_by_side
from symcount.reports.shares import shares as shares_of
from symcount.typeset.figure import FORMATS
from symcount.typeset.mathml import mathml
from symcount.typeset.measure import em
from symcount.typeset.text import text
from symcount.typeset.typst import math

__all__ = ["compare", "shares"]

To = Annotated[
    str | None, typer.Option("--to", help="text, latex, markdown, pandoc, typst, html, csv or pgfplots; or by FILE.")
]
Size = Annotated[str, typer.Option("--size", metavar="WxH", help="Of a picture, such as 3.3x2.4in.")]


def compare(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL MODEL...", help="Class names, types or config files.", autocompletion=completed),
    ],
    convention: ConventionOption = "unique",
    to: To = None,
    formulas: Annotated[bool, typer.Option("--formulas", help="Closed forms instead of numbers.")] = False,
    rows: Annotated[bool, typer.Option("--rows", help="Models as rows: the total and each part's share.")] = False,
    about: Annotated[bool, typer.Option("--about", help="Rounded totals (20.9B) beside exact ones.")] = False,
    names: Annotated[
        list[str] | None, typer.Option("--name", metavar="NAME", help="How a model is called, in order. Repeatable.")
    ] = None,
    notation: Notation = None,
    symbols: Symbols = None,
    symbols_file: SymbolsFile = None,
    numbers: Numbers = "comma",
    width: Width = None,
    size: Size = "7x3.6in",
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write here; bars as .svg, .png or .pdf (needs matplotlib)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Put models side by side, part by part; of two, print what their formulas differ by."""
    picture = to is None and output is not None and output.suffix.lower() in FORMATS
    form = "text" if picture else tabled(to, output, ("pgfplots",))
    subjects = [load(model) for model in models]
    for subject in subjects:
        told(subject)
    found = side_by_side(
        *(s.formula for s in subjects),
        values=[s.given for s in subjects],
        convention=convention,
        notation=notation,
        numbers=numbers,
        symbols=symbols_of(symbols, symbols_file, [name for s in subjects for name in known(s)]),
        names=names or _called(subjects),
    )
    if as_json:
        for item in _described(found, subjects, convention):
            emit(item)
        return
    for subject in subjects:
        if words := subject.defaults_note(convention):
            note(words)
    if picture and output is not None:
        found.draw(output, size)
        return
    if form == "pgfplots":
        deliver(found.bars(width), output)
        return
    shown = found.formulas_table() if formulas else found.table(models="rows" if rows else "columns", short=about)
    lines = [table(shown, form, numbers, None if width is None else em(width))]
    if len(subjects) == 2 and form != "csv":
        lines.append(_difference(found, form))
    deliver("\n\n".join(lines), output)


def shares(
    model: Source,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="The letter or config field that grows.")],
    values: Values = None,
    options: Options = None,
    convention: ConventionOption = "unique",
    sizes: Annotated[
        str | None, typer.Option("--sizes", metavar="N,N,…", help="Its values; a quarter to four times by default.")
    ] = None,
    along: Annotated[
        str | None, typer.Option("--along", metavar="NAME,…", help="Sizes that grow in proportion to it.")
    ] = None,
    notation: Notation = None,
    symbols: Symbols = None,
    symbols_file: SymbolsFile = None,
    to: To = None,
    size: Size = "7x3.6in",
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write here; drawn as .svg, .png or .pdf (needs matplotlib)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print, or draw, in which parts of a model its parameters are as one of its sizes grows."""
    picture = to is None and output is not None and output.suffix.lower() in FORMATS
    form = "text" if picture else tabled(to, output, ("pgfplots",))
    subject = load(model, values, options)
    told(subject)
    signs = dressed(subject, notation, symbols, symbols_file).signs
    found = shares_of(
        subject.formula,
        symbol,
        _integers(sizes) if sizes is not None else None,
        along=[name.strip() for name in (along or "").split(",") if name.strip()],
        values=subject.given,
        convention=convention,
    )
    found = replace(found, signs=signs)
    if as_json:
        for position, at in enumerate(found.sizes):
            parts = {part: numbers[position] for part, numbers in found.parts.items()}
            emit({"class": found.name, found.entry.letter: at, "total": found.totals[position], "parts": parts})
    if picture and output is not None:
        found.draw(output, size)
    elif output is not None or not as_json:
        deliver(found.bars() if form == "pgfplots" else table(found.table(), form), output)


def _called(subjects: Sequence[Subject]) -> list[str]:
    """How models are called: by their classes, and two of one class by the files that they come from."""
    classes = Counter(s.formula.name for s in subjects)
    if max(classes.values(), default=0) < 2:
        return []
    return [_file(s.source) if classes[s.formula.name] > 1 and looks_like_path(s.source) else s.formula.name
            for s in subjects]  # fmt: skip


def _file(source: str) -> str:
    path = Path(source)
    return path.parent.name or path.stem if path.stem == "config" else path.stem


def _integers(given: str) -> list[int]:
    try:
        return [int(part.replace("_", "")) for part in given.split(",")]
    except ValueError:
        raise DomainError(f"--sizes {given!r}: expected integers with commas between them, such as 256,512") from None


def _difference(found: Comparison, to: str) -> str:
    first, second = found.names
    if to == "text":
        return f"{first} - {second} = {text(found.difference_latex(), ascii_only=ascii_only())}"
    latex_form = rf"P_{{\text{{{escape(first)}}}}} - P_{{\text{{{escape(second)}}}}} = {found.difference_latex()}"
    match to:
        case "markdown":
            return f"```math\n{latex_form}\n```"
        case "pandoc":
            return f"$$\n{latex_form}\n$$"
        case "typst":
            return f"$ {math(latex_form)} $"
        case "html":
            return f"<p>{mathml(latex_form)}</p>"
    return f"\\[\n{latex_form}\n\\]"


def _described(found: Comparison, subjects: Sequence[Subject], convention: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for position, (subject, total) in enumerate(zip(subjects, found.totals, strict=True)):
        parts = {
            line.category: {"formula": str(part.expression), "count": part.count}
            for line in found.lines
            if (part := line.parts[position]) is not None
        }
        items.append(
            {
                "source": subject.source,
                "class": subject.formula.name,
                "convention": convention,
                "formula": str(subject.formula.total_as(convention)),
                "total": total,
                "parts": parts,
            }
        )
    if len(items) == 2:
        items.append({"difference": str(found.difference)})
    return items
