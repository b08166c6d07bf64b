"""What a user may ask to derive: a class, a class name, a model type, a config in any form."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from types import FunctionType
from typing import Any

from symcount.concolic.config.config_source import ConfigSource
from symcount.concolic.config.source import source_of
from symcount.config.config import Config, read
from symcount.config.files import looks_like_path
from symcount.config.filetypes import check_typed, nameless
from symcount.config.model_types import meant
from symcount.derivation.own_models import config_of_instance, is_module, own_model
from symcount.derivation.packages import named, packaged
from symcount.derivation.user_code import address, load
from symcount.errors import ConfigError, DependencyError, DerivationError, UnknownModelError, near
from symcount.verification import real_model

__all__ = ["auto_classes", "config_object", "missing_package", "model_class", "resolve", "shortened"]


def transformers() -> Any:
    """The transformers package, offline.

    Raises:
        DependencyError: it is not installed, or torch is not.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing here may reach for the network
    return real_model.transformers("deriving a formula")


@cache
def auto_classes() -> dict[str, tuple[str, ...]]:
    """For every auto mapping of transformers (`MODEL_MAPPING_NAMES`, …) the class names in it, in order."""
    transformers()
    auto = importlib.import_module("transformers.models.auto.modeling_auto")
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted(vars(auto)):
        mapping = getattr(auto, name)
        if name.startswith("MODEL_") and name.endswith("MAPPING_NAMES") and isinstance(mapping, Mapping):
            classes: dict[str, None] = {}
            for value in mapping.values():
                classes.update(dict.fromkeys(value if isinstance(value, list | tuple) else [value]))
            found[name] = tuple(classes)
    return found


@cache
def _by_model_type() -> dict[str, str]:
    auto = importlib.import_module("transformers.models.auto.modeling_auto")
    mapping = auto.MODEL_MAPPING_NAMES
    return {kind: value if isinstance(value, str) else value[0] for kind, value in mapping.items()}


def _model_type(name: str) -> str:
    """The first model type under which an auto mapping names the class; some classes are in no other list."""
    auto = importlib.import_module("transformers.models.auto.modeling_auto")
    for table in auto_classes():
        for kind, value in getattr(auto, table).items():
            if name in (value if isinstance(value, list | tuple) else (value,)):
                return str(kind)
    return ""


def model_class(name: str, model_type: str = "") -> type:
    """The class of that name in transformers, or the base model of that model type.

    Args:
        name: a class, also as it is spelled or was called elsewhere; see `model_types.meant`. Or a model type.
        model_type: what the file says beside a class.

    Raises:
        UnknownModelError: there is none; near names are suggested.
        DependencyError: it needs a package that is not installed.
    """
    package = transformers()
    auto_classes()
    wanted = _by_model_type().get(name, name)
    if wanted == name != model_type and not hasattr(package, name):
        family = real_model.family(model_type) if model_type else ()
        wanted = meant(name, model_type, family, (c for group in auto_classes().values() for c in group)) or name
    try:
        cls = getattr(package, wanted, None) or real_model.model_class(wanted, _model_type(wanted))
    except (AttributeError, ImportError, UnknownModelError):
        known = sorted({c for group in auto_classes().values() for c in group} | set(_by_model_type()))
        raise UnknownModelError(f"transformers has no model {name!r}.{near(name, known)}") from None
    if hasattr(cls, "_backends"):
        missing = ", ".join(cls._backends)
        raise DependencyError(
            f"{wanted} needs {missing}, which is not installed: pip install {missing.replace(',', '')}"
        )
    if not isinstance(cls, type):
        raise UnknownModelError(f"{name!r} of transformers is not a model class")
    return cls


def resolve(source: Any, options: Mapping[str, Any], config: Any = None) -> tuple[Any, ConfigSource, str, str]:
    """The model class, its config source, the class's name and model type.

    Args:
        source: a model class, the name of one, a model type, a path to a config.json, a dict of its form, or a
            transformers config.
        options: config fields that differ from it.
        config: the config of a class that is given by itself or by its name.

    Raises:
        UnknownModelError: no such class or model type.
        ConfigError: the config is malformed, or transformers rejects it.
    """
    cls, config, said, options = _asked(source, config, options)
    try:
        found = source_of(config, cls, said)
        if options:
            found = ConfigSource(found.cls, {**found.kwargs, **options})
            found.cls(**{k: v for k, v in found.kwargs.items() if not isinstance(v, ConfigSource)})
    except DerivationError:
        raise
    except Exception as error:  # noqa: BLE001  # a config class raises whatever its validation raises
        who = "transformers" if cls.__module__.partition(".")[0] == "transformers" else "its own class"
        raise ConfigError(f"{cls.__name__}: {who} rejects this config: {shortened(error)}") from None
    return cls, found, cls.__name__, str(getattr(found.cls, "model_type", "") or "")


