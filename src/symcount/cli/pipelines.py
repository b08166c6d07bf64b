"""Counting a folder that holds several models: each by itself, and their sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symcount.atlas.variant import CONVENTIONS
from symcount.cli.output import complain, emit, number, say, show, table
from symcount.cli.quick_count import counted
from symcount.core.ledger import Convention
from symcount.ecosystem.pipelines import Part, parts
from symcount.errors import SymcountError

__all__ = ["pipeline_count"]

_COLUMNS: tuple[Convention, ...] = ("unique", "per_layer", "non_embedding", "active")


def pipeline_count(sources: Sequence[str], convention: Convention | None, *, as_json: bool) -> int:
    """Print for each folder its parts and their sum; the exit code, 2 if a part cannot be counted."""
    columns = _COLUMNS if convention is None else (convention,)
    failed = False
    for source in sources:
        kind, found = parts(source)
        rows: list[tuple[str, str, dict[str, int]]] = []
        for part in found:
            try:
                rows.append((part.name, *_numbers(f"{source}/{part.name}", part)))
            except SymcountError as error:  # the others are counted all the same
                failed = True
                complain(str(error) if str(error).startswith(source) else f"{source}/{part.name}: {error}")
        every: dict[str, None] = dict.fromkeys((*_COLUMNS, *columns))
        whole = {c: sum(numbers[c] for _, _, numbers in rows) for c in every}
        missing = [part.name for part in found if part.name not in {name for name, _, _ in rows}]
        if as_json:
            items = [{"part": n, "class": k, **{c: numbers[c] for c in whole}} for n, k, numbers in rows]
            emit({"source": source, "class": kind, **whole, "parts": items, "missing": missing})
            continue
        if len(sources) > 1:
            say(f"{source} ({kind})")
        last = f"sum without {', '.join(missing)}" if missing else "sum"
        lines = [(name, cls, *(number(numbers[c]) for c in columns)) for name, cls, numbers in rows]
        lines.append((last, kind, *(number(whole[c]) for c in columns)))
        show(table(("part", "left"), ("class", "left"), *((c, "right") for c in columns)), lines)
    return 2 if failed else 0


def _numbers(source: str, part: Part) -> tuple[str, dict[str, int]]:
    """Class and counts of a part.

    Raises:
        SymcountError: it cannot be counted.
    """
    if part.error is not None:
        raise part.error
    if part.layer is not None:
        layer = part.layer
        return part.kind, {c: layer.count({}, convention=c) for c in CONVENTIONS}
    if part.config is None:
        return part.kind, dict.fromkeys(CONVENTIONS, 0)
    config: dict[str, Any] = part.config
    found = counted(source, config)
    return found.name, found.totals
