"""Patterns in the index of a layer: `#{0 ≤ i < N : i ≡ c (mod p)} = ⌊(N - c - 1)/p⌋ + 1`, or from one to another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from symcount.derive import expression as ex
from symcount.derive.expression import Node

__all__ = ["Point", "counted_patterns", "shifted", "together"]

Point = Mapping[str, int]


def counted_patterns(
    counts: Sequence[int],
    columns: Mapping[str, Sequence[int]],
    fields: Sequence[str],
    depths: Collection[str],
    computed: Mapping[Node, Sequence[int]],
) -> Iterator[Node]:
    """`#{low ≤ i < high : i ≡ c (mod p)} = ⌊(high + s)/p⌋ - ⌊(low + s)/p⌋` with s = p - 1 - c, and the other indices.

    The period is a constant, a field or computed; the bounds are fields or small constants. Only fields of one
    sub-config and of one place in a list are combined: there are thousands of hypotheses as it is.
    """
    candidates = [f for f in fields if f in depths and all(c <= x + 1 for c, x in zip(counts, columns[f], strict=True))]
    for rule in (_counted, _counted_from):
        for depth in candidates:  # a part of the layers is not more than the layers
            near = [f for f in fields if f != depth and together(f, depth)]
            yield from rule(depth, counts, columns, near, computed)


def _counted(
    depth: str,
    counts: Sequence[int],
    columns: Mapping[str, Sequence[int]],
    near: Sequence[str],
    computed: Mapping[Node, Sequence[int]],
) -> Iterator[Node]:
    """Those from the first index on: `⌊(high + s)/p⌋`, `high - ⌊(high + s)/p⌋`, `depth - ⌊(high + s)/p⌋`."""
    whole, symbol = columns[depth], ex.symbol(depth)
    highs: list[tuple[Sequence[int], Node]] = [
        (whole, symbol),
        *(([x - y for x, y in zip(whole, columns[n], strict=True)], ex.sub(symbol, ex.symbol(n))) for n in near),
    ]
    periods = [(p, node, _ends(p, node, columns, near)) for p, node in _periods(columns, near, len(counts), computed)]
    for offset in (0, 1, -1):  # one layer more or less, whatever its index
        part = [c - offset for c in counts]
        for high, high_node in highs:
            rest = [x - c for x, c in zip(high, part, strict=True)]
            targets: list[tuple[Sequence[int], Node | None]] = [(part, None), (rest, high_node)]
            if high is not whole:
                targets.append(([x - c for x, c in zip(whole, part, strict=True)], symbol))
            for target, minuend in targets:
                for period, period_node, ends in periods:
                    for shift in _shifts(target, high, period, ends):
                        found = ex.floordiv(_plus(high_node, shift), period_node)
                        yield shifted(found if minuend is None else ex.sub(minuend, found), offset)


End = tuple[Sequence[int], Callable[[int], Node], int]


def _ends(
    period: Sequence[int], period_node: Node, columns: Mapping[str, Sequence[int]], fields: Sequence[str]
) -> list[End]:
    """Near which values s may be, what so much more is, and how near.

    Those are `p - 1 - c` for `i % p == c`, where there is no such c `p - 1` or `p - 2`, and zero.
    """

    def before(name: str) -> Callable[[int], Node]:
        return lambda extra: ex.sub(shifted(period_node, extra - 1), ex.symbol(name))

    def last(back: int) -> Callable[[int], Node]:
        return lambda _: shifted(period_node, -back)

    found: list[End] = [
        ([p - 1 - c for p, c in zip(period, columns[f], strict=True)], before(f), 4)
        for f in fields
        if columns[f] is not period
    ]
    if period_node.op != "const":
        found += [([p - back for p in period], last(back), 0) for back in (1, 2)]
    return [*found, ([0] * len(period), ex.const, 2 * max(period))]


def _shifts(target: Sequence[int], high: Sequence[int], period: Sequence[int], ends: Iterable[End]) -> Iterator[Node]:
    """Every s near one of *ends* with `⌊(high + s)/p⌋ = target` at all points."""
    for end, node, near in ends:
        least, most = -near, near
        for t, x, p, s in zip(target, high, period, end, strict=True):
            low = t * p - x - s  # at each point s lies between target·p - high and p - 1 above
            if low > least:  # noqa: PLR1730  # millions of times, and `max` takes three times as long
                least = low
            if low + p <= most:
                most = low + p - 1
            if least > most:
                break
        else:
            for extra in sorted(range(least, most + 1), key=abs):
                yield node(extra)


def _counted_from(
    depth: str,
    counts: Sequence[int],
    columns: Mapping[str, Sequence[int]],
    near: Sequence[str],
    computed: Mapping[Node, Sequence[int]],
) -> Iterator[Node]:
    """Those from a later index on: `⌊(depth + s)/p⌋ - ⌊(low + s)/p⌋`, and the other layers."""
    whole, symbol = columns[depth], ex.symbol(depth)
    targets: list[tuple[Sequence[int], bool]] = [
        (counts, False), ([x - c for x, c in zip(whole, counts, strict=True)], True)
    ]  # fmt: skip
    lows = list(_lows(columns, near, len(counts)))
    for period, period_node in _periods(columns, near, len(counts), computed):
        shifts: list[tuple[Sequence[int], Node]] = [
            (
                [p - 1 - o for p, o in zip(period, columns[f], strict=True)],
                ex.sub(shifted(period_node, -1), ex.symbol(f)),
            )
            for f in near
            if columns[f] is not period
        ]
        if period_node.op != "const":
            shifts += [([p - b for p in period], shifted(period_node, -b)) for b in (1, 2)]
        shifts += [([s] * len(counts), ex.const(s)) for s in range(min(period))]
        for shift, shift_node in shifts:
            upper = [(x + s) // p for x, s, p in zip(whole, shift, period, strict=True)]
            for target, complement in targets:
                wanted = [u - t for u, t in zip(upper, target, strict=True)]
                for low, low_node in lows:
                    if (low[0] + shift[0]) // period[0] != wanted[0]:  # most do not, and need no loop
                        continue
                    if all((x + s) // p == w for x, s, p, w in zip(low, shift, period, wanted, strict=True)):
                        found = ex.sub(
                            ex.floordiv(_plus(symbol, shift_node), period_node),
                            ex.floordiv(_plus(low_node, shift_node), period_node),
                        )
                        yield ex.sub(symbol, found) if complement else found


def together(a: str, b: str) -> bool:
    """Whether two fields are of one sub-config, and not of different places in lists."""
    (scope, _, one), (other_scope, _, other) = a.rpartition("."), b.rpartition(".")
    index, other_index = one.partition("[")[2], other.partition("[")[2]
    return scope == other_scope and (not index or not other_index or index == other_index)


def _lows(
    columns: Mapping[str, Sequence[int]], fields: Sequence[str], length: int
) -> Iterator[tuple[Sequence[int], Node]]:
    """First indices: a small constant, a field, or the one after it."""
    for constant in (1, 2, 3):
        yield [constant] * length, ex.const(constant)
    for name in fields:
        for offset in (0, 1):
            yield [x + offset for x in columns[name]], shifted(ex.symbol(name), offset)


def _periods(
    columns: Mapping[str, Sequence[int]], fields: Sequence[str], length: int, computed: Mapping[Node, Sequence[int]]
) -> Iterator[tuple[Sequence[int], Node]]:
    for node, values in computed.items():
        if min(values) > 0:
            yield values, node
    for name in fields:
        if min(columns[name]) > 0:
            yield columns[name], ex.symbol(name)
    for period in range(2, 13):
        yield [period] * length, ex.const(period)


def _plus(a: Node, b: Node) -> Node:
    return shifted(a, int(b.args[0])) if b.op == "const" else ex.add(a, b)


def shifted(node: Node, offset: int) -> Node:
    """A number that is larger by *offset*."""
    if offset < 0:
        return ex.sub(node, ex.const(-offset))
    return ex.add(node, ex.const(offset)) if offset else node
