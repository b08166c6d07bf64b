r"""The width of a formula on paper, in em: near enough to break lines, and never too small by much.

Widths are those of Computer Modern, TeX's own font, in display style.

>>> round(measure("VH + LH"), 1)
4.6
"""

from __future__ import annotations

import re

from symcount.errors import NotationError
from symcount.typeset.tex import Command, Fence, Node, Row, Rows, Script, Words, parse

__all__ = ["em", "measure"]

_SMALL = 0.75  # script letters are 7/10 as large, and a little wider for their size
_RELATION = 1.33  # with the space around it
_OPERATOR = 1.22
_SIGNS = {
    "+": _OPERATOR,
    "-": _OPERATOR,
    "=": _RELATION,
    "<": _RELATION,
    ":": _RELATION,
    "(": 0.39,
    ")": 0.39,
    ",": 0.45,
    ".": 0.28,
    "/": 0.5,
}
_COMMANDS = {
    r"\cdot": 0.72, r"\,": 0.17, r"\quad": 1.0, r"\qquad": 2.0, r"\approx": _RELATION, r"\min": 1.5, r"\max": 1.7,
    r"\sum": 1.5, r"\bmod": 2.2, r"\mid": 0.84, r"\lfloor": 0.5, r"\rfloor": 0.5, r"\lceil": 0.5, r"\rceil": 0.5,
}  # fmt: skip
_UNITS = {"pt": 1.0, "bp": 1.00375, "in": 72.27, "cm": 28.4528, "mm": 2.84528, "em": 10.0}  # points; 10 pt type
_LENGTH = re.compile(r"(\d{1,4}(?:\.\d{1,4})?)\s*(" + "|".join(_UNITS) + r")\Z")


def measure(latex: str) -> float:
    """The width of *latex* in em."""
    return _width(parse(latex))


def em(length: str) -> float:
    """A TeX length in em of 10 pt type.

    >>> round(em("3.3in"), 2)
    23.85

    Raises:
        NotationError: not a length, or too short for anything.
    """
    found = _LENGTH.match(str(length).strip())
    width = float(found[1]) * _UNITS[found[2]] / 10 if found else 0.0
    if width < 10:
        raise NotationError(f"width {length!r}: expected a length of at least 100pt, such as 3.3in, 8.4cm or 240pt")
    return width


def _width(node: Node) -> float:
    if isinstance(node, Row):
        return sum(map(_width, node.items))
    if isinstance(node, Words):
        return sum(0.75 if c.isupper() or c in "mw" else 0.5 for c in node.text)
    if isinstance(node, Script):
        if isinstance(node.base, Command) and node.base.name == "underbrace":
            return max(_width(node.base), _SMALL * _width(node.sub or node.base))
        return _width(node.base) + _SMALL * max(_width(s) for s in (node.sub, node.sup) if s is not None) + 0.06
    if isinstance(node, Fence):
        return _width(node.body) + (1.9 if _tall(node.body) else 1.2)
    if isinstance(node, Rows):
        return max(sum(map(_width, line)) for line in node.lines)
    if isinstance(node, Command):
        if node.name == "frac":
            return max(map(_width, node.arguments)) + 0.24
        if node.name == "num":
            return _width(node.arguments[0]) * 1.2
        return sum(map(_width, node.arguments))
    return _atom(node.text)


def _tall(node: Node) -> bool:
    if isinstance(node, Row):
        return any(map(_tall, node.items))
    return isinstance(node, Fence) or (isinstance(node, Command) and node.name == "frac")


def _atom(text: str) -> float:
    if text[0].isdigit():
        return sum(0.5 if c.isdigit() else 0.28 for c in text)
    if text in _SIGNS:
        return _SIGNS[text]
    if text in _COMMANDS:
        return _COMMANDS[text]
    if text.startswith("\\"):
        return 0.7
    return 0.88 if text in "HMNKXW" else 0.8 if text.isupper() else 0.58
