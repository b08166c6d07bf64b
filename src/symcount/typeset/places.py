"""How the places of a sum look: an entry with its index, a size of a progression, a part, data."""

from __future__ import annotations

import re
from dataclasses import replace

from sympy import Rational

from symcount.core.notation import Entry, Notation
from symcount.typeset.unify import Lists, Place

__all__ = ["definition", "indexed", "sign"]


def definition(place: Place, lists: Lists, notation: Notation, index: str) -> str | None:
    """What is said of a place below the formula, `H_i = 2^iH`; nothing of the entries of a list."""
    shown = sign(place, lists, notation, index)
    if place.kind == "power":
        return _progression(shown, place.ratio, index, notation[place.of].latex)
    if place.kind == "level":
        power = next(p for p in lists.places.values() if p == replace(place, kind="power", offset=0))
        return _progression(sign(power, lists, notation, index), place.ratio, index, notation[place.of].latex)
    if place.kind == "part":
        return f"{shown} = {_of_part(place, lists, notation, index)}/{place.ratio}"
    if place.kind == "number":
        return f"{shown.partition('_')[0]} = ({', '.join(map(str, place.data))})"
    return None


def sign(place: Place, lists: Lists, notation: Notation, index: str) -> str:
    """A place in LaTeX."""
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
    return sign(whole, lists, notation, index)


def _progression(left: str, ratio: Rational, index: str, size: str) -> str:
    return f"{left} = {ratio}^{index}{size}" if ratio.q == 1 else f"{left} = {size}/{ratio.q}^{index}"


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
