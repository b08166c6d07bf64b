"""Numbers beyond the domain of a layout's formula, which the model takes another way with: a formula for each of them.

How many stages a backbone has decides its structure, and a second width may or may not be that of the first. Of every
number in a condition of the formula some others are tried, halves and doubles of it above all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from symcount.atlas.codes import identifiers
from symcount.atlas.record import Layout
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.errors import SymcountError
from symcount.survey.schema.check import count
from symcount.survey.schema.probe import Probe, changed, real_total
from symcount.survey.schema.samples import usual_state
from symcount.survey.schema.supplement import agrees, formula_at

__all__ = ["are_right", "is_beyond", "numbers_asked", "with_branches"]

_MOST: Final = 6  # further formulas of one layout
_FAILED: Final = 3  # numbers without a formula after which no more are tried
_EFFORT: Final = 12_000  # tensors that are built for them, about
_MODELS: Final = 8  # for each formula


def with_branches(
    layout: Layout, probe: Probe, activations: frozenset[str], trees: int = 0
) -> tuple[Layout, list[list[Any]]]:
    """*layout* with formulas for other numbers beside the defaults; their trees are numbered from *trees* on."""
    usual = usual_state(layout)
    found, more, failed = layout, list[list[Any]](), 0
    own = probe.trace({}) if usual in layout.states else None
    effort, tensors = (_EFFORT, len(own.parameters)) if own is not None else (0, 0)
    for path, number in numbers_asked(layout, usual) if own is not None else ():
        if len(more) == _MOST or failed == _FAILED or effort <= 0:
            break
        change = {path: number}
        if not is_beyond(found, probe, activations, change):
            continue
        effort -= _MODELS * tensors
        made = formula_at(found, probe, activations, change, trees + len(more))
        if made is None:
            failed += 1
            continue
        states = {**found.states, usual: [*found.states[usual], len(found.formulas)]}
        wider = found.changed(states=states, formulas=[*found.formulas, made[0]])
        if agrees(wider, probe, activations, change) and are_right(wider, probe, activations, path, number):
            found = wider
            more.append(made[1])
        else:
            failed += 1
    return found, more


def numbers_asked(layout: Layout, usual: str) -> Iterator[tuple[str, int]]:
    """Other values of the numbers in the conditions of the usual formula: first one of each, then the next."""
    formula = layout.formulas[layout.states[usual][0]]
    letters = {letter: path for letter, path, *_ in formula.letters}
    names = {number.name: path for path, number in layout.numbers.items()}
    paths: dict[str, int] = {}
    for conditions, known in ((formula.domain, letters), (formula.asked, names)):
        for relation, *sides in conditions:
            if relation == "!=":  # beyond it there is one number only
                continue
            for path in sorted(known[n] for side in sides for n in identifiers(side) if n in known):
                value = layout.numbers[path].given if path in layout.numbers else None
                if type(value) is int and value > 0 and not {"[", "#"} & set(path):
                    paths[path] = value
    tries = {path: [*_others(value)] for path, value in paths.items()}
    for turn in range(max(map(len, tries.values()), default=0)):
        yield from ((path, several[turn]) for path, several in tries.items() if turn < len(several))


def _others(value: int) -> Iterator[int]:
    several = (value // 2, 2 * value, value // 2 - 1, 2 * value + 1, value - 1, value + 1, value // 4, 4 * value, 1)
    yield from (n for n in dict.fromkeys(several) if 0 < n != value)


def are_right(layout: Layout, probe: Probe, activations: frozenset[str], path: str, number: int) -> bool:
    """Whether what a layout counts around another value of a number is what transformers has there."""
    reader, variants = Reader(layout, activations), [Variant(layout, f) for f in layout.formulas]
    for other in {*_others(number), *_others(layout.numbers[path].given)}:
        raw = changed(probe.raw, {path: other})
        try:
            ours = count(variants, reader.read(raw))
        except SymcountError:
            continue
        theirs = real_total(probe.cls, probe.config_class, raw)
        if theirs is not None and ours != theirs:
            return False
    return True


def is_beyond(layout: Layout, probe: Probe, activations: frozenset[str], change: dict[str, int]) -> bool:
    """Whether there is a model with a number, and no formula of it."""
    raw = changed(probe.raw, change)
    try:
        reading = Reader(layout, activations).read(raw)
    except SymcountError:
        return False
    if any(Variant(layout, layout.formulas[number]).holds(reading.values) for number in reading.formulas):
        return False
    return real_total(probe.cls, probe.config_class, raw) is not None
