"""Where the parameters are: the share of each part of a model as one of its sizes grows, as numbers and as a picture.

>>> import symcount as sc
>>> found = shares(sc.formula("gpt2"), "N", [6, 12])
>>> found.parts["attention"], found.totals
([14174208, 28348416], [81912576, 124439808])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symcount.errors import DependencyError, DomainError, TypesettingError
from symcount.evaluate import integer_value
from symcount.foreign import guarded
from symcount.formula import Formula
from symcount.notation import Entry
from symcount.typeset.colours import colours
from symcount.typeset.content import Cell, Count, Share, Table
from symcount.typeset.html import block
from symcount.values import title

__all__ = ["Shares", "shares"]

_FORMATS = (".svg", ".png", ".pdf")


@dataclass(frozen=True, repr=False)
class Shares:
    """The parts of a model at some sizes.

    Attributes:
        name: the model's class.
        entry: the size that varies.
        sizes: its values.
        along: the sizes that grow in proportion.
        parts: for each part of the model its number of parameters at each size, in the order of the model.
    """

    name: str
    entry: Entry
    sizes: tuple[int, ...]
    along: tuple[Entry, ...]
    parts: Mapping[str, list[int]]

    @property
    def totals(self) -> list[int]:
        """The number of all parameters at each size."""
        return [sum(column) for column in zip(*self.parts.values(), strict=True)]

    def table(self) -> Table:
        """One row a size: the total, and the share of each part."""
        columns = [(title(self.entry), "right"), ("Parameters", "right"), *((part, "right") for part in self.parts)]
        rows: list[tuple[Cell, ...]] = []
        for position, (size, total) in enumerate(zip(self.sizes, self.totals, strict=True)):
            own = (Share(numbers[position], total) for numbers in self.parts.values())
            rows.append((Count(size), Count(total), *own))
        return Table(columns, rows)

    def __repr__(self) -> str:
        first, last = self.sizes[0], self.sizes[-1]
        return f"<Shares of {self.name}: {len(self.parts)} parts, {self.entry.letter} = {first:,} to {last:,}>"

    def _repr_html_(self) -> str:
        return block(self.table())

    def draw(self, path: str | Path) -> None:
        """Draw the shares, stacked, into an .svg, .png or .pdf file.

        Raises:
            DependencyError: matplotlib is not installed.
            TypesettingError: another kind of file.
        """
        target = Path(path)
        if target.suffix.lower() not in _FORMATS:
            raise TypesettingError(f"{target.name}: a picture is written as {', '.join(_FORMATS)}")
        try:
            from matplotlib import rc_context
            from matplotlib.figure import Figure
        except ImportError:
            raise DependencyError('pictures need matplotlib: pip install "symcount[plot]"') from None
        figure = Figure(figsize=(7.0, 3.6), layout="constrained")
        axes = figure.add_subplot()
        stacked = [
            [100 * n / total for n, total in zip(numbers, self.totals, strict=True)] for numbers in self.parts.values()
        ]
        axes.stackplot(
            self.sizes, stacked, labels=list(self.parts), colors=colours(self.parts), edgecolor="white", linewidth=0.6
        )
        axes.set(xlim=(self.sizes[0], self.sizes[-1]), ylim=(0, 100), ylabel="share of the parameters (%)")
        also = f", with {', '.join(e.letter for e in self.along)} in proportion" if self.along else ""
        axes.set(xlabel=f"{title(self.entry)}{also}", title=self.name)
        if self.sizes[0] > 0 and self.sizes[-1] >= 8 * self.sizes[0]:
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        # the same file for the same numbers: no date, no random identifiers
        with rc_context({"svg.hashsalt": "symcount", "svg.fonttype": "path"}):
            metadata = {".png": {"Software": None}, ".pdf": {"CreationDate": None}}.get(
                target.suffix.lower(), {"Date": None}
            )
            figure.savefig(target, metadata=metadata, dpi=160)


@guarded
def shares(
    formula: Formula,
    symbol: str,
    sizes: Iterable[int] | None = None,
    *,
    along: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    convention: str = "unique",
) -> Shares:
    """The number of parameters in each part of a model as *symbol* takes several values.

    Args:
        formula: the model.
        symbol: a letter or config field.
        sizes: its values; by default its own, from a quarter of it to four times, wherever the formula holds.
        along: sizes that grow in proportion to it.
        values: the other sizes; those left out have the model's defaults.
        convention: what counts.

    Raises:
        DomainError: a size at which the formula does not hold, or which another cannot follow in proportion.
        UnknownSymbolError, MissingSymbolError, ConventionError: see `Formula.count`.
    """
    entry, others = formula.notation[symbol], tuple(formula.notation[name] for name in along)
    setting = formula.setting(values=values, convention=convention)
    base = dict(setting.values)
    if entry.letter not in base:
        raise DomainError(f"{title(entry)} has no size of its own here; give one with the values")
    if entry in others:
        raise DomainError(f"{title(entry)} cannot grow along itself")
    filled = {k for k in formula.filled if k not in (values or {}) and k not in formula.defaults}
    points: list[tuple[int, dict[str, Any]]] = []
    wanted = list(sizes) if sizes is not None else _around(int(base[entry.letter]), entry)
    for size in wanted:
        changed: dict[str, Any] = {k: v for k, v in base.items() if k not in filled}
        try:
            changed.update({entry.letter: size, **{e.letter: _follow(e, entry, base, size) for e in others}})
            points.append((size, formula.values(changed, convention)))
        except DomainError:
            if sizes is not None:
                raise
    if len(points) < 2:
        raise DomainError(f"{title(entry)}: expected at least two sizes at which the formula holds; give them")
    parts: dict[str, list[int]] = {}
    for section in setting.sections:
        for piece in section.pieces:
            expression = section.repeat * piece.body.value()
            numbers = parts.setdefault(piece.category, [0] * len(points))
            for position, (_, at) in enumerate(points):
                numbers[position] += integer_value(expression, at)
    return Shares(formula.name, entry, tuple(size for size, _ in points), others, parts)


def _around(size: int, entry: Entry) -> list[int]:
    """A quarter to four times *size*, in sixteenths."""
    step = max(1, size // 16)
    first = max(entry.minimum, 4 * step)
    return list(range(first, 4 * size + 1, step))


def _follow(entry: Entry, leader: Entry, base: Mapping[str, Any], size: int) -> int:
    if entry.letter not in base:
        raise DomainError(f"{title(entry)} has no size of its own here")
    grown, rest = divmod(base[entry.letter] * size, base[leader.letter])
    if rest:
        raise DomainError(
            f"{title(entry)} = {base[entry.letter]} cannot grow in proportion to {title(leader)} = {size}: "
            "the result is not an integer"
        )
    return int(grown)
