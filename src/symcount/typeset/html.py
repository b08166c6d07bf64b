"""HTML: a page of its own that needs no network, and the fragment that a notebook shows. Mathematics is MathML."""

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

__all__ = ["element", "fragment", "page"]

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 Georgia, 'Times New Roman', serif; color: #222 }}
body {{ max-width: 80rem; margin: 2rem auto; padding: 0 1rem }}
math {{ font-family: 'Latin Modern Math', 'STIX Two Math', 'Cambria Math', math; font-size: 1.1em }}
.display {{ overflow-x: auto; margin: 1.2rem 0 }}
table {{ border-collapse: collapse; border-top: 2px solid; border-bottom: 2px solid; margin: 1.5rem 0 }}
th, td {{ padding: .25rem .7rem; text-align: left; vertical-align: top }}
thead th {{ border-bottom: 1px solid }}
tfoot td {{ border-top: 1px solid; font-weight: bold }}
.wide {{ overflow-x: auto }}
th, td {{ white-space: nowrap }}
.right {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }}
.inner td:first-child {{ padding-left: 2rem }}
.inner {{ color: #555 }}
.bar {{ display: inline-block; height: .6em; background: #4a7ebb; margin-right: .5em }}
</style>
</head>
<body>
<h1>{heading}</h1>
{body}
</body>
</html>"""
_WIDEST = 48.0  # em of a formula on the page, before it is broken


def page(setting: Setting, style: str) -> str:
    """A page with the formula in *style*, its domain, the parts of the model and its notation.

    Raises:
        NotationError: no such style; or LaTeX for a symbol that MathML has no sign for.
    """
    shown = replace(setting, equation=True, width=setting.width or _WIDEST)
    parts = [_block(compose(shown, style), setting.numbers)]
    parts.append(f"<p>Counted by {escape('; '.join(setting.holds_for))}.</p>")
    if setting.conditions:
        parts.append(f"<p>Valid where {', '.join(map(mathml, setting.conditions))}.</p>")
    parts += [_block(compose(shown, other), setting.numbers) for other in ("table", "notation") if other != style]
    title = f"Parameters of {escape(setting.name)}"
    return _PAGE.format(title=title, heading=title, body="\n".join(parts))


def fragment(setting: Setting, style: str) -> str:
    """The formula in *style*, for a notebook."""
    return _block(compose(replace(setting, equation=True), style), setting.numbers)


def element(setting: Setting, style: str) -> str:
    """The formula in *style* as one `<math>` element (a table as a `<table>`)."""
    content = compose(setting, style)
    return mathml(content.latex, display=True) if isinstance(content, Math) else _table(content, setting.numbers)


def _block(content: Content, numbers: str) -> str:
    if isinstance(content, Math):
        return f'<div class="display">{mathml(content.latex, display=True)}</div>'
    return _table(content, numbers)


def _table(table: Table, numbers: str) -> str:
    def line(cells: object, tag: str = "td", inner: bool = False) -> str:
        shown = "".join(
            f"<{tag}{' class=right' if side == 'right' else ''}>{cell}</{tag}>"
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
