"""From the names in a file to the names of the model, by the rules by which transformers loads it.

A name is renamed by every rule that matches, in turn; then one *converter* may put several tensors together (the
experts of a layer become one tensor) or take one apart. Here the shapes go that way, not the weights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import prod

from symcount.checkpoints.loading import Loading, Rename
from symcount.checkpoints.logical import LogicalTensor
from symcount.verification.matching import INDEX

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
    names = _Names(loading, known)
    whole: list[LogicalTensor] = []
    parts: dict[str, tuple[Rename, Parts]] = {}
    for tensor in sorted(tensors, key=lambda t: _natural(t.name)) if names.waits else tensors:
        name, rule, source = names.of(tensor.name)
        if rule is None:
            whole.append(tensor if name == tensor.name else replace(tensor, name=name))
        else:
            parts.setdefault(name, (rule, {}))[1].setdefault(source, []).append(tensor)
    for name, (rule, collected) in parts.items():
        whole += _converted(name, rule, collected, shape_of)
    return whole


def _natural(name: str) -> list[tuple[int, int | str]]:
    return [(0, int(p)) if p.isdecimal() and len(p) < 20 else (1, p) for p in name.split(".")]


class _Names:
    """The names of the model for the names of a file.

    Where no rule speaks of a certain index, all names of one template are renamed alike: once for each template, with
    numbers in it that are found again in what comes out.
    """

    def __init__(self, loading: Loading, known: Callable[[str], bool]) -> None:
        self._renamings = [_Rule(r) for r in loading.renames if not r.operations]
        self._converters = [_Rule(r) for r in loading.renames if r.operations]
        self._base, self._known = loading.prefix, known
        self.waits = any(r.grouped for r in loading.renames)
        self._alike = not self.waits and not any(r.offset or _speaks_of_numbers(r) for r in loading.renames)
        self._cache: dict[str, tuple[list[str | int], Rename | None, str]] = {}

    def of(self, name: str) -> tuple[str, Rename | None, str]:
        """The model's name, the converter that it goes through, and the source of the converter that it is."""
        if not self._alike:
            return self._renamed(name)
        numbers: list[str] = []

        def taken(match: re.Match[str]) -> str:
            numbers.append(match[0])
            return "*"

        path = INDEX.sub(taken, name)
        if (found := self._cache.get(path)) is None:
            marks = iter(range(_MARK, 2 * _MARK))
            new, rule, source = self._renamed(INDEX.sub(lambda _: str(next(marks)), name))
            digits = re.split(r"(\d+)", new)
            pieces: list[str | int] = [int(p) - _MARK if p.isdecimal() and len(p) == _DIGITS else p for p in digits]
            if sum(isinstance(p, int) for p in pieces) != sum(c.isdecimal() and len(c) >= _DIGITS for c in digits):
                self._alike = False  # a rule writes digits beside an index
                return self._renamed(name)
            found = self._cache[path] = pieces, rule, source
        pieces, rule, source = found
        return "".join([p if isinstance(p, str) else numbers[p] for p in pieces]), rule, source

    def _renamed(self, name: str) -> tuple[str, Rename | None, str]:
        new, used, source = name, None, ""
        for rule in self._renamings:
            new, _ = rule.apply(new)
        for rule in self._converters:
            changed, matched = rule.apply(new)
            if matched is not None:
                new, used, source = changed, rule.rule, matched
                break
        new = self._based(new)
        if self._known(new):
            return new, used, source
        plainly = self._based(name)
        if self._known(plainly):  # it has its name already, and should not have been renamed
            return plainly, None, ""
        return new, None, ""

    def _based(self, name: str) -> str:
        """*name* with or without the name of the base model, as the model has it."""
        if not self._base or self._known(name):
            return name
        prefix = f"{self._base}."
        if name.startswith(prefix) and self._known(name.removeprefix(prefix)):
            return name.removeprefix(prefix)
        return prefix + name if self._known(prefix + name) else name


_MARK = 10**11  # a number that no name has; those after it stand for the other indices of the name
_DIGITS = len(str(_MARK))


def _speaks_of_numbers(rule: Rename) -> bool:
    """Whether it matters to the rule which indices a name has, or how long they are."""
    pattern = re.sub(r"\(\?P<g\d+>", "(", rule.pattern)
    return bool(re.search(r"\d|\\d\{|\[", pattern))


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
