"""The total of a model as a sum in the order of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sympy import Expr, Integer

from symcount.core.ledger import Convention, Ledger, Row
from symcount.core.tree import Block
from symcount.typeset.terms import Group, Series, Sum

__all__ = ["arrange", "arrange_inside"]


def arrange(
    tree: Block,
    ledger: Ledger,
    convention: Convention,
    folded: Callable[[Row], list[Series] | None] = lambda _: None,
    size: Callable[[Row], Expr] | None = None,
) -> Sum:
    """Arrange the total of *tree* under *convention* as a nested sum in the order of the model.

    *folded* says of a row that it is part of a sum, and at the first row of each gives that sum; *size* is what a row
    that is not counts.
    """
    result = Sum()
    rest = [(row, found) for row in ledger if (found := folded(row)) is not None]
    skipped = {id(row) for row, _ in rest}
    begins = {id(row): series for row, series in rest if series}

    def keep(row: Row) -> bool:
        result.terms += begins.get(id(row), [])
        return id(row) not in skipped

    _fill(result, tree, iter(ledger), ledger, convention, Integer(1), keep, size)
    return result.settled()


def arrange_inside(
    block: Block,
    rows: Iterable[Row],
    ledger: Ledger,
    convention: Convention,
    keep: Callable[[Row], bool],
    size: Callable[[Row], Expr] | None = None,
) -> Sum:
    """One copy of the repeated *block*, of whose *rows* only those count that *keep* says, each with its *size*."""
    result = Sum()
    _own(result, block, iter(rows), ledger, convention, block.repeat, keep, size)
    return result.settled()


def _fill(
    target: Sum,
    block: Block,
    rows: Iterator[Row],
    ledger: Ledger,
    how: Convention,
    outer: Expr,
    keep: Callable[[Row], bool] | None = None,
    size: Callable[[Row], Expr] | None = None,
) -> None:
    """Consume the rows of *block*, which come in the order in which the tree is walked; count those of *keep*."""
    if block.repeat != 1:
        body = Sum()
        _own(body, block, rows, ledger, how, outer * block.repeat, keep, size)
        match body.terms:
            case []:
                return
            case [Group() as only]:  # n lists of m layers are n·m layers
                target.terms.append(Group(block.repeat * only.repeat, only.body))
            case _:
                _append(target, Group(block.repeat, body))
    else:
        _own(target, block, rows, ledger, how, outer, keep, size)


def _append(target: Sum, group: Group) -> None:
    for other in target.terms:
        if isinstance(other, Group) and other.repeat == group.repeat:
            for term in group.body.terms:
                if isinstance(term, Group):
                    _append(other.body, term)
                elif isinstance(term, Expr):
                    other.body.add(term)
            return
    target.terms.append(group)


def _own(
    target: Sum,
    block: Block,
    rows: Iterator[Row],
    ledger: Ledger,
    how: Convention,
    outer: Expr,
    keep: Callable[[Row], bool] | None = None,
    size: Callable[[Row], Expr] | None = None,
) -> None:
    for _ in block.parameters:
        row = next(rows)
        times = ledger.counted(row, how)
        if (keep is None or keep(row)) and times != 0:
            target.add(times / outer * (row.size if size is None else size(row)))
    for child in block.children:
        _fill(target, child, rows, ledger, how, outer, keep, size)
