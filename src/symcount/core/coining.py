r"""A letter for a config field that the table of symbols does not have: as in the literature, or by the field's words.

A field's name says what kind of quantity it is: a count (`num_…`), a width (`…_dim`), a kernel, a stride, a ratio. The
kind chooses the letter, the words that are left the subscript, from which the empty words are stripped. Several
candidates are given, the shortest first; `symcount.core.letters` takes the first that is free.

>>> for name in ("mlp_ratio", "encoder_hidden_size", "num_codebooks", "adapter_stride"):
...     print(coined(name)[0], "|", meaning(name))
r | feed-forward size over hidden size
H_{\mathrm{enc}} | hidden size (encoder)
n_{\mathrm{cb}} | number of codebooks
s_{\mathrm{adapt}} | stride of the adapter
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from symcount.core.notation import canonical, tabulated
from symcount.core.vocabulary import EMPTY, FREQUENT, GROWING, KINDS, SHORT

__all__ = ["abbreviated", "coined", "grows", "meaning", "subscripted"]

_RULES = tuple((re.compile(pattern), letter, begin) for pattern, letter, begin in KINDS)
_OTHER = {"H": "dUb", "I": "MJ", "N": "M", "A": "a", "C": "c", "D": "d", "r": "q", "V": "U", "L": "T", "k": "W"}
_GREEK = {"τ": r"\tau", "κ": r"\kappa", "σ": r"\sigma", "α": r"\alpha", "δ": r"\delta"}


def coined(name: str) -> list[str]:
    r"""LaTeX for the field *name*, the best first; the last of them is as long as the name itself.

    >>> coined("window_size")[:2], coined("resblock_kernel_sizes")[:2]
    (['w', 'w_{\\mathrm{window}}'], ['k_{\\mathrm{res}}', 'k_{\\mathrm{resblock}}'])
    """
    found: list[str] = []
    if name in FREQUENT:
        found += [_written(letter) for letter in FREQUENT[name][0].split()]
    letter, words = _taken_apart(name)
    found += [subscripted(letter, words_below) for words_below in _subscripts(words)]
    if not words:
        found += _OTHER.get(letter, ())
    everything = [w for w in name.split("_") if w]
    found.append(subscripted(letter, [",".join(map(abbreviated, everything))]))
    found.append(subscripted(letter, [r"\,".join(everything)]))
    return list(dict.fromkeys(found))


def grows(name: str) -> bool:
    """Whether the field *name* is a width or a depth, which grow with a model: not a kernel, a ratio, a head's size.

    >>> [grows(name) for name in ("hidden_sizes", "n_embd", "head_dim", "conv_kernel_size", "vocab_size")]
    [True, True, False, False, False]
    """
    known = tabulated().get(canonical(name))
    return known.scales if known is not None else coined(name)[0][0] in GROWING


def meaning(name: str) -> str:
    """What the field *name* means, in a few words.

    >>> meaning("window_size"), meaning("duration_predictor_kernel_size"), meaning("gamma")
    ('side of an attention window', 'kernel size of the duration predictor', 'gamma')
    """
    if name in FREQUENT:
        return FREQUENT[name][1]
    words = name.split("_")
    for start in range(1, len(words)):
        known = tabulated().get(canonical("_".join(words[start:])))
        if known is not None:
            return f"{known.meaning} ({' '.join(words[:start])})"
    for pattern, _, begin in _RULES:
        if pattern.search(name):
            rest = [w for w in words if w not in EMPTY]
            if not rest:
                break
            plural = rest[-1].endswith("s")
            counted = begin.startswith("number")
            return begin.format(" ".join(rest) if plural or counted else f"the {' '.join(rest)}")
    return " ".join(words)


def subscripted(letter: str, words: Sequence[str]) -> str:
    r"""*letter* with words below it, behind those that it has.

    >>> print(subscripted("N", ["dec"]), subscripted(r"D_{\mathrm{v}}", ["t"]), subscripted("n_h", ["1"]))
    N_{\mathrm{dec}} D_{\mathrm{v,t}} n_{h,1}
    """
    words = [w for w in words if w]
    if not words:
        return letter
    has = re.fullmatch(r"(.*?)_(?:\{(.*)\}|(\\?\w+))((?:\^.*|')?)", letter)
    base, below, above = (has[1], has[2] or has[3], has[4]) if has else (letter, "", "")
    if not has and (raised := re.fullmatch(r"(.*?)(\^.*|'+)", letter)):
        base, above = raised[1], raised[2]
    new = ",".join(words)
    number = new.replace(",", "").isdigit()
    if not below:
        text = (new if len(new) == 1 else f"{{{new}}}") if number else rf"{{\mathrm{{{new}}}}}"
        return f"{base}_{text}{above}"
    upright = re.fullmatch(r"\\mathrm\{(.*)\}", below)
    if upright and not number:
        return rf"{base}_{{\mathrm{{{upright[1]},{new}}}}}{above}"
    shown = new if number else rf"\mathrm{{{new}}}"
    return f"{base}_{{{below},{shown}}}{above}"


def abbreviated(word: str) -> str:
    """A word as it stands in a subscript.

    >>> abbreviated("attention"), abbreviated("stem"), abbreviated("variance")
    ('attn', 'stem', 'var')
    """
    if word in SHORT or len(word) <= 6:
        return SHORT.get(word, word)
    for end in range(3, len(word) - 1):  # a syllable ends before a vowel
        if word[end - 1] not in "aeiouy" and word[end] in "aeiouy":
            return word[:end]
    return word[:5]


def _written(letter: str) -> str:
    base, _, below = letter.partition("_")
    base = _GREEK.get(base, base)
    if not below or below.startswith("\\"):
        return letter if below else base
    return f"{base}_{below}" if below.isdigit() and len(below) == 1 else rf"{base}_{{\mathrm{{{below}}}}}"


def _taken_apart(name: str) -> tuple[str, list[str]]:
    """The letter for *name*, and the words that tell what it belongs to."""
    words = [w for w in name.split("_") if w]
    for start in range(1, len(words)):
        known = tabulated().get(canonical("_".join(words[start:])))
        if known is not None and words[start:] != ["dim"] and words[start - 1] not in ("num", "n", "max"):
            return known.latex, words[:start]
    letter = next((letter for pattern, letter, _ in _RULES if pattern.search(name)), "c")
    rest = [w for w in words if w not in EMPTY]
    return letter, rest or (words if letter == "c" else [])


def _subscripts(words: Sequence[str]) -> Iterator[list[str]]:
    """Subscripts for a letter: none, the first word, the last, two of them, all; each short, then in full."""
    if not words:
        yield []
        return
    short = [abbreviated(w) for w in words]
    yield [short[0]]
    if len(short) > 1:
        yield [short[-1]]
        yield [f"{short[0]},{short[-1]}"]
    if len(short) > 2:
        yield [",".join(short)]
    yield [words[0]]
