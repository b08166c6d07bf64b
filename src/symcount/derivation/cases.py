"""Cases: both sides of a branch at equal sizes (`if embedding_size != hidden_size`) in one formula.

A row that only one side has, or that is there another number of times, is multiplied with one on its side and with zero
on the other: of integers, `min(1, max(a - b, b - a))` is one exactly where a and b differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from symcount.concolic.config.symbolic import Number
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols
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
    branches = [c for c in h.conditions if _of_sizes(c, h.evidence)]
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
    return _merged(h, other, branch)


def _of_sizes(c: Condition, e: Evidence) -> bool:
    """Whether a condition compares two sizes for equality."""
    sizes = shape_symbols(e.traces) - set(e.structural)
    fields = (c.left, c.right)
    return c.relation in ("==", "!=") and all(side.op == "sym" and side.args[0] in sizes for side in fields)


def _other_side(e: Evidence, branch: Condition) -> dict[str, Number] | None:
    """The default config but for one of the two sizes, at which the branch is the other one and all else as it is."""
    left, right = (str(side.args[0]) for side in (branch.left, branch.right))
    others = [c for c in e.asked if {c.left, c.right} != {branch.left, branch.right}]
    for name, value in ((left, e.base[right]), (right, e.base[left])):
        for number in (value,) if branch.relation == "!=" else (2 * value, 3 * value):
            base = {**e.base, name: number}
            known = (c for c in others if name in free_symbols(c.left) | free_symbols(c.right))
            if all(holds(c, base) for c in known) and possible(e, [base]) is not None:
                return base
    return None


def _merged(h: Hypotheses, other: Hypotheses, branch: Condition) -> Hypotheses:
    """Both sides: each multiplicity where it is the same on both, and otherwise times the truth of its side."""
    differ = ex.minimum(_ONE, ex.maximum(ex.sub(branch.left, branch.right), ex.sub(branch.right, branch.left)))
    equal = ex.sub(_ONE, differ)
    here, there = (differ, equal) if branch.relation == "!=" else (equal, differ)
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
