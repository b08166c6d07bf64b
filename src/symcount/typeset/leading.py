"""Leading terms: what is left of a total in a very large model."""

from __future__ import annotations

from collections.abc import Collection

from sympy import Add, Expr, Symbol, ceiling, expand, factor, floor

from symcount.evaluate import Round

__all__ = ["leading_terms"]


def leading_terms(total: Expr, grow: Collection[Symbol]) -> Expr:
    """The terms of highest degree in the symbols that *grow*, factored.

    Rounding is left out, which changes a term by a lower degree. Where a symbol that grows stands in an exponent, in a
    sum below a fraction bar or in a minimum, a degree says nothing, and the whole total is returned.

    >>> from symcount.notation import letters
    >>> H, N, A, K = letters("H N A K")
    >>> leading_terms(N * (4 * H**2 + 2 * H**2 * K / A + H) + H**2, {H, N, A, K})
    2*H**2*N*(2*A + K)/A
    >>> leading_terms(N * H * ceiling(H / 16) + H, {H, N})
    H**2*N/16
    """
    smooth = total.replace(lambda e: isinstance(e, floor | ceiling | Round), lambda e: e.args[0])
    terms: dict[int, list[Expr]] = {}
    for term in Add.make_args(expand(smooth)):
        powers = {s: p for s, p in term.as_powers_dict().items() if s in grow}
        if not all(p.is_Integer for p in powers.values()) or (term.free_symbols & set(grow)) - powers.keys():
            return expand(total)
        terms.setdefault(sum(map(int, powers.values())), []).append(term)
    top = terms[max(terms)]
    return factor(Add(*top)) if len(top) > 1 else top[0]
