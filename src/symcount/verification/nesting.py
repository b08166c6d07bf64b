"""Fields by dotted name as the nested keyword arguments of a config class.

An option that a formula was derived with is told to the config class as if a file said it. A sub-config that is told
anything is made of that alone, so that nothing is told that is so anyway, and the rest as the class has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from symcount.core.paths import value_at, with_value, with_values

__all__ = ["nested"]


def nested(fields: Mapping[str, Any], cls: Any) -> dict[str, Any]:
    """The *fields* as what *cls* is called with; those that the config classes compute are left out.

    Args:
        fields: by name; a dotted one is of a sub-config.
        cls: the config class.
    """
    said = _settable({name: value for name, value in fields.items() if "." not in name}, cls)
    told = {name: value for name, value in fields.items() if "." in name}
    usual = _made(cls, said) if told else None
    told = {name: value for name, value in told.items() if usual is None or not _same(_at(usual, name), value)}
    found = dict(said)
    for section in sorted({name.partition(".")[0] for name in told} - said.keys()):
        inner = _at(usual, section)
        if hasattr(inner, "to_diff_dict"):
            found[section] = {**inner.to_diff_dict(), "model_type": inner.model_type}
    found = with_values(found, told)
    for path in sorted({name.rpartition(".")[0] for name in told}):
        part = value_at(found, path)
        found = with_value(found, path, _settable(part, _class_of(part.get("model_type"), _at(usual, path))))
    return found


def _settable(fields: Mapping[str, Any], cls: Any) -> dict[str, Any]:
    """Those fields that may be given to a config class; those that it computes may not."""
    computed = {name for name in fields if isinstance(found := getattr(cls, name, None), property) and not found.fset}
    return {name: value for name, value in fields.items() if name not in computed}


def _made(cls: Any, fields: Mapping[str, Any]) -> Any:
    """The config of these fields; `None` if its class insists on others."""
    with suppress(Exception):  # the validation of a config class may raise anything
        return cls(**fields)
    return None


def _at(config: Any, path: str) -> Any:
    """The value at a path of a config object; `None` where there is none."""
    with suppress(Exception):  # a property may raise anything
        return value_at(config, path, attribute=getattr)
    return None


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _class_of(model_type: Any, usual: Any) -> Any:
    """The config class of a model type; that of the *usual* config where transformers does not know it."""
    mapping = import_module("transformers.models.auto.configuration_auto").CONFIG_MAPPING
    return mapping[model_type] if isinstance(model_type, str) and model_type in mapping else type(usual)
