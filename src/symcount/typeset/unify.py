r"""Anti-unification: what several expressions have in common, with an index where they differ.

The law: the common expression, read at the index of each, is that expression. What may differ are the entries of a list
(`h_0, h_1, h_2` is `h_i`), a geometric progression of a size (`H, 2H, 4H` is `H_i` with `H_i = 2^i H`), an arithmetic
progression (`1, 2, 3` is `i + 1`), and plain numbers, which stay visible as data (`r = (2, 4, 5, 8)`).

>>> from symcount.core.notation import symbol
>>> h = [symbol(f"h_{i}") for i in range(4)]
>>> lists = Lists({s: ("h", (i,)) for i, s in enumerate(h)})
>>> found = unified([h[1] * h[0], h[2] * h[1], h[3] * h[2]], 1, lists)
>>> found, [found.xreplace(at(found, i, lists)) for i in (1, 2, 3)]
(h__499*h__500, [h_0*h_1, h_1*h_2, h_2*h_3])
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sympy import Add, Expr, Integer, Mul, Pow, Rational, Symbol

__all__ = ["INDEX", "Lists", "Place", "at", "unified"]

INDEX = Symbol("index__", integer=True, nonnegative=True)
"""The index itself."""


_ONE = Rational(1)


@dataclass(frozen=True)
class Place:
    """What a symbol of a common expression stands for.

    Attributes:
        kind: `entry` of a list, `power`: a size times a power, `level`: the same at one index, `part`: another place
            divided by a number, `number`: data.
        of: the list's name, the size, the name of another place's symbol, the data's name.
        offset: of the index, for an entry; the index, for a level.
        fixed: the other indices of an entry, `None` where the index stands.
        ratio: of the progression, for a power; the divisor, for a part.
        data: the numbers, from index *start*.
        start: the index of the first of the numbers.
    """

    kind: str
    of: str
    offset: int = 0
    fixed: tuple[int | None, ...] = (None,)
    ratio: Rational = _ONE
    data: tuple[Rational, ...] = ()
    start: int = 0


@dataclass
class Lists:
    """The lists that are known, and the places that were found so far.

    Attributes:
        entries: for each symbol that is an entry, its list and its indices.
        data: lists of numbers by name, which the formula keeps at their value.
        sizes: the symbols that may have a progression, the first of them before the others.
        places: the symbols of common expressions, and what each stands for.
    """

    entries: Mapping[Symbol, tuple[str, tuple[int, ...]]]
    data: Mapping[str, tuple[Rational, ...]] = field(default_factory=dict)
    sizes: Sequence[Symbol] = ()
    places: dict[Symbol, Place] = field(default_factory=dict)

    def symbol_of(self, name: str, indices: tuple[int, ...]) -> Symbol:
        """The symbol of a list's entry."""
        return self.by_index[name, indices]

    def __post_init__(self) -> None:
        self.by_index = {where: symbol for symbol, where in self.entries.items()}
        self.named = {s.name: s for s in self.sizes}

    def named_at(self, place: Place) -> str:
        """A name for an entry of a list: the list's letter, and of two entries the earlier has the earlier name."""
        first = next(symbol for symbol, (name, _) in self.entries.items() if name == place.of)
        return f"{re.sub(r'_[0-9]+(_.*)?$', '', first.name)}__{500 + place.offset}"

    def place(self, name: str, what: Place) -> Symbol:
        """The symbol for a place; equal places have one symbol."""
        for symbol, known in self.places.items():
            if known == what:
                return symbol
        whole = self._is_whole(what) or None  # of what is none, as a list of ratios, a floor stays one
        made = Symbol(name, integer=whole, positive=True)
        number = 2
        while made in self.places:
            made, number = Symbol(f"{name}__{number}", integer=whole, positive=True), number + 1
        self.places[made] = what
        return made

    def _is_whole(self, what: Place) -> bool:
        if what.kind == "entry":
            return all(symbol.is_integer for symbol, (name, _) in self.entries.items() if name == what.of)
        return all(number.is_integer for number in what.data)


def at(template: Expr, index: int, lists: Lists) -> dict[Expr, Expr]:
    """What the places of *template* are at *index*, for `xreplace`."""
    found: dict[Expr, Expr] = {INDEX: Integer(index)}
    for symbol in template.free_symbols & lists.places.keys():
        found[symbol] = _value(lists.places[symbol], index, lists)
    return found


