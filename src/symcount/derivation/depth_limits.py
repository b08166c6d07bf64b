"""The domain of the numbers of layers: from which number of layers on, and up to which, a formula holds.

Runs have few layers, and what names one of them names one that exists. What a formula says beyond is either seen by a
run there, or outside its domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import cycle, product

from sympy import Expr, Max, Min, Sum, Symbol, floor

from symcount.concolic.config.symbolic import Number
from symcount.concolic.values.expression import Node, free_symbols, value_at
from symcount.concolic.values.path import Condition as TracedCondition
from symcount.concolic.values.predicates import holds
from symcount.config.kind_lists import MARK
from symcount.core.domain import Condition, relation
from symcount.derivation.evidence import Consider, Evidence, Hypotheses
from symcount.derivation.layer_order import counts, start_of
from symcount.derivation.runs import possible
from symcount.derivation.structure import MAX_SELECTOR

__all__ = ["contradicted", "deepest", "layers_there_are", "of_index"]

_BEYOND = 13  # so many more layers than a field names are tried: more than any pattern has
_SMALL = 10  # numbers below which a number of layers is tried


def deepest(h: Hypotheses) -> dict[str, int]:
    """Depths with the number of layers up to which the formula holds, where more are of another kind.

    Of a field that keeps its value (`moe_layer_end_index = 27`) the traces are too shallow to show that it matters, and
    of a list that does not follow the number of layers they may show no more than its beginning.
    """
    e = h.evidence
    usual = {n: int(e.base[n]) for n in e.structural if n not in e.depths and MARK not in n}
    start = start_of(h)
    beside = [{}, usual] if any(start[n] != value for n, value in usual.items()) else [{}]
    found: dict[str, int] = {}
    depths = _depths(e)
    if len(farthest := _farthest(e, depths)) > 1:  # nearly always there is no such layer, which one trace shows
        places = ({**chosen, **farthest} for chosen in beside)
        spoken = [place for place in places if _spoken_of(h, {**start, **place})]
        if spoken and all(counts(h, place) for place in spoken):
            return found
    for depth in depths:
        seen = max(int(t.symbols[depth]) for t in e.traces)
        limit = max(MAX_SELECTOR, int(e.base[depth]))

        def refuted(number: int, depth: str = depth) -> bool:
            places = [{**chosen, depth: number} for chosen in beside]
            return any(counts(h, place) is False for place in places if _spoken_of(h, {**start, **place}))

        for value in _named(e, depth, seen, limit):
            if refuted(value + _BEYOND):
                found[depth] = next((n for n in (value + 1, value) if n > seen and not refuted(n)), seen)
                break
        for end in _ends(e, depth, limit):
            if not refuted(end + _BEYOND):  # nor is it by a list that ends earlier: these layers are all there
                break
            first = min(seen + 1, end)  # a trace may have more layers than a list speaks of
            most = next(n for n in range(first, end + _BEYOND + 1) if refuted(n)) - 1
            found[depth] = min(most, found.get(depth, most))
    return found


def _depths(e: Evidence) -> list[str]:
    return [n for n in e.depths if not n.endswith("]") and n in e.structural and MARK not in n]


def contradicted(h: Hypotheses) -> Consider | None:
    """The verdict to explain a run with all depths beyond what lists say, if that alone is not as the formula says."""
    e = h.evidence
    farthest = _farthest(e, _depths(e))
    one = possible(e, [{**start_of(h), **farthest}]) if len(farthest) > 1 else None
    if one is None or h.counts(one) or one in e.traces or not _spoken_of(h, one.symbols):
        return None
    return Consider((e.default, *(t for t in e.traces if t is not e.default), one))


def _farthest(e: Evidence, depths: Iterable[str]) -> dict[str, int]:
    """Numbers of layers beyond all that a list or a field that keeps its value speaks of, of the depths with any."""
    found: dict[str, int] = {}
    for depth in depths:
        seen = max(int(t.symbols[depth]) for t in e.traces)
        limit = max(MAX_SELECTOR, int(e.base[depth]))
        ends = [*_named(e, depth, seen, limit), *_ends(e, depth, limit)]
        if ends:
            found[depth] = max(ends) + _BEYOND
    return found


def _named(e: Evidence, depth: str, seen: int, limit: int) -> list[int]:
    """The values of fields that are kept, each of which may name a layer, the least first."""
    section = depth.rpartition(".")[0]
    return [
        value
        for name, value in sorted(e.pinned.items(), key=lambda item: item[1])
        if isinstance(value, int) and not name.endswith("]") and seen <= value + 1 <= limit
        and name.rpartition(".")[0] == section
    ]  # fmt: skip


def _spoken_of(h: Hypotheses, values: Mapping[str, Number]) -> bool:
    """Whether the formula says anything at *values*: its conditions hold, and no multiplicity is negative."""
    numbers = (value_at(times, values) for times in set(h.times.values()))
    return all(holds(c, values) for c in h.assumed) and all(n is None or n >= 0 for n in numbers)


def _ends(e: Evidence, depth: str, limit: int) -> list[int]:
    """Numbers of layers up to which the lists of a config say something of each layer, the largest first.

    Not of those that are as long as there are layers, however many there are.
    Layers that the traces show may lie in a pattern (`[3, 8, 13]`), of which the list itself has no more than it names.
    """
    found: set[int] = set()
    for path, value in e.default.config_reads.items():
        if path.rpartition(".")[0] != depth.rpartition(".")[0] or not isinstance(value, list | tuple) or not value:
            continue
        if _follows(e, path, depth):
            continue
        numbers = [x for x in value if type(x) is int]
        ends = (len(value), max(numbers) + 1 if len(numbers) == len(value) else 0)
        found.update(n for n in ends if 1 < n <= limit)
    return sorted(found, reverse=True)


def _follows(e: Evidence, path: str, depth: str) -> bool:
    """Whether a list was as long as there were layers, at several numbers of them."""
    lists = ((t.symbols[depth], t.config_reads.get(path)) for t in (e.default, *e.traces))
    lengths = {(n, len(value)) for n, value in lists if isinstance(value, list | tuple)}
    return len(lengths) > 1 and all(number == length for number, length in lengths)


def layers_there_are(
    h: Hypotheses, letters: Mapping[str, Symbol], convert: Callable[[Node], Expr]
) -> Iterable[Condition]:
    """The conditions of a formula's domain on numbers of layers and on what chooses between them."""
    for c in h.assumed:
        if c.symbols <= letters.keys():
            yield relation(convert(c.left), c.relation, convert(c.right))
    for name, most in h.most.items():
        if name in letters:
            yield relation(letters[name], "<=", most)
    for name, depth in _beyond_all(h):
        if name in letters and depth in letters:
            yield relation(letters[depth], "<=", letters[name])
    for times in dict.fromkeys(h.times.values()):
        number = convert(times)
        if times.op not in ("const", "sym") and (not number.has(floor, Min, Max, Sum) or _negative(h, times)):
            yield relation(number, ">=", 0)


