"""The certificate: a derived formula against real models, at the config asked for and at random points of its domain.

At every point all numbers move, those the formula depends on and those it claims not to. The real class is built
plainly, on the meta device, and compared tensor by tensor: name, shape, number. A polynomial of degree dᵢ in a
field drawn from Sᵢ values that is wrong anywhere agrees at r independent points with probability at most (Σ dᵢ/Sᵢ)^r
(Schwartz 1980, Zippel 1979); where the formula has floors that holds for each of its pieces.
"""

from __future__ import annotations

import copy
import random
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from itertools import islice
from typing import Any

from sympy import Expr, Poly, Symbol

from symcount.concolic.config.config_source import construct, is_config
from symcount.concolic.config.symbolic import Number as Field
from symcount.concolic.config.symbolic import build
from symcount.concolic.observe import trace
from symcount.concolic.session import quiet
from symcount.concolic.traces import Trace
from symcount.config.kind_lists import MARK, NAMES
from symcount.core.instances import instances
from symcount.core.ledger import Row
from symcount.core.paths import value_at
from symcount.derivation.certified import Certificate
from symcount.derivation.drawing import draw, edges, inside, values_of
from symcount.derivation.formula import DerivedFormula, idle
from symcount.derivation.points import grid_size
from symcount.derivation.structure import MANY
from symcount.errors import DerivationError, VerificationError
from symcount.exact.evaluate import compile_scalar
from symcount.foreign import guarded
from symcount.verification.real_model import attribute

__all__ = ["Certificate", "certify", "disagreement", "disagreements", "real_model"]

FAR = 3  # so many points, the first ones, have far more layers than others
EDGES = 24  # so many comparisons are tried on their other side
_DIGITS = re.compile(r"\d+")


@guarded
def certify(formula: DerivedFormula, trials: int = 8, seed: int = 0) -> Certificate:
    """Compare *formula* with the real model of the config that it was asked for, and with *trials* others.

    Raises:
        VerificationError: they disagree; the message says at which smallest change of fields, and in which tensor.
        DerivationError: not enough points of the domain could be built.
    """
    if differences := disagreements(formula, formula.base, asked(formula), formula.requested):
        raise VerificationError(_said(formula, {}, differences))
    own = trace(formula.cls, formula.source)  # its own, not the one that the formula was derived from
    for point in islice(edges(formula, own), EDGES):
        real = real_model(formula, point)
        if real is not None and (differences := disagreements(formula, point, real)):
            raise VerificationError(_smallest(formula, point, differences))
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
        point = draw(formula, rng, share=share, far=passed + redrawn < FAR, reads=own.config_reads)
        real = real_model(formula, point) if point != formula.base else None  # the default is no random point
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
    return Certificate(formula.name, passed, seed, varied, _bound(formula, full), redrawn, _held(own, varied))


def asked(formula: DerivedFormula) -> Any:
    """The real model of the config that *formula* was derived for, as its own class reads it.

    Raises:
        DerivationError: it cannot be built.
    """
    import torch

    try:
        with quiet(), torch.device("meta"):
            return formula.cls(construct(formula.source) if formula.requested is None else _copy(formula.requested))
    except Exception as error:  # a constructor raises what it likes
        said = f"{type(error).__name__}: {error}"
        raise DerivationError(f"{formula.name} cannot be built from the config that was asked for: {said}") from error


def _copy(config: Any) -> Any:
    """A config that the model may change; itself, where its class is of a kind that may not survive being copied."""
    return copy.deepcopy(config) if is_config(config) and not hasattr(type(config), "symcount_passed") else config


def _held(one: Trace, varied: Sequence[str]) -> tuple[str, ...]:
    """The fields that the class reads, without those that *varied* and those that never matter."""
    moved = {part for name in varied for part in (name, name.partition("[")[0])}
    return tuple(
        name
        for name, value in one.config_reads.items()
        if name not in moved and not is_config(value) and not callable(value) and not idle(name)
    )


