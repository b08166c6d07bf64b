"""Predicates on the index of a loop: what the code asked (`i < k`, `p divides i + 1`), and where it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import lcm
from typing import Any, Final

from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, Value, free_symbols
from symcount.concolic.values.path import Condition, Loop
from symcount.concolic.values.rewriting import floored, generic, rebuilt
from symcount.errors import DerivationError

__all__ = ["RELATIONS", "Predicate", "answered", "bounding", "constants", "holds", "index_tuples", "predicate_of",
           "readable"]  # fmt: skip

RELATIONS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "divides": lambda a, b: a != 0 and b % a == 0,
    "not divides": lambda a, b: a != 0 and b % a != 0,
    "ieee": lambda a, b: a == b,
}

#: A comparison and its opposite are one predicate, true or false.
_OPPOSITE: Final = {"!=": "==", ">=": "<", ">": "<=", "not divides": "divides"}
_NEGATED: Final = {"==": "!=", "<": ">=", "<=": ">", "divides": "not divides"}


def holds(condition: Condition, values: Mapping[str, Value], memo: dict[Node, Any] | None = None) -> bool:
    """Whether *condition* is true at *values*; a condition that cannot be evaluated there is not.

    Conditions share most of their parts: with one *memo* for several at the same values, each is computed once.
    """
    try:
        left, right = ex.evaluate(condition.left, values, memo), ex.evaluate(condition.right, values, memo)
        return bool(RELATIONS[condition.relation](left, right))
    except (DerivationError, ArithmeticError, TypeError):
        return False


@dataclass(frozen=True)
class Predicate:
    """`left relation right` for one of `==`, `<`, `<=`, `divides`; the index of a loop is a symbol like any other."""

    relation: str
    left: Node
    right: Node

    @cached_property
    def symbols(self) -> frozenset[str]:
        """Fields, and the names of indices, that it speaks of."""
        return free_symbols(self.left) | free_symbols(self.right)

    def holds(self, values: Mapping[str, Value]) -> bool | None:
        """Whether it is true at *values*; `None` where it has no meaning (a division by zero)."""
        try:
            return bool(RELATIONS[self.relation](ex.compiled(self.left)(values), ex.compiled(self.right)(values)))
        except (DerivationError, ArithmeticError, TypeError):
            return None

    def renamed(self, names: Mapping[str, str | Node]) -> Predicate:
        """The predicate with other names of indices, or expressions in their place."""

        def leaf(node: Node) -> Node:
            name = names.get(node.args[0], node.args[0])
            return name if isinstance(name, Node) else node if name == node.args[0] else ex.symbol(name)

        memo: dict[Node, Node] = {}
        return Predicate(self.relation, rebuilt(self.left, leaf, memo), rebuilt(self.right, leaf, memo))

    def condition(self, truth: bool) -> Condition:
        """The condition that it is true, or that it is not."""
        return Condition(self.relation if truth else _NEGATED[self.relation], self.left, self.right, "")

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {self.right}"


def predicate_of(condition: Condition) -> tuple[Predicate, bool]:
    """The predicate that a condition is about, and whether it was true.

    >>> i, k = ex.index("#0", 3), ex.symbol("k")
    >>> asked, truth = predicate_of(Condition(">=", i, k, ""))
    >>> print(asked, truth)
    #0 < k False
    """
    relation = _OPPOSITE.get(condition.relation, condition.relation)
    left, right = floored(generic(condition.left)), floored(generic(condition.right))
    if relation != "divides" and not (left.integral and right.integral):
        left, right = _multiplied_out(left, right)
    return Predicate(relation, left, right), relation == condition.relation


def _multiplied_out(left: Node, right: Node) -> tuple[Node, Node]:
    """Two sides without fractions, where these are factors and terms: `i / 2 < k + 0.5` is `i < 2 * k + 1`."""
    common = lcm(*_denominators(left), *_denominators(right))
    more, others = _times(left, common), _times(right, common)
    return (more, others) if more.integral and others.integral else (left, right)


def _denominators(node: Node) -> Iterator[int]:
    if node.op == "const":
        yield getattr(node.args[0], "denominator", 1)
    elif node.op in ("add", "sub", "mul", "div") and not node.integral:
        for part in node.args if node.op != "div" else node.args[:1]:
            yield from _denominators(part)
        if node.op == "div" and node.args[1].op == "const":
            yield abs(getattr(node.args[1].args[0], "numerator", 1))


def _times(node: Node, number: int) -> Node:
    if node.op in ("add", "sub") and not node.integral:
        build = ex.add if node.op == "add" else ex.sub
        return build(_times(node.args[0], number), _times(node.args[1], number))
    if node.op == "div" and node.args[1].op == "const" and number % node.args[1].args[0] == 0:
        return ex.mul(ex.const(number // node.args[1].args[0]), node.args[0])
    return ex.mul(ex.const(number), node)


def index_tuples(loops: Sequence[Loop], values: Mapping[str, Any]) -> Iterator[tuple[int, ...]]:
    """The indices of all iterations of *loops*, each inside the one before, at *values* of the fields."""
    if not loops:
        yield ()
        return
    *outer, inner = loops
    for indices in index_tuples(outer, values):
        known = (
            {**values, **{loop.name: index for loop, index in zip(outer, indices, strict=True)}} if outer else values
        )
        first, last, step = (ex.compiled(bound)(known) for bound in inner.bounds)
        for index in range(int(first), int(last), int(step)):
            yield (*indices, index)


def answered(
    p: Predicate, nest: Sequence[Loop], values: Mapping[str, Any], truth: bool,
    visited: Collection[tuple[int, ...]] = (),
) -> bool:  # fmt: skip
    """Whether *p* has the answer *truth* in some iteration of *nest* that was not *visited*."""
    for indices in index_tuples(nest, values):
        known = {**values, **{loop.name: i for loop, i in zip(nest, indices, strict=True)}} if nest else values
        if p.holds(known) is truth and indices not in visited:
            return True
    return False


def bounding(p: Predicate, loops: Mapping[str, Loop], usual: bool, most: int) -> Condition | None:
    """The condition that there is no index below *most* at which *p* has another answer than *usual*.

    `None` where *p* speaks of fields, or always has that answer.
    """
    names = [n for n in p.symbols if n in loops]
    if len(p.symbols) > 1 or loops[names[0]].bounds[0].op != "const":
        return None
    first = next((i for i in range(most) if p.holds({names[0]: i}) is (not usual)), None)
    return None if first is None else Condition("<=", loops[names[0]].bounds[1], ex.const(first), "")


def constants(p: Predicate) -> set[int]:
    """The whole numbers in a question."""
    stack, found = [p.left, p.right], set[int]()
    while stack:
        node = stack.pop()
        if node.op == "const":
            if node.integral:
                found.add(abs(int(node.args[0])))
        elif node.op != "sym":
            stack += node.args
    return found


def readable(p: Predicate) -> str:
    """A question with i, j, k for the indices in it."""
    names = sorted(n for n in p.symbols if n.startswith("#"))
    return str(p.renamed(dict(zip(names, "ijk", strict=False))))
