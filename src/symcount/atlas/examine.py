"""One class of the atlas: its layouts, measured and checked. The answer is JSON; whatever goes wrong is a reason.

As a program (`python -m symcount.atlas.examine`) this reads requests from standard input, one JSON object a line, and
answers each with one: a worker of `symcount.atlas.build`, which another process may kill.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from symcount.errors import SymcountError

__all__ = ["activations", "examine"]

#: Sub-config classes that published checkpoints have besides the default: model type -> choices by sub-config.
_CHOICES: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "llava": (
        {"vision_config": "clip_vision_model", "text_config": "mistral"},
        {"vision_config": "siglip_vision_model", "text_config": "llama"},
        {"vision_config": "siglip_vision_model", "text_config": "qwen2"},
        {"vision_config": "pixtral", "text_config": "mistral"},
    ),
    "llava_next": (
        {"vision_config": "clip_vision_model", "text_config": "mistral"},
        {"vision_config": "clip_vision_model", "text_config": "qwen2"},
    ),
    "paligemma": ({"vision_config": "siglip_vision_model", "text_config": "gemma2"},),
    "internvl": ({"vision_config": "internvl_vision", "text_config": "llama"},),
    "blip-2": ({"text_config": "t5"},),
    "instructblip": ({"text_config": "t5"},),
}


@cache
def activations() -> frozenset[str]:
    """Names of activation functions that have no parameters."""
    from transformers.activations import ACT2FN

    found = set()
    for name in ACT2FN:
        try:
            if not list(ACT2FN[name].parameters()):
                found.add(name)
        except Exception:  # noqa: BLE001, S112  # an activation that needs a package that is not there
            continue
    return frozenset(found)


def examine(name: str, model_type: str, base: bool, *, seconds: float = 30, trials: int = 8) -> dict[str, Any]:
    """The entry of a class with its trees, or the reason why there is none."""
    from symcount.derive.resolve import model_class, shortened

    row: dict[str, Any] = {"class": name, "model_type": model_type, "base": base}
    try:
        cls: Any = model_class(name)
        found = _layouts(cls, seconds, trials)
    except SymcountError as error:
        return {**row, "reason": " ".join(str(error).split())[:300]}
    except Exception as error:  # noqa: BLE001  # a constructor raises whatever it likes
        return {**row, "reason": shortened(error)}
    said = str(getattr(cls.config_class, "model_type", "") or model_type)
    return {**row, "said": said, **found}


def _layouts(cls: Any, seconds: float, trials: int) -> dict[str, Any]:
    from symcount.atlas.check import check
    from symcount.atlas.measure import measure

    layouts: list[dict[str, Any]] = []
    trees: list[Any] = []
    notes: list[str] = []
    for raw, types in _bases(cls):
        try:
            found = measure(cls, raw, types, activations(), seconds=seconds, trials=trials)
            passed = check(found, activations(), trials)
        except SymcountError as error:
            if not layouts:
                raise
            notes.append(f"{json.dumps(types)}: {' '.join(str(error).split())[:300]}")
            continue
        item = {**found.layout.to_json(), "configs": passed}
        for formula in item["formulas"]:
            formula["tree"] += len(trees)
        trees += found.trees
        layouts.append(item)
    return {"layouts": layouts, "trees": trees, "notes": notes}


def _bases(cls: Any) -> list[tuple[dict[str, Any], dict[str, list[str]]]]:
    """The base configs: each sub-config given; then those with other sub-config classes."""
    from symcount.atlas.facts import facts_of, parts

    config = cls.config_class.from_dict({})
    raw: dict[str, Any] = {}
    types: dict[str, list[str]] = {}
    for path, instance in parts(config).items():
        if not path:
            continue
        section, _, key = path.rpartition(".")
        owner = parts(config)[section]
        target = raw
        for name in section.split(".") if section else ():
            target = target[name]
        target[key] = {}
        kind = facts_of(owner).automatic.get(key)
        if kind is not None:
            kind = str(getattr(type(instance), "model_type", kind))
            target[key]["model_type"] = kind
            types[path] = [kind, ""] if kind == facts_of(owner).automatic[key] else [kind]
    found = [(raw, types)]
    try:
        cls.config_class.from_dict(json.loads(json.dumps(raw)))
    except Exception:  # noqa: BLE001  # a sub-config that is given may need more than its defaults
        found = [({}, {path: [*kinds] for path, kinds in types.items()})]
    for choice in _CHOICES.get(str(cls.config_class.model_type), ()):
        other = json.loads(json.dumps(raw))
        for path, kind in choice.items():
            other[path] = {"model_type": kind}
        found.append((other, {**types, **{path: [kind] for path, kind in choice.items()}}))
    return found


def _serve() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the build ends us
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what a model prints is no answer
    for line in sys.stdin:
        request = line.strip()  # the first one is empty: what every class needs is imported before its time counts
        answer = examine(**json.loads(request)) if request else {"activations": sorted(activations())}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
