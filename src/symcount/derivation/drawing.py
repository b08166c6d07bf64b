"""Points of a formula's domain at which its certificate compares it with real models."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping

from symcount.concolic.config.symbolic import Number as Field
from symcount.concolic.traces import Trace
from symcount.concolic.values.predicates import holds
from symcount.derivation.formula import DerivedFormula
from symcount.derivation.points import repair, sample
from symcount.derivation.selectors import selector_points
from symcount.derivation.structure import model_conditions
from symcount.derivation.untried_depths import beyond, other_sides
from symcount.errors import SymcountError
from symcount.exact.evaluate import Number, as_written, compile_scalar

__all__ = ["draw", "edges", "inside", "values_of"]

ATTEMPTS = 50
DEEP = 0.3  # share of the points at which one depth is larger than at the others
DEEPER = 8  # by that much
FAR = (33, 160)  # numbers of layers beyond any period or index that code is written with


def draw(
    formula: DerivedFormula, rng: random.Random, *, share: float = 1.0, far: bool = False,
    reads: Collection[str] | None = None,
) -> dict[str, Field]:  # fmt: skip
    """A random point of the formula's domain, by config field; about a *share* of the fields moves.

    Those are all whole numbers, and the others that the class *reads*. If *far*, one number of layers is as large as a
    model can have without taking long.
    """
    base, structural = formula.base, formula.structural
    read = formula.default.config_reads if reads is None else reads
    movable = [
        name
        for name, value in base.items()
        if name not in structural and name not in formula.pinned and not name.endswith("token_id")
        and (isinstance(value, int) or name.partition("[")[0] in read)
    ]  # fmt: skip
    conditions = list(formula.asked)
    for _ in range(ATTEMPTS):
        values = sample(base, movable, conditions, rng, attempts=60, share=share, wide=share > 0.5)
        drawn = selector_points(formula.selectors, formula.depths, base, formula.default, rng, least=formula.least)
        moved = {name for name in structural if share > 0.5 or rng.random() < share}
        if formula.depths and (far or rng.random() < DEEP):  # a pattern may look otherwise among many than among few
            name = rng.choice(formula.depths)
            if base[name]:
                drawn[name] = _deepest(formula, {**values, **drawn}, name, rng) if far else drawn[name] + DEEPER
                moved |= {name} if far else set()
        values.update({name: drawn[name] if name in moved else base[name] for name in structural})
        repair(values, conditions, structural)  # one depth may have to be the sum of others
        if all(holds(c, values) for c in conditions) and inside(formula, values) and _small(formula, values):
            return values
    return dict(base)


def edges(formula: DerivedFormula, seen: Trace) -> Iterator[dict[str, Field]]:
    """Points beside the default at which the class treats one field in another way, as a trace of it has *seen*.

    They are on the other side of a comparison with a number, or they have as many layers as the code names.
    """
    depths = [n for n in formula.depths if formula.base[n]]
    changes = [(name, number) for _, name, number in other_sides(model_conditions(seen), formula.base)]
    far, named = beyond(formula.cls, formula.source, seen)
    changes += [(depth, number) for depth in depths for number in (*named, far) if number]
    changes += [(left, formula.base[right]) for left, right in _equal_sizes(seen) if right in formula.base]
    for name, number in dict.fromkeys(changes):
        point = {**formula.base, name: number}
        if name not in formula.pinned and point != formula.base and inside(formula, point) and _small(formula, point):
            yield point


def _equal_sizes(seen: Trace) -> Iterator[tuple[str, str]]:
    """Pairs of fields that the class compares for equality."""
    for c in model_conditions(seen):
        if c.relation in ("==", "!=") and c.left.op == c.right.op == "sym":
            yield from ((c.left.args[0], c.right.args[0]), (c.right.args[0], c.left.args[0]))


def _deepest(formula: DerivedFormula, point: Mapping[str, Field], depth: str, rng: random.Random) -> Field:
    """A large number of layers, but of a model that takes no longer to build than others."""
    number = rng.randint(*FAR)
    while number > point[depth] and not _small(formula, {**point, depth: number}):
        number -= max(1, number // 8)
    return max(number, point[depth])


def _small(formula: DerivedFormula, point: Mapping[str, Field]) -> bool:
    """Whether the model at *point* has not many times as many tensors as by default: building it would take long."""
    values, default = values_of(formula, point), values_of(formula, formula.base)
    repeats = [compile_scalar(row.number) for row in formula.ledger]
    return bool(sum(f(values) for f in repeats) <= 5 * sum(f(default) for f in repeats) + 500)


def values_of(formula: DerivedFormula, point: Mapping[str, Field]) -> dict[str, Number]:
    """The values by letter at a *point* by config field."""
    values: dict[str, Number] = {}
    for e in formula.notation:
        value = point[e.field]
        values[e.letter] = as_written(value) if isinstance(value, float) else value
    return values


def inside(formula: DerivedFormula, point: Mapping[str, Field]) -> bool:
    """Whether *point* is in the formula's domain."""
    try:
        formula.values({e.letter: point[e.field] for e in formula.notation})
    except SymcountError:
        return False
    return True
