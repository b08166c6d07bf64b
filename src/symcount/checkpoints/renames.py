"""From the names in a file to the names of the model, by the rules by which transformers loads it.

A name is renamed by every rule that matches, in turn; then one *converter* may put several tensors together (the
experts of a layer become one tensor) or take one apart. Here the shapes go that way, not the weights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod

from symcount.checkpoints.loading import Loading, Rename
from symcount.checkpoints.logical import LogicalTensor

__all__ = ["rename"]

Shape = tuple[int, ...] | None
Parts = dict[str, list[LogicalTensor]]  # by what the rule calls its source or target


def rename(
    loading: Loading, tensors: Iterable[LogicalTensor], known: Callable[[str], bool], shape_of: Callable[[str], Shape]
) -> list[LogicalTensor]:
    """The *tensors* under the model's names.

    Args:
        loading: how the class is loaded.
        tensors: as the file has them.
        known: whether the model has a tensor of a name.
        shape_of: the shape that the model has for a name, where all of that path have the same.
    """
    renamings = [_Rule(r) for r in loading.renames if not r.operations]
    converters = [_Rule(r) for r in loading.renames if r.operations]
    whole: list[LogicalTensor] = []
    parts: dict[str, tuple[_Rule, Parts]] = {}
    for tensor in sorted(tensors, key=lambda t: _natural(t.name)) if _ordered(loading) else tensors:
        name, rule, source = _renamed(tensor.name, renamings, converters, loading.prefix, known)
        if rule is None or not known(name):
            whole.append(tensor if name == tensor.name else replace(tensor, name=name))
        else:
            parts.setdefault(name, (rule, {}))[1].setdefault(source, []).append(tensor)
    for name, (rule, collected) in parts.items():
        whole += _converted(name, rule.rule, collected, shape_of)
    return whole


def _ordered(loading: Loading) -> bool:
    """Whether the order of the names matters: for lists that are put together, and for rules that wait for a name."""
    return any(r.grouped or r.operations for r in loading.renames)


def _natural(name: str) -> list[tuple[int, int | str]]:
    return [(0, int(p)) if p.isdecimal() and len(p) < 20 else (1, p) for p in name.split(".")]


class _Rule:
    """A rule with its compiled pattern; whether its first source was seen."""

    def __init__(self, rule: Rename) -> None:
        self.rule = rule
        self.pattern = re.compile(rule.pattern)
        self.seen = False

    def apply(self, name: str) -> tuple[str, str | None]:
        """The new name, and the source that matched; the same name and `None` if none did."""
        prefix, rest = "", name
        if self.rule.scope is not None:
            scope, base = (f"{part}." if part else "" for part in self.rule.scope)
            found = next((p for p in (base + scope, scope) if name.startswith(p)), None)
            if found is None:
                return name, None
            prefix, rest = found, name.removeprefix(found)
        match = self.pattern.search(rest)
        if match is None:
            return name, None
        group = next(g for g, text in match.groupdict().items() if text is not None)
        place = int(group[1:])
        if self.rule.grouped:
            if place == 0:
                self.seen = True
            elif not self.seen:
                return name, None
        target = self.rule.targets[place if self.rule.grouped else 0]
        first = self.pattern.groupindex[group]

        def inner(reference: re.Match[str]) -> str:
            text = match.group(first + int(reference[1])) or ""
            return str(int(text) + self.rule.offset) if self.rule.offset else text

        target = re.sub(r"\\(\d)", inner, target)
        return prefix + rest.replace(match.group(0), target, 1), self.rule.sources[place]


def _renamed(
    name: str, renamings: Sequence[_Rule], converters: Sequence[_Rule], base: str, known: Callable[[str], bool]
) -> tuple[str, _Rule | None, str]:
    """The model's name for a tensor of the file, with the converter that it goes through."""
    new, used, source = name, None, ""
    for rule in renamings:
        new, _ = rule.apply(new)
    for rule in converters:
        changed, matched = rule.apply(new)
        if matched is not None:
            new, used, source = changed, rule, matched
            break
    new = _based(new, base, known)
    if not known(new) and known(plainly := _based(name, base, known)):
        return plainly, None, ""  # it has its name already, and should not have been renamed
    return new, used, source


def _based(name: str, base: str, known: Callable[[str], bool]) -> str:
    """*name* with or without the name of the base model, as the model has it."""
    if not base:
        return name
    prefix = f"{base}."
    if name.startswith(prefix) and not known(name) and known(name.removeprefix(prefix)):
        return name.removeprefix(prefix)
    return prefix + name if not known(name) and known(prefix + name) else name


