"""Layouts for the files that a config class writes of its defaults, where those that there are read none of them.

Such a file says everything: what the config makes of a sub-config that is left out, and numbers that it computes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from symcount.atlas.codes import MISSING
from symcount.atlas.record import Layout
from symcount.core.paths import path_of, value_at
from symcount.errors import SymcountError
from symcount.survey.schema.bases import Base, said_whole, with_given, without_sections
from symcount.survey.schema.check import check, counted
from symcount.survey.schema.measure import measure
from symcount.survey.schema.probe import Probe, real_total
from symcount.survey.schema.saved import saved_file

__all__ = ["layouts_of_the_written", "written_bases", "written_file"]

_EFFORT: Final = 1000  # little: flags that are not reached are added later
_TRIALS: Final = 8


def written_bases(cls: Any, configs: Any, base: Base, layout: Layout) -> Iterator[Base]:
    """*base* as the config class writes it: sub-configs said whole, numbers given that *layout* refuses, or both.

    A number that the config computes is given as another one, so that a formula has it.
    """
    file = written_file(cls, configs, base)
    refused = {
        path: 2 * value
        for section, rules in layout.sections.items()
        for key in rules.refused
        if type(value := value_at(file, path := path_of(section, key), MISSING)) is int
    }
    whole = said_whole(cls, configs, base)
    for one in (base, whole):
        if one is not None and refused:
            yield with_given(one, refused)
    if whole is not None:
        yield whole


def layouts_of_the_written(
    cls: Any, configs: Any, base: Base, layouts: list[Layout], activations: frozenset[str]
) -> Iterator[tuple[Layout, Base, list[list[Any]]]]:
    """Layouts around what is written of *base*, each with the base that it was measured around, and its trees.

    There are none if one of the *layouts* reads it. Whether one of these does is known once it is extended.
    """
    file = written_file(cls, configs, base)
    if real_total(cls, configs, file) is None or any(counted(one, activations, file) is not None for one in layouts):
        return
    for other in written_bases(cls, configs, base, layouts[0]):
        if real_total(cls, configs, other.raw) is None:
            continue
        try:
            found = measure(cls, configs, other, activations, effort=_EFFORT, trials=_TRIALS)
            check(found, activations, _TRIALS)
        except SymcountError:
            continue
        yield found.layout, other, found.trees


def written_file(cls: Any, configs: Any, base: Base) -> dict[str, Any]:
    """The file of the defaults: sub-configs are what the class makes of them where they are left out, if it does."""
    bare = without_sections(base.raw)
    raw = base.raw if real_total(cls, configs, bare) is None else bare
    return saved_file(Probe(cls, configs, raw, base.required, base.absent))
