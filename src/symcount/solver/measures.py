"""Budgets of other things than parameters: bytes of memory, or of the cache, and operations, as totals of a formula.

They are searched as totals of parameters are: each is a closed form in the same letters.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from sympy import Add, Expr, Integer

from symcount.config.config import Config
from symcount.core.domain import Condition
from symcount.errors import BudgetError, OptionError, near
from symcount.formulas.formula import Formula
from symcount.solver.budget import number_of
from symcount.storage.footprint import Request, operations, parts

__all__ = ["MEASURES", "Measure", "limited", "measured"]

MEASURES: Final = ("memory", "cache", "flops")


@dataclass(frozen=True)
class Measure:
    """The bytes of a model's parts, or its operations, as a total in the letters of its parameters.

    Attributes:
        name: `memory`: all parts; `cache`: that alone; `flops`: not bytes, but the operations of training.
        asked: how the model is stored, and what else is kept.
        fields: of its config.
    """

    name: str
    asked: Request
    fields: Mapping[str, Any] = field(default_factory=dict, hash=False)
    _known: dict[Any, tuple[Expr, tuple[Condition, ...]]] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, formula: Formula) -> Expr:
        """The closed form.

        Raises:
            OptionError: a length is needed, and none is given.
            SymcountError: the model's cache or its operations are not known as a formula.
        """
        return self._found(formula)[0]

    def limits(self, formula: Formula) -> tuple[Condition, ...]:
        """The conditions under which it holds, beside those of the parameters' formula."""
        return self._found(formula)[1]

    def _found(self, formula: Formula) -> tuple[Expr, tuple[Condition, ...]]:
        key = (formula.name, formula.tree)
        if key not in self._known:
            chosen = self._parts(formula)
            total = Add(*(_valued(part, formula, part.total) for part in chosen))
            limits = {
                c.mapped(partial(_valued, part, formula))
                for part in chosen
                for c in part.conditions
                if c not in formula.conditions
            }
            if self.name == "flops":
                total = total * _tokens(self.asked.tokens, formula) / (self.asked.length or 1)
            self._known[key] = total, tuple(limits)
        return self._known[key]

    def _parts(self, formula: Formula) -> list[Formula]:
        """The formulas that are added up."""
        if self.name == "memory":
            return list(parts(formula, self.fields, self.asked, formula.defaults).values())
        if self.asked.length is None:
            raise OptionError(
                f"a budget of {self.name} needs a number of tokens: --length 32k, or memory={{'length': 32768}}"
            )
        if self.name == "cache":
            return [parts(formula, self.fields, self.asked, formula.defaults)["cache"]]
        return [operations(formula, self.fields, self.asked.length)]


def _valued(part: Formula, formula: Formula, expression: Expr) -> Expr:
    """An expression with the values of the letters that are not the model's: a rank, a window."""
    letters = {e.letter for e in formula.notation}
    own = {e.symbol: Integer(value) for e in part.notation
           if e.letter not in letters and (value := part.defaults.get(e.letter)) is not None}  # fmt: skip
    return expression.xreplace(own)


def _tokens(said: int | str, formula: Formula) -> Expr:
    """A number of tokens, or so many for each parameter.

    Raises:
        BudgetError: it is neither.
    """
    text = str(said).strip()
    if text[-1:] in ("N", "P") and text[:-1].isdecimal():
        return int(text[:-1]) * formula.total_as("unique")
    number = number_of(text)
    if number is None:
        raise BudgetError(f"tokens {said!r:.60}: expected a number such as 300B, or so many for each parameter: 20N")
    if number.denominator != 1 or number < 1:
        raise BudgetError(f"tokens {said!r:.60}: expected a whole number of tokens")
    return Integer(number.numerator)


def measured(formula: Formula, config: Config | None, asked: Request | Mapping[str, Any] | None) -> Formula:
    """*formula* with the totals that budgets of memory are of.

    Args:
        formula: of the parameters.
        config: whose `dtype` and `quantization_config` are heeded.
        asked: `dtype`, `batch`, `length`, `optimizer`, … by name; see `symcount.storage.footprint.Request`.

    Raises:
        OptionError: a name that there is not.
    """
    request = asked if isinstance(asked, Request) else _request(asked or {})
    fields = {} if config is None else config.fields
    return replace(formula, measures={name: Measure(name, request, fields) for name in MEASURES})


def limited(formula: Formula, conventions: Collection[str]) -> Formula:
    """*formula* with the conditions under which the totals hold that are asked for: no more tokens than positions."""
    found = [formula.measures[name] for name in conventions if name in formula.measures]
    extra = [c for measure in found if isinstance(measure, Measure) for c in measure.limits(formula)]
    return replace(formula, conditions=(*formula.conditions, *extra)) if extra else formula


def _request(asked: Mapping[str, Any]) -> Request:
    known = list(Request.__dataclass_fields__)
    for name in asked:
        if name not in known:
            raise OptionError(f"memory: {name!r:.80}: expected one of {', '.join(known)}.{near(str(name), known)}")
    return Request(**asked)
