"""Measuring one layout: which keys of a config matter to a model class, which values have which formula.

Everything starts from a base config. Each key that the construction reads, or that the config's own code uses, is
varied on its own; values that give the same tensors have one label. Keys with several labels are switches, the others
are free, which is confirmed beside every value of every switch. Each combination of labels that is answered has a
formula that was derived and certified there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from symcount.atlas.record import Layout
from symcount.derivation.api import derive
from symcount.derivation.formula import DerivedFormula
from symcount.errors import DerivationError
from symcount.survey.schema.around import defaults_around
from symcount.survey.schema.bases import Base
from symcount.survey.schema.combining import combine
from symcount.survey.schema.filling import computed_keys, fill, floored, refusing, shallow, small
from symcount.survey.schema.keys import Keys
from symcount.survey.schema.kinds import kinds
from symcount.survey.schema.lists import by_layer
from symcount.survey.schema.patterns import lettered
from symcount.survey.schema.probe import Probe
from symcount.survey.schema.promoting import beside_numbers, beside_switches
from symcount.survey.schema.varying import further, vary
from symcount.survey.schema.work import EFFORT, ORDINARY, Work, switches, values_of

__all__ = ["Measured", "measure"]


@dataclass
class Measured:
    """A layout with what is needed to check it.

    Attributes:
        layout: to be stored; its formulas refer to `trees`.
        trees: the formulas' trees as JSON.
        derived: the derived formula of each state's labels.
        samples: path of a check -> label -> a value with that label.
        probe: what was varied.
        free: key that is no switch -> values without influence.
        computed: see `filling.computed_keys`.
    """

    layout: Layout
    trees: list[list[Any]]
    derived: dict[str, DerivedFormula]
    samples: dict[str, dict[int, Any]]
    probe: Probe
    free: dict[str, list[Any]]
    computed: dict[str, int]

    def options(self, path: str) -> list[Any]:
        """Values without influence for a key that is no switch."""
        return self.free.get(path, [])


def measure(
    cls: Any, configs: Any, start: Base, activations: frozenset[str], *, effort: int = EFFORT, trials: int = 8,
    seed: int = 0,
) -> Measured:  # fmt: skip
    """Measure the layout of *cls* with configs of the class *configs*, around the config *start*.

    Raises:
        DerivationError: the class cannot be built there, or has no closed form.
    """
    try:
        probe = Probe(cls, configs, start.raw, start.required, start.absent)
    except Exception as error:  # a config class raises whatever its validation raises
        raise DerivationError(f"{cls.__name__} cannot be built at {json.dumps(start.raw)}: {error}") from error
    work = Work(probe, activations, effort)
    defaults_around(work.probe)
    base = work.probe.trace({})
    if base is None:
        raise DerivationError(f"{cls.__name__} cannot be built at {json.dumps(start.raw)}")
    fill(work, base)
    base = work.probe.trace({})
    assert base is not None  # noqa: S101  # `fill` leaves only givens at which it can be built
    first = floored(work, small(work, derive(cls, config=work.probe.source({}))))
    apart = computed_keys(work, base)
    shallow(work, first)
    base = work.probe.trace({}) or base
    # what came before was traced at full depth, and does not count
    work.effort = work.probe.traced + effort * max(ORDINARY, len(base.parameters)) // ORDINARY
    vary(work, base, first)
    by_layer(work, base, first)
    lettered(work)
    further(work, first)
    kinds(work)
    beside_numbers(work, base, first)
    beside_switches(work, base)
    formulas, states, derived, trees, at = combine(work, first, trials, seed)
    numbers, sections, checks = Keys(work, at, list(derived.values()), formulas).measured()
    sections = refusing(sections, [p for p in apart if p not in numbers and p not in checks])
    layout = Layout(start.types, sections, numbers, checks, switches(work), states, formulas)
    free = {p: values_of(work, p) for p in work.accept if len(set(work.accept[p].values())) == 1}
    return Measured(layout, trees, derived, work.samples, work.probe, free, apart)
