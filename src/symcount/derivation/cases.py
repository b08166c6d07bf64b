"""Cases: both sides of a branch in one formula: at equal sizes (`if embedding_size != hidden_size`), or at a multiple.

A row that only one side has, or that is there another number of times, is multiplied with one on its side and with zero
on the other: of integers, `min(1, max(a - b, b - a))` is one exactly where a and b differ, and `min(1, v % m)` where m
does not divide v (`if vocab_size % multiple: vocab_size += …`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from symcount.concolic.config.symbolic import Number
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.concolic.values.rewriting import collected
from symcount.derivation.evidence import Evidence, Hypotheses, Plan
from symcount.derivation.rows import Row
from symcount.derivation.runs import possible
from symcount.derivation.structure import shape_symbols
from symcount.errors import DerivationError

__all__ = ["with_cases"]

_ONE = ex.const(1)


def with_cases(h: Hypotheses, derived: Callable[[Plan], Hypotheses]) -> Hypotheses:
    """The hypotheses with both sides of the one branch at equal sizes that the code has, if there is just one.

    Args:
        h: one side.
        derived: derives the hypotheses of a plan, which are those of the other side here.
    """
    branches = [c for c in h.conditions if _of_sizes(c, h.evidence) or _of_multiples(c, h.evidence)]
    pairs = {frozenset((c.left, c.right)) for c in branches}
    if len(pairs) != 1:
        return h
    branch = branches[0]
    base = _other_side(h.evidence, branch)
    if base is None:
        return h
    e = h.evidence
    plan = Plan(
        e.plan.cls, e.plan.source, base, e.pinned, e.plan.discovered, e.plan.least, suppose=e.plan.suppose,
        journal=e.journal,
    )  # fmt: skip
    e.journal.note(f"case: {branch}; the other side is derived as well")
    try:
        other = derived(plan)
    except DerivationError:
        return h
    if other.evidence.pinned.keys() != e.pinned.keys() or set(other.evidence.structural) != set(e.structural):
        return h
    if h.series or other.series:  # a sum over an index is not multiplied with the truth of a side
        return h
    return _merged(h, other, branch)


def _of_sizes(c: Condition, e: Evidence) -> bool:
    """Whether a condition compares two sizes for equality."""
    sizes = shape_symbols(e.traces) - set(e.structural)
    fields = (c.left, c.right)
    return c.relation in ("==", "!=") and all(side.op == "sym" and side.args[0] in sizes for side in fields)


def _of_multiples(c: Condition, e: Evidence) -> bool:
    """Whether a size was found to be no multiple, and the model was made: a check would have refused it."""
    sizes = shape_symbols(e.traces) - set(e.structural)
    number = c.left.op == "const" or (c.left.op == "sym" and c.left.args[0] not in e.structural)
    return c.relation == "not divides" and number and c.right.op == "sym" and c.right.args[0] in sizes


def _changes(e: Evidence, branch: Condition) -> Iterator[tuple[str, Number]]:
    """A field and a value at which the branch is the other one."""
    if branch.relation == "not divides":
        divisor = int(branch.left.args[0] if branch.left.op == "const" else e.base[branch.left.args[0]])
        name = str(branch.right.args[0])
        yield from ((name, divisor * max(1, int(e.base[name]) // divisor + more)) for more in (0, 1, 2))
        return
    left, right = (str(side.args[0]) for side in (branch.left, branch.right))
    for name, value in ((left, e.base[right]), (right, e.base[left])):
        yield from ((name, number) for number in ((value,) if branch.relation == "!=" else (2 * value, 3 * value)))


def _other_side(e: Evidence, branch: Condition) -> dict[str, Number] | None:
    """The default config but for one of the two sizes, at which the branch is the other one and all else as it is."""
    others = [c for c in e.asked if {c.left, c.right} != {branch.left, branch.right}]
    for name, number in _changes(e, branch):
        base = {**e.base, name: number}
        known = (c for c in others if name in c.symbols)
        if all(holds(c, base) for c in known) and possible(e, [base]) is not None:
            return base
    return None


def _merged(h: Hypotheses, other: Hypotheses, branch: Condition) -> Hypotheses:
    """Both sides: each multiplicity where it is the same on both, and otherwise times the truth of its side."""
    if branch.relation == "not divides":
        differ = ex.minimum(_ONE, ex.mod(branch.right, branch.left))
    else:
        differ = ex.minimum(_ONE, ex.maximum(ex.sub(branch.left, branch.right), ex.sub(branch.right, branch.left)))
    equal = ex.sub(_ONE, differ)
    here, there = (equal, differ) if branch.relation == "==" else (differ, equal)
    times: dict[Row, Node] = {}
    for row in dict.fromkeys([*h.times, *other.times]):
        mine, theirs = (side.times.get(row, ex.const(0)) for side in (h, other))
        times[row] = mine if collected(mine) is collected(theirs) else ex.add(ex.mul(mine, here), ex.mul(theirs, there))
    rest, others = (
        [c for c in side.conditions if {c.left, c.right} != {branch.left, branch.right}] for side in (h, other)
    )
    if {(c.relation, c.left, c.right) for c in others} - {(c.relation, c.left, c.right) for c in rest}:
        return h  # what only the other side supposes
    return replace(h, times=times, conditions=tuple(rest), classes={**other.classes, **h.classes})
