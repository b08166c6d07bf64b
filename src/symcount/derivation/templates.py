"""Templates: the path of a module with `*` for those numbers in it that are the index of a layer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from symcount.concolic.traces import TracedParameter

__all__ = ["NUMBER", "Path", "Place", "merge", "prune", "stem_of"]

Path = tuple[str, ...]
NUMBER: Final = re.compile(r"\d+(?=\D*\Z)")


@lru_cache(maxsize=4096)
def stem_of(name: str) -> str:
    """The name with `*` for its last number."""
    return NUMBER.sub("*", name)


@dataclass
class Place:
    """One module of one trace."""

    path: str
    cls: type
    key: int
    parameters: list[TracedParameter] = field(default_factory=list)
    children: dict[str, Place] = field(default_factory=dict)
    names: Path = ()
    _signature: Any = None

    def signature(self) -> Any:
        """What is in the module: two with equal ones are alike."""
        if self._signature is None:
            self._signature = (
                tuple((p.name, p.shape) for p in self.parameters),
                tuple((name, child.signature()) for name, child in self.children.items()),
            )
        return self._signature


def prune(place: Place) -> bool:
    """Drop modules without parameters; true if anything is left."""
    if place.children:
        place.children = {name: child for name, child in place.children.items() if prune(child)}
        place.names = tuple(place.children)
    return bool(place.parameters or place.children)


def merge(
    prefix: Path, instances: list[list[Place]], templates: list[dict[str, Path]], classes: dict[Path, type],
    *, looped: bool = False,
) -> None:  # fmt: skip
    """Give every module of *instances* (per trace, the modules that share the template *prefix*) its template.

    Args:
        prefix: that template.
        instances: the modules.
        templates: by path, which are added to.
        classes: by template, which are added to.
        looped: whether the elements of a list are those of a loop where each was made in the iteration of its number.
    """
    for trace, places in enumerate(instances):
        for place in places:
            templates[trace][place.path] = prefix
            classes.setdefault(prefix, place.cls)
    parts = dict.fromkeys(place.names for places in instances for place in places)  # most have the same
    stems: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for names in parts for name in names):
        stems.setdefault(stem_of(name), []).append(name)
    for stem, members in stems.items():
        if "*" in stem and (_varies(stem, members, parts, instances) or (looped and _in_turn(members, instances))):
            groups = {stem: members}
        else:
            groups = {name: [name] for name in members}
        for segment, group in groups.items():
            below = [
                [place.children[n] for place in places for n in group if n in place.children] for places in instances
            ]
            merge((*prefix, segment), below, templates, classes, looped=looped)


def _varies(stem: str, members: list[str], parts: Iterable[Path], instances: list[list[Place]]) -> bool:
    """Whether the numbers under *stem* are an index: they differ between places, or all elements are alike."""
    wanted = set(members)
    sets = {frozenset(wanted.intersection(names)) for names in parts}
    sets.discard(frozenset())
    if len(sets) > 1:
        return True
    if stem != "*" or len(members) < 2:
        return False
    for places in instances:
        for place in places:
            found = [place.children[name].signature() for name in members if name in place.children]
            if any(signature != found[0] for signature in found[1:]):
                return False
    return True


def _in_turn(members: list[str], instances: list[list[Place]]) -> bool:
    """Whether each of several elements was made in the iteration of a loop that has its number."""
    every = [p.children[n] for places in instances for p in places for n in members if n in p.children]
    return len(members) > 1 and all(
        any(index == int(NUMBER.findall(place.path)[0]) for _, index in p.iterations)
        for place in every
        for p in _parameters(place)
    )


def _parameters(place: Place) -> Iterator[TracedParameter]:
    yield from place.parameters
    for child in place.children.values():
        yield from _parameters(child)
