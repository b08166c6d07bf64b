"""Questions that code asks of the values of a config: whose are recorded, and how."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt
from symcount.concolic.values.path import STATE, Question

__all__ = ["COPYING", "GENERAL", "Place", "is_json", "note"]

#: Field and steps into it: where a value is found in a config.
Place = tuple[str, tuple[str | int, ...]]

#: Code that copies or serialises whole configs: its reads say nothing about the model.
COPYING: Final = (
    "transformers.configuration_utils", "transformers.generation", "transformers.integrations.heterogeneity", "copy",
    "dataclasses", "huggingface_hub", "symcount",
)  # fmt: skip
#: Code of every config, which copies, prints and checks it: it asks nothing about the model.
GENERAL: Final = (*COPYING, "transformers.modeling_rope_utils", "json")
#: Those that note a question.
_OBSERVING: Final = frozenset({"symcount.concolic.config.observed", "symcount.concolic.config.opaque"})


def note(place: Place, kind: str, argument: Any = None) -> None:
    """Record a question, if it is not code of every config that asks; *argument* is a plain value."""
    recorder, frame = STATE.recorder, sys._getframe(1)
    while frame.f_globals.get("__name__") in _OBSERVING and frame.f_back is not None:
        frame = frame.f_back
    if recorder is None or frame.f_globals.get("__name__", "").startswith(GENERAL):
        return
    if isinstance(argument, SymbolicInt | SymbolicFloat) or not is_json(argument):
        kind, argument = "value", None
    simple = argument is None or isinstance(argument, str | int | float)
    recorder.asked.setdefault(Question(*place, kind, argument if simple else json.dumps(argument, sort_keys=True)))


def is_json(value: Any) -> bool:
    """Whether a value can be written as JSON."""
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
