r"""Names for what occurs more than once in a formula: `n = \lfloor N/4\rfloor`, said behind it, where that is shorter.

Three kinds of things get a name: a rounding, a sum in brackets, and a product whose factors occur together only
(`u = m^2H` where m stands nowhere else).

The law: the formula with the definitions put in is the formula as it was.

>>> from symcount.core.notation import entry, letters
>>> from symcount.typeset.terms import Group, Sum
>>> from sympy import floor
>>> H, N = letters("H N")
>>> groups = [Group(floor(N / 4), Sum([H])), Group(N - floor(N / 4), Sum([H**2, H]))]
>>> (part,), names = with_names([Sum(groups)], {H, N}, ["n"], Notation((entry("H"), entry("N"))))
>>> part.terms[1].repeat, names
(N - n__where, {n__where: ('n', floor(N/4))})
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Add, Expr, Integer, Max, Min, Mul, Pow, Symbol, ceiling, floor, fraction, preorder_traversal

from symcount.core.notation import Entry, Notation
from symcount.exact.evaluate import Round
from symcount.typeset.latex import set_symbols
from symcount.typeset.terms import Group, Series, Sum

__all__ = ["Names", "with_names"]

_ROUNDINGS = (floor, ceiling, Round)
_DEFINITION = 14  # characters that a definition has besides its meaning
_SAVED = 24  # characters that a sum or a product must save to be worth a name
_OFTEN = 3  # times that it occurs
_TRIED = 40  # names that are tried

Names = dict[Symbol, tuple[str, Expr]]
"""For each name its LaTeX, and what it means in the model's sizes."""
_Change = Callable[[Expr], Expr]


def with_names(
    parts: Sequence[Sum],
    sizes: Collection[Symbol],
    letters: Sequence[str],
    signs: Notation,
) -> tuple[list[Sum], Names]:
    """*parts* with names for what occurs more than once.

    Args:
        parts: the sums.
        sizes: the symbols of the model's sizes; what has others is not named.
        letters: those that are free. `D` is the size of a head, `N` and `n` are numbers of layers.
        signs: how the symbols are typeset.
    """
    shown, names, free = list(parts), Names(), list(letters)
    length = _Measure(signs)
    before = length(shown, names)
    for find, saved in ((_roundings, 0), (_sums, _SAVED), (_products, _SAVED)):
        for node in list(find(shown, sizes))[:_TRIED]:
            letter = next((x for x in _wanted(node) if x in free), None)
            if letter is None:
                continue
            made = Symbol(f"{letter}__where", integer=True, nonnegative=node.is_nonnegative or None)
            named = _divided(node, made) if isinstance(node, Mul) else _replaced(node, made)
            changed = [_renamed(part, named) for part in shown]
            tried = {**names, made: (letter, node.xreplace({s: meaning for s, (_, meaning) in names.items()}))}
            after = length(changed, tried)
            if changed != shown and after + saved <= before:
                shown, names, before = changed, tried, after
                free.remove(letter)
    return shown, names


@dataclass
class _Measure:
    """How long sums are in LaTeX, about: what was measured once is known."""

    signs: Notation
    known: dict[Expr, int] = field(default_factory=dict)

    def __call__(self, parts: Sequence[Sum], names: Names) -> int:
        """The length of *parts*, the definitions of *names* included."""
        letters = Notation((*self.signs, *(Entry(s.name, s.name, latex, "") for s, (latex, _) in names.items())))
        said = sum(_DEFINITION + len(set_symbols(e, self.signs)) for _, e in names.values())
        return said + sum(self._of(e, letters) for part in parts for e in _expressions(part))

    def _of(self, e: Expr, letters: Notation) -> int:
        if e not in self.known:
            self.known[e] = len(set_symbols(e, letters))
        return self.known[e]


def _wanted(node: Expr) -> tuple[str, ...]:
    """The letters for a name, the best first."""
    inner = node.args[0] if isinstance(node, _ROUNDINGS) else node
    if [str(side).partition("_")[0] for side in fraction(inner)] == ["H", "A"]:
        return ("D", "d", "u")
    if isinstance(node, Mul):
        return ("d", "u", "v", "w", "a", "b")
    return ("n", "m", "u", "v", "a", "b")


