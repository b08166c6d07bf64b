"""How long a list is at any depth: the one field, or number computed by the code, that its length follows.

A list of layers that torch's own code made, or that was made of the elements of another list, shows no loop. Its
length is known at each point at which the model was observed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symcount.derive import expression as ex
from symcount.derive.expression import Node

__all__ = ["Point", "length_of"]

Point = Mapping[str, int]


def length_of(
    counts: Sequence[int],
    points: Sequence[Point],
    fields: Sequence[str],
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

    >>> print(length_of([2, 11], [{"N": 3, "k": 1}, {"N": 12, "k": 1}], ["N", "k"]))
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


def _computed(counts: Sequence[int], columns: Mapping[str, Sequence[int]], computed: Mapping[str, Node]) -> Node | None:
    """The one computed number that the counts follow, give or take one, if no field and no other one does."""
    names = [name for name in columns if _follows(counts, columns[name])]
    nodes = {_shifted(computed.get(n) or ex.symbol(n), counts[0] - columns[n][0]) for n in names}
    return nodes.pop() if len(nodes) == 1 and not computed.keys().isdisjoint(names) else None


def _single(counts: Sequence[int], columns: Mapping[str, Sequence[int]], fields: Sequence[str]) -> Node | None:
    for offset in (0, -1, 1):
        found = [n for n in fields if all(c == x + offset for c, x in zip(counts, columns[n], strict=True))]
        if found:
            return _shifted(ex.symbol(found[0]), offset) if len(found) == 1 else None
    return None


def _shifted(node: Node, offset: int) -> Node:
    return ex.add(node, ex.const(offset)) if offset else node
