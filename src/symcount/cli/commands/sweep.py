"""The command `sweep`: which classes of transformers derive, exactly, and why not the others."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symcount.cli.commands.derive import Seed, Trials
from symcount.cli.options import Json
from symcount.cli.output import emit, number, say, share, show, table, watched
from symcount.errors import UnknownModelError

if TYPE_CHECKING:
    from symcount.survey.rows import Row

__all__ = ["sweep"]


def sweep(
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="A part of the class name or model type.")] = "",
    base_only: Annotated[bool, typer.Option("--base-only", help="Only base models, without heads.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one for each processor by default.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for one class.")] = 120,
    trials: Trials = 8,
    seed: Seed = 0,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="Append each row here; continue where it stops.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Derive and certify all model classes of transformers, in parallel; a table of what is exact and why not."""
    from symcount.survey.coverage import candidates
    from symcount.survey.coverage import sweep as run

    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    chosen = candidates(pattern, base_only=base_only)
    if not chosen:
        raise UnknownModelError(f"no class of transformers' auto mappings matches {pattern!r}")
    rows = []
    with closing(run(chosen, jobs=jobs, timeout=timeout, trials=trials, seed=seed, output=output)) as found:
        for row in watched(found, len(chosen), _counting()):
            rows.append(row)
            if as_json:
                emit(row.to_json())
    if not as_json:
        _summary(rows)
    return 0


def _counting() -> Callable[[Row], str]:
    """What is said beside the progress bar: how many classes had which end, and the last one's name."""
    counts: Counter[str] = Counter()

    def said(row: Row) -> str:
        counts[row.status] += 1
        ends = ", ".join(f"{n} {status.replace('_', ' ')}" for status, n in counts.items())
        return f"{ends}; {row.name}"

    return said


def _summary(rows: list[Row]) -> None:
    groups = [("base models", [r for r in rows if r.base]), ("with heads", [r for r in rows if not r.base])]
    statuses = list(dict.fromkeys(["exact", "pinned", *(r.status for r in rows)]))
    statuses = [s for s in statuses if any(r.status == s for r in rows)]
    lines = []
    for title, members in (*groups, ("all", rows)):
        if members:
            counts = Counter(r.status for r in members)
            denominator = sum(r.instantiable for r in members)
            good = counts["exact"] + counts["pinned"]
            lines.append(
                (title, number(len(members)), *(number(counts[s]) for s in statuses), share(good, denominator))
            )
    heads = [("classes", "right"), *((s.replace("_", " "), "right") for s in statuses)]
    show(table(("", "left"), *heads, ("of instantiable", "right")), lines)
    others = [r for r in rows if r.status != "exact"]
    if others:
        shown = [
            (r.name, r.status.replace("_", " "), r.reason) for r in sorted(others, key=lambda r: (r.status, r.name))
        ]
        show(table(("class", "left"), ("status", "left"), ("reason", "left")), shown)
    seconds = sum(r.seconds_derive or 0 for r in rows if r.instantiable)
    points = sum(r.points for r in rows)
    say(f"{number(points)} random points passed; {seconds:.1f} s of derivations")
    ratios = sorted(r.seconds_derive / r.seconds_plain for r in rows if r.seconds_derive and r.seconds_plain)
    if ratios:
        say(f"derivation over one plain construction: median {ratios[len(ratios) // 2]:.2f}")
