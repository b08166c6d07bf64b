"""Directed search: the model is traced where a question would be answered in a way that no trace has shown yet.

A question about the index of a loop that always had the same answer hides a path (`if (i + 1) % 8 == 0` in a model of
four layers): it is run at values at which the answer is the other one (Godefroid et al. 2005, DART). When no such
values are left, the multiplicities are counted; see `symcount.derive.multiplicity`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any, Final

from symcount.derive import expression as ex
from symcount.derive.configs import Number
from symcount.derive.counting import Assumptions
from symcount.derive.derivation import Derivation
from symcount.derive.exploring import comparable, possible
from symcount.derive.expression import Node, free_symbols
from symcount.derive.limits import of_index
from symcount.derive.multiplicity import Table, Truth, answers, hashed, iterations, of_iteration, questions, tables
from symcount.derive.points import holds
from symcount.derive.predicates import Predicate, index_tuples
from symcount.derive.recording import Condition, Loop
from symcount.derive.selecting import selector_points
from symcount.derive.templates import Row, collect
from symcount.derive.trace import Trace

__all__ = ["count_iterations"]

Structure = dict[str, Number]
Tables = dict[Row, list[list[Table]]]

RUNS: Final = 10  # runs for one class, after which the search is given up
PATIENCE: Final = 2  # structures with the other answer to a question that transformers may refuse
PROBES: Final = 24  # random structures at which explanations are compared, without running the model
DEEPEST: Final = 130  # layers up to which a question is asked what its answer would be
DEEP: Final = 64  # iterations of a loop whose index was looked up
FAR: Final = 40  # iterations of loops that may have filled a list
SPAN: Final = 4  # depths that differ by less are near one another
_WIDE: Final = 40  # values of a field at which is looked whether one condition follows from others
_SMALL: Final = 14  # values of a field that are tried for a question in which it is


def count_iterations(d: Derivation, rng: random.Random) -> bool:
    """Count every multiplicity over the iterations of the code's loops; false if one of them was not understood.

    Sets rows, multiplicities and what these assume; adds traces where a path was not seen, and guards against those
    paths that turned out to be another model.
    """
    before = list(d.traces), list(d.guards)
    plain = dict(d.times)
    search = _Search(d, rng)
    if search.run() and (_settled(search, plain) or (search.supported() and search.run() and _settled(search, plain))):
        d.counted = True
        d.note("multiplicities: counted over the iterations of the loops in which the parameters are made")
        return True
    d.note("multiplicities: not explained by what was asked of indices; fitted to numbers at several depths instead")
    d.traces, d.guards = [*before[0], *(t for t in search.runs if t not in before[0])], before[1]
    d.assumed = []
    return False


class _Search:
    """One search: the structures at which the model was traced or refused."""

    def __init__(self, d: Derivation, rng: random.Random) -> None:
        self.d = d
        self.rng = rng
        self.tried: set[tuple[Number, ...]] = set()
        self.refused: Counter[Predicate | None] = Counter()
        self.turned: set[Predicate | None] = set()
        self.unasked: Counter[Predicate] = Counter()
        self.idle: set[tuple[str, Node]] = set()
        self.runs: list[Trace] = []
        self.lonely: list[Condition] = []
        self.fields = frozenset(d.structural)
        hard = [c for c in d.asked() if not of_index(c, self.fields) and not of_iteration(c, d.traces)]
        self.hard = [c for c in hard if free_symbols(c.left) | free_symbols(c.right) <= self.fields]
        self.found: Tables = {}

    @cached_property
    def probes(self) -> list[Structure]:
        """Structures of the domain at which explanations are compared: nothing is built there."""
        d = self.d
        assert d.default is not None  # noqa: S101  # set by the engine
        depths = [n for n in d.structural if n in d.depths()]
        chosen = [n for n in d.structural if n not in depths]
        found = [selector_points(chosen, depths, d.default, self.rng, least=d.least) for _ in range(PROBES)]
        usual = {n: d.base[n] for n in d.structural}
        found += [{**usual, n: v} for n in depths for v in (7, 12, 25, 48) if d.base[n]]
        return sorted(filter(self.admitted, found), key=lambda s: sum(map(int, s.values())))

    def edges(self) -> Iterator[Structure]:
        """Structures with few layers, and such as name a layer that there is not, or the last one."""
        depths = [n for n in self.d.structural if n in self.d.depths()]
        usual = {n: self.d.base[n] for n in self.d.structural}
        for depth in depths:
            for number in (1, 2, 3, 5):
                few = {**usual, depth: number}
                yield few
                for name in (n for n in self.d.structural if n not in depths):
                    yield from ({**few, name: value} for value in (number - 1, number, number + 1) if value > 0)

    def admitted(self, structure: Structure) -> bool:
        """Whether what the model's code asks of fields alone is answered there as it is by default."""
        values = {**self.d.base, **structure}
        return all(holds(c, values) for c in (*self.hard, *self.d.guards))

    def run(self) -> bool:
        """Trace until every question that can be answered in both ways was; whether all rows are explained."""
        d = self.d
        for _ in range(RUNS):
            d.rows = collect(d.traces)
            found = tables(d.rows, d.traces, d.structural)
            if found is None:
                return False
            self.found = found
            if self._guarded(found):
                continue
            structure, asked = self._next(found)
            if structure is None:
                return asked is None
            self.tried.add(self._key(structure))
            if asked is not None:
                d.note(f"asked: {_readable(asked)} had one answer so far; the next run is where it has the other")
            one = self._traced(structure)
            known = comparable(d, [*d.traces, one]) if one is not None else d.traces
            if one is not None and one in known:
                d.traces = known
                self.turned.add(asked)
                self.runs.append(one)
                if asked is not None and asked not in questions(one):
                    self.unasked[asked] += 1
                    self.idle.add((asked.relation, asked.left))
            else:
                self.refused[asked] += 1
        return False

    def supported(self) -> bool:
        """Whether the model could be traced at a structure beside the default at which all *lonely* conditions hold."""
        d = self.d
        usual = {n: d.base[n] for n in d.structural}
        far = ({**usual, n: int(usual[n]) + more} for n in usual if n in d.depths() for more in (1, 2, 5))
        for structure in (*self.probes, *far) if self.lonely else ():
            new = self._key(structure) not in self.tried and self.admitted(structure)
            if new and all(holds(c, {**d.base, **structure}) for c in self.lonely):
                self.tried.add(self._key(structure))
                one = self._traced(structure)
                if one is not None and one in (known := comparable(d, [*d.traces, one])):
                    d.traces = known
                    self.runs.append(one)
                    return True
                return False
        return False

    def _key(self, structure: Mapping[str, Number]) -> tuple[Number, ...]:
        return tuple(structure[n] for n in self.d.structural)

    def _traced(self, structure: Structure) -> Trace | None:
        """The model at *structure*, all else as in the smallest trace; or else as by default."""
        start = min(self.d.traces, key=lambda t: len(t.parameters)).symbols
        return possible(self.d, [{**start, **structure}, {**self.d.base, **structure}])

    def _guarded(self, found: Tables) -> bool:
        """Whether a question about fields alone decides how often a row occurs: its answer is a condition then."""
        d, fields = self.d, set(self.d.structural)
        for parts in found.values():
            for part in parts:
                about = [[p for p in table.predicates if p.symbols <= fields] for table in part]
                if all(about):
                    for p in next((several for several in about if self.turned.issuperset(several)), about[0]):
                        truth = p.holds(d.base)
                        if truth is not None:
                            d.guards.append(p.condition(truth))
                            d.note(f"condition: {d.guards[-1]}; elsewhere the model has other parts")
                    d.traces = [t for t in d.traces if all(holds(c, t.symbols) for c in d.guards)]
                    return True
        return False

    def _next(self, found: Tables) -> tuple[Structure | None, Predicate | None]:
        """Where to trace next, and for which question; a question without a structure was not answered."""
        d = self.d
        seen = {self._key(t.symbols) for t in d.traces}

        def new(structures: Iterable[Structure]) -> list[Structure]:
            return [s for s in structures if self._key(s) not in self.tried | seen and self.admitted(s)]

        unclear = [part for part in _parts(found) if part[0].predicates]
        for structure in new(self.probes) if unclear else ():
            if _open(unclear, {**d.base, **structure}):
                return structure, None
        turning, asked = self._turning()
        if asked is not None:
            return turning, asked
        if deep := new(self._deep()):
            return deep[0], None
        if self.refused[None] < PATIENCE and (missing := self._missing(found)):
            best = max(new(self.probes), key=lambda s: self._covered(missing, s), default=None)
            if best is not None and self._covered(missing, best) > 0:
                return best, None
        if self._unchecked() and self.refused[None] < PATIENCE:
            known = {n: {t.symbols[n] for t in d.traces} for n in d.structural}

            def telling(s: Structure) -> tuple[int, int]:
                size = sum(map(int, s.values()))
                return sum(s[n] not in known[n] for n in s), size if self._listed() else -size

            if others := new(self.probes):
                return max(others, key=telling), None
        return None, None

    def _turning(self) -> tuple[Structure | None, Predicate | None]:
        """The structure at which most questions have another answer than they always had, and one of these."""
        others: dict[Predicate, Structure] = {}
        for p in self._one_sided():
            if self.refused[p] >= PATIENCE:  # of fields alone: there is no such model
                if not p.symbols <= self.fields:
                    if (bound := self._bounding(p)) is None:
                        return None, p
                    self.d.guards.append(bound)
                    self.d.note(f"condition: {bound}; beyond it {_readable(p)} has an answer that no run shows")
            elif (other := self._other_side(p)) is not None:
                if p.symbols <= self.fields:
                    return other, p
                others[p] = other
        if not others:
            return None, None
        most = max(others, key=lambda p: sum(self._differs(q, others[p]) for q in others))
        return others[most], most

    def _unchecked(self) -> bool:
        """Whether a field had one value in all traces, or two near ones although it bounds a loop with questions."""
        d = self.d
        if any(len({t.symbols[n] for t in d.traces}) == 1 for n in d.structural):
            return True
        if self._listed() and max(int(t.symbols[n]) for t in d.traces for n in d.structural) < FAR:
            return True
        if len(d.traces) > 2:
            return False
        loops = self._loops()
        asked = {n for p in answers(d.traces) if self._structural(p, loops) for n in p.symbols}
        bounding = {n for name in asked & loops.keys() for n in free_symbols(loops[name].bounds[1])}
        values = ([int(t.symbols[n]) for t in d.traces] for n in bounding if n in d.structural)
        return any(max(numbers) - min(numbers) < SPAN for numbers in values)

    def _missing(self, found: Tables) -> list[tuple[Table, set[tuple[Predicate, Truth, bool]]]]:
        """Answers to what else was asked in a loop that were not seen together with each that a number depends on.

        Of `first <= i and i % period == 0` the second may never have mattered where the first was true.
        """
        asked = answers(self.d.traces)
        missing = []
        for table in {id(part[0]): part[0] for part in _parts(found) if part[0].loops}.values():
            own = set[tuple[Predicate, Truth, bool]]()
            for p, seen in table.others.items():
                if len(asked.get(p, ())) > 1:
                    own |= {(p, truth, side) for truth in table.numbers for side in (True, False)
                            if (truth, side) not in seen}  # fmt: skip
            if own:
                missing.append((table, own))
        return missing

    def _covered(
        self, missing: Sequence[tuple[Table, set[tuple[Predicate, Truth, bool]]]], structure: Structure
    ) -> Fraction:
        """How many of the *missing* answers there are at *structure*, for the number of layers that it has."""
        values, gain = {**self.d.base, **structure}, 0
        for table, own in missing:
            about = {p for p, _, _ in own}
            there = set[tuple[Predicate, Truth, bool | None]]()
            for known in iterations(table.loops, values):
                truth = tuple([p.holds(known) for p in table.predicates])
                there |= {(p, truth, p.holds(known)) for p in about}
            gain += len(own & there)
        return Fraction(gain, 10 + sum(int(structure[n]) for n in structure))

    def _listed(self) -> bool:
        """Whether something was asked of indices that explains no number, and elements of a list were made in no loop.

        The list may have an element for each index of which the answer was yes.
        """
        loops = self._loops()
        several = any(row.stars and made.get((), 0) > 1 for row, every in self.d.rows.made.items() for made in every)
        used = {p for part in _parts(self.found) for table in part for p in table.predicates}
        asked = (p for p in answers(self.d.traces) if self._structural(p, loops) and p.symbols & loops.keys())
        return several and any(p not in used for p in asked)

    def _deep(self) -> Iterator[Structure]:
        """Structures with many iterations of the loops whose index was looked up, which asks nothing that shows."""
        loops = self._loops()
        start = min(self.d.traces, key=lambda t: len(t.parameters)).symbols
        for name in sorted({name for one in self.d.traces for name in hashed(one)} & loops.keys()):
            fields = free_symbols(loops[name].bounds[1]) & self.fields
            if all(max(t.symbols[n] for t in self.d.traces) < DEEP for n in fields):
                yield {n: DEEP if n in fields else start[n] for n in self.d.structural}

    def _structural(self, p: Predicate, loops: Collection[str]) -> bool:
        return all(n in self.fields or n in loops for n in p.symbols)

    def _one_sided(self) -> list[Predicate]:
        """Questions about indices, or about fields and a number, with one answer in all iterations of all traces."""
        loops = self._loops()
        asked = {p: truths for p, truths in answers(self.d.traces).items() if self._structural(p, loops)}
        single = {p: next(iter(truths)) for p, truths in asked.items() if len(truths) == 1}
        about_fields = {p for p in single if p.symbols <= self.fields}
        met = {*self.d.depths(), *(n for p in asked if p.symbols & loops.keys() for n in p.symbols)}
        looked_up = {name for one in self.d.traces for name in hashed(one)}  # only a hit shows, as `==`
        return [
            p
            for p, truth in single.items()
            if (p not in about_fields or (p.symbols <= met and of_index(p.condition(truth=True), self.fields)))
            and not ((p.relation, p.left) in self.idle and sum(p in questions(t) for t in self.d.traces) < 2)
            and not (p in about_fields and any(p.holds(t.symbols) is (not truth) for t in self.d.traces))
            and not (p.relation == "==" and p.symbols & looked_up)
            and self.unasked[p] < PATIENCE
        ]

    def _loops(self) -> dict[str, Loop]:
        return {loop.name: loop for one in self.d.traces for loop in one.loops}

    def _nest(self, p: Predicate) -> list[Loop]:
        """The loops around the code that asks *p*."""
        loops = self._loops()
        return max(([*loops[n].outer, loops[n]] for n in p.symbols if n in loops), key=len, default=[])

    def _other_side(self, p: Predicate) -> Structure | None:
        """The structure with the fewest layers at which *p* has the other answer for some index; `None` if nowhere."""
        d, nest = self.d, self._nest(p)
        if not {n for n in p.symbols if n not in self.fields} <= {loop.name for loop in nest}:
            return None
        usual = self._answer(p)
        start = min(d.traces, key=lambda t: len(t.parameters)).symbols
        visited = self._visited(p, nest)
        for structure in self._around(p, nest, {n: start[n] for n in d.structural}):
            values = {**d.base, **structure}
            other = self._key(structure) not in self.tried and _answers(p, nest, values, not usual, visited)
            if other and self.admitted(structure):
                return structure
        return None

    def _visited(self, p: Predicate, nest: Sequence[Loop]) -> set[tuple[int, ...]]:
        """The iterations of all traces, if *p* speaks of indices only: in these it was answered, or not asked."""
        if p.symbols & self.fields:
            return set()
        return {indices for one in self.d.traces for indices in index_tuples(nest, one.symbols)}

    def _differs(self, p: Predicate, structure: Structure) -> bool:
        """Whether *p* has another answer at *structure*, for some index, than it always had."""
        nest = self._nest(p)
        values = {**self.d.base, **structure}
        return _answers(p, nest, values, not self._answer(p), self._visited(p, nest))

    def _answer(self, p: Predicate) -> bool:
        return next(iter(answers(self.d.traces)[p]))

    def _around(self, p: Predicate, nest: Sequence[Loop], start: Structure) -> Iterator[Structure]:
        """Structures that differ from *start* in a field that the question, or the length of a loop, depends on."""
        bounding = {n for loop in nest for bound in loop.bounds for n in free_symbols(bound)}
        fields = [n for n in self.d.structural if n in bounding | p.symbols]
        near = {v + step for v in _constants(p) for step in (0, 1, 2)}
        values = sorted({*range(1, _SMALL), *(v for v in near if 0 < v <= DEEPEST)})
        inner = nest[-1] if nest else None
        for name in fields:
            usual = values
            if inner is None or (name not in p.symbols and name in free_symbols(inner.bounds[1])):
                usual = list(range(1, DEEPEST))
            for value in usual:
                yield {**start, name: value}
        for i, name in enumerate(fields):
            for other in fields[i + 1 :]:
                for value in values[:_SMALL]:
                    for more in values[:_SMALL]:
                        yield {**start, name: value, other: more}

    def _bounding(self, p: Predicate) -> Condition | None:
        """The condition that there is no index at which *p* has the other answer, where the model refused that."""
        loops = self._loops()
        names = [n for n in p.symbols if n in loops]
        if len(p.symbols) > 1 or loops[names[0]].bounds[0].op != "const":
            return None
        usual = self._answer(p)
        first = next((i for i in range(DEEPEST) if p.holds({names[0]: i}) is (not usual)), None)
        return None if first is None else Condition("<=", loops[names[0]].bounds[1], ex.const(first), "")


