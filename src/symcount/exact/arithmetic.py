"""The runtime half of exact evaluation: helpers for integers and ratios.

Nothing here needs SymPy, so that a count from stored formulas does not wait for its import, nor for that of fractions
where there are none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from symcount.errors import DomainError

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = ["HOLDS", "SCOPE", "WORDS", "Number", "as_written"]

Number: TypeAlias = "int | Fraction"

HOLDS: Mapping[str, Callable[[Number, Number], bool]] = {
    "divides": lambda a, b: a != 0 and b % a == 0,
    "not divides": lambda a, b: a != 0 and b % a != 0,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
WORDS: Mapping[str, str] = {
    "divides": "divides",
    "not divides": "does not divide",
    "==": "=",
    "!=": "≠",
    "<": "<",
    "<=": "≤",
    ">": ">",
    ">=": "≥",
}


def as_written(value: float) -> Fraction:
    """The number a person wrote: `0.1` is one tenth, not its nearest binary fraction, and `8960 / 1536` is 35/6.

    That is the fraction with a denominator of at most 1000 that rounds to exactly this float, if there is one, and
    otherwise the decimal that the float prints as.

    >>> as_written(0.1), as_written(8960 / 1536), as_written(2.6667)
    (Fraction(1, 10), Fraction(35, 6), Fraction(26667, 10000))
    """
    from fractions import Fraction

    simple = Fraction(value).limit_denominator(1000)
    return simple if float(simple) == value else Fraction(repr(float(value)))


def _floor(top: Any, bottom: Any) -> Any:
    nothing = bottom == 0
    if nothing if isinstance(nothing, bool) else nothing.any():
        raise DomainError(f"floor({top}/{bottom}) divides by zero")
    return top // bottom


def _floor_of_ratio(top: Any, bottom: Any, approximate: float) -> Any:
    """The floor of a number into which a ratio such as `mlp_ratio` enters, which the model computes in floating point.

    The result is the exact one; where rounding gives the model another, there is no right answer but a refusal.
    """
    result = top // bottom
    if result != math.floor(approximate):
        raise DomainError(f"floor({top}/{bottom}) depends on floating-point rounding; use a ratio with few digits")
    return result


def _power(base: Any, exponent: Any) -> Any:
    negative = exponent < 0
    if negative if isinstance(negative, bool) else negative.any():  # Python would answer with a float
        raise DomainError(f"{base}^{exponent} is not an integer")
    return base**exponent


def _sum(term: Callable[[int], Any], below: int) -> Any:
    return sum(map(term, range(below)))


def _divide(top: Any, bottom: Any) -> Any:
    """The exact quotient, an integer where it is one; of floats, with which a rounding is compared, the nearest."""
    if isinstance(top, float) or isinstance(bottom, float):
        return top / bottom
    quotient, remainder = divmod(top, bottom)
    if not remainder:
        return quotient
    from fractions import Fraction

    return Fraction(top, bottom)


SCOPE: dict[str, Any] = {
    "_floor": _floor,
    "_floor_of_ratio": _floor_of_ratio,
    "_power": _power,
    "_sum": _sum,
    "_divide": _divide,
    "_round": round,
    "_float": float,
    "_min": min,
    "_max": max,
    "__builtins__": {},
}
