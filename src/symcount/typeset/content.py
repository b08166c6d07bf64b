"""What a style makes of a formula, before anyone decides whether it becomes LaTeX, Markdown, HTML or text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symcount.exact.evaluate import Number

__all__ = ["Cell", "Content", "Count", "Formulas", "Math", "Share", "Table"]


@dataclass(frozen=True)
class Math:
    r"""A displayed formula in LaTeX; a *standalone* one is a display of its own (`align*`)."""

    latex: str
    standalone: bool = False


@dataclass(frozen=True)
class Formulas:
    """Formulas in a cell, separated by commas, after a word."""

    latex: tuple[str, ...]
    before: str = ""


@dataclass(frozen=True)
class Count:
    """An exact number in a cell."""

    value: Number


@dataclass(frozen=True)
class Share:
    """A part of a whole, shown in percent."""

    part: int
    whole: int


Cell = str | Formulas | Count | Share


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings, with a line of totals.

    Attributes:
        columns: each heading, and the side its cells are on, `left` or `right`.
        rows: the cells.
        total: the last line.
        levels: for each row, how far it is indented: a row of level one belongs to the row of level zero above it.
    """

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] | None = None
    levels: Sequence[int] = field(default_factory=tuple)

    def level(self, row: int) -> int:
        """How far a row is indented."""
        return self.levels[row] if self.levels else 0


Content = Math | Table
