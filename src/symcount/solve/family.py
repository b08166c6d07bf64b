"""What is free in a ladder, and how the other sizes follow."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from sympy import Integer, Rational

from symcount.errors import ExpressionError
from symcount.evaluate import as_written
from symcount.formula import Formula
from symcount.solve.expressions import FUNCTIONS
from symcount.solve.ranking import layer_sizes

__all__ = ["aspect_conditions", "family"]


def family(
    formula: Formula, defaults: Mapping[str, Any], head_dim: int, free: Any, fixed: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Free symbols and rules of a ladder, where nothing else is said; see `ladder`."""
    if isinstance(head_dim, bool) or not isinstance(head_dim, int) or head_dim < 1:
        raise ExpressionError(f"head_dim {head_dim!r:.40}: expected a positive integer")
    notation = formula.notation
    rules: dict[str, Any] = {notation[name].letter: value for name, value in fixed.items()}
    if free is None:
        missing = [letter for letter in "HN" if letter not in notation]
        if missing:
            raise ExpressionError(
                f"{formula.name} has no {' or '.join(missing)}: say what is free, and with what ranges"
            )
        free = {n: r for n, r in {"H": f"{head_dim}..:{head_dim}", "N": None}.items() if n not in rules}
    taken = {*rules, *_letters(formula, free)}
    width = notation["H"].symbol if "H" in notation else None

    def default(letter: str, rule: Any) -> None:
        if letter in notation and letter not in taken:
            rules[letter] = rule
            taken.add(letter)

    if width is not None:
        default("A", width / head_dim)
        default("D", Integer(head_dim))
        if "A" in defaults and "K" in defaults and "A" in notation:
            default("K", notation["A"].symbol * Rational(defaults["K"], defaults["A"]))
        for letter in layer_sizes(formula):
            if letter not in ("H", "D") and letter in defaults and "H" in defaults:
                size = width * Rational(defaults[letter], defaults["H"])
                whole = defaults[letter] % defaults["H"] == 0
                default(letter, size if whole else FUNCTIONS["round_to"][0](size, Integer(head_dim)))
    return free, rules


def _letters(formula: Formula, free: Any) -> set[str]:
    names = free if isinstance(free, Mapping) else [free] if isinstance(free, str) else list(free)
    texts = [part.partition("=")[0].strip() for name in names for part in str(name).split(",")]
    return {formula.notation[t].letter for t in texts if t in formula.notation}


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
    if not {"H", "N"} <= {e.letter for e in formula.notation}:
        raise ExpressionError(f"{formula.name} does not have both H and N: give aspect=None, and a condition instead")
    return [f"{ends[0]} <= H/N <= {ends[1]}"]


def _pair(aspect: Any) -> tuple[Any, str, Any]:
    try:
        low, high = aspect
    except (TypeError, ValueError):
        raise _bad_aspect(aspect) from None
    return low, "..", high


def _bad_aspect(aspect: Any) -> ExpressionError:
    return ExpressionError(f"aspect {aspect!r:.60}: expected LOWEST..HIGHEST of H/N, such as 64..128")
