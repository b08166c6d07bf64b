"""Answers that a question about an index has only in models of more layers than are built.

`i < 300` has one answer in all models of fewer layers. A formula that was seen in these holds as far as that is so.

>>> i, n, k = ex.symbol("#0"), ex.symbol("layers"), ex.symbol("k")
>>> loop = Loop("#0", "doctest", (ex.const(0), n, ex.const(1)), ())
>>> asked = Predicate("<", ex.mul(i, i), ex.mul(ex.const(90000), k))
>>> print(beyond(asked, loop, True, {"layers": 4, "k": 2}, lambda structure: True))
((layers + -1) * (layers + -1)) < (90000 * k)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from symcount.concolic.config.symbolic import Number
from symcount.concolic.traces import Trace
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.path import Condition, Loop
from symcount.concolic.values.predicates import Predicate, constants, holds, predicate_of
from symcount.derivation.evidence import Evidence
from symcount.derivation.probes import DEEPEST, Structure
from symcount.derivation.questions import answers, nest_of
from symcount.derivation.structure import is_model_code
from symcount.derivation.tables import Table, iterations

__all__ = ["asked_behind", "beyond", "far_answer", "meeting_sizes", "unseen_together"]

_DEPTHS: Final = (20, 300, 1_000, 10_000, 1_000_000)  # at which another answer is looked for
_DEEP: Final = (300, 1_000)  # the same, of several answers together
_EVERY: Final = 10_000  # iterations of which each is looked at


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


def unseen_together(table: Table, base: Mapping[str, Number]) -> Condition | None:
    """The condition under which no iteration of a *table*'s loop has answers that were seen apart, but never together.

    They are looked for at the values of *base*, with more layers.

    >>> i, n = ex.symbol("#0"), ex.symbol("layers")
    >>> loop = Loop("#0", "doctest", (ex.const(0), n, ex.const(1)), ())
    >>> asked = Predicate("divides", ex.const(200), i), Predicate("==", i, ex.const(0))
    >>> seen = {(True, True): 1, (False, False): 2}
    >>> print(unseen_together(Table((loop,), asked, seen), {"layers": 4}))
    layers <= 200
    """
    if len(table.predicates) < 2 or len(table.loops) != 1 or table.tried:
        return None
    (loop,) = table.loops
    depths = sorted(free_symbols(loop.bounds[1]) & base.keys())
    for depth in _DEEP if depths and loop.bounds[0].op == "const" else ():
        values = {**base, **dict.fromkeys(depths, depth)}
        for place in iterations(table.loops, values):
            if tuple(p.holds(place) for p in table.predicates) not in table.numbers:
                bound = Condition("<=", loop.bounds[1], ex.const(place[loop.name]), "")
                return bound if holds(bound, base) else None  # else it is the depth itself that was asked about
    return None


def asked_behind(e: Evidence, admitted: Callable[[Structure], bool]) -> Iterator[tuple[Condition, Predicate]]:
    """Questions that were asked only where another one had one answer, and that have another one there far beyond.

    In `if i % 200 == 0 and i > 0` the second is asked at zero alone, in all models that are built. With each the
    condition under which it is so.
    """
    asked = _asked_at([*e.traces])
    for p, at in asked.items():
        usual = next(iter(at.values()))
        if set(at.values()) != {usual} or len(nest := nest_of(p, e.traces)) != 1:
            continue
        for q, places in asked.items():
            before = {places.get(place) for place in at}
            if q is p or len(before) != 1 or None in before or set(places.values()) == before:
                continue
            both = {p: not usual, q: before == {True}}
            first = _first_of_both(nest[0], both, {n: e.base[n] for n in e.structural}, admitted)
            if first is None:
                continue
            bound = Condition("<=", nest[0].bounds[1], ex.const(first), "")
            if bound not in e.guards and all(holds(bound, one.symbols) for one in e.traces):
                yield bound, p
                break


def _asked_at(traces: Sequence[Trace]) -> dict[Predicate, dict[tuple[int, str, int], bool]]:
    """What was asked of one index: the answer in each trace and iteration."""
    found: dict[Predicate, dict[tuple[int, str, int], bool]] = {}
    for number, one in enumerate(traces):
        for condition in one.predicates:
            places = {*_indices(condition.left), *_indices(condition.right)}
            asked = condition.relation != "ieee" and is_model_code(condition.module) and not condition.exact
            if asked and len(places) == 1:
                p, truth = predicate_of(condition)
                found.setdefault(p, {})[number, *places.pop()] = truth
    return found


def _indices(node: Node) -> Iterator[tuple[str, int]]:
    """The indices in an expression, each with its value."""
    if node.op == "index":
        yield node.args[0], node.args[1]
    elif node.indexed:
        for part in node.args:
            yield from _indices(part)


def _first_of_both(
    loop: Loop, both: Mapping[Predicate, bool], base: Mapping[str, Number], admitted: Callable[[Structure], bool]
) -> int | None:
    """The first index of a long loop at which all questions have these answers."""
    depths = sorted(free_symbols(loop.bounds[1]) & base.keys())
    known = {loop.name, *base}
    if not depths or loop.bounds[0].op != "const" or not all(p.symbols <= known for p in both):
        return None
    far = ({**base, **dict.fromkeys(depths, depth)} for depth in _DEEP)
    places = (place for structure in far if admitted(structure) for place in iterations((loop,), structure))
    met = (place for place in places if all(p.holds(place) is truth for p, truth in both.items()))
    return next((int(place[loop.name]) for place in met), None)


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
    turns = [(s, turn) for s in _around(base, others) if (turn := _turn(p, loop, s, depths, not usual, admitted))]
    if not turns:
        return None
    at_last = p.renamed({loop.name: ex.sub(last, ex.const(1))}).condition(usual)
    ways = [at_last]
    if p.relation == "==" and loop.name not in free_symbols(p.right):
        ways.append(Condition("<=", last, p.right, ""))  # fewer than the index that it is compared with
    for condition in ways if step.args[0] == 1 else ():
        if _exact(condition.left) and _exact(condition.right) and all(_says(condition, depths, *one) for one in turns):
            return condition
    return Condition("<=", last, ex.const(DEEPEST), "")


def _around(base: Mapping[str, Number], others: list[str]) -> Iterator[Structure]:
    """Structures with the fields that are no depth as by default, at one, and larger."""
    for values in product(*((base[n], 1, 3) for n in others)):
        yield {**base, **dict(zip(others, values, strict=True))}


def _turn(
    p: Predicate, loop: Loop, values: Structure, depths: list[str], truth: bool, admitted: Callable[[Structure], bool]
) -> int:
    """The first depth at which *p* has that answer for some index; zero if there is none."""
    for depth in _DEPTHS:
        far = {**values, **dict.fromkeys(depths, depth)}
        first, last, step = (int(ex.evaluate(bound, far)) for bound in loop.bounds)
        every = range(first, last, step)
        several = every if len(every) <= _EVERY else sorted({*every[:: len(every) // _EVERY], *_near(p, far, every)})
        turn = next((i for i in several if p.holds({**far, loop.name: i}) is truth), None)
        if turn is not None and admitted(far):
            return turn + 1
    return 0


def _near(p: Predicate, values: Structure, every: range) -> Iterator[int]:
    """Indices near the numbers that a question compares with."""
    sides = (ex.value_at(side, values) for side in (p.left, p.right))
    for number in (*constants(p), *(int(side) for side in sides if isinstance(side, int))):
        yield from (i for i in range(number - 2, number + 3) if i in every)


def _says(condition: Condition, depths: list[str], values: Structure, turn: int) -> bool:
    """Whether a condition is true below the depth *turn*, and false from there on."""
    for depth in {*range(1, turn + 3)} if turn < _EVERY else {1, turn - 1, turn, turn + 1, 2 * turn}:
        if holds(condition, {**values, **dict.fromkeys(depths, depth)}) is not (depth < turn):
            return False
    beyond_it = (turn * factor + more for factor in (1, 2, 3, 10) for more in range(12))
    return not any(holds(condition, {**values, **dict.fromkeys(depths, depth)}) for depth in beyond_it)


def _exact(node: Node) -> bool:
    """Whether an expression has exact values: no root, no logarithm."""
    if node.op in ("sym", "const"):
        return True
    root = node.op == "log" or (node.op == "pow" and not node.args[1].integral)
    return not root and all(map(_exact, node.args))
