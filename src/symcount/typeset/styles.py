r"""The styles in which a formula is written.

| style | what it is |
|---|---|
| `grouped` | in the order of the model, each stack of layers as a factor: `VH + N(12H^2 + 13H) + 2H` |
| `compact` | one line, like terms merged across the model |
| `expanded` | the plain polynomial, by degree |
| `annotated` | `grouped` with an underbrace for each part: `\underbrace{4H^2 + 4H}_{\text{attention}}` |
| `steps` | the derivation, part by part: formula, sizes put in, number |
| `table` | the parts and their layers: formula, shape, number, share |
| `leading` | what is left in a very large model, and the error that makes here |
| `notation` | the symbols: meaning, config field, size |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Literal

from sympy import expand

from symcount.errors import NotationError, near
from symcount.evaluate import compile_scalar
from symcount.notation import escape
from symcount.typeset.content import Cell, Content, Count, Formulas, Math, Table
from symcount.typeset.latex import Term, joined, sorted_terms, terms_of
from symcount.typeset.lines import aligned, broken, filled, indented
from symcount.typeset.measure import measure
from symcount.typeset.numbers import significant
from symcount.typeset.setting import Setting
from symcount.typeset.steps import steps
from symcount.typeset.table import table
from symcount.typeset.terms import arrange, compact

__all__ = ["STYLES", "Style", "compose"]

Style = Literal["grouped", "compact", "expanded", "annotated", "steps", "table", "leading", "notation"]


def compose(setting: Setting, style: str) -> Content:
    """The formula in a style.

    Raises:
        NotationError: no such style.
    """
    if style not in STYLES:
        raise NotationError(f"style {style!r}: expected one of {', '.join(STYLES)}.{near(str(style), list(STYLES))}")
    return STYLES[style](setting)


def _shown(setting: Setting, terms: tuple[Term, ...], width: float | None) -> Math:
    left = f"{setting.left} = " if setting.equation else ""
    return Math(left + aligned(broken(terms, None if width is None else width - measure(left))))


def _grouped(setting: Setting) -> Math:
    arranged = arrange(setting.tree, setting.ledger, setting.convention)
    return _shown(setting, terms_of(arranged, setting.notation), setting.width)


def _compact(setting: Setting) -> Math:
    arranged = compact(arrange(setting.tree, setting.ledger, setting.convention))
    return _shown(setting, terms_of(arranged, setting.notation), setting.width)


def _expanded(setting: Setting) -> Math:
    return _shown(setting, sorted_terms(expand(setting.total), setting.notation), setting.width)


def _annotated(setting: Setting) -> Math:
    terms: list[Term] = []
    width = None if setting.width is None else setting.width - 5.0  # the factor of a stack and its brackets
    for section in setting.sections:
        braces = tuple(_braced(terms_of(p.body, setting.notation), p.title, width) for p in section.pieces)
        if section.repeat == 1:
            terms += braces
            continue
        head = setting.latex(section.repeat)
        if section.repeat.is_Add:
            head = f"({head})"
        terms.append(Term(rf"{head}\bigl({joined([b.text for b in braces])}\bigr)", head, braces))
    return _shown(setting, tuple(terms), setting.width)


def _braced(terms: tuple[Term, ...], title: str, width: float | None) -> Term:
    return Term(rf"\underbrace{{{aligned(broken(terms, width))}}}_{{\text{{{escape(title)}}}}}")


def _leading(setting: Setting) -> Math:
    """`P ≈ …`, and the relative error at the sizes, which a rounded percentage says."""
    top = setting.leading()
    exact, shown = setting.at(setting.total), compile_scalar(top)(setting.values)
    error = significant((Fraction(shown) - exact) / exact)
    sizes = [
        f"{e.latex} = {setting.count(setting.values[e.letter])}" for e in setting.notation.restrict(top.free_symbols)
    ]
    left = rf"{setting.left} \approx "
    terms = sorted_terms(top, setting.notation)
    if setting.width is None:
        return Math(rf"{left}{joined([t.text for t in terms])} \quad ({error}\,\% \text{{ at }} {', '.join(sizes)})")
    first, *rest = (indented(*line) for line in broken(terms, setting.width, measure(left)))
    said = (
        filled([rf"({error}\,\% \text{{ at }} {sizes[0]}", *sizes[1:]], setting.width) if sizes else [rf"({error}\,\%"]
    )
    lines = [left + first, *(rf"\quad {line}" for line in rest), *said[:-1], f"{said[-1]})"]
    return Math("\\begin{aligned}[t]\n" + " \\\\\n".join(f"& {line}" for line in lines) + "\n\\end{aligned}")


def _notation(setting: Setting) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for e in setting.used:
        size = Count(setting.values[e.letter]) if e.letter in setting.values else ""
        rows.append((Formulas((e.latex,)), e.meaning, e.field, size))
    columns = (("Symbol", "left"), ("Meaning", "left"), ("Config field", "left"), ("Size", "right"))
    return Table(columns, rows)


STYLES: Mapping[str, Callable[[Setting], Content]] = {
    "grouped": _grouped,
    "compact": _compact,
    "expanded": _expanded,
    "annotated": _annotated,
    "steps": steps,
    "table": table,
    "leading": _leading,
    "notation": _notation,
}
