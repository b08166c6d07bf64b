"""The parts that a total is the sum of: by path, or by layer type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from sympy import Expr, Symbol

from symcount.core.notation import Notation
from symcount.errors import SymcountError
from symcount.exact.evaluate import integer_value
from symcount.typeset.content import Cell, Count, Formulas, Share, Table
from symcount.typeset.html import block
from symcount.typeset.latex import set_symbols
from symcount.typeset.plain import layers_first

__all__ = ["Breakdown", "Part"]


@dataclass(frozen=True)
class Part:
    """One line of a breakdown: a path or a layer type, its layer type, and its expression."""

    label: str
    kind: str
    expression: Expr

    def count(self, values: Mapping[str, int]) -> int:
        """The exact number at *values* (by letter)."""
        return integer_value(self.expression, values)


class Breakdown(tuple[Part, ...]):  # noqa: SLOT001  # it carries what it is a breakdown of
    """Parts that sum to a formula's total.

    Attributes:
        formula: whose they are.
        by: `path` or `kind`.
        convention: what counts.
    """

    formula: Any  # a Formula, which has these as parts
    by: str
    convention: str

    def __new__(cls, parts: Iterable[Part], formula: Any, by: str, convention: str) -> Self:
        """The parts, and what they are parts of."""
        made = super().__new__(cls, parts)
        made.formula, made.by, made.convention = formula, by, convention
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self), self.formula, self.by, self.convention

    def table(self, values: Mapping[str, Any] | None = None, notation: Notation | None = None) -> Table:
        """One row a part: its closed form, its number and its share.

        Args:
            values: sizes by letter or config field; those left out have the model's defaults.
            notation: the formula's symbols as they are to be typeset, if not as the formula has them.

        Raises:
            MissingSymbolError, DomainError: see `Formula.count`.
        """
        shown = self.formula
        at = shown.setting(values=values, convention=self.convention).values
        total = integer_value(shown.total_as(self.convention), at)
        rows: list[tuple[Cell, ...]] = [
            (*row, Count(part.count(at)), Share(part.count(at), total))
            for row, part in zip(self._rows(notation), self, strict=True)
        ]
        columns = [*self._columns(), (shown.unit.capitalize(), "right"), ("Share", "right")]
        last: list[Cell] = [f"total, {self.convention}", *[""] * (len(columns) - 3), Count(total), Share(total, total)]
        return Table(columns, rows, last)

    def _columns(self) -> list[tuple[str, str]]:
        first = [("Layer type", "left")] if self.by == "kind" else [("Path", "left"), ("Layer type", "left")]
        return [*first, ("Formula", "left")]

    def _rows(self, notation: Notation | None = None) -> list[tuple[Cell, ...]]:
        shown = self.formula
        repeats = {s for row in shown.ledger for s in row.number.free_symbols if isinstance(s, Symbol)}
        letters = notation or shown.notation
        rows: list[tuple[Cell, ...]] = []
        for part in self:
            labels = (part.kind,) if self.by == "kind" else (part.label or "(model)", part.kind)
            rows.append((*labels, Formulas((set_symbols(layers_first(part.expression, repeats), letters),))))
        return rows

    def __repr__(self) -> str:
        shown = self.formula
        return f"<Breakdown of {shown.name or shown.tree.kind} by {self.by}, {self.convention}: {len(self)} parts>"

    def _repr_html_(self) -> str:
        try:
            return block(self.table())
        except SymcountError:  # a formula without sizes: closed forms only
            return block(Table(self._columns(), self._rows()))
