r"""LaTeX of a formula, as a person would write it.

The pipeline is one function, `formula_latex`: arrange the terms in the order of the model, print each. How one
factor is printed is data plus a handful of rules (`_factor`); nothing depends on SymPy's own printer.

>>> import symcount as sc
>>> print(sc.formula("gpt2").latex())
VH + LH + N(12H^2 + 13H) + 2H
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, get_args

from sympy import Add, Expr, Integer, Max, Min, Mod, Mul, Pow, Rational, Symbol, ceiling, floor, fraction, together

from symcount.errors import NotationError, near
from symcount.evaluate import Round
from symcount.ledger import Convention, Ledger
from symcount.notation import TABLE, Notation
from symcount.tree import Block
from symcount.typeset.terms import Group, Sum, arrange, degree, monomials

__all__ = ["Style", "formula_latex", "set_symbols"]

Style = Literal["grouped", "expanded"]

_COMMAND_AT_END = re.compile(r"\\[A-Za-z]+\Z")
_RANK = {item.letter: rank for rank, item in enumerate(TABLE)}


def formula_latex(tree: Block, ledger: Ledger, notation: Notation, style: Style, convention: Convention) -> str:
    """The total of *tree* under *convention* in LaTeX.

    Raises:
        NotationError: no such style.
    """
    if style == "expanded":
        return _sum(monomials(ledger.total(convention)), notation)
    if style != "grouped":
        styles = get_args(Style)
        raise NotationError(f"style {style!r}: expected one of {', '.join(styles)}.{near(str(style), styles)}")
    return _terms(arrange(tree, ledger, convention), notation)


def set_symbols(expression: Expr, notation: Notation) -> str:
    r"""Any expression in LaTeX: by falling degree, then in the table's order; factors stay factors.

    >>> from symcount.notation import Notation, entry
    >>> V, L, H = (entry(letter) for letter in "VLH")
    >>> print(set_symbols(L.symbol * H.symbol + V.symbol * H.symbol - H.symbol**2 / 4, Notation((V, L, H))))
    VH + LH - \frac{H^2}{4}
    """
    return _sum(Add.make_args(expression), notation)


def _terms(arranged: Sum, notation: Notation) -> str:
    parts: list[str] = []
    for term in arranged.sorted():
        if isinstance(term, Group):
            body = _terms(term.body, notation)
            parts.append(_parenthesised(term.repeat, notation) + _brackets(body))
        else:
            parts.append(_monomial(term, notation))
    return _joined(parts)


def _sum(terms: Sequence[Expr], notation: Notation) -> str:
    return _joined([_monomial(term, notation) for term in sorted(terms, key=_order)])


def _order(term: Expr) -> tuple[int, bool, list[tuple[int, str]]]:
    powers = sorted(term.as_coeff_Mul()[1].as_powers_dict().items(), key=_rank)
    ranks = [_rank(p) for p in powers for _ in range(abs(int(p[1])) if p[1].is_Integer else 1)]
    return -degree(term), not ranks, ranks  # H/A + 1, not 1 + H/A


def _joined(parts: Sequence[str]) -> str:
    if not parts:
        return "0"
    return parts[0] + "".join(f" - {p[1:].lstrip()}" if p.startswith("-") else f" + {p}" for p in parts[1:])


def _brackets(body: str) -> str:
    return rf"\left({body}\right)" if r"\frac" in body or r"\lfloor" in body or r"\lceil" in body else f"({body})"


def _parenthesised(expression: Expr, notation: Notation) -> str:
    text = set_symbols(expression, notation)
    return _brackets(text) if isinstance(expression, Add) else text


def _rank(factor: tuple[Expr, Expr]) -> tuple[int, str]:
    base = factor[0]
    if isinstance(base, Symbol):
        return _RANK.get(base.name.split("_")[0], len(_RANK)), base.name
    return len(_RANK) + 1, str(base)


def _monomial(term: Expr, notation: Notation) -> str:
    """One term: coefficient, then factors in the table's order, negative powers under a fraction bar."""
    coefficient, rest = term.as_coeff_Mul()
    if coefficient.is_Rational is not True:
        coefficient, rest = Integer(1), term
    top: list[tuple[Expr, Expr]] = []
    bottom: list[tuple[Expr, Expr]] = []
    for base, exponent in sorted(rest.as_powers_dict().items(), key=_rank) if rest != 1 else []:
        if exponent.could_extract_minus_sign():
            bottom.append((base, -exponent))
        else:
            top.append((base, exponent))
    sign = "-" if coefficient < 0 else ""
    p, q = abs(Rational(coefficient).p), Rational(coefficient).q
    bar = bool(bottom) or q != 1
    over = _side(p, top, notation, bar)
    return f"{sign}\\frac{{{over}}}{{{_side(q, bottom, notation, bar)}}}" if bar else f"{sign}{over}"


def _side(number: int, powers: Sequence[tuple[Expr, Expr]], notation: Notation, bar: bool) -> str:
    """A number and factors, on one side of a fraction bar if there is a *bar*: a lone sum needs no brackets there."""
    if bar and number == 1 and len(powers) == 1 and isinstance(powers[0][0], Add) and powers[0][1] == 1:
        return set_symbols(powers[0][0], notation)
    factors = [_power(base, exponent, notation) for base, exponent in powers]
    return _product([str(number), *factors] if number != 1 or not factors else factors)


def _product(factors: Sequence[str]) -> str:
    text = ""
    for factor in factors:
        if text and factor[0].isdigit():  # 3·2^N, not 32^N
            text += rf" \cdot {factor}"
        elif factor[0].isalpha() and _COMMAND_AT_END.search(text):  # \alpha H, not \alphaH
            text += f" {factor}"
        else:
            text += factor
    return text


def _power(base: Expr, exponent: Expr, notation: Notation) -> str:
    text = _factor(base, notation)
    if exponent == 1:
        return text
    if "^" in text or not isinstance(base, Symbol | Integer):
        text = text if text.startswith((r"\left", "(")) else _brackets(text)
    shown = set_symbols(exponent, notation)
    return f"{text}^{shown}" if len(shown) == 1 else f"{text}^{{{shown}}}"


def _fraction(expression: Expr, notation: Notation) -> str:
    """A quotient of integers as one fraction, as it was written before SymPy took it apart."""
    top, bottom = fraction(together(expression))
    if bottom == 1 or not isinstance(top, Add):
        return set_symbols(expression, notation)
    return rf"\frac{{{set_symbols(top, notation)}}}{{{set_symbols(bottom, notation)}}}"


def _factor(base: Expr, notation: Notation) -> str:
    if isinstance(base, Symbol):
        return notation[base].latex if base.name in notation else base.name
    if isinstance(base, Integer):
        return str(base)
    if isinstance(base, floor):
        return rf"\left\lfloor {_fraction(base.args[0], notation)} \right\rfloor"
    if isinstance(base, Round):
        return rf"\left\lfloor {_fraction(base.args[0], notation)} \right\rceil"
    if isinstance(base, ceiling):
        return rf"\left\lceil {_fraction(base.args[0], notation)} \right\rceil"
    if isinstance(base, Min | Max):
        name = r"\min" if isinstance(base, Min) else r"\max"
        return rf"{name}\left({', '.join(set_symbols(a, notation) for a in base.args)}\right)"
    if isinstance(base, Mod):
        top, bottom = (set_symbols(a, notation) for a in base.args)
        return rf"\left({top} \bmod {bottom}\right)"
    if isinstance(base, Mul):
        return _monomial(base, notation)
    if isinstance(base, Pow):
        return _power(base.base, base.exp, notation)
    return _brackets(set_symbols(base, notation))
