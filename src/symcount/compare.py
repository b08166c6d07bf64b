"""Models side by side, part by part; and what two formulas differ by.

>>> import symcount as sc
>>> found = compare(sc.formula("gpt2"), sc.formula("LlamaModel"))
>>> found.difference
-2*A*D*H*N - 2*D*H*K*N + 12*H**2*N - 3*H*I*N + H*L + 11*H*N + H
>>> [(line.category, [part and part.count for part in line.parts]) for line in found.lines][:2]
[('embeddings', [39383808, 131072000]), ('norms', [38400, 266240])]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Add, Expr, expand

from symcount.errors import NotationError, StructureError
from symcount.foreign import guarded
from symcount.formula import Formula
from symcount.notation import canonical
from symcount.typeset.content import Cell, Count, Formulas, Share, Table
from symcount.typeset.html import block
from symcount.typeset.latex import set_symbols
from symcount.typeset.setting import Setting

__all__ = ["Comparison", "Line", "Part", "compare"]


@dataclass(frozen=True)
class Part:
    """What one model has of a category: a closed form, and a number at the model's sizes."""

    expression: Expr
    count: int


@dataclass(frozen=True)
class Line:
    """One category, and for each model its part, or `None` where it has nothing of the kind."""

    category: str
    parts: tuple[Part | None, ...]


@dataclass(frozen=True, repr=False)
class Comparison:
    """Models side by side.

    Attributes:
        formulas: the models.
        settings: how each is typeset, and at which sizes.
    """

    formulas: tuple[Formula, ...]
    settings: tuple[Setting, ...]

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """One line a category, in the order in which the models have them."""
        found: dict[str, list[Part | None]] = {}
        for position, setting in enumerate(self.settings):
            own: dict[str, list[Expr]] = {}
            for section in setting.sections:
                for piece in section.pieces:
                    own.setdefault(piece.category, []).append(section.repeat * piece.body.value())
            for category, terms in own.items():
                line = found.setdefault(category, [None] * len(self.settings))
                line[position] = Part(Add(*terms), sum(setting.at(t) for t in terms))
        return tuple(Line(category, tuple(parts)) for category, parts in found.items())

    @property
    def totals(self) -> tuple[int, ...]:
        """The number of parameters of each model."""
        return tuple(setting.at(setting.total) for setting in self.settings)

    @cached_property
    def difference(self) -> Expr:
        """The first formula less the second, multiplied out.

        Raises:
            StructureError: there are not two formulas.
            NotationError: a letter stands for two different quantities in them.
        """
        if len(self.formulas) != 2:
            raise StructureError(f"the difference of {len(self.formulas)} formulas: expected two")
        self._check_letters()
        first, second = self.settings
        return expand(first.total - second.total)

    def _check_letters(self) -> None:
        first, second = (setting.used for setting in self.settings)
        for e in first:
            if e.letter in second and (other := second[e.letter]).letter == e.letter:
                fields = [canonical(x.field.rpartition(".")[2]) for x in (e, other)]
                if fields[0] != fields[1]:
                    raise NotationError(
                        f"letter {e.letter!r} is {e.field} in {self.formulas[0].name}, but {other.field} in "
                        f"{self.formulas[1].name}; their difference would mix the two"
                    )

    def difference_latex(self) -> str:
        """The difference in LaTeX."""
        entries = {e.letter: e for setting in reversed(self.settings) for e in setting.notation}
        known = type(self.settings[0].notation)(tuple(entries.values()))
        return set_symbols(self.difference, known)

    def table(self) -> Table:
        """Category by category: for each model the number and the share of its total."""
        names = [f.name for f in self.formulas]
        columns = [("Component", "left")]
        for name in names:
            columns += [(name, "right"), ("Share", "right")]
        rows: list[tuple[Cell, ...]] = []
        for line in self.lines:
            cells: list[Cell] = [line.category]
            for part, total in zip(line.parts, self.totals, strict=True):
                cells += ["", ""] if part is None else [Count(part.count), Share(part.count, total)]
            rows.append(tuple(cells))
        last: list[Cell] = ["total"]
        for total in self.totals:
            last += [Count(total), Share(total, total)]
        return Table(columns, rows, last)

    def formulas_table(self) -> Table:
        """Category by category: each model's closed form."""
        rows: list[tuple[Cell, ...]] = []
        for line in self.lines:
            cells: list[Cell] = [line.category]
            for part, setting in zip(line.parts, self.settings, strict=True):
                cells.append("" if part is None else Formulas((setting.latex(part.expression),)))
            rows.append(tuple(cells))
        return Table([("Component", "left"), *((f.name, "left") for f in self.formulas)], rows)

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(f.name for f in self.formulas)}: {', '.join(f'{t:,}' for t in self.totals)}>"

    def _repr_html_(self) -> str:
        return block(self.table(), self.settings[0].numbers)


@guarded
def compare(
    *formulas: Formula,
    values: Sequence[Mapping[str, Any] | None] = (),
    convention: str = "unique",
    notation: str | None = None,
    numbers: str = "comma",
) -> Comparison:
    """Put models side by side.

    Args:
        formulas: two or more.
        values: for each model, sizes by letter or config field; what is left out has the model's defaults.
        convention: what counts.
        notation: a preset of letters.
        numbers: the style of numbers.

    Raises:
        StructureError: fewer than two models, or sizes for more than there are.
        NotationError, ConventionError: see `Formula.latex`.
    """
    if len(formulas) < 2:
        raise StructureError(f"compare: expected two formulas or more, got {len(formulas)}")
    if len(values) > len(formulas):
        raise StructureError(f"compare: sizes for {len(values)} models, but there are {len(formulas)}")
    given = [*values, *[None] * (len(formulas) - len(values))]
    settings = tuple(
        f.setting(values=own, convention=convention, notation=notation, numbers=numbers)
        for f, own in zip(formulas, given, strict=True)
    )
    return Comparison(formulas, settings)
