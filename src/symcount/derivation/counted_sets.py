"""Multiplicities as numbers of sets, `#{i < N : 7 divides i^2 + 1}`: for conditions on indices without a closed form.

Such a number is exact, wherever the iterations of a table are: it is added up, one iteration after the other.

>>> i, n = ex.symbol("#0"), ex.symbol("layers")
>>> loop = Loop("#0", "doctest", (ZERO, n, ONE), ())
>>> square = Predicate("==", ex.mod(ex.mul(i, i), ex.const(7)), ex.const(4))
>>> table = Table((loop,), (square,), {(True,): 2, (False,): 0})
>>> counted = counted_set(table)
>>> print(counted)
(2 * sum(#0, layers, equals(((#0 * #0) % 7), 4)))
>>> ex.evaluate(counted, {"layers": 10}), table.number({"layers": 10})
(6, 6)
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import Loop
from symcount.concolic.values.predicates import Predicate
from symcount.concolic.values.rewriting import collected
from symcount.derivation.elements import OfKind
from symcount.derivation.literals import ONE, ZERO
from symcount.derivation.tables import Table

__all__ = ["counted_set"]

#: A relation that is true, or not true, as an indicator.
_INDICATORS: Final = {
    ("==", True): "equals", ("==", False): "differs", ("divides", True): "divides", ("divides", False): "leaves",
}  # fmt: skip


def counted_set(table: Table) -> Node | None:
    """The number that a *table* counts, as a sum over the iterations of its loops; `None` where that cannot be said.

    It cannot where the steps of a loop are no number, where what was asked is no comparison of integers, and where
    nothing is known beyond some iteration.
    """
    unclear = any(None in truth for truth in table.numbers)  # a division by zero, in some iteration
    if table.tried or table.supposed or unclear or not table.loops:
        return None
    usual = dict.fromkeys((0, *table.numbers.values()))
    ways = [way for number in usual if (way := _sets(table, number)) is not None]
    return min(ways, key=itemgetter(0), default=(None, None))[1]


def _sets(table: Table, usual: int) -> tuple[tuple[int, int], Node] | None:
    """The number: *usual* everywhere, and more or fewer in some iterations; with how hard it is to read.

    "Not" is harder: where one row has the layers of a set and another one the rest, both are to speak of one set.
    """
    others = {truth: number - usual for truth, number in table.numbers.items() if number != usual}
    terms = [_term(table.predicates, truth, number) for truth, number in others.items()]
    term: Node = ex.const(usual)
    for one in terms:
        if one is None:
            return None
        term = ex.add(term, one)
    found = _summed(table.loops, term)
    return None if found is None else ((sum(truth.count(False) for truth in others), len(str(found))), found)


def _term(predicates: Sequence[Predicate], truth: Sequence[bool | None], number: int) -> Node | None:
    """So many parameters where all *predicates* have these answers."""
    term: Node = ex.const(number)
    for predicate, said in zip(predicates, truth, strict=True):
        a, b = predicate.left, predicate.right
        if isinstance(predicate, OfKind) or said is None or not (a.integral and b.integral):
            return None
        if predicate.relation in ("<", "<="):
            less = (a, b if predicate.relation == "<" else ex.add(b, ONE))  # a <= b
            more = (b, ex.add(a, ONE) if predicate.relation == "<" else a)  # its opposite
            one = ex.indicator("less", *(less if said else more))
        elif (predicate.relation, said) in _INDICATORS:
            one = ex.indicator(_INDICATORS[predicate.relation, said], a, b)
        else:
            return None
        term = ex.mul(term, one)
    return term


def _summed(loops: Sequence[Loop], term: Node) -> Node | None:
    """The sum of a term over all iterations of nested loops."""
    for loop in reversed(loops):
        first, last, step = loop.bounds
        if step is not ONE or first is not ZERO:
            return None
        number = last if last.op == "sym" else ex.maximum(last, ZERO)
        parts = _parts(term)
        term = ZERO
        for one in parts:
            free = loop.name not in ex.free_symbols(one)
            own = ex.mul(one, number) if free else _over(ex.symbol(loop.name), number, one)
            term = ex.add(term, own)
    return collected(term)


def _over(index: Node, number: Node, term: Node) -> Node:
    """A sum, with the number that its term is multiplied with in front of it."""
    if term.op == "mul" and term.args[0].op == "const":
        return ex.mul(term.args[0], ex.summation(index, number, term.args[1]))
    return ex.summation(index, number, term)


def _parts(term: Node) -> list[Node]:
    """The terms of a sum."""
    if term.op == "add":
        return [part for side in term.args for part in _parts(side)]
    return [term]
