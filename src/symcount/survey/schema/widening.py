"""Divisions that a formula was derived in the knowledge of, and does not need: what it says holds without them.

The code of a model asks how many heads share a key (`A // K`), so that a formula has the condition that K divides A.
The number of parameters may be the same polynomial anyway. It is compared with the
real model where K does not divide A.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from symcount.atlas.record import Layout, StoredFormula
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.errors import SymcountError
from symcount.survey.schema.probe import Probe, changed, real_total
from symcount.survey.schema.samples import changes_of

__all__ = ["widened"]

_HEADS: Final = ("num_key_value_heads", "num_attention_heads")
_AGREEING: Final = 2  # models that must agree, one with more and one with fewer


def widened(layout: Layout, probe: Probe, activations: frozenset[str]) -> Layout:
    """*layout* whose formulas have no condition on the heads that share a key, as far as the models say so."""
    reader, formulas = Reader(layout, activations), list(layout.formulas)
    for key, numbers in layout.states.items():
        at = changes_of(layout, key)
        for item in _divisions(layout, formulas[numbers[0]]) if at is not None else ():
            wider = _without(formulas[numbers[0]], item)
            if _agrees(layout, probe, reader, wider, item, at or {}):
                formulas[numbers[0]] = wider
    return layout.changed(formulas=formulas)


def _divisions(layout: Layout, formula: StoredFormula) -> Iterator[tuple[str, str]]:
    """Paths of two numbers of heads of which the one has to divide the other."""
    letters = {letter: path for letter, path, *_ in formula.letters}
    names = {number.name: path for path, number in layout.numbers.items()}
    for conditions, known in ((formula.domain, letters), (formula.asked, names)):
        for relation, left, right in conditions:
            one, other = known.get(left, ""), known.get(right, "")
            if relation == "divides" and one.endswith(_HEADS[0]) and other.endswith(_HEADS[1]):
                yield one, other


def _without(formula: StoredFormula, item: tuple[str, str]) -> StoredFormula:
    letters = {path: letter for letter, path, *_ in formula.letters}
    said = ["divides", *(letters.get(path, "") for path in item)]
    return formula.changed(domain=[c for c in formula.domain if c != said])


def _agrees(
    layout: Layout, probe: Probe, reader: Reader, formula: StoredFormula, item: tuple[str, str], at: Mapping[str, Any]
) -> bool:
    """Whether the real models have as many parameters as the formula says where the division is not exact."""
    one, other = item
    usual, variant, agreeing = layout.numbers[other].given, Variant(layout, formula), set[bool]()
    for number in (2 * usual, usual - 1, 3, 5, 7, usual + 1) if type(usual) is int else ():
        if number < 1 or usual % number == 0:
            continue
        raw = changed(probe.raw, {**at, one: number})
        try:
            reading = reader.read(raw)
            variant.check(reading.values)
            ours = variant.count(reading.values)["unique"]
        except SymcountError:
            continue
        theirs = real_total(probe.cls, probe.config_class, raw)
        if theirs is not None and theirs != ours:
            return False
        if theirs is not None:
            agreeing.add(number > usual)
        if len(agreeing) == _AGREEING:
            return True
    return False
