"""The tensors that a row of a ledger stands for, at numbers: a shape, and how many tensors have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from sympy import Expr

from symcount.core.ledger import Row
from symcount.core.summation import index_symbol
from symcount.exact.evaluate import integer_value

__all__ = ["instances"]


def instances(
    row: Row, values: Mapping[str, Any], size: Callable[[Expr, Mapping[str, Any]], int] = integer_value
) -> Iterator[tuple[tuple[int, ...], int]]:
    """The shapes of the tensors of *row* and how many tensors have each, at *values* by letter.

    Args:
        row: of a ledger.
        values: by letter.
        size: what a dimension is there; by default a fraction is refused.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> from symcount.core.summation import index_symbol
    >>> from symcount.core.tree import Block, Index, Parameter
    >>> i, H, N = index_symbol(), symbol("H"), symbol("N")
    >>> layers = Block("*", "Linear", (Parameter("weight", (H, H + i)),), index=Index(i, N))
    >>> (row,) = Ledger.of(Block("", "Model", children=(layers,)))
    >>> list(instances(row, {"H": 4, "N": 3})), row.size
    ([((4, 4), 1), ((4, 5), 1), ((4, 6), 1)], H**2*N + H*N*(N - 1)/2)
    """
    repeat = integer_value(row.repeat, values)
    numbers = [range(integer_value(index.number, values)) for index in row.indices]
    own = {index.symbol: index_symbol(f"{index.symbol.name}__index") for index in row.indices}  # no letter's name
    shape = tuple(d.xreplace(own) for d in row.shape) if own else row.shape
    for chosen in product(*numbers):
        place = {**values, **{s.name: n for s, n in zip(own.values(), chosen, strict=True)}} if own else values
        yield tuple(size(d, place) for d in shape), repeat
