"""Shapes that change from one iteration of a loop to the next, each as one shape in the symbol of the loop's index.

The run shows `H + 8*i` where the code computes with the index itself. Where it carries a size from one iteration to the
next, the sizes are a sequence (`symcount.derivation.sequences`); what is made after such a loop has the size that the
sequence has where the loop ends. Parameters of which nothing of this is known keep the shape that they have.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from symcount.concolic.traces import Trace, TracedParameter, once_a_trace
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols, value_at
from symcount.concolic.values.path import Loop
from symcount.concolic.values.rewriting import floored
from symcount.derivation.sequences import Sizes, sizes
from symcount.derivation.structure import divisions_in

__all__ = ["Shape", "beside_indices", "exact_quotients", "indexed_shapes", "loops_in", "numbering", "short_loops"]

Shape = tuple[Node | int, ...]
Place = tuple[str, tuple[Loop, ...], int]  # path without numbers, loops around, how many there are before it

_ENOUGH: Final = 9  # iterations that show every sequence, after a few that are like none
_FIRST: Final = 2  # iterations at the beginning that may be like none
_ENDS: Final = 3  # ends of a loop that show which size it leaves behind
_NUMBER: Final = re.compile(r"\d+")


@dataclass(frozen=True)
class _Made:
    """One parameter and where it was made."""

    parameter: TracedParameter
    indices: tuple[int, ...]


@once_a_trace
def _places(one: Trace) -> Mapping[Place, Sequence[_Made]]:
    """The parameters of one trace by what they have in common, if they do not all have one shape."""
    found: defaultdict[Place, list[_Made]] = defaultdict(list)
    before: defaultdict[tuple[str, tuple[tuple[Loop, int], ...]], int] = defaultdict(int)
    for p in one.parameters:
        if p.iterations:
            path = _NUMBER.sub("*", p.path)
            order = before[path, p.iterations]
            before[path, p.iterations] += 1
            nest = tuple(loop for loop, _ in p.iterations)
            found[path, nest, order].append(_Made(p, tuple(index for _, index in p.iterations)))
    return {place: made for place, made in found.items() if len({m.parameter.shape for m in made}) > 1}


def loops_in(shape: Shape) -> set[str]:
    """The symbols of loops in a shape."""
    return {n for dim in shape if isinstance(dim, Node) for n in free_symbols(dim) if n.startswith("#")}


def indexed_shapes(traces: Sequence[Trace]) -> list[dict[str, Shape]]:
    """For each trace, the paths of parameters whose shape is one in the index of a loop, with that shape."""
    found: list[dict[str, Shape]] = [{} for _ in traces]
    places = dict.fromkeys(place for one in traces for place in _places(one))
    left = _left(traces)
    if not places and not left:
        return found
    for shapes, one in zip(found, traces, strict=True):
        known = _outside(one)
        shapes.update((known[key].path, known[key].general) for key in left)
    sequences: list[tuple[Loop, Sizes]] = []
    for place in places:
        made = [_at(one, place) for one in traces]
        if _one_in_several([m.parameter for several in made for m in several]):
            for several, shapes in zip(made, found, strict=True):
                shapes.update(
                    (m.parameter.path, _general(m.parameter, place[1])) for m in several if m.parameter.general
                )
            continue
        several_fits = _fits(place, made)
        sequences += [(loop, fit) for loop, fits in several_fits for fit in fits]
        for loop, fits in several_fits:
            for several, shapes in zip(made, found, strict=True):
                shapes.update(_shaped(loop, fits, several, place))
    if sequences:
        _after(traces, sequences, found)
    return found


def _one_in_several(parameters: Sequence[TracedParameter]) -> bool:
    """Whether shapes in the loop's index are the same for parameters of several shapes; else they say nothing."""
    general = {p.general or p.shape for p in parameters}
    return any(p.general for p in parameters) and len(general) < len({p.shape for p in parameters})


def _general(p: TracedParameter, nest: Sequence[Loop]) -> Shape:
    """The shape in the loop's index; a quotient by what the loop counts is rounded, as the code says.

    That `16 // 2**i` had no remainder where it was seen says nothing of other numbers of iterations.
    """
    names = {loop.name for loop in nest}
    for loop in nest:
        names |= free_symbols(loop.bounds[1])
    nodes = [dim for dim in p.general if isinstance(dim, Node)]
    counted = {(c.left, c.right) for c in divisions_in(nodes) if free_symbols(c.left) & names}
    return tuple(floored(dim, counted) if isinstance(dim, Node) and counted else dim for dim in p.general)


