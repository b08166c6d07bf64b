"""Sub-configs in a formula: what stands below the letters of each to tell its symbols from those of others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from symcount.core.coining import abbreviated
from symcount.core.notation import canonical

__all__ = ["main_tower", "split_path", "towers"]

_MAIN = frozenset(("text", "language", "llm", "lm"))
_SHARED = frozenset(("projection_dim", "projection_size", "shared_projection_dim"))


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
    outside = {canonical(split_path(p)[1]) for p in listed if "." not in p}
    if len(named) == 1 and not outside & {canonical(split_path(p)[1]) for p in listed if "." in p}:
        return dict.fromkeys(prefixes, "")
    words = {p: _words_of(p) for p in named}
    ways = [{p: make(words[p]) for p in named} for make in _MARKS]
    ways.insert(1, _by_own_word(words))
    numbered = {p: f"{mark},{n}" for n, (p, mark) in enumerate(ways[-1].items())}
    marks = next((way for way in ways if len(set(way.values())) == len(way)), numbered)
    return {p: marks.get(p, "") for p in prefixes}


def _by_own_word(words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The initial of the first word that no other sub-config has; of one that has none, the initials of all.

    >>> _by_own_word({"x": ["acoustic", "encoder"], "y": ["semantic", "encoder"], "z": ["encoder"]})
    {'x': 'a', 'y': 's', 'z': 'e'}
    """
    times = Counter(word for each in words.values() for word in set(each))
    own = {p: [w for w in each if times[w] == 1][:1] or each for p, each in words.items()}
    return {p: ",".join(abbreviated(w)[0] for w in each) for p, each in own.items()}


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


def main_tower(paths: Iterable[str]) -> str | None:
    """The sub-config whose letters need nothing below them: the language model that the other towers feed.

    Two towers that meet in a space of their own (`projection_dim`) are equals, and both are marked.

    >>> main_tower(["text_config.hidden_size", "vision_config.hidden_size"])
    'text_config'
    >>> main_tower(["text_config.hidden_size", "vision_config.hidden_size", "projection_dim"])
    """
    listed = [split_path(path) for path in paths]
    if any(not prefix and name in _SHARED for prefix, name, _ in listed):
        return None
    found = {prefix for prefix, _, _ in listed if prefix and _MAIN.intersection(_words_of(prefix)[-1:])}
    return found.pop() if len(found) == 1 else None


def split_path(path: str) -> tuple[str, str, list[str]]:
    """The sub-config, the field and the indices of a config path."""
    prefix, _, last = path.rpartition(".")
    name, _, rest = last.partition("[")
    tail = rest.rpartition("]")[2] if rest else ""
    return prefix, name + tail, re.findall(r"\[([^\]]*)\]?", last)
