"""Budgets of other things than parameters: the bytes of memory, or of the cache alone, as totals of a formula.

They are searched as totals of parameters are: each is a closed form in the same letters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Final

from sympy import Add, Expr, Integer

from symcount.configs import Config
from symcount.errors import BudgetError, OptionError, near
from symcount.footprint import Request, parts
from symcount.formula import Formula

__all__ = ["MEASURES", "Measure", "at_most", "in_bytes", "measured"]

MEASURES: Final = ("memory", "cache")
_BYTES = re.compile(r"(?P<number>\d[\d_,]*(?:\.\d+)?)\s*(?P<scale>[kmgt]?)(?P<binary>i?)b\b", re.ASCII | re.IGNORECASE)
_SCALES: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SIGNS: Final = ("<", ">", "≤", "≥", "~", "≈", "±", "+/-", "+-", "..", "%", "at most", "at least", "about")


@dataclass(frozen=True)
class Measure:
    """The bytes of a model's parts as a total in the letters of its parameters.

    Attributes:
        name: `memory`: all parts; `cache`: that alone.
        asked: how the model is stored, and what else is kept.
        fields: of its config.
    """

    name: str
    asked: Request
    fields: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __call__(self, formula: Formula) -> Expr:
        """The closed form.

        Raises:
            OptionError: the cache is asked for, and no length is given.
        """
        if self.name == "cache" and self.asked.length is None:
            raise OptionError(
                "a budget of the cache needs a number of tokens: --length 32k, or memory={'length': 32768}"
            )
        found = parts(formula, self.fields, self.asked, formula.defaults)
        chosen = [found["cache"]] if self.name == "cache" else list(found.values())
        return Add(*(_in_letters_of(formula, part) for part in chosen))


def _in_letters_of(formula: Formula, part: Formula) -> Expr:
    """A total with the values of the letters that are not the model's: a rank, sequences, tokens."""
    own = {e.symbol: Integer(part.defaults[e.letter]) for e in part.notation
           if e.letter not in formula.notation and e.letter in part.defaults}  # fmt: skip
    return part.total.xreplace(own)


def measured(formula: Formula, config: Config | None, asked: Request | Mapping[str, Any] | None) -> Formula:
    """*formula* with the totals that budgets of memory are of.

    Args:
        formula: of the parameters.
        config: whose `dtype` and `quantization_config` are heeded.
        asked: `dtype`, `batch`, `length`, `optimizer`, … by name; see `symcount.footprint.Request`.

    Raises:
        OptionError: a name that there is not.
    """
    request = asked if isinstance(asked, Request) else _request(asked or {})
    fields = {} if config is None else config.fields
    return replace(formula, measures={name: Measure(name, request, fields) for name in MEASURES})


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
