"""Commands that typeset: `latex`, `compare` and `shares`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

import typer

from symcount.cli.options import ConventionOption, Json, Options, Source, Subject, Values, load, told
from symcount.cli.output import ascii_only, emit, note, say
from symcount.compare import Comparison
from symcount.compare import compare as side_by_side
from symcount.errors import DomainError, NotationError, near
from symcount.pictures import shares as shares_of
from symcount.typeset import latexdoc, markdown, plaintext
from symcount.typeset.content import Table
from symcount.typeset.pdf import compile_document
from symcount.typeset.setting import Look
from symcount.typeset.targets import TARGETS
from symcount.typeset.text import text

__all__ = ["compare", "latex", "shares"]

_SUFFIXES = {
    ".tex": "latex", ".pdf": "pdf", ".md": "markdown", ".html": "html", ".htm": "html", ".mml": "mathml",
    ".txt": "text", ".sty": "macros", ".json": "json",
}  # fmt: skip
_WITH_SIZES = ("steps", "table", "leading", "notation")
_TABLES = ("text", "latex", "markdown")

Notation = Annotated[
    str | None,
    typer.Option("--notation", help="Letters: default, bert, vaswani, kaplan, llama, deepseek or fields."),
]
Symbols = Annotated[
    list[str] | None, typer.Option("--symbol", metavar="NAME=LATEX", help="Other LaTeX for a symbol. Repeatable.")
]
Numbers = Annotated[str, typer.Option("--numbers", help="Separators: comma {,}, thin \\,, siunitx or none.")]
Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write here instead of printing.")]


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
    numbers: Numbers = "comma",
    width: Annotated[
        str | None, typer.Option("--width", metavar="LENGTH", help="Break formulas at this width, such as 3.3in.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="latex, tex (a document), pdf, markdown, html, mathml, text, macros, json; or by FILE.",
        ),
    ] = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Typeset the closed form: LaTeX, a document, Markdown, HTML, text, or macros for a paper."""
    target = "json" if as_json else _target(to, output)
    subject = load(model, values, options)
    told(subject)
    look: Look = {
        "convention": convention,
        "notation": notation,
        "symbols": _symbols(symbols),
        "numbers": numbers,
        "width": width,
        "values": _given(subject),
    }
    shown = subject.formula
    if target == "json":
        setting = shown.setting(**look)
        item = {
            "class": shown.name,
            "convention": convention,
            "style": style,
            "latex": shown.latex(style, **look),
            "notation": [
                {"letter": e.letter, "latex": e.latex, "field": e.field, "meaning": e.meaning} for e in setting.used
            ],
        }
        if output is None:
            emit(item)
        else:
            _write(output, json.dumps(item, ensure_ascii=False) + "\n")
        return
    if (style in _WITH_SIZES or target not in ("latex", "mathml", "text")) and (
        words := subject.defaults_note(convention)
    ):
        note(words)
    if target == "pdf":
        if output is None:
            raise NotationError("a PDF is not printed: give a file, --output FILE.pdf")
        _write(output, compile_document(shown.typeset("tex", style, **look))[0])
        return
    result = shown.typeset("ascii" if target == "text" and output is None and ascii_only() else target, style, **look)
    if output is None:
        say(result)
    else:
        _write(output, result + "\n")


