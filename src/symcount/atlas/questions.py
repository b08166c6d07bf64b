"""Whether a value of a config takes the path of a measured one: it answers alike all that the code asked on that path.

>>> measured = {"rope_type": "default", "rope_theta": 10000.0}
>>> asked = [[[], "has", "factor"], [["rope_type"], "equals", "default"], [["rope_theta"], "number", None]]
>>> alike(measured, asked, {"rope_type": "default", "rope_theta": 5e5, "comment": "as published"})
True
>>> alike(measured, asked, {"rope_type": "yarn", "rope_theta": 5e5})
False
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

__all__ = ["alike", "inside"]

_NOTHING: Final = object()  # where there is no value


def inside(value: Any, steps: Iterable[str | int]) -> Any:
    """What stands at the end of *steps* into a value; an object of its own if there is nothing."""
    for step in steps:
        if isinstance(step, str):
            value = value.get(step, _NOTHING) if isinstance(value, dict) else _NOTHING
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else _NOTHING
    return value


def alike(measured: Any, asked: Sequence[Sequence[Any]], value: Any) -> bool:
    """Whether *value* has the answers of the *measured* one.

    Args:
        measured: the value on whose path the questions were asked.
        asked: of each question the steps to what was asked, its kind (see `concolic.config.asking`), and its argument.
        value: of a config.
    """
    if type(value) is not type(measured):
        return False
    for steps, kind, argument in asked:
        here, there = inside(measured, steps), inside(value, steps)
        if here is _NOTHING or there is _NOTHING:
            if here is not there:
                return False
        elif _kind(here) is not _kind(there) or _answer(kind, argument, here) != _answer(kind, argument, there):
            return False
    return True


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)


def _answer(kind: str, argument: Any, value: Any) -> Any:
    match kind:
        case "equals":
            return bool(value == argument)
        case "has":
            return isinstance(value, dict) and argument in value
        case "filled":
            return bool(value)
        case "number":
            return (value > 0) - (value < 0)  # of whatever size
        case "contains":
            return isinstance(value, str) and str(argument) in value
        case "begins":
            return isinstance(value, str) and value.startswith(argument)
        case "ends":
            return isinstance(value, str) and value.endswith(argument)
        case "keys":
            return list(value) if isinstance(value, dict) else value
        case _:  # only the very value answers it
            return json.dumps(value, sort_keys=True)
