"""Conditions that a forward pass asks and that change nothing: they are tried on their other side, and dropped.

A mask is made otherwise where a sequence is longer than a window, and padded where a chunk does not divide it; what is
held or done afterwards may be the same formula all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from symcount.concolic.config.symbolic import Number
from symcount.concolic.values.expression import free_symbols
from symcount.concolic.values.path import Condition as TracedCondition
from symcount.core.domain import Condition
from symcount.derivation.drawing import inside, values_of
from symcount.derivation.formula import DerivedFormula
from symcount.errors import DomainError
from symcount.forward.certificate import differences
from symcount.forward.inputs import SIZES

__all__ = ["widened"]

_LENGTHS = (1, 2, 3, 7, 64, 100, 128, 200, 256, 320, 512, 1000, 1024)
_ENOUGH = 2  # points on the other side at which the formula is right


def widened(formula: DerivedFormula) -> DerivedFormula:
    """*formula* without the conditions on the other side of which it was seen to be right."""
    for condition in formula.conditions:
        names = [formula.notation[s].field for s in condition.symbols]
        if condition.relation == "divides" and not any(n in SIZES for n in names):
            continue
        wider = replace(
            formula,
            conditions=tuple(c for c in formula.conditions if c is not condition),
            asked=tuple(c for c in formula.asked if not _same(c, condition, formula)),
        )
        found = []
        for point in _beyond(wider, condition, names):
            answer = differences(wider, point)
            if answer is not None:
                found.append(answer)
            if answer or len(found) >= _ENOUGH:
                break
        if found and not any(found):
            formula = wider
    return formula


def _same(asked: TracedCondition, condition: Condition, formula: DerivedFormula) -> bool:
    """Whether what the code *asked* is that condition: of the same fields, by the same relation."""
    fields = {formula.notation[s].field for s in condition.symbols}
    return asked.relation == condition.relation and free_symbols(asked.left) | free_symbols(asked.right) == fields


def _beyond(formula: DerivedFormula, condition: Condition, names: list[str]) -> Iterator[dict[str, Number]]:
    """Points at which *condition* does not hold and all others do: one field is not as by default, with few layers."""
    start = dict(formula.base)
    for depth in formula.depths:
        for number in range(2, 8):
            shallow = {**start, depth: number}
            if number < start[depth] and inside(formula, shallow):
                start = shallow
                break
    for name in sorted(names, key=lambda n: n not in SIZES):
        value = start[name]
        others = _LENGTHS if name in SIZES else (value * 2, value + 1, value - 1, value // 2, value * 4, 1, 0)
        for other in others:
            point = {**start, name: type(value)(other)}
            if other != value and _outside(condition, values_of(formula, point)) and inside(formula, point):
                yield point


def _outside(condition: Condition, values: dict[str, Any]) -> bool:
    try:
        return not condition.holds(values)
    except (ArithmeticError, DomainError):  # a remainder by zero
        return False