@once_a_trace
def _outside(one: Trace) -> Mapping[tuple[str, int], TracedParameter]:
    """The parameters that were made in no loop, by their path without numbers, and how many there are before them."""
    before: defaultdict[str, int] = defaultdict(int)
    found: dict[tuple[str, int], TracedParameter] = {}
    for p in one.parameters:
        if not p.iterations:
            path = _NUMBER.sub("*", p.path)
            found[path, before[path]] = p
            before[path] += 1
    return found


def _left(traces: Sequence[Trace]) -> list[tuple[str, int]]:
    """Those of them whose size an index has that a loop left behind, if it is one expression in all traces.

    That it is one number in all of them may not be so at others: `min(2**n, 8)` is 8 at all but the first few.
    """
    if not any(p.general and not p.iterations for p in traces[0].parameters):
        return []
    known = [_outside(one) for one in traces]
    there = [key for key, p in known[0].items() if p.general and not loops_in(p.general)]
    return [
        key for key in there if all(key in others and others[key].general == known[0][key].general for others in known)
    ]


def _at(one: Trace, place: Place) -> Sequence[_Made]:
    """The parameters of a place in one trace, those that are alike there included."""
    known = _places(one).get(place)
    if known is not None:
        return known
    path, nest, order = place
    several: list[_Made] = []
    before: defaultdict[tuple[int, ...], int] = defaultdict(int)
    for p in one.parameters:
        if tuple(loop for loop, _ in p.iterations) == nest and _NUMBER.sub("*", p.path) == path:
            indices = tuple(index for _, index in p.iterations)
            if before[indices] == order:
                several.append(_Made(p, indices))
            before[indices] += 1
    return several


def _fits(place: Place, made: Sequence[Sequence[_Made]]) -> list[tuple[Loop, list[Sizes]]]:
    """A loop, and each dimension as a sequence in its index; none where there is no such loop."""
    for level, loop in enumerate(place[1]):
        numbers = [len({m.indices[level] for m in several}) for several in made]
        longest = made[numbers.index(max(numbers))]
        by_index: dict[int, Shape] = {}
        if loop.bounds[2] is not ex.const(1) or any(
            by_index.setdefault(m.indices[level], m.parameter.shape) != m.parameter.shape for m in longest
        ):
            continue
        indices = sorted(by_index)
        shapes = [by_index[i] for i in indices]
        if indices != list(range(indices[0], indices[0] + len(indices))) or len({len(s) for s in shapes}) > 1:
            continue
        for skipped in range(min(_FIRST, len(shapes)) + 1):
            for end in (len(shapes), len(shapes) - 1):
                columns = list(zip(*shapes[skipped:end], strict=True))
                fits = [sizes(indices[0] + skipped, column) for column in columns]
                if columns and None not in fits:
                    return [(loop, [fit for fit in fits if fit is not None])]
    return []


def _shaped(loop: Loop, fits: Sequence[Sizes], made: Sequence[_Made], place: Place) -> Iterator[tuple[str, Shape]]:
    """The parameters that are in the sequences, with their shape."""
    level = place[1].index(loop)
    nodes = [fit.node(ex.symbol(loop.name)) for fit in fits]
    if not any(loop.name in free_symbols(node) for node in nodes):
        return
    for m in made:
        shape, index = m.parameter.shape, m.indices[level]
        if len(shape) == len(fits) and all(fit.is_size(index, dim) for fit, dim in zip(fits, shape, strict=True)):
            yield (
                m.parameter.path,
                tuple(node if loop.name in free_symbols(node) else dim for node, dim in zip(nodes, shape, strict=True)),
            )


def _after(traces: Sequence[Trace], sequences: Sequence[tuple[Loop, Sizes]], found: list[dict[str, Shape]]) -> None:
    """What is made elsewhere and has, in every trace, the size that a sequence has at the end of its loop."""
    known = [_outside(one) for one in traces]
    for key in known[0]:
        if not all(key in others for others in known):
            continue
        there = [others[key] for others in known]
        shapes = [p.shape for p in there]
        if there[0].path in found[0] or len(set(shapes)) < 2 or len({len(shape) for shape in shapes}) > 1:
            continue
        dims = [_ended(traces, column, sequences) for column in zip(*shapes, strict=True)]
        if None not in dims:
            for own, p in zip(found, there, strict=True):
                own[p.path] = tuple(dim for dim in dims if dim is not None)