def _asked(source: Any, config: Any, options: Mapping[str, Any]) -> tuple[Any, Any, Mapping[str, Any], Any]:
    """What builds the model, its config in any form, what a file says of that, and the options that differ."""
    if isinstance(source, str) and address(source) is not None:
        source = load(source)
    if isinstance(config, str) and address(config) is not None:
        config = load(config)
    if (found := packaged(source, config, options)) is not None:
        source, config, options = found
    if is_module(source):
        config, kept = config_of_instance(source, config)
        source, options = type(source), {**kept, **options}
    if isinstance(source, type) and getattr(source, "config_class", None) is not None:
        return source, config, {}, options
    if isinstance(source, type | FunctionType | partial):
        cls, config, options = own_model(source, config, options)
        return cls, config, {}, options
    if isinstance(source, str) and not looks_like_path(source):
        try:
            cls = model_class(source)
        except UnknownModelError:
            if (found := named(source, config, options)) is None:
                raise
            cls, config, options = own_model(*found)
            return cls, config, {}, options
        if config is None or isinstance(config, Mapping):
            config = ConfigSource(_config_class(cls, source), dict(config or {}))
        return cls, config, {}, options
    if isinstance(source, Config | Mapping | str | Path):
        return *_described(read(source)), options
    if hasattr(source, "to_diff_dict"):
        names = getattr(source, "architectures", None) or [source.model_type]
        cls = model_class(names[0], source.model_type)
        text = real_model.is_text_of(getattr(cls, "config_class", None), type(source))
        return cls, source.get_text_config() if text else source, {}, options
    raise ConfigError(f"expected a model class, its name or a config, got {type(source).__name__}")


def _described(described: Config) -> tuple[type, Any, Mapping[str, Any]]:
    """The class that a config file names, the config, and what the file says."""
    name = described.class_name or described.model_type
    if name is None:
        raise nameless(described.fields, described.source)
    if described.class_name is None:
        check_typed(described.fields, described.source)
        if name not in _by_model_type():  # it may be called like a class
            known = sorted(_by_model_type())
            raise UnknownModelError(f"transformers has no base model for the model type {name!r}.{near(name, known)}")
    cls = model_class(name, described.model_type or "")
    return cls, config_object(described, cls), described.fields


def _config_class(cls: type, name: str) -> Any:
    """The config class for what a user calls *name*: a model type has its own, whatever else its class is used for."""
    found = real_model.config_class(cls, name if name in _by_model_type() else None)
    if found is None:
        raise DerivationError(f"{cls.__name__} names no config class; pass a config instance or class")
    return found


def config_object(described: Config, cls: type) -> Any:
    """The config object for *cls* that a `config.json` or dict describes, made by the class of its model type.

    Raises:
        ConfigError: it is a config of other classes, or transformers rejects it.
    """
    try:
        return real_model.config_of(cls, described.fields)
    except ConfigError as error:
        raise ConfigError(f"{described.source} {str(error).removeprefix('this ')}") from None
    except Exception as error:  # noqa: BLE001  # the same
        raise ConfigError(f"{described.source}: transformers rejects this config: {shortened(error)}") from None


_MISSING = re.compile(r"requires the ([\w.\- ,]+?) librar(?:y|ies)|No module named '([\w.]+)'")


def missing_package(error: BaseException) -> str:
    """The package for want of which a class could not be built, empty if that was not the reason."""
    found = _MISSING.search(" ".join(str(error).split())) if isinstance(error, ImportError) else None
    return next(part for part in found.groups() if part) if found else ""


def shortened(error: BaseException) -> str:
    """An error of another package in one line, from where it began; of a missing package, its name and the remedy."""
    while error.__cause__ is not None:
        error = error.__cause__
    if package := missing_package(error):
        return f"needs {package}, which is not installed: pip install {package.replace(',', '')}"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}{'…' if len(text) > 200 else ''}"
