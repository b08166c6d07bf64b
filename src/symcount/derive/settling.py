"""Settling multiplicities: a further trace where the hypotheses that explain the others disagree, until none do.

The hypotheses of `symcount.derive.fit` that reproduce all traces so far form a version space (Mitchell 1982). As long
as two of them differ somewhere in the domain, the model is traced at a small point at which as many as possible differ;
so each trace counts, and no multiplicity rests on a coincidence among random ones.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from itertools import islice, pairwise

from symcount.derive import expression as ex
from symcount.derive.configs import Number
from symcount.derive.derivation import Derivation
from symcount.derive.exploring import comparable, trace_with
from symcount.derive.expression import Node, free_symbols
from symcount.derive.fit import fit, hypotheses
from symcount.derive.points import holds
from symcount.derive.recording import Condition
from symcount.derive.structure import (
    bounds,
    composite_periods,
    floored,
    min_depth,
    named_layers,
    ordered,
    selector_points,
)
from symcount.derive.templates import Row, collect

__all__ = ["all_simple", "fit_plain", "settle"]

TRACES = 40  # more than a few dozen traces never made a riddle clear
KEPT = 12  # hypotheses of one multiplicity that are told apart at a time
CANDIDATES = 24  # points among which the most telling is traced
REFUSED = 8  # structures in a row that cannot be built
CHECKS = 3  # points at which the only hypothesis that is left is checked
FAR = 11  # as many things show whether a pattern goes on
PERIOD = 12  # longer patterns are not tried at every remainder
LOW = 4  # depths below this may be special: the first and the last layers meet
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
        structure = None if enough else _telling(d, spaces, tried, rng) or _apart(d, spaces, tried)
        if structure is None:
            far = far or _far(d, checked)
            structure = far.pop(0) if far else None
        if structure is None and checks and not enough and (not all_simple(d) or _unchecked(d)):
            structure, checks = _another(d, tried, rng), checks - 1
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


def all_simple(d: Derivation) -> bool:
    """Whether all multiplicities are `simple`."""
    counted = _counted_to(d)
    return all(simple(times, counted) for times in set(d.times.values()))


def _counted_to(d: Derivation) -> frozenset[Node]:
    """The computed numbers that loops of the code go to."""
    return frozenset(bounds(d.traces, d.structural).values())


def simple(times: Node, computed: Collection[Node] = ()) -> bool:
    """Whether a multiplicity is a constant, a number that the code counts to, or the sum or product of two such.

    The code counts to fields and to what is *computed* from them. A number of layers that is less by two or more
    (`N - 3`) says that those are of another kind: perhaps not only they.
    """

    def plain(node: Node) -> bool:
        return node.op in ("const", "sym") or node in computed

    if times.op in ("add", "sub") and any(a.op == "const" and a.args[0] < -1 for a in times.args):
        return False
    return plain(times) or (times.op in ("add", "sub", "mul") and all(map(plain, times.args)))


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


def _telling(
    d: Derivation, spaces: Sequence[Sequence[Node]], tried: set[tuple[Number, ...]], rng: random.Random
) -> dict[str, Number] | None:
    """The structure at which the hypotheses differ most, for the number of layers to be built; `None` if nowhere."""
    moved = {n for n in d.structural if any(t.symbols[n] != d.base[n] for t in d.traces)}
    several = [space for space in spaces if len(space) > 1]
    empty = any(not space for space in spaces)
    best: tuple[float, dict[str, Number] | None] = (0.0, None)
    for structure in _untried(d, tried, rng):
        values = {**d.base, **structure}
        gain = sum(len({ex.value_at(node, values) for node in space}) - 1 for space in several)
        gain += sum(structure[n] != d.base[n] for n in d.structural if n not in moved and n not in d.held) + empty
        size = sum(int(structure[n]) for n in d.depths() if n in structure)
        if gain and gain / (10 + size) > best[0]:
            best = gain / (10 + size), structure
    return best[1]


def _apart(d: Derivation, spaces: Sequence[Sequence[Node]], tried: set[tuple[Number, ...]]) -> dict[str, Number] | None:
    """A structure with many of one thing, where a number computed with a ratio is another one than it seems among few.

    `ceil(1.1 * n) - 1` is `n` as long as there are fewer than eleven.
    """
    fields, usual = set(d.structural), _usual(d)
    for space in spaces:
        names = set().union(*map(free_symbols, space))
        if len(space) < 2 or names <= fields:
            continue
        for name in (n for n in d.depths() if n in names):
            for number in range(FAR, 8 * FAR):
                structure = {n: number if n == name else usual[n] for n in d.structural}
                values = {**d.base, **structure}
                if tuple(structure.values()) not in tried and len({ex.value_at(n, values) for n in space}) > 1:
                    return structure
    return None


def _another(d: Derivation, tried: set[tuple[Number, ...]], rng: random.Random) -> dict[str, Number] | None:
    """A structure that was not tried: where no hypothesis is left but one, it is checked at points that nobody chose.

    Every second time a single field moves from its default, which shows what it alone does.
    """
    structure = next(_untried(d, tried, rng), None)
    if structure is not None and len(tried) % 2:
        assert d.default is not None  # noqa: S101  # set by the engine
        depths = d.depths()
        chosen = [name for name in d.structural if name not in depths]
        name = rng.choice([n for n in structure if n not in d.held] or list(structure))
        single = {n: structure[n] if n == name else d.base[n] for n in structure}
        if ordered(single, chosen, depths, d.default):
            return single
    return structure


def _far(d: Derivation, checked: set[str]) -> list[dict[str, Number]]:
    """Structures with many of the things whose number stands in a pattern, where the traces have few; see `_unseen`.

    A depth is *checked* once: another pattern may stand in its place later.
    """
    counted = _counted_to(d)
    patterns = [times for times in set(d.times.values()) if not simple(times, counted)]
    names = {name for times in patterns for name in free_symbols(times)} - checked
    checked |= names
    wanted = {n: _unseen(d, n, patterns) for n in d.depths() if n in names}
    usual = _usual(d)
    several = {
        n: depths[i % len(depths) :] + depths[: i % len(depths)]
        for i, (n, depths) in enumerate(wanted.items())
        if depths
    }
    rounds = max(map(len, several.values()), default=0)
    return [
        {n: several[n][i] if i < len(several.get(n, ())) else usual[n] for n in d.structural} for i in range(rounds)
    ]


def _usual(d: Derivation) -> dict[str, Number]:
    """The numbers of the smallest trace, with no depth that is shallow."""
    usual = dict(min(d.traces, key=lambda t: len(t.parameters)).symbols)
    return usual | {n: max(usual[n], min_depth(len(d.depths()), LOW)) for n in d.depths() if d.base[n]}


def _unseen(d: Derivation, depth: str, patterns: Sequence[Node]) -> list[int]:
    """Large values of a depth that would show whether its *patterns* are right, and that no trace has.

    Among few, a layer that is there once or not at all (`min(1, N - 3)`) looks like one that comes back; where every
    sixth is of another kind, only a depth with the right remainder tells which is the first one (`(N + 4) // 6`).
    """
    least = max(FAR, _listed(d, depth))
    seen = [int(t.symbols[depth]) for t in d.traces]
    found = [] if any(v >= least for v in seen) else [least]
    period = max((p for times in patterns for p in _periods(times, depth) if p <= PERIOD), default=1)
    remainders = {v % period for v in (*seen, *found) if v >= 2 * period}
    start = max(least, 2 * period)
    return found + [v for v in range(start, start + period) if v % period not in remainders]


def _periods(times: Node, depth: str) -> Iterator[int]:
    """The constants by which something with *depth* in it is divided with a remainder."""
    if times.op in ("floordiv", "mod") and times.args[1].op == "const" and depth in free_symbols(times.args[0]):
        yield int(times.args[1].args[0])
    for argument in times.args:
        if isinstance(argument, Node):
            yield from _periods(argument, depth)


def _listed(d: Derivation, depth: str) -> int:
    """A depth at which indices of layers that the config lists would go on (2, 5, 8, 11) if they were a pattern."""
    section, lists = depth.rpartition(".")[0], dict[str, list[int]]()
    for name, value in d.base.items():
        stem, bracket, _ = name.partition("[")
        if bracket and stem.rpartition(".")[0] == section and isinstance(value, int):
            lists.setdefault(stem, []).append(value)
    far = 0
    for indices in lists.values():
        gaps = [b - a for a, b in pairwise(indices)]
        if gaps and min(gaps) > 0 and indices[-1] <= 2 * int(d.base[depth]):
            far = max(far, indices[-1] + max(gaps) + 1)
    return far


def _untried(d: Derivation, tried: set[tuple[Number, ...]], rng: random.Random) -> Iterator[dict[str, Number]]:
    assert d.default is not None  # noqa: S101  # set by the engine
    depths = d.depths()
    chosen = [name for name in d.structural if name not in depths and name not in d.held]
    for _ in range(CANDIDATES):
        structure = selector_points(chosen, depths, d.default, rng, LOW, d.least)
        structure.update({name: d.base[name] for name in d.held})
        if tuple(structure.values()) not in tried and all(holds(c, {**d.base, **structure}) for c in d.guards):
            yield structure


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
