"""Markdown with the mathematics that GitHub shows: ```` ```math ```` blocks, and $`…`$ inside a line.

Those forms keep Markdown's own rules away from backslashes and underscores. Pandoc, Jupyter and others want `$…$` and
`$$` instead.
"""

from __future__ import annotations

from dataclasses import replace

from symcount.errors import NotationError
from symcount.typeset.content import Cell, Content, Count, Formulas, Math, Share
from symcount.typeset.numbers import digits, percent
from symcount.typeset.said import holds_for, total_at_sizes
from symcount.typeset.setting import Setting
from symcount.typeset.styles import compose
from symcount.typeset.text import text

__all__ = ["block", "escaped", "inline", "markdown"]

_MEANS = {c: "\\" + c for c in r"\`*_{}[]<>|#"}


def markdown(setting: Setting, style: str, *, dollars: bool = False) -> str:
    """The formula in *style*, with its notation and domain; with *dollars* as Pandoc and Jupyter have it, `$…$`.

    Raises:
        NotationError: no such style; or numbers in siunitx's style, which Markdown does not know.
    """
    if setting.numbers == "siunitx":
        raise NotationError("numbers 'siunitx': Markdown has no siunitx; use comma or thin")
    shown = replace(setting, equation=True)
    parts = [
        f"### {setting.unit.capitalize()} of {escaped(setting.name)}",
        block(compose(shown, style), setting.numbers, dollars=dollars),
        f"Counted by {escaped('; '.join(holds_for(setting)))}.",
    ]
    if setting.conditions:
        parts.append(f"Valid where {', '.join(inline(c, dollars) for c in setting.conditions)}.")
    if (total := total_at_sizes(setting)) is not None:
        parts.append(f"{inline(total, dollars)} at the sizes below.")
    if style != "notation":
        parts.append(block(compose(shown, "notation"), setting.numbers, dollars=dollars))
    return "\n\n".join(parts)


def block(content: Content, numbers: str = "comma", *, dollars: bool = False) -> str:
    """A formula as a ```` ```math ```` block, or between `$$`; a table as a table."""
    if isinstance(content, Math) and dollars:
        return content.latex if content.standalone else f"$$\n{content.latex}\n$$"
    if isinstance(content, Math):
        # on its own it makes no difference where lines are aligned, and KaTeX does not know how to say it
        return f"```math\n{content.latex.replace('{aligned}[t]', '{aligned}')}\n```"
    heads = [heading for heading, _ in content.columns]
    rules = ["---:" if side == "right" else "---" for _, side in content.columns]
    rows = [heads, rules]
    for number, row in enumerate(content.rows):
        cells = [_cell(cell, numbers, dollars) for cell in row]
        rows.append(["&emsp;" * content.level(number) + cells[0], *cells[1:]])
    if content.total is not None:
        rows.append([f"**{_cell(c, numbers, dollars)}**" if c != "" else "" for c in content.total])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def inline(latex: str, dollars: bool = False) -> str:
    """A formula within a sentence."""
    line = " ".join(latex.split())
    return f"${line}$" if dollars else f"$`{line}`$"


def escaped(words: str) -> str:
    """Words in which Markdown sees no signs of its own."""
    return "".join(_MEANS.get(c, c) for c in words)


def _cell(cell: Cell, numbers: str, dollars: bool) -> str:
    match cell:
        case Formulas(latex, before):
            return before + ", ".join(inline(formula, dollars) for formula in latex)
        case Count(value):
            return text(digits(value, numbers))
        case Share(part, whole):
            return f"{percent(part, whole)} %"
        case str():
            return escaped(cell)
    raise NotationError(f"a table cannot show {cell!r}")
