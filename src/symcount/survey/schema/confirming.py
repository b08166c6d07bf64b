"""Values that undeclared keys may have, compared with the real model: what a class takes there may be lost in a trace.

A trace makes its config anew, of the fields that the class declares. A number that the class's own code takes out of
its arguments, or that stands in place of one that it computes (`frame_rate` of Mimi, `num_feature_levels` of LW-DETR),
may be computed once more then, so that it seems to have no influence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from symcount.atlas.codes import MISSING
from symcount.atlas.record import Check, Layout
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.errors import SymcountError
from symcount.survey.schema.check import count
from symcount.survey.schema.config_class import attribute_at
from symcount.survey.schema.probe import Probe, changed, real_total

__all__ = ["confirmed"]

_NUMBERS: Final[tuple[Any, ...]] = (7, 3, 0.5)


def confirmed(layout: Layout, probe: Probe, activations: frozenset[str]) -> Layout:
    """*layout* without the values of undeclared keys that it would count, and transformers counts otherwise."""
    for path, check in layout.checks.items():
        if "[" in path or probe.declared(path) is not None or probe.ignored(path):
            continue
        for code, value in _values(probe, path, check):
            if code in layout.checks[path].accept and _wrong(layout, probe, activations, {path: value}):
                accept = {one: label for one, label in layout.checks[path].accept.items() if one != code}
                if value == check.given:  # what is said is no longer what is meant where it is left out
                    accept["absent"] = 0
                layout = _admitting(layout, path, accept)
        own = attribute_at(probe.instances[""], path)
        if "#" in check.accept and "#" not in layout.checks[path].accept and type(own) in (int, float):
            usual = _admitting(layout, path, {**layout.checks[path].accept, f"={json.dumps(own)}": 0})
            if not any(_wrong(usual, probe, activations, {path: own, **more}) for more in _moved(layout)):
                layout = usual  # a saved file says it
    return layout


def _admitting(layout: Layout, path: str, accept: dict[str, int]) -> Layout:
    return layout.changed(checks={**layout.checks, path: layout.checks[path].changed(accept=accept)})


def _moved(layout: Layout) -> Iterator[dict[str, int]]:
    """No change, and each number alone at twice its default."""
    yield {}
    for path, number in layout.numbers.items():
        if type(number.given) is int and not {"[", "#"} & set(path):
            yield {path: 2 * number.given}


def _values(probe: Probe, path: str, check: Check) -> Iterator[tuple[str, Any]]:
    """The codes by which a check admits plain values without a label, each with values that they admit."""
    if "#" in check.accept:
        own = attribute_at(probe.instances[""], path)
        numbers = (2 * own, own + 1) if type(own) in (int, float) else ()
        yield from (("#", value) for value in (*_NUMBERS, *numbers))
    for code, label in check.accept.items():
        value = {"true": True, "false": False}.get(code, MISSING)
        if code.startswith("="):
            value = json.loads(code[1:])
        if not label and isinstance(value, bool | int | float):
            yield code, value


def _wrong(layout: Layout, probe: Probe, activations: frozenset[str], changes: dict[str, Any]) -> bool:
    """Whether a layout counts a config that transformers counts otherwise."""
    raw = changed(probe.raw, changes)
    try:
        ours = count([Variant(layout, f) for f in layout.formulas], Reader(layout, activations).read(raw))
    except SymcountError:
        return False
    theirs = real_total(probe.cls, probe.config_class, raw)
    return theirs is not None and theirs != ours
