r"""LaTeX to text for a terminal: `N(4H² + 4H)`; where only ASCII can be shown, `N(4H^2 + 4H)`.

>>> print(text(r"P = \frac{d_{\mathrm{model}}^2}{A} \cdot 30{,}000"))
P = d_model²/A·30,000
"""

from __future__ import annotations

from symcount.typeset.mathml import SYMBOLS
from symcount.typeset.tex import Atom, Command, Fence, Node, Row, Rows, Script, Words, parse

__all__ = ["text"]

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SPACES = {r"\,": "", r"\quad": "  ", r"\qquad": "    ", r"\ ": " ", r"\:": " ", r"\;": " "}
_WIDE = frozenset((r"\approx", r"\mid", r"\nmid", r"\leq", r"\geq", r"\neq", r"\bmod"))
_ASCII = {"·": "*", "×": "x", "≈": "~", "∣": "|", "∤": "!|", "≤": "<=", "≥": ">=", "≠": "!=", "⌊": "floor(", "⌋": ")",
          "⌈": "ceil(", "⌉": ")", "′": "'", "−": "-", "\u2009": " "}  # fmt: skip


def text(latex: str, *, ascii_only: bool = False) -> str:
    """*latex* in one line a row, with Unicode's signs or without.

    Raises:
        NotationError: it cannot be read.
    """
    written = _row(parse(latex), ascii_only)
    if not ascii_only:
        return written
    shown = "".join(_ASCII.get(c, c) for c in written)
    return "".join(c if c.isascii() else next((f"\\{n}" for n, s in SYMBOLS.items() if s == c), "?") for c in shown)


def _row(row: Row, plain: bool) -> str:
    written = ""
    word = False  # whether what stands last is a name of several letters
    for item in row.items:
        part = _node(item, plain)
        if part in (" - ", " + ") and (not written or written[-1] in "(⌊⌈"):
            part = part.strip()  # a sign, not an operation
        wide = _is_word(item)
        if written and part and (written[-1].isalnum() or written[-1] in "⁰¹²³⁴⁵⁶⁷⁸⁹′)⌋⌉"):
            factor = part[0].isalnum() or part[0] in "(⌊⌈"
            letters = written[-1].isalpha() or word
            if (factor and (word or (wide and letters))) or (plain and factor and not _function(written)):
                written += "*" if plain else "·"
        written += part
        word = wide
    return written


def _function(written: str) -> bool:
    return written.endswith(("min", "max"))


def _is_word(item: Node) -> bool:
    """A name of several letters, which must be set apart from the next factor."""
    if isinstance(item, Words):
        return len(item.text) > 1
    if isinstance(item, Script):
        return _is_word(item.base) or item.sub is not None or not _short(item.sup) or _letter(item.sup)
    return False


def _short(node: Node | None) -> bool:
    return isinstance(node, Atom) and len(node.text) == 1


def _letter(node: Node | None) -> bool:
    return isinstance(node, Atom) and node.text.isalpha()


def _node(node: Node, plain: bool) -> str:
    match node:
        case Row():
            return _row(node, plain)
        case Words(font, words):
            return words if font in ("text", "textrm") else words.replace(" ", "_")
        case Script(Command("underbrace", (body,)), sub):
            label = f" [{_node(sub, plain)}]" if sub is not None else ""
            return f"{_row(body, plain)}{label}"
        case Script(Atom(r"\sum"), sub, sup) if sub is not None and sup is not None:
            sign = "sum" if plain else "∑"
            return f"{sign}_{{{_node(sub, plain).replace(' ', '')}}}^{{{_node(sup, plain)}}} "
        case Script(base, sub, sup):
            shown = _node(base, plain)
            if sub is not None:
                below = _node(sub, plain).replace(" ", "")
                shown += f"_{{{below}}}" if any(sign in below for sign in "+-") else f"_{below}"
            return shown + _raised(sup, plain) if sup is not None else shown
        case Fence(left, body, right):
            return f"{_sign(left)}{_row(body, plain)}{_sign(right)}"
        case Rows(lines):
            return "\n".join("".join(_row(cell, plain) for cell in line) for line in lines)
        case Command("frac", (top, bottom)):
            return f"{_bracketed(top, plain)}/{_bracketed(bottom, plain, product=True)}"
        case Command(_, arguments):
            return "".join(_row(a, plain) for a in arguments)
        case Atom(name):
            return _atom(name)


def _raised(node: Node, plain: bool) -> str:
    shown = _node(node, plain)
    if shown.isdigit() and not plain:
        return shown.translate(_RAISED)
    if shown == "′":
        return shown
    return f"^{shown}" if len(shown) == 1 or shown.isidentifier() else f"^({shown})"


def _bracketed(row: Row, plain: bool, product: bool = False) -> str:
    shown = _row(row, plain)
    single = len(row.items) == 1 or (not product and not any(isinstance(i, Atom) and i.text in "+-" for i in row.items))
    return shown if single else f"({shown})"


def _sign(token: str) -> str:
    return SYMBOLS.get(token.removeprefix("\\"), token)


def _atom(name: str) -> str:
    if name in _SPACES:
        return _SPACES[name]
    if name in ("+", "-", "=", "<", ":") or name in _WIDE:
        return f" {_sign(name)} "
    if name == ",":
        return ", "
    return _sign(name) if name.startswith("\\") and name[1:] in SYMBOLS else name.removeprefix("\\")
