"""How a config is made: its class and the arguments that it is called with, innermost first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from symcount.core.paths import path_of

__all__ = [
    "PATH_KEY",
    "ConfigSource",
    "aliases_of",
    "construct",
    "fields_in",
    "is_config",
    "is_of_transformers",
    "walk",
]

#: Key in a config's ``__dict__`` that holds its dotted path: unlike an identity it survives ``copy.deepcopy``.
PATH_KEY: Final = "_symcount_path"


@dataclass(frozen=True)
class ConfigSource:
    """How to construct a config: its class and the arguments that differ from the defaults.

    Attributes:
        asked: the config that it was read from, if it was read from one.
    """

    cls: type
    kwargs: dict[str, Any] = field(default_factory=dict)
    asked: Any = field(default=None, repr=False, compare=False)


def construct(source: ConfigSource) -> Any:
    """Call the constructors of a source, innermost first."""
    return source.cls(**{name: _made(value) for name, value in source.kwargs.items()})


def _made(value: Any) -> Any:
    if isinstance(value, ConfigSource):
        return construct(value)
    if type(value) in (list, tuple):
        made = [_made(item) for item in value]
        return value if all(new is old for new, old in zip(made, value, strict=True)) else type(value)(made)
    return value


def is_config(value: object) -> bool:
    """Whether ``value`` is a config or sub-config.

    That is a transformers config, an instance of any dataclass, or what stands in for a config of another kind (see
    `symcount.concolic.config.containers`).
    """
    return (dataclasses.is_dataclass(value) and not isinstance(value, type)) or hasattr(type(value), "attribute_map")


def is_of_transformers(cls: Any) -> bool:
    """Whether a config class is one of transformers; those read themselves from a dict, a user's own need not."""
    return hasattr(cls, "from_dict")


def aliases_of(cls: Any) -> Mapping[str, str]:
    """The other names by which a config class knows its fields: alias -> field."""
    return getattr(cls, "attribute_map", None) or {}


def fields_in(config: Any) -> Mapping[str, Any]:
    """What a config object has, by name: the items of a dict, else its attributes, slots among them."""
    if isinstance(config, Mapping):
        return {str(name): value for name, value in config.items()}
    found: dict[str, Any] = getattr(config, "__dict__", {})
    kind: Any = type(config)
    if slots := _slots(kind):
        found = {**found, **{name: getattr(config, name) for name in slots if hasattr(config, name)}}
    return found


@lru_cache(maxsize=1024)
def _slots(cls: type) -> tuple[str, ...]:
    """The attributes that instances have without a ``__dict__``: slots, and the fields of a named tuple."""
    found: list[str] = list(getattr(cls, "_fields", ())) if issubclass(cls, tuple) else []
    for base in cls.__mro__:
        slots = vars(base).get("__slots__", ())
        found += (slots,) if isinstance(slots, str) else slots
    return tuple(name for name in dict.fromkeys(found) if not name.startswith("__"))


def walk(config: Any, path: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Any]]:
    """A config and all its sub-configs, with their dotted paths; each instance once."""
    seen = set() if seen is None else seen
    if id(config) in seen:
        return
    seen.add(id(config))
    yield path, config
    for name, value in fields_in(config).items():
        if is_config(value):
            yield from walk(value, path_of(path, name), seen)
        elif isinstance(value, list | tuple):
            yield from _walked(value, path_of(path, name), seen)


def _walked(values: Sequence[Any], path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    for i, item in enumerate(values):
        if is_config(item):
            yield from walk(item, f"{path}[{i}]", seen)
        elif isinstance(item, list | tuple):
            yield from _walked(item, f"{path}[{i}]", seen)
