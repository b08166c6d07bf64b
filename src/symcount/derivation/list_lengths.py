"""How long a list is at any depth: the one field, or number computed by the code, that its length follows.

A list of layers that torch's own code made, or that was made of the elements of another list, shows no loop. Its
length is known at each point at which the model was observed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from symcount.concolic.traces import Trace
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node
from symcount.concolic.values.rewriting import floored
from symcount.config.kind_lists import MARK

__all__ = ["Point", "Things", "length_of"]

Point = Mapping[str, int]


@dataclass(frozen=True)
class Things:
    """Numbers of things at the points at which a model was observed: fields, and what its code computed from them.

    Attributes:
        points: the numbers at each point, by field or by text of the expression.
        fields: the names of the fields.
        computed: text -> expression.
    """

    points: Sequence[Point]
    fields: Sequence[str]
    computed: Mapping[str, Node]

    @staticmethod
    def of(traces: Sequence[Trace], fields: Sequence[str]) -> Things:
        """Those of *traces*; all kinds of a list of kinds together are a number of things as well."""
        used = {str(u.node): floored(u.node) for t in traces for u in t.structural if u.node.op not in ("sym", "const")}
        for path in dict.fromkeys(n.partition(MARK)[0] for n in fields if MARK in n):
            used[path] = reduce(ex.add, (ex.symbol(n) for n in fields if n.partition(MARK)[0] == path))
        values = {text: [ex.value_at(node, t.symbols) for t in traces] for text, node in used.items()}
        known = {text: column for text, column in values.items() if all(isinstance(v, int) for v in column)}
        points = [
            {n: int(t.symbols[n]) for n in fields} | {text: int(column[k] or 0) for text, column in known.items()}
            for k, t in enumerate(traces)
        ]
        return Things(points, fields, {text: used[text] for text in known})

    def length(self, counts: Sequence[int | None]) -> Node | None:
        """What is as much as *counts* at each point, where that is anything; see `length_of`.

        Of what is not there by default, and elsewhere as often as there are things of one kind, which are as many at
        all these points, nobody knows whether it is their number.
        """
        known = [(count, point) for count, point in zip(counts, self.points, strict=True) if count is not None]
        several = {count for count, _ in known}
        if counts and counts[0] is None and len(several) == 1 and several != {1}:
            for name in self.fields:
                if {point[name] for _, point in known} == several != {self.points[0][name]}:
                    return None
        return length_of([count for count, _ in known], [point for _, point in known], self.fields, self.computed)


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
