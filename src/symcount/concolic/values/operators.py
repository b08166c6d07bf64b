"""Exact arithmetic on plain numbers: what the operators of :mod:`symcount.concolic.values.expression` compute."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from symcount.errors import DerivationError
from symcount.exact.evaluate import as_written
from symcount.exact.indicators import RELATIONS, Indicator

#: An exact value; a ``float`` only where a root or a logarithm is irrational.
Value = int | Fraction | float


exact: Final = lru_cache(maxsize=4096)(as_written)


def _exact_quotient(a: Value, b: Value) -> Value:
    quotient = _quotient(a, b)
    if isinstance(quotient, Fraction) and quotient.denominator != 1:
        raise DerivationError(f"{b} does not divide {a}, which the formula requires")
    return quotient


def _quotient(a: Value, b: Value) -> Value:
    if isinstance(a, float) or isinstance(b, float):
        return a / b
    return whole(Fraction(a) / Fraction(b))


def _power(a: Value, b: Value) -> Value:
    if b == Fraction(1, 2) and isinstance(a, int) and a >= 0 and math.isqrt(a) ** 2 == a:
        return math.isqrt(a)
    if isinstance(b, Fraction):
        return float(float(a) ** float(b))
    if isinstance(a, int) and isinstance(b, int) and b < 0:
        return whole(Fraction(a) ** b)
    result: Value = a**b
    return result


def _log(a: Value, base: Value) -> Value:
    return math.log2(a) if base == 2 else math.log(a, base)


def whole(value: Fraction) -> Value:
    """An integer if the fraction is one."""
    return value.numerator if value.denominator == 1 else value


def _indicated(one: type[Indicator]) -> Callable[[Value, Value], int]:
    """1 where two numbers are in a relation, and 0 where not."""
    return lambda a, b: int(one.holds(a, b))  # type: ignore[arg-type]  # integers, as the nodes are


OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": _quotient,
    "exact_div": _exact_quotient,
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "pow": _power,
    "min": min,
    "max": max,
    "gcd": math.gcd,
    "log": _log,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "abs": abs,
    **{name: _indicated(one) for name, one in RELATIONS.items()},
}
