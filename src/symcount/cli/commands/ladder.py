"""The command `ladder`: one config for each of several budgets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symcount.cli.commands.solve import Free, Rules, Runnable, Where, reference_of, subject_of, told_beside, written
from symcount.cli.looks import Notation, Symbols, SymbolsFile, dressed
from symcount.cli.options import ConventionOption, Json, Options, Source, Subject
from symcount.cli.output import emit, note, number, say, show, table
from symcount.cli.presentation import plain
from symcount.cli.solutions import described
from symcount.cli.storage import Batch, Dtype, Length, Optimizer, Quantization, request_of
from symcount.solver.measures import MEASURES

if TYPE_CHECKING:
    from symcount.solver.ladder import Ladder

__all__ = ["ladder"]


def ladder(
    model: Source,
    budgets: Annotated[
        str | None, typer.Option("--budgets", "-b", metavar="COUNT,…", help="Rising: 10M,30M,100M.")
    ] = None,
    aspect: Annotated[
        str, typer.Option(help="Admissible H/N, LOWEST..HIGHEST; none for any. [default: 64..128, or the reference's]")
    ] = "usual",
    head_dim: Annotated[
        int | None, typer.Option(min=1, help="Size of an attention head. [default: 64, or the reference's]")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="CONFIG", help="A config.json, or H=768,N=12, whose proportions are kept.")
    ] = None,
    exponent: Annotated[str | None, typer.Option(metavar="E", help="N grows as H to this power: 1, 0.5, 2/3.")] = None,
    shapes: Annotated[
        list[str] | None,
        typer.Option("--shape", metavar="H=…,N=…", help="Sizes of one rung; once for each, with or without budgets."),
    ] = None,
    tokens: Annotated[
        str, typer.Option(help="Of training: for each parameter 20 or 20N, or 300B, 20*active; 0 for no column.")
    ] = "20",
    tolerance: Annotated[str, typer.Option("--tolerance", "-t", help="How far a rung may be from its budget.")] = "10%",
    free: Free = None,
    values: Rules = None,
    where: Where = None,
    options: Options = None,
    convention: ConventionOption = "unique",
    runnable: Runnable = True,
    dtype: Dtype = None,
    batch: Batch = 1,
    length: Length = None,
    optimizer: Optimizer = None,
    quantization: Quantization = None,
    notation: Notation = None,
    symbols: Symbols = None,
    symbols_file: SymbolsFile = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIRECTORY", help="Write each rung's config.json here, checked on meta.")
    ] = None,
    check: Annotated[bool, typer.Option(help="Build each config with transformers before it is written.")] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: Json = False,
) -> int:
    """Find one config for each of several budgets: a family whose sizes all rise, for a study of scaling."""
    from symcount.solver.ladder import ladder_of

    subject, fixed = subject_of(model, values, options)
    subject = dressed(subject, notation, symbols, symbols_file)
    found = ladder_of(
        subject.formula,
        subject.config,
        budgets,
        aspect=None if aspect.lower() == "none" else aspect,
        head_dim=head_dim,
        reference=reference_of(reference, subject.formula),
        exponent=exponent,
        shapes=shapes,
        tokens=0 if tokens.strip() == "0" else tokens,
        tolerance=tolerance,
        free=free,
        fixed=fixed,
        where=where or (),
        convention=convention,
        runnable=runnable,
        memory=request_of(dtype, batch, length, optimizer, quantization=quantization, further=subject.further),
    )
    told_beside((rung.solution for rung in found), subject)
    files, failure = written(found, output, check=check, overwrite=overwrite)
    if as_json:
        for i, rung in enumerate(found):
            place = str(files[i]) if files else None
            emit({"budget": rung.budget.target, **described(rung.solution), "tokens": rung.tokens, "file": place})
    else:
        _show_ladder(found, subject, convention)
        for file in files:
            note(f"written: {file}")
    if failure:
        note(f"error: {failure}; nothing is written")
    return 1 if failure else 0


def _counted(convention: str) -> str:
    if convention == "flops":
        return "operations"
    return f"bytes of {convention}" if convention in MEASURES else "parameters"


def _show_ladder(found: Ladder, subject: Subject, convention: str) -> None:
    rules = [f"{n} = {number(v)}" for n, v in found.defaults.items()]
    rules += [f"{n} = {plain(rule, subject.formula)}" for n, rule in found.rules.items()]
    say(f"{subject.formula.name}, {convention}: {', '.join(rules)}")
    letters = [n for n in found.rungs[0].solution.values if n not in found.defaults]
    head = [
        ("budget", "right"),
        *((subject.signs.get(n, n), "right") for n in letters),
        (_counted(convention), "right"),
        ("deviation", "right"),
    ]
    tokens = any(rung.tokens for rung in found)
    ratio = all(r.solution.aspect is not None for r in found)
    rows = [
        (
            rung.label,
            *(number(rung.solution.values[n]) for n in letters),
            number(rung.solution.count),
            f"{100 * float(rung.solution.relative):+.2f} %",
            *([f"{float(rung.solution.aspect):.1f}"] if ratio and rung.solution.aspect is not None else []),
            *([number(rung.tokens)] if tokens else []),
        )
        for rung in found
    ]
    head += [("H/N", "right")] if ratio else []
    show(table(*head, *([("tokens", "right")] if tokens else [])), rows)
