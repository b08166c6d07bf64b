"""The certificate: a derived formula against real models at random points of its domain.

At every point all integer fields move, those the formula depends on and those it claims not to. The real class is
built plainly, on the meta device, and compared tensor by tensor: name, shape, number. A polynomial of degree dᵢ in a
field drawn from Sᵢ values that is wrong anywhere agrees at r independent points with probability at most (Σ dᵢ/Sᵢ)^r
(Schwartz 1980, Zippel 1979); where the formula has floors that holds for each of its pieces.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Poly, Symbol

from symcount.derive.configs import Number as Field
from symcount.derive.configs import build
from symcount.derive.points import grid_size, holds, repair, sample
from symcount.derive.quiet import quiet
from symcount.derive.result import DerivedFormula
from symcount.derive.selecting import selector_points
from symcount.derive.structure import MANY
from symcount.errors import DerivationError, SymcountError, VerificationError
from symcount.evaluate import Number, as_written, compile_scalar
from symcount.foreign import guarded
from symcount.ledger import Row

__all__ = ["Certificate", "certify", "disagreements"]

DEEP = 0.3  # share of the points at which one depth is larger than at the others
FAR = 8  # by that much
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Certificate:
    """What was checked.

    Attributes:
        name: the model class.
        passed: number of random points at which every tensor agreed.
        seed: of the random points.
        varied: fields that took more than one value.
        bound: the probability that a wrong formula would have passed is at most this.
        redrawn: points that transformers itself refused, replaced by others.
    """

    name: str
    passed: int
    seed: int
    varied: tuple[str, ...]
    bound: Fraction
    redrawn: int = 0

    def __str__(self) -> str:
        return (
            f"{self.name}: exact at {self.passed} random points (seed {self.seed}), {len(self.varied)} fields varied; "
            f"a wrong formula passes with probability at most {float(self.bound):.2g}"
        )


@guarded
def certify(formula: DerivedFormula, trials: int = 8, seed: int = 0) -> Certificate:
    """Compare *formula* with *trials* real models.

    Raises:
        VerificationError: they disagree; the message says at which smallest change of fields, and in which tensor.
        DerivationError: not enough points of the domain could be built.
    """
    rng = random.Random(seed)
    passed = redrawn = full = 0
    seen: dict[str, set[Field]] = {}
    while passed < trials:
        if redrawn > 20 + 5 * trials:
            raise DerivationError(
                f"{formula.name}: only {passed} of {trials} points of the domain could be built; "
                "transformers refuses the others"
            )
        # where transformers refuses points, perhaps because a field may not move at all, fewer fields move at a time
        share = max(0.1, 0.8**redrawn)
        point = draw(formula, rng, share=share)
        real = _real(formula, point) if point != formula.base else None  # the default is no random point
        if real is None:
            redrawn += 1
            continue
        if differences := disagreements(formula, point, real):
            raise VerificationError(_smallest(formula, point, differences))
        passed += 1
        full += share == 1.0  # only these were drawn from the whole grid, which the bound speaks of
        for name, value in point.items():
            seen.setdefault(name, set()).add(value)
    varied = tuple(name for name, values in seen.items() if len(values) > 1)
    return Certificate(formula.name, passed, seed, varied, _bound(formula, full), redrawn)


def draw(formula: DerivedFormula, rng: random.Random, *, share: float = 1.0) -> dict[str, Field]:
    """A random point of the formula's domain, by config field; about a *share* of the fields moves."""
    assert formula.default is not None  # noqa: S101  # set by the engine
    base, structural = formula.base, formula.structural
    integers = [n for n, v in base.items() if isinstance(v, int) and n not in structural and n not in formula.pinned]
    movable = [n for n in integers if not n.endswith("token_id")]
    conditions = list(formula.asked)
    for _ in range(50):
        values = sample(base, movable, conditions, rng, attempts=60, share=share, wide=share > 0.5)
        drawn = selector_points(formula.selectors, formula.depths, formula.default, rng, least=formula.least)
        if formula.depths and rng.random() < DEEP:  # a pattern may look otherwise among many layers than among few
            name = rng.choice(formula.depths)
            drawn[name] += FAR if base[name] else 0
        moved = {name for name in structural if share > 0.5 or rng.random() < share}
        values.update({name: drawn[name] if name in moved else base[name] for name in structural})
        repair(values, conditions, structural)  # one depth may have to be the sum of others
        if all(holds(c, values) for c in conditions) and _inside(formula, values) and _small(formula, values):
            return values
    return dict(base)