def _readable(p: Predicate) -> str:
    """A question with i, j, k for the indices in it."""
    names = sorted(n for n in p.symbols if n.startswith("#"))
    return str(p.renamed(dict(zip(names, "ijk", strict=False))))


def _constants(p: Predicate) -> set[int]:
    """The whole numbers in a question."""
    stack, found = [p.left, p.right], set[int]()
    while stack:
        node = stack.pop()
        if node.op == "const":
            if node.integral:
                found.add(abs(int(node.args[0])))
        elif node.op != "sym":
            stack += node.args
    return found


def _answers(
    p: Predicate, nest: Sequence[Loop], values: Mapping[str, Any], truth: bool,
    visited: Collection[tuple[int, ...]] = (),
) -> bool:  # fmt: skip
    """Whether *p* has the answer *truth* in some iteration of *nest* that was not *visited*."""
    for indices in index_tuples(nest, values):
        known = {**values, **{loop.name: i for loop, i in zip(nest, indices, strict=True)}} if nest else values
        if p.holds(known) is truth and indices not in visited:
            return True
    return False


def _parts(found: Tables) -> list[list[Table]]:
    """The tables of all rows, each once."""
    return list({id(part): part for parts in found.values() for part in parts}.values())


def _open(unclear: Sequence[Sequence[Table]], values: Mapping[str, Any]) -> bool:
    """Whether an iteration at *values* is like none that was seen, or explanations of one row differ there."""
    for part in unclear:
        numbers = {table.number(values) for table in part}
        if None in numbers or len(numbers) > 1:
            return True
    return False


