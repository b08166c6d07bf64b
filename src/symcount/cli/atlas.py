"""The command `atlas build`: derive every class of transformers, and write the formulas that the package ships."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from symcount import modeltypes
from symcount.cli.options import Json
from symcount.cli.output import emit, note, number, say
from symcount.errors import UnknownModelError

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The stored formulas.", rich_markup_mode=None)


@app.callback()
def _root() -> None:
    """The stored formulas: build them."""


@app.command()
def build(
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="A part of the class name or model type.")] = "",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="By default the atlas of the package.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one for each processor by default.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for one class.")] = 600,
    effort: Annotated[int | None, typer.Option(min=0, help="Tensors that are traced for one class, about.")] = None,
    trials: Annotated[int, typer.Option(min=1, help="Random points and random configs for each formula.")] = 8,
    resume: Annotated[bool, typer.Option(help="Continue where the last build stopped.")] = True,
    update: Annotated[bool, typer.Option("--update", help="Keep the other entries of the file that is there.")] = False,
    as_json: Json = False,
) -> int:
    """Derive and certify all model classes of transformers with their variants, and write the atlas.

    Beside it go the tables of how transformers loads their files, and what their tensors are called.
    """
    from symcount.atlas.build import assemble, base_models, journal_of, model_types, read_journal
    from symcount.atlas.build import build as run
    from symcount.atlas.examine import activations
    from symcount.atlas.store import Atlas, default_path
    from symcount.atlas.work import EFFORT
    from symcount.checkpoints import identify, loading
    from symcount.derive.sweep import candidates

    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    chosen = candidates(pattern, exported=True, pairs=True)
    if not chosen:
        raise UnknownModelError(f"no model class of transformers matches {pattern!r}")
    target = output or default_path()
    before = Atlas(target) if update else None
    journal = journal_of(target)
    with closing(run(chosen, journal, jobs=jobs or os.cpu_count() or 1, timeout=timeout,
                     effort=EFFORT if effort is None else effort, trials=trials, resume=resume)) as rows:  # fmt: skip
        for row in _watched(rows, len(chosen)):
            if as_json:
                emit({k: v for k, v in row.items() if k not in ("layouts", "trees")})
            elif "reason" in row:
                note(f"{row['class']}: {row['reason']}")
    summary = assemble(read_journal(journal).values(), target, activations(), base_models(), before)
    stored = Atlas(target)
    known = [(name, stored.model_types(name)[0]) for name in stored.names]
    for table in (loading, identify):
        table.measure(known, table.default_path() if output is None else target.with_name(table.default_path().name))
    if target == default_path():
        modeltypes.PATH.write_text(json.dumps(model_types(), indent=1) + "\n", encoding="utf-8")
    if not as_json:
        size = target.stat().st_size
        say(f"{', '.join(f'{number(v)} {k}' for k, v in summary.items())}; {size / 1e6:.2f} MB in {target}")
    return 0


def _watched(rows: Iterable[dict[str, Any]], total: int) -> Iterator[dict[str, Any]]:
    """Show a progress bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield from rows
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        for row in rows:
            progress.update(task, advance=1, description=row["class"])
            yield row


@app.command()
def caches(
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="A part of the class name.")] = "",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="By default the file of the package.")] = None,
    as_json: Json = False,
) -> int:
    """Derive the caches of the classes that continue texts, hold each against real ones, and store the formulas.

    The other lines of the file stay as they are.
    """
    from symcount.derive.resolve import auto_classes
    from symcount.errors import SymcountError
    from symcount.forward.building import records, written
    from symcount.forward.stored import default_path, lines_of

    target = output or default_path()
    found = {name: [json.loads(line) for line in lines] for name, lines in lines_of(target).items()}
    names = sorted({c for c in auto_classes()["MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"] if pattern.lower() in c.lower()})
    if not names:
        raise UnknownModelError(f"no class that continues texts matches {pattern!r}")
    refused = 0
    for name in names:
        try:
            found[name] = records(name)
            written(target, found)
            answer = {"class": name, "formulas": len(found[name])}
            said = f"{name}: {number(len(found[name]))} stored"
        except SymcountError as error:
            refused += 1
            answer, said = {"class": name, "error": str(error)}, f"{name}: {error}"
        if as_json:
            emit(answer)
        else:
            say(said)
    note(f"{target}: {number(sum(map(len, found.values())))} formulas of {number(len(found))} classes")
    return 1 if refused else 0
