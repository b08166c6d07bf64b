"""The run beside that of the default config: small depths, and all other fields elsewhere."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from symcount.concolic.config.symbolic import Number
from symcount.concolic.traces import Trace
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.derivation.evidence import Evidence, Follow
from symcount.derivation.per_layer_lists import follow
from symcount.derivation.points import sample, scaled
from symcount.derivation.runs import drawn, feasible_depths, possible, shallow
from symcount.derivation.selectors import named_layers, selectors
from symcount.derivation.structure import depth_fields, model_conditions, scaled_down, shape_symbols

__all__ = ["moved_run", "second_run"]


def second_run(e: Evidence, likely: Sequence[str], rng: random.Random, still: Sequence[str]) -> Evidence | Follow:
    """With a run at small values of the *likely* depths, at which as much else as possible moves; not what is *still*.

    No run where there is none; where lists have to follow the depths, that is the verdict.
    """
    small, asked = shallow(e, likely), e.asked
    movable = [name for name in e.free if name not in likely and name not in still]
    if within := _within(e, likely, small):
        rest = [name for name in movable if name not in within]
        if (found := possible(e, [{**_moved(e, rest, asked, rng, within), **within}])) is not None:
            return _with(e, found)
    values = {**_moved(e, movable, asked, rng, small), **small}
    if (found := possible(e, [{**values, **_ratios(e, asked, values, still)}, values])) is not None:
        return _with(e, found)
    if insisted := _insisted(e.default, movable):
        found = possible(e, [{**_moved(e, movable, [*asked, *insisted], rng, small), **small}])
        if found is not None:
            return replace(_with(e, found), insisted=tuple(insisted))
    here = possible(e, [{**e.base, **small}])
    if here is None and (lists := follow(e, likely, small)) is not None:
        return lists
    structure = small
    if here is None:
        larger = (shallow(e, likely, start) for start in (5, 10))
        proportions = (*larger, *scaled_down(depth_fields(e.default), e.base))
        other = next((depth for depth in proportions if possible(e, [{**e.base, **depth}])), None)
        if other is None:
            structure, e = feasible_depths(e, likely, {})
        else:
            structure = other
    places = (sample(e.base, movable, asked, rng, attempts=30), scaled(e.base, movable, 2))
    moved = possible(e, ({**values, **structure} for values in places))
    return _with(e, moved or here or possible(e, [{**e.base, **structure}]))


def moved_run(e: Evidence, few: Mapping[str, Number], rng: random.Random) -> Trace | None:
    """A run at *few* layers, at which as much else as possible moves; `None` if there is none."""
    values = {**_moved(e, e.free, e.asked, rng, few), **few}
    return possible(e, [{**values, **_ratios(e, e.asked, values, ())}])


def _with(e: Evidence, found: Trace | None) -> Evidence:
    return e.with_traces([e.default] if found is None else [e.default, found])


def _within(e: Evidence, likely: Sequence[str], small: Mapping[str, Number]) -> dict[str, Number]:
    """*small* depths with the fields that name layers, each at another layer that there is; empty if there are none."""
    fields = [n for n in selectors(e.default, likely, shape_symbols([e.default])) if n not in e.pinned]
    found = dict(small)
    for name, depth in sorted(named_layers(fields, likely, e.base)):
        found[name] = min(e.base[name], 1)
        least = int(max(found[depth], found[name] + 2))
        found[depth] = least + (least == e.base[depth])
    return found if found.keys() != small.keys() else {}


def _ratios(
    e: Evidence, asked: Sequence[Condition], values: Mapping[str, Number], still: Sequence[str]
) -> dict[str, Number]:
    """Other values of the ratios and rates that nothing follows, at which what was *asked* is answered alike.

    A ratio is doubled, where it can be: of a little more the whole part is the same.
    """
    names = [n for n in e.unfollowed if n not in still]
    drawn_ones = drawn(e, names, asked, random.Random(len(names)), attempts=30, known=values)  # no secret
    found = {n: drawn_ones[n] for n in names}
    for n in (n for n in names if e.base[n] > 1):
        if all(holds(c, {**values, **found, n: 2 * e.base[n]}) for c in asked if n in c.symbols):
            found[n] = 2 * e.base[n]
    return found


def _moved(
    e: Evidence, movable: Sequence[str], asked: Sequence[Condition], rng: random.Random, small: Mapping[str, Number]
) -> dict[str, Number]:
    """Other values of the *movable* fields at which what was *asked* is answered alike, as far as there are any."""
    values = drawn(e, movable, asked, rng, attempts=30, known=small)
    if all(values[n] == e.base[n] for n in movable):
        hard = [c for c in asked if c.relation in ("divides", "==")]
        values = drawn(e, movable, hard, rng, attempts=30)
    return values


def _insisted(default: Trace, movable: Sequence[str]) -> list[Condition]:
    """What the libraries asked of the *movable* fields by default: torch pads a convolution only where its stride is 1.

    Most of that is a check whose failure has its own message, and some leaves a way out; so it counts only where the
    model cannot be built without.
    """
    own, fields = set(model_conditions(default)), set(movable)
    return [c for c in default.conditions if c not in own and c.relation in ("==", "divides") and c.symbols <= fields]