def _beyond_all(h: Hypotheses) -> Iterable[tuple[str, str]]:
    """Pairs of a field and a depth, where the field met the index of every layer and is too large for the last one."""
    numbers: dict[str, set[Node]] = {}
    for c in h.switches:
        for name in c.symbols:
            numbers.setdefault(name, set()).update(n for n in (c.left, c.right) if n.op == "const")
    for name in (n for n, several in numbers.items() if len(several) > 1):
        for depth in h.evidence.depths:
            near = not depth.endswith("]") and depth.rpartition(".")[0] == name.rpartition(".")[0]
            if near and h.evidence.base[depth] <= h.evidence.base[name]:
                yield name, depth


def _negative(h: Hypotheses, times: Node) -> bool:
    """Whether a number of layers with a floor in it is negative at small numbers that the conditions admit.

    `floor(N/p)` counts what there is; `floor(N/p) - floor(k/p)` does not where k is beyond the last layer.
    """
    e, names = h.evidence, sorted(free_symbols(times))
    if not all(isinstance(e.base.get(n), int) for n in names):
        return False
    known = [
        c for c in (*e.guards, *h.conditions)
        if c.symbols <= set(names) and not of_index(e, c)
    ]  # fmt: skip
    for numbers in product(range(1, _SMALL), repeat=min(len(names), 3)):
        values = dict(zip(names, cycle(numbers), strict=False))
        found = value_at(times, values)
        if found is not None and found < 0 and all(holds(c, values) for c in known):
            return True
    return False


def of_index(e: Evidence, condition: TracedCondition) -> bool:
    """Whether structural fields met the running index of a layer: that is what the multiplicities are made of.

    A division that a size is made with is none of an index: where two divides the number of layers, `n // 2` is `n/2`.
    """
    constant = condition.left.op in ("const", "mod") or condition.right.op == "const"
    if not constant or not condition.symbols <= set(e.structural):
        return False
    return condition.relation != "divides" or (condition.left, condition.right) not in e.quotients
