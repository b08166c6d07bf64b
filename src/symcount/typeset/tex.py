r"""The mathematics that LaTeX strings of this package consist of, read into a small tree.

Three things need it: the translation to MathML and to plain text, the width of a line, and the check of what an author
wants a symbol to look like. It reads a well-defined subset: letters, digits, signs, scripts, `\frac`, fences,
underbraces, upright words, `aligned` and `align*`. Any other command is kept by its name, and it is for the reader of
the tree to refuse it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from symcount.errors import NotationError

__all__ = ["Atom", "Command", "Fence", "Node", "Row", "Rows", "Script", "Words", "is_number", "parse"]

# digits with separators between groups of three are one number: 30{,}000
_NUMBER = r"[0-9]{1,3}(?:(?:\{,\}|\\,)[0-9]{3})+(?![0-9])|[0-9]+(?:\.[0-9]+)?"
_TOKEN = re.compile(rf"\\[A-Za-z]+\*?|\\.|{_NUMBER}|\s+|.", re.DOTALL)
_ARGUMENTS = {"frac": 2, "underbrace": 1, "num": 1, "mathcal": 1, "mathbf": 1, "mathbb": 1, "boldsymbol": 1}
_WORDS = frozenset(("mathrm", "text", "mathit", "mathsf", "mathtt", "operatorname", "textrm"))
_DEEPEST = 40
_SIZES = frozenset(("bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr"))
_TEXT = {r"\_": "_", r"\%": "%", r"\&": "&", r"\#": "#", r"\$": "$", r"\{": "{", r"\}": "}", r"\,": " ", "~": " "}


@dataclass(frozen=True)
class Atom:
    r"""A letter, a number (with its separators), a sign, or a command without arguments (by name: `\cdot`)."""

    text: str


@dataclass(frozen=True)
class Words:
    r"""Upright text: `\mathrm{model}`, `\text{attention}`; *font* is the command."""

    font: str
    text: str


@dataclass(frozen=True)
class Row:
    """A group: what stands between braces, or the whole."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Script:
    """A base with a subscript, a superscript or both."""

    base: Node
    sub: Node | None = None
    sup: Node | None = None


@dataclass(frozen=True)
class Command:
    """A command with arguments."""

    name: str
    arguments: tuple[Row, ...]


@dataclass(frozen=True)
class Fence:
    r"""`\left( … \right)`."""

    left: str
    body: Row
    right: str


@dataclass(frozen=True)
class Rows:
    """The lines of an alignment, each with its cells."""

    lines: tuple[tuple[Row, ...], ...]


Node = Atom | Words | Row | Script | Command | Fence | Rows


def parse(latex: str) -> Row:
    r"""Read *latex*.

    >>> parse(r"d_{\mathrm{model}}^2").items[0]
    Script(base=Atom(text='d'), sub=Row(items=(Words(font='mathrm', text='model'),)), sup=Atom(text='2'))

    Raises:
        NotationError: braces, fences or environments do not match, or a script has no base or is doubled.
    """
    reader = _Reader(latex)
    row = reader.row(())
    if reader.here < len(reader.tokens):
        raise reader.wrong(f"unexpected {reader.tokens[reader.here]}")
    return row


def is_number(node: Node) -> bool:
    """Whether *node* is a number."""
    return isinstance(node, Atom) and node.text[0].isdigit()


