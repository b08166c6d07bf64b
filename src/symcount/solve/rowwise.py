"""Conditions of any kind over columns, where no polynomial says whether they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symcount.domain import Condition
from symcount.errors import DomainError, StructureError
from symcount.solve.columns import Column, column, distinct
from symcount.solve.rules import Rules

__all__ = ["holds"]

Array = Any


def holds(condition: Condition, columns: Mapping[str, Array], rules: Rules) -> Array:
    """In which rows *condition* holds: in none where it divides by zero.

    *condition* speaks of the free symbols, whose numbers *columns* has, and of what *rules* has a number for.
    """
    import numpy as np

    inputs, places = distinct(list(columns.values()))
    free = dict(zip(columns, inputs, strict=True))
    try:
        left, right = (column(side, free, rules.fixed, rules.free) for side in (condition.left, condition.right))
        return np.broadcast_to(_related(condition.relation, left, right), inputs[0].shape)[places]
    except (StructureError, ZeroDivisionError):  # row by row, where some may have no value
        pass
    found = []
    for row in zip(*(array.tolist() for array in inputs), strict=True):
        try:
            found.append(condition.holds({**rules.fixed, **rules.exact(dict(zip(columns, row, strict=True)))}))
        except (DomainError, ZeroDivisionError):
            found.append(False)
    return np.array(found, dtype=bool)[places]


def _related(relation: str, left: Column, right: Column) -> Array:
    """Whether a relation holds in each row."""
    import numpy as np

    a, b = left.crossed(right)
    match relation:
        case "divides" | "not divides":
            some = np.where(a == 0, 1, a)
            return (a != 0) & ((b % some == 0) == (relation == "divides"))
        case "==":
            return a == b
        case "!=":
            return a != b
        case "<":
            return a < b
        case "<=":
            return a <= b
        case ">":
            return a > b
        case _:
            return a >= b
