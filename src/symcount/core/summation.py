"""Sums over an index in closed form: polynomials and powers of numbers, split where a minimum, maximum or floor turns.

`sum of i^p r^i below n` is a polynomial in n times r^n for every number r (Faulhaber for r = 1). A minimum or maximum
of two expressions that cross once is the one below the crossing and the other from there on; an index rounded down
to a multiple of p is summed apart for each remainder by p. What none of this covers stays a `Sum`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import count
from math import lcm
from typing import Final

from sympy import (
    Add,
    Dummy,
    Expr,
    Integer,
    Max,
    Min,
    Mod,
    Mul,
    Pow,
    Rational,
    Sum,
    Symbol,
    bernoulli,
    expand,
    factor,
    floor,
    solve_undetermined_coeffs,
)

from symcount.exact.indicators import Indicator

__all__ = ["closed", "free_index", "index_symbol", "is_index", "summed"]

_ZERO, _ONE = Integer(0), Integer(1)
_LONGEST = 12  # the longest period whose remainders are summed apart
_FAR = 256  # index below which two powers of numbers cross


def index_symbol(name: str = "i") -> Symbol:
    """The symbol of that name for an index, which starts at zero."""
    return Symbol(name, integer=True, nonnegative=True)


def is_index(symbol: Symbol) -> bool:
    """Whether a symbol is that of an index: the first letters for one, perhaps with a number, from zero on."""
    return bool(symbol.is_nonnegative and not symbol.is_positive and _NAME.fullmatch(symbol.name))


_NAME: Final = re.compile(r"[ijkl][0-9]*")


def free_index(taken: Collection[str]) -> Symbol:
    """A symbol for an index with none of the names that are *taken*.

    >>> free_index({"i", "N"})
    j
    """
    names = (f"{letter}{number or ''}" for number in count() for letter in "ijkl")
    return index_symbol(next(name for name in names if name not in taken))


def summed(term: Expr, index: Symbol, number: Expr) -> Expr:
    """The sum of *term* over the first *number* values of *index*, from zero on; a `Sum` where no closed form is known.

    >>> from symcount.core.notation import symbol
    >>> i, N, H = index_symbol(), symbol("N"), symbol("H")
    >>> summed(H + 2 * i, i, N), summed(H * 2**i, i, N), summed(Min(2**i, 8) * H, i, N)
    (H*N + N*(N - 1), H*(2**N - 1), 8*H*N + H*(2**Min(4, N) - 1) - 8*H*Min(4, N))
    """
    found = closed(term, index, number)
    if found is not None:
        return found
    parts: list[Expr] = []
    left: dict[Expr, list[Expr]] = {}
    for part in Add.make_args(expand(term)):
        one = closed(part, index, number)
        if one is None:
            factors, own = part.as_independent(index, as_Add=False)
            left.setdefault(factors, []).append(own)
        else:
            parts.append(one)
    sums = (factors * Sum(Add(*own), (index, 0, number - 1)) for factors, own in left.items())
    return Add(*parts, *sums)


def closed(term: Expr, index: Symbol, number: Expr) -> Expr | None:
    """The same in closed form, or `None`."""
    if index not in term.free_symbols:
        return number * term
    if index in number.free_symbols or any(index in one.free_symbols for one in term.atoms(Indicator)):
        return None
    for atom in sorted(_atoms(term, index), key=str):
        if isinstance(atom, Min | Max):
            return _turned(term, atom, index, number)
    periods = {_period(atom, index) for atom in _atoms(term, index)}
    if None in periods:
        return None
    if periods:
        return _by_remainder(term, index, number, lcm(*(p for p in periods if p is not None)))
    if _falling(term, index):  # 2^(N - 1 - i) from the other end, which has no negative power in it
        term = term.xreplace({index: number - 1 - index})
    below = Dummy("n", integer=True)
    parts: list[Expr] = []
    for part in Add.make_args(expand(term)):
        factors, own = part.as_independent(index, as_Add=False)
        known = _power_of(own, index)
        if known is None:
            return None
        power, ratio, scale = known
        parts.append(factors * scale * _power_sum(power, ratio, below).xreplace({below: number}))
    return Add(*parts)


def _power_of(term: Expr, index: Symbol) -> tuple[int, Rational, Expr] | None:
    """A product as `scale index^power ratio^index`; `None` where it is none."""
    power, ratio, scale = 0, _ONE, _ONE
    for one in Mul.make_args(term):
        base, exponent = one.as_base_exp()
        if base == index and exponent.is_Integer and exponent > 0:
            power += int(exponent)
        elif base.is_Rational and base > 0 and one != 1:
            slope = exponent.coeff(index)
            rest = expand(exponent - slope * index)
            if not slope.is_Integer or index in rest.free_symbols:
                return None
            ratio, scale = ratio * base**slope, scale * base**rest
        elif one != 1:
            return None
    return power, ratio, scale


@lru_cache(maxsize=256)
def _power_sum(power: int, ratio: Rational, below: Symbol) -> Expr:
    """The sum of `i^power ratio^i` for i from zero on *below* a number."""
    if ratio == 1:
        return factor((bernoulli(power + 1, below) - bernoulli(power + 1, _ZERO)) / (power + 1))
    unknown = [Dummy(f"c{n}") for n in range(power + 1)]
    polynomial = Add(*(c * below**n for n, c in enumerate(unknown)))
    equation = expand(ratio * polynomial.xreplace({below: below + 1}) - polynomial - below**power)
    known = solve_undetermined_coeffs(equation, unknown, below)
    found = polynomial.xreplace(known)
    if power == 0:  # (r^n - 1) / (r - 1)
        return found * (ratio**below - 1)
    return found * ratio**below - found.xreplace({below: _ZERO})


def _falling(term: Expr, index: Symbol) -> bool:
    """Whether the index is in exponents, and always subtracted there."""
    exponents = [power.exp for power in term.atoms(Pow) if index in power.exp.free_symbols]
    return bool(exponents) and all(expand(e).coeff(index).is_negative for e in exponents)


def _atoms(term: Expr, index: Symbol) -> Iterator[Expr]:
    """The minima, maxima, floors and remainders of *term* that the index is in, without those inside others."""
    if isinstance(term, Min | Max | floor | Mod) and index in term.free_symbols:
        yield term
        return
    for argument in term.args:
        yield from _atoms(argument, index)


def _turned(term: Expr, atom: Expr, index: Symbol, number: Expr) -> Expr | None:
    """The sum with one of the arguments of a minimum or maximum below the crossing and the other from there on."""
    first, *others = sorted(atom.args, key=str)
    rest = atom.func(*others)
    crossing = _crossing(first, rest, index)
    if crossing is None:
        return None
    at, rising = crossing
    before, after = (first, rest) if rising == isinstance(atom, Min) else (rest, first)
    turn = Min(Max(at, 0), number)
    low = closed(term.xreplace({atom: before}), index, turn)
    every, less = (closed(term.xreplace({atom: after}), index, n) for n in (number, turn))
    if low is None or every is None or less is None:
        return None
    return low + every - less


def _crossing(a: Expr, b: Expr, index: Symbol) -> tuple[Expr, bool] | None:
    """The first index from which on a is larger than b (true), or smaller (false), if there is one such number.

    Below it is the other way about, or they are equal.
    """
    quotient = (a / b).powsimp().cancel() if not (a / b).has(Min, Max, floor) else a / b
    if quotient.free_symbols <= {index} and not quotient.has(Min, Max, floor, Mod) and _positive(b):
        above = [bool(quotient.xreplace({index: Integer(n)}) > 1) for n in range(_FAR)]
        turns = [n for n in range(1, _FAR) if above[n] is not above[n - 1]]
        if not turns:
            return _ZERO, above[0]
        return (Integer(turns[0]), above[-1]) if len(turns) == 1 else None
    slope = expand(a - b).coeff(index)
    rest = expand(a - b - slope * index)
    if index in rest.free_symbols or slope.is_positive is None or slope == 0:
        return None
    if slope.is_positive:  # a > b from floor(-rest / slope) + 1 on
        return floor(-rest / slope) + 1, True
    return floor(rest / -slope) + 1, False


def _positive(expression: Expr) -> bool:
    return bool(expression.is_positive)


def _period(atom: Expr, index: Symbol) -> int | None:
    """The number that an index is divided by in a floor or remainder; `None` if it is none."""
    if isinstance(atom, Mod):
        inside, period = atom.args[0], atom.args[1]
        slope = expand(inside).coeff(index)
        plain = slope.is_Integer and index not in expand(inside - slope * index).free_symbols
        return int(period) if plain and period.is_Integer and 0 < period <= _LONGEST else None
    slope = expand(atom.args[0]).coeff(index)
    if not slope.is_Rational or index in expand(atom.args[0] - slope * index).free_symbols:
        return None
    return int(slope.q) if slope.q <= _LONGEST else None


def _by_remainder(term: Expr, index: Symbol, number: Expr, period: int) -> Expr | None:
    """The sum over the indices of each remainder by *period* apart."""
    if period > _LONGEST:
        return None
    parts = []
    for rest in range(period):
        own = expand(term.xreplace({index: period * index + rest}), deep=True)
        own = own.replace(lambda e: isinstance(e, floor | Mod), lambda e: e.func(*map(expand, e.args)))
        if any(True for _ in _atoms(own, index)):
            return None
        part = closed(own, index, floor((number + period - 1 - rest) / Integer(period)))
        if part is None:
            return None
        parts.append(part)
    return Add(*parts)
