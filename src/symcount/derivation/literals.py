"""What a predicate says of the index of a loop: a bound, an interval, one value, or its remainders.

>>> i, n = ex.symbol("#0"), ex.symbol("layers")
>>> assumed = Assumptions({"layers": 12})
>>> literal(Predicate("<=", n, ex.mul(ex.const(2), i)), "#0", True, assumed)  # the second half
Bound(least=<((layers + 1) // 2)>, upper=False)
>>> literal(Predicate("==", ex.mod(ex.mul(i, i), ex.const(3)), ex.const(1)), "#0", True, assumed)
Remainders(period=3, those=frozenset({1, 2}), truth=True)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import lcm

from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, Value, free_symbols
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import Predicate
from symcount.concolic.values.rewriting import collected

__all__ = ["ONE", "ZERO", "Assumptions", "Bound", "Equal", "Interval", "Literal", "Remainders", "Residues", "affine",
           "always_negative", "literal"]  # fmt: skip

ZERO, ONE = ex.const(0), ex.const(1)
_LONGEST = 5040  # numbers after which a pattern begins again; more are no pattern that code is written with


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
class Bound:
    """The indices from *least* on (upper: false) or below it (upper: true)."""

    least: Node
    upper: bool


@dataclass(frozen=True)
class Interval:
    """The indices from *first* on and below *last*, or all others."""

    first: Node
    last: Node
    truth: bool


@dataclass(frozen=True)
class Equal:
    """The index that is *value*, or all others."""

    value: Node
    truth: bool


@dataclass(frozen=True)
class Residues:
    """The indices i with `(i + shift) mod period < width`, or all others; with a width of one those that it divides."""

    period: Node
    shift: Node
    width: Node
    truth: bool


@dataclass(frozen=True)
class Remainders:
    """The indices whose remainders by a number are among *those*, or all others."""

    period: int
    those: frozenset[int]
    truth: bool


Literal = Bound | Interval | Equal | Residues | Remainders


def literal(asked: Predicate, name: str, truth: bool, assumed: Assumptions) -> Literal | None:
    """What a predicate, true or not, says of the index *name*; `None` if it is none of these."""
    if asked.relation == "divides":
        found: Literal | None = _remainder(asked.right, asked.left, ZERO, ONE, name, truth)
    elif asked.left.op == "mod" and name not in free_symbols(asked.right):
        found = _of_remainder(asked, name, truth, assumed)
    elif asked.right.op == "mod" and name not in free_symbols(asked.left) and asked.relation != "==":
        turned = "<=" if asked.relation == "<" else "<"  # c < r is what r <= c is not
        found = _of_remainder(Predicate(turned, asked.right, asked.left), name, not truth, assumed)
    else:
        found = _compared(asked, name, truth)
    return found if found is not None else _periodic(asked, name, truth)


def _of_remainder(asked: Predicate, name: str, truth: bool, assumed: Assumptions) -> Literal | None:
    """What is said of a number's remainder: that it is a value, or less than one."""
    number, period = asked.left.args
    if asked.relation == "==":
        least = _at_most_zero(ex.neg(asked.right)) or assumed.holds("<=", ZERO, asked.right)
        inside = least and assumed.holds("<", asked.right, period)
        return _remainder(number, period, asked.right, ONE, name, truth) if inside else None
    width = ex.add(asked.right, ONE) if asked.relation == "<=" else asked.right
    if name not in free_symbols(number) or not all(
        (assumed.holds("<=", ZERO, width), assumed.holds("<=", width, period))
    ):
        return None
    return _remainder(number, period, ZERO, width, name, truth)


def _remainder(number: Node, period: Node, value: Node, width: Node, name: str, truth: bool) -> Residues | None:
    """The indices with which *number* has one of *width* remainders from *value* on; also of an index rounded down."""
    if name in free_symbols(period):
        return None
    if number.op == "floordiv" and width is ONE and name not in free_symbols(number.args[1]):
        number, each = number.args
        inner = affine(number, name)
        if inner is None or inner[0] != 1:
            return None
        return Residues(ex.mul(period, each), ex.sub(inner[1], ex.mul(value, each)), each, truth)
    inner = affine(ex.sub(number, value), name)
    if inner is None or abs(inner[0]) != 1 or (inner[0] == -1 and width is not ONE):
        return None
    shift = inner[1] if inner[0] == 1 else ex.neg(inner[1])
    if shift.op == "const" and period.op == "const":
        shift = ex.const(shift.args[0] % period.args[0])
    return Residues(period, shift, width, truth)


def _compared(asked: Predicate, name: str, truth: bool) -> Literal | None:
    """What a comparison says of the index, of its distance from something, or of its quotient rounded down."""
    for side, other, turned in ((asked.left, asked.right, False), (asked.right, asked.left, True)):
        if name in free_symbols(other) or side.op not in ("abs", "floordiv"):
            continue
        inner = affine(side.args[0], name)
        if inner is None or abs(inner[0]) != 1 or any(name in free_symbols(a) for a in side.args[1:]):
            return None
        if side.op == "abs":
            return _near(inner, other, asked.relation, turned, truth)
        return _rounded_down(inner, side.args[1], other, asked.relation, turned, truth)
    left, right = affine(asked.left, name), affine(asked.right, name)
    if left is None or right is None or left[0] == right[0]:
        return None
    factor, value = left[0] - right[0], ex.sub(right[1], left[1])  # factor * i, compared with value
    if asked.relation == "==":
        if abs(factor) != 1:
            return None
        return Equal(value if factor > 0 else ex.sub(left[1], right[1]), truth)
    size, even = ex.const(abs(factor)), asked.relation == "<="
    if factor > 0:
        least = ex.add(value, ONE if even else ZERO) if factor == 1 else _rounded(value, size, up=not even, more=even)
        return Bound(least, upper=truth)
    value = ex.sub(left[1], right[1])
    least = ex.add(value, ZERO if even else ONE) if factor == -1 else _rounded(value, size, up=even, more=not even)
    return Bound(least, upper=not truth)


