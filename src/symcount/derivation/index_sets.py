"""Sets of indices that no question of the code explains: the first few, the last, every third, up to a field.

A list that was cut, sorted or overwritten (`layer_types[-1] = "full_attention"`) says of each layer what it is without
asking anything of the layer's index. Which indices make a row is seen all the same. The predicates here are hypotheses
about such sets; those that agree with every run are told apart by further runs, where they differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.path import Loop
from symcount.concolic.values.predicates import Predicate

__all__ = ["elements_of", "suppositions"]

_FIRST: Final = 8  # the first few are not more than these
_LAST: Final = 4
_PERIODS: Final = range(2, 13)


def suppositions(loop: Loop, fields: Collection[str]) -> list[Predicate]:
    """Predicates on the index of *loop*, the simplest first, that *fields* and small numbers make.

    >>> layers = Loop("#0", "doctest", (ex.const(0), ex.symbol("layers"), ex.const(1)), ())
    >>> [str(p) for p in suppositions(layers, ["layers", "dense"])[:4]]
    ['#0 == 0', '#0 == (layers + -1)', '#0 < dense', '#0 == dense']
    """
    return list(dict.fromkeys(_supposed(loop, fields)))


def _supposed(loop: Loop, fields: Collection[str]) -> Iterator[Predicate]:
    index, (first, last, _) = ex.symbol(loop.name), loop.bounds
    near = [ex.symbol(n) for n in fields if _together(n, last) and n not in free_symbols(last)]
    yield Predicate("==", index, first)
    yield Predicate("==", index, ex.add(last, ex.const(-1)))
    for field in near:
        yield Predicate("<", index, field)
        yield Predicate("==", index, field)
    for few in range(1, _LAST + 1):
        yield Predicate("<", index, ex.add(first, ex.const(few + 1)))
        yield Predicate("==", index, ex.add(first, ex.const(few)))
        yield Predicate("<", index, ex.sub(last, ex.const(few + 1)))
    for some in (*near, *map(ex.const, _PERIODS)):
        yield Predicate("divides", some, ex.add(index, ex.const(1)))
        yield Predicate("divides", some, index)
    for few in range(_LAST + 2, _FIRST + 1):
        yield Predicate("<", index, ex.add(first, ex.const(few)))
    for period in _PERIODS:
        for shift in range(2, period):
            yield Predicate("divides", ex.const(period), ex.add(index, ex.const(shift)))


def elements_of(loop: Loop, numbers: Mapping[int, int], most: int) -> list[Predicate]:
    """That the index is one of those, at most so many, that make another number of parameters than most do."""
    values: Sequence[int] = list(numbers.values())
    usual = max(values, key=values.count, default=0)
    others = [i for i, number in sorted(numbers.items()) if number != usual]
    return [Predicate("==", ex.symbol(loop.name), ex.const(i)) for i in others] if len(others) <= most else []


def _together(name: str, bound: Node) -> bool:
    """Whether a field is of the same sub-config as a loop's bound, and is no element of a list."""
    sections = {n.rpartition(".")[0] for n in free_symbols(bound)}
    return name.rpartition(".")[0] in sections and not name.endswith("]")