def _settled(search: _Search, plain: Mapping[Row, Node]) -> bool:
    """Whether every multiplicity has a closed form, which is that of its tables at every structure that was tried.

    That of *plain* is taken where it is right: the order of its terms is that of the fields.
    """
    d = search.d
    assumed, times = Assumptions(d.base, _deeper(d)), dict[Row, Node]()
    conditional = any(part[0].predicates for part in _parts(search.found))
    structures = (*search.probes, *search.edges()) if conditional else ()
    places = [{**d.base, **s} for s in structures if search.admitted(s)]
    known: dict[tuple[Any, ...], Node] = {}
    for row, parts in search.found.items():
        key = (plain.get(row), *map(id, parts))
        if key not in known:
            exact = [_exact(parts, values) for values in places]
            closed = plain.get(row)
            if closed is None or not _same(closed, exact, places):
                closed = _closed(parts, assumed)
            there = [n if all(holds(c, v) for c in assumed.taken) else None for n, v in zip(exact, places, strict=True)]
            if closed is None or not _same(closed, there, places):
                return False
            known[key] = closed
        times[row] = known[key]
    taken = [c for c in assumed.taken if not _implied(c, times.values())]
    if sum(all(holds(c, t.symbols) for c in assumed.taken) for t in d.traces) < min(2, len(d.traces)):
        search.lonely = list(assumed.taken)  # nothing but the default says so
        return False
    for index, one in enumerate(d.traces):
        if all(holds(c, one.symbols) for c in taken):
            for row, node in times.items():
                if ex.value_at(node, one.symbols) != d.rows.counts[row][index]:
                    return False
    d.times, d.assumed = times, taken
    return True


