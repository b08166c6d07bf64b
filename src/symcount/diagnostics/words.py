"""The keys that the config classes of transformers declare, and which of them mean the same; read from `words.json`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache

from symcount.core.records import Record

__all__ = ["PATH", "Words", "words"]

PATH = os.path.join(os.path.dirname(__file__), "words.json")
"""The file that is shipped with the package."""


class Words(Record):
    """The vocabulary of all config classes together.

    Attributes:
        keys: every key that some class declares.
        meanings: spelling -> the keys that it stands for in some class (`n_embd` -> `hidden_size`).
    """

    keys: frozenset[str]
    meanings: Mapping[str, frozenset[str]]

    def meaning(self, key: str) -> frozenset[str]:
        """What a key may mean: itself, and what it stands for."""
        return self.meanings.get(key, frozenset()) | {key}


@cache
def words() -> Words:
    """What the shipped file says."""
    import json  # only where a config has a key that its class does not know

    with open(PATH, encoding="utf-8") as file:
        found = json.load(file)
    return Words(frozenset(found["keys"]), {key: frozenset(said) for key, said in found["meanings"].items()})
