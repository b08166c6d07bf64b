"""Texts with a letter for each layer, which say what a list of kinds says: `hybrid_override_pattern = "M-M*"`.

Which letter is which kind is measured: the config class is asked what it makes of each letter, and then of texts of
many. Nothing is taken from the names of keys.
"""

from __future__ import annotations

import random
import string
from collections.abc import Mapping
from typing import Any, Final

from symcount.atlas.codes import MISSING
from symcount.core.paths import section_of
from symcount.survey.schema.config_class import Part, attribute_at
from symcount.survey.schema.work import Work

__all__ = ["as_text", "spelled"]

_LETTERS: Final = string.ascii_letters + string.digits + string.punctuation
_TEXTS: Final = 4  # texts that are tried
_LONG: Final = 9  # letters of each


def spelled(work: Work, path: str, owner: Part) -> dict[str, dict[str, str]]:
    """The keys that the config's code takes instead of the list at *path*: key -> letter -> kind.

    Args:
        work: what is measured.
        path: the list, which no other key says as long as it is given itself.
        owner: the facts of its section.
    """
    section = section_of(path)
    prefix = f"{section}." if section else ""
    found = {}
    for key in owner.consumed:
        if key in owner.types or key in owner.aliases:
            continue
        letters = {}
        for letter in _LETTERS:
            match _listed(work, path, prefix + key, letter):
                case [str(kind)]:
                    letters[letter] = kind
                case _:
                    pass
        if len(set(letters.values())) < 2 or not _all_of(work, path, prefix + key, letters):
            continue
        found[key] = letters
    return found


def _listed(work: Work, path: str, other: str, text: str) -> list[Any] | None:
    """The list that the config class makes of a text under another key."""
    config = work.probe.try_config({path: MISSING, other: text})
    found = None if config is None else attribute_at(config, path)
    return found if isinstance(found, list) else None


def _all_of(work: Work, path: str, other: str, letters: Mapping[str, str]) -> bool:
    rng = random.Random(0)  # not for secrets
    texts = ["".join(rng.choices(list(letters), k=_LONG)) for _ in range(_TEXTS)]
    return all(_listed(work, path, other, text) == [letters[x] for x in text] for text in texts)


def as_text(
    values: Mapping[str, Any], path: str, keys: Mapping[str, Mapping[str, str]], rng: random.Random
) -> dict[str, Any]:
    """The list at *path* under one of the other *keys*, in letters; nothing where it cannot be said so, or not now."""
    if not keys or rng.random() < 0.5:
        return {}
    key = rng.choice(list(keys))
    letter_of = {kind: letter for letter, kind in keys[key].items()}
    if not set(values[path]) <= letter_of.keys():
        return {}
    section = section_of(path)
    text = "".join(letter_of[kind] for kind in values[path])
    return {f"{section}.{key}" if section else key: text, path: MISSING}
