"""How many iterations of a loop satisfy some predicates, as an expression: intervals and residue classes.

Two rules: the indices between two bounds are `last - first`, and those of them that p divides, shifted by s, are
`floor((last - 1 + s) / p) - floor((first - 1 + s) / p)`; two residue classes with numbers for periods are one. Which of
two bounds is the larger one, and whether a single index is one of those, is taken to be as it is by default; the
formula's domain says so. Where the model was traced on both sides of that, the number has a minimum or a maximum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import lcm
from typing import Any

from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, Value, free_symbols
from symcount.concolic.values.path import Condition, Loop
from symcount.concolic.values.predicates import Predicate
from symcount.concolic.values.rewriting import collected

__all__ = ["Assumptions", "count", "triangle", "trips"]

ZERO, ONE = ex.const(0), ex.const(1)


@dataclass
class Assumptions:
    """What is taken to be as it is by default.

    Attributes:
        values: the fields by default.
        others: the fields where the model was traced with more layers than by default.
        taken: conditions that are true at all of these, on which a count relies.
    """

    values: Mapping[str, Value]
    others: Sequence[Mapping[str, Value]] = ()
    taken: dict[Condition, None] = field(default_factory=dict)

    def holds(self, relation: str, left: Node, right: Node) -> bool | None:
        """Whether the condition is true by default, which is supposed from now on; `None` if it is not so elsewhere."""
        left, right = collected(left), collected(right)
        if relation == "==" and str(right) < str(left):
            left, right = right, left
        asked = Predicate(relation, left, right)
        truth = asked.holds(self.values)
        if left.op == "const" and right.op == "const":
            return truth
        if any(asked.holds(values) is not truth for values in self.others):
            return None
        if truth is not None:
            self.taken.setdefault(asked.condition(truth))
        return truth


@dataclass(frozen=True)
class _Bound:
    """The indices from *least* on (upper: false) or below it (upper: true)."""

    least: Node
    upper: bool


@dataclass(frozen=True)
class _Equal:
    """The index that is *value*, or all others."""

    value: Node
    truth: bool


@dataclass(frozen=True)
class _Divided:
    """The indices i with *period* dividing i + *shift*, or all others."""

    period: Node
    shift: Node
    truth: bool


Literal = _Bound | _Equal | _Divided


def trips(loop: Loop, assumed: Assumptions) -> Node | None:
    """How many iterations a loop has, if its step is one; that it does not go backwards is assumed, where it could."""
    first, last, step = loop.bounds
    if step is not ONE:
        return None
    return ex.sub(_larger(last, first, assumed) if _subtracts(last) or first is not ZERO else last, first)


def triangle(outer: Loop, inner: Loop) -> Node | None:
    """How many iterations two loops have, the inner one as many as the index of the outer one says.

    >>> n, i = ex.symbol("layers"), ex.symbol("#0")
    >>> outer = Loop("#0", "doctest", (ZERO, n, ONE), ())
    >>> print(triangle(outer, Loop("#1", "doctest", (ZERO, i, ONE), (outer,))))
    ((layers * (layers + -1)) / 2)
    """
    (first, last, step), affine = inner.bounds, _affine(ex.sub(inner.bounds[1], inner.bounds[0]), outer.name)
    names = free_symbols(first) | free_symbols(last)
    if outer.bounds[0] is not ZERO or {outer.bounds[2], step} != {ONE} or affine is None or outer.name not in names:
        return None
    factor, rest = affine
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
        return None
    literals = [_literal(predicate, loop.name, truth, assumed) for predicate, truth in predicates.items()]
    known = [literal for literal in literals if literal is not None]
    if len(known) < len(literals):
        return None
    return _counted(loop.bounds[0], loop.bounds[1], known, assumed)


def _literal(asked: Predicate, name: str, truth: bool, assumed: Assumptions) -> Literal | None:
    """What a predicate says of the index *name*, if that is a bound, a value or a residue class."""
    if asked.relation == "divides":
        return _divided(asked.left, asked.right, name, truth)
    if asked.relation == "==" and asked.left.op == "mod" and name not in free_symbols(asked.right):
        number, period = asked.left.args
        if assumed.holds("<", asked.right, period) is not True:
            return None
        return _divided(period, ex.sub(number, asked.right), name, truth)
    left, right = _affine(asked.left, name), _affine(asked.right, name)
    if left is None or right is None or abs(left[0] - right[0]) != 1:
        return None
    if asked.relation == "==":
        value = ex.sub(right[1], left[1]) if left[0] > right[0] else ex.sub(left[1], right[1])
        return _Equal(value, truth)
    more = ONE if asked.relation == "<=" else ZERO
    if left[0] > right[0]:  # i < value
        return _Bound(ex.add(ex.sub(right[1], left[1]), more), upper=truth)
    return _Bound(ex.add(ex.sub(left[1], right[1]), ex.sub(ONE, more)), upper=not truth)  # i > value


def _divided(period: Node, number: Node, name: str, truth: bool) -> _Divided | None:
    affine = _affine(number, name)
    if affine is None or abs(affine[0]) != 1 or name in free_symbols(period):
        return None
    shift = affine[1] if affine[0] == 1 else ex.neg(affine[1])
    if shift.op == "const" and period.op == "const":
        shift = ex.const(shift.args[0] % period.args[0])
    return _Divided(period, shift, truth)


def _affine(node: Node, name: str) -> tuple[int, Node] | None:
    """How often the symbol *name* is in a sum, and the rest of it."""
    if node.op == "sym" and node.args[0] == name:
        return 1, ZERO
    if name not in free_symbols(node):
        return 0, node
    if node.op in ("add", "sub"):
        left, right = (_affine(a, name) for a in node.args)
        if left is None or right is None:
            return None
        if node.op == "add":
            return left[0] + right[0], ex.add(left[1], right[1])
        return left[0] - right[0], ex.sub(left[1], right[1])
    if node.op == "mul" and node.args[0].op == "const" and node.args[0].integral:
        inner = _affine(node.args[1], name)
        return inner and (inner[0] * node.args[0].args[0], ex.mul(node.args[0], inner[1]))
    return None


def _counted(first: Node, last: Node, literals: Sequence[Literal], assumed: Assumptions) -> Node | None:
    for literal in literals:
        if isinstance(literal, _Bound) and literal.upper:
            last = _smaller(literal.least, last, assumed)
        elif isinstance(literal, _Bound):
            first = _larger(literal.least, first, assumed)
    last = _larger(last, first, assumed)
    if last is first:
        return ZERO
    rest = [literal for literal in literals if not isinstance(literal, _Bound)]
    for literal in rest:
        if isinstance(literal, _Equal) and literal.truth:
            others = [other for other in rest if other is not literal]
            return _single(literal.value, first, last, others, assumed)
    return _excluded(first, last, rest, assumed)


def _smaller(a: Node, b: Node, assumed: Assumptions) -> Node:
    truth = assumed.holds("<=", a, b)
    return ex.minimum(b, a) if truth is None else a if truth else b


def _larger(a: Node, b: Node, assumed: Assumptions) -> Node:
    truth = assumed.holds("<=", b, a)
    return ex.maximum(b, a) if truth is None else a if truth else b


def _excluded(first: Node, last: Node, literals: Sequence[Literal], assumed: Assumptions) -> Node | None:
    """Those between *first* and *last* without some single indices, in and out of residue classes."""
    single = [literal for literal in literals if isinstance(literal, _Equal)]
    divided = [literal for literal in literals if isinstance(literal, _Divided)]
    for literal in divided:
        if not literal.truth:
            others = [other for other in literals if other is not literal]
            all_, those = (
                _excluded(first, last, more, assumed)
                for more in (others, [*others, _Divided(literal.period, literal.shift, truth=True)])
            )
            return None if all_ is None or those is None else ex.sub(all_, those)
    found = _divisible(first, last, list(dict.fromkeys(divided)), assumed)
    if found is None:
        return None
    taken: list[Node] = []
    for one in single:
        same = [assumed.holds("==", one.value, other) for other in taken]
        number = _single(one.value, first, last, divided, assumed)
        if None in same or number is None:
            return None
        if True not in same:
            taken.append(one.value)
            found = ex.sub(found, number)
    return found


def _divisible(first: Node, last: Node, classes: Sequence[_Divided], assumed: Assumptions) -> Node | None:
    if not classes:
        return ex.sub(last, first)
    if len(classes) > 1:
        met = _intersected(classes[0], classes[1])
        return met if met is None or met is ZERO else _divisible(first, last, [met, *classes[2:]], assumed)
    period, shift = classes[0].period, classes[0].shift
    start, end = (collected(ex.add(ex.add(bound, shift), ex.const(-1))) for bound in (first, last))
    below = ex.floordiv(start, period)
    if below.op != "const":
        negative = ex.sub(ex.const(-1), start)  # -1 - start is from 0 below the period, if there is an index below zero
        if start.op == "const" and 0 <= start.args[0] < 1:
            below = ZERO
        elif Predicate("<", start, ZERO).holds(assumed.values) and assumed.holds("<", negative, period):
            below = ex.const(-1)
    if period.op == "const" and below.op == "const":  # ceil(N / p) rather than floor((N - 1) / p) + 1
        return ex.floordiv(collected(ex.add(end, ex.const(-below.args[0] * period.args[0]))), period)
    return ex.sub(ex.floordiv(end, period), below)


def _intersected(a: _Divided, b: _Divided) -> Any:
    """The residue class of the indices in two, whose periods and shifts are numbers; zero if there are none."""
    numbers = [node.args[0] for node in (a.period, a.shift, b.period, b.shift) if node.op == "const"]
    if len(numbers) < 4 or not all(type(n) is int for n in numbers):
        return None
    period, shift, other, offset = numbers
    both = lcm(period, other)
    met = next((i for i in range(both) if (i + shift) % period == 0 and (i + offset) % other == 0), None)
    return ZERO if met is None else _Divided(ex.const(both), ex.const(-met % both), truth=True)


def _single(
    value: Node, first: Node, last: Node, others: Sequence[Literal], assumed: Assumptions
) -> Node | None:  # fmt: skip
    """One, if the index *value* is between *first* and *last* and the *others* are true of it; otherwise zero."""
    number = ONE
    for other in others:
        if isinstance(other, _Equal):
            truth = assumed.holds("==", value, other.value)
            if truth is None:
                return None
            if truth is not other.truth:
                return ZERO
        elif isinstance(other, _Divided):
            dividend = collected(ex.add(value, other.shift))
            ones = ex.sub(ex.floordiv(dividend, other.period), ex.floordiv(ex.sub(dividend, ONE), other.period))
            number = ex.mul(number, ones if other.truth else ex.sub(ONE, ones))
    inside = assumed.holds("<=", first, value)
    if inside is not True:
        return ZERO if inside is False else None
    below = assumed.holds("<", value, last)
    if below is None:  # one from that many layers on
        return ex.mul(number, ex.minimum(ex.maximum(ex.sub(last, value), ZERO), ONE))
    return number if below else ZERO
