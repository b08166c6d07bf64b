r"""Letters for any config fields: the table's where there is one and it is free, a readable name otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from symcount.notation import Entry, Notation, canonical, escape, tabulated

__all__ = ["assign", "decorated"]


def assign(paths: Iterable[str]) -> Notation:
    r"""Give every config path a letter: the table's where it is free, a readable name otherwise.

    A field of a sub-config carries the sub-config as a superscript, an element of a list its index as a subscript, the
    number of layers that a list has of one kind the kind.

    >>> for e in assign(["d_model", "vision_config.hidden_size", "depths[1]", "encoder_stride", "layer_types#mamba"]):
    ...     print(e.letter, e.latex)
    H H
    H_vision H^{\mathrm{vision}}
    N_1 N_{1}
    encoder_stride d_{\mathrm{encoder\,stride}}
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
    return Notation(tuple(entries.values()))


def decorated(latex: str, path: str) -> str:
    r"""The LaTeX of a quantity where it is the field at *path*: its list index below, its sub-config above.

    >>> print(decorated("H", "vision_config.hidden_size"), decorated("N", "depths[1]"))
    H^{\mathrm{vision}} N_{1}
    """
    prefix, _, last = path.rpartition(".")
    if index := ",".join(re.findall(r"\[([^\]]*)\]?", last)):
        below = re.fullmatch(r"(.*_)(\w)", latex)  # n_h becomes n_{h,1}: a symbol has one subscript
        latex = f"{below[1]}{{{below[2]}}}" if below else latex
        open_below = latex.endswith("}") and _grouped(latex) == latex
        latex = f"{latex[:-1]},{index}}}" if open_below else f"{_grouped(latex)}_{{{index}}}"
    return f"{_grouped(latex)}^{{\\mathrm{{{escape(_short(prefix))}}}}}" if prefix else latex


def _layers(name: str, kind: str) -> str:
    """What the number of layers is that a list in the config says to be of one kind; see `derive.arranged`."""
    if kind in {"listed", "others"}:
        return f"layers that {name} {'names' if kind == 'listed' else 'does not name'}"
    return f"layers of the kind {kind.replace('_', ' ')}"


def _grouped(latex: str) -> str:
    """*latex* so that it can bear a script."""
    return f"{{{latex}}}" if "^" in latex or "'" in latex else latex


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
    latex = decorated(latex, path)
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
