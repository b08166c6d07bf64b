"""The first trace beside that of the default config: small depths, and all other fields elsewhere."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from symcount.derive.configs import Number
from symcount.derive.derivation import Derivation
from symcount.derive.exploring import drawn, feasible_depths, possible, shallow
from symcount.derive.expression import free_symbols
from symcount.derive.following import follow
from symcount.derive.points import sample, scaled
from symcount.derive.recording import Condition
from symcount.derive.selecting import named_layers, selectors
from symcount.derive.structure import depth_fields, model_conditions, scaled_down, shape_symbols
from symcount.derive.trace import Trace

__all__ = ["second_trace"]


def second_trace(d: Derivation, likely: Sequence[str], rng: random.Random, still: Sequence[str] = ()) -> Trace | None:
    """A trace with small values of the *likely* depths, at which as much else as possible moves; not what is *still*.

    `None` where there is none, or where the derivation is to begin again with lists that follow the depths.
    """
    assert d.default is not None  # noqa: S101  # set by the engine
    small, asked = shallow(d, likely), d.asked()
    movable = [name for name in d.free() if name not in likely and name not in still]
    if within := _within(d, likely, small):
        rest = [name for name in movable if name not in within]
        if (found := possible(d, [{**_moved(d, rest, asked, rng, within), **within}])) is not None:
            return found
    values = {**_moved(d, movable, asked, rng, small), **small}
    if (found := possible(d, [{**values, **_ratios(d, asked, values, still)}, values])) is not None:
        return found
    if insisted := _insisted(d.default, movable):
        found = possible(d, [{**_moved(d, movable, [*asked, *insisted], rng, small), **small}])
        if found is not None:
            d.insisted = insisted
            return found
    here = possible(d, [{**d.base, **small}])
    if here is None and follow(d, likely, small):
        return None
    structure = small
    if here is None:
        larger = (shallow(d, likely, start) for start in (5, 10))
        proportions = (*larger, *scaled_down(depth_fields(d.default), d.base))
        others = (depth for depth in proportions if possible(d, [{**d.base, **depth}]))
        other: dict[str, Number] | None = next(others, None)
        structure = feasible_depths(d, likely) if other is None else other
    places = (sample(d.base, movable, asked, rng, attempts=30), scaled(d.base, movable, 2))
    found = possible(d, ({**values, **structure} for values in places))
    return found or here or possible(d, [{**d.base, **structure}])


def _within(d: Derivation, likely: Sequence[str], small: Mapping[str, Number]) -> dict[str, Number]:
    """*small* depths with the fields that name layers, each at another layer that there is; empty if there are none."""
    assert d.default is not None  # noqa: S101  # set by the engine
    fields = [n for n in selectors(d.default, likely, shape_symbols([d.default])) if n not in d.pinned]
    found = dict(small)
    for name, depth in sorted(named_layers(fields, likely, d.base)):
        found[name] = min(d.base[name], 1)
        least = int(max(found[depth], found[name] + 2))
        found[depth] = least + (least == d.base[depth])
    return found if found.keys() != small.keys() else {}


def _ratios(
    d: Derivation, asked: Sequence[Condition], values: Mapping[str, Number], still: Sequence[str]
) -> dict[str, Number]:
    """Other values of the ratios and rates that nothing follows, at which what was *asked* is answered alike."""
    names = [n for n in d.unfollowed() if n not in still]
    drawn_ones = drawn(d, names, asked, random.Random(len(names)), attempts=30, known=values)  # no secret
    return {n: drawn_ones[n] for n in names}


def _moved(
    d: Derivation, movable: Sequence[str], asked: Sequence[Condition], rng: random.Random, small: Mapping[str, Number]
) -> dict[str, Number]:
    """Other values of the *movable* fields at which what was *asked* is answered alike, as far as there are any."""
    values = drawn(d, movable, asked, rng, attempts=30, known=small)
    if all(values[n] == d.base[n] for n in movable):
        hard = [c for c in asked if c.relation in ("divides", "==")]
        values = drawn(d, movable, hard, rng, attempts=30)
    return values


def _insisted(default: Trace, movable: Sequence[str]) -> list[Condition]:
    """What the libraries asked of the *movable* fields by default: torch pads a convolution only where its stride is 1.

    Most of that is a check whose failure has its own message, and some leaves a way out; so it counts only where the
    model cannot be built without.
    """
    own, fields = set(model_conditions(default)), set(movable)
    return [
        c
        for c in default.conditions
        if c not in own and c.relation in ("==", "divides") and free_symbols(c.left) | free_symbols(c.right) <= fields
    ]
