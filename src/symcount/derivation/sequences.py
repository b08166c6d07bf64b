"""Sequences: what an expression is in each iteration of a loop, as one expression in the loop's index.

`features += growth` leaves `base`, `base + growth`, `base + 2*growth`: polynomials in fields whose coefficients are a
sequence of numbers each. Such a sequence is fitted as a polynomial in the index, or as `a + b r^i`; a fit has at least
two numbers more than it has unknowns, and is checked with other runs (and at last by the certificate). The minimum of
sizes (`width = min(2*width, 512)`) is one of sequences, and `width //= 2` leaves `floor(width / 2^i)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, reduce
from itertools import pairwise
from math import lcm
from typing import Final, Protocol

from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node

__all__ = ["Fitted", "Polynomial", "Sizes", "fitted", "polynomial", "sizes"]

Monomial = tuple[tuple[Node, int], ...]
#: Products of fields with their coefficients; what is no sum, product or power is taken for a field.
Polynomial = Mapping[Monomial, Fraction]

_DEGREE: Final = 3
_SURPLUS: Final = 2  # numbers beyond the unknowns of a fit
_TERMS: Final = 64


def polynomial(size: Node | int) -> Polynomial:
    """A size as a polynomial.

    >>> a, b = ex.symbol("a"), ex.symbol("b")
    >>> {"*".join(f"{n}^{p}" for n, p in m): str(c) for m, c in polynomial(ex.mul(ex.add(a, b), b)).items()}
    {'a^1*b^1': '1', 'b^2': '1'}
    """
    return {(): Fraction(size)} if isinstance(size, int) else _polynomial(size)


@lru_cache(maxsize=1 << 14)
def _polynomial(node: Node) -> Polynomial:
    if node.op == "const":
        return {(): Fraction(node.args[0])} if node.args[0] else {}
    if node.op in ("add", "sub"):
        left, right = map(_polynomial, node.args)
        sign = 1 if node.op == "add" else -1
        return _clean({m: left.get(m, Fraction(0)) + sign * right.get(m, Fraction(0)) for m in {**left, **right}})
    if node.op == "mul":
        return _product(_polynomial(node.args[0]), _polynomial(node.args[1]), node)
    if node.op in ("exact_div", "div") and node.args[1].op == "const" and node.args[1].args[0]:
        return {m: c / Fraction(node.args[1].args[0]) for m, c in _polynomial(node.args[0]).items()}
    if node.op == "pow" and node.args[1].op == "const" and node.args[1].args[0] in (2, 3):
        base = _polynomial(node.args[0])
        square = _product(base, base, node)
        return square if node.args[1].args[0] == 2 else _product(square, base, node)
    return {((node, 1),): Fraction(1)}


def _product(a: Polynomial, b: Polynomial, node: Node) -> Polynomial:
    if len(a) * len(b) > _TERMS:
        return {((node, 1),): Fraction(1)}
    found: dict[Monomial, Fraction] = {}
    for left, c in a.items():
        for right, d in b.items():
            powers = dict(left)
            for field, power in right:
                powers[field] = powers.get(field, 0) + power
            key = tuple(sorted(powers.items(), key=lambda item: str(item[0])))
            found[key] = found.get(key, Fraction(0)) + c * d
    return _clean(found)


def _clean(found: Mapping[Monomial, Fraction]) -> Polynomial:
    return {m: c for m, c in found.items() if c}


@dataclass(frozen=True)
class _Coefficient:
    """`sum of c_d i^d + factor * ratio^i`."""

    powers: tuple[Fraction, ...]
    factor: Fraction = Fraction(0)
    ratio: int = 1

    def at(self, index: int) -> Fraction:
        return sum((c * index**d for d, c in enumerate(self.powers)), self.factor * Fraction(self.ratio) ** index)

    def node(self, index: Node, scale: int) -> Node:
        """The coefficient times *scale*, which makes its numbers whole."""
        total: Node = ex.const(0)
        if self.factor:
            power = ex.power(ex.const(self.ratio), index)
            total = ex.mul(ex.const(self.factor * scale), power)
        for degree, number in enumerate(self.powers):
            if number:
                total = ex.add(total, ex.mul(ex.const(number * scale), ex.power(index, ex.const(degree))))
        return total

    @property
    def denominator(self) -> int:
        return lcm(*(c.denominator for c in (*self.powers, self.factor)))


@dataclass(frozen=True)
class Fitted:
    """A polynomial whose coefficients depend on an index.

    Attributes:
        parts: products of fields, each with its coefficient.
    """

    parts: tuple[tuple[Monomial, _Coefficient], ...]

    def at(self, index: int) -> Polynomial:
        """The polynomial at one index."""
        return _clean({monomial: coefficient.at(index) for monomial, coefficient in self.parts})

    def node(self, index: Node) -> Node:
        """The expression in *index*."""
        scale = lcm(*(coefficient.denominator for _, coefficient in self.parts))
        total: Node = ex.const(0)
        for monomial, coefficient in self.parts:
            term = coefficient.node(index, scale)
            for field, power in monomial:
                term = ex.mul(term, ex.power(field, ex.const(power)))
            total = ex.add(total, term)
        return total if scale == 1 else ex.exact_div(total, ex.const(scale))


class Sizes(Protocol):
    """What sizes are in the iterations of a loop."""

    def is_size(self, index: int, size: Node | int) -> bool:
        """Whether they are *size* in the iteration with that *index*."""
        ...

    def node(self, index: Node) -> Node:
        """The expression in *index*."""
        ...


@dataclass(frozen=True)
class _Least:
    """The least of several polynomials, or the one that there is."""

    terms: tuple[Fitted, ...]

    def is_size(self, index: int, size: Node | int) -> bool:
        return _kept([term.at(index) for term in self.terms]) == _terms(size)

    def node(self, index: Node) -> Node:
        first, *others = (term.node(index) for term in self.terms)
        return reduce(ex.minimum, others, first)


@dataclass(frozen=True)
class _Quotients:
    """`floor(whole / (divisor ratio^i))`."""

    whole: Node
    divisor: Fraction
    ratio: int

    def is_size(self, index: int, size: Node | int) -> bool:
        return isinstance(size, Node) and _quotient(size) == (self.whole, self.divisor * self.ratio**index)

    def node(self, index: Node) -> Node:
        exact = ex.mul(ex.const(self.divisor.denominator), self.whole)
        power = ex.power(ex.const(self.ratio), index)
        return ex.floordiv(exact, ex.mul(ex.const(self.divisor.numerator), power))


@lru_cache(maxsize=1 << 14)  # each run is looked at again whenever another one joins it
def sizes(first: int, column: tuple[Node | int, ...]) -> Sizes | None:
    """The sizes of consecutive iterations, from the index *first* on, as one; `None` where there is none or too few.

    >>> w, i = ex.symbol("w"), ex.symbol("i")
    >>> halves = [w, ex.floordiv(w, ex.const(2)), ex.floordiv(ex.floordiv(w, ex.const(2)), ex.const(2))]
    >>> halves.append(ex.floordiv(halves[-1], ex.const(2)))
    >>> print(sizes(0, tuple(halves)).node(i))
    (w // (2 ** i))
    """
    several = [_terms(size) for size in column]
    if len({len(terms) for terms in several}) == 1:
        fits = [fitted(first, term) for term in zip(*several, strict=True)]
        if None not in fits:
            return _Least(tuple(fit for fit in fits if fit is not None))
    halves = [_quotient(size) if isinstance(size, Node) else (None, Fraction(0)) for size in column]
    wholes = {whole for whole, _ in halves}
    if len(halves) < 2 + _SURPLUS or len(wholes) > 1 or None in wholes:
        return None
    divisors = [divisor for _, divisor in halves]
    ratio = divisors[1] / divisors[0]
    if ratio.denominator != 1 or ratio < 2 or any(b != ratio * a for a, b in pairwise(divisors)):
        return None
    whole = halves[0][0]
    return _Quotients(whole, divisors[0] / ratio**first, int(ratio)) if whole is not None else None


def _quotient(node: Node) -> tuple[Node, Fraction]:
    """What is divided by numbers one after the other, and the product of these."""
    if node.op in ("exact_div", "floordiv") and node.args[1].op == "const" and type(node.args[1].args[0]) is int:
        whole, divisor = _quotient(node.args[0])
        return whole, divisor * node.args[1].args[0]
    return node, Fraction(1)


@lru_cache(maxsize=1 << 14)
def _terms(size: Node | int) -> Sequence[Polynomial]:
    """The polynomials of which a size is the least, in an order that does not depend on their coefficients."""
    return _kept(_least(size, Fraction(1))) if isinstance(size, Node) else [polynomial(size)]


def _least(node: Node, factor: Fraction) -> list[Polynomial]:
    if node.op == "min":
        return [term for part in node.args for term in _least(part, factor)]
    if node.op == "mul" and node.args[0].op == "const" and node.args[0].args[0] > 0:
        return _least(node.args[1], factor * Fraction(node.args[0].args[0]))
    return [{m: factor * c for m, c in polynomial(node).items()}]


def _kept(terms: Sequence[Polynomial]) -> list[Polynomial]:
    """Without a term that is a larger multiple of another one."""
    if len(terms) == 1:
        return [*terms]
    found: dict[tuple[Monomial, ...], Polynomial] = {}
    for term in terms:
        key = tuple(sorted(term, key=str))
        known = found.get(key)
        if known is None or all(term[m] <= known[m] for m in key):
            found[key] = term
        elif not all(term[m] >= known[m] for m in key):
            return list(terms)
    return [found[key] for key in sorted(found, key=str)]


def fitted(first: int, sizes: Sequence[Polynomial]) -> Fitted | None:
    """The polynomials *sizes*, at consecutive indices from *first* on, as one; `None` where there is none or too few.

    >>> base, growth, i = map(ex.symbol, ("base", "growth", "i"))
    >>> sizes = [polynomial(ex.add(base, ex.mul(ex.const(n), growth))) for n in range(1, 6)]
    >>> print(fitted(0, sizes).node(i))
    (base + ((i + 1) * growth))
    >>> print(fitted(1, [polynomial(ex.mul(ex.const(2**n), base)) for n in range(1, 6)]).node(i))
    ((2 ** i) * base)
    """
    parts = []
    for monomial in dict.fromkeys(m for size in sizes for m in size):
        found = _coefficient(first, [size.get(monomial, Fraction(0)) for size in sizes])
        if found is None:
            return None
        parts.append((monomial, found))
    return Fitted(tuple(parts))


def _coefficient(first: int, numbers: Sequence[Fraction]) -> _Coefficient | None:
    rows = [list(numbers)]
    for degree in range(_DEGREE + 1):
        if len(rows[-1]) <= _SURPLUS - (degree == 0):
            return None
        if len(set(rows[-1])) == 1:
            return _Coefficient(_interpolated(first, [row[0] for row in rows]))
        rows.append([b - a for a, b in zip(rows[-1], rows[-1][1:], strict=False)])
        steps = rows[-1]
        if degree == 0 and (found := _geometric(first, numbers, steps)) is not None:
            return found
    return None


def _geometric(first: int, numbers: Sequence[Fraction], steps: Sequence[Fraction]) -> _Coefficient | None:
    """`a + b r^i`, of whose differences each is r times the one before."""
    if len(steps) < 1 + _SURPLUS or not all(steps):
        return None
    ratio = steps[1] / steps[0]
    if ratio.denominator != 1 or ratio < 2 or any(b != ratio * a for a, b in pairwise(steps)):
        return None
    factor = steps[0] / (ratio - 1)  # of r^(i - first)
    rest = numbers[0] - factor
    return _Coefficient((rest,) if rest else (), factor / ratio**first, int(ratio))


def _interpolated(first: int, heads: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The coefficients of Newton's polynomial through `sum of heads[d] * binomial(i - first, d)`."""
    total = [Fraction(0)] * len(heads)
    basis = [Fraction(1)]
    for degree, head in enumerate(heads):
        for power, c in enumerate(basis):
            total[power] += head * c
        shifted = [Fraction(0), *basis]  # times (i - first - degree) / (degree + 1)
        for power, c in enumerate(basis):
            shifted[power] -= c * (first + degree)
        basis = [c / (degree + 1) for c in shifted]
    while total and not total[-1]:
        total.pop()
    return tuple(total)