def _value(place: Place, index: int, lists: Lists) -> Expr:
    match place.kind:
        case "entry":
            return lists.symbol_of(place.of, tuple(index + place.offset if f is None else f for f in place.fixed))
        case "power":
            return lists.named[place.of] * place.ratio**index
        case "level":
            return lists.named[place.of] * place.ratio**place.offset
        case "part":
            whole = next(known for symbol, known in lists.places.items() if symbol.name == place.of)
            return _value(whole, index, lists) / place.ratio
        case _:
            return place.data[index - place.start]


def unified(items: Sequence[Expr], start: int, lists: Lists) -> Expr | None:
    """The common expression of *items*, which are those at the indices from *start*; `None` where there is none."""
    first = items[0]
    if all(item == first for item in items):
        return first
    pairs = [item.as_coeff_Mul() for item in items]
    numbers, rests = [Rational(n) if n.is_Rational else None for n, _ in pairs], [r for _, r in pairs]
    if any(n is None for n in numbers):
        return None
    known = [n for n in numbers if n is not None]
    if any(n != known[0] for n in known):
        rest = unified(rests, start, lists)
        return None if rest is None else _scaled(known, rest, start, lists)
    if known[0] != 1:
        rest = unified(rests, start, lists)
        return None if rest is None else known[0] * rest
    return _structure(rests, start, lists)


def _structure(items: Sequence[Expr], start: int, lists: Lists) -> Expr | None:
    first = items[0]
    if all(isinstance(item, Symbol) for item in items):
        return _entries(items, start, lists)
    if any(item.func is not first.func or len(item.args) != len(first.args) for item in items) or not first.args:
        return None
    if isinstance(first, Add | Mul):
        columns = zip(*(sorted(item.args, key=_alike) for item in items), strict=True)
    else:
        columns = zip(*(item.args for item in items), strict=True)
    arguments = []
    for column in columns:
        common = unified(column, start, lists)
        if common is None:
            return None
        arguments.append(common)
    made: Expr = first.func(*arguments)
    return made


def _alike(argument: Expr) -> tuple[str, str]:
    text = str(argument)
    return re.sub(r"\d+", "", text).strip("*/"), text if len(text) < 40 else ""


def _entries(items: Sequence[Expr], start: int, lists: Lists) -> Expr | None:
    where = [lists.entries.get(item) for item in items if isinstance(item, Symbol)]
    if any(w is None for w in where):
        return None
    places = [w for w in where if w is not None]
    name, first = places[0]
    if any(other != name or len(indices) != len(first) for other, indices in places):
        return None
    columns = list(zip(*(indices for _, indices in places), strict=True))
    fixed: list[int | None] = []
    offset: int | None = None
    for column in columns:
        if all(c == column[0] for c in column):
            fixed.append(column[0])
        elif all(c == column[0] + n for n, c in enumerate(column)) and offset in (None, column[0] - start):
            fixed.append(None)
            offset = column[0] - start
        else:
            return None
    if offset is None:
        return None
    place = Place("entry", name, offset, tuple(fixed))
    return lists.place(lists.named_at(place), place)


def _scaled(numbers: Sequence[Rational], rest: Expr, start: int, lists: Lists) -> Expr | None:
    """*rest* times each of *numbers*."""
    for name, data in lists.data.items():
        for way in (data, data[::-1]):
            if len(way) == len(numbers) and len(set(way)) > 1 and 0 not in way:
                ratio = numbers[0] / way[0]
                if all(n == ratio * d for n, d in zip(numbers, way, strict=True)):
                    return ratio * rest * lists.place(f"{name}__d", Place("number", name, data=way, start=start))
    ratio = numbers[1] / numbers[0]
    rising, falling = ratio.q == 1 and ratio >= 2, ratio.p == 1 and ratio < 1 and any(n.q != 1 for n in numbers)
    if (rising or falling) and all(b == ratio * a for a, b in pairwise(numbers)):
        for size in lists.sizes:
            other = any(p.kind == "power" and p.of == size.name and p.ratio != ratio for p in lists.places.values())
            if rest.as_powers_dict().get(size, 0) == 1 and not other:  # one progression of a size has its sign
                power = lists.place(f"{size.name}__p{ratio.q}", Place("power", size.name, ratio=ratio))
                return numbers[0] / ratio**start * rest / size * power
        return numbers[0] / ratio**start * rest * Pow(ratio, INDEX)
    step = numbers[1] - numbers[0]
    if len(numbers) > 2 and all(b - a == step for a, b in pairwise(numbers)):
        return (numbers[0] + step * (INDEX - start)) * rest
    return None
