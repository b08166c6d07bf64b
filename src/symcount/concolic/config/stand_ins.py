"""Classes that stand in for those of a user's configs: made by the names of the fields, with a place for a note."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from types import FunctionType
from typing import Any, Final
from weakref import WeakKeyDictionary

from symcount.concolic.config.config_source import PATH_KEY

__all__ = ["ORIGINAL", "ConfigDict", "attribute_dict", "filled", "original", "stands_in", "subclass", "with_place"]

#: Attribute of a class that stands in for another: that one.
ORIGINAL: Final = "symcount_original"
#: Class -> what stands in for it, by kind.
_MADE: Final[WeakKeyDictionary[type, dict[str, type]]] = WeakKeyDictionary()


class ConfigDict(dict[str, Any]):
    """A dict that takes its items as keyword arguments, and tells which of them are asked for.

    Attributes:
        observer: told every item that is read; set for the time of a trace.
    """

    attribute_map: Final[dict[str, str]] = {}
    observer: Callable[[Any, str, Any], None] | None = None

    def __init__(self, **fields: Any) -> None:
        super().__init__(fields)

    def _read(self, key: Any, value: Any) -> Any:
        observer = type(self).observer
        if observer is not None:
            observer(self, key, value)
        return value

    def __getitem__(self, key: Any) -> Any:
        return self._read(key, super().__getitem__(key))

    def __iter__(self) -> Iterator[str]:  # that it has an iterator of its own lets `dict(x)` and `**x` ask for items
        return super().__iter__()

    def get(self, key: Any, default: Any = None) -> Any:
        """The item, or *default*."""
        return self._read(key, super().get(key, default)) if super().__contains__(key) else default

    def __contains__(self, key: object) -> bool:
        found = super().__contains__(key)
        if found and isinstance(key, str):
            self._read(key, super().__getitem__(key))
        return found

    def pop(self, key: Any, *default: Any) -> Any:
        """The item, which is gone then."""
        return self._read(key, super().pop(key, *default))

    def items(self) -> Any:
        """All of them."""
        return {key: self[key] for key in self}.items()

    def values(self) -> Any:
        """All of them."""
        return {key: self[key] for key in self}.values()

    def copy(self) -> ConfigDict:
        """Another one with the same items."""
        return copy.copy(self)


class _AttributeDict(ConfigDict):
    """A dict whose items are attributes as well, as those of OmegaConf and its like are."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        member = inspect.getattr_static(original(type(self)), name, None)
        if isinstance(member, FunctionType) and not name.startswith("__"):  # a method of the user's class
            return member.__get__(self)
        raise AttributeError(f"config has no {name!r}; it has {', '.join(self)}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name == PATH_KEY:
            object.__setattr__(self, name, value)
        else:
            self[name] = value


def original(cls: type) -> type:
    """The class for which *cls* stands in; *cls* itself if it is no such class."""
    found: type = vars(cls).get(ORIGINAL, cls)
    return found


def stands_in(cls: type) -> bool:
    """Whether *cls* stands in for a class that a trace cannot use as it is."""
    return cls is ConfigDict or ORIGINAL in vars(cls)


@cache
def with_place(cls: type) -> type:
    """A dataclass whose instances have a ``__dict__``: *cls* itself, or what stands in for it if it has slots only."""
    if getattr(cls, "__dictoffset__", 0):
        return cls
    return subclass(cls, {})


def subclass(cls: type, members: dict[str, Any], kind: str = "") -> type:
    """The class that stands in for *cls*; one for each of its *kinds*."""
    known = _MADE.setdefault(cls, {})
    if kind not in known:
        own = {"attribute_map": {}, ORIGINAL: cls, "__module__": cls.__module__, "__doc__": cls.__doc__, **members}
        known[kind] = type(cls)(cls.__name__, (cls,), own)
    return known[kind]


def filled(cls: type) -> type:
    """What stands in for *cls* and is made without its constructor, of all that an instance has."""
    return subclass(cls, {"__init__": _fill}, "filled")


def _fill(self: Any, **fields: Any) -> None:
    for name, value in fields.items():
        object.__setattr__(self, name, value)


def attribute_dict(cls: type, attributes: bool) -> type:
    """What stands in for a mapping that is no plain dict: for `isinstance` it is one of the same class."""
    members = {"attribute_map": {}, ORIGINAL: cls, "__class__": property(lambda _: cls)}
    known = _MADE.setdefault(cls, {})
    kind = "attributes" if attributes else "items"
    if kind not in known:
        known[kind] = type(cls.__name__, (_AttributeDict if attributes else ConfigDict,), members)
    return known[kind]
