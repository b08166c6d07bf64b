"""Plain text for a terminal, with Unicode's signs or in ASCII."""

from __future__ import annotations

from symcount.errors import NotationError
from symcount.typeset.content import Cell, Count, Formulas, Math, Share, Table
from symcount.typeset.numbers import digits, percent
from symcount.typeset.setting import Setting
from symcount.typeset.styles import compose
from symcount.typeset.text import text

__all__ = ["columns", "plaintext"]


def plaintext(setting: Setting, style: str, *, ascii_only: bool = False) -> str:
    """The formula in *style* as text: one line, or the lines of a derivation or a table.

    Raises:
        NotationError: no such style.
    """
    content = compose(setting, style)
    if isinstance(content, Math):
        return text(content.latex, ascii_only=ascii_only)
    return columns(content, setting.numbers, ascii_only=ascii_only)


def columns(table: Table, numbers: str = "comma", *, ascii_only: bool = False) -> str:
    """A table as lines of text."""
    heads = [heading for heading, _ in table.columns]
    rows = [[_cell(cell, numbers, ascii_only) for cell in row] for row in table.rows]
    for number, row in enumerate(rows):
        row[0] = "  " * table.level(number) + row[0]
    last = [[_cell(cell, numbers, ascii_only) for cell in table.total]] if table.total is not None else []
    widths = [max(len(row[i]) for row in [heads, *rows, *last]) for i in range(len(heads))]

    def line(row: list[str]) -> str:
        sides = (side for _, side in table.columns)
        cells = (c.rjust(w) if side == "right" else c.ljust(w) for c, w, side in zip(row, widths, sides, strict=True))
        return "  ".join(cells).rstrip()

    rule = ("-" if ascii_only else "─") * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([line(heads), rule, *map(line, rows), *([rule] if last else []), *map(line, last)])


def _cell(cell: Cell, numbers: str, ascii_only: bool) -> str:
    match cell:
        case Formulas(latex, before):
            return before + ", ".join(text(formula, ascii_only=ascii_only) for formula in latex)
        case Count(value):
            return text(digits(value, "comma" if numbers == "siunitx" else numbers), ascii_only=ascii_only)
        case Share(part, whole):
            return f"{percent(part, whole)} %"
        case str():
            return cell
    raise NotationError(f"a table cannot show {cell!r}")
