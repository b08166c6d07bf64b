"""The command `solve`: every config that meets a budget."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symcount.cli.looks import Notation, Symbols, SymbolsFile, dressed
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
from symcount.cli.output import emit, note, number
from symcount.cli.solutions import described, report, summary
from symcount.cli.storage import Batch, Dtype, Length, Optimizer, Quantization, Tokens, request_of
from symcount.errors import BudgetError, VerificationError

if TYPE_CHECKING:
    from symcount.formulas.formula import Formula
    from symcount.solver.hunt import Hunt
    from symcount.solver.ladder import Ladder
    from symcount.solver.solution import Solution
    from symcount.solver.solutions import Solutions

__all__ = ["Free", "Rules", "Runnable", "Where", "reference_of", "solve", "subject_of", "told_beside", "written"]

_DRAWN = 2000  # solutions in a picture

Rules = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="NAME=VALUE", help="A number, or a rule such as I=4*H or A=H/64. Repeatable."),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        help="A condition such as 'H % A == 0', 'H/N <= 128' or 'N in (12, 24)'. Repeatable.",
    ),
]
Free = Annotated[
    list[str] | None,
    typer.Option(
        "--free", metavar="NAME[=FIRST..LAST[:STEP]]", help="An unknown and its range, or its values. Repeatable."
    ),
]

Runnable = Annotated[
    bool,
    typer.Option(help="Only configs whose models run: K divides A, no more experts for a token than there are."),
]


def solve(
    model: Source,
    budget: Annotated[
        list[str],
        typer.Option(
            "--budget", "-b", metavar="[CONVENTION=]COUNT", help="110M, 1.3B, '<=7B', memory=24GB. Repeatable."
        ),
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
    dtype: Dtype = None,
    batch: Batch = 1,
    length: Length = None,
    optimizer: Optimizer = None,
    quantization: Quantization = None,
    tokens: Tokens = "20N",
    notation: Notation = None,
    symbols: Symbols = None,
    symbols_file: SymbolsFile = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the iso-budget curve (.pdf, .svg, .png).")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIRECTORY", help="Write each shown config.json here, checked on meta."),
    ] = None,
    check: Annotated[bool, typer.Option(help="Build each config with transformers before it is written.")] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: Json = False,
) -> int:
    """Find every config that meets a budget of parameters, exactly; or what comes nearest."""
    from symcount.solver.api import search_for

    subject, fixed = subject_of(model, values, options)
    subject = dressed(subject, notation, symbols, symbols_file)
    hunt = search_for(
        subject.formula,
        subject.config,
        _budgets(budget, convention),
        free=free or [],
        fixed=fixed,
        where=where or (),
        tolerance=tolerance,
        rank=rank or ["shape"],
        reference=reference_of(reference, subject.formula),
        limit=None if limit == 0 else limit if plot is None else max(limit, _DRAWN),
        convention=convention,
        runnable=runnable,
        memory=request_of(
            dtype, batch, length, optimizer, quantization=quantization, tokens=tokens, further=subject.further
        ),
    )
    interrupted = False
    try:
        for _ in _watched(hunt):
            pass
    except KeyboardInterrupt:
        interrupted = True
    everything = hunt.result()
    found = replace(everything, best=everything.best[: limit or None])
    told_beside(found, subject)
    files, failure = written(found, output, check=check, overwrite=overwrite)
    if as_json:
        for i, solution in enumerate(found):
            emit({**described(solution), **({} if output is None else {"file": str(files[i]) if files else None})})
        emit(summary(found))
    else:
        report(found, subject)
        for file in files:
            note(f"written: {file}")
    if failure:
        note(f"error: {failure}; nothing is written")
    if interrupted:
        note(f"interrupted: {number(found.number)} solutions found so far, {100 * hunt.progress:.0f} % searched")
        return 130
    if plot is not None:
        from symcount.solver.plot import plot_solutions

        plot_solutions(everything, plot)
        note(f"drawn: {plot}")
    return 0 if found.number and not failure else 1


def told_beside(found: Iterable[Solution], subject: Subject) -> None:
    """Say which fields the configs have that nobody gave: as many positions as the length asks."""
    first = next(iter(found), None)
    for name, value in ({} if first is None else first.beside).items():
        if isinstance(value, int) and name not in subject.config.fields and name not in subject.further:
            note(f"note: {name} = {number(value)} in every config, for the length")


def written(
    found: Solutions | Ladder, output: Path | None, *, check: bool, overwrite: bool
) -> tuple[tuple[Path, ...], str]:
    """The files to which the configs of *found* were written, and what a check found wrong, if it did."""
    if output is None:
        return (), ""
    try:
        return found.write(output, check=check, overwrite=overwrite), ""
    except VerificationError as error:
        return (), str(error)


def subject_of(
    model: str, values: Sequence[str] | None, options: Sequence[str] | None
) -> tuple[Subject, dict[str, Any]]:
    """The formula, and the values and rules for single symbols."""
    given = pairs(values or (), "-s", "A=H/64")
    numbers = [f"{name}={value}" for name, value in given if is_number(value)]
    subject = load(model, numbers, options, further=True)
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


def reference_of(text: str | None, formula: Formula) -> Any:
    """The reference config: a path, or values by name."""
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
