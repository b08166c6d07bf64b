r"""LaTeX: a fragment for a paper, and a whole document that compiles with a plain TeX Live.

A formula is given without dollar signs; `steps` is an `align*`, a table a `tabular` with booktabs' rules. The document
needs amsmath, array, booktabs, longtable and geometry (and siunitx, where numbers are its).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symcount.core.notation import escape
from symcount.errors import NotationError
from symcount.typeset.content import Cell, Content, Count, Formulas, Math, Share, Table
from symcount.typeset.measure import measure
from symcount.typeset.numbers import digits, percent
from symcount.typeset.said import holds_for, total_at_sizes
from symcount.typeset.setting import Setting
from symcount.typeset.styles import compose

__all__ = ["document", "fragment", "paragraph", "tabular"]

_PAGE = 6.3  # inches: the text width of a page of its own
_WIDEST = 15.0  # em: beyond that, a column is of paragraphs, which may be broken
_DISPENSABLE = ("Shape", "Share")  # what a table that is too wide goes without, in this order
_LETTER = 0.53  # em: an upright letter of a word
_NARROWEST = 6.0  # em


def fragment(setting: Setting, style: str) -> str:
    """The formula in *style*, to be put into a paper."""
    content = compose(setting, style)
    if setting.label is not None and (not isinstance(content, Math) or content.standalone):
        raise NotationError(f"label {setting.label!r}: style {style!r} is not one equation; only such are labelled")
    if isinstance(content, Math):
        shown = content.latex
        return shown if setting.label is None else _equation(shown, setting.label)
    return tabular(content, setting.numbers, setting.width)


def _equation(latex: str, label: str) -> str:
    return f"\\begin{{equation}}\\label{{{label}}}\n{latex}\n\\end{{equation}}"


def document(setting: Setting, style: str) -> str:
    """A document with the formula in *style*, its domain and its notation.

    Raises:
        NotationError: no such style.
    """
    page = f"{_PAGE}in" if setting.width is None else f"{round(setting.width * 10, 2)}pt"
    wide = setting.width if setting.width is not None else _PAGE * 7.227
    shown = replace(setting, width=wide, equation=True)
    packages = "amsmath array booktabs longtable".split() + (["siunitx"] if setting.numbers == "siunitx" else [])
    content = compose(shown, style)
    lines = [
        r"\documentclass{article}",
        rf"\usepackage[textwidth={page},textheight=9.5in]{{geometry}}",
        *(rf"\usepackage{{{package}}}" for package in packages),
        r"\allowdisplaybreaks",
        r"\setlength{\parindent}{0pt}",
        r"\setlength{\tabcolsep}{4pt}",
        r"\begin{document}",
        rf"\section*{{\raggedright {setting.unit.capitalize()} of {_in_words(setting.name)}}}",
        rf"\raggedright {'; '.join(escape(said) for said in holds_for(setting))}.\par",
        "",
        paragraph(content, shown),
        "",
    ]
    if setting.conditions:
        conditions = ", ".join(f"${condition}$" for condition in setting.conditions)
        lines += [rf"\raggedright Valid where {conditions}.\par", ""]
    if (total := total_at_sizes(shown)) is not None:
        lines += [rf"${total}$ at the sizes below.\par", ""]
    if style != "notation":
        lines += [paragraph(compose(shown, "notation"), shown), ""]
    return "\n".join([*lines, r"\end{document}"])


def _in_words(name: str) -> str:
    """A class name, which may be broken before a capital letter."""
    return "".join(
        rf"\allowbreak {c}" if i and c.isupper() and name[i - 1].islower() else escape(c) for i, c in enumerate(name)
    )


def paragraph(content: Content, setting: Setting) -> str:
    """A formula as a display, a table that may be longer than a page."""
    if isinstance(content, Table):
        rows = tabular(content, setting.numbers, setting.width).replace(
            "{tabular}", "{longtable}"
        )  # over several pages, with the headings on each
        rows = rows.replace("\\midrule", "\\midrule\n\\endhead", 1)
        return f"\\begingroup\\small\n{rows}\n\\endgroup"
    if setting.label is not None and not content.standalone:
        return _equation(content.latex, setting.label)
    return content.latex if content.standalone else f"\\[\n{content.latex}\n\\]"


def tabular(table: Table, numbers: str = "comma", width: float | None = None) -> str:
    """A table in LaTeX, with booktabs' rules; in a narrow column cells are broken, and shapes left out."""
    columns = list(range(len(table.columns)))
    sizes = {i: _natural(table, i, numbers) for i in columns}
    stacked = width is not None and _total(sizes) > width
    if stacked:
        sizes = {i: _natural(table, i, numbers, stacked) for i in columns}
    shrunk = _shrunk(table, sizes, width)
    if width is not None and _total(sizes) > width:
        for heading in _DISPENSABLE:
            if _total({**sizes, **shrunk}) > width or heading == _DISPENSABLE[0]:
                sizes = {i: size for i, size in sizes.items() if table.columns[i][0] != heading}
                shrunk = _shrunk(table, sizes, width)
    sides = "".join(
        rf">{{\raggedright\arraybackslash}}p{{{shrunk[i]:.4g}em}}" if i in shrunk else table.columns[i][1][0]
        for i in sizes
    )

    def line(row: Sequence[Cell], indent: str = "") -> str:
        return indent + " & ".join(_cell(row[i], numbers, i in shrunk) for i in sizes) + r" \\"

    lines = [rf"\begin{{tabular}}{{@{{}}{sides}@{{}}}}", r"\toprule"]
    heads = [_heading(*table.columns[i], stacked and i not in shrunk) for i in sizes]
    lines += [" & ".join(heads) + r" \\", r"\midrule"]
    lines += [line(row, r"\quad " * table.level(i)) for i, row in enumerate(table.rows)]
    if table.total is not None:
        lines += [r"\midrule", line(table.total)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _words(heading: str) -> list[str]:
    """The lines of a heading that is broken: `cross-` and `attention`."""
    return heading.replace("-", "- ").split()


def _heading(heading: str, side: str, stacked: bool) -> str:
    words = [escape(word) for word in _words(heading)]
    lines = r" \\ ".join(words)
    return rf"\shortstack[{side[0]}]{{{lines}}}" if stacked and len(words) > 1 else escape(heading)


def _natural(table: Table, column: int, numbers: str, stacked: bool = False) -> float:
    """The width of a column whose cells are not broken, in em; its heading may be, if *stacked*."""
    cells = [row[column] for row in (*table.rows, table.total or ()) if row]
    heading = table.columns[column][0]
    widest = _LETTER * max(map(len, _words(heading) if stacked else [heading]), default=0)
    for number, cell in enumerate(cells):
        match cell:
            case Formulas(latex, before):
                size = sum(map(measure, latex)) + 0.8 * (len(latex) - 1) + 0.5 * len(before)
            case Count(value):
                size = measure(digits(value, numbers))
            case str():
                size = _LETTER * len(cell) + (
                    1.0 if column == 0 and number < len(table.rows) and table.level(number) else 0
                )
            case _:
                size = 3.6  # a share
        widest = max(widest, size)
    return widest


def _total(sizes: Mapping[int, float]) -> float:
    return sum(sizes.values()) + 1.2 * (len(sizes) - 1)  # twice \tabcolsep


def _breakable_columns(table: Table, sizes: Mapping[int, float]) -> list[int]:
    """The columns of words and lists: a formula is broken already, a number never."""
    return [i for i in sizes if table.columns[i][1] == "left" and table.columns[i][0] != "Formula"]


def _shrunk(table: Table, sizes: Mapping[int, float], width: float | None) -> dict[int, float]:
    """The widths of the columns whose cells must be broken: the widest first, until the table fits."""
    if width is None:
        return {i: _WIDEST for i in _breakable_columns(table, sizes) if sizes[i] > _WIDEST}
    now = dict(sizes)
    while _total(now) > width:
        left = [i for i in _breakable_columns(table, sizes) if now[i] > _NARROWEST]
        if not left:
            break
        widest = max(left, key=lambda i: now[i])
        now[widest] = max(_NARROWEST, now[widest] - max(0.1, min(1.0, _total(now) - width)))
    return {i: size for i, size in now.items() if size < sizes[i]}


def _cell(cell: Cell, numbers: str, paragraph: bool) -> str:
    match cell:
        case Formulas(latex, before):
            return before + ", ".join(f"${formula}$" for formula in latex)
        case Count(value):
            written = digits(value, numbers)
            return f"${written}$" if numbers != "siunitx" else written
        case Share(part, whole):
            return rf"{percent(part, whole)}\,\%"
        case str():
            return escape(cell).replace(r"\_", r"\_\allowbreak ") if paragraph else escape(cell)
    raise NotationError(f"a table cannot show {cell!r}")
