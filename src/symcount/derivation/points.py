"""Points of the domain at which a model is constructed: every field moves, every known condition stays true.

Which conditions a model has is learned from its traces (`a divides b`, `d·a == h`, `k <= n`). A candidate is drawn at
random, the conditions are repaired one after the other where that is easy, and the candidate is kept if all hold.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from symcount.concolic.config.symbolic import Number
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.errors import DerivationError

REDRAWN = 8  # times that the fields of a condition that does not hold are drawn again, the last time as they were
NUDGED = 16  # a larger divisor is not reached by small steps

__all__ = ["grid_size", "repair", "sample", "scaled"]


def scaled(base: Mapping[str, Number], fields: Iterable[str], factor: int) -> dict[str, Number]:
    """*base* with each of *fields* multiplied by *factor*."""
    return {**base, **{name: base[name] * factor for name in fields}}


def sample(
    base: Mapping[str, Number],
    movable: Sequence[str],
    conditions: Sequence[Condition],
    rng: random.Random,
    *,
    largest: int = 1 << 16,
    attempts: int = 200,
    share: float = 1.0,
    wide: bool = False,
) -> dict[str, Number]:
    """Draw values for the *movable* fields near *base* at which all *conditions* hold.

    With *wide* the values come from a grid of `grid_size` values; otherwise from a few, simple multiples of *base*, and
    the fields of a condition that does not hold are drawn again by themselves.

    A *share* of them moves at first, and fewer if the conditions do not let that be; *base* itself is the last resort.
    """
    fields = set(movable)  # whether the other conditions hold is decided already
    relevant = [c for c in conditions if not fields.isdisjoint(c.symbols)]
    for attempt in range(attempts):
        part = share if attempt < attempts // 4 else rng.choice((0.8, 0.5, 0.25)) * share
        moved = {name for name in movable if rng.random() < part}
        values = dict(base)
        for name in movable:
            if name in moved:
                values[name] = _anywhere(base[name], rng) if wide else _drawn(base[name], rng, largest)
        repair(values, relevant, moved, {} if wide else base)
        broken = _broken(relevant, values)
        for number in range(0 if wide else REDRAWN):
            names = set().union(*(c.symbols for c in broken)) & moved
            if not names:
                break
            for name in [n for n in movable if n in names]:
                values[name] = base[name] if number == REDRAWN - 1 else _drawn(base[name], rng, largest)
            repair(values, relevant, moved, {} if wide else base)
            broken = _broken(relevant, values)
        if not broken and any(values[n] != base[n] for n in movable):
            return values
    return dict(base)


def _broken(conditions: Iterable[Condition], values: Mapping[str, Number]) -> list[Condition]:
    memo: dict[Node, Any] = {}
    return [c for c in conditions if not holds(c, values, memo)]


def grid_size(value: Number) -> int:
    """How many values a field with this default is drawn from, with *wide*."""
    if value <= 0:
        return 1
    return 16 if value <= 16 else 64


def _anywhere(value: Number, rng: random.Random) -> Number:
    """A number of a grid around *value*; of floats one that is a binary fraction, so that no rounding is met."""
    if isinstance(value, float):
        if value <= 1:  # a rate, or what keeps a divisor from zero
            return value if value < 0 else rng.randint(value > 0, 16) / 16
        return (
            rng.randint(4, max(20, int(16 * value))) / 4
            if value <= 64
            else float(int(value) // 16 * rng.randint(1, 64))
        )
    if value < 1:
        return value
    return rng.randint(1, 16) if value <= 16 else max(1, int(value) // 16) * rng.randint(1, 64)


def _drawn(value: Number, rng: random.Random, largest: int) -> Number:
    """Another number of the same kind: never *value* itself, so that nothing stays where it was by chance."""
    if isinstance(value, float):
        if value <= 1:  # a rate, which stays one
            return value if value < 0 else rng.choice([n / 16 for n in range(1, 16) if n / 16 != value])
        return value + rng.choice((0.5, 1.5, 2.5)) if value <= 64 else value * rng.choice((2, 3))
    if value < 1:
        return value
    if value <= 4:
        return int(value) + rng.randint(1, 3)
    up, down = rng.choice(((2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (3, 2), (5, 4), (7, 4), (1, 2), (3, 4)))
    drawn = int(value) * up // down
    return drawn if drawn <= max(largest, 4) else max(1, int(value) // rng.randint(2, 5))


def repair(
    values: dict[str, Number],
    conditions: Sequence[Condition],
    movable: Collection[str],
    avoided: Mapping[str, Number] = MappingProxyType({}),
) -> None:
    """Change some of the *movable* values so that as many *conditions* hold as is easy, to others than *avoided*."""
    memo: dict[Node, Any] = {}
    for _ in range(3):
        whole = True
        for condition in conditions:
            if holds(condition, values, memo):
                continue
            whole = False
            for node, other in ((condition.left, condition.right), (condition.right, condition.left)):
                if _repaired(condition, node, other, values, movable, avoided):
                    memo.clear()
                    break
            else:
                if _nudged(condition, values, movable):
                    memo.clear()
        if whole:
            break


def _nudged(condition: Condition, values: dict[str, Number], movable: Collection[str]) -> bool:
    """Add a little to one symbol so that a small number divides what it is in: `(kernel_size - 1) / 2`."""
    if condition.relation != "divides" or condition.left.op != "const":
        return False
    for name in sorted(ex.free_symbols(condition.right) & set(movable)):
        before = values[name]
        for step in range(1, min(int(condition.left.args[0]), NUDGED)):
            values[name] = before + step
            if holds(condition, values):
                return True
        values[name] = before
    return False


def _repaired(
    condition: Condition,
    node: Node,
    other: Node,
    values: dict[str, Number],
    movable: Collection[str],
    avoided: Mapping[str, Number],
) -> bool:
    """Change the one symbol that *node* is, so that *condition* holds; false if that is not possible."""
    if node.op != "sym" or node.args[0] not in movable:
        return False
    name, before = node.args[0], values[node.args[0]]
    try:
        target = ex.evaluate(other, values)
    except (DerivationError, ArithmeticError, TypeError):
        return False
    if condition.relation == "divides":
        if not isinstance(target, int) or not isinstance(before, int) or target == 0:
            return False
        if node is condition.left:  # a divisor of the target, the largest not above the drawn one
            divisors = (d for d in range(min(before, target), 0, -1) if target % d == 0)
            values[name] = next((d for d in divisors if d != avoided.get(name)), 1)
        else:
            values[name] = max(target, before - before % target)
    elif condition.relation == "==" and isinstance(target, int) and target > 0:
        values[name] = target
    elif condition.relation in ("<", "<=", ">", ">=") and isinstance(target, int):
        low = (condition.relation in ("<", "<=")) == (node is condition.left)
        strict = len(condition.relation) == 1
        values[name] = target - strict if low else target + strict
    else:
        return False
    if isinstance(before, float):  # a rate stays one: `0` would next be doubled, and made one, as integers are
        values[name] = float(values[name])
    if holds(condition, values):
        return True
    values[name] = before
    return False
