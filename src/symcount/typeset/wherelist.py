r"""Names for roundings that occur more than once in a formula: `D = \lfloor H/A \rfloor`, said behind it.

The law: the formula with the definitions put in is the formula as it was.

>>> from symcount.notation import letters
>>> from symcount.typeset.terms import Group, Sum
>>> from sympy import floor
>>> H, N = letters("H N")
>>> groups = [Group(floor(N / 4), Sum([H])), Group(N - floor(N / 4), Sum([H**2, H]))]
>>> (part,), names = with_names([Sum(groups)], {H, N}, ["n"])
>>> part.terms[1].repeat, names
(N - n__where, {n__where: ('n', floor(N/4))})
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from sympy import Expr, Symbol, ceiling, floor, fraction, preorder_traversal

from symcount.evaluate import Round
from symcount.typeset.terms import Group, Series, Sum

__all__ = ["with_names"]

_ROUNDINGS = (floor, ceiling, Round)


def with_names(
    parts: Sequence[Sum], sizes: Collection[Symbol], letters: Sequence[str]
) -> tuple[list[Sum], dict[Symbol, tuple[str, Expr]]]:
    """*parts* with names for the roundings of *sizes* that occur more than once, and for each its LaTeX and meaning.

    Args:
        parts: the sums.
        sizes: the symbols of the model's sizes; what has others is not named.
        letters: those that are free. `D` is the size of a head, `N` and `n` are numbers of layers.
    """
    found: Counter[Expr] = Counter()
    for part in parts:
        for e in _expressions(part):
            for node in preorder_traversal(e):
                if isinstance(node, _ROUNDINGS) and node.free_symbols and node.free_symbols <= set(sizes):
                    found[node] += 1
    free = list(letters)
    names: dict[Symbol, tuple[str, Expr]] = {}
    change: dict[Expr, Expr] = {}
    for node, times in found.items():
        inside = any(node in other.args[0].atoms(*_ROUNDINGS) for other in found if other is not node)
        if times < 2 or inside or not free:
            continue
        wanted = _wanted(node)
        latex = next((x for x in wanted if x in free), free[0])
        free.remove(latex)
        made = Symbol(f"{latex}__where", integer=True, nonnegative=True)
        names[made] = latex, node
        change[node] = made
    return ([_renamed(part, change) for part in parts] if change else list(parts)), names


def _wanted(node: Expr) -> tuple[str, ...]:
    top, bottom = (str(side).partition("_")[0] for side in fraction(node.args[0]))
    return ("D",) if (top, bottom) == ("H", "A") else ("n", "m", "u") if top == "N" else ()


def _expressions(part: Sum) -> list[Expr]:
    result: list[Expr] = []
    for term in part.terms:
        if isinstance(term, Group):
            result += [term.repeat, *_expressions(term.body)]
        elif isinstance(term, Series):
            result += _expressions(term.body)
        else:
            result.append(term)
    return result


def _renamed(part: Sum, change: dict[Expr, Expr]) -> Sum:
    terms: list[Expr | Group | Series] = []
    for term in part.terms:
        if isinstance(term, Group):
            terms.append(Group(term.repeat.xreplace(change), _renamed(term.body, change)))
        elif isinstance(term, Series):
            terms.append(Series(term.first, term.last, _renamed(term.body, change), term.read))
        else:
            terms.append(term.xreplace(change))
    return Sum(terms)
