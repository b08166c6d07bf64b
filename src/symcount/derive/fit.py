"""Multiplicities: from how often a row occurs at several depths to a formula in the depth fields.

The hypotheses are tried from the simplest to the less simple: a constant, a field, sums and differences of fields and
small integers, products of two, and counts of an index pattern, `#{0 ≤ i < N : i ≡ c (mod p)} = ⌊(N - c - 1)/p⌋ + 1`. A
hypothesis is accepted only if it reproduces every point; the caller checks it again at points that were not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations, product

from symcount.derive import expression as ex
from symcount.derive.expression import Node, Value

__all__ = ["evaluate_all", "fit"]

Point = Mapping[str, int]


def fit(
    counts: Sequence[int],
    points: Sequence[Point],
    fields: Sequence[str],
    *,
    patterns: bool = False,
    simple: bool = False,
    computed: Mapping[str, Node] | None = None,
    periods: Mapping[Node, Sequence[int]] | None = None,
) -> Node | None:
    """The simplest expression in *fields* whose value at each of *points* is the corresponding one of *counts*.

    Args:
        counts: multiplicities, one a point.
        points: values of the depth fields.
        fields: their names.
        patterns: also try index patterns, which need more points than the rest to be told apart.
        simple: only a field, give or take one: what two points can tell.
        periods: periods that the code computes, with their values at *points*.
        computed: numbers of things that the model's code computes from fields; their values are in *points* too.

    Returns:
        The expression, or `None` if no hypothesis fits.

    >>> points = [{"N": 2, "k": 1}, {"N": 3, "k": 1}, {"N": 5, "k": 2}]
    >>> print(fit([1, 2, 3], points, ["N", "k"]))
    (N - k)
    >>> print(fit([7, 7, 7], points, ["N", "k"]))
    7
    """
    if all(count == counts[0] for count in counts):
        return ex.const(counts[0])
    computed = computed or {}
    columns = {name: [point[name] for point in points] for name in (*fields, *computed)}
    if (known := _computed(counts, columns, fields, computed)) is not None:
        return known
    varying = [name for name in fields if any(v != columns[name][0] for v in columns[name])]
    if simple:
        return _single(counts, columns, varying)
    for hypothesis in _affine(counts, columns, varying):
        return hypothesis
    for hypothesis in _products(counts, columns, varying):
        return hypothesis
    if patterns:
        for hypothesis in _patterns(counts, columns, varying, periods or {}):
            return hypothesis
    return None


def evaluate_all(node: Node, points: Sequence[Point]) -> list[Value]:
    """The value of *node* at each point."""
    return [ex.evaluate(node, dict(point)) for point in points]


def _offset(node: Node, offset: int) -> Node:
    if offset < 0:
        return ex.sub(node, ex.const(-offset))
    return ex.add(node, ex.const(offset)) if offset else node


def _linear(names: Sequence[str], factors: Sequence[int], offset: int) -> Node:
    terms = sorted(zip(factors, names, strict=True), key=lambda item: item[0] < 0)
    total: Node | None = None
    for factor, name in terms:
        term = ex.symbol(name) if abs(factor) == 1 else ex.mul(ex.const(abs(factor)), ex.symbol(name))
        if total is None:
            total = term if factor > 0 else ex.neg(term)
        else:
            total = ex.add(total, term) if factor > 0 else ex.sub(total, term)
    assert total is not None  # noqa: S101  # names is never empty
    return _offset(total, offset)


def _computed(
    counts: Sequence[int], columns: Mapping[str, Sequence[int]], fields: Sequence[str], computed: Mapping[str, Node]
) -> Node | None:
    """The one computed number that the counts follow, give or take one, if no field alone does."""
    for offset in (0, -1, 1):
        found = [n for n in columns if all(c == x + offset for c, x in zip(counts, columns[n], strict=True))]
        if found:
            return (
                _offset(computed[found[0]], offset) if found[0] in computed and not set(found) & set(fields) else None
            )
    return None


def _single(counts: Sequence[int], columns: Mapping[str, Sequence[int]], fields: Sequence[str]) -> Node | None:
    for offset in (0, -1, 1):
        found = [n for n in fields if all(c == x + offset for c, x in zip(counts, columns[n], strict=True))]
        if found:
            return _offset(ex.symbol(found[0]), offset) if len(found) == 1 else None
    return None


def _affine(counts: Sequence[int], columns: Mapping[str, Sequence[int]], fields: Sequence[str]) -> Iterator[Node]:
    factors = (1, -1, 2, 3, 4, -2)
    for size in (1, 2, 3) if len(fields) <= 6 else (1, 2):
        best: tuple[tuple[int, int], Node] | None = None
        for names in combinations(fields, size):
            for weights in product(factors, repeat=size):
                offset = counts[0] - sum(w * columns[n][0] for w, n in zip(weights, names, strict=True))
                if abs(offset) > 8:
                    continue
                if all(
                    count == offset + sum(w * columns[n][i] for w, n in zip(weights, names, strict=True))
                    for i, count in enumerate(counts)
                ):
                    cost = (sum(abs(w) for w in weights) + abs(offset), sum(w < 0 for w in weights))
                    if best is None or cost < best[0]:
                        best = (cost, _linear(names, weights, offset))
        if best is not None:
            yield best[1]
    if len(fields) > 3:  # the sum of all: every block of every stage
        offset = counts[0] - sum(columns[n][0] for n in fields)
        if all(count == offset + sum(columns[n][i] for n in fields) for i, count in enumerate(counts)):
            yield _linear(fields, [1] * len(fields), offset)


def _products(counts: Sequence[int], columns: Mapping[str, Sequence[int]], fields: Sequence[str]) -> Iterator[Node]:
    for a, b in combinations(fields, 2):
        for shift_a, shift_b in product((0, -1, 1), repeat=2):
            values = [(x + shift_a) * (y + shift_b) for x, y in zip(columns[a], columns[b], strict=True)]
            offset = counts[0] - values[0]
            if abs(offset) <= 2 and all(c == v + offset for c, v in zip(counts, values, strict=True)):
                yield _offset(ex.mul(_offset(ex.symbol(a), shift_a), _offset(ex.symbol(b), shift_b)), offset)
    for name in fields:
        for shift in (-1, 1):
            if all(2 * c == x * (x + shift) for c, x in zip(counts, columns[name], strict=True)):
                yield ex.exact_div(ex.mul(ex.symbol(name), _offset(ex.symbol(name), shift)), ex.const(2))


def _patterns(
    counts: Sequence[int],
    columns: Mapping[str, Sequence[int]],
    fields: Sequence[str],
    computed: Mapping[Node, Sequence[int]],
) -> Iterator[Node]:
    """`#{low ≤ i < high : i ≡ c (mod p)} = ⌊(high + s)/p⌋ - ⌊(low + s)/p⌋` with s = p - 1 - c, and the other indices.

    The period is a constant, a field or computed; the bounds are fields or small constants. Only fields of one
    sub-config and of one place in a list are combined: there are thousands of hypotheses as it is.
    """
    for depth in fields:
        near = [f for f in fields if f != depth and _together(f, depth)]
        if any(c > x + 1 for c, x in zip(counts, columns[depth], strict=True)):
            continue  # a part of the layers is not more than the layers
        for bounded in (False, True):
            yield from _patterns_of(depth, counts, columns, near, computed, bounded=bounded)


def _patterns_of(
    depth: str,
    counts: Sequence[int],
    columns: Mapping[str, Sequence[int]],
    near: Sequence[str],
    computed: Mapping[Node, Sequence[int]],
    *,
    bounded: bool,
) -> Iterator[Node]:
    whole, symbol = columns[depth], ex.symbol(depth)
    highs = [(whole, symbol), *(([x - y for x, y in zip(whole, columns[f], strict=True)],
                                 ex.sub(symbol, ex.symbol(f))) for f in near)]  # fmt: skip
    lows = list(_lows(columns, near, len(counts))) if bounded else [(None, ex.const(0))]
    for high, high_node in highs[:1] if bounded else highs:
        for period, period_node in _periods(columns, near, len(counts), computed):
            for shift, make in _shifts(columns, near, period, period_node):
                values = [(x + s) // p for x, s, p in zip(high, shift, period, strict=True)]
                for low, low_node in lows:
                    part = values
                    if low is not None:
                        part = [v - (x + s) // p for v, x, s, p in zip(values, low, shift, period, strict=True)]
                    for others in (None, whole) if high is whole else (None, high, whole):
                        if others is None:
                            fits = all(c == v for c, v in zip(counts, part, strict=True))
                        else:
                            fits = all(c == x - v for c, x, v in zip(counts, others, part, strict=True))
                        if not fits:
                            continue
                        found = ex.floordiv(_plus(high_node, make()), period_node)
                        if low is not None:
                            found = ex.sub(found, ex.floordiv(_plus(low_node, make()), period_node))
                        yield found if others is None else ex.sub(symbol if others is whole else high_node, found)


def _together(a: str, b: str) -> bool:
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
            yield [x + offset for x in columns[name]], _offset(ex.symbol(name), offset)


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


def _shifts(
    columns: Mapping[str, Sequence[int]], fields: Sequence[str], period: Sequence[int], period_node: Node
) -> Iterator[tuple[Sequence[int], Callable[[], Node]]]:
    """What is added to a bound before the division: `p - 1 - c` for `i % p == c`, or a constant."""
    for name in fields:
        if columns[name] is not period:
            values = [p - 1 - o for p, o in zip(period, columns[name], strict=True)]
            yield values, partial(ex.sub, _offset(period_node, -1), ex.symbol(name))
    if period_node.op != "const":
        for remainder in (0, 1):
            yield [p - 1 - remainder for p in period], partial(_offset, period_node, -1 - remainder)
    for constant in sorted(range(-2 * max(period), 2 * max(period) + 1), key=abs):
        yield [constant] * len(period), partial(ex.const, constant)


def _plus(a: Node, b: Node) -> Node:
    return _offset(a, int(b.args[0])) if b.op == "const" else ex.add(a, b)
