"""Conditions of any kind over columns, where no polynomial says whether they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symcount.core.domain import Condition
from symcount.errors import DomainError, StructureError
from symcount.exact.evaluate import Number
from symcount.solver.columns import Column, column, distinct
from symcount.solver.ranges import Range

__all__ = ["holds"]

Array = Any


def holds(
    condition: Condition, columns: Mapping[str, Array], numbers: Mapping[str, Number], ranges: Mapping[str, Range]
) -> Array:
    """In which rows *condition* holds: in none where it divides by zero; one truth value where it is the same for all.

    Args:
        condition: in symbols that have a column or a number.
        columns: by letter; of ratios, they count parts.
        numbers: exact numbers, by letter.
        ranges: those of the columns.
    """
    import numpy as np

    names = sorted(s.name for s in condition.symbols if s.name in columns)
    if not names:
        return _at(condition, numbers)
    inputs, places = distinct([columns[n] for n in names])
    free = dict(zip(names, inputs, strict=True))
    try:
        left, right = (column(side, free, numbers, ranges) for side in (condition.left, condition.right))
        return np.broadcast_to(_related(condition.relation, left, right), inputs[0].shape)[places]
    except (StructureError, ZeroDivisionError):  # row by row, where some may have no value
        pass
    rows = zip(*(array.tolist() for array in inputs), strict=True)
    exact = ({n: ranges[n].number(x) for n, x in zip(names, row, strict=True)} for row in rows)
    return np.array([_at(condition, {**numbers, **row}) for row in exact], dtype=bool)[places]


def _at(condition: Condition, values: Mapping[str, Number]) -> bool:
    try:
        return condition.holds(values)
    except (DomainError, ZeroDivisionError):
        return False


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
