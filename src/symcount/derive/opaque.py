"""Values of a config that are no numbers, as they are read by a model's code: what is asked of them is recorded.

A text, an object or a list that a constructor reads is handed out as an instance of a subclass, which notes each
question: whether it equals a word, has a key, is empty. Another value with the same answers takes the same path through
the code, so the model has the same tensors. Numbers inside of objects are symbols like those of the config itself.

What goes through C sees no subclass (`getattr` with the name, a needle of `in`); who uses the questions has to compare
the tensors with those of a plain trace, and try some values.

>>> from symcount.derive.recording import STATE, Recorder
>>> STATE.recorder, __name__ = Recorder(), "a model's code"
>>> rope = observed(("rope_parameters", ()), {"rope_type": "default"}, {})
>>> rope.get("factor"), rope["rope_type"] == "yarn"
(None, False)
>>> for question in STATE.recorder.asked:
...     print(question)
Question(field='rope_parameters', steps=(), kind='has', argument='factor')
Question(field='rope_parameters', steps=(), kind='has', argument='rope_type')
Question(field='rope_parameters', steps=('rope_type',), kind='equals', argument='yarn')
>>> STATE.recorder = None
"""

from __future__ import annotations

import copy
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from symcount.derive.concolic import SymbolicFloat, SymbolicInt
from symcount.derive.recording import STATE, Question
from symcount.derive.sources import is_config

__all__ = ["GENERAL", "KINDS", "Place", "is_observed", "observed", "plain"]

#: Field and steps into it: where a value is found in a config.
Place = tuple[str, tuple[str | int, ...]]

#: What a question may be. `value`: something that only the very value answers; `length` and `has` as they say.
KINDS: Final = ("begins", "contains", "ends", "equals", "filled", "has", "keys", "length", "value")

#: Code of every config, which copies, prints and checks it: it asks nothing about the model.
GENERAL: Final = (
    "transformers.configuration_utils", "transformers.modeling_rope_utils", "transformers.generation",
    "transformers.integrations.heterogeneity", "copy", "dataclasses", "huggingface_hub", "json", "symcount",
)  # fmt: skip

_OWN: Final = globals()