def real_model(formula: DerivedFormula, point: Mapping[str, Field]) -> Any:
    """The real model at *point*, or `None` if transformers does not build one there."""
    import torch

    try:
        with quiet(), torch.device("meta"):
            return formula.cls(build(formula.source, point, frozenset(point)).config)
    except Exception:  # noqa: BLE001  # whatever it is, the point is not one of the model's
        return None


def compared(formula: DerivedFormula, point: Mapping[str, Field]) -> list[str] | None:
    """Where formula and real model disagree at *point*; `None` if there is no such model."""
    real = real_model(formula, point)
    return None if real is None else disagreements(formula, point, real)


def disagreement(formula: DerivedFormula, trials: int) -> list[str]:
    """Where a formula and real models disagree at a few random points of its domain, if anywhere.

    Args:
        formula: derived.
        trials: so many points; those at which there is no model tell nothing.
    """
    rng, passed = random.Random(0), 0
    for attempt in range(6 * trials):
        point = draw(formula, rng, share=max(0.2, 0.8**attempt), far=attempt < FAR)
        answer = compared(formula, point) if point != formula.base else None
        if answer:
            return answer
        passed += answer is not None
        if passed == trials:
            break
    return []


def disagreements(formula: DerivedFormula, point: Mapping[str, Field], real: Any, config: Any = None) -> list[str]:
    """Where formula and model disagree at *point* (by config field): names, shapes, numbers and sharing of tensors.

    Args:
        formula: derived.
        point: the values of its fields.
        real: the model.
        config: the config that the model was built from, if that may have lists of names, of which the formula has the
            lengths.
    """
    words = _words(formula, config)
    values = values_of(formula, point)
    expected: Counter[tuple[str, tuple[int, ...], bool]] = Counter()
    for row in formula.ledger:
        for shape, number in instances(row, values, _whole):
            expected[_key(row), shape, row.alias_of is None] += number
    actual: Counter[tuple[str, tuple[int, ...], bool]] = Counter()
    seen: set[int] = set()
    for name, tensor in real.named_parameters(remove_duplicate=False):
        first = id(tensor) not in seen
        seen.add(id(tensor))
        actual[_starred(name, words), tuple(tensor.shape), first] += 1
    found = []
    for key in dict.fromkeys([*expected, *actual]):
        if expected[key] != actual[key]:
            name, shape, _ = key
            found.append(f"{name} {shape}: {expected[key]} by the formula, {actual[key]} in the model")
    return found


def _words(formula: DerivedFormula, config: Any) -> frozenset[str]:
    """The names in those lists of *config* of which the formula knows how many names they have."""
    lists = (name.partition(MARK)[0] for name in formula.base if name.endswith(MARK + NAMES))
    values = (value_at(config, path, (), attribute) for path in lists) if config is not None else ()
    return frozenset(str(word) for value in values for word in value)


def _starred(name: str, words: Collection[str]) -> str:
    """The name of a tensor with stars for what names one of several layers of a kind."""
    if words:
        name = ".".join("*" if part in words else part for part in name.split("."))
    return _DIGITS.sub("*", name)


def _key(row: Row) -> str:
    return _DIGITS.sub("*", row.tensor)


def _whole(size: Expr, values: Mapping[str, Any]) -> int:
    """A size rounded down: where the domain asks for a quotient, the domain says so, not this."""
    return int(compile_scalar(size)(values))


def _smallest(formula: DerivedFormula, point: Mapping[str, Field], differences: Sequence[str]) -> str:
    """Move fields of a failing point back to their defaults as long as it still fails; say what is left."""
    current = dict(point)
    for name, value in formula.base.items():
        if current.get(name) == value:
            continue
        trial = {**current, name: value}
        real = real_model(formula, trial) if inside(formula, trial) else None
        if real is not None and (found := disagreements(formula, trial, real)):
            current, differences = trial, found
    return _said(formula, {n: v for n, v in current.items() if v != formula.base.get(n)}, differences)


def _said(formula: DerivedFormula, changed: Mapping[str, Field], differences: Sequence[str]) -> str:
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
