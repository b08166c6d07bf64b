"""Conditions of a stored formula: what the model's code asked, unless another answer leaves its tensors as they are."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

from sympy import Expr, Integer, Symbol

from symcount.atlas.codec import encode
from symcount.concolic.traces import Trace
from symcount.concolic.values.expression import Node, evaluate, free_symbols, to_sympy
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.config.kind_lists import MARK
from symcount.core.letters import assign
from symcount.derivation.formula import DerivedFormula
from symcount.derivation.structure import shape_symbols
from symcount.errors import StructureError
from symcount.exact.arithmetic import HOLDS, as_written
from symcount.survey.schema.probe import signature
from symcount.survey.schema.work import Work

__all__ = ["At", "Conditions", "conditions", "names_of"]


@dataclass
class At:
    """The names of numbers, shared by rules and conditions of a layout."""

    names: dict[str, str]
    symbols: dict[str, Symbol]

    @classmethod
    def named(cls, names: dict[str, str], base: Mapping[str, Any]) -> Self:
        """Of numbers by these names, which are ratios where they are some in *base*."""
        symbols = {
            path: Symbol(name, rational=True) if isinstance(base[path], float) else Symbol(name, integer=True)
            for path, name in names.items()
        }
        return cls(names, symbols)

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
    return At.named(names, base)


@dataclass
class Conditions:
    """Where a formula holds.

    Attributes:
        domain: conditions in the formula's letters: relation, left, right.
        asked: the others that the model's code asked, in the layout's names.
        pinned: numbers that the formula holds at one value of.
    """

    domain: list[list[str]]
    asked: list[list[str]]
    pinned: dict[str, Any]


def conditions(work: Work, formula: DerivedFormula, changes: Mapping[str, Any], at: At) -> Conditions:
    """What the model's own code asked, unless another answer leaves its tensors as they are; and what is pinned."""
    own = work.probe.trace(changes)
    symbols = {e.field: e.symbol for e in formula.notation}
    pinned = {n: v for n, v in formula.pinned.items() if own is None or not _idle(work, n, v, changes, own)}
    domain = {(c.relation, c.left, c.right): [c.relation, encode(c.left), encode(c.right)] for c in formula.domain}
    for path, value in formula.pinned.items():
        if path not in pinned and path in symbols:
            domain = {k: d for k, d in domain.items() if k != ("==", symbols[path], Integer(value))}
    counted = {e.field for e in formula.notation if e.symbol in formula.total.free_symbols}
    found: dict[tuple[str, str, str], None] = {}
    for c in (*formula.asked, *work.extra):
        names = c.symbols
        if c.relation not in HOLDS or not names or not names <= at.names.keys() or c.left is c.right:
            continue
        item = None
        if names <= symbols.keys():
            item = (c.relation, to_sympy(c.left, symbols), to_sympy(c.right, symbols))
        others = names if item in domain else names - symbols.keys()
        if item in domain and c.relation == "divides" and names & counted:
            continue  # the total was written in the knowledge that the division is exact
        if others and own is not None and _void(work, c, others, formula, changes, own):
            domain.pop(item, None)  # type: ignore[arg-type]  # nothing has the key None
            continue
        if item in domain:
            continue
        try:
            found[c.relation, at.text(c.left), at.text(c.right)] = None
        except (StructureError, KeyError, TypeError):
            pinned.update({n: formula.base[n] for n in names if n in formula.base})
    for path, value in pinned.items():
        if path in at.names:
            exact = as_written(value) if isinstance(value, float) else Fraction(value)
            found["==", at.names[path], encode(Integer(exact.numerator) / Integer(exact.denominator))] = None
    return Conditions(list(domain.values()), [list(item) for item in found], pinned)


def _idle(work: Work, path: str, value: Any, changes: Mapping[str, Any], own: Trace) -> bool:
    """Whether the model has the same tensors at every other value of a pinned number at which it can be built."""
    if not isinstance(value, int) or "[" in path or MARK in path or path in shape_symbols([own]):
        return False
    built = 0
    for other in dict.fromkeys((value + 1, max(1, value // 2), 2 * value, 1)):  # the ones of little work come first
        one = work.probe.trace({**changes, path: other})
        if one is not None and signature(one) != signature(own):
            return False
        built += one is not None
    return built > 1


_FLIPPED = 3  # points beyond a condition at which a model is built


def _void(
    work: Work, condition: Condition, names: Iterable[str], formula: DerivedFormula, changes: Mapping[str, Any],
    own: Trace,
) -> bool:  # fmt: skip
    """Whether the model has the same tensors where *condition* does not hold."""
    values = {**formula.base, **work.fillers, **own.symbols}
    said = (condition.relation, condition.left, condition.right)
    enough = 1 if said in work.void else _FLIPPED
    built = 0
    for name in sorted(names):
        value = work.fillers.get(name, values.get(name))
        if value is None:
            continue
        tries: list[Any] = [0.0, 0.5, 1.0, value * 2] if isinstance(value, float) else [0, 1, 2, value + 1, value * 2]
        for side in (condition.left, condition.right):  # just beyond what it is compared with
            if name not in free_symbols(side) and not isinstance(value, float):
                limit = int(evaluate(side, values))
                tries += [limit, limit + 1, max(limit - 1, 0)]
        for other in dict.fromkeys(tries):
            if holds(condition, {**values, name: other}):
                continue
            given = name in work.fillers and name not in own.symbols
            one = work.probe.trace({**changes, name: other} if given else changes, {} if given else {name: other})
            if one is None:
                continue
            if signature(one) != signature(own):
                return False
            built += 1
            if built == enough:
                work.void.add(said)
                return True
    return built > 0
