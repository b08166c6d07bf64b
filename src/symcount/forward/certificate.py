"""The operations of a real forward pass, counted without any help of the formula, and the comparison with it.

The count is taken below all functions of torch, where only the elementary operations are left: `aten::mm`, `addmm`,
`bmm`, `baddbmm`, `convolution`, and attention where it is one operation. Each is attributed to the module that runs.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from symcount.concolic.config.symbolic import Number, build
from symcount.concolic.session import quiet
from symcount.derivation.certificate import disagreements
from symcount.derivation.drawing import draw, values_of
from symcount.derivation.formula import DerivedFormula
from symcount.errors import DerivationError, VerificationError
from symcount.exact.evaluate import compile_scalar
from symcount.forward import running

if TYPE_CHECKING:
    from symcount.forward.operations_formula import OperationsFormula

__all__ = ["certify_operations", "counted", "differences", "disagreement"]

_DIGITS = re.compile(r"\d+")


class _UncountedError(DerivationError):
    """An elementary operation is a product of which it is not known how many operations it takes."""


def counted(cls: type, config: Any) -> Counter[str]:
    """The operations of each module of the real model, by path with `*` for numbers."""
    import torch

    found: Counter[str] = Counter()
    with quiet(), torch.device("meta"):
        model = running.build(cls, config, "float32")
        running.run(model, config, dtype="float32", cached=False, mode=lambda places: _mode()(places, found))
    return found


def _mode() -> Any:
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own
        """Counts elementary operations."""

        def __init__(self, places: Any, found: Counter[str]) -> None:
            super().__init__()  # type: ignore[no-untyped-call]  # the same
            self._places, self._found = places, found

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            number = _operations(str(func.overloadpacket).rpartition(".")[2], args, result)
            if number and args[0].device.type == "meta":  # what is known of contents is computed beside
                self._found[_DIGITS.sub("*", self._places.here)] += number
            return result

    return Counting


def _operations(name: str, args: Any, result: Any) -> int:
    """How many operations an elementary operation is.

    Raises:
        _UncountedError: it is a product of another kind than those that are counted.
    """
    name = name.removesuffix("_")  # in place
    if name in ("mm", "bmm", "mv", "dot"):
        return 2 * int(result.numel()) * int(args[0].shape[-1])
    if name in ("addmm", "baddbmm", "addmv"):
        return 2 * int(result.numel()) * int(args[1].shape[-1])
    if name == "convolution":
        weight, transposed = args[1], args[6]
        return 2 * int((args[0] if transposed else result).numel()) * prod(map(int, weight.shape[1:]))
    if name.startswith("_scaled_dot_product"):
        query, key, value = args[:3]
        pairs = prod(map(int, query.shape[:-1])) * int(key.shape[-2])
        return 2 * pairs * (int(query.shape[-1]) + int(value.shape[-1]))
    if any(part.endswith("mm") for part in name.split("_")):
        raise _UncountedError(f"the operations of aten::{name} are not known")
    return 0


def _expected(formula: DerivedFormula, point: Mapping[str, Number]) -> Counter[str]:
    values = values_of(formula, point)
    found: Counter[str] = Counter()
    for row in formula.ledger:
        found[_DIGITS.sub("*", row.path)] += int(compile_scalar(row.total)(values))
    return found


def differences(formula: DerivedFormula, point: Mapping[str, Number]) -> list[str] | None:
    """Where a formula of a forward pass and the real model disagree at a *point*; `None` if there is no model there."""
    import torch

    observed: Any = formula.cls
    try:
        with quiet(), torch.device("meta"):
            config = build(formula.source, point, frozenset(point)).config
            if observed.observes == "cache":
                return disagreements(formula, point, observed(config))
        actual = counted(observed.of, config)
    except _UncountedError as error:  # there is a model, and it cannot be compared
        return [str(error)]
    except Exception:  # noqa: BLE001  # whatever it is, the point is not one of the model's
        return None
    expected = _expected(formula, point)
    return [f"{path}: {expected[path]:,} by the formula, {actual[path]:,} in the model"
            for path in sorted({*expected, *actual}) if expected[path] != actual[path]]  # fmt: skip


def disagreement(formula: DerivedFormula, trials: int) -> list[str]:
    """Where a formula disagrees with the model that was asked for, or with one at a few random points of its domain.

    A formula that could be compared with no other model than that which was asked for is none.
    """
    if found := differences(formula, formula.base):
        return found
    rng, passed = random.Random(0), 0
    for attempt in range(8 + 6 * trials):
        point = draw(formula, rng, share=max(0.05, 0.8**attempt))
        answer = differences(formula, point) if point != formula.base else None
        if answer:
            return answer
        passed += answer is not None
        if passed == trials:
            break
    return [] if passed else ["there is no other model that it could be compared with"]


def certify_operations(made: OperationsFormula, trials: int, seed: int) -> int:
    """Compare with the model that was asked for and with *trials* others; see `OperationsFormula.certify`."""
    formula, rng = made.whole, random.Random(seed)
    passed = tried = 0
    points = [dict(formula.base)]
    while passed <= trials:
        point = points.pop() if points else draw(formula, rng, share=max(0.1, 0.8 ** (tried // 2)))
        found = differences(formula, point)
        if found:
            moved = {n: v for n, v in point.items() if v != formula.base.get(n)}
            raise VerificationError(f"{formula.name}: formula and model disagree at {moved}: {'; '.join(found[:3])}")
        passed += found is not None
        tried += 1
        if tried > 20 + 5 * trials:
            raise DerivationError(f"{formula.name}: only {passed} of {trials} points of the domain could be built")
    return trials
