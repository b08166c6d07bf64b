r"""Letters for any config fields: the table's where there is one and it is free, one for its kind otherwise."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count

from symcount.core.coining import abbreviated, coined, grows, meaning, subscripted
from symcount.core.notation import Entry, Notation, canonical, tabulated
from symcount.core.towers import main_tower, split_path, towers

__all__ = ["assign", "decorated", "lettered"]

_Key = tuple[str, str, bool]  # sub-config, field, whether it is a list's

_NUMBERED = 100  # signs with a number that are tried for a list of entries, before each entry has its own


def assign(paths: Iterable[str]) -> Notation:
    r"""Give every config path a letter: the table's where it is free, a readable name otherwise.

    A field of a sub-config carries the sub-config as a subscript, an element of a list its index, the number of layers
    that a list has of one kind the kind.

    >>> for e in assign(["d_model", "vision_config.hidden_size", "depths[1]", "encoder_stride", "layer_types#mamba"]):
    ...     print(e.letter, e.latex)
    H H
    H_vision H_{\mathrm{v}}
    N_1 N_1
    encoder_stride s
    N_mamba N_{\mathrm{mamba}}
    """
    entries: dict[str, Entry] = {}
    latex_used: set[str] = set()
    for path in dict.fromkeys(paths):
        item = _assigned(path)
        if item.letter in entries or item.latex in latex_used:
            item = _assigned(path, readable=True)
        base, tries = item, 1
        while item.letter in entries or item.latex in latex_used:  # e.g. a.b_c and a_b.c read alike
            tries += 1
            item = replace(base, letter=f"{base.letter}_{tries}", latex=f"{base.latex}_{{({tries})}}")
        entries[item.letter] = item
        latex_used.add(item.latex)
    return lettered(Notation(tuple(entries.values())))


def lettered(notation: Notation) -> Notation:
    r"""The same symbols, typeset as a person would: no two fields share a letter, entries of one list have one.

    The letters of the table go first, each other field takes the first of those that `symcount.core.coining` has for it
    that is free; the only one of its kind needs no word below it. Sub-configs are told apart by a subscript where
    another has the same letter, but for those of the language model, which have none.

    >>> for e in lettered(Notation((Entry("x", "conv_dim[0]", "x", ""), Entry("y", "conv_dim[1]", "y", "")))):
    ...     print(e.latex, "|", e.meaning)
    c_0 | channels of the convolutions, entry 0
    c_1 | channels of the convolutions, entry 1
    """
    marks = towers(e.field for e in notation)
    groups: dict[_Key, list[Entry]] = {}
    for e in notation:
        prefix, name, index = split_path(e.field)
        groups.setdefault((prefix, name, bool(index)), []).append(e)
    wanted = _wanted(groups)
    bare = _bare(wanted, main_tower(e.field for e in notation))
    used: set[str] = set()
    found: dict[str, tuple[str, str]] = {}
    for key in sorted(groups, key=lambda key: (not _known(key[1]), key not in bare)):
        members, mark = groups[key], marks[key[0]]
        tries = ((latex, below) for latex in wanted[key] for below in (("", mark) if key in bare and mark else (mark,)))
        for latex, below in chain(tries, ((f"x_{{({n})}}", mark) for n in range(1, _NUMBERED))):
            whole = subscripted(latex, [below])
            shown = {e.letter: subscripted(whole, split_path(e.field)[2]) for e in members}
            signs = {_sign(text) for text in (whole, *shown.values())}
            if not signs & used and len(set(map(_sign, shown.values()))) == len(shown):
                break
        else:  # paths that nothing tells apart, as `a[` and `a[]`
            free = (text for n in count(_NUMBERED) if _sign(text := f"x_{{({n})}}") not in used)
            shown = {e.letter: next(free) for e in members}
            signs = set(map(_sign, shown.values()))
        used |= signs
        found |= {e.letter: (shown[e.letter], _meaning(e)) for e in members}
    return Notation(
        tuple(replace(e, latex=found[e.letter][0], meaning=found[e.letter][1], scales=_grows(e)) for e in notation)
    )


def _wanted(groups: Mapping[_Key, Sequence[Entry]]) -> dict[_Key, list[str]]:
    """The signs for each field, the best first; the only one of its kind in a sub-config needs no word below it."""
    wanted = {key: list(_candidates(key[1], members[0])) for key, members in groups.items()}
    bases = Counter((key[0], signs[0].partition("_")[0]) for key, signs in wanted.items())
    for (prefix, name, _), signs in wanted.items():
        base = signs[0].partition("_")[0]
        if bases[prefix, base] == 1 and not _known(name) and "#" not in name:
            signs.insert(0, base)
    return wanted


def _bare(wanted: Mapping[_Key, Sequence[str]], main: str | None) -> set[_Key]:
    """The fields that need no sub-config below them: no other has such a letter, or they are the *main* one's."""
    firsts = Counter(signs[0] for signs in wanted.values())
    outside = {signs[0] for (prefix, _, _), signs in wanted.items() if not prefix}
    return {
        key for key, signs in wanted.items() if firsts[signs[0]] == 1 or (key[0] == main and signs[0] not in outside)
    }


