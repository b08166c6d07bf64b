r"""What repeats with another size, folded into sums: stages, lists of convolutions, towers of doubling width.

A *family* is a tensor that the elements of a module list have in common, at consecutive indices; its shapes and how
often it occurs are anti-unified (`symcount.typeset.unify`). Families with the same indices make one sum.

The law: a sum read at each index and added up is the sum of the tensors it was folded from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from sympy import Expr, Mul, Rational, Symbol

from symcount.ledger import Row
from symcount.notation import Entry, Notation
from symcount.typeset.latex import set_symbols
from symcount.typeset.naming import name_roundings
from symcount.typeset.terms import Group, Series, Sum
from symcount.typeset.unify import INDEX, Lists, Place, at, unified

__all__ = ["Family", "Folding", "fold", "lists_of"]

_FEWEST = 3  # elements that make a sum; two entries of a list do as well
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
                entries.append(Entry(symbol.name, symbol.name, _latex(place, self.lists, notation, index), ""))
        if self.families:
            entries.append(Entry(INDEX.name, INDEX.name, index, ""))
        return Notation(tuple(entries))

    def definitions(self, notation: Notation, index: str) -> tuple[str, ...]:
        """What is said below the formula: `H_i = 2^iH`, `r = (2, 4, 5, 8)`."""
        used = self.places
        found = []
        for symbol, place in self.lists.places.items():
            if symbol not in used:
                continue
            shown = _latex(place, self.lists, notation, index)
            if place.kind == "power":
                found.append(_progression(shown, place.ratio, index, notation[place.of].latex))
            elif place.kind == "level":
                power = next(p for p in self.lists.places.values() if p == replace(place, kind="power", offset=0))
                general = _latex(power, self.lists, notation, index)
                found.append(_progression(general, place.ratio, index, notation[place.of].latex))
            elif place.kind == "part":
                found.append(f"{shown} = {_of_part(place, self.lists, notation, index)}/{place.ratio}")
            elif place.kind == "number":
                numbers = ", ".join(str(n) for n in place.data)
                found.append(f"{shown.partition('_')[0]} = ({numbers})")
        letters = self.symbols(notation, index)
        found += [f"{name}(x) = {set_symbols(text, letters)}" for name, text in self.named]
        return tuple(dict.fromkeys(found))


def _latex(place: Place, lists: Lists, notation: Notation, index: str) -> str:
    if place.kind in ("power", "level"):
        return indexed(notation[place.of].latex, index if place.kind == "power" else str(place.offset))
    if place.kind == "part":
        letter = _letter(place, lists, notation)
        below = _of_part(place, lists, notation, index).rpartition("_")[2]
        return f"{letter}_{below}"
    if place.kind == "number":
        letter = _letter(place, lists, notation)
        shift = f"{index}-{place.start}" if place.start > 0 else index
        return f"{letter}_{shift if len(shift) == 1 else f'{{{shift}}}'}"
    shift = index + (f"{place.offset:+d}" if place.offset else "")
    first = next(s for (name, _), s in lists.by_index.items() if name == place.of)
    base = re.sub(
        r"(?:_\{?[\d,]+\}?|,[\d,]+\})((?:\^.*|'*)?)$",
        lambda m: "}" * m[0].startswith(",") + m[1],
        notation[first].latex,
    )
    return indexed(base, ",".join(shift if f is None else str(f) for f in place.fixed))


def _letter(place: Place, lists: Lists, notation: Notation) -> str:
    """The letter of a part or of data: one that no size and no other of them has."""
    free = [x for x in "bdurvsaqcefgyzRSUQYJ" if not any(_begins(e, x) for e in notation)]
    chosen: dict[Place, str] = {}
    for other in lists.places.values():
        if other.kind in ("part", "number"):
            wanted = "b" if other.kind == "part" else "r"
            chosen[other] = wanted if wanted in free else free[0]
            free.remove(chosen[other])
    return chosen[place]


def _begins(entry: Entry, letter: str) -> bool:
    return entry.latex == letter or entry.latex.startswith(f"{letter}_")


def _of_part(place: Place, lists: Lists, notation: Notation, index: str) -> str:
    whole = next(known for symbol, known in lists.places.items() if symbol.name == place.of)
    return _latex(whole, lists, notation, index)


def _progression(left: str, ratio: Rational, index: str, size: str) -> str:
    return f"{left} = {ratio}^{index}{size}" if ratio.q == 1 else f"{left} = {size}/{ratio.q}^{index}"


def _divided(side: Expr, levels: Mapping[Expr, Symbol]) -> Expr:
    """A multiple of a level: `64H` is `4H_4` if there is no higher one."""
    number, rest = side.as_coeff_Mul()
    found = [(value.as_coeff_Mul()[0], s) for value, s in levels.items() if value.as_coeff_Mul()[1] == rest]
    if number.is_Integer and found:
        factor, symbol = max(found)
        if number > factor and number % factor == 0:
            return number / factor * symbol
    return side


def indexed(latex: str, index: str) -> str:
    r"""*latex* with an index below it.

    >>> print(indexed("h", "i"), indexed("h", "i-1"), indexed(r"H_{\mathrm{v}}", "i"))
    h_i h_{i-1} H_{\mathrm{v},i}
    """
    has = re.fullmatch(r"(.*?)_(?:\{(.*)\}|(\\?\w+))((?:\^.*|'*)?)", latex)
    if has:
        return f"{has[1]}_{{{has[2] or has[3]},{index}}}{has[4]}"
    raised = re.fullmatch(r"(.*?)(\^.*|'+)?", latex)
    base, above = (raised[1], raised[2] or "") if raised else (latex, "")
    return f"{base}_{index if len(index) == 1 else f'{{{index}}}'}{above}"


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
    data = {
        name: tuple(v for _, v in sorted(values.items())) for name, values in kept.items() if len(values) >= _FEWEST
    }
    sizes = sorted((e for e in notation if not e.rational and e.symbol not in entries), key=lambda e: not e.scales)
    return Lists(entries, data, [e.symbol for e in sizes])


def fold(rows: Sequence[tuple[Row, Expr]], lists: Lists, letters: Sequence[str] = ()) -> Folding:
    """The families among *rows*, each with how often it counts; roundings have names of *letters*."""
    counted = [(row, times) for row, times in rows if times != 0]
    distinct = list(dict.fromkeys(e for row, times in counted for e in (times, *row.shape)))
    shown, originals, definitions = name_roundings(distinct, letters)
    names = dict(zip(distinct, shown, strict=True))
    left = [(replace(row, shape=tuple(names[d] for d in row.shape)), names[times]) for row, times in counted]
    found = _folded(left, lists)
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


def _folded(left: Sequence[tuple[Row, Expr]], lists: Lists) -> Folding:
    families: list[Family] = []
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
                families.append(family)
                by_row |= {id(row): family for row in family.rows}
    same: dict[tuple[str, str, str], list[tuple[int, Row, Expr]]] = {}
    for row, times in left:  # layers that differ in size, of which the list does not say which is which
        if id(row) not in by_row and "*" in row.path:
            members = same.setdefault((row.path, row.name, re.sub(r"\d+", "", str(times))), [])
            members.append((len(members), row, times))
    for (path, _, _), members in same.items():
        for family in _families(path, members, lists):
            families.append(replace(family, path=f"{path}*"))
            by_row |= {id(row): family for row in family.rows}
    return _aligned(families, lists)


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
        if len(way) < _FEWEST and (kinds != {"entry"} or INDEX in symbols):
            return None
        return Family(tuple(row for _, row, _ in way), times, tuple(dims), start, path)
    return None


def _aligned(families: list[Family], lists: Lists) -> Folding:
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
    result = _trimmed(result)
    return Folding(tuple(result), lists, {id(row): f for f in result for row in f.rows}, _levels(result, lists))


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


def _levels(families: list[Family], lists: Lists) -> dict[Symbol, Expr]:
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
