"""What a config computes, lists and objects layer by layer: a rule by which it is told from other numbers.

A file that transformers saves has them, beside the numbers that they were made of. Said once more, they are what the
config makes of these numbers anyway. The config class is asked for them at many numbers; the rule is found on some of
the answers and confirmed on the others. It speaks of one layer at a time: `i` is the index of a layer, `n` how many
there are.

>>> rule = {"form": "list", "depth": "n", "cases": [[[["every", 2, 1]], "full"], [[], "sliding"]]}
>>> said(rule, {"n": 4})
['sliding', 'full', 'sliding', 'full']
>>> said({"form": "list", "depth": "n", "cases": [[[["below", "k"]], "dense"], [[], "sparse"]]}, {"n": 3, "k": 2})
['dense', 'dense', 'sparse']
>>> said({"form": "indices", "depth": "n", "cases": [[[["last", 2]], True], [[], None]]}, {"n": 5})
[3, 4]
>>> said({"form": "stages", "depth": "n", "more": 1, "cases": [[[], True]]}, {"n": 2})
['stem', 'stage1', 'stage2']
>>> said({"form": "number", "terms": ["floor", "hidden", "heads"]}, {"hidden": 768, "heads": 12})
64
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from symcount.core.paths import path_of, section_of

__all__ = ["LONGEST", "REFERENCE", "holds", "is_said", "said"]

#: Layers that a list may have.
LONGEST: Final = 10_000
#: Before the path of a number in an element.
REFERENCE: Final = "$"


def holds(test: list[Any], i: int, n: int, numbers: Mapping[str, Any]) -> bool:
    """Whether a test holds for the layer with index *i* of *n*; one of a number that is none holds for no layer."""
    kind, *arguments = test
    a, b = (numbers.get(x) if isinstance(x, str) else x for x in (*arguments, 0)[:2])
    if type(a) is not int or type(b) is not int:
        return False
    match kind:
        case "below":
            return i < a
        case "from":
            return i >= a
        case "last":
            return i >= n - a
        case "before":  # the last ones
            return i < n - a
        case "every":
            return a > 0 and (i + b) % a == 0
        case "between":
            return a > 0 and (i + b) % a != 0
        case _:  # counted from the last one
            return a > 0 and (n - 1 - i + b) % a == 0


def said(rule: Mapping[str, Any], numbers: Mapping[str, Any]) -> Any:
    """What the config computes beside *numbers*, `None` if a number that it takes is none.

    Args:
        rule: `form`: a `number`, with `terms`; a `list`, the `indices` of layers, the names of `stages`, or an object
            of `layers` by their numbers with what they have in place of numbers of the config; `depth`, the path of the
            number of layers, and how many `more` there are; whether the list may be `longer`; `cases`, tests of a layer
            and what stands for it if all hold, the first one counts.
        numbers: by path.
    """
    if rule["form"] == "number":
        kind, one, other = rule["terms"]
        return _number(kind, one, other, numbers)
    n = numbers.get(rule["depth"])
    if type(n) is not int or not 0 <= n <= LONGEST:
        return None
    n += rule.get("more", 0)
    if any(isinstance(x, str) and type(numbers.get(x)) is not int
           for tests, _ in rule["cases"] for _, *arguments in tests for x in arguments):  # fmt: skip
        return None
    elements = [
        next(element for tests, element in rule["cases"] if all(holds(test, i, n, numbers) for test in tests))
        for i in range(n)
    ]
    match rule["form"]:
        case "list":
            return [_filled(x, numbers) for x in elements]
        case "indices":
            return [i for i, x in enumerate(elements) if x is not None]
        case "stages":
            return [f"stage{i}" if i else "stem" for i, x in enumerate(elements) if x is not None]
        case _:
            section = section_of(rule["depth"])
            usual = {key: numbers.get(path_of(section, key)) for x in elements for key in x or ()}
            own = (_filled(x or {}, numbers) for x in elements)
            differing = ({k: v for k, v in x.items() if v != usual[k]} for x in own)
            return {i: x for i, x in enumerate(differing) if x}


def is_said(rule: Mapping[str, Any], value: Any, numbers: Mapping[str, Any]) -> bool:
    """Whether *value* is what the config computes; the numbers of layers in an object may begin with zeros."""
    if isinstance(value, dict) and all(isinstance(key, str) and key.isdecimal() for key in value):
        if len(by_number := {int(key): x for key, x in value.items()}) != len(value):
            return False
        value = by_number
    found = said(rule, numbers)
    if rule.get("longer") and isinstance(value, list) and isinstance(found, list):
        value = value[: len(found)]
    return found is not None and type(value) is type(found) and bool(value == found)


def _number(kind: str, one: str | int, other: str | int, numbers: Mapping[str, Any]) -> int | None:
    a, b = (numbers.get(x) if isinstance(x, str) else x for x in (one, other))
    if type(a) is not int or type(b) is not int:
        return None
    match kind:
        case "floor":
            return a // b if b else None
        case "times":
            return a * b
        case _:
            return a + b


def _filled(element: Any, numbers: Mapping[str, Any]) -> Any:
    if isinstance(element, dict):
        return {key: _filled(value, numbers) for key, value in element.items()}
    if isinstance(element, str) and element.startswith(REFERENCE):
        return numbers.get(element.removeprefix(REFERENCE))
    return element
