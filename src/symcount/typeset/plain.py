"""A formula as plain text for a terminal: `VH + LH + N(12H² + 13H) + 2H`, or `V*H + …` where only ASCII can be shown.

>>> import symcount as sc
>>> f = sc.formula("gpt2")
>>> formula_plain(f.tree, f.ledger, "unique")
'VH + LH + N(12H² + 13H) + 2H'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy import Add, Expr, Integer, Mod, Mul, Pow, Rational, Symbol, collect, expand, floor
from sympy import Sum as Summation

from symcount.core.ledger import Convention, Ledger
from symcount.core.notation import TABLE
from symcount.core.tree import Block
from symcount.exact.evaluate import Round
from symcount.exact.indicators import Indicator, members
from symcount.typeset.arrangement import arrange
from symcount.typeset.terms import Group, Sum, degree, is_option

__all__ = ["formula_plain", "layers_first", "set_plain"]

_RANK = {item.letter: rank for rank, item in enumerate(TABLE)}
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def formula_plain(tree: Block, ledger: Ledger, convention: Convention, *, ascii_only: bool = False) -> str:
    """The total of *tree* under *convention*, in the order of the model, the layers as `N(…)`."""
    return _terms(arrange(tree, ledger, convention), ascii_only)


def set_plain(expression: Expr, *, ascii_only: bool = False) -> str:
    """Any expression: terms by falling degree, then in the order of the notation's table.

    >>> from symcount.core.notation import letters
    >>> N, H, I, A = letters("N H I A")
    >>> set_plain(N * (4 * H**2 + I)), set_plain(H * I / A, ascii_only=True)
    ('N(4H² + I)', 'H*I/A')
    """
    terms = sorted(Add.make_args(expression), key=_order)
    return _joined([_monomial(term, ascii_only) for term in terms])


def layers_first(expression: Expr, repeats: Iterable[Symbol]) -> Expr:
    """Multiply out, then take the multiplicities *repeats* out of the terms that have them: `N*(4*H**2 + I)`."""
    return collect(expand(expression), sorted(repeats, key=str))


def _terms(arranged: Sum, ascii_only: bool) -> str:
    parts = []
    for term in arranged.sorted():
        if isinstance(term, Group):
            body, times = _terms(term.body, ascii_only), set_plain(term.repeat, ascii_only=ascii_only)
            alone = len(term.body.terms) == 1 and isinstance(term.body.terms[0], Expr)
            if alone and isinstance(term.repeat, Add) and any(map(is_option, term.repeat.free_symbols)):
                parts.append(f"({times}){'*' if ascii_only else ''}{body}")
                continue
            times = f"({times})" if isinstance(term.repeat, Add) else times
            parts.append(f"{times}{'*' if ascii_only else ''}({body})")
        else:
            parts.append(_monomial(term, ascii_only))
    return _joined(parts)


def _joined(parts: Sequence[str]) -> str:
    return "".join(
        part if i == 0 else f" - {part[1:]}" if part.startswith("-") else f" + {part}" for i, part in enumerate(parts)
    )


def _rank(base: Expr) -> tuple[int, str]:
    if isinstance(base, Symbol):
        return _RANK.get(base.name.partition("_")[0], len(_RANK)), base.name
    return len(_RANK) + 1, str(base)


def _order(term: Expr) -> tuple[int, list[tuple[int, str]]]:
    if term.free_symbols and all(map(is_option, term.free_symbols)):
        return 1, []  # 1 - tied
    powers = term.as_coeff_Mul()[1].as_powers_dict()
    return -degree(term), sorted(_rank(base) for base in powers)


def _monomial(term: Expr, ascii_only: bool) -> str:
    coefficient, rest = term.as_coeff_Mul()
    if not isinstance(coefficient, Rational):
        return str(term)
    top: list[str] = []
    bottom: list[str] = []
    for base, exponent in sorted(rest.as_powers_dict().items(), key=lambda item: _rank(item[0])):
        if base == 1:
            continue
        under = exponent.could_extract_minus_sign()
        (bottom if under else top).append(_power(base, -exponent if under else exponent, ascii_only))
    size = abs(coefficient)
    if size.p != 1 or not top:
        top.insert(0, str(size.p))
    if size.q != 1:
        bottom.insert(0, str(size.q))
    text = ("-" if coefficient < 0 else "") + _product(top, ascii_only)
    if not bottom:
        return text
    divisor = _product(bottom, ascii_only)
    return f"{text}/({divisor})" if len(bottom) > 1 else f"{text}/{divisor}"


def _product(factors: Sequence[str], ascii_only: bool) -> str:
    """Letters stand side by side; a longer name is set apart by a sign, and so is a number behind a factor."""
    text, wide = "", False
    for factor in factors:
        longer = len(factor.rstrip("⁰¹²³⁴⁵⁶⁷⁸⁹")) > 1 and not factor.isdigit() and factor[0] not in "(⌊"
        if text:
            text += "*" if ascii_only else "·" if wide or longer or factor[0].isdigit() else ""
        text += factor
        wide = longer
    return text


def _summation(total: Summation, ascii_only: bool) -> str:
    """A sum, or the number of the elements of a set."""
    if conditions := members(total):
        said = ", ".join(_condition(one, ascii_only) for one in conditions)
        each = (f"{i} < {set_plain(last + 1, ascii_only=ascii_only)}" for i, _, last in total.limits[::-1])
        return f"#{{{', '.join(each)} : {said}}}"
    text = set_plain(total.function, ascii_only=ascii_only)
    for index, first, last in total.limits:  # the innermost first
        end = set_plain(last, ascii_only=ascii_only)
        text = f"{'sum' if ascii_only else 'Σ'}[{index} = {first} .. {end}]({text})"
    return text


def _condition(one: Indicator, ascii_only: bool) -> str:
    left, right = (set_plain(a, ascii_only=ascii_only) for a in one.args)
    return f"{left} {one.sign if ascii_only else one.sign.replace('!=', '≠')} {right}"


def _remainder(base: Mod, ascii_only: bool) -> str:
    top, bottom = (set_plain(a, ascii_only=ascii_only) for a in base.args)
    return f"({top} mod {bottom})"


def _power(base: Expr, exponent: Expr, ascii_only: bool) -> str:
    if isinstance(base, Symbol):
        text = str(base.name)
    elif isinstance(base, Integer):
        text = str(base)
    elif isinstance(base, Add):
        text = f"({set_plain(base, ascii_only=ascii_only)})"
    elif isinstance(base, Summation):
        text = _summation(base, ascii_only)
    elif isinstance(base, Indicator | Mod):
        text = f"[{_condition(base, ascii_only)}]" if isinstance(base, Indicator) else _remainder(base, ascii_only)
    elif isinstance(base, Round):
        text = f"round({set_plain(base.args[0], ascii_only=ascii_only)})"
    elif isinstance(base, floor):
        inner = set_plain(base.args[0], ascii_only=ascii_only)
        text = f"floor({inner})" if ascii_only else f"⌊{inner}⌋"
    else:
        text = f"({base})" if isinstance(base, Pow | Mul) else str(base)
    if exponent == 1:
        return text
    if isinstance(exponent, Integer) and not ascii_only:
        raised: str = str(exponent).translate(_RAISED)
        return text + raised
    shown = set_plain(exponent, ascii_only=ascii_only)
    return f"{text}^{shown}" if len(shown) == 1 else f"{text}^({shown})"
