"""The command `ladder`: one config for each of several budgets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symcount.cli.options import ConventionOption, Json, Options, Source, Subject
from symcount.cli.output import emit, note, number, say, show, table
from symcount.cli.presentation import plain
from symcount.cli.solving import Free, Rules, Runnable, Where, described, subject_of
from symcount.errors import VerificationError

if TYPE_CHECKING:
    from symcount.solve.ladder import Ladder

__all__ = ["ladder"]


def ladder(
    model: Source,
    budgets: Annotated[str, typer.Option("--budgets", "-b", metavar="COUNT,…", help="Rising: 10M,30M,100M.")],
    aspect: Annotated[str, typer.Option(help="Admissible H/N, LOWEST..HIGHEST; none for any.")] = "64..128",
    head_dim: Annotated[int, typer.Option(min=1, help="Size of an attention head; H is a multiple of it.")] = 64,
    tolerance: Annotated[str, typer.Option("--tolerance", "-t", help="How far a rung may be from its budget.")] = "10%",
    free: Free = None,
    values: Rules = None,
    where: Where = None,
    options: Options = None,
    convention: ConventionOption = "unique",
    runnable: Runnable = True,
    output: Annotated[
        Path | None, typer.Option(metavar="DIRECTORY", help="Write each rung's config.json here, checked on meta.")
    ] = None,
    check: Annotated[bool, typer.Option(help="Build each config with transformers before it is written.")] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: Json = False,
) -> int:
    """Find one config for each of several budgets: a family whose sizes all rise, for a study of scaling."""
    from symcount.solve.ladder import ladder_of

    subject, fixed = subject_of(model, values, options)
    found = ladder_of(
        subject.formula,
        subject.config,
        budgets,
        aspect=None if aspect.lower() == "none" else aspect,
        head_dim=head_dim,
        tolerance=tolerance,
        free=free,
        fixed=fixed,
        where=where or (),
        convention=convention,
        runnable=runnable,
    )
    written: Mapping[str, Path] = {}
    failure = ""
    if output is not None:
        try:
            files = found.write(output, check=check, overwrite=overwrite)
            written = dict(zip((r.label for r in found), files, strict=True))
        except VerificationError as error:
            failure = str(error)
    if as_json:
        for rung in found:
            file = written.get(rung.label)
            emit(
                {"budget": rung.budget.target, **described(rung.solution), "file": None if file is None else str(file)}
            )
    else:
        _show_ladder(found, subject, convention)
        for file in written.values():
            note(f"written: {file}")
    if failure:
        note(f"error: {failure}; nothing is written")
    return 1 if failure else 0


def _show_ladder(found: Ladder, subject: Subject, convention: str) -> None:
    rules = [f"{n} = {number(v)}" for n, v in found.defaults.items()]
    rules += [f"{n} = {plain(rule, subject.formula)}" for n, rule in found.rules.items()]
    say(f"{subject.formula.name}, {convention}: {', '.join(rules)}")
    letters = [n for n in found.rungs[0].solution.values if n not in found.defaults]
    head = [("budget", "right"), *((n, "right") for n in letters), ("parameters", "right"), ("deviation", "right")]
    ratio = all(r.solution.aspect is not None for r in found)
    rows = [
        (
            rung.label,
            *(number(rung.solution.values[n]) for n in letters),
            number(rung.solution.count),
            f"{100 * float(rung.solution.relative):+.2f} %",
            *([f"{float(rung.solution.aspect):.1f}"] if ratio and rung.solution.aspect is not None else []),
        )
        for rung in found
    ]
    show(table(*head, *([("H/N", "right")] if ratio else [])), rows)
