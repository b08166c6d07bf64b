"""Budgets as people write them: `110M`, `1.3B ± 0.1%`, `<= 7B`. The window of admissible counts is exact integers.

>>> read_budget("110M", "0.1%")
Budget(convention='unique', target=110000000, low=109890000, high=110110000, between=False)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, isfinite
from operator import index
from typing import Any

from symcount.core.ledger import check_convention
from symcount.errors import BudgetError
from symcount.exact.evaluate import as_written

__all__ = ["Budget", "in_bytes", "number_of", "read_budget", "read_budgets", "read_count"]

_NUMBER = r"(?P<whole>\d{1,3}(?:,\d{3})+|\d+(?:_\d+)*)(?P<part>\.\d+)?"
_COUNT = re.compile(rf"{_NUMBER}(?:e\+?(?P<exponent>\d{{1,2}}))?\s*(?P<suffix>[kmbgt]?)\Z", re.ASCII | re.IGNORECASE)
_ABOUT = re.compile(r"(~|≈|about\b)\s*", re.ASCII | re.IGNORECASE)
_SHARE = re.compile(rf"{_NUMBER}\s*%\Z", re.ASCII)
_SPLIT = re.compile(r"±|\+/-|\+-")
_ONE_SIDED = re.compile(r"(<=|≤|at most\b|>=|≥|at least\b)\s*")
_SCALE = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9, "t": 10**12}
_LONGEST = 60  # characters: far beyond any count of parameters
_DEFAULT = "1%"
_COUNTED = "parameters, such as 110M, 1.3B or 110_000_000"
_STORED = "bytes, such as 24GB or 24GiB"
_BYTES = re.compile(r"(?P<number>\d[\d_,]*(?:\.\d+)?)\s*(?P<scale>[kmgt]?)(?P<binary>i?)b\b", re.ASCII | re.IGNORECASE)
_BYTE_SCALES = ("", "k", "m", "g", "t")


@dataclass(frozen=True)
class Budget:
    """Counts from *low* to *high*, both included.

    Attributes:
        convention: what counts.
        target: the number that was asked for; distances are measured from it.
        low: the smallest admissible count.
        high: the largest; `None` for no bound.
        between: whether it was said from where to where, and *target* is the middle.
    """

    convention: str
    target: int
    low: int
    high: int | None
    between: bool = False

    def __str__(self) -> str:
        if self.high is None:
            return f"at least {self.low:,}"
        if self.low <= 1:
            return f"at most {self.high:,}"
        if self.low == self.high:
            return f"exactly {self.low:,}"
        if self.between:
            return f"{self.low:,} to {self.high:,}"
        return f"{self.target:,}, that is {self.low:,} to {self.high:,}"


def read_count(value: Any, of: str = _COUNTED) -> int:
    """The number of parameters that *value* says: a whole number, or text such as `110M`, `1.3B`, `1e9`, `110_000_000`.

    Raises:
        BudgetError: it is no positive integer.

    >>> read_count("1.3B"), read_count("110_000_000"), read_count("12.5k"), read_count(124e6), read_count("1.5e9")
    (1300000000, 110000000, 12500, 124000000, 1500000000)
    >>> read_count("1.5")
    Traceback (most recent call last):
    ...
    symcount.errors.BudgetError: budget '1.5': expected a whole number of parameters, such as 110M, 1.3B or 110_000_000
    """
    number = number_of(value)
    if number is None or number.denominator != 1 or number < 1:
        raise BudgetError(f"budget {value!r:.80}: expected a whole number of {of}")
    return number.numerator


def number_of(value: Any) -> Fraction | None:
    """The number that *value* is, or that a text such as `1.3B` says; `None` where it is none.

    >>> number_of("1.3B"), number_of("12.5"), number_of("many")
    (Fraction(1300000000, 1), Fraction(25, 2), None)
    """
    if isinstance(value, str):
        found = _COUNT.match(value.strip()) if len(value) <= _LONGEST else None
        return None if found is None else _scaled(found)
    return _plain(value)


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
        power = _BYTE_SCALES.index(found["scale"].lower())
        number = Fraction(re.sub("[,_]", "", found["number"])) * base**power
        if number.denominator != 1:
            raise BudgetError(f"budget {budget!r:.60}: expected a whole number of {_STORED}")
        return str(number.numerator)

    return _BYTES.sub(written, budget)


def _plain(value: Any) -> Fraction | None:
    """A number of Python's or NumPy's as a fraction; `None` for everything else, also for infinity."""
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return None
    if isinstance(value, float):  # NumPy's too
        return Fraction(as_written(value)) if isfinite(value) else None
    if isinstance(value, int | Fraction | Decimal) or hasattr(value, "__index__"):
        exact: Any = index(value) if hasattr(value, "__index__") else value
        return Fraction(exact)
    return None


def _scaled(found: re.Match[str]) -> Fraction:
    power: int = 10 ** int(found["exponent"] or 0)
    return _decimal(found) * power * _SCALE[found["suffix"].lower()]


def _decimal(found: re.Match[str]) -> Fraction:
    return Fraction(re.sub("[,_]", "", found["whole"]) + (found["part"] or ""))


def read_budget(
    budget: Any, tolerance: Any = None, convention: str = "unique", measures: Collection[str] = ()
) -> Budget:
    """The window of counts that a budget and a tolerance describe.

    Args:
        budget: see `read_count`; a text may begin with `<=` (at most), `>=` (at least) or `~` (about), carry its own
            tolerance (`110M ± 0.1%`), or say from where to where: `100M..130M`.
        tolerance: absolute (`500k`, 500_000) or relative (`0.1%`, 0.001), on both sides; on one side with a sign
            (`-1%`). By default 1%, and no further bound where the budget says at most or at least.
        convention: what counts.
        measures: what else may be asked for by name, in bytes: with units (`24GB`, `24GiB`), and at most so many
            where nothing else is said.

    Raises:
        BudgetError: a budget or tolerance that cannot be read.
        ConventionError: no such convention.

    >>> read_budget("<=7B")
    Budget(convention='unique', target=7000000000, low=1, high=7000000000, between=False)
    >>> read_budget("1B", "-2%", "active").low
    980000000
    """
    stored = convention in measures
    of, side, about = _STORED if stored else _COUNTED, "", 0
    if stored:
        budget = in_bytes(budget) if not isinstance(budget, tuple | list) else [in_bytes(b) for b in budget]
        tolerance = in_bytes(tolerance)
    else:
        check_convention(convention)
    if isinstance(budget, tuple | list) and len(budget) == 2:
        return _between(budget[0], budget[1], budget, tolerance, convention, of)
    if isinstance(budget, str):
        budget, about = _ABOUT.subn("", budget.strip(), count=1)
        low, dots, high = budget.partition("..")
        if dots:
            return _between(low.strip(), high.strip(), budget, tolerance, convention, of)
        if sign := _ONE_SIDED.match(budget.strip()):
            side = "-" if sign[1] in ("<=", "≤", "at most") else "+"
            budget = budget.strip()[sign.end() :]
        head, *own = _SPLIT.split(budget)
        if own:
            budget, tolerance = head.strip(), "±".join(own)
    target = read_count(budget, of)
    if stored and tolerance is None and not about:
        side = side or "-"  # a model must fit
    if tolerance is None and side:
        return Budget(convention, target, 1 if side == "-" else target, target if side == "-" else None)
    allowed, sign_of = _tolerance(_DEFAULT if tolerance is None else tolerance, target)
    side = side or sign_of
    low = target if side == "+" else max(1, ceil(target - allowed))
    high = target if side == "-" else floor(target + allowed)
    return Budget(convention, target, low, high)


def _between(first: Any, last: Any, said: Any, tolerance: Any, convention: str, of: str) -> Budget:
    """The budget from one number to another; distances are measured from the middle."""
    if tolerance is not None:
        raise BudgetError(f"budget {said!r:.80} says from where to where; leave the tolerance out")
    low, high = read_count(first, of), read_count(last, of)
    if low > high:
        raise BudgetError(f"budget {said!r:.80} is reversed: {low:,} > {high:,}")
    return Budget(convention, (low + high) // 2, low, high, between=True)


def _tolerance(value: Any, target: int) -> tuple[Fraction, str]:
    """The allowed deviation, and `+` or `-` where only one side is allowed."""
    plain = _plain(value)
    if plain is not None and plain >= 0:
        return (plain * target if 0 < plain < 1 else plain), ""
    wanted = f"tolerance {value!r:.80}: expected a share such as 0.1% or a number of parameters such as 500k"
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise BudgetError(wanted)
    text, side = _SPLIT.sub("", value.strip(), count=1).strip(), ""
    if text[:1] in ("+", "-"):
        text, side = text[1:].strip(), text[0]
    if share := _SHARE.match(text):
        return _decimal(share) / 100 * target, side
    if count := _COUNT.match(text):
        number = _scaled(count)
        return (number * target if 0 < number < 1 else number), side
    raise BudgetError(f"{wanted}; with + or - before it for one side only")


def read_budgets(
    budget: Any, tolerance: Any = None, convention: str = "unique", measures: Collection[str] = ()
) -> tuple[Budget, ...]:
    """One budget, or several by convention (`{"unique": "47B", "active": "13B"}`); a mapping's own keys count.

    Raises:
        BudgetError, ConventionError: see `read_budget`.
    """
    if isinstance(budget, Mapping):
        if not budget:
            raise BudgetError('no budget: give one, such as "110M", or one for each convention')
        for_all = [name for name in budget if name not in measures or len(budget) == 1]
        tolerances = tolerance if isinstance(tolerance, Mapping) else dict.fromkeys(for_all, tolerance)
        return tuple(read_budget(value, tolerances.get(name), name, measures) for name, value in budget.items())
    return (read_budget(budget, tolerance, convention, measures),)
