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
from pathlib import Path
from typing import Any, Literal

from sympy import Add, Expr, expand

from symcount.core.notation import canonical
from symcount.errors import NotationError, StructureError, UnknownSymbolError
from symcount.foreign import guarded
from symcount.formulas.formula import Formula
from symcount.lookup import formula, sizes_of
from symcount.typeset.content import Cell, Count, Formulas, Share, Table
from symcount.typeset.data import bars
from symcount.typeset.figure import bars as drawn_bars
from symcount.typeset.html import block
from symcount.typeset.latex import set_symbols
from symcount.typeset.numbers import rounded
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
        called: how each is called; by default by its class, and by its size as well where two are of one class.
    """

    formulas: tuple[Formula, ...]
    settings: tuple[Setting, ...]
    called: tuple[str, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """How the models are called, each in its own way."""
        wanted = self.called or tuple(f.name or f.tree.kind for f in self.formulas)
        return tuple(
            name if wanted.count(name) == 1 else f"{name} {rounded(total)}"
            for name, total in zip(wanted, self.totals, strict=True)
        )

    @cached_property
    def parts(self) -> dict[str, list[int]]:
        """By category, the number of parameters of each model."""
        return {line.category: [0 if part is None else part.count for part in line.parts] for line in self.lines}

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
                        f"letter {e.letter!r} is {e.field} in {self.names[0]}, but {other.field} in "
                        f"{self.names[1]}; their difference would mix the two"
                    )

    def difference_latex(self) -> str:
        """The difference in LaTeX."""
        entries = {e.letter: e for setting in reversed(self.settings) for e in setting.notation}
        known = type(self.settings[0].notation)(tuple(entries.values()))
        return set_symbols(self.difference, known)

    def table(self, *, models: Literal["columns", "rows"] = "columns", short: bool = False) -> Table:
        """Category by category: for each model the number and the share of its total.

        Args:
            models: as `columns`; or as `rows`, each with its total and its shares, which is narrower; parts of less
                than one percent in every model are there together.
            short: with each total as people say it, 20.9B, beside the exact one.

        Raises:
            NotationError: *models* is neither.
        """
        if models == "rows":
            return self._rows(short)
        if models != "columns":
            raise NotationError(f"models as {models!r}: expected columns or rows")
        columns = [("Component", "left")]
        for name, total in zip(self.names, self.totals, strict=True):
            columns += [(f"{name}, {rounded(total)}" if short else name, "right"), ("Share", "right")]
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

    def _rows(self, short: bool) -> Table:
        about = [("about", "right")] if short else []
        small = [part for part, numbers in self.parts.items() if self._small(numbers)]
        shown = {part: numbers for part, numbers in self.parts.items() if len(small) < 2 or part not in small}
        if len(small) > 1:
            shown["other"] = [sum(self.parts[part][i] for part in small) for i in range(len(self.names))]
        columns = [("Model", "left"), ("Parameters", "right"), *about, *((part, "right") for part in shown)]
        rows: list[tuple[Cell, ...]] = []
        for position, (name, total) in enumerate(zip(self.names, self.totals, strict=True)):
            shares = (Share(numbers[position], total) if numbers[position] else "" for numbers in shown.values())
            rows.append((name, Count(total), *([rounded(total)] if short else []), *shares))
        return Table(columns, rows)

    def _small(self, numbers: Sequence[int]) -> bool:
        """Whether a part is less than one percent of every model: such parts share a column."""
        return all(100 * number < total for number, total in zip(numbers, self.totals, strict=True))

    def draw(self, path: str | Path, size: str = "7x3.6in") -> None:
        """Draw the shares, a stacked bar a model, into an .svg, .png or .pdf file of a *size* such as `3.3x2.4in`.

        Raises:
            DependencyError: matplotlib is not installed.
            TypesettingError: another kind of file, or no size.
        """
        drawn_bars(path, self.names, self.parts, size=size)

    def bars(self, width: str | None = None) -> str:
        """The shares as a picture of pgfplots, a stacked bar a model."""
        return bars(self.names, self.parts, width)

    def formulas_table(self) -> Table:
        """Category by category: each model's closed form."""
        rows: list[tuple[Cell, ...]] = []
        for line in self.lines:
            cells: list[Cell] = [line.category]
            for part, setting in zip(line.parts, self.settings, strict=True):
                cells.append("" if part is None else Formulas((setting.latex(part.expression),)))
            rows.append(tuple(cells))
        return Table([("Component", "left"), *((name, "left") for name in self.names)], rows)

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.names)}: {', '.join(f'{t:,}' for t in self.totals)}>"

    def _repr_html_(self) -> str:
        return block(self.table(), self.settings[0].numbers)


@guarded
def compare(
    *models: Any,
    values: Sequence[Mapping[str, Any] | None] = (),
    convention: str = "unique",
    notation: str | None = None,
    numbers: str = "comma",
    symbols: Mapping[str, str] | None = None,
    names: Sequence[str] = (),
) -> Comparison:
    """Put models side by side, part by part.

    Args:
        models: two or more, each as `symcount.formula` takes it; a config brings its sizes along.
        values: for each model, sizes by letter or config field that differ.
        convention: what counts.
        notation: a preset of letters.
        numbers: the style of numbers.
        symbols: LaTeX for single symbols, by letter or config field, in those models that have them.
        names: how the models are called; by default by their classes.

    Raises:
        StructureError: fewer than two models, sizes for more than there are, or not one name for each.
        NotationError, ConventionError: see `Formula.latex`.
        SymcountError: see `symcount.formula`.

    >>> import symcount as sc
    >>> sc.compare("bert", "gpt2").totals
    (109482240, 124439808)
    """
    if len(models) < 2:
        raise StructureError(f"compare: expected two models or more, got {len(models)}")
    if len(values) > len(models):
        raise StructureError(f"compare: sizes for {len(values)} models, but there are {len(models)}")
    formulas = tuple(map(formula, models))
    differing = [*values, *[None] * (len(models) - len(values))]
    given = [sizes_of(model, f, own) for model, f, own in zip(models, formulas, differing, strict=True)]
    if names and len(names) != len(formulas):
        raise StructureError(f"compare: {len(names)} names for {len(formulas)} models; give one for each")
    unknown = [n for n in symbols or {} if not any(n in f.notation for f in formulas)]
    if unknown:
        raise UnknownSymbolError(f"symbol {unknown[0]!r}: none of these models has it")
    settings = tuple(
        f.setting(
            values=own,
            convention=convention,
            notation=notation,
            numbers=numbers,
            symbols={n: latex for n, latex in (symbols or {}).items() if n in f.notation},
        )
        for f, own in zip(formulas, given, strict=True)
    )
    return Comparison(formulas, settings, tuple(names))