def _roundings(parts: Sequence[Sum], sizes: Collection[Symbol]) -> Iterator[Expr]:
    """The roundings that occur twice, but for those inside others."""
    found = _nodes(parts, sizes, _ROUNDINGS)
    for node, times in found.items():
        if times > 1 and not any(node in other.args[0].atoms(*_ROUNDINGS) for other in found if other is not node):
            yield node


def _sums(parts: Sequence[Sum], sizes: Collection[Symbol]) -> Iterator[Expr]:
    """The sums and extremes that occur often, the longest first."""
    found = _nodes(parts, sizes, (Add, Max, Min))
    often = (node for node, times in found.items() if times >= _OFTEN and len(node.free_symbols) > 1)
    return iter(sorted(often, key=lambda node: -len(str(node))))


def _products(parts: Sequence[Sum], sizes: Collection[Symbol]) -> Iterator[Expr]:
    """For each symbol the product with what occurs wherever it does: `m^2H` for m."""
    monomials = [dict(e.as_coeff_Mul()[1].as_powers_dict()) for part in parts for e in _monomials(part)]
    for symbol in dict.fromkeys(s for powers in monomials for s in powers if s in sizes):
        having = [powers for powers in monomials if symbol in powers]
        inside = any(e.has(symbol) for powers in monomials for e in (*powers, *powers.values()) if e != symbol)
        if len(having) < _OFTEN or inside or not all(p[symbol].is_Integer for p in having):
            continue
        least = min(abs(int(p[symbol])) for p in having)
        if any(int(p[symbol]) % least or (p[symbol] > 0) != (having[0][symbol] > 0) for p in having):
            continue
        times = [abs(int(p[symbol])) // least for p in having]
        unit: Expr = Pow(symbol, least if having[0][symbol] > 0 else -least)
        for other in having[0]:
            if other != symbol and other in sizes:
                powers = [p.get(other, Integer(0)) for p in having]
                if (
                    all(e.is_Integer for e in powers)
                    and (power := min(int(e) // n for e, n in zip(powers, times, strict=True))) > 0
                ):
                    unit *= other**power
        if isinstance(unit, Mul):
            yield unit


def _nodes(parts: Sequence[Sum], sizes: Collection[Symbol], kinds: tuple[type, ...]) -> Counter[Expr]:
    known = set(sizes)
    found: Counter[Expr] = Counter()
    for part in parts:
        for e in _expressions(part):
            for node in (n for n in preorder_traversal(e) if isinstance(n, Expr)):
                if node.func in kinds and set() < node.free_symbols <= known:
                    found[node] += 1
    return found


def _expressions(part: Sum) -> Iterator[Expr]:
    for term in part.terms:
        if isinstance(term, Group):
            yield term.repeat
            yield from _expressions(term.body)
        elif isinstance(term, Series):
            yield from _expressions(term.body)
        else:
            yield term


def _monomials(part: Sum) -> Iterator[Expr]:
    """The products in *part*, also those inside brackets."""
    for e in _expressions(part):
        yield from _inside(e)


def _inside(e: Expr) -> Iterator[Expr]:
    for term in Add.make_args(e):
        sums = [f for f in Mul.make_args(term) if isinstance(f, Add)]
        yield term / Mul(*sums)
        for one in sums:
            yield from _inside(one)


def _replaced(node: Expr, name: Symbol) -> _Change:
    return lambda e: e.xreplace({node: name})


def _divided(unit: Expr, name: Symbol) -> _Change:
    """Writes powers of *unit* as powers of *name* in every product."""
    powers: Mapping[Expr, Expr] = unit.as_powers_dict()

    def change(e: Expr) -> Expr:
        if isinstance(e, Add):
            return Add(*map(change, e.args))
        factors = [change(f) if isinstance(f, Add) else f for f in Mul.make_args(e)]
        found = Mul(*factors).as_powers_dict()
        times = min((int(found.get(b, Integer(0)) / p) for b, p in powers.items()), default=0)
        return Mul(*factors) * (name / unit) ** times if times > 0 else Mul(*factors)

    return change


def _renamed(part: Sum, change: _Change) -> Sum:
    terms: list[Expr | Group | Series] = []
    for term in part.terms:
        if isinstance(term, Group):
            terms.append(Group(change(term.repeat), _renamed(term.body, change)))
        elif isinstance(term, Series):
            terms.append(Series(term.first, term.last, _renamed(term.body, change), term.read))
        else:
            terms.append(change(term))
    return Sum(terms)
