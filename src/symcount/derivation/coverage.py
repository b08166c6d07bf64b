"""Coverage: which combinations of answers the runs so far have not shown, and where they would show."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any

from symcount.concolic.traces import Trace
from symcount.concolic.values.path import Loop
from symcount.concolic.values.predicates import Predicate
from symcount.derivation.evidence import Evidence
from symcount.derivation.probes import Structure
from symcount.derivation.questions import answers
from symcount.derivation.rows import Row
from symcount.derivation.tables import Known, Table, Truth, iterations

__all__ = ["Tables", "covered", "deciding", "listed", "lists", "missing", "parts_of", "supposed", "unlike"]

_COMPARED = 12  # explanations of one row that are compared at a time

Tables = dict[Row, list[list[Table]]]
Answer = tuple[Predicate, Truth, bool]  # to a question that no number depends on, with those that it does


def parts_of(found: Tables) -> list[list[Table]]:
    """The tables of all rows, each once."""
    return list({id(part): part for parts in found.values() for part in parts}.values())


def deciding(found: Tables, fields: Collection[str]) -> list[list[Predicate]]:
    """The questions about *fields* alone by which a row occurs more or less often, in each explanation of the first."""
    for parts in found.values():
        for part in parts:
            about = [[p for p in table.predicates if p.symbols <= set(fields)] for table in part]
            if all(about):
                return about
    return []


def supposed(found: Tables) -> list[Loop]:
    """The loops of which no question explains what is made in them."""
    return list(dict.fromkeys(loop for p in parts_of(found) for t in p if t.supposed for loop in t.loops))


def unlike(unclear: Sequence[Sequence[Table]], structure: Structure, values: Mapping[str, Any]) -> Fraction:
    """How much the explanations of rows differ at *structure*, for the number of layers that it has.

    An iteration that is like none that was seen counts, too.
    """
    differing, known = 0, Known()
    for part in unclear:
        numbers = {table.number(values, known) for table in part[:: 1 + len(part) // _COMPARED]}
        differing += len(numbers) - 1 + (None in numbers)
    return Fraction(differing, 10 + sum(int(structure[n]) for n in structure))


def missing(found: Tables, traces: Sequence[Trace]) -> list[tuple[Table, set[Answer]]]:
    """Answers to what else was asked in a loop that were not seen together with each that a number depends on.

    Of `first <= i and i % period == 0` the second may never have mattered where the first was true.
    """
    asked = answers(traces)
    several: list[tuple[Table, set[Answer]]] = []
    for table in {id(part[0]): part[0] for part in parts_of(found) if part[0].loops}.values():
        own = set[Answer]()
        for p, seen in table.others.items():
            if len(asked.get(p, ())) > 1:
                own |= {(p, truth, side) for truth in table.numbers for side in (True, False)
                        if (truth, side) not in seen}  # fmt: skip
        if own:
            several.append((table, own))
    return several


def covered(missing: Sequence[tuple[Table, set[Answer]]], structure: Structure, values: Mapping[str, Any]) -> Fraction:
    """How many of the *missing* answers there are at *structure*, for the number of layers that it has."""
    gain = 0
    for table, own in missing:
        about = {p for p, _, _ in own}
        there = set[tuple[Predicate, Truth, bool | None]]()
        for known in iterations(table.loops, values):
            truth = tuple([p.holds(known) for p in table.predicates])
            there |= {(p, truth, p.holds(known)) for p in about}
        gain += len(own & there)
    return Fraction(gain, 10 + sum(int(structure[n]) for n in structure))


def lists(e: Evidence, found: Tables) -> list[Loop]:
    """The lists that no loop made."""
    made = {loop.name for one in e.traces for loop in one.loops}
    return [loop for part in parts_of(found) for loop in part[0].loops if loop.name not in made]


def listed(e: Evidence, found: Tables) -> bool:
    """Whether questions of indices explain no number, and a list was made in no loop: of the answers, perhaps."""
    several = any(row.stars and made.get((), 0) > 1 for row, every in e.rows.made.items() for made in every)
    loops = {loop.name for one in e.traces for loop in one.loops}
    used = {p for part in parts_of(found) for table in part for p in table.predicates}
    asked = (p for p in answers(e.traces) if p.symbols <= {*e.structural, *loops} and p.symbols & loops)
    return several and any(p not in used for p in asked)
