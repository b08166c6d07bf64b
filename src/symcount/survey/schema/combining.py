"""Combinations of switches, and what lies beyond the end of a domain: a formula is derived and certified for each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from symcount.atlas.codec import encode
from symcount.atlas.codes import identifiers
from symcount.atlas.record import StoredFormula
from symcount.atlas.trees import tree_to_json
from symcount.concolic.values.predicates import holds
from symcount.config.kind_lists import MARK, KindList, field_of
from symcount.core.ledger import CONVENTIONS
from symcount.core.paths import section_of
from symcount.derivation.api import derive
from symcount.derivation.formula import DerivedFormula
from symcount.errors import SymcountError
from symcount.survey.schema.asking import At, conditions, names_of
from symcount.survey.schema.kinds import overruled
from symcount.survey.schema.probe import signature, uninitialised
from symcount.survey.schema.promoting import beyond, pinned, promoted, single
from symcount.survey.schema.work import Work, free_values, switches

__all__ = ["combine", "stored"]

_ENUMERATED = 4096  # combinations of switches among which the simplest are chosen
_MOST = 512  # combinations that are derived, if there is time
_COMPOSITE = 12  # combinations for a model with sub-configs
_BRANCHES = 12  # formulas beyond the end of a domain
_FEWER = 2  # a variant of a formula that was certified has so many times fewer points of its own


def combine(
    work: Work, first: DerivedFormula, trials: int, seed: int
) -> tuple[list[StoredFormula], dict[str, list[int]], dict[str, DerivedFormula], list[list[Any]], At]:
    """Derive a formula for every combination of labels that is answered."""
    beside_combinations(work)
    free = free_values(work)
    chosen_by = switches(work)
    found: list[tuple[DerivedFormula, dict[str, Any], int]] = []
    states: dict[str, list[int]] = {}
    changed: dict[str, dict[str, Any]] = {}
    derived: dict[str, DerivedFormula] = {}
    known: dict[Any, int] = {}
    for labels in _combinations(work):
        changes = {s: work.samples[s][n] for s, n in labels.items() if n}
        key = ",".join(str(labels[s]) for s in chosen_by)
        if changes and not work.combining:
            break
        arranged = [s for s in changes if isinstance(changes[s], KindList)]
        if len(arranged) > 1:  # of two lists that say the same, the model heeds one
            ignored = next((s for s in arranged if overruled(work, s, changes)), None)
            same = ",".join(str(labels[s] if s != ignored else 0) for s in chosen_by)
            if ignored is not None and len(arranged) == 2 and same in states:
                states[key], changed[key] = list(states[same]), changed[same]
            continue
        own = work.probe.trace(changes)
        flipped = work.probe.trace({**changes, **{k: v for k, v in free.items() if k not in changes}})
        if own is None or (changes and flipped is not None and signature(flipped) != signature(own)):
            continue
        seen = (signature(own), *(field_of(s, kind) for s in arranged for kind in changes[s].numbers))
        if seen in known:
            states[key], changed[key] = [known[seen]], changes
            continue
        certified = _certified(work, changes, first, trials, seed, len(own.parameters))
        if certified is None:
            continue
        formula, points = certified
        known[seen] = len(found)
        states[key], changed[key] = [len(found)], changes
        derived[key] = formula
        found.append((formula, changes, points))
    for key, numbers in states.items():
        beyond_it = _branches(work, found[numbers[0]][0], changed[key], -(-trials // _FEWER), seed)
        for formula, points, moved in beyond_it:
            numbers.append(len(found))
            derived[f"{key}!{len(found)}"] = formula
            found.append((formula, {**changed[key], **moved}, points))
    at = names_of(work, [f for f, _, _ in found])
    formulas, trees = [], []
    for number, (formula, changes, points) in enumerate(found):
        formulas.append(stored(work, formula, changes, at, number, points, seed))
        trees.append(tree_to_json(formula.tree))
    return formulas, states, derived, trees, at


def _certified(
    work: Work, changes: dict[str, Any], first: DerivedFormula, trials: int, seed: int, tensors: int
) -> tuple[DerivedFormula, int] | None:
    """The formula at *changes* and the points at which it agreed with the real model; `None` if there is none.

    Raises:
        SymcountError: the one without changes fails.
    """
    wanted = -(-trials // _FEWER) if changes else trials
    work.probe.traced += wanted * tensors
    try:
        formula = derive(work.probe.cls, config=work.probe.source(changes)) if changes else first
        with uninitialised():
            points = formula.certify(wanted, seed).passed
    except SymcountError:
        if not changes:
            raise
        return None
    return (formula, points) if _readable(work, formula) else None


def _combinations(work: Work) -> list[dict[str, int]]:
    """Combinations of labels, the simplest first: no more than can be derived in the time there is.

    A key that may say what the model takes anyway (`attention_head_size`) hardly says anything else: it counts as four.
    """
    chosen_by = switches(work)
    labels = [sorted(set(work.accept[s].values())) for s in chosen_by]
    weights = [4 if s in work.equals else 1 for s in chosen_by]

    def cost(chosen: tuple[int, ...]) -> int:
        return sum(weight for number, weight in zip(chosen, weights, strict=True) if number)

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


def _readable(work: Work, formula: DerivedFormula) -> bool:
    """Whether all numbers are of sub-configs that the base config has: a switch may bring another one along.

    And no number of layers of a kind is pinned: the formula was seen to hold for one order of the kinds only then.
    """
    known = {section_of(name) for name in formula.base} <= work.probe.instances.keys()
    return known and not any(MARK in name for name in formula.pinned)


def beside_combinations(work: Work) -> None:
    """A key without influence beside each switch alone may have one beside several; then it is one itself."""
    end = (work.probe.traced + 2 * work.effort) // 2
    for _ in range(4):
        more = False
        for labels in _combinations(work):
            changes = {s: work.samples[s][n] for s, n in labels.items() if n}
            if len(changes) < 2 or work.probe.traced > end:
                continue
            free = {k: v for k, v in free_values(work).items() if k not in changes}
            own, flipped = work.probe.trace(changes), work.probe.trace({**changes, **free})
            if own is None or flipped is None or signature(own) == signature(flipped):
                continue
            for path in free:
                if path not in work.activation:
                    more |= promoted(work, path, changes, signature(own))
            if more:
                break
        if not more:
            return


def _branches(
    work: Work, first: DerivedFormula, changes: Mapping[str, Any], trials: int, seed: int
) -> Iterator[tuple[DerivedFormula, int, dict[str, Any]]]:
    """Formulas beyond the end of a domain, where the model takes another branch at other numbers; and beyond those."""
    seen = {signature(t) for t in [work.probe.trace(changes)] if t is not None}
    pending: list[tuple[DerivedFormula, dict[str, Any]]] = [(first, {})]
    free = {k: v for k, v in free_values(work).items() if k not in changes}
    for formula, before in pending:  # which grows
        fixed = [] if before else [(one, True) for one in pinned(formula)]
        for c, several in (*((c, False) for c in (*formula.asked, *single(formula))), *fixed):
            if len(pending) > _BRANCHES or not work.combining:
                return
            said = (c.relation, c.left, c.right)
            if changes and said in work.dull:
                continue
            number = len(seen)
            for step in beyond(work, c, formula, pinned=several):
                moved = {**before, **step}
                depths = {name: n for name, n in moved.items() if name in work.probe.shallow}
                there = work.probe.trace({**changes, **moved}, depths)
                if there is None or signature(there) in seen:
                    continue
                seen.add(signature(there))
                flipped = work.probe.trace({**changes, **moved, **free}, depths)
                if flipped is not None and signature(flipped) != signature(there):
                    continue  # a key without influence has one beyond
                work.probe.traced += trials * len(there.parameters)
                try:
                    other = derive(work.probe.cls, config=work.probe.source({**changes, **moved}))
                    with uninitialised():
                        points = other.certify(trials, seed).passed
                except SymcountError:
                    continue
                if _readable(work, other) and _elsewhere(other, first.base):
                    pending.append((other, moved))
                    yield other, points, moved
                if not several or len(pending) > _BRANCHES or not work.combining:
                    break
            if not changes and len(seen) == number:
                work.dull.add(said)


def _elsewhere(other: DerivedFormula, base: Mapping[str, Any]) -> bool:
    """Whether a formula does not hold at the numbers *base*."""
    kept = any(name in base and base[name] != value for name, value in other.pinned.items())
    return kept or any(not holds(c, base) for c in other.asked)


def stored(
    work: Work, formula: DerivedFormula, changes: Mapping[str, Any], at: At, tree: int, points: int, seed: int
) -> StoredFormula:
    """A formula of the options *changes* as the atlas has it; *tree* is the number of its tree."""
    letters = [[e.letter, e.field, e.latex, e.meaning, e.minimum, e.scales, e.rational] for e in formula.notation]
    totals: dict[str, str] = {}
    for convention in CONVENTIONS:
        text = encode(formula.total_as(convention))
        if convention == "unique" or text != totals["unique"]:
            totals[convention] = text
    held = conditions(work, formula, changes, at)
    used = {name for text in (*totals.values(), *(t for c in held.domain for t in c[1:])) for name in identifiers(text)}
    return StoredFormula(
        [letter for letter in letters if letter[0] in used],
        totals,
        held.domain,
        held.asked,
        tree,
        {k: v for k, v in formula.options.items() if v is None or isinstance(v, bool)},
        held.pinned,
        points,
        seed,
    )
