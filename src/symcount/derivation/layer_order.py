"""The order of layer kinds: whether it matters to the parameters, and which kinds a model may do without.

Both are seen by tracing. A formula in the numbers of layers of each kind holds for any order of them, so in any order
the model must have the same rows as often. Of a kind there may be none where the formula still counts every tensor: a
block that all layers of a kind share is there as soon as there is one of them, and then its kind is not dispensable.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from symcount.concolic.config.symbolic import Number
from symcount.config.kind_lists import MARK, ORDERED, field_of
from symcount.derivation.elements import kind_lists_in
from symcount.derivation.evidence import Hypotheses
from symcount.derivation.runs import possible
from symcount.errors import DerivationError

__all__ = ["check_order", "counts", "dispensable", "start_of"]

_MOST = 4  # kinds; of more, none is tried
_SEEDS = (*ORDERED, 1, 2, 3)


def check_order(h: Hypotheses) -> None:
    """Observe the model with its layers in several orders.

    Raises:
        DerivationError: the formula does not count the model in one of them.
    """
    e = h.evidence
    for path, _ in kind_lists_in(e.plan.source):  # of a kind whose number is kept, too: the order is none of its fields
        for seed in _SEEDS:
            if not _holds(h, {field_of(path, ""): seed}):
                raise DerivationError(f"{e.plan.cls.__name__}: the order of the kinds of layers in {path} matters")


def dispensable(h: Hypotheses) -> frozenset[str]:
    """Numbers of layers of a kind that may be zero, each and several of them together; not all that there are."""
    kinds = [name for name in h.evidence.structural if MARK in name]
    found: list[str] = []
    for name in kinds if len(kinds) <= _MOST else ():
        beside = [without for size in range(len(found) + 1) for without in combinations(found, size)]
        tries = [(name, *without) for without in beside if len(without) + 1 < len(kinds)]
        if all(_holds(h, dict.fromkeys(without, 0)) for without in tries):
            found.append(name)
    return frozenset(found)


def _holds(h: Hypotheses, changes: dict[str, int]) -> bool:
    """Whether the formula counts the model at the deepest trace with these changes."""
    return counts(h, changes) is True


def counts(h: Hypotheses, changes: Mapping[str, int]) -> bool | None:
    """Whether the formula counts the model at the deepest trace with these changes; `None` if there is no model."""
    one = possible(h.evidence, [{**start_of(h), **changes}])
    return None if one is None else h.counts(one)


def start_of(h: Hypotheses) -> Mapping[str, Number]:
    """The values of the deepest trace."""
    return max(h.evidence.traces, key=lambda t: len(t.parameters)).symbols
