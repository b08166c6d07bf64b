"""Combinations of switches, and what lies beyond the end of a domain: a formula is derived and certified for each."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from symcount.atlas.asking import At, asked, names_of
from symcount.atlas.codec import encode
from symcount.atlas.probe import signature, uninitialised
from symcount.atlas.record import StoredFormula
from symcount.atlas.trees import tree_to_json
from symcount.atlas.work import Work, free_values, switches
from symcount.derive.api import derive
from symcount.derive.expression import evaluate, free_symbols
from symcount.derive.points import holds
from symcount.derive.recording import Condition
from symcount.derive.result import DerivedFormula
from symcount.derive.trace import Trace
from symcount.errors import SymcountError
from symcount.ledger import CONVENTIONS

__all__ = ["combine"]

_ENUMERATED = 4096  # combinations of switches among which the simplest are chosen
_MOST = 64  # combinations that are derived, if there is time
_COMPOSITE = 12  # combinations for a model with sub-configs
_BRANCHING = ("==", "!=", "<", "<=", ">", ">=")


def combine(
    work: Work, first: DerivedFormula, trials: int, seed: int
) -> tuple[list[StoredFormula], dict[str, int], dict[str, DerivedFormula], list[list[Any]], At, dict[str, list[int]]]:
    """Derive a formula for every combination of labels that is answered."""
    free = free_values(work)
    chosen_by = switches(work)
    found: list[tuple[DerivedFormula, dict[str, Any], int]] = []
    states: dict[str, int] = {}
    derived: dict[str, DerivedFormula] = {}
    known: dict[Any, int] = {}
    for labels in _combinations(work):
        changes = {s: work.samples[s][n] for s, n in labels.items() if n}
        key = ",".join(str(labels[s]) for s in chosen_by)
        if changes and time.process_time() > work.deadline:
            break
        own = work.probe.trace(changes)
        flipped = work.probe.trace({**changes, **{k: v for k, v in free.items() if k not in changes}})
        if own is None or (changes and flipped is not None and signature(flipped) != signature(own)):
            continue
        if signature(own) in known:
            states[key] = known[signature(own)]
            continue
        try:
            formula = derive(work.probe.cls, config=work.probe.source(changes)) if changes else first
            with uninitialised():
                points = formula.certify(trials, seed).passed
        except SymcountError:
            if not changes:
                raise
            continue
        known[signature(own)] = states[key] = len(found)
        derived[key] = formula
        found.append((formula, changes, points))
    branches: dict[str, list[int]] = {}
    for key, number in list(states.items()):
        if key in derived:
            for formula, points, moved in _branches(work, found[number][0], found[number][1], trials, seed):
                branches.setdefault(str(number), []).append(len(found))
                derived[f"{key}!{len(found)}"] = formula
                found.append((formula, {**found[number][1], **moved}, points))
    at = names_of(work, [f for f, _, _ in found])
    stored, trees = [], []
    for number, (formula, changes, points) in enumerate(found):
        stored.append(_stored(work, formula, changes, at, number, points, seed))
        trees.append(tree_to_json(formula.tree))
    return stored, states, derived, trees, at, branches


def _combinations(work: Work) -> list[dict[str, int]]:
    """Combinations of labels, the simplest first: no more than can be derived in the time there is.

    Keys that no config class declares (`getattr(config, "head_dim", …)`) are rare, so they come one at a time.
    """
    chosen_by = switches(work)
    labels = [sorted(set(work.accept[s].values())) for s in chosen_by]
    rare = [work.probe.declared(s) is None for s in chosen_by]

    def cost(chosen: tuple[int, ...]) -> tuple[int, int]:
        unusual = sum(bool(n) for n, r in zip(chosen, rare, strict=True) if r)
        return sum(map(bool, chosen)) + 2 * max(0, unusual - 1), unusual

    most = _COMPOSITE + len(chosen_by) if len(work.probe.parts) > 1 else _MOST
    size = 1
    for options in labels:
        size *= len(options)
    if size > _ENUMERATED:  # each label alone, and each pair
        zero = (0,) * len(chosen_by)
        single = [(i, n) for i, options in enumerate(labels) for n in options if n]
        sets = [(), *((s,) for s in single), *(p for p in itertools.combinations(single, 2) if p[0][0] != p[1][0])]
        every = [tuple(dict(chosen).get(i, 0) for i in range(len(zero))) for chosen in sets]
    else:
        every = list(itertools.product(*labels))
    every.sort(key=cost)
    return [dict(zip(chosen_by, chosen, strict=True)) for chosen in every[:most]]


def _branches(
    work: Work, formula: DerivedFormula, changes: Mapping[str, Any], trials: int, seed: int
) -> Iterator[tuple[DerivedFormula, int, dict[str, Any]]]:
    """Formulas beyond the end of a domain, where the model takes another branch at other numbers."""
    probe, seen = work.probe, {signature(t) for t in [_deep(work, changes)] if t is not None}
    for c in formula.asked:
        names = free_symbols(c.left) | free_symbols(c.right)
        if c.relation not in _BRANCHING or not names <= formula.base.keys() or time.process_time() > work.deadline:
            continue
        for moved in _beyond(work, c, names, formula):
            there = _deep(work, {**changes, **moved})
            if there is None or signature(there) in seen:
                continue
            seen.add(signature(there))
            free = {k: v for k, v in free_values(work).items() if k not in changes}
            flipped = _deep(work, {**changes, **moved, **free})
            if flipped is not None and signature(flipped) != signature(there):
                continue  # a key without influence has one beyond
            try:
                other = derive(probe.cls, config=probe.source({**changes, **moved}))
                with uninitialised():
                    points = other.certify(trials, seed).passed
            except SymcountError:
                continue
            if any(not holds(d, formula.base) for d in other.asked):
                yield other, points, moved
            break


def _deep(work: Work, changes: Mapping[str, Any]) -> Trace | None:
    """The trace at the model's own depths: a moved number is part of the config."""
    return work.probe.trace(changes, deep=True)


