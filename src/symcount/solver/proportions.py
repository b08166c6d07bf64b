"""What a family keeps as it grows: H/N between bounds, or a power of H that N follows."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from symcount.errors import ExpressionError
from symcount.exact.evaluate import as_written
from symcount.formulas.formula import Formula
from symcount.solver.sizes import family_sizes

__all__ = ["ASPECT", "aspect_conditions", "exponent_conditions", "head_size"]

ASPECT = "64..128"
"""Admissible H/N where nothing else is said: what published models of up to some ten billion parameters have."""

_HIGHEST = 8  # numerator and denominator of an exponent: a condition's powers go as far
_BESIDE = Fraction(1, 4)  # so far N may be beside the curve, beyond one layer: the steps of H are coarse


def aspect_conditions(formula: Formula, aspect: Any) -> list[str]:
    """The condition that H/N lies in the range *aspect*; none where it is `None`.

    Raises:
        ExpressionError: no range, or the formula does not have both.
    """
    if aspect is None:
        return []
    low, dots, high = aspect.partition("..") if isinstance(aspect, str) else (*_pair(aspect),)
    try:
        ends = [Fraction(e.strip()) if isinstance(e, str) else as_written(e) for e in (low, high if dots else low)]
    except (ValueError, TypeError, ZeroDivisionError, OverflowError):
        raise _bad_aspect(aspect) from None
    if not 0 < ends[0] <= ends[1]:
        raise _bad_aspect(aspect)
    width, depth = family_sizes(formula)
    if not width or not depth:
        raise ExpressionError(f"{formula.name} does not have both H and N: give aspect=None, and a condition instead")
    return [f"{ends[0]} <= {width}/{depth} <= {ends[1]}"]


def _pair(aspect: Any) -> tuple[Any, str, Any]:
    try:
        low, high = aspect
    except (TypeError, ValueError):
        raise _bad_aspect(aspect) from None
    return low, "..", high


def _bad_aspect(aspect: Any) -> ExpressionError:
    return ExpressionError(f"aspect {aspect!r:.60}: expected LOWEST..HIGHEST of H/N, such as 64..128")


def exponent_conditions(formula: Formula, exponent: Any, known: Mapping[str, Any]) -> list[str]:
    """The condition that N grows as H to the power *exponent*, from the H and N of a known config.

    With `e = p/q`, N is at most one layer and a quarter beside `N₀ (H/H₀)^e`: two polynomial inequalities.

    Raises:
        ExpressionError: no fraction of small numbers, or H or N is not known.

    >>> import symcount as sc
    >>> exponent_conditions(sc.formula("gpt2"), "1/2", {"H": 768, "N": 12})
    ['(4*(N + 1))**2 * 768 >= 1296 * H', '(4*(N - 1))**2 * 768 <= 3600 * H']
    """
    width, depth = family_sizes(formula)
    if not known.get(width) or not known.get(depth):
        raise ExpressionError(f"{formula.name}: an exponent needs a config with H and N to begin at; give a reference")
    try:
        e = Fraction(exponent.strip()) if isinstance(exponent, str) else as_written(exponent)
    except (ValueError, TypeError, ZeroDivisionError, OverflowError):
        e = Fraction(0)
    p, q = e.numerator, e.denominator
    if not 0 < p <= _HIGHEST or q > _HIGHEST:
        raise ExpressionError(
            f"exponent {exponent!r:.40}: expected a fraction of numbers up to {_HIGHEST}, such as 1, 0.5 or 2/3"
        )
    wide, deep, part = int(known[width]), int(known[depth]), _BESIDE.denominator
    power = f"**{q}" if q > 1 else ""
    grown = f"{width}**{p}" if p > 1 else width
    return [
        f"({part}*({depth} {beside} 1)){power} * {wide**p} {how} {(share * deep) ** q} * {grown}"
        for beside, how, share in (("+", ">=", part - 1), ("-", "<=", part + 1))
    ]


def head_size(formula: Formula, known: Mapping[str, Any]) -> int:
    """The size of an attention head of a known config; 64 where it says none."""
    if isinstance(size := known.get("D"), int):
        return size
    width, _ = family_sizes(formula)
    heads, wide = known.get("A") or known.get("A_0"), known.get(width)
    return wide // heads if heads and wide and wide % heads == 0 else 64
