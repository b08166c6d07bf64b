"""The proof of multiplicities from loops: the answers seen in runs of few layers say how often each row is made.

Every explanation of a row has to give one number, with however many layers, and its closed form that number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from symcount.concolic.config.symbolic import Number
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.derivation.counting import Assumptions
from symcount.derivation.evidence import Evidence, Hypotheses
from symcount.derivation.multiplicity import tables
from symcount.derivation.pinning import lost, transcendental
from symcount.derivation.rows import Row, collect
from symcount.derivation.runs import possible
from symcount.derivation.tables import Known, Table

__all__ = ["FAR", "proved"]

FAR: Final = 130  # layers that are looked at


def proved(e: Evidence) -> Hypotheses | None:
    """The hypotheses, if every row is made in loops in which the answers that were seen say how often."""
    rows = collect(e.traces, looped=True)
    found = tables(rows, e.traces, e.structural, suppose=False)
    if found is None or transcendental(e) or lost(e):
        return None
    loops, assumed = set(e.default.loops), Assumptions(e.base, [])
    times: dict[Row, Node] = {}
    known: dict[tuple[int, ...], Node] = {}  # most rows share their tables
    seen: _Seen = {}
    for row, parts in found.items():
        key = tuple(map(id, parts))
        if key not in known:
            if not all(loops.issuperset(table.loops) for part in parts for table in part):
                return None
            if any(p.symbols & e.base.keys() for part in parts for table in part for p in table.predicates):
                return None
            total: Node = ex.const(0)
            for part in parts:
                number = next((n for table in part if (n := table.closed(assumed)) is not None), None)
                if number is None or not _one_number(part, seen) or not _right(number, part, seen):
                    return None
                total = ex.add(total, number)
            if not all(map(_always, assumed.taken)):
                return None
            known[key] = total
        times[row] = known[key]
        if [ex.value_at(times[row], t.symbols) for t in e.traces] != rows.counts[row]:
            return None
    used = frozenset[str]().union(*map(free_symbols, times.values()))
    if not used.issuperset(e.structural):
        return None
    e.journal.note("multiplicities: every layer is made alike, in a loop over its field")
    h = Hypotheses(e, times, rows.classes, ())
    chosen = any(table.predicates for parts in found.values() for part in parts for table in part)
    return h if not chosen or _right_below(h) else None


def _right_below(h: Hypotheses) -> bool:
    """Whether the hypotheses count the model with the fewest layers that there is, which the code may treat apart."""
    e = h.evidence
    depths = {n: int(e.default.symbols[n]) for n in e.structural}
    for number in range(1, max(depths.values(), default=1)):
        one = possible(e, [{**e.default.symbols, **{n: min(number, most) for n, most in depths.items()}}])
        if one is not None:
            return h.counts(one)
    return True


def _always(c: Condition) -> bool:
    """Whether a condition holds for any number of layers."""
    return len(c.symbols) == 1 and all(holds(c, dict.fromkeys(c.symbols, n)) for n in range(1, FAR))


#: What is known of the iterations of loops, by the fields that say how many there are and their number.
_Seen = dict[tuple[tuple[str, ...], int], Known]


def _places(part: Sequence[Table], seen: _Seen) -> Iterator[tuple[dict[str, Number], Known]]:
    names = tuple(sorted({name for loop in part[0].loops for bound in loop.bounds for name in free_symbols(bound)}))
    for number in range(1, FAR if part[0].predicates else 2):
        yield dict.fromkeys(names, number), seen.setdefault((names, number), {})


def _one_number(part: Sequence[Table], seen: _Seen) -> bool:
    """Whether all explanations of a multiplicity give one number, with however many layers."""
    if len(part) == 1 and not part[0].predicates:
        return True
    if any(len(table.loops) != 1 for table in part):
        return False
    places = _places(part, seen)
    return all(len({table.number(values, known) for table in part} | {None}) == 2 for values, known in places)


def _right(number: Node, part: Sequence[Table], seen: _Seen) -> bool:
    """Whether an expression is the exact number, with however many layers."""
    if not part[0].predicates:
        return True
    return all(ex.value_at(number, values) == part[0].number(values, known) for values, known in _places(part, seen))
