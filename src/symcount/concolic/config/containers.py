"""Configs of every kind that people write: dicts, namespaces, named tuples, pydantic and attrs models, plain classes.

A trace wants a class whose constructor takes the fields by name, whose instances have a place for a note, and whose
reads can be observed. Dataclasses and transformers' configs are that; for anything else a class *stands in*: a subclass
of its own class, so that `isinstance` and its methods and properties go on to work.

>>> from types import SimpleNamespace
>>> source = source_of_other(SimpleNamespace(width=8, depth=2))
>>> source.cls.__mro__[1].__name__, source.kwargs
('SimpleNamespace', {'width': 8, 'depth': 2})
"""

from __future__ import annotations

import argparse
import copy
import enum
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, Final

from symcount.concolic.config.config_source import PATH_KEY, ConfigSource, fields_in, is_config
from symcount.concolic.config.stand_ins import (
    ORIGINAL,
    ConfigDict,
    attribute_dict,
    filled,
    original,
    stands_in,
    subclass,
)
from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt
from symcount.errors import DerivationError

__all__ = ["is_inner", "source_of_other"]

_DATA: Final = (bool, int, float, str, list, tuple, dict, type(None))


def source_of_other(config: Any) -> ConfigSource | None:
    """How to construct what stands in for *config*; `None` if that is no config of any other kind.

    The values in it are as they are, configs of whatever kind among them.
    """
    cls = type(config)
    if stands_in(cls):
        return ConfigSource(cls, {name: value for name, value in fields_in(config).items() if name != PATH_KEY})
    if is_config(config) or isinstance(config, type):
        return None
    if isinstance(config, Mapping):
        if not _named(config):
            raise DerivationError(f"a config whose keys are no names cannot be followed: {list(config)!r:.80}")
        named = dict(config.items())
        return ConfigSource(ConfigDict if cls is dict else attribute_dict(cls, _has_attributes(config)), named)
    if isinstance(config, tuple) and hasattr(config, "_fields"):
        return ConfigSource(subclass(cls, {}), dict(zip(config._fields, config, strict=True)))
    if hasattr(cls, "__pydantic_decorators__"):
        return ConfigSource(_validated(cls), {name: getattr(config, name) for name in cls.model_fields})
    return _of_object(config) if _is_object(config) else None


def _named(config: Mapping[Any, Any]) -> bool:
    """Whether the keys of a mapping can be parts of a path."""
    return all(isinstance(name, str) and name and not set(name) & set(".[]#") for name in config)


def is_inner(value: Any) -> bool:
    """Whether *value*, met inside a config, may be a config of another kind."""
    if isinstance(value, Mapping):
        return bool(value) and _named(value)
    if isinstance(value, tuple) or not _is_object(value):
        return hasattr(value, "_fields")
    cls = type(value)
    return cls in (SimpleNamespace, argparse.Namespace) or cls.__module__.partition(".")[0] not in _LIBRARIES


def _has_attributes(config: Mapping[Any, Any]) -> bool:
    """Whether the items of a mapping are its attributes, too."""
    found = [_same_item(config, name) for name in config if str(name).isidentifier() and not hasattr(dict, str(name))]
    return any(found) or (not found and not type(config).__module__.startswith("collections"))


def _same_item(config: Any, name: Any) -> bool:
    try:
        return getattr(config, name) is config[name] or bool(getattr(config, name) == config[name])
    except Exception:  # noqa: BLE001  # a missing value of OmegaConf, an attribute that is none
        return False


def _validated(cls: type) -> type:
    """A pydantic model that keeps symbolic numbers: the validation, which makes plain ones of them, runs beforehand."""
    base: Any = cls
    after = [d.func for d in base.__pydantic_decorators__.model_validators.values() if d.info.mode == "after"]

    def constructor(self: Any, **fields: Any) -> None:
        base.__init__(self, **{name: _plain(value) for name, value in fields.items()})
        own = vars(self)
        for name, value in fields.items():
            field_name = name if name in own else next((n for n, f in base.model_fields.items() if f.alias == name), "")
            if field_name in own:
                own[field_name] = _restored(own[field_name], value)
        for validator in after:  # once more, with the symbolic numbers
            validator(self)

    from typing import ClassVar

    annotations = {"attribute_map": ClassVar[dict[str, str]], ORIGINAL: ClassVar[type]}
    return subclass(cls, {"__init__": constructor, "__annotations__": annotations})