def decorated(latex: str, path: str, marks: Mapping[str, str]) -> str:
    r"""The LaTeX of a quantity where it is the field at *path*: its sub-config and its list index below.

    *marks* says what stands below for each sub-config; see `towers`.

    >>> marks = {"vision_config": "v", "": ""}
    >>> print(decorated("H", "vision_config.hidden_size", marks), decorated("N", "depths[1]", marks))
    H_{\mathrm{v}} N_1
    """
    prefix, _, index = split_path(path)
    return subscripted(subscripted(latex, [marks[prefix]]), index)


def _known(name: str) -> bool:
    return canonical(name) in tabulated()


def _candidates(name: str, first: Entry) -> Iterator[str]:
    field, mark, kind = name.partition("#")
    if mark:
        words = (field if kind == "names" else kind).split("_")
        yield subscripted("N", [words[0] if len(words[0]) < 9 else abbreviated(words[0])])
        yield subscripted("N", [",".join(map(abbreviated, words))])
        yield subscripted("N", [",".join(map(abbreviated, [*field.split("_"), *words]))])
        yield subscripted("N", [r"\,".join([*field.split("_"), *words])])
        return
    known = tabulated().get(canonical(name))
    if known is not None:
        yield known.latex
    elif first.letter in tabulated():  # a letter of the table that was chosen for another field
        yield first.latex
    yield from coined(name)


def _grows(e: Entry) -> bool:
    name = split_path(e.field)[1]
    known = tabulated().get(e.letter)
    return known.scales if known is not None and not _known(name) else "#" in name or grows(name)


def _sign(latex: str) -> str:
    """What is seen of *latex*: two that are seen alike are one sign."""
    return re.sub(r"\\mathrm|[{}\s]|\\,", "", latex)


def _meaning(e: Entry) -> str:
    """What the field of *e* means, and of which sub-config and list entry it is."""
    prefix, name, index = split_path(e.field)
    if "#" in name:
        return e.meaning
    known = tabulated().get(canonical(name))
    said = known.meaning if known is not None else meaning(name)
    if known is None and e.letter in tabulated():
        said = e.meaning
    if index:
        said = f"{said}, entry {','.join(index)}"
    return f"{said} ({_short(prefix).replace('_', ' ')})" if prefix else said


def _layers(name: str, kind: str) -> str:
    """What the number of layers is that a list in the config says to be of one kind; see `config.kind_lists`."""
    if kind in {"listed", "others"}:
        return f"layers that {name} {'names' if kind == 'listed' else 'does not name'}"
    return f"layers of the kind {kind.replace('_', ' ')}"


def _short(prefix: str) -> str:
    return "_".join(part.removesuffix("_config") for part in re.sub(r"\[(\d+)\]", r"_\1", prefix).split("."))


def _assigned(path: str, readable: bool = False) -> Entry:
    prefix, _, last = path.rpartition(".")
    name, _, rest = last.partition("[")
    index = [part.rstrip("]") for part in rest.split("[")] if rest else []
    name, mark, kind = name.partition("#")
    known = tabulated().get(canonical(name))
    if mark and kind == "names":  # of which each has a part of the model to itself
        letter, latex, meaning = (
            f"N_{name}",
            rf"N_{{\mathrm{{{name.replace('_', chr(92) + ',')}}}}}",
            name.replace("_", " "),
        )
        known = Entry(letter, path, latex, meaning, scales=True)
    elif mark:
        letter, latex = f"N_{kind}", rf"N_{{\mathrm{{{kind.replace('_', chr(92) + ',')}}}}}"
        meaning = _layers(name, kind)
        known = Entry(letter, path, latex, meaning, scales=True)
    elif readable or known is None or (index and known.latex.endswith("}")) or len(name) == 1:
        letter, latex = name, rf"d_{{\mathrm{{{name.replace('_', chr(92) + ',')}}}}}"
        meaning = name.replace("_", " ")
    else:
        letter, latex, meaning = known.letter, known.latex, known.meaning
    latex = f"{latex}_{{{','.join(index)}}}" if index else latex
    latex = f"{latex}^{{{_short(prefix)}}}" if prefix else latex
    if index:
        letter = "_".join([letter, *index])
        meaning = f"{meaning}, entry {','.join(index)}"
    if prefix:
        short = _short(prefix)
        letter = f"{letter}_{short}"
        meaning = f"{meaning} ({short.replace('_', ' ')})"
    letter = re.sub(r"\W", "_", letter).strip("_") or "x"
    if not letter[0].isalpha():
        letter = f"x_{letter}"
    minimum = known.minimum if known is not None else 1
    return Entry(letter, path, latex, meaning, minimum, known.scales if known is not None and not index else False)
