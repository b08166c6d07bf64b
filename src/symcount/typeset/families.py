"""Families: tensors that the elements of a module list have in common, their shapes with an index.

The law: the shape of a family at each index is the shape of that element's tensor.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sympy import Expr, Mul, Rational, Symbol

from symcount.core.ledger import Row
from symcount.typeset.unify import INDEX, Lists, Place, unified

__all__ = ["FEWEST", "Family", "families", "levels"]

FEWEST = 3
"""Elements that make a sum; two entries of a list do as well."""
_MOST = 64
_OFTEN = 3  # times that a part of a size occurs if it has a symbol
_NUMBER = re.compile(r"(?:^|(?<=\.)|(?<=layer)|(?<=stage)|(?<=stages)|(?<=block)|(?<=blocks))_?(\d+)(?=\.|$)")


@dataclass(frozen=True)
class Family:
    """One tensor of each element of a list: its rows, how often each occurs and its shape at index `start`, ….

    Attributes:
        rows: in the order of the index.
        times: how often, with the index.
        shape: with the index.
        start: the first index.
        path: the path with `*` for the index.
    """

    rows: tuple[Row, ...]
    times: Expr
    shape: tuple[Expr, ...]
    start: int
    path: str

    @property
    def size(self) -> Expr:
        """The number of elements, with the index."""
        return Mul(*self.shape)


def families(left: Sequence[tuple[Row, Expr]], lists: Lists) -> list[Family]:
    """The families among rows, each with how often it counts, in the order of the model."""
    made: list[Family] = []
    by_row: dict[int, Family] = {}
    for level in range(4):
        groups: dict[tuple[str, str, int], list[tuple[int, Row, Expr]]] = {}
        seen: Counter[tuple[str, str, int]] = Counter()
        for row, times in left:
            if id(row) in by_row:
                continue
            found = list(_NUMBER.finditer(row.path))
            if len(found) <= level:
                continue
            match = found[level]
            index = int(match[1])
            path = f"{row.path[: match.start(1)]}*{row.path[match.end(1) :]}"
            seen[path, row.name, index] += 1
            groups.setdefault((path, row.name, seen[path, row.name, index]), []).append((index, row, times))
        for (path, _, _), members in groups.items():
            for family in _families(path, members, lists):
                made.append(family)
                by_row |= {id(row): family for row in family.rows}
    same: dict[tuple[str, str, str], list[tuple[int, Row, Expr]]] = {}
    for row, times in left:  # layers that differ in size, of which the list does not say which is which
        if id(row) not in by_row and "*" in row.path:
            members = same.setdefault((row.path, row.name, re.sub(r"\d+", "", str(times))), [])
            members.append((len(members), row, times))
    for (path, _, _), members in same.items():
        for family in _families(path, members, lists):
            made.append(replace(family, path=f"{path}*"))
            by_row |= {id(row): family for row in family.rows}
    return _aligned(made, lists)


def levels(families: list[Family], lists: Lists) -> dict[Symbol, Expr]:
    """The sizes of a progression from the second to the one behind the last, each with a symbol of its own."""
    highest: dict[Place, int] = {}
    for f in families:
        for e in (f.times, *f.shape):
            for s in e.free_symbols & lists.places.keys():
                place = lists.places[s]
                if place.kind == "power":
                    highest[place] = max(highest.get(place, 0), f.start + len(f.rows))
    found: dict[Symbol, Expr] = {}
    for place, last in highest.items():
        for index in range(1, last + 1):
            level = replace(place, kind="level", offset=index)
            found[lists.place(f"{place.of}__l{index}", level)] = lists.named[place.of] * place.ratio**index
    return found


def _families(path: str, members: Sequence[tuple[int, Row, Expr]], lists: Lists) -> Iterable[Family]:
    """The longest stretches of *members* that have something in common that depends on the index."""
    begin = 0
    while begin + 2 <= len(members):
        ends = range(min(len(members), begin + _MOST), begin + 1, -1)
        found = next((f for end in ends if (f := _family(path, members[begin:end], lists)) is not None), None)
        if found is None:
            begin += 1
        else:
            yield found
            begin += len(found.rows)


def _family(path: str, members: Sequence[tuple[int, Row, Expr]], lists: Lists) -> Family | None:
    numbers = [index for index, _, _ in members]
    start = numbers[0] if all(b == a + 1 for a, b in pairwise(numbers)) else 0
    if len({len(row.shape) for _, row, _ in members}) != 1:
        return None
    for way in (list(members), list(members)[::-1]):
        times = unified([t for _, _, t in way], start, lists)
        shape = [unified(column, start, lists) for column in zip(*(row.shape for _, row, _ in way), strict=True)]
        dims = [d for d in shape if d is not None]
        if times is None or len(dims) != len(shape):
            continue
        symbols = {s for e in (times, *dims) for s in e.free_symbols}
        if not any(s in lists.places or s == INDEX for s in symbols):
            return None  # equal layers: they are a multiple, not a sum
        kinds = {lists.places[s].kind for s in symbols if s in lists.places}
        if len(way) < FEWEST and (kinds != {"entry"} or INDEX in symbols):
            return None
        return Family(tuple(row for _, row, _ in way), times, tuple(dims), start, path)
    return None


def _aligned(families: list[Family], lists: Lists) -> list[Family]:
    """The families of one list with an index that fits the lists of the config: as few shifts as can be."""
    by_list: dict[str, list[Family]] = {}
    for family in families:
        by_list.setdefault(family.path.partition("*")[0], []).append(family)
    moved: dict[int, Family] = {}
    for members in by_list.values():
        offsets = Counter(
            lists.places[s].offset
            for family in members
            for e in (family.times, *family.shape)
            for s in e.free_symbols
            if s in lists.places and lists.places[s].kind == "entry"
        )
        if not offsets or (shift := offsets.most_common(1)[0][0]) == 0:
            continue
        for family in members:
            moved[id(family)] = _shifted(family, shift, lists)
    result = _parts([moved.get(id(f), f) for f in families], lists)
    return _trimmed(result)


def _trimmed(families: list[Family]) -> list[Family]:
    """The families without a first or last element that others of the same indices do not have.

    One sum of many families is not made two sums for the sake of a few that have one element more.
    """
    sizes = Counter((f.start, len(f.rows)) for f in families)
    result = []
    for f in families:
        here = (f.start, len(f.rows))
        shorter = [(f.start, len(f.rows) - 1), (f.start + 1, len(f.rows) - 1)]
        best = max(shorter, key=lambda r: sizes.get(r, 0))
        if sizes.get(best, 0) > sizes[here] and best[1] > 1:
            rows = f.rows[1:] if best[0] > f.start else f.rows[:-1]
            result.append(replace(f, rows=rows, start=best[0]))
        else:
            result.append(f)
    return result


def _parts(families: list[Family], lists: Lists) -> list[Family]:
    """The families with a symbol for a part of a size that often occurs: `b_i = h_i/4`."""
    found = Counter(
        d
        for f in families
        for d in f.shape
        if (pair := d.as_coeff_Mul())[0].is_Rational
        and Rational(pair[0]).p == 1
        and Rational(pair[0]).q > 1
        and pair[1] in lists.places
        and lists.places[pair[1]].kind == "entry"
        and not lists.places[pair[1]].offset
    )
    change: dict[Expr, Expr] = {}
    for part, times in found.items():
        if times >= _OFTEN:
            number, whole = part.as_coeff_Mul()
            change[part] = lists.place(
                f"{whole}__q{Rational(number).q}", Place("part", str(whole), ratio=1 / Rational(number))
            )
    if not change:
        return families
    return [replace(f, shape=tuple(change.get(d, d) for d in f.shape)) for f in families]


def _shifted(family: Family, shift: int, lists: Lists) -> Family:
    """The same family, its indices greater by *shift*."""
    change: dict[Expr, Expr] = {INDEX: INDEX - shift}
    for symbol in {s for e in (family.times, *family.shape) for s in e.free_symbols} & lists.places.keys():
        place = lists.places[symbol]
        if place.kind == "entry":
            moved = replace(place, offset=place.offset - shift)
            change[symbol] = lists.place(lists.named_at(moved), moved)
        elif place.kind == "power":
            change[symbol] = symbol / place.ratio**shift
        else:
            change[symbol] = lists.place(symbol.name, replace(place, start=place.start + shift))
    shape = tuple(d.xreplace(change) for d in family.shape)
    return Family(family.rows, family.times.xreplace(change), shape, family.start + shift, family.path)
