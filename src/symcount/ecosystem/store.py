"""Formulas of models of diffusers and timm that many people use, as data: counted without torch, and without SymPy.

`libraries.bin` lies beside the atlas and is written in its text form of expressions by `python -m
symcount.ecosystem.build`. A class has variants, each for one choice of what is no number; a config that is none of
them, or that lies outside a variant's domain, is left to the package's own code.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from symcount.atlas.compiled import compiled
from symcount.exact.arithmetic import HOLDS, as_written

__all__ = ["CONVENTIONS", "FILE", "flat", "is_number", "matches", "stored_totals", "totals_at"]

FILE: Final = "libraries.bin"
CONVENTIONS: Final = ("unique", "per_layer", "non_embedding", "active", "trainable")
#: Keys of a file of timm that say nothing of its sizes.
_OF_TIMM: Final = ("architecture", "num_classes", "model_args", "num_features", "pretrained_cfg", "global_pool",
                   "pretrained_cfg_overlay")  # fmt: skip


def stored_totals(fields: Mapping[str, Any]) -> tuple[str, dict[str, int]] | None:
    """Name and totals by convention of a config of diffusers or timm; `None` if it is not one of those stored."""
    data = _data()
    if isinstance(name := fields.get("_class_name"), str):
        found = data["diffusers"].get(name)
        if found is None:
            return None
        known = found["defaults"]
        arguments = {**known, **{k: v for k, v in fields.items() if k in known}}
        leaves = flat(arguments)
        totals = [totals_at(variant, leaves) for variant in found["variants"] if matches(variant, leaves)]
    else:
        name = str(fields.get("architecture", "")).partition(".")[0]
        entry = data["timm"].get(name)
        changed = _changed(fields)
        if entry is None or changed is None or not changed.keys() <= entry["arguments"].keys():
            return None
        variant = data["variants"][entry["variant"]]
        totals = [totals_at(variant, {**variant["fixed"], **entry["arguments"], **changed})]
    return next(((name, one) for one in totals if one is not None), None)


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    file = resources.files("symcount.ecosystem").joinpath(FILE)
    if not file.is_file():
        return {"diffusers": {}, "timm": {}, "variants": []}
    found: dict[str, Any] = json.loads(zlib.decompress(file.read_bytes()))
    return found


def _changed(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments that a file of timm gives beside the name; `None` if it gives more than numbers."""
    given = fields.get("model_args") or {}
    if fields.keys() - set(_OF_TIMM) or not isinstance(given, Mapping):
        return None
    found = dict(given)
    if fields.get("num_classes") is not None:
        found.setdefault("num_classes", fields["num_classes"])
    return found if all(map(is_number, found.values())) else None


def is_number(value: object) -> bool:
    """Whether a value is a number, which a formula may have as a symbol.

    >>> is_number(3), is_number(0.5), is_number(True), is_number(None)
    (True, True, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool)


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """The leaves of arguments by path, those in lists and dicts with theirs; of a class its name.

    >>> flat({"depths": [2, 6], "more": {"bias": True}, "names": []})
    {'depths[0]': 2, 'depths[1]': 6, 'more.bias': True, 'names': []}
    """
    found: dict[str, Any] = {}
    for name, item in _items(value, path):
        if (isinstance(item, Mapping) or type(item) in (list, tuple)) and item:
            found.update(flat(item, name))
        elif isinstance(item, tuple):
            found[name] = list(item)
        elif item is None or isinstance(item, bool | int | float | str | list | dict):
            found[name] = item
        else:
            found[name] = _named(item)
    return found


def _items(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"{path}.{name}" if path else str(name), item) for name, item in value.items())
    else:
        yield from ((f"{path}[{i}]", item) for i, item in enumerate(value))


def _named(item: Any) -> str:
    """A class, a function, or one with some of its arguments, by name."""
    if hasattr(item, "func"):
        return f"{_named(item.func)} {sorted(flat(item.keywords).items())}"
    return f"{getattr(item, '__module__', '')}.{getattr(item, '__qualname__', type(item).__qualname__)}"


def matches(variant: Mapping[str, Any], leaves: Mapping[str, Any]) -> bool:
    """Whether arguments are of a variant: numbers where it has numbers, and everything else as it is."""
    numbers, fixed = variant["numbers"], variant["fixed"]
    if leaves.keys() != {*numbers, *fixed} or not all(is_number(leaves[path]) for path in numbers):
        return False
    return all(type(leaves[path]) is type(value) and leaves[path] == value for path, value in fixed.items())


def totals_at(variant: Mapping[str, Any], leaves: Mapping[str, Any]) -> dict[str, int] | None:
    """The totals at these arguments; `None` if they are outside the variant's domain."""
    if not matches(variant, leaves) or any(leaves[path] != value for path, value in variant["pinned"].items()):
        return None
    names = [f"x{i}" for i in range(len(variant["numbers"]))]
    given = (leaves[path] for path in variant["numbers"])
    values = [value if isinstance(value, int) else as_written(value) for value in given]
    conditions, texts = variant["conditions"], variant["totals"]
    try:
        sides = compiled([side for _, left, right in conditions for side in (left, right)], names)(*values)
        if not all(HOLDS[how](sides[2 * i], sides[2 * i + 1]) for i, (how, _, _) in enumerate(conditions)):
            return None
        numbers = compiled([texts.get(c, texts["unique"]) for c in CONVENTIONS], names)(*values)
    except (ArithmeticError, ValueError):
        return None
    if any(number.denominator != 1 for number in numbers):
        return None
    return dict(zip(CONVENTIONS, map(int, numbers), strict=True))
