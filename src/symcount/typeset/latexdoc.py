r"""LaTeX: a fragment for a paper, and a whole document that compiles with a plain TeX Live.

A formula is given without dollar signs; `steps` is an `align*`, a table a `tabular` with booktabs' rules. The document
needs amsmath, array, booktabs and geometry (and siunitx, where numbers are its).
"""

from __future__ import annotations

from dataclasses import replace

from symcount.errors import NotationError
from symcount.notation import escape
from symcount.typeset.content import Cell, Content, Count, Formulas, Math, Share, Table
from symcount.typeset.measure import measure
from symcount.typeset.numbers import digits, percent
from symcount.typeset.setting import Setting
from symcount.typeset.styles import compose

__all__ = ["document", "fragment"]

_PAGE = 6.3  # inches: the text width of a page of its own
_WIDEST = 15.0  # em: beyond that, a column of formulas is a paragraph that may be broken


def fragment(setting: Setting, style: str) -> str:
    """The formula in *style*, to be put into a paper."""
    return _latex(compose(setting, style), setting.numbers)


def document(setting: Setting, style: str) -> str:
    """A document with the formula in *style*, its domain, its leading term and its notation.

    Raises:
        NotationError: no such style.
    """
    page = f"{_PAGE}in" if setting.width is None else f"{round(setting.width * 10, 2)}pt"
    wide = setting.width if setting.width is not None else _PAGE * 7.227
    shown = replace(setting, width=wide, equation=True)
    packages = "amsmath array booktabs".split() + (["siunitx"] if setting.numbers == "siunitx" else [])
    content = compose(shown, style)
    lines = [
        r"\documentclass{article}",
        rf"\usepackage[textwidth={page},textheight=9.5in]{{geometry}}",
        *(rf"\usepackage{{{package}}}" for package in packages),
        r"\allowdisplaybreaks",
        r"\setlength{\parindent}{0pt}",
        r"\setlength{\tabcolsep}{4pt}",
        r"\begin{document}",
        rf"\section*{{Parameters of {_breakable(setting.name)}}}",
        "",
        _paragraph(content, setting.numbers),
        "",
    ]
    if setting.domain:
        conditions = ", ".join(f"${c.latex(setting.latex)}$" for c in setting.domain)
        lines += [rf"\raggedright Valid where {conditions}.\par", ""]
    if style not in ("leading", "notation") and setting.total.free_symbols:
        lines += [_paragraph(compose(shown, "leading"), setting.numbers), ""]
    if style != "notation":
        lines += [_paragraph(compose(shown, "notation"), setting.numbers), ""]
    return "\n".join([*lines, r"\end{document}"])


def _breakable(name: str) -> str:
    """A class name, which may be broken before a capital letter."""
    return "".join(rf"\allowbreak {c}" if i and c.isupper() and name[i - 1].islower() else escape(c) for i, c in enumerate(name))


def _paragraph(content: Content, numbers: str) -> str:
    if isinstance(content, Table):
        return f"\\begin{{center}}\n\\small\n{_tabular(content, numbers)}\n\\end{{center}}"
    return content.latex if content.standalone else f"\\[\n{content.latex}\n\\]"


def _latex(content: Content, numbers: str) -> str:
    return content.latex if isinstance(content, Math) else _tabular(content, numbers)


def _tabular(table: Table, numbers: str) -> str:
    sides = []
    for position, (_, side) in enumerate(table.columns):
        cells = [row[position] for row in table.rows]
        long = [max(map(measure, c.latex)) for c in cells if isinstance(c, Formulas)]
        widest = max(long, default=0.0)
        paragraph = rf">{{\raggedright\arraybackslash}}p{{{_WIDEST:g}em}}"
        sides.append(paragraph if widest > _WIDEST else side[0])
    lines = [rf"\begin{{tabular}}{{@{{}}{''.join(sides)}@{{}}}}", r"\toprule"]
    lines += [" & ".join(heading for heading, _ in table.columns) + r" \\", r"\midrule"]
    for number, row in enumerate(table.rows):
        indent = r"\quad " * table.level(number)
        lines.append(indent + " & ".join(_cell(cell, numbers) for cell in row) + r" \\")
    if table.total is not None:
        lines += [r"\midrule", " & ".join(_cell(cell, numbers) for cell in table.total) + r" \\"]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _cell(cell: Cell, numbers: str) -> str:
    match cell:
        case Formulas(latex, before):
            return before + ", ".join(f"${formula}$" for formula in latex)
        case Count(value):
            written = digits(value, numbers)
            return f"${written}$" if numbers != "siunitx" else written
        case Share(part, whole):
            return rf"{percent(part, whole)}\,\%"
        case str():
            return escape(cell)
    raise NotationError(f"a table cannot show {cell!r}")
