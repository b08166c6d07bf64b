"""Telling the layers of a list apart: the cases of a rule (see `atlas.computed`), found on samples of it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from symcount.atlas.computed import REFERENCE, holds
from symcount.core.paths import path_of, section_of

__all__ = ["MOST", "Sample", "cases_of", "forms_of", "several_named"]

#: Cases of a rule, kinds of layers, and other numbers that a rule takes.
MOST: Final = 5
_PERIODS: Final = range(2, 13)
_COUNTS: Final = range(1, 9)
_STAGE: Final = re.compile(r"stem|stage[1-9]\d*")


@dataclass(frozen=True)
class Sample:
    """Numbers that were given, and what the class saved beside them."""

    numbers: dict[str, Any]
    value: Any


def forms_of(usual: Any) -> list[tuple[str, int]]:
    """The forms that a list or an object may have, and how many more elements than layers."""
    if isinstance(usual, dict):
        layers = all(key.isdecimal() and isinstance(value, dict) for key, value in usual.items())
        return [("layers", 0)] if usual and layers else []
    if usual and all(type(x) is int for x in usual) and sorted(set(usual)) == usual:
        return [("indices", 0), ("indices", 1), ("list", 0)]
    if usual and all(isinstance(x, str) and _STAGE.fullmatch(x) for x in usual):
        return [("stages", 1)]
    return [("list", 0)] if usual else []


def cases_of(
    form: str,
    more: int,
    depth: str,
    others: Mapping[str, list[int]],
    samples: list[Sample],
    *,
    named: bool | tuple[str, ...] = True,
) -> list[list[Any]] | None:
    """Cases that tell every layer of all samples, `None` if there are none as simple as that.

    Args:
        form: of the list or object; see `forms_of`.
        more: how many more elements than layers there are.
        depth: path of the number of layers.
        others: paths of the other numbers that change it.
        samples: what the class saved.
        named: whether a number in an element that is that of the config is taken for it, rather than for a constant;
            or the paths of the numbers that every element is one of, the first that is.
    """
    rows: list[tuple[int, int, dict[str, Any]]] = []
    classes: dict[str, int] = {}
    usual = {key for sample in samples if isinstance(sample.value, dict) for x in sample.value.values() for key in x}
    for sample in samples:
        n = sample.numbers[depth] + more
        if isinstance(named, tuple) and len({sample.numbers[name] for name in named}) < len(named):
            continue  # which of them an element is cannot be told
        elements = _elements(form, n, sample, others if named is True else {}, named or ())
        if elements is not None and form == "layers":
            elements = [x and {**_implied(x, depth, others, sample, usual), **x} for x in elements]
        if elements is None:
            return None
        for i, element in enumerate(elements):
            said = json.dumps(element, sort_keys=True)  # what is implied comes in another order
            classes[said] = classes.get(said, 0) | 1 << len(rows)
            rows.append((i, n, sample.numbers))
    if not 1 <= len(classes) <= MOST:
        return None
    tests = {json.dumps(test): test for test in _tests(others)}
    masks = {
        text: sum(1 << r for r, (i, n, numbers) in enumerate(rows) if holds(test, i, n, numbers))
        for text, test in tests.items()
    }
    cases: list[list[Any]] = []
    left = (1 << len(rows)) - 1
    while left:
        remaining = {said: mask & left for said, mask in classes.items() if mask & left}
        if len(remaining) == 1:
            return [*cases, [[], json.loads(next(iter(remaining)))]]
        if len(cases) == MOST or (best := _best(masks, remaining, left)) is None:
            return None
        chosen, element = best
        cases.append([[tests[text] for text in chosen], json.loads(element)])
        for text in chosen[1:]:
            masks[chosen[0]] &= masks[text]
        left &= ~masks[chosen[0]]
        masks = {text: sum_ for text, sum_ in masks.items() if text != chosen[0]}
    return cases or None


def several_named(others: Iterable[str], samples: list[Sample]) -> Iterator[tuple[str, ...]]:
    """Two numbers of the config such that every element of all samples is one of them: heads here, fewer there."""
    if any(not isinstance(s.value, list) or any(type(x) is not int for x in s.value) for s in samples):
        return
    for pair in itertools.permutations(others, 2):
        if all({*s.value} <= {s.numbers[name] for name in pair} for s in samples):
            yield pair


def _best(masks: Mapping[str, int], classes: Mapping[str, int], left: int) -> tuple[tuple[str, ...], str] | None:
    """The test, or two of them, that tells most layers of one kind and no other's."""
    found: tuple[int, tuple[str, ...], str] | None = None
    for pair in (False, True):
        chosen: Iterator[tuple[str, ...]]
        chosen = itertools.combinations(masks, 2) if pair else ((text,) for text in masks)
        for texts in chosen:
            mask = left & masks[texts[0]] & (masks[texts[1]] if pair else -1)
            for element, own in classes.items():
                if mask and not mask & ~own and (found is None or mask.bit_count() > found[0]):
                    found = mask.bit_count(), texts, element
        if found is not None:
            return found[1], found[2]
    return None


def _tests(others: Mapping[str, list[int]]) -> Iterator[list[Any]]:
    """Tests of a layer, the simplest first."""
    for a in (*others, *_COUNTS):
        yield from (["below", a], ["from", a], ["last", a], ["before", a])
    for a in others:
        yield from ([kind, a, b] for b in (0, 1, *(x for x in others if x != a)) for kind in ("every", "between"))
    for a in _PERIODS:
        yield from ([kind, a, b] for b in range(a) for kind in ("every", "between", "back"))


def _elements(
    form: str, n: int, sample: Sample, others: Mapping[str, list[int]], named: tuple[str, ...] | bool = ()
) -> list[Any] | None:
    """What stands for each layer, `None` if it is no such list."""
    value = sample.value
    if form == "stages":
        names = [f"stage{i}" if i else "stem" for i in range(n)]
        known = isinstance(value, list) and set(value) <= set(names)
        return [True if name in value else None for name in names] if known else None
    if form == "indices":
        inside = isinstance(value, list) and all(type(x) is int and 0 <= x < n for x in value)
        return [True if i in value else None for i in range(n)] if inside and sorted(set(value)) == value else None
    if form == "list" and isinstance(named, tuple) and named:
        found = [next((REFERENCE + name for name in named if sample.numbers[name] == x), x) for x in value]
        return found if len(found) == n else None
    if form == "list":
        return [_named(x, sample, others) for x in value] if isinstance(value, list) and len(value) == n else None
    if not isinstance(value, dict) or not all(key.isdecimal() and int(key) < n for key in value):
        return None
    by_number = {int(key): x for key, x in value.items()}
    return [_named(by_number.get(i), sample, others) for i in range(n)]


def _implied(
    element: Mapping[str, Any], depth: str, others: Mapping[str, list[int]], sample: Sample, keys: set[str]
) -> dict[str, Any]:
    """What a layer has at keys that it has as the config has them, which an object of layers does not say."""
    paths = {key: path_of(section_of(depth), key) for key in keys - element.keys()}
    return {key: sample.numbers[path] for key, path in sorted(paths.items()) if path in others}


def _named(element: Any, sample: Sample, others: Mapping[str, list[int]]) -> Any:
    """An element with the paths of its numbers that are those of the config."""
    if isinstance(element, dict):
        return {key: _named(value, sample, others) for key, value in element.items()}
    if type(element) is int and element > max(_PERIODS):
        names = [name for name in others if sample.numbers[name] == element]
        return REFERENCE + names[0] if len(names) == 1 else element
    return element
