"""HTML for a page or a notebook: formulas in MathML, tables."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from symcount.errors import NotationError
from symcount.typeset.content import Cell, Content, Count, Formulas, Math, Share, Table
from symcount.typeset.mathml import mathml
from symcount.typeset.numbers import digits, percent
from symcount.typeset.setting import Setting
from symcount.typeset.styles import compose
from symcount.typeset.text import text

__all__ = ["block", "element", "fragment"]

_RIGHT = ' class=right style="text-align:right"'  # a notebook has no style sheet of ours


def fragment(setting: Setting, style: str) -> str:
    """The formula in *style*, for a notebook."""
    return block(compose(replace(setting, equation=True), style), setting.numbers)


def element(setting: Setting, style: str) -> str:
    """The formula in *style* as one `<math>` element (a table as a `<table>`)."""
    content = compose(setting, style)
    return mathml(content.latex, display=True) if isinstance(content, Math) else _table(content, setting.numbers)


def block(content: Content, numbers: str = "comma") -> str:
    """A formula or a table as HTML."""
    if isinstance(content, Math):
        return f'<div class="display">{mathml(content.latex, display=True)}</div>'
    return _table(content, numbers)


def _table(table: Table, numbers: str) -> str:
    def line(cells: object, tag: str = "td", inner: bool = False) -> str:
        shown = "".join(
            f"<{tag}{_RIGHT if side == 'right' else ''}>{cell}</{tag}>"
            for cell, (_, side) in zip(cells, table.columns, strict=True)  # type: ignore[call-overload]
        )
        return f"<tr{' class=inner' if inner else ''}>{shown}</tr>"

    head = line([escape(heading) for heading, _ in table.columns], "th")
    rows = "\n".join(
        line([_cell(c, numbers) for c in row], inner=table.level(i) > 0) for i, row in enumerate(table.rows)
    )
    foot = f"<tfoot>{line([_cell(c, numbers) for c in table.total])}</tfoot>" if table.total is not None else ""
    return f'<div class="wide">\n<table>\n<thead>{head}</thead>\n<tbody>\n{rows}\n</tbody>\n{foot}</table>\n</div>'


def _cell(cell: Cell, numbers: str) -> str:
    match cell:
        case Formulas(latex, before):
            return escape(before) + ", ".join(map(mathml, latex))
        case Count(value):
            return escape(text(digits(value, numbers)))
        case Share(part, whole):
            size = percent(part * 5, whole, 1)  # 100 % is five em
            return f'<span class="bar" style="width:{float(size) / 100:.2f}em"></span>{percent(part, whole)} %'
        case str():
            return escape(cell)
    raise NotationError(f"a table cannot show {cell!r}")
