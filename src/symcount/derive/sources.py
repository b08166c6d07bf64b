"""Where a config comes from: its class and the arguments that make it, read from whatever the caller has."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

from symcount.errors import DerivationError

#: Key in a config's ``__dict__`` that holds its dotted path: unlike an identity it survives ``copy.deepcopy``.
PATH_KEY: Final = "_symcount_path"


@dataclass(frozen=True)
class ConfigSource:
    """How to construct a config: its class and the arguments that differ from the defaults."""

    cls: type
    kwargs: dict[str, Any] = field(default_factory=dict)


def is_config(value: object) -> bool:
    """Whether ``value`` is a config or sub-config: a transformers config, or an instance of any dataclass."""
    return (dataclasses.is_dataclass(value) and not isinstance(value, type)) or hasattr(type(value), "attribute_map")


def source_of(config: Any, model_class: type) -> ConfigSource:
    """Accept a config class, an instance, ``(class, kwargs)``, keyword arguments, or ``None`` for the defaults."""
    if isinstance(config, ConfigSource):
        return config
    if isinstance(config, type):
        return ConfigSource(config)
    if isinstance(config, tuple) and len(config) == 2 and isinstance(config[0], type):
        return ConfigSource(config[0], dict(config[1]))
    if config is None or isinstance(config, Mapping):
        config_class = getattr(model_class, "config_class", None)
        if config_class is None:
            raise DerivationError(f"{model_class.__name__} names no config class; pass a config instance or class")
        return ConfigSource(config_class, dict(config or {}))
    if is_config(config):
        return _source_of_instance(config)
    raise DerivationError(f"cannot read a config from {type(config).__name__!r}")


def _source_of_instance(config: Any) -> ConfigSource:
    """The arguments that reproduce ``config``.

    A number that the class leaves ``None`` by default and fills itself with the same value (``head_dim``) is left to
    the class, so that it comes out as an expression, not as a symbol of its own.
    """
    cls = type(config)
    if hasattr(config, "to_diff_dict"):
        given = {k: v for k, v in vars(config).items() if not k.startswith("_") and k not in _BOOKKEEPING}
    else:
        given = {f.name: getattr(config, f.name) for f in dataclasses.fields(config) if f.init}
    defaults = dict(defaults_of(cls))
    kwargs = {k: v for k, v in given.items() if k not in defaults or _differs(defaults[k](), v)}
    labels = kwargs.get("id2label")
    if hasattr(config, "to_diff_dict") and not _differs(labels, _default_labels(labels)):
        kwargs["num_labels"] = len(kwargs.pop("id2label"))
        kwargs.pop("label2id", None)
    optional = [k for k in kwargs if k in defaults and defaults[k]() is None and not is_config(kwargs[k])]
    trial = cls(**{k: v for k, v in kwargs.items() if k not in optional})
    for name in optional:
        if not _differs(getattr(trial, name, None), kwargs[name]):
            del kwargs[name]
    nested = {k: _source_of_instance(v) for k, v in kwargs.items() if is_config(v)}
    return ConfigSource(cls, kwargs | nested)


_BOOKKEEPING: Final = {"transformers_version", "torch_dtype", "dtype", "name_or_path", PATH_KEY}


def _default_labels(labels: Any) -> Any:
    return {i: f"LABEL_{i}" for i in range(len(labels))} if isinstance(labels, dict) else object()


def _differs(a: Any, b: Any) -> bool:
    return type(a) is not type(b) or bool(a != b)


Defaults = tuple[tuple[str, Callable[[], Any]], ...]
_DEFAULTS: Final[WeakKeyDictionary[type, Defaults]] = WeakKeyDictionary()


def _identity(value: Any) -> Any:
    return value


def defaults_of(cls: type) -> Defaults:
    """The constructor arguments of a config class, each with a function that makes its default value."""
    if cls not in _DEFAULTS:
        _DEFAULTS[cls] = tuple(_find_defaults(cls).items())
    return _DEFAULTS[cls]


def _find_defaults(cls: type) -> dict[str, Callable[[], Any]]:
    found: dict[str, Callable[[], Any]] = {}
    own_constructor = any("__init__" in vars(base) and not _generated(base) for base in cls.__mro__[:-1])
    if dataclasses.is_dataclass(cls) and not own_constructor:
        for f in dataclasses.fields(cls):
            if not f.init:
                continue
            if f.default_factory is not dataclasses.MISSING:
                found[f.name] = f.default_factory
            else:
                found[f.name] = partial(_identity, f.default)
        return found
    constructor: Any = getattr(cls, "__init__")  # noqa: B009  (mypy distrusts cls.__init__)
    for name, parameter in inspect.signature(constructor).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            found[name] = partial(_identity, parameter.default)
    return found


def _generated(cls: type) -> bool:
    """Whether ``cls.__init__`` was made by ``dataclass`` (or by a wrapper around such a one)."""
    code = getattr(inspect.unwrap(vars(cls)["__init__"]), "__code__", None)
    return code is None or code.co_filename == "<string>"
