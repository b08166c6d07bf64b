"""The closed forms of multiplicities, each compared with the exact numbers of its tables wherever these are known."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Final

from symcount.concolic.config.symbolic import Number
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.derivation.counted_sets import counted_set
from symcount.derivation.counting import Assumptions
from symcount.derivation.coverage import parts_of
from symcount.derivation.evidence import Evidence, Hypotheses
from symcount.derivation.far_answers import unseen_together
from symcount.derivation.indexed_shapes import loops_in
from symcount.derivation.path_search import PathSearch
from symcount.derivation.probes import edges
from symcount.derivation.progressions import Series, series
from symcount.derivation.rows import Row
from symcount.derivation.tables import Known, Table, iterations

__all__ = ["count_iterations"]

_WIDE: Final = 40  # values of a field at which is looked whether one condition follows from others


def count_iterations(e: Evidence, rng: random.Random) -> Hypotheses | Evidence:
    """The multiplicities, each counted over the iterations of the code's loops; the evidence if one is not understood.

    It has the runs that were needed where a path was not seen, and guards against those paths that turned out to be
    another model.
    """
    search = PathSearch(e, rng)
    found = search.run() and _settled(search)
    if not found and search.lonely:
        found = search.supported() and search.run() and _settled(search)
    if found:
        e.journal.note("multiplicities: counted over the iterations of the loops in which the parameters are made")
        return found
    e.journal.note("multiplicities: not explained by the iterations of the loops in which the parameters are made")
    return e.with_traces([*e.traces, *(t for t in search.runs if t not in e.traces)])


def _settled(search: PathSearch) -> Hypotheses | None:
    """The closed form of every multiplicity, if it is that of its tables at every structure that was tried."""
    e = search.e
    assumed, times = Assumptions(e.base, _deeper(e)), dict[Row, Node]()
    conditional = any(part[0].predicates for part in parts_of(search.found))
    structures = (*search.probes, *edges(e)) if conditional else ()
    places = [{**e.base, **s} for s in structures if search.admitted(s)]
    known: dict[tuple[Any, ...], Node] = {}
    seen = [Known() for _ in places]
    summed: dict[Row, list[Series]] = {}
    for row, parts in search.found.items():
        key = tuple(map(id, parts))
        if key not in known:
            exact = [_exact(parts, values, there) for values, there in zip(places, seen, strict=True)]
            closed = _closed(parts, assumed)
            there = [n if all(holds(c, v) for c in assumed.taken) else None for n, v in zip(exact, places, strict=True)]
            if closed is None or not _same(closed, there, places):
                return None
            for table in (part[0] for part in parts):
                if (bound := unseen_together(table, e.base)) is not None:
                    assumed.taken.setdefault(bound)
            known[key] = closed
        times[row] = known[key]
        if names := loops_in(row.shape):
            if (found := _series(parts, names, assumed, places)) is None:
                return None
            summed[row] = found
    if sum(all(holds(c, t.symbols) for c in assumed.taken) for t in e.traces) < min(2, len(e.traces)):
        search.lonely = list(assumed.taken)  # nothing but the default says so
        return None
    for index, one in enumerate(e.traces):
        if all(holds(c, one.symbols) for c in assumed.taken):
            for row, node in times.items():
                if ex.value_at(node, one.symbols) != e.rows.counts[row][index]:
                    return None
    taken = tuple(c for c in assumed.taken if not _implied(c, times.values()))
    supposed = any(table.supposed for part in parts_of(search.found) for table in part)
    return Hypotheses(e, times, e.rows.classes, taken, supposed=supposed, series=summed)


def _deeper(e: Evidence) -> list[dict[str, Number]]:
    """The values at which the model was traced with more layers than by default, and with as many of other things."""
    depths = [n for n in e.depths if n in e.structural]
    at_least = (t.symbols for t in e.traces if all(t.symbols[n] >= e.base[n] for n in depths))
    return [values for values in at_least if any(values[n] > e.base[n] for n in depths)]


def _closed(parts: Sequence[Sequence[Table]], assumed: Assumptions) -> Node | None:
    total: Node = ex.const(0)
    for part in parts:
        node = next((n for table in part if (n := table.closed(assumed)) is not None), None)
        if node is None:  # as the number of a set, then
            node = next((n for table in part if (n := counted_set(table)) is not None), None)
        if node is None:
            return None
        total = ex.add(total, node)
    return total


def _series(
    parts: Sequence[Sequence[Table]], names: Collection[str], assumed: Assumptions, places: Sequence[Mapping[str, Any]]
) -> list[Series] | None:
    """The iterations of the one loop whose index is in a shape, compared with its tables at *places*."""
    if len(names) > 1:
        return None
    (name,) = names
    found: list[Series] = []
    for part in parts:
        own = next((several for table in part if (several := series(table, name, assumed)) is not None), None)
        if own is None:
            return None
        found += own
    for values in places:
        if all(holds(c, values) for c in assumed.taken):
            known = [one.at(values) for one in found]
            exact = _indices([part[0] for part in parts], name, values)
            if None in known or (exact is not None and Counter(i for one in known for i in one or ()) != exact):
                return None
    return found


def _indices(tables: Sequence[Table], name: str, values: Mapping[str, Any]) -> Counter[int] | None:
    """How many parameters are made at each index of the loop *name*; `None` if an iteration is like none seen."""
    found = Counter[int]()
    for table in tables:
        for place in iterations(table.loops, values):
            number = table.numbers.get(tuple(p.holds(place) for p in table.predicates))
            if number is None:
                return None
            found[place[name]] += number
    return +found


def _exact(parts: Sequence[Sequence[Table]], values: Mapping[str, Any], known: Known) -> int | None:
    numbers = [part[0].number(values, known) for part in parts]
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
    names = sorted(condition.symbols)
    far = any(side.op == "const" and side.args[0] >= _WIDE for side in (condition.left, condition.right))
    if len(names) > 2 or far:  # beyond the numbers that are tried
        return False
    own = [t for t in dict.fromkeys(times) if t.op in ("add", "sub") and free_symbols(t) <= set(names)]
    for numbers in product(range(1, _WIDE), repeat=len(names)):
        values = dict(zip(names, numbers, strict=True))
        signs = [ex.value_at(t, values) for t in own]
        if all(sign is not None and sign >= 0 for sign in signs) and not holds(condition, values):
            return False
    return True
