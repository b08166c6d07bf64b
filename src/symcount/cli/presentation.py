"""How a formula is shown in a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sympy import Expr, Symbol

from symcount.cli.output import ascii_only, encodable, number, say, show, table
from symcount.core.ledger import CONVENTIONS, Convention
from symcount.core.notation import Notation as Letters
from symcount.formulas.formula import Formula
from symcount.typeset.latex import set_symbols
from symcount.typeset.look import word
from symcount.typeset.plain import formula_plain, layers_first, set_plain
from symcount.typeset.presets import with_symbols
from symcount.typeset.text import text

__all__ = ["described", "letters_of", "plain", "present"]


def plain(expression: Expr, formula: Formula, letters: Letters | None = None) -> str:
    """An expression as text, multiplicities taken out; in other *letters* if such are wanted."""
    repeats = {s for row in formula.ledger for s in row.number.free_symbols if isinstance(s, Symbol)}
    collected = layers_first(expression, repeats)
    if letters is not None:
        return text(set_symbols(collected, letters), ascii_only=ascii_only())
    return set_plain(collected, ascii_only=ascii_only())


def letters_of(shown: Formula, notation: str | None, symbols: Mapping[str, str]) -> Letters | None:
    """The letters that were asked for; `None` for the formula's own."""
    return with_symbols(shown.notation, notation, symbols) if notation or symbols else None


def present(
    shown: Formula, convention: Convention, at: Mapping[str, Any], heading: str, letters: Letters | None = None
) -> None:
    """Print a formula: closed form, options, domain, symbols with the numbers *at* them, shared tensors."""
    say(f"{shown.name} ({shown.model_type})" if shown.model_type else shown.name)
    if shown.options:
        say(f"for {', '.join(f'{name} = {word(value)}' for name, value in shown.options.items())}")
    say("")
    if letters is None:
        say(f"P = {formula_plain(shown.tree, shown.ledger, convention, ascii_only=ascii_only())}")
    else:
        latex = shown.latex(convention=convention, symbols={e.letter: e.latex for e in letters})
        say(f"P = {text(latex, ascii_only=ascii_only())}")
    say(f"{encodable(shown.domain_text())}\n")
    rows = []
    for e in shown.notation:
        rule = "" if e.letter not in shown.filled else f"if left out {plain(shown.filled[e.letter], shown, letters)}"
        letter = e.letter if letters is None else text(letters[e.letter].latex, ascii_only=ascii_only())
        rows.append((letter, e.field, e.meaning, number(at[e.letter]) if e.letter in at else rule))
    show(table(("symbol", "left"), ("config field", "left"), ("meaning", "left"), (heading, "right")), rows)
    for row, owner in shown.shared:
        say(f"{row.tensor} is {owner.tensor}: {plain(row.total, shown, letters)} stored once")
    for other, expression in _differences(shown, convention):
        say(f"{other} - {convention} = {plain(expression, shown, letters)}")


def _differences(shown: Formula, convention: str) -> Iterator[tuple[str, Expr]]:
    for other in CONVENTIONS:
        if other != convention and (expression := shown.difference(other, convention)) != 0:
            yield other, expression


def described(shown: Formula, convention: str, at: Mapping[str, Any]) -> dict[str, Any]:
    """A formula as a JSON object."""
    return {
        "class": shown.name,
        "model_type": shown.model_type,
        "convention": convention,
        "formula": str(shown.total_as(convention)),
        "latex": shown.latex(convention=convention),
        "options": dict(shown.options),
        "domain": [str(c) for c in shown.domain],
        "symbols": [
            {
                "letter": e.letter,
                "field": e.field,
                "meaning": e.meaning,
                "value": at.get(e.letter),
                "filled": str(shown.filled[e.letter]) if e.letter in shown.filled else None,
            }
            for e in shown.notation
        ],
        "shared": [{"tensor": r.tensor, "is": o.tensor, "size": str(r.total)} for r, o in shown.shared],
        "differences": {other: str(expression) for other, expression in _differences(shown, convention)},
    }
