r"""Sums broken across lines: at the signs between terms, a stack of layers on a line of its own, long ones inside.

>>> from symcount.typeset.latex import Term
>>> terms = [Term("VH"), Term("N(12H^2 + 13H)", "N", (Term("12H^2"), Term("13H"))), Term("2H")]
>>> print(aligned(broken(terms, 30)))
VH + N(12H^2 + 13H) + 2H
>>> print(aligned(broken(terms, 10)))
\begin{aligned}[t]
& VH \\
& + N(12H^2 + 13H) \\
& + 2H
\end{aligned}
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from symcount.typeset.latex import Term, joined
from symcount.typeset.measure import measure

__all__ = ["aligned", "broken", "filled", "indented"]

_SIGN = 1.3  # the width of a sign at the beginning of a line, with its space
_QUAD = 1.0


@dataclass(frozen=True)
class _Segment:
    """What is not broken any further; *fresh* begins a line."""

    text: str
    indent: int
    fresh: bool = False


def broken(terms: Sequence[Term], width: float | None, first: float = 0.0) -> list[tuple[int, str]]:
    """The lines of a sum as (indentation in quads, LaTeX), none wider than *width* em where that can be.

    Args:
        terms: the printed terms.
        width: in em; `None` breaks nothing.
        first: what stands before the first line.
    """
    whole = joined([t.text for t in terms])
    if width is None or first + measure(whole) <= width:
        return [(0, whole)]
    lines: list[tuple[int, str]] = []
    used = first
    for segment in _segments(terms, width, 0):
        size = measure(_unsigned(segment.text)) + _SIGN
        if lines and not segment.fresh and used + size <= width:
            lines[-1] = (lines[-1][0], f"{lines[-1][1]} {segment.text}")
            used += size
        else:
            lines.append((segment.indent, segment.text))
            used = (segment.indent * _QUAD if len(lines) > 1 else first) + size
    return lines


def indented(indent: int, line: str) -> str:
    r"""A line with its indentation: `\quad + H`."""
    return "".join((r"\quad" * indent, " " if indent else "", line))


def aligned(lines: Iterable[tuple[int, str]]) -> str:
    """One line as it is, several in an `aligned`."""
    shown = [indented(indent, line) for indent, line in lines]
    if len(shown) == 1:
        return shown[0]
    return "\\begin{aligned}[t]\n" + " \\\\\n".join(f"& {line}" for line in shown) + "\n\\end{aligned}"


def filled(items: Sequence[str], width: float) -> list[str]:
    """Items with commas between them, as many a line as there is room for."""
    lines: list[str] = []
    for item in items:
        if lines and measure(lines[-1]) + measure(item) + 1 <= width:
            lines[-1] += f", {item}"
        else:
            if lines:
                lines[-1] += ","
            lines.append(item)
    return lines


def _segments(terms: Sequence[Term], width: float, indent: int) -> list[_Segment]:
    result: list[_Segment] = []
    after_stack = False
    for position, term in enumerate(terms):
        stack = bool(term.body) and indent == 0
        sign, text = ("- ", term.text[1:].lstrip()) if term.text.startswith("-") else ("+ ", term.text)
        if position == 0:
            sign = "-" if sign == "- " else ""
        fresh = position > 0 and (stack or after_stack)
        if term.body and indent * _QUAD + _SIGN + measure(text) > width:
            result += _opened(term, sign, width, indent, fresh)
        else:
            result.append(_Segment(sign + text, indent, fresh))
        after_stack = stack or r"\begin" in text  # a brace over several lines ends its line
    return result


def _opened(term: Term, sign: str, width: float, indent: int, fresh: bool) -> list[_Segment]:
    """A product `head(body)` that does not fit on a line, broken inside its brackets."""
    left, right = _fences(term)
    inside = _segments(term.body, width, indent + 1)
    opening = f"{sign}{term.head.removeprefix('-')}{left}"
    start = inside[0]
    if indent * _QUAD + _width(opening) + _width(start.text) <= width:
        inside[0] = _Segment(f"{opening}{start.text}", indent, fresh)
    else:
        inside[:1] = [_Segment(opening, indent, fresh), replace(start, fresh=True)]
    inside[-1] = replace(inside[-1], text=inside[-1].text + right)
    return inside


def _fences(term: Term) -> tuple[str, str]:
    inner = "".join(t.text for t in term.body)
    tall = any(sign in inner for sign in (r"\frac", r"\underbrace"))
    return (r"\bigl(", r"\bigr)") if tall else ("(", ")")


def _unsigned(text: str) -> str:
    return text.removeprefix("+ ").removeprefix("- ").removeprefix("-")


def _width(text: str) -> float:
    return measure(_unsigned(text)) + (_SIGN if text.startswith(("+ ", "- ")) else 0.0)
