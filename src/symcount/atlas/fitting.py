"""Whether a list in a config file is one that leaves a model's tensors as they are; see `record.Check.pattern`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from symcount.exact.arithmetic import Number as Value

__all__ = ["expanded", "fits", "says"]

_MOST = 10_000  # layers that a list may have


def says(text: str, kinds: Any, meaning: Mapping[str, str]) -> bool:
    """Whether the letters of a text, over and over, mean the kinds of a list.

    >>> says("LG", ["local", "global", "local"], {"L": "local", "G": "global"})
    True
    >>> says("LG", ["local", "local"], {"L": "local", "G": "global"}), says("X", ["local"], {"L": "local"})
    (False, False)
    """
    return bool(text) and isinstance(kinds, list) and all(
        meaning.get(text[i % len(text)]) == kind for i, kind in enumerate(kinds)
    )  # fmt: skip


def fits(
    pattern: Mapping[str, Any],
    value: Sequence[Any] | str | dict[str, Any] | int,
    values: Mapping[str, Value],
    found: Mapping[str, Any],
) -> bool:
    """Whether *value* is of the *pattern*, beside the numbers *values* and what else was *found*."""
    if isinstance(value, dict) and "layers" in pattern:
        return all(key.isdecimal() and _of_layer(pattern["layers"], layer) for key, layer in value.items())
    if isinstance(value, dict | int):
        return "list" in pattern and _usual(pattern, value, {**found, **values})
    if isinstance(value, str):
        return "letters" in pattern and says(value, found.get(pattern["of"]), pattern["letters"])
    if "numbered" in pattern:
        first, rest = pattern["numbered"]
        return all(name == (f"{rest}{i}" if i else first) for i, name in enumerate(value))
    if "stages" in pattern:
        return pattern["stages"] in (0, len(value)) and _rising(value)
    if "of" in pattern:
        kinds = found.get(pattern["of"])
        return isinstance(kinds, list) and value == [i for i, x in enumerate(kinds) if x == pattern["kind"]]
    if "list" in pattern:
        return _usual(pattern, value, {**found, **values})
    if pattern.get("runs"):
        value = expanded(value) or []
    if len(value) != values.get(pattern["depth"]):
        return False
    if pattern.get("numbers"):
        return all(type(v) in {int, float} for v in value)
    if "kinds" in pattern:
        return all(isinstance(v, str | int) and v in pattern["kinds"] for v in value)
    period, same = pattern["period"], pattern.get("same", {})
    return all(values[p] == v for p, v in same.items()) and all(
        v == period[i % len(period)] for i, v in enumerate(value)
    )


def _of_layer(keys: Sequence[str], layer: Any) -> bool:
    """Whether what a layer has otherwise than the others is null or a positive number at some of the *keys*.

    >>> _of_layer(["sliding_window"], {"sliding_window": 1024}), _of_layer(["sliding_window"], {"head_dim": 64})
    (True, False)
    """
    return isinstance(layer, dict) and all(
        key in keys and (value is None or (type(value) is int and value > 0)) for key, value in layer.items()
    )


def _usual(pattern: Mapping[str, Any], value: Any, others: Mapping[str, Any]) -> bool:
    """Whether *value* is the one that is computed by default, and the others that it is made of are the usual ones."""
    return bool(value == pattern["list"]) and all(others.get(p, v) == v for p, v in pattern.get("same", {}).items())


def expanded(value: Any) -> list[str] | None:
    """The kind of each layer, of a list of kinds and how often these come; `None` if it is no such list.

    >>> expanded([[["global", "local"], 2], [["local"], 1]])
    ['global', 'local', 'global', 'local', 'local']
    """
    found: list[str] = []
    for item in value if isinstance(value, list | tuple) else [None]:
        match item:
            case [[*kinds], int(times)] if all(isinstance(x, str) for x in kinds) and 0 <= times <= _MOST:
                found += [str(x) for x in kinds] * times
            case _:
                return None
        if len(found) > _MOST:
            return None
    return found or None


def _rising(value: Sequence[Any]) -> bool:
    """Whether names or numbers of stages stand in their order.

    >>> _rising(["stage3", "stage6"]), _rising([3, 6]), _rising([6, 3]), _rising(["stem", "stage6"])
    (True, True, False, False)
    """
    if all(isinstance(x, str) and re.fullmatch(r"stage[1-9]\d{0,8}", x) for x in value):
        value = [int(x.removeprefix("stage")) for x in value]
    return all(type(x) is int and x >= 0 for x in value) and all(a < b for a, b in itertools.pairwise(value))
