"""Derivation from a single run: a model of few layers, where that run answers every question by construction.

In a model whose layers are all alike, each made in an iteration of a loop over a field, one run of two layers shows
every tensor, its size as an expression, and that nothing was asked of an index. More runs would only show again what is
known. It is so only where nothing can have been lost on the way to a plain number: every number in a size, and of
things that no loop made, must be one that the code is written with, and none may be the value of a field that the code
read and that no expression has. Anything else is observed in several runs (`symcount.derivation.pipeline`); and so is
what is not the code of transformers, whose constructors keep expressions where those of others may do anything.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from symcount.concolic.config.config_source import construct, fields_in, walk
from symcount.concolic.config.source import defaults_of
from symcount.concolic.config.symbolic import Number, config_classes
from symcount.concolic.python.constants import longest_period
from symcount.concolic.traces import Trace
from symcount.concolic.values.expression import free_symbols
from symcount.concolic.values.path import Loop
from symcount.concolic.values.predicates import Predicate, holds
from symcount.core.paths import path_of
from symcount.derivation.elements import kind_lists_in
from symcount.derivation.evidence import Evidence, Hypotheses, Plan
from symcount.derivation.loop_proof import FAR, proved
from symcount.derivation.pinning import negative, ratios, stage_numbers
from symcount.derivation.questions import questions
from symcount.derivation.runs import possible, run, stand_in
from symcount.derivation.second_run import moved_run
from symcount.derivation.selectors import selectors
from symcount.derivation.sensitivity import suspects, unseen
from symcount.derivation.structure import (
    depth_fields,
    depth_points,
    likely_depths,
    model_conditions,
    shape_symbols,
)
from symcount.derivation.suspicions import all_expressed, nothing_lost
from symcount.derivation.tables import Truth, iterations
from symcount.errors import DerivationError

__all__ = ["from_shallow_runs"]

_NEAR = 41  # layers below which every answer has to be seen
_PERIODIC = 12  # the longest pattern of layers that is looked for


def from_shallow_runs(plan: Plan, rng: random.Random) -> Hypotheses | None:
    """The hypotheses that runs of few layers prove; `None` if the default config has to be observed as well."""
    library = plan.cls.__module__.startswith("transformers.") and plan.source.cls.__module__.startswith("transformers.")
    fresh = not (plan.pinned or plan.discovered or plan.observed or plan.least or plan.guards)
    if not library or not fresh or any(True for _ in kind_lists_in(plan.source)):
        return None
    usual, lists = _depths(plan)
    layers = {name: value for name, value in usual.items() if value and not name.endswith("]")}
    few = {name: n for name, n in _few(layers, lists, _period(plan)).items() if n != usual[name]}
    if max(few.values(), default=0) > _PERIODIC:  # the kinds of layers are far apart
        return None
    try:
        one = run(plan, {**plan.base, **few}, ", ".join(f"{n} = {v}" for n, v in few.items()) or "the default config")
    except DerivationError:
        return None
    base = {**one.symbols, **plan.base, **{n: v for n, v in usual.items() if n not in plan.base}}
    e = Evidence(plan, base, one, (one,), tuple(depth_fields(one)))
    idle = few.keys() - set(e.structural)
    if few and not few.keys() & {*e.structural, *one.config_reads, *_said(one)}:  # none is a number of layers
        one = stand_in(plan, one, {name: usual[name] for name in few})
        e = replace(e, default=one, traces=(one,))
    if idle & _said(one) or not _alike(e) or not layers.keys() >= set(stage_numbers(e)):
        return None
    few |= {name: usual[name] for name in idle & one.config_reads.keys()}
    return _from_one(e, {**{name: e.base[name] for name in e.structural}, **few}, lists, rng)


def _from_one(
    e: Evidence, few: Mapping[str, Number], lists: Mapping[str, Sequence[Any]], rng: random.Random
) -> Hypotheses | None:
    """What the run of *few* layers proves, with another one where there has to be one more layer, or all else moves."""
    one = e.default
    followed = all_expressed(one)
    read = (few.keys() - set(e.structural)) & one.config_reads.keys()
    written, asked = followed and nothing_lost(e) and not read, _questions(e)
    deeper = _deep_enough(e, asked, few)
    if deeper is None:
        return None
    period = longest_period({*(m.cls for m in one.modules), *config_classes(e.plan.source)}, (), _PERIODIC)
    deeper |= {name: max(n, period) for name, n in deeper.items() if name in e.structural}
    if not followed:  # how many layers there are may be said by a tensor
        deeper |= {name: n + 1 + index for index, (name, n) in enumerate(deeper.items()) if name in e.structural and n}
    if deeper != few or not written:
        two = moved_run(e, deeper, rng) if not written else possible(e, [{**e.base, **deeper}])
        if two is None or not set(_questions(e.with_traces([two]), two)) <= set(asked):
            return None
        e = e.with_traces([one, two])
    found = proved(e) if _shown(e, lists) else None
    return None if found is None or (not written and (suspects(e) or unseen(found))) else found


def _period(plan: Plan) -> int:
    """The longest pattern of layers that the code of the model's own module may have."""
    members = vars(sys.modules[plan.cls.__module__]).values()
    own = {m for m in members if isinstance(m, type) and m.__module__ == plan.cls.__module__}
    return longest_period(own | config_classes(plan.source), (), _PERIODIC)


