"""What a notebook shows of solutions and ladders: a table with a row for each config."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from html import escape
from itertools import islice

from symcount.solver.solution import Solution
from symcount.typeset.content import Cell, Count, Table
from symcount.typeset.html import block

__all__ = ["shown"]

_MOST = 20  # rows


def shown(heading: str, rows: Iterable[tuple[str, Solution]], letters: Sequence[str], number: int) -> str:
    """*heading* and the first of *number* rows: a label, if there is any, the sizes *letters*, the counts."""
    first = list(islice(rows, _MOST))
    if not first:
        return f"<p>{escape(heading)}</p>"
    labelled = any(label for label, _ in first)
    counts = list(first[0][1].counts)
    columns = [*([("Budget", "right")] if labelled else []), *((letter, "right") for letter in letters)]
    columns += [("parameters" if name == "unique" else name, "right") for name in counts]
    table = Table([*columns, ("deviation", "right")], [_row(label, s, letters, labelled) for label, s in first])
    more = f"<p>and {number - len(first):,} more</p>" if number > len(first) else ""
    return f"<p>{escape(heading)}</p>\n{block(table)}{more}"


def _row(label: str, solution: Solution, letters: Sequence[str], labelled: bool) -> list[Cell]:
    sizes: list[Cell] = []
    for letter in letters:
        value = solution.values[letter]
        sizes.append(Count(value) if isinstance(value, int | Fraction) else str(value))
    numbers = [Count(count) for count in solution.counts.values()]
    deviation = f"{float(100 * solution.relative):+.4f} %"  # for the eye
    return [*([label] if labelled else []), *sizes, *numbers, deviation]
