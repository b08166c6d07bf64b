"""Budgets of other things than parameters: bytes of memory, or of the cache, and operations, as totals of a formula.

They are searched as totals of parameters are: each is a closed form in the same letters.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Final

from sympy import Add, Expr, Integer

from symcount.config.config import Config
from symcount.core.domain import Condition
from symcount.errors import BudgetError, OptionError, near
from symcount.formulas.formula import Formula
from symcount.storage.footprint import Request, operations, parts

__all__ = ["MEASURES", "Measure", "at_most", "in_bytes", "limited", "measured"]

MEASURES: Final = ("memory", "cache", "flops")
_BYTES = re.compile(r"(?P<number>\d[\d_,]*(?:\.\d+)?)\s*(?P<scale>[kmgt]?)(?P<binary>i?)b\b", re.ASCII | re.IGNORECASE)
_COUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<scale>[kmbgt]?)", re.ASCII | re.IGNORECASE)
_SCALES: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SIGNS: Final = ("<", ">", "≤", "≥", "~", "≈", "±", "+/-", "+-", "..", "%", "at most", "at least", "about")


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
            total = Add(*(_valued(part, part.total, formula) for part in chosen))
            limits = {
                Condition(c.relation, _valued(part, c.left, formula), _valued(part, c.right, formula))
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


def _valued(part: Formula, expression: Expr, formula: Formula) -> Expr:
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
    text = str(said).strip().replace(",", "").replace("_", "")
    if text[-1:] in ("N", "P") and text[:-1].isdecimal():
        return int(text[:-1]) * formula.total_as("unique")
    found = _COUNT.fullmatch(text)
    if found is None:
        raise BudgetError(f"tokens {said!r:.60}: expected a number such as 300B, or so many for each parameter: 20N")
    number = Fraction(found["number"]) * 1000 ** _SCALES[found["scale"].lower().replace("b", "g")]
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


def in_bytes(budget: Any) -> Any:
    """A budget of bytes with its units written out: `24GB` is 24,000,000,000 and `24GiB` 24 · 1024³.

    >>> in_bytes("<=24GiB"), in_bytes("8GB..1.5TB"), in_bytes(1024)
    ('<=25769803776', '8000000000..1500000000000', 1024)

    Raises:
        BudgetError: it is no whole number of bytes.
    """
    if not isinstance(budget, str):
        return budget

    def written(found: re.Match[str]) -> str:
        base = 1024 if found["binary"] else 1000
        number = Fraction(found["number"].replace(",", "").replace("_", "")) * base ** _SCALES[found["scale"].lower()]
        if number.denominator != 1:
            raise BudgetError(f"budget {budget!r:.60}: expected a whole number of bytes, such as 24GB or 24GiB")
        return str(number.numerator)

    return _BYTES.sub(written, budget)


def at_most(budget: Any, tolerance: Any) -> Any:
    """A budget of bytes as an upper bound, unless it says itself what it is: a model must fit."""
    plain = isinstance(budget, int | str) and not (isinstance(budget, str) and any(s in budget.lower() for s in _SIGNS))
    return f"<={budget}" if plain and tolerance is None else budget
