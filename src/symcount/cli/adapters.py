"""Commands on adapters: what they add to the model that they are for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from symcount.adapters.adapting import is_added
from symcount.api import formula, verify
from symcount.checkpoints.report import CheckpointReport
from symcount.cli.checkpoints import show_report
from symcount.cli.output import complain, emit, number, show, table
from symcount.cli.presentation import described, present
from symcount.config.files import is_adapter
from symcount.core.ledger import check_convention
from symcount.errors import SymcountError
from symcount.exact.evaluate import integer_value

__all__ = ["Base", "adapter_count", "adapter_formula", "adapter_verify", "is_adapter"]

Base = Annotated[
    str | None, typer.Option("--base", metavar="MODEL", help="Of an adapter: its base model, a config.json or a class.")
]
_COLUMNS = ("trainable", "base", "unique")


def adapter_formula(source: str, base: str | None, convention: str, as_json: bool) -> None:
    """Print what is trained as a formula in the rank, unless another convention is asked for."""
    found = formula(source, base=base)
    chosen = check_convention("trainable" if convention == "unique" else convention)
    if as_json:
        emit(described(found, chosen, found.defaults))
    else:
        present(found, chosen, found.defaults, "value")


def adapter_count(sources: Sequence[str], base: str | None, as_json: bool) -> int:
    """Print for each adapter what is trained, the base model, and both together; the exit code."""
    failed = False
    rows: list[tuple[str, str, list[int]]] = []
    for source in sources:
        try:
            found = formula(source, base=base)
            unique, trainable = (integer_value(found.total_as(c), found.defaults) for c in ("unique", "trainable"))
            added = sum(integer_value(row.total, found.defaults) for row in found.ledger if is_added(row))
        except SymcountError as error:  # the other inputs are counted all the same
            failed = True
            complain(str(error) if str(error).startswith(source) else f"{source}: {error}")
            if as_json:
                emit({"source": source, "error": str(error)})
            continue
        numbers = [trainable, unique - added, unique]
        if as_json:
            emit({"source": source, "class": found.name, **dict(zip(_COLUMNS, numbers, strict=True))})
        rows.append((source, found.name, numbers))
    if rows and not as_json:
        heads: list[tuple[str, str]] = [("source", "left"), ("class", "left"), *((c, "right") for c in _COLUMNS)]
        show(table(*heads), [(source, name, *map(number, numbers)) for source, name, numbers in rows])
    return 2 if failed else 0


def adapter_verify(source: str, base: str | None, as_json: bool) -> int:
    """Compare the file of an adapter with its formula; the exit code, 1 if they differ."""
    report = verify(source, base)
    assert isinstance(report, CheckpointReport)  # noqa: S101  # of a file
    return show_report(report, as_json)
