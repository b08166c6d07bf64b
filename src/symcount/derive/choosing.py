"""Where to trace next: the structure that tells hypotheses apart, or that would show the only one left to be wrong."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from symcount.derive import expression as ex
from symcount.derive.configs import Number
from symcount.derive.derivation import Derivation
from symcount.derive.expression import Node, free_symbols
from symcount.derive.points import holds
from symcount.derive.selecting import ordered, selector_points
from symcount.derive.structure import bounds, min_depth

__all__ = ["LOW", "all_simple", "another", "apart", "counted_to", "simple", "structures_far", "telling"]

CANDIDATES = 24  # points among which the most telling is traced
FAR = 11  # as many things show whether a pattern goes on
PERIOD = 12  # longer patterns are not tried at every remainder
LOW = 4  # depths below this may be special: the first and the last layers meet


def all_simple(d: Derivation) -> bool:
    """Whether all multiplicities are `simple`."""
    counted = counted_to(d)
    return all(simple(times, counted) for times in set(d.times.values()))


def counted_to(d: Derivation) -> frozenset[Node]:
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


def telling(
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


def apart(d: Derivation, spaces: Sequence[Sequence[Node]], tried: set[tuple[Number, ...]]) -> dict[str, Number] | None:
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


def another(d: Derivation, tried: set[tuple[Number, ...]], rng: random.Random) -> dict[str, Number] | None:
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


def structures_far(d: Derivation, checked: set[str]) -> list[dict[str, Number]]:
    """Structures with many of the things whose number stands in a pattern, where the traces have few; see `_unseen`.

    A depth is *checked* once: another pattern may stand in its place later.
    """
    counted = counted_to(d)
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