def _deeper(d: Derivation) -> list[dict[str, Number]]:
    """The values at which the model was traced with more layers than by default, and with as many of other things."""
    depths = [n for n in d.depths() if n in d.structural]
    at_least = (t.symbols for t in d.traces if all(t.symbols[n] >= d.base[n] for n in depths))
    return [values for values in at_least if any(values[n] > d.base[n] for n in depths)]


def _closed(parts: Sequence[Sequence[Table]], assumed: Assumptions) -> Node | None:
    total: Node = ex.const(0)
    for part in parts:
        node = next((n for table in part if (n := table.closed(assumed)) is not None), None)
        if node is None:
            return None
        total = ex.add(total, node)
    return total


def _exact(parts: Sequence[Sequence[Table]], values: Mapping[str, Any]) -> int | None:
    numbers = [part[0].number(values) for part in parts]
    return None if None in numbers else sum(n for n in numbers if n is not None)


def _same(node: Node, exact: Sequence[int | None], places: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an expression has these values, wherever there is one and the expression is not negative.

    No multiplicity is negative in the formula's domain: `range(n - 2)` is empty at n = 1, of which nothing is said.
    """
    for number, values in zip(exact, places, strict=True):
        found = ex.value_at(node, values)
        if number is not None and found != number and not (found is not None and found < 0):
            return False
    return True


def _implied(condition: Condition, times: Iterable[Node]) -> bool:
    """Whether a condition holds wherever no multiplicity is negative: `k <= N` where there are `N - k` layers."""
    names = sorted(free_symbols(condition.left) | free_symbols(condition.right))
    if len(names) > 2:
        return False
    own = [t for t in dict.fromkeys(times) if t.op in ("add", "sub") and free_symbols(t) <= set(names)]
    for numbers in product(range(1, _WIDE), repeat=len(names)):
        values = dict(zip(names, numbers, strict=True))
        signs = [ex.value_at(t, values) for t in own]
        if all(sign is not None and sign >= 0 for sign in signs) and not holds(condition, values):
            return False
    return True
