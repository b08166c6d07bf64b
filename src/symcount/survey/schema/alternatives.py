"""Values that a config might have at a key instead of its default, as published files and the code name them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from symcount.atlas.codes import MISSING
from symcount.core.paths import section_of
from symcount.survey.schema.choices import WORDS
from symcount.survey.schema.config_class import Part, attribute, compared
from symcount.survey.schema.probe import Probe

__all__ = ["DICTS", "ROPES", "alternatives"]

#: Rotary embeddings as published configs have them; their parameters are buffers, which a probe shows for each class.
ROPES: tuple[dict[str, Any], ...] = (
    {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0},
    {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0},
    {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024, "rope_theta": 10000.0},
    {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
     "original_max_position_embeddings": 1024, "rope_theta": 10000.0},
    {"rope_type": "default", "rope_theta": 50000.0},
    {"rope_type": "longrope", "long_factor": [1.0] * 48, "short_factor": [1.0] * 48, "factor": 4.0,
     "original_max_position_embeddings": 1024, "rope_theta": 10000.0},
    {"rope_type": "longrope", "long_factor": [1.0] * 64, "short_factor": [1.0] * 64, "factor": 4.0,
     "original_max_position_embeddings": 1024, "rope_theta": 10000.0},
    {"type": "su", "long_factor": [1.0] * 48, "short_factor": [1.0] * 48, "factor": 4.0,
     "original_max_position_embeddings": 1024, "rope_theta": 10000.0},
    {"type": "longrope", "long_factor": [1.0] * 64, "short_factor": [1.0] * 64, "long_mscale": 1.2,
     "short_mscale": 1.2, "original_max_position_embeddings": 1024, "rope_theta": 10000.0},
    {"type": "mrope", "mrope_section": [16, 24, 24], "rope_theta": 10000.0},
)  # fmt: skip
#: Names by number, as `aggregation_labels` has them.
DICTS: tuple[dict[str, Any], ...] = ({"0": "x"}, {"0": "x", "1": "y", "2": "z"})
_SIZE = re.compile(r"dim|size|num_|heads|rank|layers|kernel|length|bucket")


def alternatives(probe: Probe, path: str, current: Any, activations: Iterable[str]) -> list[Any]:
    """Values that a config might have at *path* instead of its default."""
    found = probe.declared(path)
    key = path.rpartition(".")[2]
    options: list[Any]
    if key == "rope_scaling":
        return [None, *(dict(r) for r in ROPES)]
    if found is None:
        return _undeclared(probe, key, current, activations)
    kinds = found.types.get(key, "")
    default = probe.default(path)
    options = []
    if "b" in kinds:
        options += [True, False]
    if isinstance(default, str) or (default is None and "s" in kinds):
        options += _strings(probe, path, found, key, activations)
    if default is None:
        filled = attribute(probe.instances.get(section_of(path)), key)
        usual = int(filled) * 2 if isinstance(filled, int) and not isinstance(filled, bool) and filled > 1 else 8
        options += [n for k, n in (("i", usual), ("f", 0.5)) if k in kinds][:1]
    if "rope" in key and "l" not in kinds:
        options += [dict(r) for r in ROPES]
    elif "l" in kinds:
        options += [[]]
        words = _strings(probe, path, found, key, ())
        if len(words) > 1 and (default is None or (default and isinstance(default, list | str))):
            options += [words[:2], words[1::-1], "|".join(words[:2]), "|".join(words[1::-1])]
    if "d" in kinds and "rope" not in key and not key.endswith("_config"):
        options += [dict(d) for d in DICTS]
    if "n" in kinds:
        options += [None]
    return [o for o in options if not (type(o) is type(default) and o == default)]


def _undeclared(probe: Probe, key: str, current: Any, activations: Iterable[str]) -> list[Any]:
    options: list[Any]
    options = [True, False] if isinstance(current, bool) or current is MISSING else []
    if current is MISSING:
        words = [w for w in compared(probe.cls.__module__).get(key, ()) if w][:4]
        options = [8, None] if _SIZE.search(key) else [True, False, 0.5, *words, None]
        options += ["relu", "gelu"] if "act" in key.split("_") else []
    if isinstance(current, int) and not isinstance(current, bool) and current > 0:
        options = [int(current) * 2]
    if isinstance(current, str) and current in activations:
        options += [a for a in ("relu", "gelu") if a != current]
    return options


def _strings(probe: Probe, path: str, found: Part, key: str, activations: Iterable[str]) -> list[str]:
    strings: dict[str, None] = dict.fromkeys(found.literals.get(key, ()))
    # `layer_types = ["basic", "bottleneck"]`, and `supported_padding` of `global_padding`
    for name in (f"{key}s", f"supported_{key.rpartition('_')[2]}"):
        listed = getattr(found.cls, name, None)
        if isinstance(listed, list | tuple):
            strings.update((x, None) for x in listed if isinstance(x, str))
    names = {key, *(alias for alias, target in found.aliases.items() if target == key)}
    modules = {
        found.cls.__module__,
        probe.cls.__module__,
        found.cls.__module__.replace("configuration_", "modeling_"),
    }
    for module in sorted(modules):
        for name in sorted(names):
            strings.update(dict.fromkeys(compared(module).get(name, ())))
    strings.update(dict.fromkeys(WORDS.get(key, ())))
    default = probe.default(path)
    if default in activations:
        strings.update(dict.fromkeys(a for a in ("relu", "gelu") if a != default))
    return [s for s in strings if s != default][:6]
