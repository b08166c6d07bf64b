"""Where the parameters are: the share of each part of a model as one of its sizes grows, as numbers and as a picture.

>>> import symcount as sc
>>> found = shares(sc.formula("gpt2"), "N", [6, 12])
>>> found.parts["attention"], found.totals
([14174208, 28348416], [81912576, 124439808])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from symcount.core.notation import Entry
from symcount.core.values import title
from symcount.errors import DomainError
from symcount.exact.evaluate import integer_value
from symcount.foreign import guarded
from symcount.lookup import formula, sizes_of
from symcount.typeset.content import Cell, Count, Share, Table
from symcount.typeset.data import bars
from symcount.typeset.figure import areas
from symcount.typeset.html import block
from symcount.typeset.presets import signs_of, with_symbols

__all__ = ["Shares", "shares"]


@dataclass(frozen=True, repr=False)
class Shares:
    """The parts of a model at some sizes.

    Attributes:
        name: the model's class.
        entry: the size that varies.
        sizes: its values.
        along: the sizes that grow in proportion.
        parts: for each part of the model its number of parameters at each size, in the order of the model.
        signs: what an author writes for a letter, as text.
    """

    name: str
    entry: Entry
    sizes: tuple[int, ...]
    along: tuple[Entry, ...]
    parts: Mapping[str, list[int]]
    signs: Mapping[str, str] = field(default_factory=dict)

    @property
    def totals(self) -> list[int]:
        """The number of all parameters at each size."""
        return [sum(column) for column in zip(*self.parts.values(), strict=True)]

    @property
    def _title(self) -> str:
        return title(replace(self.entry, letter=self.signs.get(self.entry.letter, self.entry.letter)))

    def table(self) -> Table:
        """One row a size: the total, and the share of each part."""
        columns = [(self._title, "right"), ("Parameters", "right"), *((part, "right") for part in self.parts)]
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

    def draw(self, path: str | Path, size: str = "7x3.6in") -> None:
        """Draw the shares, stacked, into an .svg, .png or .pdf file of a *size* such as `3.3x2.4in`.

        Raises:
            DependencyError: matplotlib is not installed.
            TypesettingError: another kind of file, or no size.
        """
        others = ", ".join(self.signs.get(e.letter, e.letter) for e in self.along)
        also = f", with {others} in proportion" if others else ""
        areas(path, self.sizes, self.parts, label=f"{self._title}{also}", title=self.name, size=size)

    def bars(self, width: str | None = None) -> str:
        """The shares as a picture of pgfplots, a stacked bar a size."""
        return bars([f"{size:,}" for size in self.sizes], self.parts, width)


@guarded
def shares(
    source: Any,
    symbol: str,
    sizes: Iterable[int] | None = None,
    *,
    along: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    convention: str = "unique",
    notation: str | None = None,
    symbols: Mapping[str, str] | None = None,
) -> Shares:
    """The number of parameters in each part of a model as *symbol* takes several values.

    Args:
        source: the model, as `symcount.formula` takes it; a config brings its sizes along.
        symbol: a letter or config field.
        sizes: its values; by default its own, from a quarter of it to four times, wherever the formula holds.
        along: sizes that grow in proportion to it.
        values: other sizes that differ from the model's.
        convention: what counts.
        notation: a preset of letters.
        symbols: LaTeX for single symbols, by letter or config field.

    Raises:
        DomainError: a size at which the formula does not hold, or which another cannot follow in proportion.
        UnknownSymbolError, MissingSymbolError, ConventionError: see `Formula.count`.
        NotationError: see `Formula.latex`.
        SymcountError: see `symcount.formula`.

    >>> import symcount as sc
    >>> sc.shares("gpt2", "N", [6, 12]).totals
    [81912576, 124439808]
    """
    found = formula(source)
    values = sizes_of(source, found, values)
    entry, others = found.notation[symbol], tuple(found.notation[name] for name in along)
    signs = signs_of(with_symbols(found.notation, notation, symbols), found.notation)
    setting = found.setting(values=values, convention=convention)
    base = dict(setting.values)
    if entry.letter not in base:
        raise DomainError(f"{title(entry)} has no size of its own here; give one with the values")
    if entry in others:
        raise DomainError(f"{title(entry)} cannot grow along itself")
    filled = {k for k in found.filled if k not in values and k not in found.defaults}
    points: list[tuple[int, dict[str, Any]]] = []
    wanted = list(sizes) if sizes is not None else _around(int(base[entry.letter]), entry)
    for size in wanted:
        changed: dict[str, Any] = {k: v for k, v in base.items() if k not in filled}
        try:
            changed.update({entry.letter: size, **{e.letter: _follow(e, entry, base, size) for e in others}})
            points.append((size, found.values(changed, convention)))
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
    return Shares(found.name, entry, tuple(size for size, _ in points), others, parts, signs)


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
