"""Fewer operations for the same value: a sum as nested products, `4H² + 2HI + 9H` as `H(4H + 2I + 9)`.

The scheme is greedy: the factor that most terms share is taken out of them, again and again. References: W. G. Horner,
Phil. Trans. R. Soc. 109 (1819); M. Ceberio and V. Kreinovich, Greedy algorithms for optimizing multivariate Horner
schemes, ACM SIGSAM Bulletin 38 (2004).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sympy import Add, Expr, Mul, Pow, expand

__all__ = ["is_power", "nested", "operations"]


def is_power(expression: Expr) -> bool:
    """Whether *expression* is a product of equal factors: a power by a literal of at least two."""
    return isinstance(expression, Pow) and bool(expression.exp.is_Integer) and int(expression.exp) > 1


def operations(expression: Expr) -> int:
    """The additions and multiplications of *expression* as it is written; what is neither costs one.

    >>> from symcount.core.notation import symbol
    >>> H, I = symbol("H"), symbol("I")
    >>> operations(4 * H**2 + 2 * H * I + 9 * H), operations(H * (4 * H + 2 * I + 9))
    (7, 5)
    """
    if isinstance(expression, Add | Mul):
        return len(expression.args) - 1 + sum(operations(a) for a in expression.args)
    if is_power(expression):
        return int(expression.exp) - 1 + operations(expression.base)
    return 0 if expression.is_Atom else 1


def nested(expression: Expr) -> Expr:
    """The form of *expression* with the fewest operations: as it is, nested, or nested after multiplying it out.

    >>> from symcount.core.notation import symbol
    >>> H, I, N = symbol("H"), symbol("I"), symbol("N")
    >>> nested(N * (4 * H**2 + 2 * H * I + 9 * H + I) + H**2 + 5 * H)
    H*(H + 5) + N*(H*(4*H + 2*I + 9) + I)
    """
    return min((_nested(expression), _nested(expand(expression)), expression), key=operations)


def _nested(expression: Expr) -> Expr:
    if isinstance(expression, Add):
        return _sum([_nested(term) for term in expression.args])
    if isinstance(expression, Mul):
        return Mul(*(_nested(factor) for factor in expression.args))
    if is_power(expression):
        return _nested(expression.base) ** expression.exp
    return expression


def _sum(terms: Sequence[Expr]) -> Expr:
    shared = Counter(base for term in terms for base in _bases(term))
    base, number = max(shared.items(), key=lambda item: item[1], default=(None, 0))
    if base is None or number < 2:
        return Add(*terms)
    inside = [term / base for term in terms if base in _bases(term)]
    outside = [term for term in terms if base not in _bases(term)]
    product = base * _sum(inside)
    return product + _sum(outside) if outside else product


def _bases(term: Expr) -> list[Expr]:
    """The factors of *term* that can be taken out of it; no numbers, which SymPy multiplies into a sum again."""
    bases = (f.base if is_power(f) else f for f in Mul.make_args(term))
    return [b for b in bases if not b.is_number]
