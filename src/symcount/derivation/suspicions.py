"""Suspicions: numbers of a run that a field may have become on the way, losing its expression."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from symcount.concolic.config.symbolic import Number, config_classes
from symcount.concolic.python.constants import numbers_written, positions
from symcount.concolic.traces import Trace, once_a_trace
from symcount.concolic.values.expression import Node, free_symbols
from symcount.derivation.evidence import Evidence
from symcount.derivation.structure import COUNTING, MAX_SELECTOR, is_model_code, shape_symbols

__all__ = ["all_expressed", "all_followed", "followed_in", "nothing_lost", "taken_by"]

_COMMON = 4  # numbers up to this are those of every code: three of query, key and value; four times the width
_NUMBERED = re.compile(r"\.(\d+)(?=\.|\Z)")


def all_followed(e: Evidence) -> bool:
    """Whether a model of transformers was followed throughout: no field went where no expression follows it."""
    if not all(cls.__module__.startswith("transformers.") for cls in (e.plan.cls, e.plan.source.cls)):
        return False
    return all_expressed(e.default) and nothing_lost(e)


def all_expressed(one: Trace) -> bool:
    """Whether no number of a run became the content of a tensor, a text or a logarithm, or was asked for its bits."""
    return not any(use.kind in ("log", "data", "bits") for use in one.structural)


def nothing_lost(e: Evidence) -> bool:
    """Whether all numbers in sizes, and of things outside of loops, are the code's own and of no field.

    And no field that went where no expression follows it is the position of anything in a list.
    """
    one = e.default
    written, followed, read = numbers_written(_classes(e)), _followed(one), one.config_reads
    lost_ones = {
        v
        for n, v in one.symbols.items()
        if n not in followed and n.partition("[")[0] in read and not n.endswith("token_id")
    }
    sizes, numbers = set(_constants(_nodes(one))), _counts(one)
    return (
        all(abs(n) in written or abs(n) <= _COMMON for n in {*sizes, *numbers})
        and not lost_ones & {abs(n) for n in (*sizes, *numbers) if abs(n) > 1}
        and not taken_by(e)
    )


def followed_in(e: Evidence) -> frozenset[str]:
    """The fields of which there is an expression in some run: in a size, in a question, in a number of things."""
    return frozenset[str]().union(*map(_followed, (e.default, *e.traces)))


def taken_by(e: Evidence) -> list[str]:
    """Small numbers of the config of which there is no expression and by which the code may take an element of a list.

    A list takes any integer without asking it anything.
    """
    one, followed = e.default, followed_in(e)
    small = (n for n, v in one.symbols.items() if type(v) is int and abs(v) <= MAX_SELECTOR and n not in followed)
    taken = positions(_classes(e))
    return [
        n
        for n in small
        if n.rpartition(".")[2] in taken and n.partition("[")[0] in one.config_reads and not n.endswith("token_id")
    ]


@once_a_trace
def _nodes(one: Trace) -> frozenset[Node | int]:
    """The sizes of a model, what its code asked, and the numbers of things."""
    nodes = {dim for p in one.parameters for dim in p.shape}
    nodes |= {side for c in one.predicates if is_model_code(c.module) for side in (c.left, c.right)}
    nodes |= {use.node for use in one.structural if use.kind in COUNTING}
    return frozenset(nodes | {bound for loop in one.loops for bound in loop.bounds})


@once_a_trace
def _followed(one: Trace) -> frozenset[str]:
    """The fields of which there is an expression somewhere."""
    return frozenset(shape_symbols([one]).union(*(free_symbols(n) for n in _nodes(one) if isinstance(n, Node))))


def _classes(e: Evidence) -> set[type]:
    return {*(m.cls for m in e.default.modules), *config_classes(e.plan.source)}


def _constants(nodes: Iterable[Node | int]) -> Iterator[Number]:
    stack, seen = list(nodes), set[Node]()
    while stack:
        node = stack.pop()
        if not isinstance(node, Node):
            yield node
        elif node.op == "const":
            yield node.args[0]
        elif node.op not in ("sym", "index") and node not in seen:
            seen.add(node)
            stack += [a for a in node.args if isinstance(a, Node)]


def _counts(one: Trace) -> set[int]:
    """How many elements lists have that no loop made."""
    members: dict[str, set[str]] = {}
    for p in (p for p in one.parameters if not p.iterations):
        for found in _NUMBERED.finditer(p.path):
            members.setdefault(p.path[: found.start()], set()).add(found[1])
    return {len(several) for several in members.values()}
