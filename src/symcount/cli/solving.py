"""The command `solve`: every config that meets a budget."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symcount.cli.options import (
    ConventionOption,
    Json,
    Options,
    Source,
    Subject,
    is_number,
    load,
    pairs,
    told,
    value_of,
)
from symcount.cli.output import ascii_only, emit, note, number, say, show, stream, table
from symcount.cli.presentation import plain
from symcount.errors import BudgetError

if TYPE_CHECKING:
    from symcount.formula import Formula
    from symcount.solve.hunt import Hunt
    from symcount.solve.solution import Solution
    from symcount.solve.solutions import Solutions

__all__ = ["Free", "Rules", "Runnable", "Where", "described", "solve", "subject_of"]

_DRAWN = 2000  # solutions in a picture
_FEW = 200  # rows up to which a table is laid out in memory

Rules = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="NAME=VALUE", help="A number, or a rule such as I=4*H or A=H/64. Repeatable."),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="CONDITION", help="A condition such as 'H % A == 0' or 'H/N <= 128'. Repeatable."),
]
Free = Annotated[
    list[str] | None,
    typer.Option("--free", metavar="NAME[=FIRST..LAST[:STEP]]", help="An unknown and its range. Repeatable."),
]

Runnable = Annotated[
    bool,
    typer.Option(help="Only configs whose models run: K divides A, no more experts for a token than there are."),
]


def solve(
    model: Source,
    budget: Annotated[
        list[str], typer.Option("--budget", "-b", metavar="[CONVENTION=]COUNT", help="110M, 1.3B, '<=7B'. Repeatable.")
    ],
    free: Free = None,
    tolerance: Annotated[
        str | None, typer.Option("--tolerance", "-t", help="0.1%, 500k; -1% or +1% for one side. [default: 1%]")
    ] = None,
    values: Rules = None,
    where: Where = None,
    rank: Annotated[
        list[str] | None,
        typer.Option("--rank", help="shape, distance, aspect=80, reference, round, or e.g. 'abs(I/H-4)'. Repeatable."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="CONFIG", help="The config.json, or values H=768,N=12, for --rank reference.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-k", min=0, help="Solutions to show; 0 for all.")] = 10,
    options: Options = None,
    convention: ConventionOption = "unique",
    runnable: Runnable = True,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the iso-budget curve (.pdf, .svg, .png).")
    ] = None,
    as_json: Json = False,
) -> int:
    """Find every config that meets a budget of parameters, exactly; or what comes nearest."""
    from symcount.solve.api import search_for

    subject, fixed = subject_of(model, values, options)
    hunt = search_for(
        subject.formula,
        subject.config,
        _budgets(budget, convention),
        free=free or [],
        fixed=fixed,
        where=where or (),
        tolerance=tolerance,
        rank=rank or ["shape"],
        reference=_reference(reference, subject.formula),
        limit=None if limit == 0 else limit if plot is None else max(limit, _DRAWN),
        convention=convention,
        runnable=runnable,
    )
    interrupted = False
    try:
        for _ in _watched(hunt):
            pass
    except KeyboardInterrupt:
        interrupted = True
    everything = hunt.result()
    found = replace(everything, best=everything.best[: limit or None])
    if as_json:
        for solution in found:
            emit(described(solution))
        emit(_summary(found))
    else:
        _report(found, subject)
    if interrupted:
        note(f"interrupted: {number(found.number)} solutions found so far, {100 * hunt.progress:.0f} % searched")
        return 130
    if plot is not None:
        from symcount.solve.plot import plot_solutions

        plot_solutions(everything, plot)
        note(f"drawn: {plot}")
    return 0 if found.number else 1


def subject_of(
    model: str, values: Sequence[str] | None, options: Sequence[str] | None
) -> tuple[Subject, dict[str, Any]]:
    """The formula, and the values and rules for single symbols."""
    given = pairs(values or (), "-s", "A=H/64")
    numbers = [f"{name}={value}" for name, value in given if is_number(value)]
    subject = load(model, numbers, options)
    told(subject)
    rules = {name: value for name, value in given if not is_number(value)}
    return subject, {**subject.overrides, **rules}


def _budgets(texts: Sequence[str], convention: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        named = bool(sign) and name.strip().isidentifier()  # not the sign of `<=7B`
        key = name.strip() if named else convention
        if key in found:
            raise BudgetError(f"two budgets for {key}: {found[key]} and {value if named else text}; give one")
        found[key] = value if named else text
    return found


def _reference(text: str | None, formula: Formula) -> Any:
    if text is None or "=" not in text:
        return text
    given = pairs(text.split(","), "--reference", "H=768,N=12")
    return {name: value_of(formula.notation[name], value) for name, value in given}


def _watched(hunt: Hunt) -> Iterator[float]:
    """Show a progress bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield from hunt.steps()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=1.0)
        for share in hunt.steps():
            progress.update(task, completed=share, description=f"{hunt.found:,} solutions")
            yield share


def _report(found: Solutions, subject: Subject) -> None:
    formula = subject.formula
    for budget in found.budgets:
        said = str(budget) if not ascii_only() else str(budget).encode("ascii", "replace").decode()
        say(f"{formula.name}, {budget.convention}: {said}")
    rules = found.space.rules
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
        _rows(found, found.best)
    if found.closed_form:
        say(f"\n{found.closed_form.plain(ascii_only=ascii_only())}\n  = {found.closed_form.value}")
        say(found.closed_form.latex())
    for near in found.neighbours:
        beside = [s for s in (near.below, near.above) if s is not None]
        which = " and ".join(w for w, s in (("below", near.below), ("above", near.above)) if s is not None)
        if beside:
            say(f"nearest {which} {near.budget.convention} = {number(near.budget.target)}:")
            _rows(found, beside)
        else:
            say(f"no config meets the other conditions, whatever its {near.budget.convention} count")


def _solutions(count: int) -> str:
    return "no solution" if count == 0 else f"{number(count)} solution{'s' if count > 1 else ''}"


def _rows(found: Solutions, solutions: Sequence[Solution]) -> None:
    letters = [n for n in solutions[0].values if n in found.ranges or n in found.space.rules.functions]
    conventions = [b.convention for b in found.budgets]
    headings = ["parameters"] if conventions == ["unique"] else conventions
    sizes = next((s.sizes for s in solutions[:_FEW] if s.sizes), None)
    columns = [*letters, *headings, "deviation", *(["/".join(sizes)] if sizes else [])]

    def cells(s: Solution) -> tuple[str, ...]:
        return (
            *[number(s.values[n]) if n in s.values else "" for n in letters],
            *[f"{s.counts[c]:,}" for c in conventions],
            f"{100 * s.deviation / s.target:+.4f} %",
            *([_aspect(s)] if sizes else []),
        )

    if len(solutions) <= _FEW:
        show(table(*((c, "right") for c in columns)), [cells(s) for s in solutions])
    else:
        stream(columns, solutions, cells)


def _aspect(solution: Solution) -> str:
    width, depth = solution.sizes or ("", "")
    return f"{solution.values[width] / solution.values[depth]:.1f}" if width and solution.values[depth] else ""


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
    }


def _summary(found: Solutions) -> dict[str, Any]:
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