def _few(usual: Mapping[str, Number], lists: Mapping[str, Sequence[Any]], period: int) -> dict[str, Number]:
    """Few layers, but one of every kind that a list with an element for each layer names, and a whole pattern."""
    few = {name: max(n, period) for name, n in depth_points(list(usual), usual).items()}
    for depth, path in product(usual, lists):
        kinds = [_kind(value) for value in lists[path]]
        if len(kinds) == usual[depth] and path.rpartition(".")[0] == depth.rpartition(".")[0]:
            few[depth] = max(few[depth], *(1 + kinds.index(kind) for kind in set(kinds)))
    return few


def _said(one: Trace) -> set[str]:
    """The fields of which the run has an expression: in a size, a question, or a number of things."""
    nodes = [side for c in (*one.conditions, *one.predicates) for side in (c.left, c.right)]
    return shape_symbols([one]).union(*map(free_symbols, [*nodes, *(use.node for use in one.structural)]))


def _questions(e: Evidence, one: Trace | None = None) -> list[Predicate]:
    """What was asked of indices and of numbers of layers."""
    one = one or e.default
    fields = {*e.structural, *(loop.name for loop in one.loops)}
    return [p for p in questions(one) if p.symbols & fields]


def _deep_enough(e: Evidence, asked: Sequence[Predicate], few: Mapping[str, Number]) -> dict[str, Number] | None:
    """Numbers of layers at which every question about an index has both answers, in all ways that they can go together.

    `None` if there are none nearby, or it is a question about more than one index. One about an index and a field is
    to have the answers that it has by default, and both of them: where they make a difference, it is seen.
    """
    found = dict(few)
    for loop in e.default.loops:
        same = {other.name: loop.name for other in e.default.loops if other.bounds == loop.bounds}
        own = list(dict.fromkeys(p.renamed(same) for p in asked if p.symbols & same.keys()))
        if not own:
            continue
        if all(len(p.symbols) > 1 for p in own):
            usual, seen = (
                {tuple([p.holds(place) for p in own]) for place in iterations([loop], values)}
                for values in (e.base, {**e.base, **few})
            )
            if not _both(usual) or not usual <= seen:
                return None
            continue
        name = str(loop.bounds[1].args[0])
        if loop.outer or loop.bounds[0].op != "const" or name not in few or any(len(p.symbols) > 1 for p in own):
            return None

        def answers(number: int, loop: Loop = loop, own: Sequence[Predicate] = own, name: str = name) -> set[Truth]:
            indices = (values[loop.name] for values in iterations([loop], {name: number}))
            return {tuple([p.holds({loop.name: i}) for p in own]) for i in indices}

        usual = answers(max(int(e.base[name]), FAR))
        every = (n for n in range(int(few[name]), _NEAR) if _both(usual) and usual <= answers(n))
        if (number := next(every, None)) is None:
            return None
        found[name] = max(number, found[name])
    return found if all(any(loop.name in p.symbols for loop in e.default.loops) for p in asked) else None


def _both(answers: Iterable[Truth]) -> bool:
    return all({True, False} <= set(column) for column in zip(*answers, strict=True))


def _shown(e: Evidence, lists: Mapping[str, Sequence[Any]]) -> bool:
    """Whether the runs had every element of the lists from which a layer may take its own by its index."""
    said = _said(e.default)
    for path, usual in lists.items() if e.structural else ():
        seen = [value for t in e.traces if isinstance(value := t.config_reads.get(path), list | tuple)]
        if not seen or len(kinds := {_kind(v) for v in usual}) < 2:
            continue
        if any(len(value) != len(usual) for value in seen):  # as many as there are layers
            if not kinds <= {_kind(v) for value in seen for v in value}:
                return False
            continue
        last = e.traces[-1].symbols
        if min((last[n] for n in e.structural if last[n] < e.base[n]), default=len(usual)) >= len(usual):
            continue
        names = [f"{path}[{i}]" for i in range(len(usual))]
        if not set(names) <= e.base.keys() or 0 < len(said.intersection(names)) < len(names):
            return False
    return True


def _kind(value: Any) -> Any:
    """What an element of a list says, names that differ in a number being of one kind."""
    return float(value) if isinstance(value, int | float) else re.sub(r"\d+", "*", repr(value))


def _depths(plan: Plan) -> tuple[dict[str, Number], dict[str, Sequence[Any]]]:
    """The fields of the config that are numbers of layers by their name; and its lists."""
    found: dict[str, Number] = {}
    lists: dict[str, Sequence[Any]] = {}
    for path, instance in walk(construct(plan.source)):
        follow = {
            name for name, default in defaults_of(type(instance)) if default() is None
        }  # other fields, or nothing
        for name, value in fields_in(instance).items():
            if isinstance(value, list | tuple):
                lists[path_of(path, name)] = value
                found |= {path_of(path, f"{name}[{i}]"): n for i, n in enumerate(value) if type(n) is int}
            elif type(value) is int and name not in follow:
                found[path_of(path, name)] = value
    return {name: plan.base.get(name, found[name]) for name in likely_depths(found)}, lists


def _alike(e: Evidence) -> bool:
    """Whether what the run asked of fields is answered at the defaults as in it, and no number was lost."""
    one = e.default
    return not (
        one.hashed
        or any(holds(c, e.base) != holds(c, one.symbols) for c in model_conditions(one))
        or selectors(one, e.structural, shape_symbols([one]))
        or ratios(e, [one])
        or negative(e)
        or any(p.general for p in one.parameters)
    )
