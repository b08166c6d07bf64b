"""Directed search: the model is traced where a question would be answered in a way that no trace has shown yet.

A question about the index of a loop that always had the same answer hides a path (`if (i + 1) % 8 == 0` in a model of
four layers): it is run at values at which the answer is the other one (Godefroid et al. 2005, DART). When no such
values are left, the multiplicities are counted; see `symcount.derivation.multiplicity`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from operator import itemgetter
from typing import Final

from symcount.concolic.config.symbolic import Number
from symcount.concolic.traces import Trace
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import Condition, Loop
from symcount.concolic.values.predicates import Predicate, answered, bounding, holds, index_tuples, readable
from symcount.concolic.values.rewriting import floored
from symcount.derivation.coverage import Tables, covered, deciding, listed, lists, missing, parts_of, supposed, unlike
from symcount.derivation.depth_limits import of_index
from symcount.derivation.elements import kind_lists_in
from symcount.derivation.evidence import Evidence
from symcount.derivation.far_answers import asked_behind, far_answer, meeting_sizes
from symcount.derivation.indexed_shapes import short_loops
from symcount.derivation.multiplicity import tables
from symcount.derivation.probes import DEEPEST, FAR, Structure, around, deep, deep_enough, far, longer, near, usual_ones
from symcount.derivation.questions import answers, bounded, hashed, nest_of, of_iteration, questions
from symcount.derivation.runs import comparable, possible

__all__ = ["PathSearch"]

RUNS: Final = 10  # runs for one class, after which the search is given up
PATIENCE: Final = 2  # structures with the other answer to a question that transformers may refuse
LISTS: Final = 4  # runs from which the lengths of lists are known


class PathSearch:
    """One search: the structures at which the model was traced or refused."""

    def __init__(self, e: Evidence, rng: random.Random) -> None:
        self.e = e
        self.rng = rng
        self.tried: set[tuple[Number, ...]] = set()
        self.refused: Counter[Predicate | None] = Counter()
        self.turned: set[Predicate | None] = set()
        self.unasked: Counter[Predicate] = Counter()
        self.idle: set[tuple[str, Node]] = set()
        self.vain: set[tuple[str, Node]] = set()  # comparisons with many numbers, each with one answer
        self.runs: list[Trace] = []
        self.lonely: list[Condition] = []
        self.fields = frozenset(e.structural)
        self.kinds = dict(kind_lists_in(e.plan.source))
        asked = [c for c in e.asked if c.symbols <= self.fields]
        self.hard = [c for c in asked if not of_index(e, c) and not of_iteration(c, e.traces)]
        self.found: Tables = {}

    @cached_property
    def probes(self) -> list[Structure]:
        """Structures of the domain at which explanations are compared: nothing is built there."""
        found = usual_ones(self.e, self.rng)
        return sorted(filter(self.admitted, found), key=lambda s: sum(map(int, s.values())))

    def admitted(self, structure: Structure) -> bool:
        """Whether what the model's code asks of fields alone is answered there as by default, and loops have bounds."""
        values = {**self.e.base, **structure}
        return all(holds(c, values) for c in (*self.hard, *self.e.guards)) and bounded(self.e.default.loops, values)

    def run(self) -> bool:
        """Trace until every question that can be answered in both ways was; whether all rows are explained."""
        while len(self.runs) < RUNS and self.refused.total() < RUNS:
            e = self.e
            found = tables(e.rows, e.traces, e.structural, suppose=e.plan.suppose, lists=self.kinds)
            if found is None:
                if self._without_negative_lengths() or self._longer():
                    continue
                return False
            self.found = found
            if self._guarded(found):
                continue
            structure, asked = self._next(found)
            if structure is None:
                enough = deep_enough(e, supposed(found)) and (len(e.traces) > 2 or not lists(self.e, self.found))
                if (asked is None and enough) or not self._longer():
                    return asked is None and enough
                continue
            self.tried.add(self._key(structure))
            if asked is not None:
                said = f"asked: {readable(asked)} had one answer so far"
                e.journal.note(f"{said}; the next run is where it has the other")
            one = self._observed(structure)
            if one is not None:
                self.turned.add(asked)
                if asked is not None and asked not in questions(one):
                    self.unasked[asked] += 1
                    self.idle.add((asked.relation, asked.left))
                elif asked is not None and len(answers(self.e.traces).get(asked, ())) == 1:
                    self.unasked[asked] += 1  # where it would have the other answer, it is not asked
                    if self.unasked[asked] == PATIENCE:
                        self.vain.add((asked.relation, asked.left))
            else:
                self.refused[asked] += 1
        return False

    def supported(self) -> bool:
        """Whether the model could be traced at a structure beside the default at which all *lonely* conditions hold."""
        e = self.e
        usual = {n: e.base[n] for n in e.structural}
        deeper = ({**usual, n: int(usual[n]) + more} for n in usual if n in e.depths for more in (1, 2, 5))
        for structure in self._new((*self.probes, *deeper)) if self.lonely else ():
            if all(holds(c, {**e.base, **structure}) for c in self.lonely):
                self.tried.add(self._key(structure))
                return self._observed(structure) is not None
        return False

    def _key(self, structure: Mapping[str, Number]) -> tuple[Number, ...]:
        return tuple(structure[n] for n in self.e.structural)

    def _observed(self, structure: Structure) -> Trace | None:
        """The run at *structure*, all else as in the smallest one, or else as by default; it is evidence then."""
        e = self.e
        one = possible(e, [{**e.smallest.symbols, **structure}, {**e.base, **structure}])
        known = comparable(e, [*e.traces, one]) if one is not None else []
        if one not in known:
            return None
        self.e = e.with_traces(known)
        self.runs.append(one)
        return one

    def _guarded(self, found: Tables) -> bool:
        """Whether a question about fields alone decides how often a row occurs: its answer is a condition then."""
        e = self.e
        about = deciding(found, self.fields)
        if not about:
            return False
        chosen = next((several for several in about if self.turned.issuperset(several)), about[0])
        for c in [p.condition(truth) for p in chosen if (truth := p.holds(e.base)) is not None]:
            self._guard(c, f"{c}; elsewhere the model has other parts")
        self.e = self.e.with_traces([t for t in e.traces if all(holds(c, t.symbols) for c in self.e.guards)])
        return True

    def _without_negative_lengths(self) -> bool:
        """Whether some runs are left out since a list in them, `[2] + [1] * (n - 1)`, has no length that says n."""
        lengths = dict.fromkeys(floored(use.node) for use in self.e.default.structural if use.kind == "repeat")
        negative = [n for n in lengths if any((ex.value_at(n, t.symbols) or 0) < 0 for t in self.e.traces)]
        for node in negative:
            self._guard(condition := Condition(">=", node, ex.const(0), ""), f"{condition}; else the list is empty")
        guards = self.e.guards
        self.e = self.e.with_traces([t for t in self.e.traces if all(holds(c, t.symbols) for c in guards)])
        return bool(negative)

    def _longer(self) -> bool:
        """Whether a run was made with more iterations of loops that make another shape in each."""
        for structure in self._new(longer(self.e, short_loops(self.e.traces))):
            self.tried.add(self._key(structure))
            if self._observed(structure) is not None:
                return True
        return False

    def _new(self, structures: Iterable[Structure]) -> list[Structure]:
        """Those of *structures* that are admitted and of which there is no run."""
        known = self.tried | {self._key(t.symbols) for t in self.e.traces}
        return [s for s in structures if self._key(s) not in known and self.admitted(s)]

    def _guard(self, condition: Condition, said: str) -> None:
        self.e = replace(self.e, guards=(*self.e.guards, condition))
        self.e.journal.note(f"condition: {said}")

    def _next(self, found: Tables) -> tuple[Structure | None, Predicate | None]:
        """Where to trace next, and for which question; a question without a structure was not answered."""
        e = self.e
        unclear = [part for part in parts_of(found) if part[0].predicates]
        if unclear and self.refused[None] < PATIENCE:
            differing = [(unlike(unclear, s, {**e.base, **s}), s) for s in self._new(self.probes)]
            most, structure = max(differing, key=itemgetter(0), default=(0, None))
            if most:
                return structure, None
        if distant := self._new(far(e, supposed(found))):
            return distant[0], None
        turning, asked = self._turning()
        if asked is not None:
            return turning, asked
        if many := self._new(deep(e, self._loops())):
            return many[0], None
        if self.refused[None] < PATIENCE and (open_ := missing(found, e.traces)):

            def gain(s: Structure) -> Fraction:
                return covered(open_, s, {**e.base, **s})

            best = max(self._new(self.probes), key=gain, default=None)
            if best is not None and gain(best) > 0:
                return best, None
        if self._unchecked() and self.refused[None] < PATIENCE:
            known = {n: {t.symbols[n] for t in e.traces} for n in e.structural}

            def telling(s: Structure) -> tuple[int, int]:
                size = sum(map(int, s.values()))
                return sum(s[n] not in known[n] for n in s), size if listed(self.e, self.found) else -size

            if others := self._new(self.probes):
                return max(others, key=telling), None
        return None, None

    def _turning(self) -> tuple[Structure | None, Predicate | None]:
        """The structure at which most questions have another answer than they always had, and one of these."""
        others: dict[Predicate, Structure] = {}
        for p in (*self._one_sided(), *meeting_sizes(self.e)):
            if self.refused[p] >= PATIENCE:  # of fields alone: there is no such model
                if not p.symbols <= self.fields:
                    if (bound := bounding(p, self._loops(), self._answer(p), DEEPEST)) is None:
                        return None, p
                    self._guard(bound, f"{bound}; beyond it {readable(p)} has an answer that no run shows")
            elif (other := self._other_side(p)) is not None:
                if p.symbols <= self.fields:
                    return other, p
                others[p] = other
            elif (bound := far_answer(p, self._answer(p), self.e, self.admitted)) is not None:
                self._guard(bound, f"{bound}; beyond it {readable(p)} has an answer that no run shows")
        if not others:
            for bound, p in asked_behind(self.e, self.admitted):
                self._guard(bound, f"{bound}; beyond it {readable(p)} has an answer that no run shows")
            return None, None
        most = max(others, key=lambda p: sum(self._differs(q, others[p]) for q in others))
        return others[most], most

    def _unchecked(self) -> bool:
        """Whether a field had one value in all traces, or two near ones although it bounds a loop with questions."""
        e = self.e
        if any(len({t.symbols[n] for t in e.traces}) == 1 for n in e.structural if e.base[n]):  # zero stays zero
            return True
        if listed(self.e, self.found) and max(int(t.symbols[n]) for t in e.traces for n in e.structural) < FAR:
            return True
        loops = self._loops()
        if len(e.traces) < LISTS and lists(self.e, self.found):  # no more is known of them than how long they are
            return True
        if len(e.traces) > 2:
            return False
        asked = {n for p in answers(e.traces) if self._structural(p, loops) for n in p.symbols}
        return near(e, [loops[name] for name in asked & loops.keys()])

    def _structural(self, p: Predicate, loops: Collection[str]) -> bool:
        return all(n in self.fields or n in loops for n in p.symbols)

    def _one_sided(self) -> list[Predicate]:
        """Questions about indices, or about fields and a number, with one answer in all iterations of all traces."""
        loops = self._loops()
        asked = {p: truths for p, truths in answers(self.e.traces).items() if self._structural(p, loops)}
        single = {p: next(iter(truths)) for p, truths in asked.items() if len(truths) == 1}
        about_fields = {p for p in single if p.symbols <= self.fields}
        met = {*self.e.depths, *(n for p in asked if p.symbols & loops.keys() for n in p.symbols)}
        looked_up = {name for one in self.e.traces for name in hashed(one)}  # only a hit shows, as `==`
        return [
            p
            for p, truth in single.items()
            if (p not in about_fields or (p.symbols <= met and of_index(self.e, p.condition(truth=True))))
            and not ((p.relation, p.left) in self.idle and sum(p in questions(t) for t in self.e.traces) < 2)
            and not (p in about_fields and any(p.holds(t.symbols) is (not truth) for t in self.e.traces))
            and not (p.relation == "==" and p.symbols & looked_up)
            and self.unasked[p] < PATIENCE
            and (p.relation, p.left) not in self.vain
        ]

    def _loops(self) -> dict[str, Loop]:
        return {loop.name: loop for one in self.e.traces for loop in one.loops}

    def _other_side(self, p: Predicate) -> Structure | None:
        """The structure with the fewest layers at which *p* has the other answer for some index; `None` if nowhere."""
        e, nest = self.e, nest_of(p, self.e.traces)
        if not {n for n in p.symbols if n not in self.fields} <= {loop.name for loop in nest}:
            return None
        usual = self._answer(p)
        start = e.smallest.symbols
        visited = self._visited(p, nest)
        for structure in around(e, p, nest, {n: start[n] for n in e.structural}):
            values = {**e.base, **structure}
            new = self._key(structure) not in self.tried and self.admitted(structure)
            if new and answered(p, nest, values, not usual, visited):
                return structure
        return None

    def _visited(self, p: Predicate, nest: Sequence[Loop]) -> set[tuple[int, ...]]:
        """The iterations of all traces, if *p* speaks of indices only: in these it was answered, or not asked."""
        if p.symbols & self.fields:
            return set()
        return {indices for one in self.e.traces for indices in index_tuples(nest, one.symbols)}

    def _differs(self, p: Predicate, structure: Structure) -> bool:
        """Whether *p* has another answer at *structure*, for some index, than it always had."""
        nest = nest_of(p, self.e.traces)
        values = {**self.e.base, **structure}
        return answered(p, nest, values, not self._answer(p), self._visited(p, nest))

    def _answer(self, p: Predicate) -> bool:
        return next(iter(answers(self.e.traces)[p]))