def _small(formula: DerivedFormula, point: Mapping[str, Field]) -> bool:
    """Whether the model at *point* has not many times as many tensors as by default: building it would take long."""
    values, default = _values(formula, point), _values(formula, formula.base)
    repeats = [compile_scalar(row.repeat) for row in formula.ledger]
    return bool(sum(f(values) for f in repeats) <= 5 * sum(f(default) for f in repeats) + 500)


def _values(formula: DerivedFormula, point: Mapping[str, Field]) -> dict[str, Number]:
    values: dict[str, Number] = {}
    for e in formula.notation:
        value = point[e.field]
        values[e.letter] = as_written(value) if isinstance(value, float) else value
    return values


def _inside(formula: DerivedFormula, values: Mapping[str, Field]) -> bool:
    try:
        formula.values({e.letter: values[e.field] for e in formula.notation})
    except SymcountError:
        return False
    return True


def _real(formula: DerivedFormula, point: Mapping[str, Field]) -> Any:
    """The real model at *point*, or `None` if transformers does not build one there."""
    import torch

    assert formula.source is not None  # noqa: S101  # set by the engine
    assert formula.cls is not None  # noqa: S101  # the same
    try:
        with quiet(), torch.device("meta"):
            return formula.cls(build(formula.source, point, frozenset(point)).config)
    except Exception:  # noqa: BLE001  # whatever it is, the point is not one of the model's
        return None


def disagreements(formula: DerivedFormula, point: Mapping[str, Field], real: Any) -> list[str]:
    """Where formula and model disagree at *point* (by config field): names, shapes, numbers and sharing of tensors."""
    values = _values(formula, point)
    expected: Counter[tuple[str, tuple[int, ...], bool]] = Counter()
    for row in formula.ledger:
        expected[_key(row), _shape(row, values), row.alias_of is None] += int(compile_scalar(row.repeat)(values))
    actual: Counter[tuple[str, tuple[int, ...], bool]] = Counter()
    seen: set[int] = set()
    for name, tensor in real.named_parameters(remove_duplicate=False):
        first = id(tensor) not in seen
        seen.add(id(tensor))
        actual[_DIGITS.sub("*", name), tuple(tensor.shape), first] += 1
    found = []
    for key in dict.fromkeys([*expected, *actual]):
        if expected[key] != actual[key]:
            name, shape, _ = key
            found.append(f"{name} {shape}: {expected[key]} by the formula, {actual[key]} in the model")
    return found


def _key(row: Row) -> str:
    return _DIGITS.sub("*", row.tensor)


def _shape(row: Row, values: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(compile_scalar(dim)(values)) for dim in row.shape)


def _smallest(formula: DerivedFormula, point: Mapping[str, Field], differences: Sequence[str]) -> str:
    """Move fields of a failing point back to their defaults as long as it still fails; say what is left."""
    current = dict(point)
    for name, value in formula.base.items():
        if current.get(name) == value:
            continue
        trial = {**current, name: value}
        real = _real(formula, trial) if _inside(formula, trial) else None
        if real is not None and (found := disagreements(formula, trial, real)):
            current, differences = trial, found
    changed = {n: v for n, v in current.items() if v != formula.base.get(n)}
    said = ", ".join(f"{n} = {v} (default {formula.base.get(n)})" for n, v in changed.items()) or "the default config"
    return f"{formula.name}: formula and model disagree at {said}: {'; '.join(differences[:3])}"


def _bound(formula: DerivedFormula, trials: int) -> Fraction:
    total = formula.total
    per_trial = Fraction(0)
    for item in formula.notation:
        symbol: Symbol = item.symbol
        if symbol not in total.free_symbols or not total.is_polynomial(symbol):
            continue
        few = item.field not in formula.depths or len(formula.depths) > MANY  # see `selector_points`
        structural = 4 if few else 9
        size = structural if item.field in formula.structural else grid_size(formula.base[item.field])
        per_trial += Fraction(int(Poly(total, symbol).degree()), size)
    return min(Fraction(1), per_trial) ** trials
