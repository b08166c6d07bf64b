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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Literal

from sympy import Expr, expand

from symcount.core.notation import escape
from symcount.errors import NotationError, near
from symcount.typeset.content import Cell, Content, Count, Formulas, Math, Table
from symcount.typeset.latex import Term, joined, sorted_terms, terms_of
from symcount.typeset.leading import leading_at
from symcount.typeset.lines import aligned, broken, filled, indented
from symcount.typeset.measure import measure
from symcount.typeset.numbers import significant
from symcount.typeset.setting import Setting
from symcount.typeset.steps import steps
from symcount.typeset.table import table
from symcount.typeset.terms import Group, Sum, compact

__all__ = ["STYLES", "Style", "compose", "form", "form_terms", "leading_error"]

Style = Literal["grouped", "compact", "expanded", "annotated", "steps", "table", "leading", "notation"]


_ALIGNED_END = "\n\\end{aligned}"


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


def _defined(setting: Setting, terms: tuple[Term, ...], names: tuple[str, ...] = ()) -> Math:
    """The formula, and behind it what its sums are of, and its *names* mean."""
    definitions = (*names, *setting.definitions)
    if not definitions:
        return _shown(setting, terms, setting.width)
    said = r",\quad ".join(definitions)
    last = terms[-1]
    whole = _shown(setting, (*terms[:-1], replace(last, text=f"{last.text},")), setting.width)
    if setting.width is None:
        return Math(rf"{whole.latex}\quad {said}")
    lines = [f"{d}," if n + 1 < len(definitions) else d for n, d in enumerate(definitions)]
    latex = whole.latex
    if r"\begin{aligned}" not in latex:
        latex = f"\\begin{{aligned}}[t]\n& {latex}\n\\end{{aligned}}"
    rows = "".join(f" \\\\\n& {line}" for line in lines)
    return Math(f"{latex.removesuffix(_ALIGNED_END)}{rows}{_ALIGNED_END}")


def _grouped(setting: Setting) -> Math:
    if setting.equation and len(setting.parts) > 1:
        return _in_parts(setting)
    return _defined(setting, form_terms(setting), setting.names)


def _in_parts(setting: Setting) -> Math:
    r"""A model of several towers, each on lines of its own: `P = P_{\text{text}} + P_{\text{vision}}`."""
    titles = part_titles([name for name, _ in setting.parts])
    labels = [rf"{setting.letter}_{{\text{{{escape(title)}}}}}" for title in titles]
    lines = [f"{setting.left} = {' + '.join(labels)}"]
    for label, (_, part) in zip(labels, setting.parts, strict=True):
        left = f"{label} = "
        first, *rest = broken(terms_of(part, setting.letters), setting.width, measure(left))
        lines += [left + indented(*first), *(rf"\quad {indented(*line)}" for line in rest)]
    lines += [*setting.names, *setting.definitions]
    return Math("\\begin{aligned}[t]\n" + " \\\\\n".join(f"& {line}" for line in lines) + _ALIGNED_END)


def part_titles(names: Sequence[str]) -> list[str]:
    """What the parts of a composite model are called, by their sub-configs.

    >>> part_titles(["text_config", "vision_config", ""])
    ['text', 'vision', 'other']
    """
    words = [[w for part in name.split(".") for w in part.split("_") if w not in ("config", "model")] for name in names]
    short = [" ".join(w[-1:]) or "other" for w in words]
    return short if len(set(short)) == len(short) else [" ".join(w) or "other" for w in words]


def _compact(setting: Setting) -> Math:
    return _defined(setting, form_terms(setting, "compact"), setting.names)


def _expanded(setting: Setting) -> Math:
    return _shown(setting, sorted_terms(expand(setting.total), setting.notation), setting.width)


def _annotated(setting: Setting) -> Math:
    terms: list[Term] = []
    width = None if setting.width is None else setting.width - 5.0  # the factor of a stack and its brackets
    for section in setting.sections:
        braces = tuple(_braced(terms_of(p.body, setting.letters), p.title, width) for p in section.pieces)
        if section.repeat == 1:
            terms += braces
            continue
        if len(section.pieces) == 1:
            (piece,) = section.pieces
            terms.append(
                _braced(terms_of(Sum([Group(section.repeat, piece.body)]), setting.letters), piece.title, width)
            )
            continue
        head = setting.latex(section.repeat)
        if section.repeat.is_Add:
            head = f"({head})"
        terms.append(Term(rf"{head}\bigl({joined([b.text for b in braces])}\bigr)", head, braces))
    return _defined(setting, tuple(terms))


def _braced(terms: tuple[Term, ...], title: str, width: float | None) -> Term:
    return Term(rf"{{\underbrace{{{aligned(broken(terms, width))}}}_{{\text{{{escape(title)}}}}}}}")


def _leading(setting: Setting) -> Math:
    """`P ≈ …`, and the relative error at the sizes, which a rounded percentage says."""
    found = leading_error(setting)
    if found is None:
        return Math(rf"\text{{No few terms make up four fifths of }} {setting.symbol} \text{{ at these sizes.}}")
    top, exact_error = found
    error = significant(exact_error)
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


def leading_error(setting: Setting) -> tuple[Expr, Fraction] | None:
    """The leading terms and their relative error at the sizes; `None` where no few terms lead."""
    grow = {e.symbol for e in setting.notation if e.scales}
    found = leading_at(setting.total, grow, setting.values)
    if found is None or len(setting.latex(found[0])) >= len(joined([t.text for t in form_terms(setting)])):
        return None
    return found


def form(setting: Setting, style: str) -> Sum:
    """The formula in the style `grouped` or `compact`, before it is printed: its value is the total."""
    return compact(setting.arranged) if style == "compact" else setting.arranged


def form_terms(setting: Setting, style: str = "grouped") -> tuple[Term, ...]:
    """The printed terms of `form`."""
    return terms_of(form(setting, style), setting.letters)


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
