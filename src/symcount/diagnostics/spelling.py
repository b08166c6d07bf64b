"""Whether a key is another one misspelt: an edit or two away, or the same but for case and separators."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

__all__ = ["misspelt"]

_SHORT = 8
"""Letters below which a single edit is all that a misspelling may have."""
_SHORTEST = 3
"""Letters that a key must have at least, after an edit."""


def misspelt(key: str, known: Iterable[str]) -> str:
    """Which of the *known* keys the *key* was meant to be; empty if none.

    >>> [misspelt(key, ["hidden_size", "n_layer"]) for key in ("hiden_size", "hiddenSize", "n_layre", "sliding_window")]
    ['hidden_size', 'hidden_size', 'n_layer', '']
    """
    folded, parts = _folded(key), key.split("_")
    known, letters = list(known), set(folded)
    if key.startswith("_") and key[1:] in known:  # `_num_labels`: what a config class wrote for itself
        return ""
    best, found = 3, ""
    for name in known:
        other = _known(name)
        if folded == other:
            return name
        limit = 1 if min(len(folded), len(other)) < _SHORT else 2
        if len(folded) < _SHORTEST or abs(len(folded) - len(other)) > limit:
            continue
        if len(letters ^ _letters(name)) > 2 * limit:  # an edit takes one letter away and brings another
            continue
        if len(parts) != len(others := name.split("_")) and (
            set(parts) <= set(others) or set(parts) >= set(others)
        ):  # `pad_token` is not `pad_token_id`
            continue
        edits = _edits(folded, other)
        if edits <= limit and edits < best and _same_numbers(key, name):
            best, found = edits, name
    return found


@cache
def _known(name: str) -> str:
    return _folded(name)


@cache
def _letters(name: str) -> frozenset[str]:
    return frozenset(_folded(name))


def _folded(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


def _same_numbers(first: str, second: str) -> bool:
    """`conv_2` is no misspelling of `conv_1`."""
    return [c for c in first if c.isdigit()] == [c for c in second if c.isdigit()]


def _edits(first: str, second: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours that turn *first* into *second*.

    Source: the optimal string alignment distance (Damerau 1964, doi:10.1145/363958.363994).
    """
    before: list[int] = []
    last = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        row = [i]
        for j, b in enumerate(second, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if before and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
