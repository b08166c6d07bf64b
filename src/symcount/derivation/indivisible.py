"""Where a model asks whether a number divides another and by default it does not: what is counted if it does.

`vocab += 8 - vocab % 8` under `if vocab % 8 != 0` is right only there, and the formula has to say so; an `if heads % 8`
that chooses how attention is computed does not matter. The real model on the other side of the question tells which.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symcount.concolic.config.symbolic import Number
from symcount.concolic.values.expression import Value, evaluate, free_symbols
from symcount.concolic.values.expression import to_sympy as converted
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.core.domain import minimal, relation
from symcount.derivation.certificate import disagreements, real_model
from symcount.derivation.drawing import inside
from symcount.derivation.formula import DerivedFormula
from symcount.errors import DerivationError

__all__ = ["confined"]

_NEAR = 256  # so many values beside the default are looked at


def confined(formula: DerivedFormula) -> DerivedFormula:
    """*formula* with the conditions that something does not divide something, where its model is another if it does."""
    letters = {e.field: e.symbol for e in formula.notation}
    added = []
    for condition in formula.asked:
        names = condition.symbols
        if condition.relation != "not divides" or not names <= letters.keys() or not holds(condition, formula.base):
            continue
        point = next(_points(formula, condition), None)
        if point is not None:
            real = real_model(formula, point)
            if real is None or disagreements(formula, point, real):
                sides = (converted(side, letters, {}) for side in (condition.left, condition.right))
                left, right = sides
                added.append(relation(left, "not divides", right))
    return replace(formula, conditions=minimal([*formula.conditions, *added])) if added else formula


def _points(formula: DerivedFormula, condition: Condition) -> Iterator[dict[str, Number]]:
    """The default with one field changed so that the condition does not hold, and all others do."""
    others = [c for c in formula.asked if c is not condition and holds(c, formula.base)]
    divisor: Value | None = None
    try:
        divisor = evaluate(condition.left, formula.base)
    except (DerivationError, ArithmeticError):
        return
    for name in sorted(free_symbols(condition.right)):
        start = formula.base[name]
        if isinstance(start, float) or name in formula.pinned:
            continue
        for step in range(1, min(_NEAR, int(divisor)) + 1):
            point = {**formula.base, name: start + step}
            if not holds(condition, point) and all(holds(c, point) for c in others) and inside(formula, point):
                yield point
                break
