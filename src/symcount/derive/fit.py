"""Multiplicities: from how often a row occurs at several depths to a formula in the depth fields.

The hypotheses are, from the simplest to the less simple: a constant, a field, sums and differences of fields and small
integers, products of two, and counts of an index pattern, `#{0 ≤ i < N : i ≡ c (mod p)} = ⌊(N - c - 1)/p⌋ + 1`. Those
that reproduce every point are told apart by further points, chosen where they disagree (`symcount.derive.settling`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import reduce
from itertools import combinations, combinations_with_replacement, product
from operator import mul

from symcount.derive import expression as ex
from symcount.derive.expression import Node
from symcount.derive.patterns import Point, counted_patterns, shifted, together

__all__ = ["fit", "hypotheses"]


def fit(
    counts: Sequence[int],
    points: Sequence[Point],
    fields: Sequence[str],
    *,
    computed: Mapping[str, Node] | None = None,
) -> Node | None:
    """The one plain depth whose value at each of *points* is the corresponding one of *counts*: what two points tell.

    Args:
        counts: multiplicities, one a point.
        points: values of the depth fields.
        fields: their names.
        computed: numbers of things that the model's code computes from fields; their values are in *points* too.

    Returns:
        A constant, or a field or a computed number, give or take one; `None` if there is none or more than one.

    >>> print(fit([2, 11], [{"N": 3, "k": 1}, {"N": 12, "k": 1}], ["N", "k"]))
    (N + -1)
    """
    if all(count == counts[0] for count in counts):
        return ex.const(counts[0])
    computed = computed or {}
    columns = {name: [point[name] for point in points] for name in (*fields, *computed)}
    if (known := _computed(counts, columns, computed)) is not None:
        return known
    if any(_follows(counts, columns[name]) for name in computed):
        return None  # `ceil(1.1 * n)` is `n + 1` for a while
    return _single(counts, columns, [name for name in fields if any(v != columns[name][0] for v in columns[name])])


def _follows(counts: Sequence[int], column: Sequence[int]) -> bool:
    """Whether the counts are those of a column, give or take one."""
    return abs(counts[0] - column[0]) <= 1 and all(
        c - x == counts[0] - column[0] for c, x in zip(counts, column, strict=True)
    )


def hypotheses(
    counts: Sequence[int],
    points: Sequence[Point],
    fields: Sequence[str],
    *,
    depths: Collection[str] | None = None,
    computed: Mapping[str, Node] | None = None,
    periods: Mapping[Node, Sequence[int]] | None = None,
    clipped: bool = False,
) -> Iterator[Node]:
    """Every expression in *fields* that explains *counts* at all *points*, the simplest first.

    Args:
        counts: multiplicities, one a point.
        points: values of the depth fields.
        fields: their names.
        depths: those of them that are numbers of layers, and not what chooses between layers; by default all.
        computed: numbers of things that the model's code computes from fields; their values are in *points* too.
        periods: periods that the code computes, with their values at *points*.
        clipped: where nothing else explains them, also parts that may be all: `min(N, k)`.

    >>> points = [{"N": 2, "k": 1}, {"N": 3, "k": 1}, {"N": 5, "k": 2}]
    >>> print(next(hypotheses([1, 2, 3], points, ["N", "k"])))
    (N - k)
    >>> print(next(hypotheses([7, 7, 7], points, ["N", "k"])))
    7
    """
    if all(count == counts[0] for count in counts):
        yield ex.const(counts[0])
    computed = computed or {}
    columns = {name: [point[name] for point in points] for name in (*fields, *computed)}
    varying = [name for name in fields if any(v != columns[name][0] for v in columns[name])]
    for offset in (0, -1, 1):
        for name in (*varying, *computed):
            if all(c == x + offset for c, x in zip(counts, columns[name], strict=True)):
                yield shifted(computed.get(name) or ex.symbol(name), offset)
    explained = False
    for rule in (_affine, _products):
        for node in rule(counts, columns, varying):
            explained = True
            yield node
    if clipped and not explained:
        yield from _clipped(counts, columns, varying)
    yield from counted_patterns(counts, columns, varying, fields if depths is None else depths, periods or {})


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
    return shifted(total, offset)


def _computed(counts: Sequence[int], columns: Mapping[str, Sequence[int]], computed: Mapping[str, Node]) -> Node | None:
    """The one computed number that the counts follow, give or take one, if no field and no other one does."""
    names = [name for name in columns if _follows(counts, columns[name])]
    nodes = {shifted(computed.get(n) or ex.symbol(n), counts[0] - columns[n][0]) for n in names}
    return nodes.pop() if len(nodes) == 1 and not computed.keys().isdisjoint(names) else None


def _single(counts: Sequence[int], columns: Mapping[str, Sequence[int]], fields: Sequence[str]) -> Node | None:
    for offset in (0, -1, 1):
        found = [n for n in fields if all(c == x + offset for c, x in zip(counts, columns[n], strict=True))]
        if found:
            return shifted(ex.symbol(found[0]), offset) if len(found) == 1 else None
    return None


def _affine(counts: Sequence[int], columns: Mapping[str, Sequence[int]], fields: Sequence[str]) -> Iterator[Node]:
    factors = (1, -1, 2, 3, 4, -2)
    for size in (1, 2, 3) if len(fields) <= 6 else (1, 2):
        found: list[tuple[tuple[int, int], Node]] = []
        for names in combinations(fields, size):
            if len(fields) > 6 and not all(together(names[0], other) for other in names[1:]):
                continue
            first, *others = zip(*(columns[n] for n in names), strict=True)
            for weights in product(factors, repeat=size):
                offset = counts[0] - sum(map(mul, weights, first))
                if abs(offset) > 8:
                    continue
                if all(c == offset + sum(map(mul, weights, x)) for c, x in zip(counts[1:], others, strict=True)):
                    cost = (sum(abs(w) for w in weights) + abs(offset), sum(w < 0 for w in weights))
                    found.append((cost, _linear(names, weights, offset)))
        found.sort(key=lambda item: item[0])
        yield from (node for _, node in found)
    if len(fields) > 3:  # the sum of all: every block of every stage
        offset = counts[0] - sum(columns[n][0] for n in fields)
        if all(count == offset + sum(columns[n][i] for n in fields) for i, count in enumerate(counts)):
            yield _linear(fields, [1] * len(fields), offset)


def _products(counts: Sequence[int], columns: Mapping[str, Sequence[int]], fields: Sequence[str]) -> Iterator[Node]:
    for a, b in combinations_with_replacement(fields, 2):
        if len(fields) > 6 and not together(a, b):
            continue
        for shift_a, shift_b in product((0, -1, 1, -2), repeat=2):
            values = [(x + shift_a) * (y + shift_b) for x, y in zip(columns[a], columns[b], strict=True)]
            offset = counts[0] - values[0]
            if abs(offset) <= 2 and all(c == v + offset for c, v in zip(counts, values, strict=True)):
                yield shifted(ex.mul(shifted(ex.symbol(a), shift_a), shifted(ex.symbol(b), shift_b)), offset)
    for name in fields:
        for shift in (-1, 1):
            if all(2 * c == x * (x + shift) for c, x in zip(counts, columns[name], strict=True)):
                yield ex.exact_div(ex.mul(ex.symbol(name), shifted(ex.symbol(name), shift)), ex.const(2))


def _clipped(counts: Sequence[int], columns: Mapping[str, Sequence[int]], fields: Sequence[str]) -> Iterator[Node]:
    """The first and the last few of N layers, which may be all, and those between: `min(N, j + k)`."""
    for depth in fields:
        near = [f for f in fields if f != depth and together(f, depth)]
        for names in ((f, *g) for f in near for g in ((), *((h,) for h in near if h > f))):
            some = [sum(columns[n][i] for n in names) for i in range(len(counts))]
            clipped = [min(x, s) for x, s in zip(columns[depth], some, strict=True)]
            node = ex.minimum(ex.symbol(depth), reduce(ex.add, map(ex.symbol, names)))
            if clipped == list(counts):
                yield node
            elif all(c == x - s for c, x, s in zip(counts, columns[depth], clipped, strict=True)):
                yield ex.sub(ex.symbol(depth), node)
