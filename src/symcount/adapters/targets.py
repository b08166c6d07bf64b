"""Which modules PEFT adapts where a config does not say, and what becomes of the experts of a mixture.

In transformers 5 the experts of many mixtures are stacked parameters, and PEFT converts what a config says of them as
modules: the fused gate and up of the experts get twice the rank, the router an adapter. Sources: `utils/constants.py`
and `utils/transformers_weight_conversion.py` of PEFT 0.21. `python -m benchmarks.peft_table` writes the table beside
this file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any, Final

from symcount.adapters.config import ALL_LINEAR, AdapterConfig
from symcount.adapters.methods import LINEAR
from symcount.adapters.prompts import PROMPTS
from symcount.errors import OptionError
from symcount.formulas.formula import Formula
from symcount.storage.precision import SAVED

__all__ = ["completed", "table"]

_HEADS: Final = ("classifier", "score")
_TASKS: Final = ("SEQ_CLS", "TOKEN_CLS")


@cache
def table() -> Mapping[str, Any]:
    """Default targets by method and model type; the model types whose experts are converted, and how."""
    found: Mapping[str, Any] = json.loads(files("symcount.adapters").joinpath("peft.json").read_text("utf-8"))
    return found


def completed(config: AdapterConfig, base: Formula) -> AdapterConfig:
    """*config* as PEFT has it when it meets a model: with the default targets, with what is converted, with heads.

    Raises:
        OptionError: PEFT knows no default targets for the model.
    """
    fields = dict(config.fields)
    if fields.get("task_type") in _TASKS:
        fields[SAVED] = [*dict.fromkeys([*(fields.get(SAVED) or ()), *_HEADS])]
    if config.kind in PROMPTS:
        return replace(config, fields=fields)
    names = table()["converted"].get(base.model_type) if config.kind == "LORA" and not fields.get("converted") else None
    if names is not None and not _read_back(fields):
        return _converted(replace(config, fields=fields), base, names)
    if fields.get("target_modules") is None and not fields.get("target_parameters"):
        found = table()["targets"][config.kind.lower()].get(base.model_type)
        if found is None:
            raise _without_targets(config, base)
        fields["target_modules"] = found
        if config.kind == "IA3" and fields.get("feedforward_modules") is None:
            fields["feedforward_modules"] = table()["feedforward"].get(base.model_type, [])
    return replace(config, fields=fields)


def _without_targets(config: AdapterConfig, base: Formula) -> OptionError:
    return OptionError(
        f"{config.source}: PEFT has no default target_modules for models of type {base.model_type!r}; name the "
        f"modules, such as q_proj, or {ALL_LINEAR}"
    )


def _read_back(fields: Mapping[str, Any]) -> bool:
    """Whether a config was written by PEFT after it had met its model: nothing in it is converted again."""
    return bool(fields.get("target_parameters")) and isinstance(fields.get("target_modules"), list)


def _converted(config: AdapterConfig, base: Formula, kind: str) -> AdapterConfig:
    """What PEFT makes of modules that are parts of stacked experts."""
    names: Mapping[str, str] = table()["names"][kind]
    fused: Mapping[str, Sequence[str]] = table()["fused"][kind]
    wanted = config.fields.get("target_modules")
    if isinstance(wanted, str):
        wanted = _resolved(config, base, names, wanted)
    parameters, modules = set(config.fields.get("target_parameters") or ()), []
    found: dict[str, set[str]] = {}
    for target in wanted or ():
        old = next((o for o in names if target == o or target.endswith(f".{o}")), None)
        if old is None:
            modules.append(target)
            continue
        parameters.add(names[old])
        found.setdefault(names[old], set()).add(old)
    multiples = dict(config.multiples)
    for new, parts in fused.items():
        present = found.get(new, set())
        if missing := sorted(set(parts) - present) if present else []:
            raise OptionError(
                f"{config.source}: target_modules has {', '.join(sorted(present))} without {', '.join(missing)}, with "
                f"which it is fused into {new}; name both"
            )
        if present and len(parts) > 1:
            multiples[rf".*\.{re.escape(new)}"] = len(parts)
    if not parameters and not modules:
        raise _without_targets(config, base)
    fields = {**config.fields, "target_modules": sorted(modules), "target_parameters": sorted(parameters)}
    return replace(config, fields=fields, multiples=multiples)


def _resolved(config: AdapterConfig, base: Formula, names: Mapping[str, str], wanted: str) -> list[str]:
    """The last names of the modules that a pattern, or `all-linear`, means."""
    last: set[str] = set()
    if wanted.lower() == ALL_LINEAR:
        for path, block in base.tree.walk():
            if block.kind in LINEAR and block.role != "head":
                last.add(path.rpartition(".")[2])
        return sorted(last | set(names))
    containers: dict[str, str] = {}
    for path, block in base.tree.walk():
        concrete = path.replace("*", "0")
        for key in (concrete, *(f"{concrete}.{p.name}" for p in block.parameters)):
            if config.targets(key, linear=False):
                last.add(key.rpartition(".")[2])
        containers |= {p.name: concrete for p in block.parameters}
    for old, new in names.items():
        if new in containers and config.targets(f"{containers[new]}.{old}", linear=False):
            last.add(old)
    return sorted(last)
