"""The formula of the defaults, derived anew: derivation says more than it did when a layout was measured.

A number that was kept may be free by now, and a condition may be none that a count needs.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from symcount.atlas.record import Layout, StoredFormula
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.errors import SymcountError
from symcount.survey.schema.branches import are_right, is_beyond, numbers_asked
from symcount.survey.schema.probe import Probe, changed
from symcount.survey.schema.samples import usual_state
from symcount.survey.schema.supplement import agrees, formula_of

__all__ = ["renewed"]

_MODELS: Final = 6  # beyond the conditions of the formula there was, at which the new one is compared


def renewed(
    layout: Layout, probe: Probe, activations: frozenset[str], trees: int = 0
) -> tuple[Layout, list[list[Any]]]:
    """*layout* with a formula of the defaults that holds where the one there was does not; see `with_branches`.

    It takes the place of that one where it holds wherever that one was seen to hold, and else comes after it.
    """
    usual = usual_state(layout)
    if usual not in layout.states:
        return layout, []
    number = layout.states[usual][0]
    moves = ({path: value} for path, value in numbers_asked(layout, usual))
    beyond = [*islice((change for change in moves if is_beyond(layout, probe, activations, change)), _MODELS)]
    made = formula_of(layout, probe, activations, {}, trees) if beyond else None
    if made is None:
        return layout, []
    layout = _with_least(layout, made[0])
    formulas = [made[0] if i == number else formula for i, formula in enumerate(layout.formulas)]
    wider = layout.changed(formulas=formulas)
    if not _holds_as_well(layout, wider, probe, activations, usual):
        states = {**layout.states, usual: [*layout.states[usual], len(layout.formulas)]}
        wider = layout.changed(states=states, formulas=[*layout.formulas, made[0]])
    gained = [change for change in beyond if not is_beyond(wider, probe, activations, change)]
    right = all(
        are_right(wider, probe, activations, path, value) for change in gained for path, value in change.items()
    )
    if gained and right and agrees(wider, probe, activations, {}):
        return wider, [made[1]]
    return layout, []


def _with_least(layout: Layout, formula: StoredFormula) -> Layout:
    """*layout* in which no number may be less than the *formula* admits: one that was kept had no least value."""
    least = {letter[1]: letter[4] for letter in formula.letters if letter[4] is not None}
    numbers = {
        path: number.changed(minimum=least[path]) if number.minimum is None and path in least else number
        for path, number in layout.numbers.items()
    }
    return layout.changed(numbers=numbers)


def _holds_as_well(layout: Layout, wider: Layout, probe: Probe, activations: frozenset[str], usual: str) -> bool:
    """Whether the new formula counts whatever the one in its place counts, of the defaults and of other numbers."""
    reader = Reader(layout, activations)
    number = layout.states[usual][0]
    one, other = Variant(layout, layout.formulas[number]), Variant(wider, wider.formulas[number])
    for change in ({}, *({path: value} for path, value in numbers_asked(layout, usual))):
        try:
            values = reader.read(changed(probe.raw, change)).values
        except SymcountError:
            continue
        if one.holds(values) and not other.holds(values):
            return False
    return True
