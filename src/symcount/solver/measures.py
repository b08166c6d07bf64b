"""Budgets of other things than parameters: bytes of memory, or of the cache, and operations, as totals of a formula.

They are searched as totals of parameters are: each is a closed form in the same letters.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from sympy import Add, Expr, Integer

from symcount.config.config import Config
from symcount.core.domain import Condition
from symcount.core.notation import POSITIONS, Entry, canonical
from symcount.core.paths import value_at
from symcount.core.values import title
from symcount.errors import BudgetError, DomainError, ExpressionError, OptionError, UnknownSymbolError, near
from symcount.expressions.reader import read_expression
from symcount.formulas.formula import Formula
from symcount.solver.budget import number_of
from symcount.solver.totals import totals_of
from symcount.storage.footprint import Request, parts
from symcount.storage.passes import done

__all__ = ["MEASURES", "UNITS", "Measure", "beside", "known_beside", "limited", "measured", "tokens_of"]

MEASURES: Final = ("memory", "cache", "flops")
UNITS: Final = {"memory": "bytes", "cache": "bytes", "flops": "operations"}


@dataclass(frozen=True)
class Measure:
    """The bytes of a model's parts, or its operations, as a total in the letters of its parameters.

    Attributes:
        name: `memory`: all parts; `cache`: that alone; `flops`: not bytes, but the operations of training.
        asked: how the model is stored, and what else is kept.
        fields: of its config.
        raised: numbers of positions, by config field, that are more than by default, as a length asks.
    """

    name: str
    asked: Request
    fields: Mapping[str, Any] = field(default_factory=dict, hash=False)
    _known: dict[Any, tuple[Expr, tuple[Condition, ...]]] = field(default_factory=dict, repr=False, compare=False)
    raised: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

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
                limit
                for part in chosen
                for c in part.conditions
                if c not in formula.conditions and (limit := self._limit(part, formula, c)) is not None
            }
            if self.name == "flops":
                total = total * tokens_of(self.asked.tokens, formula) / (self.asked.length or 1)
            self._known[key] = total, tuple(limits)
        return self._known[key]

    def _limit(self, part: Formula, formula: Formula, condition: Condition) -> Condition | None:
        """A condition of a part; none where the number of positions is no size of the model, and may be any.

        Raises:
            DomainError: the config says that there are fewer positions than tokens.
        """
        limit = condition.mapped(partial(_valued, part, formula))
        if limit.symbols or limit.holds({}):
            return limit
        for item in (e for e in part.notation if e.symbol in condition.symbols):
            if canonical(item.field.rpartition(".")[2]) in POSITIONS and self.asked.length is not None:
                self._raise(item, part.defaults.get(item.letter))
                return None
        return limit

    def _raise(self, item: Entry, known: Any) -> None:
        length = self.asked.length
        if value_at(self.fields, item.field) is not None or item.field in self.asked.further:
            raise DomainError(
                f"a length of {length} tokens, but {title(item)} = {known}; give -s {item.field}={length}"
            )
        self.raised[item.field] = length or 0

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
        return [done(formula, self.fields, self.asked.length, self.asked.further)]


def _valued(part: Formula, formula: Formula, expression: Expr) -> Expr:
    """An expression with the values of the letters that are not the model's: a rank, a window."""
    letters = {e.letter for e in formula.notation}
    own = {e.symbol: Integer(value) for e in part.notation
           if e.letter not in letters and (value := part.defaults.get(e.letter)) is not None}  # fmt: skip
    return expression.xreplace(own)


def tokens_of(said: int | str, formula: Formula) -> Expr:
    """A number of tokens, so many for each parameter, or a law: an expression of sizes and totals.

    Raises:
        BudgetError: it is none of these.

    >>> import symcount as sc
    >>> f = sc.formula("gpt2")
    >>> tokens_of("300B", f), tokens_of("20N", f) == tokens_of("20*P", f) == 20 * f.total
    (300000000000, True)
    """
    text = str(said).strip()
    if text[-1:] in ("N", "P") and text[:-1].isdecimal():
        return int(text[:-1]) * formula.total_as("unique")
    number = number_of(text)
    if number is None:
        with suppress(ExpressionError, UnknownSymbolError):
            return read_expression(text, formula.notation, totals_of(formula))
        raise BudgetError(
            f"tokens {said!r:.60}: expected a number such as 300B, so many for each parameter: 20N, or a law: 20*active"
        )
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


def beside(formula: Formula, conventions: Collection[str]) -> dict[str, int]:
    """Fields of every config that is found, beside the sizes that are searched: as they were asked for, or must be."""
    found = [formula.measures[name] for name in conventions if name in formula.measures]
    measures = [one for one in found if isinstance(one, Measure)]
    return {name: value for one in measures for name, value in {**one.raised, **one.asked.further}.items()}


def known_beside(formula: Formula, conventions: Collection[str]) -> None:
    """See that numbers which the parameters do not depend on are given with a budget that may.

    Raises:
        UnknownSymbolError: they are not.
    """
    for one in formula.measures.values():
        if isinstance(one, Measure) and one.asked.further and not {*conventions} & formula.measures.keys():
            formula.notation[next(iter(one.asked.further))]


def _request(asked: Mapping[str, Any]) -> Request:
    known = list(Request.__dataclass_fields__)
    for name in asked:
        if name not in known:
            raise OptionError(f"memory: {name!r:.80}: expected one of {', '.join(known)}.{near(str(name), known)}")
    return Request(**asked)
