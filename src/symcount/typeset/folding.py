r"""What repeats with another size, folded into sums: stages, lists of convolutions, towers of doubling width.

A *family* is a tensor that the elements of a module list have in common, at consecutive indices; its shapes and how
often it occurs are anti-unified (`symcount.typeset.unify`). Families with the same indices make one sum.

The law: a sum read at each index and added up is the sum of the tensors it was folded from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Expr, Mul, Rational, Symbol

from symcount.core.ledger import Row
from symcount.core.notation import Entry, Notation
from symcount.typeset.families import FEWEST, Family, families, levels
from symcount.typeset.latex import set_symbols
from symcount.typeset.naming import name_roundings
from symcount.typeset.places import definition, sign
from symcount.typeset.terms import Group, Series, Sum
from symcount.typeset.unify import INDEX, Lists, at

__all__ = ["Folding", "fold", "lists_of"]


@dataclass(frozen=True)
class Folding:
    """The families of a model.

    Attributes:
        families: in the order of the model.
        lists: what their symbols stand for.
        by_row: the family of each row that is in one, by the row's identity.
        levels: symbols for single sizes of a progression (`H_4`), and their values.
        shapes: shapes in which roundings have names, by the row's identity.
        originals: what a named rounding is.
        named: the names, and their definitions.
    """

    families: tuple[Family, ...] = ()
    lists: Lists = field(default_factory=lambda: Lists({}))
    by_row: Mapping[int, Family] = field(default_factory=dict)
    levels: Mapping[Symbol, Expr] = field(default_factory=dict)
    shapes: Mapping[int, tuple[Expr, ...]] = field(default_factory=dict)
    originals: Mapping[Expr, Expr] = field(default_factory=dict)
    named: tuple[tuple[Any, Expr], ...] = ()

    @property
    def meanings(self) -> dict[Expr, Expr]:
        """What the symbols and names that are no sizes of the model mean."""
        return {**self.levels, **self.originals}

    def series(self, families: Iterable[Family]) -> list[Series]:
        """The sums of *families*, those with the same indices together."""
        ranges: dict[tuple[int, int], list[Family]] = {}
        for family in families:
            ranges.setdefault((family.start, len(family.rows)), []).append(family)
        result = []
        for (start, length), members in ranges.items():
            body = Sum()
            groups: dict[Expr, Sum] = {}
            for member in members:
                if member.times.free_symbols:
                    if member.times not in groups:
                        groups[member.times] = Sum()
                        body.terms.append(Group(member.times, groups[member.times]))
                    groups[member.times].add(member.size)
            plain = Sum()
            for member in members:
                if not member.times.free_symbols:
                    plain.add(member.times * member.size)
            body.terms += plain.terms
            result.append(Series(start, start + length - 1, body, self._read(body)))
        return result

    def _read(self, body: Sum) -> Callable[[int], Mapping[Expr, Expr]]:
        value = body.value()
        return lambda index: at(value, index, self.lists)

    def path(self, row: Row) -> str:
        """The path of a row, with `*` for the index if it is in a family."""
        family = self.by_row.get(id(row))
        return row.path if family is None else family.path

    def shape(self, row: Row) -> tuple[Expr, ...]:
        """The shape of a row, with the index if it is in a family."""
        family = self.by_row.get(id(row))
        return self.shapes.get(id(row), row.shape) if family is None else family.shape

    def times(self, row: Row) -> Expr:
        """How often a row occurs, with the index if it is in a family."""
        family = self.by_row.get(id(row))
        return row.repeat if family is None else family.times

    @property
    def places(self) -> set[Symbol]:
        """The symbols of the families, and those of single sizes."""
        found = {s for f in self.families for e in (f.times, *f.shape) for s in e.free_symbols}
        return (found & self.lists.places.keys()) | self.levels.keys()

    def single(self, row: Row) -> Expr:
        """The size of a row that is in no family, in the progressions of the families: `16H` is `H_4`."""
        if row.indices:
            return row.size
        shape = self.shapes.get(id(row), row.shape)
        if not self.levels:
            return Mul(*shape)
        back = {value: symbol for symbol, value in self.levels.items()}
        return Mul(*(back.get(side, _divided(side, back)) for side in shape))

    def symbols(self, notation: Notation, index: str) -> Notation:
        """*notation* with the symbols of the families."""
        entries = [*notation]
        used = self.places
        for symbol, place in self.lists.places.items():
            if symbol in used:
                entries.append(Entry(symbol.name, symbol.name, sign(place, self.lists, notation, index), ""))
        if self.families:
            entries.append(Entry(INDEX.name, INDEX.name, index, ""))
        return Notation(tuple(entries))

    def definitions(self, notation: Notation, index: str) -> tuple[str, ...]:
        """What is said below the formula: `H_i = 2^iH`, `r = (2, 4, 5, 8)`."""
        said = (definition(p, self.lists, notation, index) for s, p in self.lists.places.items() if s in self.places)
        found = [text for text in said if text is not None]
        letters = self.symbols(notation, index)
        found += [f"{name}(x) = {set_symbols(text, letters)}" for name, text in self.named]
        return tuple(dict.fromkeys(found))


def _divided(side: Expr, levels: Mapping[Expr, Symbol]) -> Expr:
    """A multiple of a level: `64H` is `4H_4` if there is no higher one."""
    number, rest = side.as_coeff_Mul()
    found = [(value.as_coeff_Mul()[0], s) for value, s in levels.items() if value.as_coeff_Mul()[1] == rest]
    if number.is_Integer and found:
        factor, symbol = max(found)
        if number > factor and number % factor == 0:
            return number / factor * symbol
    return side


def lists_of(notation: Notation, pinned: Mapping[str, object]) -> Lists:
    """The lists of a formula: those of its symbols, and those that it keeps at their value."""
    entries: dict[Symbol, tuple[str, tuple[int, ...]]] = {}
    for e in notation:
        if indices := re.findall(r"\[(\d+)\]", e.field.rpartition(".")[2]):
            entries[e.symbol] = (re.sub(r"\[\d+\]", "", e.field), tuple(map(int, indices)))
    kept: dict[str, dict[int, Rational]] = {}
    for path, value in pinned.items():
        found = re.fullmatch(r"(.*)\[(\d+)\]", path)
        if found and isinstance(value, int) and not isinstance(value, bool):
            kept.setdefault(found[1], {})[int(found[2])] = Rational(value)
    data = {name: tuple(v for _, v in sorted(values.items())) for name, values in kept.items() if len(values) >= FEWEST}
    sizes = sorted((e for e in notation if not e.rational and e.symbol not in entries), key=lambda e: not e.scales)
    return Lists(entries, data, [e.symbol for e in sizes])


def fold(rows: Sequence[tuple[Row, Expr]], lists: Lists, letters: Sequence[str] = ()) -> Folding:
    """The families among *rows*, each with how often it counts; roundings have names of *letters*."""
    counted = [(row, times) for row, times in rows if times != 0 and not row.indices]
    distinct = list(dict.fromkeys(e for row, times in counted for e in (times, *row.shape)))
    shown, originals, definitions = name_roundings(distinct, letters)
    names = dict(zip(distinct, shown, strict=True))
    left = [(replace(row, shape=tuple(names[d] for d in row.shape)), names[times]) for row, times in counted]
    made = families(left, lists)
    found = Folding(tuple(made), lists, {id(row): f for f in made for row in f.rows}, levels(made, lists))
    back = {id(new): id(old) for (new, _), (old, _) in zip(left, counted, strict=True)}
    olds = {id(new): old for (new, _), (old, _) in zip(left, counted, strict=True)}
    moved = {id(f): replace(f, rows=tuple(olds[id(row)] for row in f.rows)) for f in found.families}
    return replace(
        found,
        families=tuple(moved.values()),
        by_row={back[row]: moved[id(f)] for row, f in found.by_row.items()},
        shapes={back[id(new)]: new.shape for new, _ in left},
        originals=originals,
        named=tuple(definitions),
    )