class _Reader:
    def __init__(self, latex: str) -> None:
        self.latex = latex
        self.tokens = _TOKEN.findall(latex)
        self.here = 0
        self.depth = 0

    def wrong(self, what: str) -> NotationError:
        return NotationError(f"LaTeX {self.latex!r:.200}: {what}")

    def peek(self) -> str:
        while self.here < len(self.tokens) and self.tokens[self.here].isspace():
            self.here += 1
        return self.tokens[self.here] if self.here < len(self.tokens) else ""

    def take(self, expected: str | None = None) -> str:
        sign = self.peek()
        if not sign or (expected is not None and sign != expected):
            raise self.wrong(f"expected {expected or 'more'}, found {sign or 'the end'}")
        self.here += 1
        return sign

    def row(self, until: tuple[str, ...]) -> Row:
        items: list[Node] = []
        while (sign := self.peek()) and sign not in until:
            if sign == "}" or (sign in (r"\right", "&", r"\\") and not until):
                raise self.wrong(f"unexpected {sign}")
            if sign in "^_'":
                if sign == "'":
                    self.take()
                    script: Node = Atom("′")
                    sign = "^"
                else:
                    self.take()
                    script = self.argument()
                items.append(self.scripted(items, sign, script))
            else:
                items.append(self.node())
        return Row(tuple(items))

    def scripted(self, items: list[Node], mark: str, script: Node) -> Node:
        if not items:
            raise self.wrong(f"{mark} has nothing before it")
        base = items.pop()
        old = base if isinstance(base, Script) else Script(base)
        if (old.sup if mark == "^" else old.sub) is not None:
            raise self.wrong(f"double {'superscript' if mark == '^' else 'subscript'}; use braces")
        return Script(old.base, old.sub, script) if mark == "^" else Script(old.base, script, old.sup)

    def argument(self) -> Node:
        if self.peek() == "{":
            return self.group()
        sign = self.peek()
        if not sign or sign in "}^_&":
            raise self.wrong(f"expected an argument, found {sign or 'the end'}")
        return self.node(single=True)

    def group(self) -> Row:
        self.take("{")
        row = self.row(("}",))
        self.take("}")
        return row

    def words(self) -> str:
        self.take("{")
        depth, text = 1, ""
        while self.here < len(self.tokens):
            sign = self.tokens[self.here]
            self.here += 1
            depth += {"{": 1, "}": -1}.get(sign, 0)
            if depth == 0:
                return text
            text += _TEXT.get(sign, "" if sign in "{}" else sign)
        raise self.wrong("a brace is not closed")

    def node(self, single: bool = False) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.wrong(f"more than {_DEEPEST} groups inside one another")
        found = self.within(single)
        self.depth -= 1
        return found

    def within(self, single: bool) -> Node:
        sign = self.peek()
        if sign == "{":
            return self.group()
        self.take()
        if not sign.startswith("\\"):
            if single and sign[0].isdigit():  # a script without braces is one digit
                self.tokens[self.here - 1 : self.here] = [sign[0], sign[1:]] if sign[1:] else [sign]
                return Atom(sign[0])
            return Atom(sign.replace("{,}", ",").replace(r"\,", "\u2009") if sign[0].isdigit() else sign)
        name = sign[1:]
        if name == "left":
            left = self.take()
            body = self.row((r"\right",))
            self.take(r"\right")
            return Fence(left, body, self.take())
        if name == "begin":
            return self.environment(self.words())
        if name in _SIZES:
            return Atom(self.take())
        if name in _WORDS and self.peek() == "{":
            return Words(name, self.words())
        if name in _ARGUMENTS:
            return Command(name, tuple(_as_row(self.argument()) for _ in range(_ARGUMENTS[name])))
        return Atom(sign)

    def option(self) -> None:
        if self.peek() == "[":
            while self.take() != "]":
                pass

    def environment(self, name: str) -> Rows:
        self.option()
        lines: list[tuple[Row, ...]] = []
        while True:
            cells = [self.row(("&", r"\\", r"\end"))]
            while self.peek() == "&":
                self.take()
                cells.append(self.row(("&", r"\\", r"\end")))
            lines.append(tuple(cells))
            if self.peek() != r"\\":
                break
            self.take()
            self.option()
        self.take(r"\end")
        if self.words() != name:
            raise self.wrong(f"{name} ends as something else")
        return Rows(tuple(lines))


def _as_row(node: Node) -> Row:
    return node if isinstance(node, Row) else Row((node,))
