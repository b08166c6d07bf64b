"""Answers that a question about an index has only in models of more layers than are built.

`i < 300` has one answer in all models of fewer layers. A formula that was seen in these holds as far as that is so.

>>> i, n, k = ex.symbol("#0"), ex.symbol("layers"), ex.symbol("k")
>>> loop = Loop("#0", "doctest", (ex.const(0), n, ex.const(1)), ())
>>> asked = Predicate("<", ex.mul(i, i), ex.mul(ex.const(90000), k))
>>> print(beyond(asked, loop, True, {"layers": 4, "k": 2}, lambda structure: True))
((layers + -1) * (layers + -1)) < (90000 * k)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Final

from symcount.concolic.config.symbolic import Number
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.path import Condition, Loop
from symcount.concolic.values.predicates import Predicate, holds
from symcount.derivation.evidence import Evidence
from symcount.derivation.probes import DEEPEST, Structure
from symcount.derivation.questions import answers, nest_of

__all__ = ["beyond", "far_answer", "meeting_sizes"]

_DEPTHS: Final = (20, 300, 1_000, 10_000, 1_000_000)
_FEW: Final = 12  # indices from the beginning, and back from the end, at which a question is looked at
_DENSE: Final = 60  # layers of models of which every index is


def meeting_sizes(e: Evidence) -> list[Predicate]:
    """Questions about an index and a size, with one answer so far: no model is looked for that has another."""
    loops = {loop.name for one in e.traces for loop in one.loops}
    asked = {p: p.symbols - loops for p, truths in answers(e.traces).items() if len(truths) == 1}
    sizes = {p: names.difference(e.structural) for p, names in asked.items() if names != p.symbols}
    return [p for p, names in sizes.items() if names and all(type(e.base.get(n)) is int for n in names)]


def far_answer(p: Predicate, usual: bool, e: Evidence, admitted: Callable[[Structure], bool]) -> Condition | None:
    """The condition under which *p* has its *usual* answer at every index of the loop around it; see `beyond`."""
    nest = nest_of(p, e.traces)
    if len(nest) != 1 or not p.symbols - {nest[0].name} <= e.base.keys():
        return None
    return beyond(p, nest[0], usual, {n: e.base[n] for n in {*e.structural, *p.symbols} & e.base.keys()}, admitted)


def beyond(
    p: Predicate, loop: Loop, usual: bool, base: Mapping[str, Number], admitted: Callable[[Structure], bool]
) -> Condition | None:
    """The condition under which the question *p* has its *usual* answer at every index of *loop*.

    It is that it has it at the last one, or, where the answers go to and fro, that there are as few layers as were
    looked at; `None` if it has no other answer however many layers there are.

    Args:
        p: about the index of the loop, and about fields.
        loop: whose bounds are of fields alone.
        usual: the answer that it always had.
        base: the values of the structural fields by default.
        admitted: whether there is a model of such values.
    """
    first, last, step = loop.bounds
    depths = sorted(free_symbols(last) & base.keys())
    if step.op != "const" or not depths or any(n.startswith("#") for n in free_symbols(last) | free_symbols(first)):
        return None
    others = sorted((p.symbols & base.keys()).difference(depths))
    far = (s for depth in _DEPTHS for s in _around(base, depths, others, depth))
    if not any(_answered(p, loop, s, not usual) for s in far if admitted(s)):
        return None
    at_last = p.renamed({loop.name: ex.sub(last, ex.const(1))}).condition(usual)
    dense = (s for depth in range(1, _DENSE) for s in _around(base, depths, others, depth))
    steady = all(holds(at_last, s) is not _answered(p, loop, s, not usual) for s in dense)
    plain = steady and step.args[0] == 1 and all(map(_exact, (at_last.left, at_last.right)))
    return at_last if plain else Condition("<=", last, ex.const(DEEPEST), "")


def _exact(node: Node) -> bool:
    """Whether an expression has exact values: no root, no logarithm."""
    if node.op in ("sym", "const"):
        return True
    root = node.op == "log" or (node.op == "pow" and not node.args[1].integral)
    return not root and all(map(_exact, node.args))


def _around(base: Mapping[str, Number], depths: list[str], others: list[str], depth: int) -> Iterator[Structure]:
    """Structures of that depth, the other fields each as by default, at one, and larger."""
    for values in product(*((base[n], 1, 3) for n in others)):
        yield {**base, **dict.fromkeys(depths, depth), **dict(zip(others, values, strict=True))}


def _answered(p: Predicate, loop: Loop, values: Structure, truth: bool) -> bool:
    """Whether *p* has that answer at an index of the loop; of a long one, at those near its ends and in between."""
    first, last, step = (int(ex.evaluate(bound, values)) for bound in loop.bounds)
    every = range(first, last, step)
    several = every if len(every) <= _DENSE else (*every[:_FEW], *every[-_FEW:], *every[:: len(every) // _FEW])
    return any(p.holds({**values, loop.name: index}) is truth for index in several)
