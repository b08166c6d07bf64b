"""Subclasses of texts, objects, lists and tuples that note what is asked of them; see `concolic.config.opaque`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from symcount.concolic.config.asking import Place, note

__all__ = ["ObservedList", "ObservedObject", "ObservedText", "ObservedTuple", "made", "plain"]


def plain(value: Any) -> Any:
    """A value without observation, also inside of lists and objects."""
    match value:
        case ObservedText():
            return str.__str__(value)
        case ObservedObject():
            return {plain(k): plain(v) for k, v in dict.items(value)}
        case ObservedList():
            listed: Iterator[Any] = list.__iter__(value)
            return [plain(x) for x in listed]
        case ObservedTuple():
            listed = tuple.__iter__(value)
            return tuple(plain(x) for x in listed)
        case _:
            return value


class ObservedText(str):  # noqa: SLOT000  # a place is given to each
    """A text that notes what is asked of it."""

    place: Place

    def __eq__(self, other: object) -> Any:
        note(self.place, "equals", plain(other))
        return str.__eq__(self, plain(other))

    def __ne__(self, other: object) -> Any:
        note(self.place, "equals", plain(other))
        return str.__ne__(self, plain(other))

    def __hash__(self) -> int:
        note(self.place, "value")
        return str.__hash__(self)

    def __bool__(self) -> bool:
        note(self.place, "filled")
        return str.__len__(self) > 0

    def __contains__(self, part: object) -> bool:
        note(self.place, "contains", plain(part))
        return str.__contains__(self, plain(part))

    def startswith(self, *args: Any) -> bool:
        """As of a text."""
        note(self.place, *(("begins", plain(args[0])) if len(args) == 1 else ("value",)))
        return str.startswith(self, *args)

    def endswith(self, *args: Any) -> bool:
        """As of a text."""
        note(self.place, *(("ends", plain(args[0])) if len(args) == 1 else ("value",)))
        return str.endswith(self, *args)

    def __copy__(self) -> ObservedText:
        return self

    def __deepcopy__(self, memo: Any) -> ObservedText:
        return self

    def __reduce__(self) -> Any:
        return str, (str.__str__(self),)


class ObservedObject(dict[Any, Any]):
    """An object that notes what is asked of it, and hands out what is in it likewise."""

    place: Place
    numbers: dict[str, int | float] | None
    observe: Callable[..., Any]

    def _inside(self, key: Any) -> Any:
        field, steps = self.place
        value = dict.__getitem__(self, key)
        found = self.observe((field, (*steps, key)), value, self.numbers)
        if found is not value:  # what the code changes in it is changed in it
            dict.__setitem__(self, key, found)
        return found

    def __getitem__(self, key: Any) -> Any:
        key = plain(key)
        note(self.place, "has", key)
        return self._inside(key) if dict.__contains__(self, key) else dict.__getitem__(self, key)

    def get(self, key: Any, default: Any = None) -> Any:
        """As of a dict."""
        key = plain(key)
        note(self.place, "has", key)
        return self._inside(key) if dict.__contains__(self, key) else default

    def pop(self, key: Any, *default: Any) -> Any:
        """As of a dict."""
        key = plain(key)
        note(self.place, "has", key)
        found = self._inside(key) if dict.__contains__(self, key) else None
        last = dict.pop(self, key, *default)
        return last if found is None else found

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """As of a dict."""
        key = plain(key)
        note(self.place, "has", key)
        dict.setdefault(self, key, default)
        return self._inside(key)

    def __contains__(self, key: object) -> bool:
        key = plain(key)
        note(self.place, "has", key)
        return dict.__contains__(self, key)

    def __bool__(self) -> bool:
        note(self.place, "filled")
        return dict.__len__(self) > 0

    def __len__(self) -> int:
        note(self.place, "keys")
        return dict.__len__(self)

    def __iter__(self) -> Any:
        note(self.place, "keys")
        return dict.__iter__(self)

    def keys(self) -> Any:
        """As of a dict."""
        note(self.place, "keys")
        return dict.keys(self)

    def values(self) -> Any:
        """As of a dict."""
        note(self.place, "keys")
        return [self._inside(key) for key in list(dict.keys(self))]

    def items(self) -> Any:
        """As of a dict."""
        note(self.place, "keys")
        return [(key, self._inside(key)) for key in list(dict.keys(self))]

    def __eq__(self, other: object) -> Any:
        note(self.place, "value")
        return dict.__eq__(self, plain(other))

    def __ne__(self, other: object) -> Any:
        note(self.place, "value")
        return dict.__ne__(self, plain(other))

    __hash__ = None  # as of a dict

    def copy(self) -> Any:
        """As of a dict."""
        return made(ObservedObject(dict.items(self)), self.place, self.numbers, self.observe)

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Any:
        inside = {key: copy.deepcopy(value, memo) for key, value in dict.items(self)}
        return made(ObservedObject(inside), self.place, self.numbers, self.observe)

    def __reduce__(self) -> Any:
        return dict, (dict(dict.items(self)),)


def _sequence(base: Any) -> Any:
    """The observed version of `list` or `tuple`."""

    class Sequence(base):  # type: ignore[misc]  # either
        place: Place
        numbers: dict[str, int | float] | None
        observe: Callable[..., Any]

        def _inside(self, index: int) -> Any:
            field, steps = self.place
            return self.observe((field, (*steps, index)), base.__getitem__(self, index), None)

        def __getitem__(self, index: Any) -> Any:
            note(self.place, "length")
            return base.__getitem__(self, index) if isinstance(index, slice) else self._inside(int(index))

        def __iter__(self) -> Any:
            note(self.place, "length")
            return iter([self._inside(i) for i in range(base.__len__(self))])

        def __len__(self) -> int:
            note(self.place, "length")
            return int(base.__len__(self))

        def __bool__(self) -> bool:
            note(self.place, "filled")
            return bool(base.__len__(self) > 0)

        def __contains__(self, item: object) -> bool:
            note(self.place, "contains", plain(item))
            return bool(base.__contains__(self, plain(item)))

        def __eq__(self, other: object) -> Any:
            note(self.place, "value")
            return base.__eq__(self, plain(other))

        def __ne__(self, other: object) -> Any:
            note(self.place, "value")
            return base.__ne__(self, plain(other))

        def __hash__(self) -> int:
            note(self.place, "value")
            return hash(tuple(base.__iter__(self)))

        def __copy__(self) -> Any:
            return made(type(self)(base.__iter__(self)), self.place, self.numbers, self.observe)

        def __deepcopy__(self, memo: Any) -> Any:
            inside = [copy.deepcopy(value, memo) for value in base.__iter__(self)]
            return made(type(self)(inside), self.place, self.numbers, self.observe)

        def __reduce__(self) -> Any:
            return base, (list(base.__iter__(self)),)

    return Sequence


class ObservedList(_sequence(list)):  # type: ignore[misc]
    """A list that notes what is asked of it."""

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def copy(self) -> Any:
        """As of a list."""
        return self.__copy__()


class ObservedTuple(_sequence(tuple)):  # type: ignore[misc]
    """A tuple that notes what is asked of it."""


def _value_of(base: Any, names: Iterable[str], cls: Any) -> None:
    """Let every other method ask for the very value."""

    def asking(method: Callable[..., Any]) -> Callable[..., Any]:
        def ask(self: Any, *args: Any, **kwargs: Any) -> Any:
            note(self.place, "value")
            return method(self, *[plain(a) for a in args], **kwargs)

        return ask

    for name in names:
        if name not in vars(cls) and callable(method := getattr(base, name, None)):
            setattr(cls, name, asking(method))


_TEXT: Final = (
    "__add__ __format__ __getitem__ __iter__ __len__ __lt__ __le__ __gt__ __ge__ __mod__ __mul__ __rmul__ __str__ "
    "capitalize casefold count encode find format index isalnum isalpha isdecimal isdigit isidentifier islower isupper "
    "join lower lstrip partition removeprefix removesuffix replace rfind rindex rpartition rsplit rstrip split "
    "splitlines strip swapcase title upper zfill"
).split()
_LISTED: Final = "__add__ __mul__ __rmul__ __lt__ __le__ __gt__ __ge__ __reversed__ count index".split()
_value_of(str, _TEXT, ObservedText)
_value_of(list, _LISTED, ObservedList)
_value_of(tuple, _LISTED, ObservedTuple)
_value_of(dict, ("__or__", "__ror__", "__reversed__"), ObservedObject)


def _radd(self: Any, other: Any) -> Any:
    """What stands before it, which would not ask."""
    note(self.place, "value")
    return other + plain(self)


for _cls in (ObservedText, ObservedList, ObservedTuple):
    setattr(_cls, "__radd__", _radd)  # noqa: B010  # mypy knows no such method


def made(value: Any, place: Place, numbers: dict[str, int | float] | None, observe: Callable[..., Any]) -> Any:
    """*value*, which is of these classes, at its place; what is in it is handed out by *observe*."""
    value.place, value.numbers, value.observe = place, numbers, observe
    return value
