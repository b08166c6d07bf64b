r"""LaTeX of a formula, as a person would write it.

Terms come in the order in which they are arranged (`terms_of`), or by degree (`set_symbols`); how one factor is printed
is data plus a handful of rules (`_factor`). Nothing depends on SymPy's own printer.

>>> import symcount as sc
>>> print(sc.formula("gpt2").latex())
VH + LH + N(12H^2 + 13H) + 2H
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sympy import Add, Expr, Integer, Max, Min, Mod, Mul, Pow, Rational, Symbol, ceiling, floor, fraction, together
from sympy import Sum as Summation
from sympy.core.function import AppliedUndef

from symcount.core.notation import TABLE, Notation
from symcount.exact.evaluate import Round
from symcount.exact.indicators import Indicator, members
from symcount.typeset.terms import Group, Series, Sum, degree, is_option
from symcount.typeset.unify import INDEX

__all__ = ["Term", "is_numeric", "joined", "product", "set_symbols", "sorted_terms", "terms_of"]

_COMMAND_AT_END = re.compile(r"\\[A-Za-z]+\Z")
_WORD = re.compile(r"\\(mathrm|text|textrm|mathit|mathsf|mathtt|operatorname)\{")
_RANK = {item.letter: rank for rank, item in enumerate(TABLE)}


@dataclass(frozen=True)
class Term:
    """A printed term of a sum; one that is a product with a sum, `head(body)`, can be broken inside."""

    text: str
    head: str = ""
    body: tuple[Term, ...] = ()


def terms_of(arranged: Sum, notation: Notation) -> tuple[Term, ...]:
    """The terms of a sum, each printed, in the order of the model."""
    result: list[Term] = []
    for term in arranged.sorted():
        if isinstance(term, Group) and term.repeat == 1:
            result += terms_of(term.body, notation)
        elif isinstance(term, Group):
            result.append(_group(term, notation))
        elif isinstance(term, Series):
            result.append(_series(term, notation))
        else:
            result.append(_term(term, notation))
    return tuple(result)


def _group(group: Group, notation: Notation) -> Term:
    match group.body.terms:
        case [Expr() as only]:  # a single term needs no brackets
            return _term(group.repeat * only, notation)
    head, body = _parenthesised(group.repeat, notation), terms_of(group.body, notation)
    if _is_word(head):
        head += r"\,"
    return Term(head + _brackets(joined([t.text for t in body])), head, body)


def _series(series: Series, notation: Notation) -> Term:
    index = notation[INDEX].latex
    sign = rf"\sum_{{{index}={series.first}}}^{{{series.last}}}"
    if len(str(series.last)) == 1:
        sign = rf"\sum_{{{index}={series.first}}}^{series.last}"
    body = terms_of(series.body, notation)
    if len(body) > 1:
        return Term(sign + _brackets(joined([t.text for t in body])), sign, body)
    only = body[0]
    space = " " if only.text[0].isalpha() or only.text[0].isdigit() else ""
    return Term(sign + space + only.text, sign + space + only.head if only.body else "", only.body)


def sorted_terms(expression: Expr, notation: Notation) -> tuple[Term, ...]:
    """The terms of any expression, by falling degree, then in the table's order."""
    return tuple(_term(term, notation) for term in sorted(Add.make_args(expression), key=_order))


def _term(term: Expr, notation: Notation) -> Term:
    sums = [f for f in Mul.make_args(term) if isinstance(f, Add)]
    if len(sums) != 1 or not isinstance(term, Mul):
        return Term(_monomial(term, notation))
    head, text = _monomial(term / sums[0], notation), _monomial(term, notation)
    body = sorted_terms(sums[0], notation)
    whole = text == head + _brackets(joined([t.text for t in body]))
    return Term(text, head, body) if whole else Term(text)


def set_symbols(expression: Expr, notation: Notation) -> str:
    r"""Any expression in LaTeX: by falling degree, then in the table's order; factors stay factors.

    >>> from symcount.core.notation import Notation, entry
    >>> V, L, H = (entry(letter) for letter in "VLH")
    >>> print(set_symbols(L.symbol * H.symbol + V.symbol * H.symbol - H.symbol**2 / 4, Notation((V, L, H))))
    VH + LH - H^2/4
    """
    return _sum(Add.make_args(expression), notation)


def _sum(terms: Sequence[Expr], notation: Notation) -> str:
    return joined([_monomial(term, notation) for term in sorted(terms, key=_order)])


