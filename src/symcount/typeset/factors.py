r"""Common factors out of brackets, as a person leaves a sum: `2HD(A + K)`, not `2HAD + 2HKD`.

The law of every function here is that its value, multiplied out, is the value it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, lcm

from sympy import Add, Expr, Integer, Mul, Pow, Rational, expand

from symcount.typeset.terms import degree

__all__ = ["common", "factored", "gathered"]

ONE = Integer(1)


def common(terms: Sequence[Expr]) -> Expr:
    """The largest monomial that divides every term; negative where the first term is and no other sign is leading.

    >>> from symcount.core.notation import letters
    >>> H, I, E, k = letters("H I E k")
    >>> common([-3 * E * H * I, 3 * k * H * I]), common([4 * H**2, 6 * H]), common([H, I])
    (-3*H*I, 2*H, 1)
    """
    numbers = [Rational(t.as_coeff_Mul()[0]) for t in terms]
    if not all(n.is_Rational for n in numbers):
        return ONE
    over = gcd(*(int(n.p) for n in numbers))
    under = lcm(*(int(n.q) for n in numbers))
    powers = [dict(t.as_coeff_Mul()[1].as_powers_dict()) for t in terms]
    shared = []
    for base in dict.fromkeys(b for p in powers for b in p):
        exponent = powers[0].get(base, Integer(0))
        least = [p.get(base, Integer(0)) for p in powers]
        if base != 1 and all(e.is_Integer for e in least):
            lowest = min(int(e) for e in least)
            if lowest:
                shared.append(Pow(base, lowest))
        elif base != 1 and all(e == exponent for e in least):
            shared.append(Pow(base, exponent))
    sign = -1 if numbers[0] < 0 else 1
    return Mul(Rational(sign * over, under), *shared)


def gathered(terms: Sequence[Expr]) -> Expr:
    """The sum of *terms*, with those gathered that differ in one letter: `2HAD + 2HKD` is `2HD(A + K)`.

    >>> from symcount.core.notation import letters
    >>> H, I, A, K, D = letters("H I A K D")
    >>> gathered([2 * H * A * D, 2 * H * K * D, 3 * H * I])
    2*D*H*(A + K) + 3*H*I
    """
    left = list(terms)
    result: list[Expr] = []
    while left:
        groups: dict[Expr, list[Expr]] = {}
        for term in left:
            rest = term.as_coeff_Mul()[1]
            for base, exponent in rest.as_powers_dict().items():
                if exponent == 1 and base.is_Symbol and rest != base:
                    groups.setdefault(rest / base, []).append(term)
        best = max(groups.values(), key=len, default=[])
        if len(best) < 2:
            result += left
            break
        factor = common(best)
        result.append(Mul(factor, Add(*(t / factor for t in best))))
        left = [t for t in left if t not in best]
    return Add(*result)


def factored(expression: Expr) -> Expr:
    """A sum with what all of its terms share in front, and inside what some of them share; by falling degree.

    >>> from symcount.core.notation import letters
    >>> H, I, A, K, D, N, V = letters("H I A K D N V")
    >>> factored(2 * N * H * A * D + 2 * N * H * K * D + 3 * N * H * I + V * H)
    H*N*(2*D*(A + K) + 3*I) + H*V
    """
    by_degree: dict[int, list[Expr]] = {}
    for term in Add.make_args(expand(expression)):
        by_degree.setdefault(-degree(term), []).append(term)
    by_shared: list[Expr] = []
    terms = [t for _, group in sorted(by_degree.items()) for t in group]
    while terms:
        first, *rest = terms
        alike = [first, *(t for t in rest if degree(common([first, t])) >= 2)]
        terms = [t for t in rest if t not in alike]
        if len(alike) == 1:
            by_shared.append(first)
            continue
        factor = common(alike)
        by_shared.append(Mul(factor, gathered([t / factor for t in alike])))
    return Add(*by_shared)
