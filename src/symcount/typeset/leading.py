"""Leading terms: what is left of a total in a very large model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction

from sympy import Add, Expr, Symbol, ceiling, expand, floor

from symcount.errors import SymcountError
from symcount.exact.evaluate import Number, Round, compile_scalar
from symcount.typeset.factors import factored

__all__ = ["WORST", "leading_at", "leading_terms"]

WORST = Fraction(1, 5)
"""How far leading terms may be from the total at the sizes at hand; where they are further, more terms are needed."""


def leading_terms(total: Expr, grow: Collection[Symbol]) -> Expr:
    """The terms of highest degree in the symbols that *grow*, factored.

    Rounding is left out, which changes a term by a lower degree. Where a symbol that grows stands in an exponent, in a
    sum below a fraction bar or in a minimum, a degree says nothing, and the whole total is returned.

    >>> from symcount.core.notation import letters
    >>> H, N, A, K = letters("H N A K")
    >>> leading_terms(N * (4 * H**2 + 2 * H**2 * K / A + H) + H**2, {H, N, A, K})
    2*H**2*N*(2*A + K)/A
    >>> leading_terms(N * H * ceiling(H / 16) + H, {H, N})
    H**2*N/16
    """
    smooth = _smooth(total)
    terms: dict[int, list[Expr]] = {}
    for term in Add.make_args(expand(smooth)):
        degree = _degree(term, grow)
        if degree is None:
            return expand(total)
        terms.setdefault(degree, []).append(term)
    return factored(Add(*terms[max(terms)]))


def leading_at(
    total: Expr, grow: Collection[Symbol], values: Mapping[str, Number], worst: Fraction = WORST
) -> tuple[Expr, Fraction] | None:
    """The leading terms, with as many of the largest others as it takes to be near the total at *values*; the error.

    The error is relative and at most *worst*. `None` where that takes more than half of the terms, where they are no
    fewer than the total has, or where a term has no number of its own.

    >>> from symcount.core.notation import letters
    >>> H, N, V = letters("H N V")
    >>> leading_at(V * H + N * (12 * H**2 + 13 * H), {H, N}, {"H": 768, "N": 12, "V": 50257})
    (12*H**2*N + H*V, Fraction(-12, 12385))
    """
    exact = Fraction(compile_scalar(total)(values))
    terms = list(Add.make_args(expand(_smooth(total))))
    try:
        sizes = {term: Fraction(compile_scalar(term)(values)) for term in terms}
    except SymcountError:
        return None
    degrees = {term: _degree(term, grow) for term in terms}
    known = [d for d in degrees.values() if d is not None]
    highest = max(known, default=0)
    if exact == 0:
        return None
    kept = [term for term in terms if degrees[term] == highest]
    others = sorted((t for t in terms if degrees[t] != highest), key=lambda t: -abs(sizes[t]))
    error = (sum(sizes[t] for t in kept) - exact) / exact
    while abs(error) > worst and others:
        kept.append(others.pop(0))
        error += sizes[kept[-1]] / exact
    if abs(error) > worst or 2 * len(kept) > len(terms) + 1:
        return None
    return factored(Add(*kept)), error


def _smooth(total: Expr) -> Expr:
    return total.replace(lambda e: isinstance(e, floor | ceiling | Round), lambda e: e.args[0])


def _degree(term: Expr, grow: Collection[Symbol]) -> int | None:
    """The degree of a term in what grows; `None` where such a symbol stands in an exponent, a minimum, a divisor."""
    powers = {s: p for s, p in term.as_powers_dict().items() if s in grow}
    if not all(p.is_Integer for p in powers.values()) or (term.free_symbols & set(grow)) - powers.keys():
        return None
    return sum(map(int, powers.values()))