def _note(place: Place, kind: str, argument: Any = None) -> None:
    """Record a question, if it is not code of every config that asks."""
    recorder, frame = STATE.recorder, sys._getframe(1)
    while frame.f_globals is _OWN and frame.f_back is not None:
        frame = frame.f_back
    if recorder is None or frame.f_globals.get("__name__", "").startswith(GENERAL):
        return
    argument = plain(argument)
    if isinstance(argument, SymbolicInt | SymbolicFloat) or not _is_json(argument):
        kind, argument = "value", None
    recorder.asked.setdefault(Question(*place, kind, _hashable(argument)))


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _hashable(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else json.dumps(value, sort_keys=True)


def is_observed(value: object) -> bool:
    """Whether a value notes what is asked of it."""
    return isinstance(value, _Text | _Object | _List | _Tuple)


def plain(value: Any) -> Any:
    """A value without observation, also inside of lists and objects."""
    match value:
        case _Text():
            return str.__str__(value)
        case _Object():
            return {plain(k): plain(v) for k, v in dict.items(value)}
        case _List():
            listed: Iterator[Any] = list.__iter__(value)
            return [plain(x) for x in listed]
        case _Tuple():
            listed = tuple.__iter__(value)
            return tuple(plain(x) for x in listed)
        case _:
            return value


class _Text(str):  # noqa: SLOT000  # a place is given to each
    """A text that notes what is asked of it."""

    place: Place

    def __eq__(self, other: object) -> Any:
        _note(self.place, "equals", other)
        return str.__eq__(self, plain(other))

    def __ne__(self, other: object) -> Any:
        _note(self.place, "equals", other)
        return str.__ne__(self, plain(other))

    def __hash__(self) -> int:
        _note(self.place, "value")
        return str.__hash__(self)

    def __bool__(self) -> bool:
        _note(self.place, "filled")
        return str.__len__(self) > 0

    def __contains__(self, part: object) -> bool:
        _note(self.place, "contains", part)
        return str.__contains__(self, plain(part))

    def startswith(self, *args: Any) -> bool:
        """As of a text."""
        _note(self.place, *(("begins", args[0]) if len(args) == 1 and isinstance(args[0], str) else ("value",)))
        return str.startswith(self, *args)

    def endswith(self, *args: Any) -> bool:
        """As of a text."""
        _note(self.place, *(("ends", args[0]) if len(args) == 1 and isinstance(args[0], str) else ("value",)))
        return str.endswith(self, *args)

    def __copy__(self) -> _Text:
        return self

    def __deepcopy__(self, memo: Any) -> _Text:
        return self

    def __reduce__(self) -> Any:
        return str, (str.__str__(self),)


class _Object(dict[Any, Any]):
    """An object that notes what is asked of it, and hands out what is in it likewise."""

    place: Place
    numbers: dict[str, int | float] | None

    def _inside(self, key: Any) -> Any:
        field, steps = self.place
        value = dict.__getitem__(self, key)
        made = observed((field, (*steps, key)), value, self.numbers)
        if made is not value:  # what the code changes in it is changed in it
            dict.__setitem__(self, key, made)
        return made

    def __getitem__(self, key: Any) -> Any:
        key = plain(key)
        _note(self.place, "has", key)
        return self._inside(key) if dict.__contains__(self, key) else dict.__getitem__(self, key)

    def get(self, key: Any, default: Any = None) -> Any:
        """As of a dict."""
        key = plain(key)
        _note(self.place, "has", key)
        return self._inside(key) if dict.__contains__(self, key) else default

    def pop(self, key: Any, *default: Any) -> Any:
        """As of a dict."""
        key = plain(key)
        _note(self.place, "has", key)
        found = self._inside(key) if dict.__contains__(self, key) else None
        last = dict.pop(self, key, *default)
        return last if found is None else found

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """As of a dict."""
        key = plain(key)
        _note(self.place, "has", key)
        dict.setdefault(self, key, default)
        return self._inside(key)

    def __contains__(self, key: object) -> bool:
        key = plain(key)
        _note(self.place, "has", key)
        return dict.__contains__(self, key)

    def __bool__(self) -> bool:
        _note(self.place, "filled")
        return dict.__len__(self) > 0

    def __len__(self) -> int:
        _note(self.place, "keys")
        return dict.__len__(self)

    def __iter__(self) -> Any:
        _note(self.place, "keys")
        return dict.__iter__(self)

    def keys(self) -> Any:
        """As of a dict."""
        _note(self.place, "keys")
        return dict.keys(self)

    def values(self) -> Any:
        """As of a dict."""
        _note(self.place, "keys")
        return [self._inside(key) for key in list(dict.keys(self))]

    def items(self) -> Any:
        """As of a dict."""
        _note(self.place, "keys")
        return [(key, self._inside(key)) for key in list(dict.keys(self))]

    def __eq__(self, other: object) -> Any:
        _note(self.place, "value")
        return dict.__eq__(self, plain(other))

    def __ne__(self, other: object) -> Any:
        _note(self.place, "value")
        return dict.__ne__(self, plain(other))

    __hash__ = None  # as of a dict

    def copy(self) -> Any:
        """As of a dict."""
        return _made(_Object(dict.items(self)), self.place, self.numbers)

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Any:
        inside = {key: copy.deepcopy(value, memo) for key, value in dict.items(self)}
        return _made(_Object(inside), self.place, self.numbers)

    def __reduce__(self) -> Any:
        return dict, (dict(dict.items(self)),)


def _sequence(base: Any) -> Any:
    """The observed version of `list` or `tuple`."""

    class Sequence(base):  # type: ignore[misc]  # either
        place: Place
        numbers: dict[str, int | float] | None

        def _inside(self, index: int) -> Any:
            field, steps = self.place
            return observed((field, (*steps, index)), base.__getitem__(self, index), None)

        def __getitem__(self, index: Any) -> Any:
            _note(self.place, "length")
            return base.__getitem__(self, index) if isinstance(index, slice) else self._inside(int(index))

        def __iter__(self) -> Any:
            _note(self.place, "length")
            return iter([self._inside(i) for i in range(base.__len__(self))])

        def __len__(self) -> int:
            _note(self.place, "length")
            return int(base.__len__(self))

        def __bool__(self) -> bool:
            _note(self.place, "filled")
            return bool(base.__len__(self) > 0)

        def __contains__(self, item: object) -> bool:
            _note(self.place, "contains", item)
            return bool(base.__contains__(self, plain(item)))

        def __eq__(self, other: object) -> Any:
            _note(self.place, "value")
            return base.__eq__(self, plain(other))

        def __ne__(self, other: object) -> Any:
            _note(self.place, "value")
            return base.__ne__(self, plain(other))

        def __hash__(self) -> int:
            _note(self.place, "value")
            return hash(tuple(base.__iter__(self)))

        def __copy__(self) -> Any:
            return _made(type(self)(base.__iter__(self)), self.place, self.numbers)

        def __deepcopy__(self, memo: Any) -> Any:
            inside = [copy.deepcopy(value, memo) for value in base.__iter__(self)]
            return _made(type(self)(inside), self.place, self.numbers)

        def __reduce__(self) -> Any:
            return base, (list(base.__iter__(self)),)

    return Sequence


class _List(_sequence(list)):  # type: ignore[misc]
    """A list that notes what is asked of it."""

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def copy(self) -> Any:
        """As of a list."""
        return self.__copy__()


class _Tuple(_sequence(tuple)):  # type: ignore[misc]
    """A tuple that notes what is asked of it."""


def _value_of(base: Any, names: Iterable[str], cls: Any) -> None:
    """Let every other method ask for the very value."""

    def asking(method: Callable[..., Any]) -> Callable[..., Any]:
        def ask(self: Any, *args: Any, **kwargs: Any) -> Any:
            _note(self.place, "value")
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
_value_of(str, _TEXT, _Text)
_value_of(list, _LISTED, _List)
_value_of(tuple, _LISTED, _Tuple)
_value_of(dict, ("__or__", "__ror__", "__reversed__"), _Object)


def _radd(self: Any, other: Any) -> Any:
    """What stands before it, which would not ask."""
    _note(self.place, "value")
    return other + plain(self)


for _cls in (_Text, _List, _Tuple):
    setattr(_cls, "__radd__", _radd)  # noqa: B010  # mypy knows no such method


def _made(made: Any, place: Place, numbers: dict[str, int | float] | None) -> Any:
    made.place, made.numbers = place, numbers
    return made


def observed(place: Place, value: Any, numbers: dict[str, int | float] | None) -> Any:
    """*value* as it is handed out at *place*: unchanged if it is no text, object or list.

    Numbers inside of an object become symbols, whose values are noted in *numbers*; without it their values are asked.
    """
    kind = type(value)
    if kind is str:
        return _made(_Text(value), place, numbers)
    if kind is dict:
        return _made(_Object(value), place, numbers)
    if kind in (list, tuple) and not any(is_config(x) for x in value):
        return _made(_List(value) if kind is list else _Tuple(value), place, numbers)
    field, steps = place
    if steps and numbers is not None and kind in (int, float) and math.isfinite(value):
        name = field + "".join(f"[{json.dumps(step)}]" for step in steps)
        if STATE.recorder is None:
            return value
        numbers[name] = value
        maker: Any = SymbolicInt if kind is int else SymbolicFloat
        return maker.field(name, value)
    if steps and (kind in (bool, int, float) or value is None):
        _note(place, "value")
    return value
