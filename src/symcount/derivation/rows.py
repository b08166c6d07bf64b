"""Repeated structure: the parameters of several traces become rows, and each row knows how often it occurs in each.

A list whose length differs between traces (or whose elements are all alike) is written with `*` for its index:
`encoder.layer.*.output.dense`. A row is a parameter name under such a template together with its symbolic shape. How
its multiplicity depends on the depths is the business of `symcount.derivation.multiplicity`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symcount.concolic.traces import Trace, TracedParameter, once_a_trace
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import Iteration
from symcount.derivation.indexed_shapes import Shape, indexed_shapes, numbering
from symcount.derivation.templates import NUMBER, Path, Place, merge, prune, stem_of

__all__ = ["Row", "Rows", "collect"]


Counted = dict["Row", tuple[int, tuple[int, ...], Counter[tuple[Iteration, ...]], tuple[int, ...], int]]
LARGE = 1 << 30  # no list is so long


@dataclass(frozen=True)
class Row:
    """A parameter under a template path.

    Attributes:
        path: the owner's path, `*` for list indices that depend on a depth.
        name: the parameter's name in its owner.
        shape: symbolic dimensions.
        alias: template of the tensor it shares memory with, or `None`.
        same_layer: the owner is the very module that owns that tensor.
        trainable: `requires_grad`.
    """

    path: Path
    name: str
    shape: tuple[Node | int, ...]
    alias: str | None
    same_layer: bool
    trainable: bool

    @property
    def stars(self) -> tuple[int, ...]:
        """Positions of the `*` in the full path, that of an index in the parameter's own name last."""
        return tuple(i for i, part in enumerate((*self.path, self.name)) if "*" in part)