def _order(term: Expr) -> tuple[int, bool, list[tuple[int, str]]]:
    if term.free_symbols and all(map(is_option, term.free_symbols)):
        return 1, False, []  # 1 - [tied]
    powers = sorted(term.as_coeff_Mul()[1].as_powers_dict().items(), key=_rank)
    ranks = [_rank(p) for p in powers for _ in range(abs(int(p[1])) if p[1].is_Integer else 1)]
    return -degree(term), not ranks, ranks  # H/A + 1, not 1 + H/A


def joined(parts: Sequence[str]) -> str:
    """Printed terms as a sum."""
    if not parts:
        return "0"
    return parts[0] + "".join(f" - {p[1:].lstrip()}" if p.startswith("-") else f" + {p}" for p in parts[1:])


def _brackets(body: str) -> str:
    """*body* in brackets as tall as what they hold."""
    return rf"\left({body}\right)" if r"\frac" in body else f"({body})"


def _rounded(left: str, body: str, right: str) -> str:
    """*body* between the signs of a rounding."""
    if r"\frac" in body:
        return rf"\left{left} {body} \right{right}"
    return f"{left}{' ' if body[0].isalpha() else ''}{body}{right}"


def _parenthesised(expression: Expr, notation: Notation) -> str:
    """*expression* as what stands before brackets: a fraction with a bar, since `N/2(H + I)` says two things."""
    if isinstance(expression, Add):
        return _brackets(set_symbols(expression, notation))
    return _monomial(expression, notation, slash=False)


def _rank(factor: tuple[Expr, Expr]) -> tuple[int, str]:
    base = factor[0]
    if isinstance(base, Symbol | Add) and any(map(is_option, base.free_symbols)):
        return -2, _text(base)  # what says whether a term is there goes first
    if isinstance(base, Symbol):
        if not base.is_integer:  # a ratio is a coefficient
            return -1, base.name
        return _RANK.get(base.name.split("_")[0], len(_RANK)), base.name
    return len(_RANK) + 1, _text(base)


@lru_cache(maxsize=4096)
def _text(e: Expr) -> str:
    return str(e)


def _monomial(term: Expr, notation: Notation, slash: bool = True) -> str:
    """One term: coefficient, then factors in the table's order, negative powers behind a slash or under a bar.

    A slash does where one factor follows it, so that nobody reads another one with it: `2H^2K/A`.
    """
    coefficient, rest = term.as_coeff_Mul()
    if coefficient.is_Rational is not True:
        coefficient, rest = Integer(1), term
    for factor in Mul.make_args(rest):  # -⌊-x⌋ is ⌈x⌉
        if coefficient < 0 and isinstance(factor, floor) and factor.args[0].could_extract_minus_sign():
            coefficient, rest = -coefficient, rest / factor * ceiling(-factor.args[0])
    top: list[tuple[Expr, Expr]] = []
    bottom: list[tuple[Expr, Expr]] = []
    for base, exponent in sorted(rest.as_powers_dict().items(), key=_rank) if rest != 1 else []:
        if exponent.could_extract_minus_sign():
            bottom.append((base, -exponent))
        else:
            top.append((base, exponent))
    sign = "-" if coefficient < 0 else ""
    p, q = abs(Rational(coefficient).p), Rational(coefficient).q
    if not bottom and q == 1:
        return f"{sign}{_side(p, top, notation)}"
    below = _side(q, bottom, notation, bar=True)
    if slash and (q != 1) + len(bottom) == 1 and not (bottom and isinstance(bottom[0][0], Add)) and "/" not in below:
        over = _side(p, top, notation)
        if r"\frac" not in over + below:
            return f"{sign}{over}/{below}"
    return f"{sign}\\frac{{{_side(p, top, notation, bar=True)}}}{{{below}}}"


def _side(number: int, powers: Sequence[tuple[Expr, Expr]], notation: Notation, bar: bool = False) -> str:
    """A number and factors, on one side of a fraction bar if there is a *bar*: a lone sum needs no brackets there."""
    if bar and number == 1 and len(powers) == 1 and isinstance(powers[0][0], Add) and powers[0][1] == 1:
        return set_symbols(powers[0][0], notation)
    factors = [_power(base, exponent, notation) for base, exponent in powers]
    return product([str(number), *factors] if number != 1 or not factors else factors)


