"""Typst: formulas in `$ … $`, tables as `#table`.

>>> import symcount as sc
>>> print(sc.formula("gpt2").typeset("typst"))
$ P = V H + L H + N (12 H^2 + 13 H) + 2 H $
"""

from __future__ import annotations

from dataclasses import replace

from symcount.errors import NotationError
from symcount.typeset.content import Cell, Content, Count, Formulas, Math, Share, Table
from symcount.typeset.mathml import SYMBOLS
from symcount.typeset.numbers import digits, percent
from symcount.typeset.setting import Setting
from symcount.typeset.styles import compose
from symcount.typeset.tex import Atom, Command, Fence, Node, Row, Rows, Script, Words, parse
from symcount.typeset.text import text

__all__ = ["block", "math", "typst"]

_SPACES = {r"\,": "thin", r"\:": "med", r"\;": "thick", r"\ ": "space", r"\quad": "quad", r"\qquad": "wide"}
_FONTS = {"mathtt": "mono", "mathsf": "sans", "mathit": "italic"}
_ALPHABETS = {"mathcal": "cal", "mathbf": "bold", "mathbb": "bb", "boldsymbol": "bold"}
_SPECIAL = frozenset('\\*_`$#@<>[]"/~')


def typst(setting: Setting, style: str) -> str:
    """The formula in *style*, to be put into a document of Typst.

    Raises:
        NotationError: no such style; LaTeX that has no translation; or numbers in siunitx's style.
    """
    if setting.numbers == "siunitx":
        raise NotationError("numbers 'siunitx': Typst has no siunitx; use comma or thin")
    return block(compose(replace(setting, equation=True), style), setting.numbers)


def block(content: Content, numbers: str = "comma") -> str:
    """A formula as a display, a table as a `#table`."""
    if isinstance(content, Math):
        return f"$ {math(content.latex)} $"
    return _table(content, numbers)


def math(latex: str) -> str:
    r"""*latex* in Typst's mathematics.

    >>> print(math(r"\frac{d_{\mathrm{model}}^2}{A} \cdot 30{,}000"))
    frac(d_"model"^2, A) · "30,000"

    Raises:
        NotationError: it cannot be read, or has a command without a translation.
    """
    return _row(parse(latex))


def _row(row: Row) -> str:
    return " ".join(part for item in row.items if (part := _node(item))).replace("( ", "(").replace(" )", ")")


def _node(node: Node) -> str:
    match node:
        case Row():
            return _row(node)
        case Words(font, words):
            quoted = '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'
            return f"{_FONTS[font]}({quoted})" if font in _FONTS else quoted
        case Script(Command("underbrace", (body,)), sub):
            return f"underbrace({_row(body)}{'' if sub is None else f', {_node(sub)}'})"
        case Script(base, sub, sup):
            below = "" if sub is None else f"_{_script(sub)}"
            above = "" if sup is None else "'" if sup == Atom("′") else f"^{_script(sup)}"
            return f"{_script(base)}{below}{above}"
        case Fence(left, body, right):
            return f"lr({_sign(left)} {_row(body)} {_sign(right)})"
        case Rows(lines):
            return " \\\n  ".join(" & ".join(_row(cell) for cell in line) for line in lines)
        case Command("frac", (top, bottom)):
            return f"frac({_row(top)}, {_row(bottom)})"
        case Command(name, (body,)) if name in _ALPHABETS:
            return f"{_ALPHABETS[name]}({_row(body)})"
        case Command("underbrace", (body,)):
            return f"underbrace({_row(body)})"
        case Atom(sign):
            return _atom(sign)
    raise NotationError(f"\\{node.name} cannot be shown in Typst; write it for LaTeX only, or without that command")


def _script(node: Node) -> str:
    shown = _node(node)
    simple = len(shown) == 1 or shown.isdigit() or (shown.startswith('"') and shown.count('"') == 2)
    return shown if simple and shown.endswith(shown[0] if shown.startswith('"') else shown[-1]) else f"({shown})"


def _sign(token: str) -> str:
    return SYMBOLS.get(token.removeprefix("\\"), token)


def _atom(sign: str) -> str:
    if sign[0].isdigit():
        return sign if sign.replace(".", "").isdigit() else f'"{sign}"'
    if sign in _SPACES:
        return _SPACES[sign]
    if sign in (r"\min", r"\max"):
        return sign[1:]
    if sign == r"\bmod":
        return "mod"
    if sign.startswith("\\"):
        if sign[1:] not in SYMBOLS:
            raise NotationError(f"{sign} cannot be shown in Typst; write it for LaTeX only, or without that command")
        shown = SYMBOLS[sign[1:]]
        return f"\\{shown}" if shown in _SPECIAL else shown
    return "\\," if sign == "," else f"\\{sign}" if sign in _SPECIAL else sign


def _table(table: Table, numbers: str) -> str:
    sides = ", ".join(side for _, side in table.columns)
    lines = ["#table(", f"  columns: {len(table.columns)},", f"  align: ({sides}),", "  stroke: none,"]
    lines += ["  table.hline(),", f"  table.header({', '.join(f'[*{_plain(h)}*]' for h, _ in table.columns)}),"]
    lines.append("  table.hline(stroke: 0.5pt),")
    for number, row in enumerate(table.rows):
        first, *others = [_cell(cell, numbers) for cell in row]
        shown = [f"#h({table.level(number)}em) {first}" if table.level(number) else first, *others]
        lines.append(f"  {', '.join(f'[{cell}]' for cell in shown)},")
    if table.total is not None:
        lines += ["  table.hline(stroke: 0.5pt),"]
        lines.append(f"  {', '.join(f'[{_cell(cell, numbers)}]' for cell in table.total)},")
    return "\n".join([*lines, "  table.hline(),", ")"])


def _cell(cell: Cell, numbers: str) -> str:
    match cell:
        case Formulas(latex, before):
            return before + ", ".join(f"${math(formula)}$" for formula in latex)
        case Count(value):
            return text(digits(value, numbers))
        case Share(part, whole):
            return f"{percent(part, whole)} %"
        case str():
            return _plain(cell)
    raise NotationError(f"a table cannot show {cell!r}")


def _plain(words: str) -> str:
    return "".join(f"\\{c}" if c in _SPECIAL else c for c in words)
