"""Expressions over columns: exact numerators and denominators, in 64 bits where no intermediate result can leave them.

A column is a pair of arrays `top / bottom`, the bottom positive, with bounds of their absolute values. As soon as one
of them says that 64 bits might not do, the arrays hold Python's integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from sympy import Add, Expr, Max, Min, Mod, Mul, Pow, Rational, Symbol, ceiling, floor

from symcount.errors import StructureError
from symcount.exact.evaluate import Number, Round
from symcount.solver.polynomial import SAFE
from symcount.solver.ranges import Range

__all__ = ["Column", "column", "distinct"]

Array = Any


@dataclass(frozen=True)
class Column:
    """`top / bottom`, each with a bound of its absolute value; *bottom* is positive."""

    top: Array
    bottom: Array
    most: int
    below: int

    def numbers(self, rows: int) -> list[Number]:
        """The values as Python's numbers."""
        import numpy as np

        tops = np.broadcast_to(np.asarray(self.top), (rows,)).tolist()
        if isinstance(self.bottom, int) and self.bottom == 1:
            return tops  # type: ignore[no-any-return]  # of integers
        bottoms = np.broadcast_to(np.asarray(self.bottom), (rows,)).tolist()
        found = [Fraction(a, b) for a, b in zip(tops, bottoms, strict=True)]
        return [f.numerator if f.denominator == 1 else f for f in found]

    def crossed(self, other: Column) -> tuple[Array, Array]:
        """Both columns over one positive denominator, which is left out."""
        a, b = _ready(self, other, max(self.most * other.below, other.most * self.below))
        return a.top * b.bottom, b.top * a.bottom

    def wide(self) -> Column:
        """The same in Python's integers."""
        import numpy as np

        return Column(np.asarray(self.top, object), np.asarray(self.bottom, object), self.most, self.below)


def distinct(columns: Sequence[Array]) -> tuple[list[Array], Array]:
    """The different rows of *columns*, and for each row the place of its like among them."""
    import numpy as np

    places = np.zeros(len(columns[0]), dtype=np.int64)
    for array in columns:
        values, found = np.unique(array, return_inverse=True)
        _, first, places = np.unique(places * len(values) + found, return_index=True, return_inverse=True)
    return [array[first] for array in columns], places


def column(
    expression: Expr,
    columns: Mapping[str, Array],
    numbers: Mapping[str, Number],
    ranges: Mapping[str, Range] | None = None,
) -> Column:
    """The values of *expression*.

    Args:
        expression: in symbols that have a column or a number.
        columns: arrays of integers, by letter.
        numbers: exact numbers, by letter.
        ranges: those of the columns; of ratios there, the columns count parts.

    Raises:
        StructureError: an operation that has no exact rule here: it is to be computed row by row.
        ZeroDivisionError: a row divides by zero.
    """
    if isinstance(expression, Rational):
        return _constant(Fraction(int(expression.p), int(expression.q)))
    if isinstance(expression, Symbol):
        if expression.name not in columns:
            return _constant(Fraction(numbers[expression.name]))
        array, own = columns[expression.name], (ranges or {}).get(expression.name)
        parts_of_one = own.parts if own is not None and own.parts else 1
        return Column(array, parts_of_one, max(1, int(abs(array).max())) if len(array) else 1, parts_of_one)
    parts = [column(a, columns, numbers, ranges) for a in expression.args[:1]]
    if isinstance(expression, Pow) and expression.exp.is_Integer:
        return _power(parts[0], int(expression.exp))
    if isinstance(expression, floor | ceiling):
        if any(not s.is_integer for s in expression.free_symbols):
            raise StructureError(f"{expression} rounds a ratio as floats do")
        sign = 1 if isinstance(expression, floor) else -1
        [one] = parts
        return Column(sign * (sign * one.top // one.bottom), 1, one.most + 1, 1)
    parts += [column(a, columns, numbers, ranges) for a in expression.args[1:]]
    if isinstance(expression, Add):
        return _folded(parts, _sum)
    if isinstance(expression, Mul):
        return _folded(parts, _times)
    if isinstance(expression, Max | Min):
        return _folded(parts, partial(_chosen, larger=isinstance(expression, Max)))
    if isinstance(expression, Mod) and not isinstance(expression, Round):
        a, b = parts
        return _modulo(a, b)
    raise StructureError(f"no rule for {type(expression).__name__} in columns")


def _constant(number: Fraction) -> Column:
    import numpy as np

    top, bottom = number.numerator, number.denominator
    if max(abs(top), bottom) > SAFE:
        return Column(np.array(top, object), np.array(bottom, object), abs(top), bottom)
    return Column(top, bottom, max(1, abs(top)), bottom)


def _folded(parts: list[Column], operation: Any) -> Column:
    total = parts[0]
    for part in parts[1:]:
        total = operation(total, part)
    return total


def _ready(a: Column, b: Column, bound: int) -> tuple[Column, Column]:
    return (a, b) if bound < SAFE else (a.wide(), b.wide())


def _sum(a: Column, b: Column) -> Column:
    if _same(a, b):
        most = a.most + b.most
        a, b = _ready(a, b, most)
        return Column(a.top + b.top, a.bottom, most, a.below)
    most, below = a.most * b.below + b.most * a.below, a.below * b.below
    a, b = _ready(a, b, max(most, below))
    return Column(a.top * b.bottom + b.top * a.bottom, a.bottom * b.bottom, most, below)


def _times(a: Column, b: Column) -> Column:
    most, below = a.most * b.most, a.below * b.below
    a, b = _ready(a, b, max(most, below))
    return Column(a.top * b.top, a.bottom * b.bottom, most, below)


def _power(a: Column, exponent: int) -> Column:
    if exponent < 0:
        a = _inverse(a)
    return _folded([a] * abs(exponent), _times)


def _inverse(a: Column) -> Column:
    import numpy as np

    if not np.all(a.top):
        raise ZeroDivisionError
    sign = np.where(np.asarray(a.top) > 0, 1, -1)
    return Column(sign * a.bottom, sign * a.top, a.below, a.most)


def _same(a: Column, b: Column) -> bool:
    return isinstance(a.bottom, int) and isinstance(b.bottom, int) and a.bottom == b.bottom


def _chosen(a: Column, b: Column, *, larger: bool) -> Column:
    import numpy as np

    a, b = _ready(a, b, max(a.most * b.below, b.most * a.below))
    first = (a.top * b.bottom >= b.top * a.bottom) == larger
    bottom = a.bottom if _same(a, b) else np.where(first, a.bottom, b.bottom)
    return Column(np.where(first, a.top, b.top), bottom, max(a.most, b.most), max(a.below, b.below))


def _modulo(a: Column, b: Column) -> Column:
    import numpy as np

    if not np.all(b.top):
        raise ZeroDivisionError
    a, b = _ready(a, b, max(a.most * b.below, b.most * a.below, a.below * b.below))
    top = (a.top * b.bottom) % (b.top * a.bottom)
    return Column(top, a.bottom * b.bottom, max(1, b.most * a.below), a.below * b.below)