def _rounded(value: Node, size: Node, *, up: bool, more: bool) -> Node:
    """The quotient of *value* by a number, rounded up or down, or one more."""
    quotient = ex.floordiv(collected(ex.add(value, ex.sub(size, ONE))) if up else value, size)
    return ex.add(quotient, ONE) if more else quotient


def _near(inner: tuple[int, Node], other: Node, relation: str, turned: bool, truth: bool) -> Interval | None:
    """`|i + rest|` less than *other*, or not."""
    middle = ex.neg(inner[1]) if inner[0] == 1 else inner[1]
    if relation == "==":
        return None
    if turned:  # other < |…| is what |…| <= other is not
        relation, truth = ("<=" if relation == "<" else "<"), not truth
    reach = other if relation == "<" else ex.add(other, ONE)
    return Interval(collected(ex.add(ex.sub(middle, reach), ONE)), collected(ex.add(middle, reach)), truth)


def _rounded_down(
    inner: tuple[int, Node], each: Node, other: Node, relation: str, turned: bool, truth: bool
) -> Literal | None:
    """`(i + rest) // each` compared with *other*."""
    if inner[0] != 1:
        return None
    start = collected(ex.sub(ex.mul(other, each), inner[1]))
    end = collected(ex.sub(ex.mul(ex.add(other, ONE), each), inner[1]))
    if relation == "==":
        return Interval(start, end, truth)
    if turned:  # other < q, other <= q
        return Bound(end if relation == "<" else start, upper=not truth)
    return Bound(start if relation == "<" else end, upper=truth)


def _periodic(asked: Predicate, name: str, truth: bool) -> Remainders | None:
    """What repeats itself: a predicate that speaks of nothing but the index, and of that in remainders by numbers."""
    if asked.symbols != {name}:
        return None
    sides = [ex.mod(asked.right, asked.left), ZERO] if asked.relation == "divides" else [asked.left, asked.right]
    periods = [_period(side, name) for side in sides]
    if None in periods:
        return None
    period = lcm(*(p for p in periods if p is not None))
    answers = [asked.holds({name: i}) for i in range(period)] if period <= _LONGEST else [None]
    if None in answers:
        return None
    return Remainders(period, frozenset(i for i, answer in enumerate(answers) if answer), truth)


def _period(node: Node, name: str) -> int | None:
    """After how many steps of the index an expression has the same values again; `None` if it never does, perhaps."""
    if name not in free_symbols(node):
        return 1
    if node.op in ("mod", "gcd"):
        sides = node.args if node.op == "mod" else sorted(node.args, key=lambda a: a.op == "const")
        if sides[1].op == "const" and type(sides[1].args[0]) is int and sides[1].args[0] > 0 and _polynomial(sides[0]):
            return int(sides[1].args[0])
    if node.op in ("sym", "index"):
        return None
    parts = [_period(a, name) for a in node.args]
    return None if None in parts else lcm(*(p for p in parts if p is not None))


def _polynomial(node: Node) -> bool:
    """Whether an expression is a polynomial with whole numbers for factors, whose remainders repeat themselves."""
    if node.op in ("sym", "const"):
        return node.integral
    if node.op == "pow":
        exponent = node.args[1]
        return (
            exponent.op == "const"
            and type(exponent.args[0]) is int
            and exponent.args[0] >= 0
            and _polynomial(node.args[0])
        )
    return node.op in ("add", "sub", "mul") and all(map(_polynomial, node.args))


def affine(node: Node, name: str) -> tuple[int, Node] | None:
    """How often the symbol *name* is in a sum, and the rest of it."""
    if node.op == "sym" and node.args[0] == name:
        return 1, ZERO
    if name not in free_symbols(node):
        return 0, node
    if node.op in ("add", "sub"):
        left, right = (affine(a, name) for a in node.args)
        if left is None or right is None:
            return None
        if node.op == "add":
            return left[0] + right[0], ex.add(left[1], right[1])
        return left[0] - right[0], ex.sub(left[1], right[1])
    if node.op == "mul" and node.args[0].op == "const" and node.args[0].integral:
        inner = affine(node.args[1], name)
        return inner and (inner[0] * node.args[0].args[0], ex.mul(node.args[0], inner[1]))
    return None


def always_negative(node: Node) -> bool:
    """Whether an expression is negative whatever the fields are, which are not negative."""
    if node.op == "const":
        return bool(node.args[0] < 0)
    parts = [node.args[0], ex.neg(node.args[1])] if node.op == "sub" else node.args if node.op == "add" else ()
    return any(map(always_negative, parts)) and all(map(_at_most_zero, parts))


def _at_most_zero(node: Node) -> bool:
    """Whether an expression is a sum of fields with negative factors and of numbers that are not positive."""
    if node.op == "const":
        return bool(node.args[0] <= 0)
    if node.op == "mul":
        return node.args[0].op == "const" and bool(node.args[0].args[0] <= 0) and node.args[1].op == "sym"
    if node.op == "sub":
        return _at_most_zero(node.args[0]) and _at_most_zero(ex.neg(node.args[1]))
    return node.op == "add" and all(map(_at_most_zero, node.args))
