"""From rows to what a tree is assembled of; a row whose size depends on an index becomes one for each progression."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sympy import Expr, Symbol, expand

from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node
from symcount.concolic.values.rewriting import collected, rebuilt
from symcount.core.domain import Condition, relation
from symcount.core.tree import Index
from symcount.derivation.evidence import Hypotheses
from symcount.derivation.progressions import Series
from symcount.derivation.rows import Row

__all__ = ["INDEX", "Item", "items", "sizes_there_are"]

#: What stands in shapes for the number of a module in its progression, from zero on.
INDEX: Final = "#"

Convert = Callable[[Node | int], Expr]


@dataclass(frozen=True)
class Item:
    """What a tree is assembled of.

    Attributes:
        row: a row; with the symbol `INDEX` in its shape, where an index numbers its modules.
        times: its multiplicity in the whole model.
        index: what numbers them.
        star: the position of the `*` in its path that has the numbers.
    """

    row: Row
    times: Expr
    index: Index | None = None
    star: int = -1


def items(h: Hypotheses, symbol: Symbol, convert: Convert) -> Iterator[Item]:
    """The items of the rows, in the order of the model."""
    for row, times in h.times.items():
        if row not in h.series:
            yield Item(row, convert(times))
            continue
        for one in h.series[row]:
            number = convert(one.indices.number)
            if number != 0:
                shape = tuple(map(_renumbered(one), row.shape))
                index = Index(symbol, number)
                star = h.evidence.rows.numbered.get(row, row.stars[0] if row.stars else -1)
                yield Item(replace(row, shape=shape), number * convert(one.times), index, star)


def _renumbered(one: Series) -> Callable[[Node | int], Node | int]:
    """A dimension with `first + step * number` in the place of the loop's index."""
    number = collected(ex.add(one.indices.first, ex.mul(one.indices.step, ex.symbol(INDEX))))
    memo: dict[Node, Node] = {}

    def changed(dim: Node | int) -> Node | int:
        if not isinstance(dim, Node):
            return dim
        return rebuilt(dim, lambda leaf: number if leaf.args[0] == one.loop else leaf, memo)

    return changed


def sizes_there_are(h: Hypotheses, letters: Mapping[str, Symbol], convert: Convert) -> Iterator[Condition]:
    """The conditions under which no size and no number of a progression is negative."""
    index = letters[INDEX]
    for item in items(h, index, convert) if h.series else ():
        if item.index is None:
            continue
        number = item.index.number
        if _may_be_negative(number):
            yield relation(number, ">=", 0)
        for dim in map(convert, item.row.shape):
            if index in dim.free_symbols and _may_be_negative(dim):
                yield relation(expand(dim.xreplace({index: number - 1})), ">=", 0)


def _may_be_negative(number: Expr) -> bool:
    return not number.is_nonnegative and any(t.could_extract_minus_sign() for t in expand(number).as_ordered_terms())
