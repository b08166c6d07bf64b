"""Values of a config that are no numbers, as they are read by a model's code: what is asked of them is recorded.

A text, an object or a list that a constructor reads is handed out as an instance of a subclass, which notes each
question: whether it equals a word, has a key, is empty. Another value with the same answers takes the same path through
the code, so the model has the same tensors. Numbers inside of objects are symbols like those of the config itself.

What goes through C sees no subclass (`getattr` with the name, a needle of `in`); who uses the questions has to compare
the tensors with those of a plain trace, and try some values.

>>> from symcount.concolic.values.path import STATE, Recorder
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

import json
import math
from typing import Any

from symcount.concolic.config.asking import Place, note
from symcount.concolic.config.config_source import is_config
from symcount.concolic.config.observed import ObservedList, ObservedObject, ObservedText, ObservedTuple, made, plain
from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt
from symcount.concolic.values.path import STATE

__all__ = ["is_observed", "observed", "plain"]


def is_observed(value: object) -> bool:
    """Whether a value notes what is asked of it."""
    return isinstance(value, ObservedText | ObservedObject | ObservedList | ObservedTuple)


def observed(place: Place, value: Any, numbers: dict[str, int | float] | None) -> Any:
    """*value* as it is handed out at *place*: unchanged if it is no text, object or list.

    Numbers inside of an object become symbols, whose values are noted in *numbers*; without it their values are asked.
    """
    kind = type(value)
    if kind is str:
        return made(ObservedText(value), place, numbers, observed)
    if kind is dict:
        return made(ObservedObject(value), place, numbers, observed)
    if kind in (list, tuple) and not any(is_config(x) for x in value):
        return made(ObservedList(value) if kind is list else ObservedTuple(value), place, numbers, observed)
    field, steps = place
    if steps and numbers is not None and kind in (int, float) and math.isfinite(value):
        name = field + "".join(f"[{json.dumps(step)}]" for step in steps)
        if STATE.recorder is None:
            return value
        numbers[name] = value
        maker: Any = SymbolicInt if kind is int else SymbolicFloat
        return maker.field(name, value)
    if steps and (kind in (bool, int, float) or value is None):
        note(place, "value")
    return value
