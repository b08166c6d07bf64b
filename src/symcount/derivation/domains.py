"""The domain of a derived formula: which of the conditions that the model's code asked the formula relies on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from sympy import Add, Expr, Symbol

from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.path import Condition as TracedCondition
from symcount.config.kind_lists import MARK
from symcount.core.domain import Condition, relation
from symcount.derivation.depth_limits import layers_there_are, of_index
from symcount.derivation.evidence import Hypotheses
from symcount.derivation.structure import shape_symbols

__all__ = ["asked", "domain", "related"]


def related(
    conditions: Iterable[TracedCondition], letters: Mapping[str, Symbol], convert: Callable[[Node], Expr]
) -> Iterator[Condition]:
    """Those of *conditions* that are about the formula's own symbols."""
    for c in conditions:
        if c.symbols <= letters.keys():
            yield relation(convert(c.left), c.relation, convert(c.right))


def asked(h: Hypotheses) -> Iterator[TracedCondition]:
    """What the model's code asked and the formula relies on.

    That of an index is in the multiplicities, if these have its fields; else its answer has to stay as it was.
    """
    counted = _counted(h)
    for condition in h.conditions:
        if not of_index(h.evidence, condition) or not condition.symbols & counted:
            yield condition


def _counted(h: Hypotheses) -> frozenset[str]:
    """The fields that are in a size or a multiplicity."""
    return frozenset(shape_symbols(h.evidence.traces)).union(*map(free_symbols, h.times.values()))


def domain(h: Hypotheses, letters: Mapping[str, Symbol], convert: Callable[[Node], Expr]) -> Iterator[Condition]:
    """The conditions under which a formula of these hypotheses holds, in its letters."""
    for condition in h.evidence.guards:
        yield relation(convert(condition.left), condition.relation, convert(condition.right))
    counted = _counted(h)
    for condition in h.conditions:
        if not condition.symbols <= letters.keys():
            continue
        of_layers = of_index(h.evidence, condition) and condition.symbols & counted
        idle = condition.relation in ("ieee", "not divides") or of_layers
        if condition in h.switches or not idle:
            yield relation(convert(condition.left), condition.relation, convert(condition.right))
    for name, least in h.evidence.least.items():
        if name in letters:
            yield relation(letters[name], ">=", least)
    if h.dispensable and h.dispensable == {n for n in h.evidence.structural if MARK in n}:
        yield relation(Add(*(letters[name] for name in sorted(h.dispensable))), ">=", 1)
    yield from layers_there_are(h, letters, convert)
