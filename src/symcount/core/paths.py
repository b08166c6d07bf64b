"""Paths into a config: `vision_config.depths[1]` is element 1 of the list `depths` of the sub-config `vision_config`.

The one place that knows how such a path is written, and how the value there is read or set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

__all__ = ["path_of", "section_of", "split", "steps", "value_at", "with_value", "with_values"]

_STEP = re.compile(r"[^.\[\]]+")


def steps(path: str) -> list[str]:
    """The keys and indices of a path, from the outside in.

    >>> steps("vision_config.depths[1]")
    ['vision_config', 'depths', '1']
    """
    return _STEP.findall(path)


@lru_cache(maxsize=10_000)  # a model's paths are split again and again
def split(path: str) -> tuple[str, str, tuple[int, ...]]:
    """Section, key and indices of a path.

    >>> split("vision_config.depths[1]")
    ('vision_config', 'depths', (1,))
    """
    section, _, last = path.rpartition(".")
    key, _, rest = last.partition("[")
    return section, key, tuple(int(i.rstrip("]")) for i in rest.split("[") if rest)


def path_of(section: str, key: str) -> str:
    """The path of a key of a section; the config itself is the section with the empty path.

    >>> path_of("vision_config", "depths"), path_of("", "depths")
    ('vision_config.depths', 'depths')
    """
    return f"{section}.{key}" if section else key


def section_of(path: str) -> str:
    """The path of the section that has the key; empty for the config's own.

    >>> section_of("vision_config.depths[1]")
    'vision_config'
    """
    return path.rpartition(".")[0]


def value_at(
    value: Any, path: str, default: Any = None, attribute: Callable[[Any, str, Any], Any] | None = None
) -> Any:
    """The value at a path of a config, *default* where there is none.

    Args:
        value: a mapping as a file has it, or with *attribute* a config object; the empty path is the value itself.
        path: keys and indices.
        default: what stands for a key or an element that is not there.
        attribute: how an attribute of an object is read: (object, name, default) -> value.

    >>> value_at({"vision_config": {"depths": [2, 6]}}, "vision_config.depths[1]")
    6
    >>> value_at({"depths": [2, 6]}, "depths[2]", "none")
    'none'
    """
    for step in steps(path):
        if isinstance(value, list | tuple) and not hasattr(value, "_fields"):  # a named tuple has attributes
            value = value[int(step)] if step.isdecimal() and int(step) < len(value) else default
        elif isinstance(value, Mapping):
            value = value.get(step, default)
        elif attribute is not None:
            value = attribute(value, step, default)
        else:
            return default
        if value is default:
            break
    return value


def with_values(fields: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a config's fields with the values of *given*, by path.

    >>> with_values({"a": {"b": 1}}, {"a.c": 2, "d": 3})
    {'a': {'b': 1, 'c': 2}, 'd': 3}
    """
    found = dict(fields)
    for path, value in given.items():
        found = with_value(found, path, value)
    return found


def with_value(fields: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of a config's fields in which the key at *path* is set; sections that are not there are made.

    >>> with_value({"a": {"b": 1}}, "a.c", 2)
    {'a': {'b': 1, 'c': 2}}
    """
    first, _, rest = path.partition(".")
    if not rest:
        return {**fields, first: value}
    inner = fields.get(first)
    return {**fields, first: with_value(inner if isinstance(inner, Mapping) else {}, rest, value)}
