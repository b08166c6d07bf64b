"""Undeclared keys that a config takes from a size where they are left out, and that the model reads in its stead.

`linear_head_dim` is an attribute that a config class sets to its `head_dim`; a saved file has both, and transformers
puts what the file says in its place. Where no tensor depends on the declared size beside it, the key is a spelling of
it that counts over the other one.
"""

from __future__ import annotations

from typing import Any, Final

from symcount.atlas.record import Layout
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.core.paths import path_of, split
from symcount.errors import SymcountError
from symcount.survey.schema.check import count
from symcount.survey.schema.probe import Probe, changed, real_total

__all__ = ["with_overruling"]

_TIMES: Final = ((1, 1), (1, 2), (2, 1), (2, 3), (0, 2), (3, 2))  # the size and the key, in terms of the default
_ENOUGH: Final = 4  # real models that must agree


def with_overruling(layout: Layout, probe: Probe, activations: frozenset[str]) -> Layout:
    """*layout* with such keys as spellings, as far as real models say so."""
    paths = {number.name: path for path, number in layout.numbers.items()}
    found = layout
    for path, check in layout.checks.items():
        section, key, index = split(path)
        size = paths.get(check.equals, "")
        if not size or index or path in {*layout.numbers, *layout.switches} or path_of(section, split(size)[1]) != size:
            continue
        rules = found.sections[section]
        spelled = rules.changed(
            aliases={**rules.aliases, key: split(size)[1]}, overruling=[*rules.overruling, key]
        )  # fmt: skip
        wider = found.changed(
            checks={p: c for p, c in found.checks.items() if p != path},
            sections={**found.sections, section: spelled},
        )
        if _agrees(wider, probe, activations, path, size):
            found = wider
    return found


def _agrees(layout: Layout, probe: Probe, activations: frozenset[str], path: str, size: str) -> bool:
    """Whether real models are as *layout* says, whatever the size is and whatever the key."""
    reader, variants = Reader(layout, activations), [Variant(layout, f) for f in layout.formulas]
    usual: Any = layout.numbers[size].given
    if type(usual) is not int or usual < 1:
        return False
    agreeing: list[Any] = []
    for one, other in _TIMES:
        raw = changed(probe.raw, {**({size: one * usual} if one else {}), path: other * usual})
        theirs = real_total(probe.cls, probe.config_class, raw)
        try:
            ours = count(variants, reader.read(raw))
        except SymcountError:
            continue
        if theirs is not None and theirs != ours:
            return False
        if theirs is not None:
            agreeing.append(theirs)
    # of a size on which nothing depends any key is a spelling
    return len(agreeing) >= _ENOUGH and any(one != agreeing[0] for one in agreeing)
