"""The tensors that a cache holds: found in the object that a model returns, whatever its class is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

__all__ = ["OUTPUTS", "State", "placed", "states"]

State = tuple[tuple[str, ...], str, Any]  # path, class of what holds it, tensor

#: Where a model's output has what the next step needs.
OUTPUTS = ("past_key_values", "cache_params", "past_buckets_states", "state", "mems", "past_key_value")


def placed(path: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Where the tensor at *path* stands, and its name there: one that is in a list has the name of the list.

    >>> placed(("layers", "3", "keys")), placed(("layers", "3", "conv_states", "0")), placed(("rnn_state", "7", "1"))
    ((('layers', '3'), 'keys'), (('layers', '3'), 'conv_states_0'), (('rnn_state', '7'), 'state_1'))
    """
    *place, name = path
    if name.isdecimal() and place:
        name = f"state_{name}" if place[-1].isdecimal() else f"{place.pop()}_{name}"
    return tuple(place), name


def states(cache: Any) -> Iterator[State]:
    """Every tensor of a cache with its path, each once."""
    yield from _below(cache, (), "", set())


def _below(value: Any, path: tuple[str, ...], kind: str, seen: set[int]) -> Iterator[State]:
    if value is None or isinstance(value, int | float | str | bool | type) or id(value) in seen:
        return
    seen.add(id(value))
    if hasattr(value, "new_empty"):
        yield path, kind, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _below(item, (*path, str(name)), kind, seen)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _below(item, (*path, str(index)), kind, seen)
    elif is_dataclass(value):
        for item in fields(value):
            yield from _below(getattr(value, item.name), (*path, item.name), type(value).__name__, seen)
    elif type(value).__module__.partition(".")[0] == "transformers" and not hasattr(value, "attribute_map"):
        for name, item in vars(value).items():
            yield from _below(item, (*path, name), type(value).__name__, seen)
