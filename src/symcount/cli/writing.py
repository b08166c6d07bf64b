"""Files that commands write, and tables in the forms that several commands print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symcount.cli.output import ascii_only, say
from symcount.core.files import replacing
from symcount.errors import NotationError, near
from symcount.typeset import data, html, latexdoc, markdown, plaintext, typst
from symcount.typeset.content import Table
from symcount.typeset.targets import TARGETS

__all__ = ["Output", "TableTo", "deliver", "table", "tabled", "target_of", "write"]

_SUFFIXES = {
    ".tex": "latex", ".pdf": "pdf", ".md": "markdown", ".typ": "typst", ".html": "html", ".htm": "html",
    ".mml": "mathml", ".txt": "text", ".csv": "csv", ".sty": "macros", ".json": "json",
}  # fmt: skip
_TABLES = ("text", "latex", "markdown", "pandoc", "typst", "html", "csv")

Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write here instead of printing.")]
TableTo = Annotated[
    str | None, typer.Option("--to", help="text, latex, markdown, pandoc, typst, html or csv; or by FILE.")
]


def target_of(to: str | None, output: Path | None, otherwise: str = "latex", extra: tuple[str, ...] = ()) -> str:
    """What is to be written: what *to* says, or the ending of *output*.

    Raises:
        NotationError: there is no such target, or no target has such an ending.
    """
    known = [*(t for t in TARGETS if t not in ("fragment", "ascii")), "pdf", "json", *extra]
    if to is None:
        return otherwise if output is None else _by_ending(output, _SUFFIXES, otherwise)
    if to not in known:
        raise NotationError(f"--to {to!r}: expected one of {', '.join(known)}.{near(to, known)}")
    return to


def _by_ending(output: Path, endings: dict[str, str], otherwise: str) -> str:
    ending = output.suffix.lower()
    if ending and ending not in endings:
        raise NotationError(
            f"--output {output.name}: nothing here is written as {ending}; expected {', '.join(endings)}, "
            f"or say with --to what the file is to be"
        )
    return endings.get(ending, otherwise)


def tabled(to: str | None, output: Path | None, extra: tuple[str, ...] = ()) -> str:
    """The form of a table: what *to* says, or the ending of *output*.

    Raises:
        NotationError: a table has no such form.
    """
    known = [*_TABLES, *extra]
    if to is None:
        endings = {ending: form for ending, form in _SUFFIXES.items() if form in _TABLES}
        return "text" if output is None else _by_ending(output, endings, "text")
    if to not in known:
        raise NotationError(f"--to {to!r}: expected one of {', '.join(known)}.{near(to, known)}")
    return to


def table(content: Table, to: str, numbers: str = "comma", width: float | None = None) -> str:
    """A table in one of its forms; *width* in em, for LaTeX."""
    match to:
        case "latex":
            return latexdoc.tabular(content, numbers, width)
        case "markdown" | "pandoc":
            return markdown.block(content, numbers, dollars=to == "pandoc")
        case "typst":
            return typst.block(content, numbers)
        case "html":
            return html.block(content, numbers)
        case "csv":
            return data.rows(content)
    return plaintext.columns(content, numbers, ascii_only=ascii_only())


def deliver(result: str, output: Path | None) -> None:
    """Print *result*, or write it."""
    if output is None:
        say(result)
    else:
        write(output, result + "\n")


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as temporary:
        if isinstance(content, bytes):
            temporary.write_bytes(content)
        else:
            temporary.write_text(content, encoding="utf-8")
