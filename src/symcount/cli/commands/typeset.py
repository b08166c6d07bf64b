"""The command `latex`, and what others typeset as it does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from symcount.cli.looks import (
    Inside,
    Label,
    Lhs,
    Notation,
    Numbers,
    Prefix,
    Relations,
    Symbols,
    SymbolsFile,
    Width,
    bracketed,
    related,
    symbols_of,
)
from symcount.cli.options import ConventionOption, Json, Options, Source, Subject, Values, load, told
from symcount.cli.output import ascii_only, emit, note
from symcount.cli.writing import Output, deliver, target_of, write
from symcount.code.languages import LANGUAGES
from symcount.errors import NotationError
from symcount.typeset.look import Look
from symcount.typeset.pdf import compile_document
from symcount.typeset.said import comment

__all__ = ["known", "latex", "typeset"]

_WITH_SIZES = ("steps", "table", "leading", "notation")
_COMMENTED = {"latex": "%", "typst": "//"}
_WITHOUT = ("latex", "mathml", "text", "typst", *LANGUAGES)


def latex(
    model: Source,
    values: Values = None,
    options: Options = None,
    convention: ConventionOption = "unique",
    style: Annotated[
        str,
        typer.Option(help="grouped, compact, expanded, annotated, steps, table, leading or notation."),
    ] = "grouped",
    notation: Notation = None,
    symbols: Symbols = None,
    symbols_file: SymbolsFile = None,
    numbers: Numbers = "comma",
    width: Width = None,
    relations: Relations = None,
    inside: Inside = False,
    lhs: Lhs = None,
    label: Label = None,
    prefix: Prefix = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="latex, tex (a document), pdf, markdown, pandoc, typst, html, mathml, text, csv, macros, json, "
            "or a program: python, c, javascript, mathematica; or by FILE.",
        ),
    ] = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Typeset the closed form: LaTeX, a document, Markdown, HTML, text, or macros for a paper."""
    target = "json" if as_json else target_of(to, output, extra=tuple(LANGUAGES))
    subject = related(bracketed(load(model, values, options), inside, options), relations)
    told(subject)
    look: Look = {
        "convention": convention,
        "notation": notation,
        "symbols": symbols_of(symbols, symbols_file, known(subject)),
        "numbers": numbers,
        "width": width,
        "lhs": lhs,
        "label": label,
        "prefix": prefix,
        "values": subject.given,
    }
    typeset(subject, look, style, target, output)


def typeset(subject: Subject, look: Look, style: str, target: str, output: Path | None) -> None:
    """Print or write a formula as *target*."""
    shown, convention = subject.formula, look.get("convention", "unique")
    if target in LANGUAGES:
        deliver(shown.code(target, convention=convention).rstrip("\n"), output)
        return
    if target == "json":
        item = _described(subject, look, style)
        if output is None:
            emit(item)
        else:
            write(output, json.dumps(item, ensure_ascii=False) + "\n")
        return
    if (style in _WITH_SIZES or target not in _WITHOUT) and (words := subject.defaults_note(convention)):
        note(words)
    if target == "pdf":
        if output is None:
            raise NotationError("a PDF is not printed: give a file, --output FILE.pdf")
        write(output, compile_document(shown.typeset("tex", style, **look))[0])
        return
    plain = target == "text" and output is None and ascii_only()
    result = shown.typeset("ascii" if plain else target, style, **look)
    if output is not None and target in _COMMENTED:  # a fragment in a file says what it is of
        result = f"{comment(shown.setting(**look), _COMMENTED[target])}\n{result}"
    deliver(result, output)


def _described(subject: Subject, look: Look, style: str) -> Mapping[str, Any]:
    shown = subject.formula
    return {
        "class": shown.name,
        "convention": look.get("convention", "unique"),
        "style": style,
        "latex": shown.latex(style, **look),
        "notation": [
            {"letter": e.letter, "latex": e.latex, "field": e.field, "meaning": e.meaning}
            for e in shown.setting(**look).used
        ],
    }


def known(subject: Subject) -> list[str]:
    """Names by which a file of symbols may mean a symbol of the formula."""
    return list(subject.formula.notation.names)
