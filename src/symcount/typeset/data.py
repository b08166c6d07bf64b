"""Numbers for other programs: CSV with exact integers, and bars of shares for pgfplots."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from symcount.core.notation import escape
from symcount.errors import NotationError
from symcount.typeset.colours import colours
from symcount.typeset.content import Cell, Count, Formulas, Math, Share, Table
from symcount.typeset.numbers import percent
from symcount.typeset.setting import Setting
from symcount.typeset.styles import compose
from symcount.typeset.text import text

__all__ = ["bars", "comma_separated", "rows"]


def comma_separated(setting: Setting, style: str) -> str:
    """The table of *style* as CSV.

    Raises:
        NotationError: the style is no table.
    """
    content = compose(setting, style)
    if isinstance(content, Math):
        raise NotationError(f"style {style!r} is no table; for CSV use table or notation")
    return rows(content)


def rows(table: Table) -> str:
    """A table as CSV: integers without separators, shares in percent, formulas as text."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([heading for heading, _ in table.columns])
    for row in [*table.rows, *([table.total] if table.total is not None else [])]:
        writer.writerow([_cell(cell) for cell in row])
    return written.getvalue().rstrip("\n")


def _cell(cell: Cell) -> str:
    match cell:
        case Formulas(latex, before):
            return before + ", ".join(map(text, latex))
        case Count(value):
            return str(value)
        case Share(part, whole):
            return percent(part, whole, 4)
        case str():
            return cell
    raise NotationError(f"a table cannot show {cell!r}")


def bars(columns: Sequence[str], parts: Mapping[str, Sequence[int]], width: str | None = None) -> str:
    r"""Stacked bars of shares, one a column, as a picture of pgfplots: `\begin{tikzpicture}`.

    Args:
        columns: what each bar is of.
        parts: by category, a number for each bar.
        width: of the picture, a TeX length.
    """
    totals = [sum(numbers) for numbers in zip(*parts.values(), strict=True)]
    named = dict(zip(parts, colours(parts), strict=True))
    lines = [rf"\definecolor{{symcount{i}}}{{HTML}}{{{c[1:].upper()}}}" for i, c in enumerate(named.values())]
    ticks = ",".join(f"{{{escape(name)}}}" for name in columns)
    places = ",".join(map(str, range(len(columns))))
    wide = width or r"\linewidth"
    lines += [
        r"\begin{tikzpicture}",
        rf"\begin{{axis}}[ybar stacked, width={wide}, bar width=12pt, ymin=0, ymax=100,",
        rf"  ylabel={{share of the parameters (\%)}}, xtick={{{places}}}, xticklabels={{{ticks}}},",
        "  x tick label style={rotate=30, anchor=north east, inner sep=1pt}, enlarge x limits=0.15,",
        "  legend style={draw=none, font=\\footnotesize, at={(0.5,-0.4)}, anchor=north},",
        "  legend columns=3, legend cell align=left, axis lines*=left]",
    ]
    for i, (part, numbers) in enumerate(parts.items()):
        heights = " ".join(f"({x},{percent(n, t, 4)})" for x, (n, t) in enumerate(zip(numbers, totals, strict=True)))
        lines.append(rf"\addplot[fill=symcount{i}, draw=none] coordinates {{{heights}}};")
        lines.append(rf"\addlegendentry{{{escape(part)}}}")
    return "\n".join([*lines, r"\end{axis}", r"\end{tikzpicture}"])
