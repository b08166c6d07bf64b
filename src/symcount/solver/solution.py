"""One config that meets a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from symcount.formulas.formula import Formula

__all__ = ["Solution"]


@dataclass(frozen=True)
class Solution:
    """One config.

    Attributes:
        values: of every symbol that has one, by letter.
        counts: the number of parameters under each convention that was asked for.
        target: the number that was asked for, under the first of them.
        sizes: the letters of the width and the depth, where the formula has both.
        formula: what counts it; a class may have several, of which the numbers choose one.
        beside: fields of the config that the search was given.
        lists: lists of kinds of layers, by field.
    """

    values: Mapping[str, Any]
    counts: Mapping[str, int]
    target: int
    sizes: tuple[str, str] | None
    formula: Formula = field(repr=False, compare=False)
    beside: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of parameters under the first convention."""
        return next(iter(self.counts.values()))

    @property
    def deviation(self) -> int:
        """Count minus budget, of the first budget."""
        return self.count - self.target

    @property
    def relative(self) -> Fraction:
        """The same as a share of the budget."""
        return Fraction(self.deviation, self.target)

    @property
    def aspect(self) -> Fraction | None:
        """H/N, where the formula has both."""
        if self.sizes is None or not self.values[self.sizes[1]]:
            return None
        return Fraction(self.values[self.sizes[0]], self.values[self.sizes[1]])

    def config(self) -> dict[str, Any]:
        """The content of a `config.json`: what transformers builds the model from; of a class of one's own, the fields.

        Other fields are those of the config that the search was given.

        Sizes that do not enter the count and were left open get the admissible value that is nearest to the class's
        own proportions: for H = 896, GPT-2 gets 14 heads.

        Raises:
            ConfigError: the formula is of no model with a config, or a field is part of a list.
        """
        from symcount.solver.content import config_of, with_open

        return config_of(self.formula, with_open(self.formula, self.values), self.beside, self.lists)

    def to_dict(self) -> dict[str, Any]:
        """Values by letter, counts by convention, deviation and aspect: one row of a table."""
        row: dict[str, Any] = dict(self.values)
        row.update({"parameters" if n == "unique" else n: count for n, count in self.counts.items()})
        row["deviation"] = self.deviation
        if self.aspect is not None:
            row["aspect"] = float(self.aspect)
        row.update({path: list(kinds) for path, kinds in self.lists.items()})
        return row