def _ended(
    traces: Sequence[Trace], column: Sequence[Node | int], sequences: Sequence[tuple[Loop, Sizes]]
) -> Node | int | None:
    """The one expression that a dimension is in all traces: the same, or a sequence at the end of its loop."""
    if len(set(column)) == 1:
        return column[0]
    for loop, fit in sequences:
        for step in (0, -1, 1):
            end = ex.add(loop.bounds[1], ex.const(step))
            ends = [value_at(end, one.symbols) for one in traces]
            if len(set(ends)) >= _ENDS and all(
                isinstance(n, int) and fit.is_size(n, size) for n, size in zip(ends, column, strict=True)
            ):
                return fit.node(end)
    return None


def exact_quotients(traces: Sequence[Trace]) -> tuple[set[Node], set[Node]]:
    """The sizes in whose quotients a formula takes no remainder for granted, and those whose quotients it rounds."""
    known, rounded = set[Node](), set[Node]()
    for one, shapes in zip(traces, indexed_shapes(traces), strict=True):
        for p in one.parameters:
            shape = shapes.get(p.path, p.shape)
            exact = shape is p.shape or any(_exact(dim) for dim in shape if isinstance(dim, Node))
            (known if exact else rounded).update(dim for dim in p.shape if isinstance(dim, Node))
            known.update(dim for dim in shape if isinstance(dim, Node) and not loops_in((dim,)))
    return known, rounded - known


def _exact(node: Node) -> bool:
    return node.op == "exact_div" or any(_exact(a) for a in node.args if isinstance(a, Node))


def beside_indices(traces: Sequence[Trace]) -> set[str]:
    """Fields that are in no size but together with the index of a loop, from which they are subtracted.

    `width + growth * (i - first)` says of *first* which layers are wider, not how wide a layer is.
    """
    beside, others = set[str](), set[str]()
    for one in traces:
        for general, shape in {(p.general, p.shape) for p in one.parameters}:
            for dim in general or shape:
                if isinstance(dim, Node):
                    found = _subtracted(dim) if loops_in((dim,)) else set[str]()
                    beside |= found
                    others |= free_symbols(dim) - found
    return beside - others


def _subtracted(node: Node) -> set[str]:
    """The fields that are subtracted from the index of a loop in an expression."""
    if node.op == "sub" and node.args[1].op == "sym" and loops_in((node.args[0],)):
        return {node.args[1].args[0]}
    inside = (part for part in node.args if isinstance(part, Node) and loops_in((part,)))
    return {n for part in inside for n in _subtracted(part)}


def numbering(shape: Shape, stars: Sequence[int], parameters: Sequence[TracedParameter]) -> int:
    """Which of the *stars* of a path has the numbers that belong to the indices of the loop in *shape*, one to one."""
    for name in loops_in(shape):
        indices = [next((i for loop, i in p.iterations if loop.name == name), -1) for p in parameters]
        for star in stars:
            numbers = [p.path.split(".")[star] for p in parameters]
            pairs = len(set(zip(numbers, indices, strict=True)))
            if pairs == len(set(numbers)) == len(set(indices)):
                return star
    return -1


def short_loops(traces: Sequence[Trace]) -> set[Loop]:
    """The loops whose iterations make other shapes each, and of which more should be known.

    No run has many iterations and they are no sequence; or too few runs tell what the size is where the loop ends.
    """
    known = indexed_shapes(traces)
    longest: dict[Loop, int] = {}
    for one, shapes in zip(traces, known, strict=True):
        for (_, nest, _), made in _places(one).items():
            if len({m.parameter.shape for m in made if m.parameter.path not in shapes}) > _FIRST:
                for level, loop in enumerate(nest):
                    number = len({m.indices[level] for m in made})
                    longest[loop] = max(longest.get(loop, 0), number)
    short = {loop for loop, number in longest.items() if number < _ENOUGH}
    ending = {loop for place in dict.fromkeys(p for one in traces for p in _places(one)) for loop in place[1]}
    for loop in ending - short:
        numbers = {value_at(loop.bounds[1], one.symbols) for one in traces}
        if len(numbers) < _ENDS:
            short.add(loop)
    return short
