"""Conditions in a language: both sides brought to integers, so that nothing is rounded."""

from __future__ import annotations

from collections.abc import Collection

from symcount.code.integers import Node, Operation, quotient
from symcount.code.language import Language
from symcount.core.domain import Condition

__all__ = ["holds", "sides"]


def sides(condition: Condition, ratios: Collection[str] = ()) -> tuple[Node, Node]:
    """Two integers of which the same relation holds: those of the condition times both denominators.

    Denominators are products of letters, so they are positive.
    """
    (a, b), (c, d) = quotient(condition.left, ratios), quotient(condition.right, ratios)
    if b == d == 1:
        return a, c
    return Operation("multiply", (a, d)), Operation("multiply", (c, b))


def holds(language: Language, condition: Condition, ratios: Collection[str] = ()) -> str:
    """Whether the condition holds, as an expression."""
    return language.expression(Operation(condition.relation, sides(condition, ratios)))