def product(factors: Sequence[str]) -> str:
    """Printed factors side by side, with a sign or a space where they would run into each other."""
    text = last = ""
    for factor in factors:
        if text and is_numeric(factor):  # 3·2^N, not 32^N
            text += rf" \cdot {factor}"
        elif text and (_is_word(factor) or _is_word(last)):
            text += rf"\,{factor}" if last[0].isdigit() or factor[0] == "(" else rf" \cdot {factor}"
        elif factor[0].isalpha() and _COMMAND_AT_END.search(text):  # \alpha H, not \alphaH
            text += f" {factor}"
        else:
            text += factor
        last = factor
    return text


def is_numeric(factor: str) -> bool:
    """Whether a factor begins with a number."""
    return factor[0].isdigit() or factor.startswith(r"\num{")


def _is_word(factor: str) -> bool:
    """Whether a factor is a name of several letters, which runs into its neighbour unless set apart."""
    return _WORD.match(factor) is not None


def _power(base: Expr, exponent: Expr, notation: Notation) -> str:
    text = _factor(base, notation)
    if exponent == 1:
        return text
    plain = isinstance(base, Symbol | Integer) and "^" not in text and "'" not in text
    if not plain and not isinstance(base, AppliedUndef | floor | ceiling | Round):
        text = text if text.startswith((r"\left", "(")) else _brackets(text)
    shown = set_symbols(exponent, notation)
    return f"{text}^{shown}" if len(shown) == 1 else f"{text}^{{{shown}}}"


def _fraction(expression: Expr, notation: Notation) -> str:
    """A quotient of integers as one fraction, as it was written before SymPy took it apart."""
    top, bottom = fraction(together(expression))
    if bottom == 1 or not isinstance(top, Add):
        return set_symbols(expression, notation)
    if isinstance(bottom, Symbol | Integer):
        over, below = set_symbols(top, notation), set_symbols(bottom, notation)
        if r"\frac" not in over + below:
            return f"({over})/{below}"
    return rf"\frac{{{set_symbols(top, notation)}}}{{{set_symbols(bottom, notation)}}}"


_LISTED: Final = r",\,"


def _summation(total: Summation, notation: Notation) -> str:
    """A sum, or the number of the elements of a set."""
    outermost = total.limits[::-1]
    if conditions := members(total):
        said = _LISTED.join(_condition(one, notation) for one in conditions)
        each = (rf"0 \leq {index} < {set_symbols(last + 1, notation)}" for index, _, last in outermost)
        return rf"\#\{{{_LISTED.join(each)} : {said}\}}"
    body = set_symbols(total.function, notation)
    body = _brackets(body) if total.function.is_Add else body
    signs = (rf"\sum_{{{index}={first}}}^{{{set_symbols(last, notation)}}}" for index, first, last in outermost)
    return f"{' '.join(signs)} {body}"


def _modulo(remainder: Mod, notation: Notation) -> str:
    top, bottom = (set_symbols(a, notation) for a in remainder.args)
    return _brackets(rf"{top} \bmod {bottom}")


def _condition(one: Indicator, notation: Notation) -> str:
    left, right = (set_symbols(a, notation) for a in one.args)
    return f"{left} {one.latex} {right}"


def _factor(base: Expr, notation: Notation) -> str:
    if isinstance(base, Symbol):
        return notation[base].latex if base.name in notation else base.name
    if isinstance(base, Integer):
        return str(base)
    if isinstance(base, floor):
        return _rounded(r"\lfloor", _fraction(base.args[0], notation), r"\rfloor")
    if isinstance(base, Round):
        return _rounded(r"\lfloor", _fraction(base.args[0], notation), r"\rceil")
    if isinstance(base, ceiling):
        return _rounded(r"\lceil", _fraction(base.args[0], notation), r"\rceil")
    if isinstance(base, Min | Max):
        name = r"\min" if isinstance(base, Min) else r"\max"
        return f"{name}{_brackets(', '.join(set_symbols(a, notation) for a in base.args))}"
    if isinstance(base, AppliedUndef):
        return f"{base.func.__name__}{_brackets(', '.join(set_symbols(a, notation) for a in base.args))}"
    if isinstance(base, Summation):
        return _summation(base, notation)
    if isinstance(base, Indicator | Mod):
        return rf"[{_condition(base, notation)}]" if isinstance(base, Indicator) else _modulo(base, notation)
    if isinstance(base, Mul):
        return _monomial(base, notation)
    if isinstance(base, Pow):
        return _power(base.base, base.exp, notation)
    return _brackets(set_symbols(base, notation))
