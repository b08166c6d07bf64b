"""Kinds of layers of which a model may have none: there the formula still counts every tensor, which is seen by tracing.

A block that all layers of a kind share is there as soon as there is one of them: its kind is not dispensable.
"""

from __future__ import annotations

from itertools import combinations

from symcount.derive import expression as ex
from symcount.derive.arranged import MARK
from symcount.derive.derivation import Derivation
from symcount.derive.exploring import possible
from symcount.derive.templates import collect

__all__ = ["dispensable"]

_MOST = 4  # kinds; of more, none is tried


def dispensable(d: Derivation) -> frozenset[str]:
    """Numbers of layers of a kind that may be zero, each and several of them together; not all that there are."""
    kinds = [name for name in d.structural if MARK in name]
    found: list[str] = []
    for name in kinds if len(kinds) <= _MOST else ():
        beside = [without for size in range(len(found) + 1) for without in combinations(found, size)]
        if all(_holds(d, (name, *without)) for without in beside if len(without) + 1 < len(kinds)):
            found.append(name)
    return frozenset(found)


def _holds(d: Derivation, without: tuple[str, ...]) -> bool:
    """Whether the formula counts the model that has no layer of these kinds."""
    one = possible(d, [{**d.traces[-1].symbols, **dict.fromkeys(without, 0)}])
    if one is None:
        return False
    counts = collect([*d.traces, one]).counts
    return counts.keys() <= d.times.keys() and all(
        ex.value_at(times, one.symbols) == counts[row][-1] for row, times in d.times.items()
    )