def _beyond(
    work: Work, condition: Condition, names: Iterable[str], formula: DerivedFormula
) -> Iterator[dict[str, Any]]:
    """Changes of one number after which *condition* does not hold any more."""
    for name in sorted(names):
        value = formula.base[name]
        if not isinstance(value, int) or name in formula.structural:
            continue
        limits = [
            int(evaluate(side, formula.base)) for side in (condition.left, condition.right)
            if name not in free_symbols(side)
        ]  # fmt: skip
        for other in (*limits, *(n + 1 for n in limits), value * 2, value // 2, *(2 * n for n in limits)):
            if other > 0 and not holds(condition, {**formula.base, name: other}):
                stem, bracket, rest = name.partition("[")
                if not bracket:
                    yield {name: other}
                    continue
                index = int(rest.partition("]")[0])
                elements = work.probe.default(stem)
                if isinstance(elements, list) and index < len(elements) and rest.endswith("]") and "[" not in rest:
                    yield {stem: [other if i == index else x for i, x in enumerate(elements)]}


def _stored(
    work: Work, formula: DerivedFormula, changes: Mapping[str, Any], at: At, tree: int, points: int, seed: int
) -> StoredFormula:
    letters = [[e.letter, e.field, e.latex, e.meaning, e.minimum, e.scales, e.rational] for e in formula.notation]
    totals: dict[str, str] = {}
    for convention in CONVENTIONS:
        text = encode(formula.total_as(convention))
        if convention == "unique" or text != totals["unique"]:
            totals[convention] = text
    domain = [[c.relation, encode(c.left), encode(c.right)] for c in formula.domain]
    return StoredFormula(
        letters,
        totals,
        domain,
        list(asked(work, formula, changes, at)),
        tree,
        {k: v for k, v in formula.options.items() if v is None or isinstance(v, bool)},
        dict(formula.pinned),
        points,
        seed,
    )