def compare(
    models: Annotated[list[str], typer.Argument(metavar="MODEL MODEL...", help="Class names, types or config files.")],
    convention: ConventionOption = "unique",
    to: Annotated[str, typer.Option("--to", help="text, latex or markdown.")] = "text",
    formulas: Annotated[bool, typer.Option("--formulas", help="Closed forms instead of numbers.")] = False,
    notation: Notation = None,
    numbers: Numbers = "comma",
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Put models side by side, part by part; of two, print what their formulas differ by."""
    if to not in _TABLES:
        raise NotationError(f"--to {to!r}: expected one of {', '.join(_TABLES)}.{near(to, _TABLES)}")
    subjects = [load(model) for model in models]
    for subject in subjects:
        told(subject)
    given = [_given(s) for s in subjects]
    found = side_by_side(
        *(s.formula for s in subjects), values=given, convention=convention, notation=notation, numbers=numbers
    )
    if as_json:
        for item in _described(found, subjects, convention):
            emit(item)
        return
    for subject in subjects:
        if words := subject.defaults_note(convention):
            note(words)
    table = found.formulas_table() if formulas else found.table()
    lines = [_table(table, to, numbers)]
    if len(subjects) == 2:
        lines.append(_difference(found, to))
    if output is None:
        say("\n\n".join(lines))
    else:
        _write(output, "\n\n".join(lines) + "\n")


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
    to: Annotated[str, typer.Option("--to", help="text, latex or markdown.")] = "text",
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Draw here: .svg, .png or .pdf (needs matplotlib).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print, or draw, in which parts of a model its parameters are as one of its sizes grows."""
    if to not in _TABLES:
        raise NotationError(f"--to {to!r}: expected one of {', '.join(_TABLES)}.{near(to, _TABLES)}")
    subject = load(model, values, options)
    told(subject)
    found = shares_of(
        subject.formula,
        symbol,
        _integers(sizes) if sizes is not None else None,
        along=[name.strip() for name in (along or "").split(",") if name.strip()],
        values=_given(subject),
        convention=convention,
    )
    if as_json:
        for position, size in enumerate(found.sizes):
            parts = {part: numbers[position] for part, numbers in found.parts.items()}
            emit({"class": found.name, found.entry.letter: size, "total": found.totals[position], "parts": parts})
    if output is not None:
        with _replacing(output) as temporary:
            found.draw(temporary)
    elif not as_json:
        say(_table(found.table(), to, "comma"))


def _target(to: str | None, output: Path | None) -> str:
    known = [*(t for t in TARGETS if t not in ("fragment", "ascii")), "pdf", "json"]
    if to is None:
        return "latex" if output is None else _SUFFIXES.get(output.suffix.lower(), "latex")
    if to not in known:
        raise NotationError(f"--to {to!r}: expected one of {', '.join(known)}.{near(to, known)}")
    return to


def _symbols(texts: Sequence[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for given in texts or ():
        name, sign, value = given.partition("=")
        if not sign or not name or not value:
            raise NotationError(f"--symbol {given!r}: expected NAME=LATEX, for example --symbol 'H=d_{{model}}'")
        if found.setdefault(name, value) != value:
            raise NotationError(f"--symbol {name} is given twice: {found[name]} and {value}; give it once")
    return found


def _given(subject: Subject) -> dict[str, Any]:
    return subject.given


def _integers(given: str) -> list[int]:
    try:
        return [int(part.replace("_", "")) for part in given.split(",")]
    except ValueError:
        raise DomainError(f"--sizes {given!r}: expected integers with commas between them, such as 256,512") from None


def _table(table: Table, to: str, numbers: str) -> str:
    if to == "latex":
        return latexdoc.tabular(table, numbers)
    return (
        markdown.block(table, numbers)
        if to == "markdown"
        else plaintext.columns(table, numbers, ascii_only=ascii_only())
    )


def _difference(found: Comparison, to: str) -> str:
    first, second = (f.name for f in found.formulas)
    if to == "text":
        return f"{first} - {second} = {text(found.difference_latex(), ascii_only=ascii_only())}"
    latex_form = rf"P_{{\text{{{first}}}}} - P_{{\text{{{second}}}}} = {found.difference_latex()}"
    return f"```math\n{latex_form}\n```" if to == "markdown" else f"\\[\n{latex_form}\n\\]"


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


def _write(path: Path, content: str | bytes) -> None:
    with _replacing(path) as temporary:
        if isinstance(content, bytes):
            temporary.write_bytes(content)
        else:
            temporary.write_text(content, encoding="utf-8")


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside *path* that takes its place at the end: it is never half written."""
    with NamedTemporaryFile(dir=path.parent, suffix=path.suffix, delete=False) as made:
        temporary = Path(made.name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
