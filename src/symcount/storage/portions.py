"""What one of several ranks holds, as numbers: its parameters, which of them every rank has, and their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symcount.errors import OptionError
from symcount.exact.evaluate import integer_value
from symcount.formulas.formula import Formula
from symcount.storage.footprint import stated_dtype
from symcount.storage.plans import plan_of
from symcount.storage.sharding import shard_of

__all__ = ["Portion", "portion"]


@dataclass(frozen=True)
class Portion:
    """One rank's part of a model.

    Attributes:
        formula: of the parameters that it holds.
        of: the class of the model.
        scheme: how the model is divided.
        ranks: how many there are.
        rank: which this is.
        values: by letter, at which the numbers are.
        parameters: that this rank holds.
        replicated: those of them that every rank has as a whole.
        whole: the parameters of the model.
        dtype: of the weights.
        parts: the formula of the bytes of each part.
        numbers: the bytes of each part.
        release: of transformers, of which the plan is; empty where there is none.
    """

    formula: Formula = field(repr=False)
    of: str
    scheme: str
    ranks: int
    rank: int
    values: Mapping[str, Any]
    parameters: int
    replicated: int
    whole: int
    dtype: str
    parts: Mapping[str, Formula] = field(repr=False)
    numbers: Mapping[str, int]
    release: str = ""

    @property
    def total(self) -> int:
        """The bytes of all parts."""
        return sum(self.numbers.values())


def portion(
    formula: Formula,
    fields: Mapping[str, Any],
    values: Mapping[str, Any],
    ranks: int,
    scheme: str = "fsdp2",
    rank: int = 0,
    *,
    dtype: str | None = None,
    optimizer: str | None = None,
    master: bool = False,
) -> Portion:
    """What rank *rank* of *ranks* holds of a model.

    Args:
        formula: of the model's parameters.
        fields: of its config: its `dtype` is heeded.
        values: by letter.
        ranks: how many there are.
        scheme: `fsdp2`, `zero3` or `tp`.
        rank: which.
        dtype: of the weights; by default what the config says, or fp32.
        optimizer: for training; `None` for inference.
        master: whether the optimizer works on copies in fp32.

    Raises:
        OptionError: no such scheme, rank, type or optimizer, or a model without a plan.
        SymcountError: see `Formula.count`.
    """
    if master and optimizer is None:
        raise OptionError("master weights are an optimizer's: give one, such as --optimizer adamw")
    plan, release = plan_of(formula) if scheme == "tp" else (None, "")
    part = shard_of(formula, ranks, scheme, rank, plan)
    own = {**part.defaults, **values}
    (letter,) = (name for name in part.defaults if name not in formula.notation)
    kind = dtype or stated_dtype(fields)
    wanted = ["weights"]
    if optimizer is not None:
        wanted += ["gradients", "optimizer", *(["master"] if master else [])]
    of_optimizer: dict[str, Any] = {} if optimizer is None else {"optimizer": optimizer}
    parts = {name: part.bytes(kind, name, master=master, **of_optimizer) for name in wanted}
    divided = part.notation[letter].symbol
    alike = sum((row.total for row in part.ledger if not row.total.has(divided)), start=0 * divided)
    return Portion(
        part, formula.name, scheme, ranks, rank, own,
        _at(part, part.total, own), _at(part, alike, own) if scheme == "tp" and ranks > 1 else 0,
        _at(formula, formula.total, values), kind, parts, {name: _at(p, p.total, own) for name, p in parts.items()},
        release,
    )  # fmt: skip


def _at(formula: Formula, size: Any, values: Mapping[str, Any]) -> int:
    known = {k: v for k, v in {**formula.defaults, **values}.items() if k in formula.notation}
    return integer_value(size, formula.values(known))
