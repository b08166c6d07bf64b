"""The pipeline of a derivation: plan, evidence, hypotheses or a verdict, and in the end what a formula is made of.

Two kinds of doubt are settled before a formula is returned:

* a dimension that lost its expression on the way shows as two different rows where there should be one, because the
  runs are at different values of every field; the field responsible is then kept concrete, and the domain says so;
* a multiplicity that no loop explains does the same for the depth field responsible.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from symcount.concolic.config.config_source import ConfigSource
from symcount.concolic.config.symbolic import Number
from symcount.concolic.session import quiet
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.derivation.cases import with_cases
from symcount.derivation.closed_forms import count_iterations
from symcount.derivation.depth_limits import contradicted, deepest
from symcount.derivation.evidence import Bound, Consider, Evidence, Hypotheses, Pin, Plan, Verdict
from symcount.derivation.indexed_shapes import beside_indices, exact_quotients
from symcount.derivation.layer_order import check_order, dispensable
from symcount.derivation.pinning import (
    UNEXPLAINED,
    culprits,
    lengths,
    lost,
    named,
    negative,
    ratios,
    rigid_fields,
    switches,
    transcendental,
    unmoved,
)
from symcount.derivation.questions import of_iteration
from symcount.derivation.runs import comparable, default_run, more_runs
from symcount.derivation.second_run import second_run
from symcount.derivation.selectors import selectors, steady
from symcount.derivation.sensitivity import doubtful, forced, suspects, unseen
from symcount.derivation.shallow_runs import from_shallow_runs
from symcount.derivation.structure import (
    HUGE,
    depth_fields,
    divisions_in,
    likely_depths,
    model_conditions,
    shape_symbols,
)
from symcount.derivation.substitution import alike, kept, still_asked
from symcount.derivation.untried_depths import untried
from symcount.errors import DerivationError

__all__ = ["derive_class"]

ROUNDS = 20
HIDDEN = "it changes the parameters, and no run shows how"


def derive_class(
    cls: type,
    source: ConfigSource,
    seed: int = 0,
    pinned: Mapping[str, Number] = MappingProxyType({}),
    *,
    suppose: bool = True,
) -> Hypotheses:
    """The rows of *cls* and their multiplicities, and the domain in which they hold.

    Args:
        cls: the model class.
        source: its config.
        seed: of the random values of runs.
        pinned: fields that stay at these values.
        suppose: whether sets of indices may be supposed of which the code asked nothing.

    Raises:
        DerivationError: the class cannot be constructed, or its structure was not understood.
    """
    plan = Plan(cls, source, pinned=pinned, suppose=suppose)
    try:
        with quiet():
            return with_cases(_derived(plan, seed), partial(_derived, seed=seed))
    finally:
        plan.journal.runs.clear()  # nothing needs them any more, and they are large


def _derived(plan: Plan, seed: int) -> Hypotheses:
    """The hypotheses that the plan, or one of those that verdicts make of it, leads to."""
    if (proved := from_shallow_runs(plan, random.Random(seed))) is not None:
        return _switched(_conditioned(proved))
    for _ in range(ROUNDS):
        evidence = default_run(plan)
        found = _inferred(evidence, random.Random(seed))
        if isinstance(found, Hypotheses):
            return found
        plan = found.next(evidence)
    raise DerivationError(
        f"{plan.cls.__name__}: no closed form was found; its structure depends on "
        f"{', '.join(plan.pinned) or 'something that no config field shows'} in a way "
        "that runs at several values did not explain"
    )


def _inferred(evidence: Evidence, rng: random.Random) -> Hypotheses | Verdict:
    """What follows from the default run and those that are made beside it, stage by stage."""
    found: Any = evidence
    for stage in (_compared, _structured, _counted, _checked, _bounded):
        found = stage(found, rng)
        if isinstance(found, Verdict):
            break
    return found  # type: ignore[no-any-return]  # the last stage gives hypotheses


def _compared(e: Evidence, rng: random.Random) -> Evidence | Verdict:
    """With a second run, at which as many fields move as possible."""
    if fields := ratios(e, [e.default]) or negative(e) or lengths(e, refused=False):
        return _pin(e, fields, UNEXPLAINED)
    if len(e.plan.observed) > 1:
        return e.with_traces(e.plan.observed[:2])
    counted = (n for n in depth_fields(e.default) if e.base[n] <= HUGE)
    likely = dict.fromkeys([*likely_depths(e.base), *e.plan.discovered, *counted])
    return second_run(e, [n for n in likely if n not in e.pinned], rng, doubtful(e, [e.default]))


def _structured(e: Evidence, rng: random.Random) -> Evidence | Verdict:
    """With the fields that decide the structure, and runs in which each of them moved."""
    seen = e.traces
    in_shapes = shape_symbols(seen)
    found = dict.fromkeys([*e.plan.discovered, *(n for t in seen for n in depth_fields(t))])
    depths = [n for n in found if n not in e.pinned]
    sizes = in_shapes - beside_indices(seen)
    chosen = dict.fromkeys(n for t in seen for n in selectors(t, depths, sizes) if n not in e.pinned)
    e = replace(e, structural=(*depths, *(n for n in chosen if n not in steady(seen, depths))))
    if fields := lengths(e, refused=True):
        return _pin(e, fields, UNEXPLAINED)
    e = e.with_traces(comparable(e, seen))
    if len(e.traces) > 1 and len(e.plan.observed) < 2 and (early := suspects(e) or forced(e)):
        pinned = {name: e.base[name] for name in early}
        return Pin(tuple(early), HIDDEN, tuple(kept(seen, pinned)) if alike(seen) else ())
    e = e.with_traces(comparable(e, [*e.traces, *e.plan.observed[2:]]))
    numbers = [n for n in (*in_shapes, *depths) if e.base[n] and isinstance(e.base[n], int)]  # a ratio never moves
    if len(seen) < 2 or any(seen[1].symbols.get(n) == e.base[n] for n in numbers):
        e = more_runs(e, 1, rng)
    if len(e.traces) < 2 and e.structural:
        if fields := rigid_fields(e, seen):
            return _pin(e, fields, UNEXPLAINED)
        e = more_runs(e, 3, rng, enough=2)
    return e


def _counted(e: Evidence, rng: random.Random) -> Hypotheses | Verdict:
    """The multiplicities; which fields to keep concrete where they are not understood."""
    found = count_iterations(e, rng)
    e = found.evidence if isinstance(found, Hypotheses) else found
    if fields := transcendental(e):
        return _pin(e, fields, UNEXPLAINED)
    if not isinstance(found, Hypotheses) or lost(e):
        fields = suspects(e)
        return _pin(e, fields, UNEXPLAINED) if fields else _relaxed(e, culprits(e))
    return _conditioned(found)


def _conditioned(h: Hypotheses) -> Hypotheses:
    """With what was asked of sizes."""
    conditions, forward = _conditions(h.evidence, h.times.values())
    scaled = [c for c in conditions if c.exact and c.left.op == "const" and (_multiple(c.right) or _sum(c.right))]
    return replace(
        h,
        conditions=tuple(c for c in conditions if c not in scaled),
        rounded=frozenset((c.left, c.right) for c in scaled),
        forward=tuple(forward),
    )


def _checked(h: Hypotheses, rng: random.Random) -> Hypotheses | Verdict:  # a stage like the others
    """The hypotheses, if no field decides about parameters that no run moved."""
    e = h.evidence
    fields = unmoved(e) or ratios(e, e.traces) or unseen(h) or suspects(e)
    if not fields:
        return h
    others = (t for t in e.traces if t is not e.default)
    pinned = {name: e.base[name] for name in fields}
    found = tuple(kept([e.default, *others], pinned))  # all expressions are there
    return _relaxed(e, Pin(tuple(fields), HIDDEN, found, tuple(still_asked(e.guards, pinned))))


def _bounded(h: Hypotheses, rng: random.Random) -> Hypotheses | Consider:  # the same
    """The hypotheses with the domain in which they hold."""
    h = _switched(h)
    check_order(h)
    h = replace(h, dispensable=dispensable(h))
    most = deepest(h)
    return (not most and contradicted(h)) or untried(replace(h, most=most))


def _switched(h: Hypotheses) -> Hypotheses:
    """With what turns parts of the model on or off."""
    return replace(h, switches=tuple(switches(h)))


def _pin(e: Evidence, fields: Sequence[str], why: str) -> Verdict:
    return _relaxed(e, Pin(tuple(fields), why))


def _relaxed(e: Evidence, verdict: Verdict) -> Verdict:
    """A verdict, or that a depth need only be so large that it has the last layer that a list names."""
    least = named(e, verdict.fields) if isinstance(verdict, Pin) else {}
    return Bound(least) if least else verdict


def _multiple(node: Node) -> bool:
    """Whether an expression is a field times a number: `int(2 * width / 3)` is rounded, as the code says."""
    return node.op == "mul" and {a.op for a in node.args} == {"const", "sym"}


def _sum(node: Node) -> bool:
    """Whether an expression is a sum: of `(size - 8) // 4 + 1` windows there are as many as there is room for."""
    return node.op in ("add", "sub") and node.integral


def _conditions(e: Evidence, times: Iterable[Node]) -> tuple[list[Condition], list[Condition]]:
    """What the model's code asked in any run and what was true in all of them; and what only a forward pass needs.

    `A // K` is asked to be exact, so that it is a quotient wherever it stands. If it stands in no size and no number of
    layers, nothing is counted with it: the code has it for its forward pass.
    """
    seen: dict[tuple[Any, ...], Condition] = {}
    for c in (c for t in e.traces for c in model_conditions(t)):
        key = c.relation, c.left, c.right
        seen[key] = c if key not in seen or seen[key].exact else seen[key]  # a check of the code's own is not idle
    fields = set(e.structural)

    def of_structure(c: Condition) -> bool:
        return c.symbols <= fields

    found = [
        c
        for c in seen.values()
        if all(holds(c, t.symbols) for t in e.traces) and (not of_structure(c) or not of_iteration(c, e.traces))
    ]
    sides = [side for c in found if not c.exact for side in (c.left, c.right)]
    sizes, rounded = exact_quotients(e.traces)
    counted = {(c.left, c.right) for c in divisions_in((*sizes, *times, *sides))}
    idle = [c for c in found if c.exact and (c.left, c.right) not in counted]
    while inner := {
        (q.left, q.right) for c in found if c not in idle for q in divisions_in((c.left, c.right))
    } - counted:  # fmt: skip
        counted |= inner
        idle = [c for c in idle if (c.left, c.right) not in counted]
    floors = {(c.left, c.right) for c in divisions_in(rounded)}
    return [c for c in found if c not in idle], [c for c in idle if (c.left, c.right) not in floors]
