"""Parts of an expression that are no polynomial, as columns of values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Symbol, ceiling, floor, fraction, together

from symcount.errors import DomainError, StructureError
from symcount.exact.evaluate import Number, compile_scalar, function
from symcount.exact.vector import LIMIT, magnitude
from symcount.solver.columns import column, distinct
from symcount.solver.polynomial import Columns
from symcount.solver.ranges import Range
from symcount.solver.rules import parts_of_ratios

__all__ = ["Atom"]


@dataclass(frozen=True)
class Atom:
    """A floor, a maximum, … of free symbols.

    Attributes:
        name: its name in polynomials.
        expression: what it is.
        names: the free symbols it depends on.
        ranges: theirs.
        numbers: exact numbers of the ratios in it (`mlp_ratio`), which stay symbols: see `symcount.exact.evaluate`.
        nonnegative: whether it is never negative.
        whole: whether it is always an integer.
        largest: a bound of its absolute value and of all intermediate results, `None` where none is known.
    """

    name: str
    expression: Expr
    names: tuple[str, ...]
    ranges: Mapping[str, Range]
    numbers: Mapping[str, Number]
    nonnegative: bool
    whole: bool
    largest: int | None

    @classmethod
    def of(cls, name: str, expression: Expr, ranges: Mapping[str, Range], numbers: Mapping[str, Number]) -> Atom:
        """Describe an atom; *ranges* are those of the free symbols, *numbers* those of the others."""
        symbols = sorted(s.name for s in expression.free_symbols if isinstance(s, Symbol))
        largest = None
        tops = {n: ranges[n].stop for n in symbols if n in ranges}
        quotient = fraction(together(expression.args[0])) if isinstance(expression, floor | ceiling) else None
        if any(r.parts for n, r in ranges.items() if n in symbols):
            quotient = None  # floats round, and say so where they round wrongly
        if quotient and quotient[1].is_Integer and quotient[0].is_polynomial() and None not in tops.values():
            bound = magnitude(quotient[0])
            if all(s in tops for s in symbols):
                largest = int(compile_scalar(bound)(tops)) + 1  # type: ignore[arg-type]  # no None, see above
        return cls(
            name,
            expression,
            tuple(n for n in symbols if n in ranges),
            {n: ranges[n] for n in symbols if n in ranges},
            {n: numbers[n] for n in symbols if n not in ranges},
            expression.is_nonnegative is True and all(ranges[n].start > 0 for n in symbols if n in ranges),
            expression.is_integer is True,
            largest,
        )

    def column(self, columns: Columns, dtype: Any) -> tuple[Any, Any]:
        """Its values on *columns*, and a mask of the rows where it has one (`None`: everywhere)."""
        import numpy as np

        inputs = [columns[n] for n in self.names]
        if self.largest is not None and self.largest <= LIMIT:
            return function(self.expression, list(self.names))(*inputs), None
        if self.whole:
            try:
                found = column(self.expression, dict(zip(self.names, inputs, strict=True)), self.numbers, self.ranges)
            except (StructureError, ZeroDivisionError):  # row by row, where some may have no value
                pass
            else:
                if isinstance(found.bottom, int) and found.bottom == 1:
                    return np.broadcast_to(found.top, inputs[0].shape), None
        rows, places = distinct(inputs)
        value = compile_scalar(self.expression)
        numbers: list[Number | None] = []
        for point in zip(*(array.tolist() for array in rows), strict=True):
            exact = {n: self.ranges[n].number(x) for n, x in zip(self.names, point, strict=True)}
            try:
                numbers.append(value({**self.numbers, **exact}))
            except (DomainError, ZeroDivisionError):
                numbers.append(None)
        filled = np.array([0 if v is None else v for v in numbers], dtype=dtype)
        return filled[places], np.array([v is not None for v in numbers], dtype=bool)[places]

    @property
    def in_parts(self) -> Expr:
        """Its expression with a free ratio as the number of its parts over how many parts one has."""
        return self.expression.xreplace(parts_of_ratios(self.ranges))