@dataclass
class Rows:
    """All rows of some traces.

    Attributes:
        counts: row -> its multiplicity in each trace, in the order of the model.
        classes: template path -> class of the module there.
        nested: row with several `*` -> for each trace, how many modules there are down to the first `*`, the second, ….
        made: row -> for each trace, how many of its parameters were made in which iterations of the code's loops.
        places: row -> for each trace, the indices in its list of modules of the parameters that were made in no loop.
        lengths: template path of the elements of a list -> in each trace the index after the last one.
        firsts: template path of the elements of a list -> the index of the first one.
        numbered: row whose shape depends on the index of a loop -> the position of the `*` that this index numbers.
    """

    counts: dict[Row, list[int]]
    classes: dict[Path, type]
    nested: dict[Row, list[tuple[int, ...]]] = field(default_factory=dict)
    made: dict[Row, list[Counter[tuple[Iteration, ...]]]] = field(default_factory=dict)
    places: dict[Row, list[tuple[int, ...]]] = field(default_factory=dict)
    lengths: dict[Path, list[int]] = field(default_factory=dict)
    firsts: dict[Path, int] = field(default_factory=dict)
    numbered: dict[Row, int] = field(default_factory=dict)

    def factors(self, row: Row) -> list[list[int | None]]:
        """The row's multiplicity level by level: N layers, and in each of them E experts.

        One list a level, with an entry a trace, `None` where there is nothing to count in; their product is the
        multiplicity. One list, the multiplicity itself, where the elements of a level do not all have as many parts.
        """
        levels = self.nested.get(row, [])
        found: list[list[int | None]] = []
        for level in range(len(levels[0]) if levels else 0):
            column: list[int | None] = []
            for numbers in levels:
                outer = numbers[level - 1] if level else 1
                if outer and numbers[level] % outer:
                    return [list(self.counts[row])]
                column.append(numbers[level] // outer if outer else None)
            found.append(column)
        return found or [list(self.counts[row])]


def collect(traces: Sequence[Trace], *, looped: bool = False) -> Rows:
    """Bring the parameters of *traces* (one model at several depths) under common templates.

    Args:
        traces: of the model.
        looped: whether the elements of a list are those of a loop where each was made in the iteration of its number;
            otherwise only where some trace has more of them than another, or all are alike.
    """
    trees = [_tree(trace) for trace in traces]
    templates: list[dict[str, Path]] = [{} for _ in traces]
    classes: dict[Path, type] = {}
    merge((), [[tree.root] for tree in trees], templates, classes, looped=looped)
    indexed = _indexed_names(trees, templates)
    general = indexed_shapes(traces)
    counted = [
        tree.counted(trace, paths, indexed, shapes)
        for trace, tree, paths, shapes in zip(traces, trees, templates, general, strict=True)
    ]
    counts: dict[Row, list[int]] = {}
    nested: dict[Row, list[tuple[int, ...]]] = {}
    made: dict[Row, list[Counter[tuple[Iteration, ...]]]] = {}
    places: dict[Row, list[tuple[int, ...]]] = {}
    numbered: dict[Row, int] = {}
    # the deepest trace shows every row that any shows, nearly always: its order is the model's
    for index in sorted(range(len(traces)), key=lambda i: -len(traces[i].parameters)):
        for row, (times, levels, iterations, indices, star) in counted[index].items():
            if star >= 0:
                numbered.setdefault(row, star)
            counts.setdefault(row, [0] * len(traces))[index] = times
            made.setdefault(row, [Counter()] * len(traces))[index] = iterations
            if indices:
                places.setdefault(row, [()] * len(traces))[index] = indices
            if levels:
                nested.setdefault(row, [(0,) * len(levels)] * len(traces))[index] = levels
    lengths: dict[Path, list[int]] = {}
    firsts: dict[Path, int] = {}
    for row, found in places.items():
        element = (*row.path, row.name)[: row.stars[0] + 1]
        firsts[element] = min([firsts.get(element, LARGE), *(i for indices in found for i in indices)])
        known = lengths.setdefault(element, [0] * len(traces))
        known[:] = [max(n, *(i + 1 for i in indices), 0) for n, indices in zip(known, found, strict=True)]
    return Rows(counts, classes, nested, made, places, lengths, firsts, numbered)


@dataclass
class _Tree:
    """The modules of one trace that have parameters, and what was counted in it under the last templates.

    Attributes:
        root: the model.
        numbered: names of parameters that differ in a number, by the path of their module.
    """

    root: Place
    numbered: list[tuple[str, str, frozenset[str]]]
    _known: tuple[dict[str, Path], set[tuple[Path, str]], dict[str, Shape], Counted] | None = None

    def counted(
        self, trace: Trace, templates: dict[str, Path], indexed: set[tuple[Path, str]], shapes: dict[str, Shape]
    ) -> Counted:
        """How often each row occurs, and if it has several `*`, the numbers of modules down to each of them."""
        if self._known is None or self._known[:3] != (templates, indexed, shapes):
            self._known = templates, indexed, shapes, _counted(trace, templates, indexed, shapes)
        return self._known[3]


@once_a_trace
def _tree(trace: Trace) -> _Tree:
    places: dict[str, Place] = {}
    for module in trace.modules:
        place = places[module.path] = Place(module.path, module.cls, module.module_key)
        if module.path:
            parent, _, name = module.path.rpartition(".")
            places[parent].children[name] = place
    numbered: dict[tuple[str, str], set[str]] = {}
    for parameter in trace.parameters:
        places[parameter.module_path].parameters.append(parameter)
        stem = stem_of(parameter.name)
        if "*" in stem:
            numbered.setdefault((parameter.module_path, stem), set()).add(parameter.name)
    root = places[""]
    prune(root)
    return _Tree(root, [(path, stem, frozenset(members)) for (path, stem), members in numbered.items()])


def _indexed_names(trees: Sequence[_Tree], templates: Sequence[Mapping[str, Path]]) -> set[tuple[Path, str]]:
    """Parameter names whose number is an index (`weight_ih_l0`, one a layer): it goes further in some modules."""
    sets: dict[tuple[Path, str], set[frozenset[str]]] = {}
    for tree, paths in zip(trees, templates, strict=True):
        for path, stem, members in tree.numbered:
            sets.setdefault((paths[path], stem), set()).add(members)
    return {key for key, found in sets.items() if len(found) > 1}


def _counted(
    trace: Trace, templates: Mapping[str, Path], indexed: set[tuple[Path, str]], shapes: Mapping[str, Shape]
) -> Counted:
    owners: dict[int, tuple[Path, str, int]] = {}  # tensor -> template of its first name, and the module that has it
    keys = {module.path: module.module_key for module in trace.modules}
    members: dict[tuple[Any, ...], list[TracedParameter]] = {}  # the fields of a row -> its parameters
    for parameter in trace.parameters:
        path = templates[parameter.module_path]
        module = keys[parameter.module_path]
        name = parameter.name
        if indexed and (path, stem := stem_of(name)) in indexed:
            name = stem
        owner = owners.get(parameter.tensor_key)
        alias, same = None, False
        if owner is None:
            owners[parameter.tensor_key] = path, name, module
        else:
            alias, same = ".".join((*owner[0], owner[1])), owner[2] == module
        shape = shapes.get(parameter.path, parameter.shape) if shapes else parameter.shape
        fields = (path, name, shape, alias, same, parameter.requires_grad)
        members.setdefault(fields, []).append(parameter)
    found: Counted = {}
    for fields, parameters in members.items():
        row = Row(*fields)
        stars = row.stars
        levels: tuple[int, ...] = ()
        if len(stars) > 1:
            concrete = [p.path.split(".") for p in parameters]
            levels = tuple(len({tuple(parts[: star + 1]) for parts in concrete}) for star in stars)
        places: tuple[int, ...] = ()
        if len(stars) == 1:
            named = [p.path.split(".")[stars[0]] for p in parameters if not p.iterations]
            places = tuple([int(NUMBER.search(part)[0]) for part in named])  # type: ignore[index]  # it is starred
        star = numbering(row.shape, row.stars, parameters) if shapes else -1
        found[row] = len(parameters), levels, Counter(p.iterations for p in parameters), places, star
    return found
