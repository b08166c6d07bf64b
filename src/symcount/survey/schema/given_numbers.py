"""Keys that a config computes where they are left out, and that a file may say otherwise: numbers of their own.

`attention_hidden_size` is twice the width unless it is given. A formula that was derived without it holds only where it
is what the config computes; the one of the defaults is derived anew with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from symcount.atlas.codes import MISSING
from symcount.atlas.record import Layout, Number
from symcount.core.paths import value_at
from symcount.survey.schema.probe import Probe, changed, real_total
from symcount.survey.schema.samples import usual_state
from symcount.survey.schema.saved import saved_file
from symcount.survey.schema.supplement import agrees, formula_of

__all__ = ["with_given_numbers"]

_MOST: Final = 3  # such numbers of one layout


def with_given_numbers(
    layout: Layout, probe: Probe, activations: frozenset[str], trees: int = 0
) -> tuple[Layout, list[list[Any]]]:
    """*layout* with such numbers, as far as real models say so; its further trees are numbered from *trees* on."""
    usual = usual_state(layout)
    found, more = layout, list[list[Any]]()
    for path in _computed(layout, probe) if usual in layout.states else ():
        if len(more) == _MOST:
            break
        wider = _with_number(found, path)
        made = formula_of(wider, probe, activations, {}, trees + len(more))
        if made is None or not any(letter[1] == path for letter in made[0].letters):
            continue
        number = wider.states[usual][0]
        wider = wider.changed(formulas=[made[0] if i == number else f for i, f in enumerate(wider.formulas)])
        if agrees(wider, probe, activations, {}):
            found = wider
            more.append(made[1])
    return found, more


def _computed(layout: Layout, probe: Probe) -> Iterator[str]:
    """The keys that must say what the config computes, if they are given, and that are another model otherwise."""
    file, usual = saved_file(probe), real_total(probe.cls, probe.config_class, probe.raw)
    for path, check in layout.checks.items():
        value = value_at(file, path, MISSING)
        if not check.equals or type(value) is not int or path in {*layout.numbers, *layout.switches}:
            continue
        other = real_total(probe.cls, probe.config_class, changed(probe.raw, {path: 2 * value}))
        if other not in (None, usual):
            yield path


def _with_number(layout: Layout, path: str) -> Layout:
    """*layout* with a number at *path*, whose formulas hold where it is what the config computes."""
    equals, names = layout.checks[path].equals, {number.name for number in layout.numbers.values()}
    *_, key = path.split(".")
    name = key if key not in names else path.replace(".", "_")
    kept = ["==", name, equals]
    formulas = [formula.changed(asked=[*formula.asked, kept]) for formula in layout.formulas]
    return layout.changed(
        numbers={**layout.numbers, path: Number(name, rule=equals, minimum=1)},
        checks={other: check for other, check in layout.checks.items() if other != path},
        formulas=formulas,
    )
