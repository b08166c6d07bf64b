"""Questions: what the code of a model asked of the indices of its loops and of its config, and the answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from symcount.concolic.traces import Trace, once_a_trace
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import Condition, Loop
from symcount.concolic.values.predicates import Predicate, predicate_of
from symcount.derivation.structure import is_model_code

__all__ = ["answers", "bounded", "hashed", "nest_of", "of_iteration", "questions", "remainders"]

_PERIODS: Final = range(3, 17)  # that it is every second layer is supposed anyway; see `derivation.index_sets`


@once_a_trace
def questions(one: Trace) -> dict[Predicate, frozenset[bool]]:
    """What the model's own code asked of indices and fields, each with the answers that it got."""
    found: dict[Predicate, set[bool]] = {}
    for condition in one.predicates:
        if condition.relation != "ieee" and is_model_code(condition.module) and not condition.exact:
            predicate, truth = predicate_of(condition)
            found.setdefault(predicate, set()).add(truth)
    return {predicate: frozenset(truths) for predicate, truths in found.items()}


def of_iteration(condition: Condition, traces: Sequence[Trace]) -> bool:
    """Whether a condition was asked in iterations of loops only, of whose index it has the number: `(N - 3) <= k`."""
    return not any(_key(condition) in _plain(one) for one in traces)


@once_a_trace
def _plain(one: Trace) -> set[tuple[Any, ...]]:
    return {_key(c) for c in one.predicates if not c.left.indexed and not c.right.indexed}


def _key(condition: Condition) -> tuple[Any, ...]:
    return condition.relation, condition.left, condition.right


def answers(traces: Sequence[Trace]) -> dict[Predicate, set[bool]]:
    """What was asked in any of *traces*, with the answers; not what compares with a number that is another in each.

    Such a number is no constant of the code, which the traces would share, but the length of a list, say, that there is
    an element of for each layer.
    """
    numbers: dict[tuple[str, Node], list[set[Node]]] = {}
    found: dict[Predicate, set[bool]] = {}
    for one in traces:
        own: dict[tuple[str, Node], set[Node]] = {}
        for p, truths in questions(one).items():
            found.setdefault(p, set()).update(truths)
            if p.right.op == "const":
                own.setdefault((p.relation, p.left), set()).add(p.right)
        for family, constants in own.items():
            numbers.setdefault(family, []).append(constants)
    lost: set[tuple[tuple[str, Node], Node]] = set()
    for family, several in numbers.items():
        own_ones = [constants.difference(set[Node].intersection(*several)) for constants in several]
        if any(a and b and a.isdisjoint(b) for a, b in combinations(own_ones, 2)):
            lost |= {(family, number) for constants in own_ones for number in constants}
    return {p: truths for p, truths in found.items() if ((p.relation, p.left), p.right) not in lost}


def nest_of(p: Predicate, traces: Iterable[Trace]) -> list[Loop]:
    """The loops around the code that asks *p*, the outermost first."""
    loops = {loop.name: loop for one in traces for loop in one.loops}
    return max(([*loops[n].outer, loops[n]] for n in p.symbols if n in loops), key=len, default=[])


def hashed(one: Trace, *, unknown: bool = False) -> set[str]:
    """The loops whose index the model's own code looked up in a set or a dict.

    Args:
        one: a trace.
        unknown: only those of which nobody knows what else is in it. What single layers have of their own is in the
            config (`per_layer_config`), which is the formula's.
    """
    asking = {name: module for name, module in one.hashed.items() if is_model_code(module)}
    return {n for n, module in asking.items() if not (unknown and module.startswith("transformers.integrations."))}


@once_a_trace
def remainders(one: Trace) -> list[Predicate]:
    """That a remainder of an index is this or that one, of those that the model's own code computed.

    A table in the code (`kinds[i % 5]`) says what a layer is, and nobody sees that it was asked.
    """
    found = []
    for node, module in one.remainders.items():
        of, period = node.args
        if is_model_code(module) and period.args[0] in _PERIODS:
            found.append(Predicate("divides", period, of))
            found += [Predicate("==", node, ex.const(n)) for n in range(1, period.args[0])]
    return found


def bounded(loops: Iterable[Loop], values: Mapping[str, Any]) -> bool:
    """Whether the bounds of *loops* that speak of fields alone have values: none of them divides by zero there.

    >>> last = ex.floordiv(ex.symbol("size"), ex.symbol("window"))
    >>> loop = Loop("#0", "doctest", (ex.const(0), last, ex.const(1)), ())
    >>> bounded([loop], {"size": 8, "window": 2}), bounded([loop], {"size": 8, "window": 0})
    (True, False)
    """
    several = list(loops)
    names = {loop.name for loop in several}
    bounds = {bound for loop in several for bound in loop.bounds if bound.op not in ("const", "sym")}
    return all(names & ex.free_symbols(bound) or ex.value_at(bound, values) is not None for bound in bounds)
