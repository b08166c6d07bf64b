"""Totals as names in conditions and rankings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sympy import Expr

from symcount.core.ledger import CONVENTIONS
from symcount.formulas.formula import Formula

__all__ = ["totals_of"]


def totals_of(formula: Formula) -> dict[str, Callable[[], Expr]]:
    """What `P`, `unique`, `active` … stand for in conditions and rankings: totals, worked out when they are used."""
    named: dict[str, Callable[[], Expr]] = {name: partial(formula.total_as, name) for name in CONVENTIONS}
    return {"P": named["unique"], **named, **{name: partial(formula.total_as, name) for name in formula.measures}}
