r"""The style `steps`: a total derived part by part, as on a blackboard.

Each part in letters, with the sizes put in, and as a number; then the total of the parts in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Expr

from symcount.core.notation import Notation, escape
from symcount.typeset.content import Math
from symcount.typeset.latex import Term, is_numeric, joined, product, set_symbols, terms_of
from symcount.typeset.lines import broken, indented
from symcount.typeset.measure import measure
from symcount.typeset.setting import Setting
from symcount.typeset.terms import Series

__all__ = ["steps"]

_EQUALS = 1.4  # the width of an equals sign with its space


@dataclass(frozen=True)
class _Step:
    """A left-hand side, and the expressions that are equal to it."""

    label: str
    sides: tuple[tuple[Term, ...], ...]


def steps(setting: Setting) -> Math:
    """The derivation as one `align*`."""
    parts = _steps(setting)
    label = max(measure(s.label) for s in parts)
    width = setting.width
    narrow = width is not None and any(
        label + _EQUALS + measure(joined([t.text for t in side])) > width for s in parts for side in s.sides
    )
    if narrow and width is not None:
        blocks = [_narrow(step, width) for step in parts]
    else:
        blocks = [_wide(step, None if width is None else width - label - _EQUALS) for step in parts]
    if setting.definitions:
        blocks.append(" \\\\\n".join(f"& {definition}" for definition in setting.definitions))
    return Math("\\begin{align*}\n" + " \\\\[1ex]\n".join(blocks) + "\n\\end{align*}", standalone=True)


def _steps(setting: Setting) -> list[_Step]:
    result = []
    for section in setting.sections:
        for piece in section.pieces:
            sides = [terms_of(piece.body, setting.letters)]
            if not any(isinstance(term, Series) for term in piece.body.terms):  # of a sum each term has its numbers
                sides.append(terms_of(piece.body, setting.in_numbers))
            result.append(
                _step(setting, f"_{{\\text{{{escape(piece.title)}}}}}", sides, setting.at(piece.body.value()))
            )
    if len(result) == 1:
        return [_Step(setting.left, result[0].sides)]
    labels = iter([step.label for step in result])
    numbers = iter([step.sides[-1][0].text for step in result])
    in_letters, in_numbers = [], []
    for section in setting.sections:
        names = [next(labels) for _ in section.pieces]
        in_letters += _parts(section.repeat, names, setting.notation)
        in_numbers += _parts(section.repeat, [next(numbers) for _ in names], setting.in_numbers)
    result.append(_step(setting, "", [in_letters, in_numbers], setting.at(setting.total)))
    return result


def _parts(repeat: Expr, names: Sequence[str], notation: Notation) -> list[Term]:
    """What a section adds to the total, its pieces by *names* (or numbers)."""
    own = tuple(map(Term, names))
    if repeat == 1:
        return list(own)
    head = set_symbols(repeat, notation)
    head = f"({head})" if repeat.is_Add else head
    if len(own) == 1 and not is_numeric(names[0]):
        return [Term(product([head, names[0]]))]
    return [Term(f"{head}({joined(names)})", head, own)]


def _step(setting: Setting, label: str, sides: Sequence[Sequence[Term]], value: int) -> _Step:
    number = (Term(setting.count(value)),)
    shown = [tuple(side) for side in sides if tuple(t.text for t in side) != (number[0].text,)]
    return _Step(f"{setting.letter}{label}" if label else setting.left, (*shown, number))


def _wide(step: _Step, width: float | None) -> str:
    """Labels on the left, equals signs below one another."""
    lines = []
    for position, side in enumerate(step.sides):
        start = step.label if position == 0 else ""
        for number, (indent, line) in enumerate(broken(side, width)):
            lines.append(f"{start} &= {line}" if number == 0 else f"&\\quad {indented(indent, line)}")
    return " \\\\\n".join(lines)


def _narrow(step: _Step, width: float) -> str:
    """The label on the line of its formula if that fits, else above it; what follows is indented."""
    lines = []
    inner = width - 1.0 - _EQUALS
    for position, side in enumerate(step.sides):
        whole = joined([t.text for t in side])
        if position == 0 and measure(step.label) + _EQUALS + measure(whole) <= width:
            lines.append(f"& {step.label} = {whole}")
            continue
        if position == 0:
            lines.append(f"& {step.label}")
        for number, (indent, line) in enumerate(broken(side, inner)):
            lines.append(f"&\\quad = {line}" if number == 0 else f"&\\qquad {indented(indent, line)}")
    return " \\\\\n".join(lines)
