"""A value for each label of a check, as far as its codes say one; and values for those of a state."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from symcount.atlas.record import Check, Layout
from symcount.config.kind_lists import KindList
from symcount.survey.schema.alternatives import ROPES
from symcount.survey.schema.work import key_of

__all__ = ["changes_of", "samples_of", "usual_state"]

_WORDS: Final[Mapping[str, Any]] = {"true": True, "false": False, "null": None, "[]": [], "#": 8}
_EACH: Final = 2  # layers of each kind in a list of kinds


def samples_of(check: Check) -> Iterator[tuple[int, Any]]:
    """Labels of a check with a value of each, as far as its code says one."""
    for code, label in check.accept.items():
        if code == "arranged":
            spec = check.arranged
            yield (
                label,
                KindList(dict.fromkeys(spec["kinds"].values(), _EACH), spec["depth"].rpartition(".")[2], spec["form"]),
            )
        elif code.startswith("'"):
            yield label, code[1:]
        elif code.startswith("="):
            yield label, json.loads(code[1:])
        elif code.startswith("rope "):
            for rope in ROPES:
                if key_of(rope) == code:
                    yield label, dict(rope)
        elif code in _WORDS:
            yield label, _WORDS[code]


def usual_state(layout: Layout) -> str:
    """The state of the defaults: every switch has its first label."""
    return ",".join("0" for _ in layout.switches)


def changes_of(layout: Layout, key: str) -> dict[str, Any] | None:
    """Values with the labels of a state, `None` if one of them is not known."""
    found: dict[str, Any] = {}
    for path, label in zip(layout.switches, key.split(","), strict=False) if layout.switches else ():
        if label != "0":
            samples = [v for n, v in samples_of(layout.checks[path]) if str(n) == label and not isinstance(v, list)]
            if not samples:
                return None
            found[path] = samples[0]
    return found
