"""Conditions of a stored formula: what the model's code asked, unless another answer leaves its tensors as they are."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Integer, Symbol

from symcount.arithmetic import HOLDS, as_written
from symcount.atlas.codec import encode
from symcount.atlas.probe import signature
from symcount.atlas.work import Work
from symcount.derive.expression import Node, evaluate, free_symbols, to_sympy
from symcount.derive.points import holds
from symcount.derive.recording import Condition
from symcount.derive.result import DerivedFormula
from symcount.derive.trace import Trace
from symcount.errors import StructureError
from symcount.notation import assign

__all__ = ["At", "asked", "names_of"]


@dataclass
class At:
    """The names of numbers, shared by rules and conditions of a layout."""

    names: dict[str, str]
    symbols: dict[str, Symbol]

    def text(self, node: Node) -> str:
        """A rule or one side of a condition as text.

        Raises:
            StructureError: there is no exact rule for it.
        """
        expression: Expr = to_sympy(node, self.symbols)
        return encode(expression)


def names_of(work: Work, formulas: Iterable[DerivedFormula]) -> At:
    """A name for every number of the config, by which rules and conditions call it."""
    base: dict[str, Any] = {}
    for formula in formulas:
        base.update(formula.base)
    for path, filler in work.fillers.items():
        base.setdefault(path, filler)
    names = {e.field: e.letter + "_" if keyword.iskeyword(e.letter) else e.letter for e in assign(base)}
    symbols = {
        path: Symbol(name, rational=True) if isinstance(base[path], float) else Symbol(name, integer=True)
        for path, name in names.items()
    }
    return At(names, symbols)


def asked(work: Work, formula: DerivedFormula, changes: Mapping[str, Any], at: At) -> Iterator[list[str]]:
    """What the model's own code asked, unless another answer leaves its tensors as they are; and what is pinned."""
    letters = {e.field for e in formula.notation}
    pinned = dict(formula.pinned)
    own = work.probe.trace(changes)
    seen: set[tuple[str, str, str]] = set()
    done = {(c.relation, c.left, c.right) for c in formula.domain}
    own_letters = {e.field: e.symbol for e in formula.notation}
    for c in (*formula.asked, *work.extra):
        names = free_symbols(c.left) | free_symbols(c.right)
        if c.relation not in HOLDS or not names or not names <= at.names.keys() or c.left is c.right:
            continue
        if names <= letters and (c.relation, to_sympy(c.left, own_letters), to_sympy(c.right, own_letters)) in done:
            continue
        if not names <= letters and own is not None and _void(work, c, names - letters, formula, changes, own):
            continue
        try:
            item = (c.relation, at.text(c.left), at.text(c.right))
        except (StructureError, KeyError, TypeError):
            pinned.update({n: formula.base[n] for n in names if n in formula.base})
            continue
        if item not in seen:
            seen.add(item)
            yield list(item)
    for path, value in pinned.items():
        if path in at.names:
            exact = as_written(value) if isinstance(value, float) else Fraction(value)
            yield ["==", at.names[path], encode(Integer(exact.numerator) / Integer(exact.denominator))]


def _void(
    work: Work, condition: Condition, names: Iterable[str], formula: DerivedFormula, changes: Mapping[str, Any],
    own: Trace,
) -> bool:  # fmt: skip
    """Whether the model has the same tensors where *condition* does not hold."""
    values = {**formula.base, **work.fillers, **own.symbols}
    for name in names:
        value = work.fillers.get(name, values.get(name))
        if value is None:
            continue
        tries: list[Any] = [0.0, 0.5, 1.0, value * 2] if isinstance(value, float) else [0, 1, 2, value + 1, value * 2]
        for side in (condition.left, condition.right):  # just beyond what it is compared with
            if name not in free_symbols(side) and not isinstance(value, float):
                limit = int(evaluate(side, values))
                tries += [limit, limit + 1, max(limit - 1, 0)]
        for other in tries:
            if not holds(condition, {**values, name: other}):
                given = name in work.fillers and name not in own.symbols
                one = work.probe.trace({**changes, name: other} if given else changes, {} if given else {name: other})
                if one is not None:
                    return signature(one) == signature(own)
    return False
