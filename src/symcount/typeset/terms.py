"""Sums in the order of the model: the structure that every printer walks.

SymPy sorts terms its own way; a reader wants embeddings, then `N(…)`, then the head. A `Sum` keeps that order: it is
a list of monomials and of groups `repeat · Sum`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sympy import Add, Expr, Integer, Poly, expand

from symcount.ledger import Convention, Ledger, Row
from symcount.tree import Block

__all__ = ["Group", "Sum", "arrange", "degree", "monomials"]


@dataclass
class Sum:
    """Terms in the order of the model: monomials, and groups of a repeated block."""

    terms: list[Expr | Group] = field(default_factory=list)

    def add(self, expression: Expr) -> None:
        """Add the monomials of *expression*; like terms of one stretch between two groups are merged."""
        start = max((i + 1 for i, t in enumerate(self.terms) if isinstance(t, Group)), default=0)
        for term in monomials(expression):
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

    def sorted(self) -> list[Expr | Group]:
        """The terms, each stretch between two groups by falling degree (stable: the model's order breaks ties)."""
        result: list[Expr | Group] = []
        stretch: list[Expr] = []
        for term in self.terms:
            if isinstance(term, Group):
                result += [*sorted(stretch, key=degree, reverse=True), term]
                stretch = []
            else:
                stretch.append(term)
        return [*result, *sorted(stretch, key=degree, reverse=True)]

    def value(self) -> Expr:
        """The sum as one SymPy expression."""
        return Add(*(t.repeat * t.body.value() if isinstance(t, Group) else t for t in self.terms))


@dataclass
class Group:
    """`repeat · (body)`: a repeated block."""

    repeat: Expr
    body: Sum


def monomials(expression: Expr) -> tuple[Expr, ...]:
    """The terms of *expression* multiplied out, in SymPy's canonical order."""
    expanded = expand(expression)
    return tuple(expanded.as_ordered_terms()) if isinstance(expanded, Add) else (expanded,)


def degree(term: Expr) -> int:
    """Total degree of a monomial; opaque factors (floors) count as one."""
    symbols = sorted(term.free_symbols, key=str)
    if not symbols:
        return 0
    if term.is_polynomial(*symbols):
        return int(Poly(term, *symbols).total_degree())
    return sum(int(e) for _, e in term.as_powers_dict().items() if e.is_Integer)


def arrange(tree: Block, ledger: Ledger, convention: Convention) -> Sum:
    """Arrange the total of *tree* under *convention* as a nested sum in the order of the model."""
    result = Sum()
    _fill(result, tree, iter(ledger), ledger, convention, Integer(1))
    return result


def _fill(target: Sum, block: Block, rows: Iterator[Row], ledger: Ledger, how: Convention, outer: Expr) -> None:
    """Consume the rows of *block*, which come in the order in which the tree is walked."""
    if block.repeat != 1:
        body = Sum()
        _own(body, block, rows, ledger, how, outer * block.repeat)
        match body.terms:
            case []:
                return
            case [Group() as only]:  # n lists of m layers are n·m layers
                target.terms.append(Group(block.repeat * only.repeat, only.body))
            case _:
                _append(target, Group(block.repeat, body))
    else:
        _own(target, block, rows, ledger, how, outer)


def _append(target: Sum, group: Group) -> None:
    for other in target.terms:
        if isinstance(other, Group) and other.repeat == group.repeat:
            for term in group.body.terms:
                if isinstance(term, Group):
                    _append(other.body, term)
                else:
                    other.body.add(term)
            return
    target.terms.append(group)


def _own(target: Sum, block: Block, rows: Iterator[Row], ledger: Ledger, how: Convention, outer: Expr) -> None:
    for _ in block.parameters:
        row = next(rows)
        times = ledger.counted(row, how)
        if times != 0:
            target.add(times / outer * row.size)
    for child in block.children:
        _fill(target, child, rows, ledger, how, outer)
