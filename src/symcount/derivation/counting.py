"""How many iterations of a loop satisfy some predicates, as an expression: intervals and residue classes.

Three rules: the indices between two bounds are `last - first`; those of them that p divides, shifted by s, are
`floor((last - 1 + s) / p) - floor((first - 1 + s) / p)`; those whose remainder by p is less than w are as many as there
are below `last` without those below `first`, and below x there are `w floor(x / p) + min(x mod p, w)`. Classes of
remainders by numbers are one. Which of two bounds is the larger one, and whether a single index is one of those, is
taken to be as it is by default; the formula's domain says so. Where the model was traced on both sides of that, the
number has a minimum or a maximum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import lcm

from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.path import Loop
from symcount.concolic.values.predicates import Predicate
from symcount.concolic.values.rewriting import collected
from symcount.derivation.elements import OfKind, layers_of
from symcount.derivation.literals import (
    ONE,
    ZERO,
    Assumptions,
    Bound,
    Equal,
    Interval,
    Literal,
    Remainders,
    Residues,
    affine,
    always_negative,
    literal,
)

__all__ = ["Assumptions", "count", "in_ones", "larger", "merged", "smaller", "triangle", "trips", "within"]

_SEVERAL = 8  # remainders whose indices are counted one by one


def trips(loop: Loop, assumed: Assumptions) -> Node | None:
    """How many iterations a loop has, if its step is one; that it does not go backwards is assumed, where it could."""
    if loop.bounds[2] is not ONE:
        plain = in_ones(loop, assumed)
        return None if plain is None else plain.bounds[1]
    first, last, _ = loop.bounds
    return ex.sub(larger(last, first, assumed) if _subtracts(last) or first is not ZERO else last, first)


def in_ones(loop: Loop, assumed: Assumptions) -> Loop | None:
    """The loop that counts the iterations of one in larger steps, from zero on; `None` if the step is no such number.

    >>> loop = Loop("#0", "doctest", (ZERO, ex.symbol("layers"), ex.const(2)), ())
    >>> print(in_ones(loop, Assumptions({"layers": 12})).bounds[1])
    ((layers + 1) // 2)
    """
    first, last, step = loop.bounds
    if step.op != "const" or int(step.args[0]) < 1:
        return None
    last = larger(last, first, assumed) if _subtracts(last) or first is not ZERO else last
    number = ex.floordiv(collected(ex.add(ex.sub(last, first), ex.sub(step, ONE))), step)
    return Loop.of(f"{loop.where}, in steps of {step}", (ZERO, number, ONE), loop.outer)


def triangle(outer: Loop, inner: Loop) -> Node | None:
    """How many iterations two loops have, the inner one as many as the index of the outer one says.

    >>> n, i = ex.symbol("layers"), ex.symbol("#0")
    >>> outer = Loop("#0", "doctest", (ZERO, n, ONE), ())
    >>> print(triangle(outer, Loop("#1", "doctest", (ZERO, i, ONE), (outer,))))
    ((layers * (layers + -1)) / 2)
    """
    (first, last, step), inside = inner.bounds, affine(ex.sub(inner.bounds[1], inner.bounds[0]), outer.name)
    names = free_symbols(first) | free_symbols(last)
    if outer.bounds[0] is not ZERO or {outer.bounds[2], step} != {ONE} or inside is None or outer.name not in names:
        return None
    factor, rest = inside
    last = outer.bounds[1]
    pairs = ex.exact_div(ex.mul(last, ex.add(last, ex.const(-1))), ex.const(2))
    return ex.add(ex.mul(ex.const(factor), pairs), ex.mul(rest, last))


def _subtracts(node: Node) -> bool:
    """Whether something is subtracted in an expression: of positive fields it may be negative then."""
    if node.op in ("sym", "const", "index"):
        return node.op == "const" and node.args[0] < 0
    return node.op == "sub" or any(map(_subtracts, node.args))


def count(loop: Loop, predicates: Mapping[Predicate, bool], assumed: Assumptions) -> Node | None:
    """How many iterations of *loop* there are at which *predicates* are true, or false, as said; `None` if not known.

    >>> i, n, k = ex.symbol("#0"), ex.symbol("layers"), ex.symbol("k")
    >>> loop = Loop("#0", "doctest", (ZERO, n, ONE), ())
    >>> assumed = Assumptions({"layers": 12, "k": 3})
    >>> print(count(loop, {Predicate("<", i, k): False}, assumed), *assumed.taken)
    (layers - k) 0 <= k k <= layers
    >>> print(count(loop, {Predicate("divides", k, ex.add(i, ONE)): True}, assumed))
    (layers // k)
    >>> print(count(loop, {Predicate("==", i, ex.add(n, ex.const(-1))): False}, assumed))
    (layers + -1)
    """
    if loop.bounds[2] is not ONE:
        plain = in_ones(loop, assumed)
        if plain is None:
            return None
        index = ex.add(loop.bounds[0], ex.mul(loop.bounds[2], ex.symbol(plain.name)))
        return count(plain, {p.renamed({loop.name: index}): truth for p, truth in predicates.items()}, assumed)
    if kinds := [(p, truth) for p, truth in predicates.items() if isinstance(p, OfKind)]:
        return layers_of(loop, kinds) if len(kinds) == len(predicates) else None
    literals = [literal(predicate, loop.name, truth, assumed) for predicate, truth in predicates.items()]
    known = [one for one in literals if one is not None]
    if len(known) < len(literals):
        return None
    return _counted(loop.bounds[0], loop.bounds[1], known, assumed)


def _counted(first: Node, last: Node, literals: Sequence[Literal], assumed: Assumptions) -> Node | None:
    for one in literals:
        if isinstance(one, Interval):
            others = [other for other in literals if other is not one]
            both = [Bound(one.first, upper=False), Bound(one.last, upper=True)]
            inside = _counted(first, last, [*others, *both], assumed)
            if one.truth or inside is None:
                return inside
            every = _counted(first, last, others, assumed)
            return None if every is None else ex.sub(every, inside)
    for one in literals:
        if isinstance(one, Bound) and one.upper:
            last = smaller(one.least, last, assumed)
        elif isinstance(one, Bound):
            first = larger(one.least, first, assumed)
    last = larger(last, first, assumed)
    if last is first:
        return ZERO
    rest = [one for one in literals if not isinstance(one, Bound)]
    for one in rest:
        if isinstance(one, Equal) and one.truth:
            others = [other for other in rest if other is not one]
            return _single(one.value, first, last, others, assumed)
    return _excluded(first, last, rest, assumed)


def smaller(a: Node, b: Node, assumed: Assumptions) -> Node:
    """The smaller of two bounds: the one that is so by default, or the minimum where it is not so elsewhere."""
    truth = assumed.holds("<=", a, b)
    return ex.minimum(b, a) if truth is None else a if truth else b


def larger(a: Node, b: Node, assumed: Assumptions) -> Node:
    """The larger of two bounds, likewise."""
    truth = assumed.holds("<=", b, a)
    return ex.maximum(b, a) if truth is None else a if truth else b


def _excluded(first: Node, last: Node, literals: Sequence[Literal], assumed: Assumptions) -> Node | None:
    """Those between *first* and *last* without some single indices, in and out of classes of remainders."""
    single = [one for one in literals if isinstance(one, Equal)]
    classes = [one for one in literals if isinstance(one, Residues | Remainders)]
    if any(isinstance(one, Remainders) for one in classes):
        classes = merged(classes)
    for one in classes:
        if isinstance(one, Residues) and not one.truth:
            others = [*single, *(other for other in classes if other is not one)]
            turned = Residues(one.period, one.shift, one.width, truth=True)
            every, those = (_excluded(first, last, more, assumed) for more in (others, [*others, turned]))
            return None if every is None or those is None else ex.sub(every, those)
    found = within(first, last, merged(classes), assumed)
    if found is None:
        return None
    taken: list[Node] = []
    for own in single:
        same = [assumed.holds("==", own.value, other) for other in taken]
        number = _single(own.value, first, last, classes, assumed)
        if None in same or number is None:
            return None
        if True not in same:
            taken.append(own.value)
            found = ex.sub(found, number)
    return found


def merged(classes: Sequence[Residues | Remainders]) -> list[Residues | Remainders]:
    """The same with one class in place of all those of remainders by numbers; a single one stays as it is."""
    by_number = {one: known for one in dict.fromkeys(classes) if (known := _as_remainders(one)) is not None}
    rest: list[Residues | Remainders] = [one for one in dict.fromkeys(classes) if one not in by_number]
    if len(by_number) == 1 and isinstance(next(iter(by_number)), Residues):
        return [*by_number, *rest]
    if not by_number:
        return rest
    period = lcm(*(one.period for one in by_number.values()))
    those = (i for i in range(period) if all((i % one.period in one.those) is one.truth for one in by_number.values()))
    return [Remainders(period, frozenset(those), truth=True), *rest]


def _as_remainders(one: Residues | Remainders) -> Remainders | None:
    """A class whose period, shift and width are numbers."""
    if isinstance(one, Remainders):
        return one
    numbers = [node.args[0] for node in (one.period, one.shift, one.width) if node.op == "const"]
    if len(numbers) < 3 or not all(type(n) is int for n in numbers):
        return None
    period, shift, width = numbers
    return Remainders(period, frozenset(i for i in range(period) if (i + shift) % period < width), one.truth)


def within(
    first: Node, last: Node, classes: Sequence[Residues | Remainders], assumed: Assumptions
) -> Node | None:  # fmt: skip
    """Those between *first* and *last* in one class of remainders."""
    if not classes:
        return ex.sub(last, first)
    if len(classes) > 1:
        return None
    (one,) = classes
    if isinstance(one, Residues):
        if one.width is ONE:
            return _divisible(first, last, one.period, one.shift, assumed)
        above, below = (_below(bound, one) for bound in (last, first))
        return ex.sub(above, below)
    those = sorted(one.those)
    if len(those) > one.period // 2:
        others = Remainders(one.period, frozenset(range(one.period)).difference(those), truth=True)
        found = within(first, last, [others], assumed)
        return found and ex.sub(ex.sub(last, first), found)
    if len(those) > _SEVERAL:
        return None
    total: Node = ZERO
    for i in those:
        total = ex.add(total, _divisible(first, last, ex.const(one.period), ex.const(-i % one.period), assumed))
    return total


def _below(bound: Node, one: Residues) -> Node:
    """How many numbers from the beginning of a period on are in a class, below *bound*."""
    end = collected(ex.add(bound, one.shift))
    if end is ZERO:
        return ZERO
    whole = ex.floordiv(end, one.period)
    rest = ex.minimum(ex.sub(end, ex.mul(one.period, whole)), one.width)
    return ex.add(ex.mul(one.width, whole), rest)


def _divisible(first: Node, last: Node, period: Node, shift: Node, assumed: Assumptions) -> Node:
    """Those between *first* and *last* to which *shift* must be added so that *period* divides them."""
    start, end = (collected(ex.add(ex.add(bound, shift), ex.const(-1))) for bound in (first, last))
    below = ex.floordiv(start, period)
    if below.op != "const":
        negative = ex.sub(ex.const(-1), start)  # -1 - start is from 0 below the period, if there is an index below zero
        if start.op == "const" and 0 <= start.args[0] < 1:
            below = ZERO
        elif always_negative(start) and assumed.holds("<", negative, period):
            below = ex.const(-1)
    if period.op == "const" and below.op == "const":  # ceil(N / p) rather than floor((N - 1) / p) + 1
        return ex.floordiv(collected(ex.add(end, ex.const(-below.args[0] * period.args[0]))), period)
    return ex.sub(ex.floordiv(end, period), below)


def _single(
    value: Node, first: Node, last: Node, others: Sequence[Literal], assumed: Assumptions
) -> Node | None:  # fmt: skip
    """One, if the index *value* is between *first* and *last* and the *others* are true of it; otherwise zero."""
    number = ONE
    for other in others:
        if isinstance(other, Equal):
            truth = assumed.holds("==", value, other.value)
            if truth is None:
                return None
            if truth is not other.truth:
                return ZERO
        elif isinstance(other, Residues) and other.width is ONE:
            dividend = collected(ex.add(value, other.shift))
            ones = ex.sub(ex.floordiv(dividend, other.period), ex.floordiv(ex.sub(dividend, ONE), other.period))
            number = ex.mul(number, ones if other.truth else ex.sub(ONE, ones))
        elif isinstance(other, Residues | Remainders):
            there = _excluded(value, collected(ex.add(value, ONE)), [other], assumed)
            if there is None:
                return None
            number = ex.mul(number, there)
    inside = assumed.holds("<=", first, value)
    if inside is not True:
        return ZERO if inside is False else None
    below = assumed.holds("<", value, last)
    if below is None:  # one from that many layers on
        return ex.mul(number, ex.minimum(ex.maximum(ex.sub(last, value), ZERO), ONE))
    return number if below else ZERO
