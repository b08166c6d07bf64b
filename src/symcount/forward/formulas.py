"""Formulas of a forward pass: in the letters B, S of the input, with what every `Formula` can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Expr, Integer, Symbol

from symcount.derive.result import DerivedFormula
from symcount.domain import Condition
from symcount.formula import Formula
from symcount.forward.held import DTYPE, MARK
from symcount.forward.inputs import BATCH, LENGTH, SOURCE
from symcount.notation import Entry, Notation, symbol
from symcount.tree import Block

__all__ = ["CacheFormula", "cache_formula"]

#: Letters of the sizes of the input.
_INPUT = {
    BATCH: Entry("B", BATCH, "B", "sequences in a batch"),
    LENGTH: Entry("S", LENGTH, "S", "tokens of a sequence"),
    SOURCE: Entry("S_src", SOURCE, r"S_{\mathrm{src}}", "tokens of the encoder's input"),
}


@dataclass(frozen=True, repr=False)
class CacheFormula(DerivedFormula):
    """The elements that a model's own cache holds after S tokens of each of B sequences.

    Attributes:
        dtypes: of the tensors that have one of their own, by path; the others have the model's.
    """

    dtypes: Mapping[str, str] = field(default_factory=dict)

    __hash__ = Formula.__hash__