def _converted(name: str, rule: Rename, parts: Parts, shape_of: Callable[[str], Shape]) -> list[LogicalTensor]:
    """What a converter makes of its parts; *name* has the first target in it."""
    targets = [name if t == rule.targets[0] else name.replace(rule.targets[0], t, 1) for t in rule.targets]
    groups = {s: parts[s] for s in rule.sources if s in parts}
    lists: list[list[Shape]] = [[t.shape for t in group] for group in groups.values()]
    for operation in rule.operations:
        lists = _OPERATIONS.get(operation[0], _unknown)(lists, operation[1:], targets, shape_of)
    made = [shape for shapes in lists for shape in shapes]
    tensors = [t for group in groups.values() for t in group]
    size, most, least = (sum(getattr(t, a) for t in tensors) for a in ("size", "most", "least"))
    sources, dtype = tuple(s for t in tensors for s in t.sources), tensors[0].dtype
    if len(made) != len(targets):  # parts are missing, or of an unknown kind: only their number is known
        made = [None] * len(targets)
    if len(targets) == 1:
        return [LogicalTensor(targets[0], made[0], most, least, size, sources, dtype)]
    found = []
    for target, shape in zip(targets, made, strict=True):
        expected = shape if shape is not None else shape_of(target)
        elements = prod(expected) if expected is not None else 0
        share = size * elements // most if most else 0
        found.append(
            LogicalTensor(target, shape, elements if shape else most, elements if shape else 0, share, sources, dtype)
        )
    return found


Operation = Callable[[list[list[Shape]], tuple[int, ...], list[str], Callable[[str], Shape]], list[list[Shape]]]


def _merge(lists: list[list[Shape]], numbers: tuple[int, ...], *_: object) -> list[list[Shape]]:
    """Tensors of one shape are stacked along a new dimension."""
    return [[_stacked(shapes, numbers[0])] for shapes in lists]


def _stacked(shapes: list[Shape], dim: int) -> Shape:
    first = shapes[0] if shapes else None
    if first is None or any(s != first for s in shapes):
        return None
    return (*first[:dim], len(shapes), *first[dim:])


def _concatenate(lists: list[list[Shape]], numbers: tuple[int, ...], *_: object) -> list[list[Shape]]:
    """Tensors are put one after the other along a dimension."""
    return [[_joined([s for shapes in lists for s in shapes], numbers[0])]]


def _joined(shapes: list[Shape], dim: int) -> Shape:
    known = [s for s in shapes if s is not None]
    rest = {(*s[:dim], *s[dim + 1 :]) for s in known}
    if len(known) < len(shapes) or len(rest) != 1 or any(len(s) <= dim for s in known):
        return None
    return (*known[0][:dim], sum(s[dim] for s in known), *known[0][dim + 1 :])


def _chunk(lists: list[list[Shape]], numbers: tuple[int, ...], targets: list[str], _: object) -> list[list[Shape]]:
    """One tensor is cut into equal pieces along a dimension."""
    shape, dim = lists[0][0], numbers[0]
    if shape is None or len(shape) <= dim or shape[dim] % len(targets):
        return [[None] * len(targets)]
    return [[(*shape[:dim], shape[dim] // len(targets), *shape[dim + 1 :])] * len(targets)]


def _split(
    lists: list[list[Shape]], numbers: tuple[int, ...], targets: list[str], shape_of: Callable[[str], Shape]
) -> list[list[Shape]]:
    """One tensor is cut into pieces of the sizes that the model has for them."""
    shape, wanted, dim = lists[0][0], [shape_of(t) for t in targets], numbers[0]
    return [list(wanted) if _joined(wanted, dim) == shape else [None] * len(targets)]


def _transpose(
    lists: list[list[Shape]], numbers: tuple[int, ...], targets: list[str], shape_of: Callable[[str], Shape]
) -> list[list[Shape]]:
    """Two dimensions change places; with a third number only where the shape would not do as it is."""
    shape, (one, other, *check) = lists[0][0], numbers
    if shape is None or max(one, other) >= len(shape) or (any(check) and shape == shape_of(targets[0])):
        return [[shape]]
    dims = list(shape)
    dims[one], dims[other] = dims[other], dims[one]
    return [[tuple(dims)]]


def _split_experts(
    lists: list[list[Shape]], numbers: tuple[int, ...], targets: list[str], _: object
) -> list[list[Shape]]:
    """Each list is cut into as many parts as there are targets; parts are stacked, then joined over the lists."""
    made = []
    for place in range(len(targets)):
        pieces = []
        for shapes in lists:
            size = -(-len(shapes) // len(targets))
            pieces.append(_stacked(shapes[place * size : (place + 1) * size], numbers[0]))
        made.append(_joined(pieces, numbers[0] + 1))
    return [list(made)]


def _same(lists: list[list[Shape]], *_: object) -> list[list[Shape]]:
    """Rows change places; the shape stays."""
    return lists


def _unknown(lists: list[list[Shape]], *_: object) -> list[list[Shape]]:
    return [[None]] if lists else []


_OPERATIONS: Mapping[str, Operation] = {
    "Chunk": _chunk,
    "Concatenate": _concatenate,
    "ErnieFuseAndSplitTextVisionExperts": _split_experts,
    "Interleave": _same,
    "MergeModulelist": _merge,
    "PermuteForRope": _same,
    "Split": _split,
    "Transpose": _transpose,
}
