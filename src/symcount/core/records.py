"""Immutable records of named fields, for what a count reads.

They are what frozen dataclasses are, without their import: it brings `inspect` and writes each class's methods as text,
which together take as long as everything else that counting one config does.

>>> class Point(Record):
...     x: int
...     tags: list[str] = made(default_factory=list)
>>> point = Point(3)
>>> point, point.changed(x=4) == Point(x=4, tags=[])
(Point(x=3, tags=[]), True)
>>> point.x = 5
Traceback (most recent call last):
...
AttributeError: Point is immutable; use changed(x=…)
>>> Point(3, colour="red")
Traceback (most recent call last):
...
TypeError: Point has no field colour
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn, Self, TypeVar, dataclass_transform

__all__ = ["Record", "made"]

T = TypeVar("T")


class _Made:
    """A default that each record has of its own."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def made(*, default_factory: Callable[[], T]) -> T:
    """A default that is made anew for each record: an empty list, an empty dict."""
    return _Made(default_factory)  # type: ignore[return-value]  # what a record has is what it makes


@dataclass_transform(frozen_default=True, field_specifiers=(made,))
class Record:
    """The base of a class whose annotated names are its fields, in their order."""

    _fields: ClassVar[tuple[str, ...]] = ()
    _known: ClassVar[frozenset[str]] = frozenset()
    _usual: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(cls.__dict__.get("__annotations__", ())) or cls._fields  # noqa: RUF063  # inspect is to be avoided
        cls._known = frozenset(cls._fields)
        cls._usual = {name: cls.__dict__[name] for name in cls._fields if name in cls.__dict__} or cls._usual

    def __init__(self, *values: Any, **named: Any) -> None:
        own = self.__dict__
        if values:
            own.update(zip(self._fields, values, strict=False))
            if len(values) > len(self._fields) or own.keys() & named.keys():
                raise TypeError(f"{type(self).__name__} has more values than fields, or one twice")
        own.update(named)
        if len(own) < len(self._fields):
            for name, value in self._usual.items():
                if name not in own:
                    own[name] = value.make() if type(value) is _Made else value
        if own.keys() != self._known:
            unknown = sorted(own.keys() - self._known)
            lacking = [name for name in self._fields if name not in own]
            said = f"has no field {', '.join(unknown)}" if unknown else f"lacks {', '.join(lacking)}"
            raise TypeError(f"{type(self).__name__} {said}")

    def changed(self, **fields: Any) -> Self:
        """The record with other values of these fields."""
        return type(self)(**{**self.__dict__, **fields})

    def to_dict(self) -> dict[str, Any]:
        """The values by field, in the order of the fields."""
        own = self.__dict__
        return {name: own[name] for name in self._fields}

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable; use changed({name}=…)")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.to_dict().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.to_dict().items())})"
