"""Flags that were not reached when a layout was measured, each alone, beside the defaults.

How much of a class is explored is bounded. A flag of the config that has an influence by itself (a bias of a linear
map) is added to a layout as a switch, with a formula of its own, where nothing else is read beside it, and no key that
has no influence by default has one there. One that has none, nor beside a value of any switch, is admitted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from symcount.atlas.codes import MISSING, identifiers
from symcount.atlas.record import Layout, StoredFormula
from symcount.core.paths import value_at
from symcount.survey.schema.layer_rules import rules_of
from symcount.survey.schema.narrowing import told_together
from symcount.survey.schema.probe import Probe, changed, real_total, signature
from symcount.survey.schema.samples import samples_of
from symcount.survey.schema.supplement import agrees, formula_at
from symcount.survey.schema.work import key_of

__all__ = ["with_flags"]

_MOST: Final = 8  # flags of one layout


def with_flags(
    layout: Layout, probe: Probe, activations: frozenset[str], trees: int = 0
) -> tuple[Layout, list[list[Any]]]:
    """*layout* with further flags as switches, and the trees of their formulas, which are numbered from *trees* on."""
    found, more = layout, list[list[Any]]()
    own = probe.trace({})
    for path, value in _missing(layout, probe) if own is not None else ():
        if len(more) == _MOST:
            break
        if _is_idle(found, probe, path, value):
            check = found.checks[path]
            idle = check.changed(accept={**check.accept, key_of(value): 0})
            found = found.changed(checks={**found.checks, path: idle})
            continue
        made = formula_at(found, probe, activations, {path: value}, trees + len(more))
        if made is None:
            continue
        wider = _switched(found, path, value, made[0])
        if agrees(wider, probe, activations, {path: value}):
            found = wider
            more.append(made[1])
    return (layout if found is layout else told_together(found, probe)), more


def _missing(layout: Layout, probe: Probe) -> Iterator[tuple[str, bool]]:
    """Flags of which only the default is known, with their other value."""
    file = rules_of(probe).file
    for path, check in layout.checks.items():
        value = value_at(file, path, MISSING)
        one_label = set(check.accept.values()) <= {0}
        if type(value) is bool and one_label and key_of(not value) not in check.accept and check.given is value:
            yield path, not value


def _is_idle(layout: Layout, probe: Probe, path: str, value: bool) -> bool:
    """Whether a flag has no part in any tensor, beside the defaults, each value of a switch, and other numbers."""
    for switch in ("", *layout.switches):
        samples = [{switch: x} for n, x in samples_of(layout.checks[switch]) if n] if switch else [{}]
        for beside in samples:
            usual, moved = (probe.trace({**beside, **more}) for more in ({}, {path: value}))
            if usual is not None and (moved is None or signature(moved) != signature(usual)):
                return False
    asked = {n for f in layout.formulas for _, *sides in f.asked for side in sides for n in identifiers(side)}
    for name, number in layout.numbers.items():  # at other numbers the model may take another branch
        if type(number.given) is not int or "[" in name or "#" in name or number.name not in asked:
            continue
        for n in (0, 1, number.given + 1, 2 * number.given):
            raws = [changed(probe.raw, {name: n, path: flag}) for flag in (not value, value)]
            one, other = (real_total(probe.cls, probe.config_class, raw) for raw in raws)
            if one != other:
                return False
    return True


def _switched(layout: Layout, path: str, value: bool, formula: StoredFormula) -> Layout:
    """*layout* with a flag as its last switch, and a formula for its other value beside the defaults."""
    check = layout.checks[path]
    states = {
        ",".join([*(key.split(",") if layout.switches else []), "0"]): list(n) for key, n in layout.states.items()
    }
    states[",".join(["0"] * len(layout.switches) + ["1"])] = [len(layout.formulas)]
    checks = {**layout.checks, path: check.changed(accept={**check.accept, key_of(value): 1})}
    return layout.changed(
        checks=checks, switches=[*layout.switches, path], states=states, formulas=[*layout.formulas, formula]
    )
