"""Settling multiplicities: a further trace where the hypotheses that explain the others disagree, until none do.

The hypotheses of `symcount.derive.fit` that reproduce all traces so far form a version space (Mitchell 1982). As long
as two of them differ somewhere in the domain, the model is traced at a small point at which as many as possible differ;
so each trace counts, and no multiplicity rests on a coincidence among random ones.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import islice

from symcount.derive import expression as ex
from symcount.derive.choosing import LOW, all_simple, another, apart, simple, structures_far, telling
from symcount.derive.configs import Number
from symcount.derive.derivation import Derivation
from symcount.derive.exploring import comparable, trace_with
from symcount.derive.expression import Node, free_symbols
from symcount.derive.fit import fit, hypotheses
from symcount.derive.points import holds
from symcount.derive.recording import Condition
from symcount.derive.rewriting import floored
from symcount.derive.selecting import named_layers
from symcount.derive.structure import bounds, composite_periods, min_depth
from symcount.derive.templates import Row, collect

__all__ = ["fit_plain", "settle"]

TRACES = 40  # more than a few dozen traces never made a riddle clear
KEPT = 12  # hypotheses of one multiplicity that are told apart at a time
REFUSED = 8  # structures in a row that cannot be built
CHECKS = 3  # points at which the only hypothesis that is left is checked
Counts = tuple[int | None, ...]


def fit_plain(d: Derivation) -> list[Row]:
    """Fit multiplicities that are plain depths, level by level; the rows for which that failed."""
    d.rows, d.times = collect(d.traces), {}
    points = d.points()
    computed = _computed(d, points)
    cache: dict[Counts, Node | None] = {}
    for row in d.rows.counts:
        levels = [tuple(level) for level in d.rows.factors(row)]
        for level in levels:
            if level not in cache:
                counts, where = _known(level, points)
                cache[level] = fit(counts, where, d.structural, computed=computed)
        _assign(d, row, [cache[level] for level in levels])
    return [row for row in d.rows.counts if row not in d.times]


def settle(d: Derivation, rng: random.Random) -> list[Row] | None:
    """Trace until one hypothesis is left for every multiplicity; the rows for which there is none.

    `None` where transformers refuses one structure after the other. If some fields are *held*, the rest is not settled.
    """
    tried: set[tuple[Number, ...]] = set()
    checks, refused = max(CHECKS, len(d.structural)), 0
    d.guards += [c for c in _single(d) if "sym" not in (c.left.op, c.right.op)]  # `n // k == 1`: a period of its own
    naming = named_layers([n for n in d.structural if n not in d.depths()], d.depths(), d.base)
    d.traces = [
        t
        for t in d.traces
        if all(holds(c, t.symbols) for c in d.guards) and all(t.symbols[a] < t.symbols[b] for a, b in naming)
    ]
    known: dict[Counts, list[Node]] = {}
    clipped, far, checked = False, list[dict[str, Number]](), set[str]()
    while True:
        spaces = _spaces(d, known, clipped=clipped)
        failed = [row for row in d.rows.counts if row not in d.times]
        if failed and (_without_shallow(d) or _without_switched(d)):
            continue
        if failed and not clipped:
            clipped = True
            known.clear()
            continue
        if failed and len(d.traces) > 8:
            return failed
        enough = len(d.traces) + len(tried) > TRACES
        structure = None if enough else telling(d, spaces, tried, rng) or apart(d, spaces, tried)
        if structure is None:
            far = far or structures_far(d, checked)
            structure = far.pop(0) if far else None
        if structure is None and checks and not enough and (not all_simple(d) or _unchecked(d)):
            structure, checks = another(d, tried, rng), checks - 1
        if structure is None:
            if not failed:
                d.held = d.held or _unchecked(d)
            return failed
        tried.add(tuple(structure.values()))
        found = trace_with(d, structure, rng)
        before = d.traces
        if found is not None:
            d.traces = comparable(d, [*d.traces, found])
        refused = 0 if len(d.traces) > len(before) else refused + 1
        if d.held and not refused:
            return []  # they keep their value; the rest is settled in the knowledge of that
        if refused == REFUSED // 2:  # perhaps only since what chooses between layers moved as well
            d.held = {n for n in d.structural if n not in d.depths()}
        elif refused == REFUSED:
            return None


def _unchecked(d: Derivation) -> set[str]:
    """What chooses between layers and stands in a multiplicity of which no more than two traces are known.

    Nothing shows that it says how many layers there are, as a loop shows of a depth: two numbers may be a coincidence.
    """
    chosen = set(d.structural) - set(d.depths())
    used = set[str]().union(*map(free_symbols, set(d.times.values())))
    return chosen if len(d.traces) < CHECKS and used & chosen else set()


def _spaces(d: Derivation, known: dict[Counts, list[Node]], *, clipped: bool) -> list[list[Node]]:
    """The simplest hypotheses for each multiplicity; the very simplest is taken for the time being.

    What is *known* of the same traces without the last one is only sifted; if nothing is left, there may be others.
    """
    d.rows, d.times = collect(d.traces), {}
    points = d.points()
    computed = _computed(d, points)
    periods = {node: [int(ex.evaluate(node, t.symbols)) for t in d.traces] for node in composite_periods(d.traces)}
    last, depths, counted = d.traces[-1].symbols, d.depths(), frozenset(computed.values())
    cache: dict[Counts, list[Node]] = {}

    def space(level: Counts) -> list[Node]:
        if level not in cache:
            before = known.get(level[:-1], [])
            cache[level] = [n for n in before if level[-1] is None or ex.value_at(n, last) == level[-1]]
            sifted = len(cache[level]) < len(before)
            # only so many were kept: of those that are not plain there may be simpler ones that never had their turn
            if (
                len(cache[level]) < min(2, len(before))
                or not before
                or (sifted and not simple(cache[level][0], counted))
            ):
                counts, where = _known(level, points)
                chosen = {
                    node: [v for v, count in zip(values, level, strict=True) if count is not None]
                    for node, values in periods.items()
                }
                plain = fit(counts, where, d.structural, computed=computed)
                found = hypotheses(
                    counts, where, d.structural, depths=depths, computed=computed, periods=chosen, clipped=clipped
                )
                # of the depths of many stages it is enough that one alone explains a number plainly
                if plain is not None and plain.op != "const" and all(counts) and len(d.structural) > 6:
                    cache[level] = [plain]
                else:
                    cache[level] = list(dict.fromkeys(islice(found, KEPT)))
        return cache[level]

    done: dict[tuple[Counts, ...], Node | None] = {}  # many rows occur as often as one another, level by level
    for row, counts in d.rows.counts.items():
        whole = (tuple(counts), *map(tuple, d.rows.factors(row)))
        if whole not in done:
            for levels in d.rows.explanations(row):
                found = [space(tuple(level)) for level in levels]
                if all(found) and _assign(d, row, [nodes[0] for nodes in found]):
                    break
            done[whole] = d.times.get(row)
        if (times := done[whole]) is not None:
            d.times[row] = times
    known.clear()
    known.update(cache)
    return list(cache.values())


def _without_shallow(d: Derivation) -> bool:
    """Put the shallowest traces aside, if enough others are left: whether there were any.

    A model may treat its first or last few layers in another way, which very shallow ones cannot show.
    """
    depths = [n for n in d.depths() if d.base[n]]
    low = min_depth(len(depths), LOW)
    deep = [t for t in d.traces if t is d.default or all(t.symbols[n] >= low for n in depths if n in t.symbols)]
    if len(deep) == len(d.traces):
        return False
    d.shallow += [t for t in d.traces if t not in deep]
    d.traces = deep
    return True


def _without_switched(d: Derivation) -> bool:
    """Put the traces aside at which a structural field switched to another model, and guard against that."""
    broken = [c for c in _single(d) if not all(holds(c, t.symbols) for t in d.traces)]
    if not broken:
        return False
    d.guards += broken
    d.traces = [t for t in d.traces if all(holds(c, t.symbols) for c in broken)]
    return True


def _single(d: Derivation) -> list[Condition]:
    """Conditions on structural fields that are no guard yet and whose other side is a single number.

    The running index of a layer shows as many numbers that a field is compared with; a single one is a switch. In each
    trace the code may tell of one of them only, as `i in {0, n - 1}` does where the hashes are equal.
    """
    numbers: dict[tuple[Node, bool], set[Node]] = {}
    about: list[tuple[tuple[Node, bool], Condition]] = []
    for condition in d.met():
        left, right = floored(condition.left), floored(condition.right)
        side, constant = (right, left) if left.op == "const" else (left, right)
        if constant.op == "const" and side.op != "mod" and free_symbols(side) <= set(d.structural):
            key = (side, condition.relation in ("==", "!="))
            numbers.setdefault(key, set()).add(constant)
            about.append((key, replace(condition, left=left, right=right)))
    single = (c for key, c in about if len(numbers[key]) == 1)
    return [c for c in single if c not in d.guards and holds(c, d.base)]


def _known(level: Counts, points: Sequence[dict[str, int]]) -> tuple[list[int], list[dict[str, int]]]:
    """The counts of a level where there is something to count in, and the points of those traces."""
    known = [(count, point) for count, point in zip(level, points, strict=True) if count is not None]
    return [count for count, _ in known], [point for _, point in known]


def _computed(d: Derivation, points: Sequence[dict[str, int]]) -> dict[str, Node]:
    return {text: node for text, node in bounds(d.traces, d.structural).items() if all(text in p for p in points)}


def _assign(d: Derivation, row: Row, levels: Sequence[Node | None]) -> bool:
    """Take the product of *levels* for the multiplicity of *row*, if it is right in every trace."""
    if None in levels:
        return False
    found = reduce(ex.mul, (node for node in levels if node is not None))
    if any(ex.value_at(found, t.symbols) != n for t, n in zip(d.traces, d.rows.counts[row], strict=True)):
        return False
    d.times[row] = found
    return True
