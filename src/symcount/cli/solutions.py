"""Solutions as the command line shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING, Any

from symcount.cli.output import ascii_only, note, number, say, show, stream, table
from symcount.cli.presentation import plain

if TYPE_CHECKING:
    from symcount.cli.options import Subject
    from symcount.solver.solution import Solution
    from symcount.solver.solutions import Solutions

__all__ = ["described", "report", "summary"]

_FEW = 200  # rows up to which a table is laid out in memory


def report(found: Solutions, subject: Subject) -> None:
    """Say what was searched, and show what was found."""
    formula = subject.formula
    for budget in found.budgets:
        say(f"{formula.name}, {budget.convention}: {budget}")
    rules = found.space.rules
    for path, patterns in found.patterns.items():
        say(f"{path}: {', '.join(' '.join(pattern) for pattern in patterns)}")
    say(f"free: {', '.join(f'{n} = {r}' for n, r in found.ranges.items())}")
    shown = {n: number(v) for n, v in rules.fixed.items()}
    shown.update({n: plain(rule, formula) for n, rule in rules.functions.items()})
    known = [f"{e.letter} = {shown[e.letter]}" for e in formula.notation if e.letter in shown]
    if known:
        say(f"given: {', '.join(known)}")
    if rules.defaulted:
        note(f"defaults of {formula.name}: {', '.join(found.defaults)}")
    if found.left_open:
        say(f"open: {', '.join(map(str, found.left_open))}")
    if found.conditions:
        say(f"where: {', '.join(found.conditions)}")
    if any(found.cases):
        say(f"cases: {'; '.join(' and '.join(case) or 'else' for case in found.cases)}")
    say(f"{_solutions(found.number)}{'' if found.complete else ' so far'} among {number(found.size)} points")
    if found.best:
        _rows(found, found.best, subject.signs)
    if found.closed_form:
        say(f"\n{found.closed_form.plain(ascii_only=ascii_only())}\n  = {found.closed_form.value}")
        say(found.closed_form.latex())
    for near in found.neighbours:
        beside = [s for s in (near.below, near.above) if s is not None]
        which = " and ".join(w for w, s in (("below", near.below), ("above", near.above)) if s is not None)
        if beside:
            say(f"nearest {which} {near.budget.convention} = {number(near.budget.target)}:")
            _rows(found, beside, subject.signs)
        else:
            say(f"no config meets the other conditions, whatever its {near.budget.convention} count")


def _solutions(count: int) -> str:
    return "no solution" if count == 0 else f"{number(count)} solution{'s' if count > 1 else ''}"


def _rows(found: Solutions, solutions: Sequence[Solution], signs: Mapping[str, str]) -> None:
    letters = [n for n in solutions[0].values if n in found.ranges or n in found.space.rules.functions]
    conventions = [b.convention for b in found.budgets]
    headings = ["parameters"] if conventions == ["unique"] else conventions
    sizes = next((s.sizes for s in solutions[:_FEW] if s.sizes), None)
    columns = [
        *(signs.get(n, n) for n in letters),
        *headings,
        "deviation",
        *(["/".join(sizes)] if sizes else []),
        *found.patterns,
    ]

    def cells(s: Solution) -> tuple[str, ...]:
        return (
            *[number(s.values[n]) if n in s.values else "" for n in letters],
            *[f"{s.counts[c]:,}" for c in conventions],
            f"{100 * s.deviation / s.target:+.4f} %",
            *([_aspect(s)] if sizes else []),
            *(runs(kinds) for kinds in s.lists.values()),
        )

    if len(solutions) <= _FEW:
        show(table(*((c, "right") for c in columns)), [cells(s) for s in solutions])
    else:
        stream(columns, solutions, cells)


def _aspect(solution: Solution) -> str:
    width, depth = solution.sizes or ("", "")
    return f"{solution.values[width] / solution.values[depth]:.1f}" if width and solution.values[depth] else ""


def runs(kinds: Sequence[str]) -> str:
    """A list of kinds of layers in short.

    >>> runs(["conv", "conv", "attention", "conv"]), runs(["mlp", "conv", "mlp", "conv"]), runs(["conv"] * 3)
    ('2 conv, attention, …', 'mlp, conv, …', '3 conv')
    """
    if len(set(kinds)) == 1:
        return f"{len(kinds)} {kinds[0]}"
    period = next(p for p in range(1, len(kinds) + 1) if all(a == b for a, b in zip(kinds, kinds[p:], strict=False)))
    each = [(kind, len(list(run))) for kind, run in groupby(kinds[:period])]
    short = [f"{number} {kind}" if number > 1 else kind for kind, number in each]
    return ", ".join([*short, *(["…"] if period < len(kinds) else [])])


def _exact(value: Any) -> Any:
    return str(value) if isinstance(value, Fraction) else value


def described(solution: Solution) -> dict[str, Any]:
    """A solution as a JSON object."""
    aspect = solution.aspect
    return {
        "values": {n: _exact(v) for n, v in solution.values.items()},
        "counts": dict(solution.counts),
        "deviation": solution.deviation,
        "relative": solution.deviation / solution.target,
        "aspect": None if aspect is None else float(aspect),
        **{path: list(kinds) for path, kinds in solution.lists.items()},
    }


def summary(found: Solutions) -> dict[str, Any]:
    """What was searched, and how many solutions there are, as a JSON object."""
    closed = found.closed_form
    return {
        "class": found.space.formula.name,
        "budgets": {b.convention: {"target": b.target, "low": b.low, "high": b.high} for b in found.budgets},
        "free": {n: str(r) for n, r in found.ranges.items()},
        "fixed": {n: _exact(v) for n, v in found.space.rules.fixed.items()},
        "rules": {n: str(rule) for n, rule in found.space.rules.functions.items()},
        "open": [str(c) for c in found.left_open],
        "where": list(found.conditions),
        "cases": [list(case) for case in found.cases],
        "points": found.size,
        "solutions": found.number,
        "shown": len(found),
        "complete": found.complete,
        "nearest": {
            near.budget.convention: {
                side: None if s is None else described(s) for side, s in (("below", near.below), ("above", near.above))
            }
            for near in found.neighbours
        },
        "closed_form": None
        if closed is None
        else {"formula": str(closed.expression), "latex": closed.latex(), "value": closed.value},
    }