def _plain(value: Any) -> Any:
    """*value* with plain numbers in it."""
    if isinstance(value, SymbolicInt):
        return int(value)
    if isinstance(value, SymbolicFloat):
        return float(value)
    if type(value) in (list, tuple):
        return type(value)(_plain(item) for item in value)
    if isinstance(value, dict) and not is_config(value):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _restored(found: Any, given: Any) -> Any:
    """What validation made of a *given* value, with the symbolic numbers of that where it is equal to them."""
    if isinstance(given, SymbolicInt | SymbolicFloat):
        same = (
            isinstance(found, int) is isinstance(given, int) and not isinstance(found, bool) and _plain(given) == found
        )
        return given if same else found
    if isinstance(given, list | tuple) and isinstance(found, list | tuple) and len(given) == len(found):
        return type(found)(_restored(f, g) for f, g in zip(found, given, strict=True))
    if is_config(given):
        return given if isinstance(found, original(type(given))) else found
    if isinstance(given, dict) and isinstance(found, dict):
        return {name: _restored(item, given.get(name)) for name, item in found.items()}
    return found


def _is_object(value: object) -> bool:
    """Whether *value* is an object with attributes, no function, tensor, module or value of the standard library."""
    cls = type(value)
    if isinstance(value, SimpleNamespace | argparse.Namespace):
        return True
    if isinstance(value, type | FunctionType | ModuleType | enum.Enum | PurePath | Sequence | set | frozenset | slice):
        return False
    home = cls.__module__.partition(".")[0]
    if home in ("torch", "numpy", "builtins", "sympy") or (home in sys.stdlib_module_names and home != "__main__"):
        return False
    if callable(value) or _is_module(cls):
        return False
    return bool(getattr(cls, "__dictoffset__", 0)) or any("__slots__" in vars(base) for base in cls.__mro__)


def _is_module(cls: type) -> bool:
    return any(base.__module__.startswith("torch.") for base in cls.__mro__)


_LIBRARIES: Final = ("torch", "transformers", "numpy", "huggingface_hub", "symcount", "PIL", "tokenizers")


def _of_object(config: Any) -> ConfigSource:
    """A namespace or an instance of a plain class: made by its own constructor where its attributes say with what."""
    cls = type(config)
    arguments = None if cls in (SimpleNamespace, argparse.Namespace) else _arguments(config)
    if arguments is not None:
        return ConfigSource(subclass(cls, {}, "runs"), arguments)
    return ConfigSource(filled(cls), {**_class_attributes(cls), **fields_in(config)})


def _class_attributes(cls: type) -> dict[str, Any]:
    """The data that a class itself has: `class Config: width = 64`."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):
        data = {n: v for n, v in vars(base).items() if not n.startswith("__") and type(v) in _DATA}
        found.update({n: v for n, v in data.items() if n not in (ORIGINAL, "attribute_map")})
    return found


def _arguments(config: Any) -> dict[str, Any] | None:
    """The arguments with which its class's constructor makes *config*, if its attributes of these names are that."""
    cls = type(config)
    constructor: Any = next((vars(base)["__init__"] for base in cls.__mro__[:-1] if "__init__" in vars(base)), None)
    if constructor is None:
        return None
    try:
        parameters = list(inspect.signature(constructor).parameters.values())[1:]
    except (TypeError, ValueError):
        return None
    state, found = fields_in(config), {}
    for parameter in parameters:
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            return None
        if parameter.name in state:
            found[parameter.name] = state[parameter.name]
        elif parameter.kind != parameter.VAR_KEYWORD and parameter.default is parameter.empty:
            return None
    try:
        again = fields_in(cls(**copy.deepcopy(found)))
        same = again.keys() == state.keys() and all(_alike(again[n], value) for n, value in state.items())
    except Exception:  # noqa: BLE001  # the class may want anything
        return None
    return found if same else None


def _alike(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if (
        not isinstance(a, _DATA)
        and fields_in(a)
        and "__eq__" not in {n for base in type(a).__mro__[:-1] for n in vars(base)}
    ):
        x, y = fields_in(a), fields_in(b)
        return x.keys() == y.keys() and all(_alike(x[n], y[n]) for n in x)
    return bool(a == b)
