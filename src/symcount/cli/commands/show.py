"""Commands that show a formula: `formula`, `diff`, `list`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from sympy import Expr, fraction

from symcount.architectures import find, names
from symcount.atlas.store import atlas
from symcount.cli.commands.typeset import known, typeset
from symcount.cli.looks import Inside, Notation, Relations, Symbols, SymbolsFile, bracketed, related, symbols_of
from symcount.cli.options import ConventionOption, Json, Options, Source, Values, load, told
from symcount.cli.output import ascii_only, emit, exactly, note, number, say, show, table
from symcount.cli.presentation import described, letters_of, plain, present
from symcount.cli.writing import Output, target_of
from symcount.code.languages import LANGUAGES
from symcount.config.files import is_adapter, is_checkpoint
from symcount.core.ledger import check_convention
from symcount.core.notation import Notation as Letters
from symcount.core.values import exact, title
from symcount.errors import DomainError, UnknownModelError, near
from symcount.exact.evaluate import compile_scalar
from symcount.formulas.formula import Formula
from symcount.typeset.look import Look, word

__all__ = ["diff", "formula", "list_models"]


def formula(
    model: Source,
    values: Values = None,
    options: Options = None,
    convention: ConventionOption = "unique",
    notation: Notation = None,
    symbols: Symbols = None,
    symbols_file: SymbolsFile = None,
    relations: Relations = None,
    inside: Inside = False,
    to: Annotated[
        str | None, typer.Option("--to", help="What `latex --to` knows: html (a page to play with), pdf, python, c, …")
    ] = None,
    output: Output = None,
    base: Annotated[str | None, typer.Option("--base", metavar="MODEL", help="Of an adapter: its base model.")] = None,
    as_json: Json = False,
) -> None:
    """Print the closed form, its domain, its symbols and its shared tensors; or write a page to play with.

    Of an adapter it is what is trained; of a file of weights the numbers are those of its shapes.
    """
    if is_adapter(model):
        from symcount.cli.adapters import adapter_formula

        adapter_formula(model, base, convention, as_json)
        return
    if is_checkpoint(Path(model)):
        from symcount.cli.checkpoints import formula_of_file

        formula_of_file(Path(model), convention, as_json)
        return
    subject = related(bracketed(load(model, values, options), inside, options), relations)
    told(subject)
    shown, checked = subject.formula, check_convention(convention)
    at = subject.given
    for letter, value in at.items():
        exact(shown.notation[letter], value)
    chosen = symbols_of(symbols, symbols_file, known(subject))
    if as_json:
        emit(described(shown, convention, at))
        return
    if to is not None or output is not None:
        look: Look = {"convention": convention, "notation": notation, "symbols": chosen, "values": at}
        typeset(subject, look, "grouped", target_of(to, output, extra=tuple(LANGUAGES)), output)
        return
    stated = subject.config.source != model or subject.config.fields or subject.overrides
    heading = "value" if subject.overrides else "in the config" if stated else "default"
    present(shown, checked, at, heading, letters_of(shown, notation, chosen))


def diff(
    model: Source,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="A letter or config field.")],
    values: Values = None,
    options: Options = None,
    convention: ConventionOption = "unique",
    notation: Notation = None,
    symbols: Symbols = None,
    symbols_file: SymbolsFile = None,
    as_json: Json = False,
) -> None:
    """Print what changes with one symbol: derivative, finite difference and elasticity."""
    subject = load(model, values, options)
    told(subject)
    shown = subject.formula
    entry = shown.notation[symbol]
    results = {"step": shown.step(symbol, convention=convention)}
    try:
        smooth = {"derivative": shown.diff(symbol, convention), "elasticity": shown.elasticity(symbol, convention)}
        results = {"derivative": smooth["derivative"], **results, "elasticity": smooth["elasticity"]}
    except DomainError as error:
        note(str(error).partition(";")[0])
    at = subject.values(convention)
    numbers = {name: compile_scalar(expression)(at) for name, expression in results.items()}
    if as_json:
        emit(
            {
                "class": shown.name,
                "symbol": entry.letter,
                "field": entry.field,
                "convention": convention,
                **{name: str(expression) for name, expression in results.items()},
                "values": exactly(at),
                "at": exactly(numbers),
            }
        )
        return
    if words := subject.defaults_note(convention):
        note(words)
    letters = letters_of(shown, notation, symbols_of(symbols, symbols_file, known(subject)))
    letter, d = plain(entry.symbol, shown, letters), "d" if ascii_only() else "∂"
    names_of = {
        "derivative": f"{d}P/{d}{letter}",
        "step": f"P({letter}+1) - P({letter})",
        "elasticity": f"{letter}/P {d}P/{d}{letter}",
    }
    say(f"{shown.name}, {title(entry)} = {number(at[entry.letter]) if entry.letter in at else 'not needed'}")
    for name, expression in results.items():
        result = numbers[name]
        value = number(result) if isinstance(result, int) else _fraction(result)
        say(f"\n{names_of[name]} = {_ratio(expression, shown, letters)}\n  = {value}")


def _ratio(expression: Expr, shown: Formula, letters: Letters | None) -> str:
    top, bottom = fraction(expression)
    over = plain(top, shown, letters)
    return over if bottom == 1 else f"({over})/({plain(bottom, shown, letters)})"


def _fraction(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator} = {float(value):.6g}"  # the decimal is for the eye


def list_models(
    pattern: Annotated[str | None, typer.Argument(metavar="PATTERN", help="A part of the name.")] = None,
    as_json: Json = False,
) -> None:
    """List the models that have a formula."""
    wanted = (pattern or "").lower()
    found = [find(n) for n in names() if wanted in n.lower() or wanted in find(n).model_type]
    composed = {item.name for item in found}
    stored = atlas()
    others = [] if stored is None else [(n, stored.model_types(n)[0]) for n in stored.names if n not in composed]
    others = [(n, kind) for n, kind in others if wanted in n.lower() or wanted in kind]
    if not found and not others:
        known = [*names(), *(stored.names if stored is not None else ())]
        raise UnknownModelError(f"no model matches {pattern!r}.{near(str(pattern), known)} See: symcount list")
    if as_json:
        for item in found:
            emit({"class": item.name, "model_type": item.model_type, "options": {**item.options, **item.arguments}})
        for name, kind in others:
            emit({"class": name, "model_type": kind})
        return
    rows = []
    for item in found:
        options = {**item.options, **item.arguments}
        rows.append((item.name, item.model_type, ", ".join(f"{k}={word(v)}" for k, v in options.items())))
    rows += [(name, kind, "") for name, kind in others]
    show(table(("class", "left"), ("model type", "left"), ("options and their defaults", "left")), rows)
