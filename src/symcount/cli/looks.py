"""How a formula is to look: options that several commands have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from symcount.cli.options import Subject, option_of, pairs
from symcount.cli.output import ascii_only
from symcount.config.files import MAX_BYTES, looks_like_path
from symcount.errors import DomainError, NotationError
from symcount.reports.iverson import with_options
from symcount.typeset.presets import signs_of, with_symbols

__all__ = [
    "Inside",
    "Label",
    "Lhs",
    "Notation",
    "Numbers",
    "Prefix",
    "Relations",
    "Symbols",
    "SymbolsFile",
    "Width",
    "bracketed",
    "dressed",
    "related",
    "symbols_of",
]

Notation = Annotated[
    str | None,
    typer.Option("--notation", help="Letters: default, bert, vaswani, kaplan, llama, deepseek or fields."),
]
Symbols = Annotated[
    list[str] | None, typer.Option("--symbol", metavar="NAME=LATEX", help="Other LaTeX for a symbol. Repeatable.")
]
SymbolsFile = Annotated[
    Path | None,
    typer.Option("--symbols", metavar="FILE", help="A file of NAME=LATEX lines, or a JSON object of them."),
]
Numbers = Annotated[str, typer.Option("--numbers", help="Separators: comma {,}, thin \\,, siunitx or none.")]
Width = Annotated[
    str | None, typer.Option("--width", metavar="LENGTH", help="Break formulas at this width, such as 3.3in.")
]
Lhs = Annotated[str | None, typer.Option("--lhs", metavar="LATEX", help="The left-hand side, such as P_{\\mathrm{B}}.")]
Label = Annotated[str | None, typer.Option("--label", metavar="NAME", help="An equation with this label: eq:bert.")]
Prefix = Annotated[str | None, typer.Option("--prefix", metavar="NAME", help="What macros begin with: bertLarge.")]

Inside = Annotated[
    bool,
    typer.Option("--options", help="Options inside the formula, as [tied]: 1 where it is true, else 0."),
]
Relations = Annotated[
    list[str] | None,
    typer.Option("--relation", metavar="NAME=RULE", help="A size that is always made of others: I=4*H. Repeatable."),
]


def symbols_of(
    texts: Sequence[str] | None, file: Path | None = None, known: Sequence[str] | None = None
) -> dict[str, str]:
    """LaTeX by name, of `--symbol` and of a file of symbols; a single option goes before the file.

    Args:
        texts: of `--symbol`.
        file: of `--symbols`; it may name symbols that a model does not have.
        known: names that the model has, if the file's others are to be left out.

    Raises:
        NotationError: not `NAME=LATEX`, twice with two values, or a file that cannot be read.
    """
    found: dict[str, str] = {}
    for given in texts or ():
        name, sign, value = given.partition("=")
        if not sign or not name or not value:
            raise NotationError(f"--symbol {given!r}: expected NAME=LATEX, for example --symbol 'H=d_{{model}}'")
        if found.setdefault(name, value) != value:
            raise NotationError(f"--symbol {name} is given twice: {found[name]} and {value}; give it once")
    return {**(_read(file, known) if file is not None else {}), **found}


def bracketed(subject: Subject, inside: bool, options: Sequence[str] | None) -> Subject:
    """The same with those options inside the formula that have no value in *options*, if *inside*.

    Raises:
        SymcountError: see `symcount.with_options`.
    """
    if not inside:
        return subject
    chosen = {name: option_of(name, text) for name, text in pairs(options or (), "-o", "tie_word_embeddings=false")}
    model: Any = subject.config if looks_like_path(subject.source) else subject.source
    return replace(subject, formula=with_options(model, **chosen))


def related(subject: Subject, relations: Sequence[str] | None) -> Subject:
    """The same with sizes that are always made of others, each `NAME=RULE`.

    Raises:
        SymcountError: see `Formula.related`.
    """
    if not relations:
        return subject
    rules: dict[str, str] = {}
    for name, rule in pairs(relations, "--relation", "I=4*H"):
        letter = subject.formula.notation[name].letter
        if rules.setdefault(letter, rule) != rule:
            raise DomainError(f"--relation {name} is given twice: {rules[letter]} and {rule}; give it once")
    return replace(subject, formula=subject.formula.related(rules), made=frozenset(rules))


def dressed(subject: Subject, preset: str | None, texts: Sequence[str] | None, file: Path | None = None) -> Subject:
    """The same with its formula in the letters of a preset, and the author's own before them.

    Raises:
        NotationError, UnknownSymbolError: see `symbols_of` and `symcount.typeset.presets.with_symbols`.
    """
    own = symbols_of(texts, file, subject.formula.notation.names)
    if preset is None and not own:
        return subject
    before, letters = subject.formula.notation, with_symbols(subject.formula.notation, preset, own)
    signs = signs_of(letters, before, ascii_only=ascii_only())
    return replace(subject, formula=replace(subject.formula, notation=letters), signs=signs)


def _read(file: Path, known: Sequence[str] | None) -> dict[str, str]:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1).decode("utf-8")
    except OSError as error:
        raise NotationError(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise NotationError(f"{file}: expected a text in UTF-8") from None
    pairs = _object(file, content) if content.lstrip().startswith("{") else _lines(file, content)
    return {name: latex for name, latex in pairs.items() if known is None or name in known}


def _object(file: Path, content: str) -> dict[str, str]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise NotationError(f"{file}: expected a JSON object of LaTeX by name, or lines NAME=LATEX") from None
    if not all(isinstance(latex, str) and latex for latex in found.values()):
        raise NotationError(f"{file}: expected LaTeX as a text for each name")
    return dict(found)


def _lines(file: Path, content: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, sign, latex = (part.strip() for part in line.partition("="))
        if not (sign and name and latex):
            raise NotationError(f"{file}, line {number}: expected NAME=LATEX, got {line!r:.80}")
        found[name] = latex
    return found
