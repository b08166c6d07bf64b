"""Sums in the order of the model: the structure that every printer walks.

SymPy sorts terms its own way; a reader wants embeddings, then `N(…)`, then the head. A `Sum` keeps that order: it is
a list of monomials and of groups `repeat · Sum`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from sympy import Add, Basic, Expr, Mul, Poly, Pow, Symbol, expand

from symcount.core.summation import is_index

__all__ = [
    "Group",
    "Series",
    "Sum",
    "compact",
    "degree",
    "is_option",
    "monomials",
    "readable_terms",
    "shared_by_kinds",
]


@dataclass
class Sum:
    """Terms in the order of the model: monomials, groups of a repeated block, sums over an index."""

    terms: list[Expr | Group | Series] = field(default_factory=list)

    def add(self, expression: Expr) -> None:
        """Add the monomials of *expression*; like terms of one stretch between two groups are merged."""
        start = max((i + 1 for i, t in enumerate(self.terms) if _parts(t)), default=0)
        for term in readable_terms(expression):
            coefficient, rest = term.as_coeff_Mul()
            for i in range(start, len(self.terms)):
                other = self.terms[i]
                if isinstance(other, Expr) and other.as_coeff_Mul()[1] == rest:
                    merged = other + term
                    if merged == 0:
                        del self.terms[i]
                    else:
                        self.terms[i] = merged
                    break
            else:
                if coefficient != 0:
                    self.terms.append(term)

    def settled(self) -> Sum:
        """The same sum; a product that would merge with another term when multiplied out is multiplied out.

        >>> from symcount.core.notation import letters
        >>> H, A, K = letters("H A K")
        >>> Sum([H * (A + 2 * K), H * K]).settled().terms, Sum([H * (A + 2 * K), A]).settled().terms
        ([A*H, 3*H*K], [H*(A + 2*K), A])
        """
        result = Sum()
        stretch: list[Expr] = []
        for term in [*sorted(self.terms, key=lambda t: isinstance(t, Group) and not _parts(t)), None]:
            if isinstance(term, Expr):
                stretch.append(term)
                continue
            plain = {t.as_coeff_Mul()[1] for t in stretch if not _product(t)}
            for one in stretch:
                parts = monomials(one) if _product(one) else ()
                merging = any(part.as_coeff_Mul()[1] in plain for part in parts)
                for part in parts if merging else (one,):
                    result.add(part)
            stretch = []
            if isinstance(term, Group):
                result.terms.append(Group(term.repeat, term.body.settled()))
            elif isinstance(term, Series):
                result.terms.append(Series(term.first, term.last, term.body.settled(), term.read))
        return Sum(sorted(result.terms, key=lambda t: isinstance(t, Group) and not _parts(t)))

    def sorted(self) -> list[Expr | Group | Series]:
        """The terms, each stretch between two groups by falling degree (stable: the model's order breaks ties)."""
        result: list[Expr | Group | Series] = []
        stretch: list[Expr] = []
        for term in self.terms:
            if isinstance(term, Group | Series):
                result += [*sorted(stretch, key=degree, reverse=True), term]
                stretch = []
            else:
                stretch.append(term)
        return [*result, *sorted(stretch, key=degree, reverse=True)]

    def value(self) -> Expr:
        """The sum as one SymPy expression."""
        return Add(*(t if isinstance(t, Expr) else t.value() for t in self.terms))


@dataclass
class Group:
    """`repeat · (body)`: a repeated block."""

    repeat: Expr
    body: Sum

    def value(self) -> Expr:
        """The product as one SymPy expression."""
        return self.repeat * self.body.value()


@dataclass
class Series:
    """`body` added up over an index from *first* to *last*; *read* says what its symbols are at an index."""

    first: int
    last: int
    body: Sum
    read: Callable[[int], Mapping[Expr, Expr]]

    def value(self) -> Expr:
        """The sum written out."""
        body = self.body.value()
        return Add(*(body.xreplace(self.read(index)) for index in range(self.first, self.last + 1)))


def monomials(expression: Expr) -> tuple[Expr, ...]:
    """The terms of *expression* multiplied out, in SymPy's canonical order."""
    expanded = expand(expression)
    return tuple(expanded.as_ordered_terms()) if isinstance(expanded, Add) else (expanded,)


def readable_terms(expression: Expr) -> tuple[Expr, ...]:
    """The terms as a person leaves them: a sum of several sizes (`d_nope + d_rope`) stays a factor.

    >>> from symcount.core.notation import letters
    >>> H, A, K = letters("H A K")
    >>> readable_terms(H * (A + 2 * K)), readable_terms(H * (A + 1))
    ((H*(A + 2*K),), (A*H, H))
    """
    return (expression,) if _product(expression) else monomials(expression)


def _parts(term: Expr | Group | Series) -> bool:
    """Whether *term* is a group or a sum that parts what stands before and behind it: not what an option adds."""
    return isinstance(term, Series) or (isinstance(term, Group) and not any(map(is_option, term.repeat.free_symbols)))


def is_option(symbol: Basic) -> bool:
    """Whether *symbol* is 0 or 1, as an option says: every size is positive."""
    if not isinstance(symbol, Symbol) or "__" in symbol.name:  # a name of what is computed may be 0 as well
        return False
    if is_index(symbol):
        return False
    return bool(symbol.is_nonnegative) and not symbol.is_positive


def _product(expression: Expr) -> bool:
    """Whether *expression* is a product of which a sum of several sizes is a factor."""
    return isinstance(expression, Mul) and any(map(_stays, expression.args))


def _stays(factor: Expr) -> bool:
    base, exponent = factor.as_base_exp()
    if not isinstance(base, Add) or exponent.is_negative:
        return False
    squared = isinstance(factor, Pow) and exponent != 1
    return squared or sum(bool(t.free_symbols) for t in base.args) > 1


def degree(term: Expr) -> int:
    """Total degree of a monomial; opaque factors (floors) count as one."""
    symbols = sorted(term.free_symbols, key=str)
    if not symbols:
        return 0
    if term.is_polynomial(*symbols):
        return int(Poly(term, *symbols).total_degree())
    return sum(int(e) for b, e in term.as_powers_dict().items() if e.is_Integer and b.free_symbols)


def compact(arranged: Sum) -> Sum:
    """The same sum with like terms merged across the whole model, each where it first stands.

    >>> from symcount.core.notation import letters
    >>> V, H, N = letters("V H N")
    >>> compact(Sum([V * H, Group(N, Sum([H])), V * H])).terms[0]
    2*H*V
    """
    result = Sum()
    places: dict[Expr, int] = {}
    for term in arranged.terms:
        key = term.as_coeff_Mul()[1] if isinstance(term, Expr) else None
        if not isinstance(term, Expr) or key not in places:
            if key is not None:
                places[key] = len(result.terms)
            result.terms.append(term)
        else:
            result.terms[places[key]] += term
    result.terms = [term for term in result.terms if term != 0]
    return result


def shared_by_kinds(arranged: Sum, kinds: Mapping[Symbol, Collection[Symbol]]) -> Sum:
    """The same sum; a term that the layers of every kind have is summed once, over all layers.

    *kinds* has for the number of all layers of a list the numbers of those of each kind.

    >>> from symcount.core.notation import letters, symbol
    >>> H, I, N, a, b = *letters("H I N"), symbol("N_a"), symbol("N_b")
    >>> found = shared_by_kinds(Sum([Group(a, Sum([H, H * I])), Group(b, Sum([H, I]))]), {N: [a, b]})
    >>> found.value().expand()
    H*I*N_a + H*N + I*N_b
    """
    terms = list(arranged.terms)
    for total, each in kinds.items():
        groups = [t for t in terms if isinstance(t, Group) and t.repeat in each]
        if len(groups) != len(each):
            continue
        bodies = [{t for t in g.body.terms if isinstance(t, Expr)} for g in groups]
        shared = [t for t in groups[0].body.terms if isinstance(t, Expr) and all(t in body for body in bodies)]
        if not shared:
            continue
        left = {id(g): Group(g.repeat, Sum([t for t in g.body.terms if t not in shared])) for g in groups}
        first = min(i for i, t in enumerate(terms) if id(t) in left)
        terms = [left.get(id(t), t) for t in terms]
        terms.insert(first, Group(total, Sum(shared)))
        terms = [t for t in terms if not isinstance(t, Group) or t.body.terms]
    return Sum(terms)
