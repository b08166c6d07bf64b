"""The keys that the config classes of transformers declare, and which of them mean the same; read from `words.json`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Words", "default_path", "words"]


class Words(NamedTuple):
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


def default_path() -> Path:
    """The file that is shipped with the package."""
    return Path(__file__).with_name("words.json")


@cache
def words() -> Words:
    """What the shipped file says."""
    import json  # only where a config has a key that its class does not know

    found = json.loads(default_path().read_text(encoding="utf-8"))
    return Words(frozenset(found["keys"]), {key: frozenset(said) for key, said in found["meanings"].items()})
