r"""Letters for any config fields: the table's where there is one and it is free, one for its kind otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count

from symcount.coining import abbreviated, coined, grows, meaning, subscripted
from symcount.notation import Entry, Notation, canonical, tabulated

__all__ = ["assign", "decorated", "lettered", "towers"]

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

    The letters of the table go first, each other field takes the first of those that `symcount.coining` has for it
    that is free. Sub-configs are told apart by a subscript; if there is one only, and no field outside it would look
    like one of its own, it needs none.

    >>> for e in lettered(Notation((Entry("x", "conv_dim[0]", "x", ""), Entry("y", "conv_dim[1]", "y", "")))):
    ...     print(e.latex, "|", e.meaning)
    c_0 | channels of the convolutions, entry 0
    c_1 | channels of the convolutions, entry 1
    """
    marks = towers(e.field for e in notation)
    groups: dict[tuple[str, str, bool], list[Entry]] = {}
    for e in notation:
        prefix, name, index = _split(e.field)
        groups.setdefault((prefix, name, bool(index)), []).append(e)
    used: set[str] = set()
    found: dict[str, tuple[str, str]] = {}
    for (prefix, name, _), members in sorted(groups.items(), key=lambda item: not _known(item[0][1])):
        for latex in chain(_candidates(name, members[0]), (f"x_{{({n})}}" for n in range(1, _NUMBERED))):
            shown = {e.letter: _marked(latex, e.field, marks) for e in members}
            signs = {_sign(text) for text in (subscripted(latex, [marks[prefix]]), *shown.values())}
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


def decorated(latex: str, path: str, marks: Mapping[str, str]) -> str:
    r"""The LaTeX of a quantity where it is the field at *path*: its sub-config and its list index below.

    *marks* says what stands below for each sub-config; see `towers`.

    >>> marks = {"vision_config": "v", "": ""}
    >>> print(decorated("H", "vision_config.hidden_size", marks), decorated("N", "depths[1]", marks))
    H_{\mathrm{v}} N_1
    """
    return _marked(latex, path, marks)


def towers(paths: Iterable[str]) -> dict[str, str]:
    """What stands below a letter for each sub-config that *paths* go through: as little as tells them apart.

    >>> towers(["text_config.hidden_size", "vision_config.hidden_size", "projection_dim"])
    {'text_config': 't', 'vision_config': 'v', '': ''}
    >>> towers(["vision_config.hidden_size", "num_labels"]), towers(["vision_config.hidden_size", "d_model"])
    ({'vision_config': '', '': ''}, {'vision_config': 'v', '': ''})
    """
    listed = list(dict.fromkeys(paths))
    prefixes = list(dict.fromkeys(path.rpartition(".")[0] for path in listed))
    named = [p for p in prefixes if p]
    outside = {canonical(_split(p)[1]) for p in listed if "." not in p}
    if len(named) == 1 and not outside & {canonical(_split(p)[1]) for p in listed if "." in p}:
        return dict.fromkeys(prefixes, "")
    for make in _MARKS:
        marks = {p: make(_words_of(p)) for p in named}
        if len(set(marks.values())) == len(marks):
            break
    else:
        marks = {p: f"{make(_words_of(p))},{n}" for n, p in enumerate(named)}
    return {p: marks.get(p, "") for p in prefixes}


_MARKS: tuple[Callable[[Sequence[str]], str], ...] = (
    lambda words: abbreviated(words[-1])[0],
    lambda words: abbreviated(words[-1]),
    lambda words: ",".join(abbreviated(w)[0] for w in words),
    lambda words: ",".join(map(abbreviated, words)),
    ",".join,
)


def _words_of(prefix: str) -> list[str]:
    """The words of a sub-config's path that say what it is."""
    parts = re.sub(r"\[(\d+)\]", r"_\1", prefix).split(".")
    words = [w for part in parts for w in part.split("_") if w not in ("config", "model", "")]
    return words or ["x"]


def _split(path: str) -> tuple[str, str, list[str]]:
    """The sub-config, the field and the indices of a config path."""
    prefix, _, last = path.rpartition(".")
    name, _, rest = last.partition("[")
    tail = rest.rpartition("]")[2] if rest else ""
    return prefix, name + tail, re.findall(r"\[([^\]]*)\]?", last)


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
    name = _split(e.field)[1]
    known = tabulated().get(e.letter)
    return known.scales if known is not None and not _known(name) else "#" in name or grows(name)


def _marked(latex: str, path: str, marks: Mapping[str, str]) -> str:
    prefix, _, index = _split(path)
    return subscripted(subscripted(latex, [marks[prefix]]), index)


def _sign(latex: str) -> str:
    """What is seen of *latex*: two that are seen alike are one sign."""
    return re.sub(r"\\mathrm|[{}\s]|\\,", "", latex)


def _meaning(e: Entry) -> str:
    """What the field of *e* means, and of which sub-config and list entry it is."""
    prefix, name, index = _split(e.field)
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
    """What the number of layers is that a list in the config says to be of one kind; see `derive.arranged`."""
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
