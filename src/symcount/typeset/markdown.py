"""Markdown with the mathematics that GitHub shows: ```` ```math ```` blocks, and $`…`$ inside a line.

Those forms keep Markdown's own rules away from backslashes and underscores.
"""

from __future__ import annotations

from dataclasses import replace

from symcount.errors import NotationError
from symcount.typeset.content import Cell, Content, Count, Formulas, Math, Share
from symcount.typeset.numbers import digits, percent
from symcount.typeset.setting import Setting
from symcount.typeset.styles import compose
from symcount.typeset.text import text

__all__ = ["block", "markdown"]

_MEANS = {c: "\\" + c for c in r"\`*_{}[]<>|#"}


def markdown(setting: Setting, style: str) -> str:
    """The formula in *style*, with its notation and domain.

    Raises:
        NotationError: no such style; or numbers in siunitx's style, which Markdown does not know.
    """
    if setting.numbers == "siunitx":
        raise NotationError("numbers 'siunitx': Markdown has no siunitx; use comma or thin")
    shown = replace(setting, equation=True)
    parts = [f"### Parameters of {_escaped(setting.name)}", block(compose(shown, style), setting.numbers)]
    parts.append(f"Counted by {_escaped('; '.join(setting.holds_for))}.")
    if setting.conditions:
        parts.append(f"Valid where {', '.join(map(_inline, setting.conditions))}.")
    if style != "notation":
        parts.append(block(compose(shown, "notation"), setting.numbers))
    return "\n\n".join(parts)


def block(content: Content, numbers: str = "comma") -> str:
    """A formula as a ```` ```math ```` block, a table as a table."""
    if isinstance(content, Math):
        # on its own it makes no difference where lines are aligned, and KaTeX does not know how to say it
        return f"```math\n{content.latex.replace('{aligned}[t]', '{aligned}')}\n```"
    heads = [heading for heading, _ in content.columns]
    rules = ["---:" if side == "right" else "---" for _, side in content.columns]
    rows = [heads, rules]
    for number, row in enumerate(content.rows):
        cells = [_cell(cell, numbers) for cell in row]
        rows.append(["&emsp;" * content.level(number) + cells[0], *cells[1:]])
    if content.total is not None:
        rows.append([f"**{_cell(c, numbers)}**" if c != "" else "" for c in content.total])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _inline(latex: str) -> str:
    return f"$`{' '.join(latex.split())}`$"


def _escaped(words: str) -> str:
    return "".join(_MEANS.get(c, c) for c in words)


def _cell(cell: Cell, numbers: str) -> str:
    match cell:
        case Formulas(latex, before):
            return before + ", ".join(map(_inline, latex))
        case Count(value):
            return text(digits(value, numbers))
        case Share(part, whole):
            return f"{percent(part, whole)} %"
        case str():
            return _escaped(cell)
    raise NotationError(f"a table cannot show {cell!r}")
