"""Models of a user's own: a class or function with its arguments or its config.

There are two ways to write a module, one config object and keyword arguments; which of them a class follows is seen
from its signature and from what is given. A module that exists already is read back: its class, and the config or the
arguments that it keeps as attributes.
"""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Callable, Mapping
from inspect import Parameter
from pathlib import Path
from typing import Any, Final

from symcount.concolic.config.config_source import ConfigSource, fields_in, is_config
from symcount.concolic.config.containers import source_of_other
from symcount.concolic.config.source import contained, defaults_of, source_of
from symcount.concolic.config.stand_ins import original, stands_in, with_place
from symcount.config.config import Config, read
from symcount.derivation.constructor import Constructor, as_constructor, name_of, needed, parameters_of
from symcount.derivation.packages import packaged
from symcount.errors import ConfigError, DerivationError

__all__ = ["config_of_instance", "is_module", "own_model", "own_source"]

#: Attributes under which a module keeps its config, and names of parameters that are one.
_CONFIGS: Final = ("config", "cfg", "hparams", "args", "conf", "params", "opt", "opts", "options", "configs", "hp",
                   "model_args", "model_config", "model_cfg", "settings")  # fmt: skip
_NAMED: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def is_module(source: object) -> bool:
    """Whether *source* is a module of torch, not its class."""
    return any(base.__module__ == "torch.nn.modules.module" for base in type(source).__mro__)


def own_model(
    target: Callable[..., Any], config: Any, options: Mapping[str, Any]
) -> tuple[Any, ConfigSource, dict[str, Any]]:
    """What builds the model from a config, the source of that, and the options that are fields of it.

    Args:
        target: a class of modules, or a function that returns one.
        config: what the caller gave as the config.
        options: what the caller gave by name.

    Raises:
        DerivationError: an argument that it needs is not given.
        OptionError: one is given that it does not take.
    """
    parameters = [p for p in parameters_of(target) if p.kind in _NAMED]
    required = [p for p in parameters if needed(p)]
    if config is None:
        if (found := _annotated(target, required, options)) is not None:
            return target, source_of(found, target), dict(options)
        if len(required) == 1 and required[0].name not in options and required[0].name in _CONFIGS:
            raise DerivationError(
                f"{name_of(target)} names no config class; pass a config instance or class: "
                f"symcount.derive({name_of(target)}, config=…)"
            )
        return *_arguments(target, dict(options)), {}
    if isinstance(config, ConfigSource):
        return target, config, dict(options)
    config = _made(config)
    if isinstance(config, Mapping) and (found := _annotated(target, required, {})) is not None:
        like = source_of(found, target)
        if set(config) <= _known(like):
            return target, _of_fields(like, config), dict(options)
    given = _fields(config)
    names = {p.name for p in parameters}
    open_ended = any(p.kind == Parameter.VAR_KEYWORD for p in parameters_of(target))
    if given is not None and _are_arguments(given, parameters, options, open_ended=open_ended):
        kept = given if isinstance(config, Mapping) else {n: v for n, v in given.items() if n in names}
        return *_arguments(target, {**kept, **options}), {}
    place = (required or parameters or [None])[0]  # type: ignore[list-item]
    if isinstance(config, Mapping) and place is not None and isinstance(place.default, int | float):
        return *_arguments(target, {**config, **options}), {}  # no number is a config: it says which name is unknown
    beside = {n: v for n, v in options.items() if place is not None and n in names - {place.name}}
    beside = {n: v for n, v in beside.items() if given is None or n not in given}
    if not beside or place is None:
        return target, source_of(config, target), dict(options)
    source = source_of(config, target)
    inner = {n: v for n, v in options.items() if n not in beside}
    source = ConfigSource(source.cls, {**source.kwargs, **inner})
    made, whole = as_constructor(target, {place.name: source, **_contained(beside)})
    return made, whole, {}


def _made(config: Any) -> Any:
    """The config itself, where its class is given and perhaps arguments; as it is, if the class does not make one."""
    cls, arguments = config, {}
    if isinstance(config, tuple) and len(config) == 2 and isinstance(config[0], type):
        cls, arguments = config[0], dict(config[1])
    if not isinstance(cls, type) or hasattr(cls, "attribute_map"):
        return config
    try:
        return cls(**arguments)
    except Exception:  # noqa: BLE001  # it says what is wrong when the model is constructed
        return config


def _arguments(target: Callable[..., Any], given: dict[str, Any]) -> tuple[Constructor, ConfigSource]:
    """The constructor of *target*, and the source of the arguments *given*."""
    made, source = as_constructor(target, given)
    asked = made.passed(**source.kwargs)
    return made, ConfigSource(made.passed, _contained(source.kwargs), asked)


def _contained(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: contained(value) for name, value in arguments.items()}


def _are_arguments(
    given: Mapping[str, Any], parameters: list[Parameter], options: Mapping[str, Any], *, open_ended: bool
) -> bool:
    """Whether the fields of a config are the arguments of a call, rather than one of them."""
    names = {p.name for p in parameters}
    required = {p.name for p in parameters if needed(p)}
    if not given or not required <= {*given, *options}:
        return False
    if required or set(given) <= names:
        return True
    return open_ended and not names & {*_CONFIGS}


def _fields(config: Any) -> Mapping[str, Any] | None:
    """What a config has by name; `None` if it is given in another form."""
    if isinstance(config, type) or (isinstance(config, tuple) and not hasattr(config, "_fields")):
        return None
    if isinstance(config, Mapping):
        return config
    if not is_config(config) and source_of_other(config) is None:
        raise DerivationError(f"cannot read a config from {type(config).__name__!r}")
    return {n: v for n, v in fields_in(config).items() if not n.startswith("_")}


def _annotated(target: Any, required: list[Parameter], options: Mapping[str, Any]) -> Any:
    """The config class that the annotation of the only parameter names, if it can be made of nothing."""
    if len(required) != 1 or required[0].name in options:
        return None
    annotation = required[0].annotation
    if isinstance(annotation, str):
        function = vars(target).get("__init__", target) if isinstance(target, type) else target
        try:
            annotation = typing.get_type_hints(function).get(required[0].name)
        except Exception:  # noqa: BLE001  # a name that is imported for the type checker only
            return None
    if not isinstance(annotation, type) or annotation.__module__ == "builtins" or issubclass(annotation, enum.Enum):
        return None
    if not (dataclasses.is_dataclass(annotation) or "__init__" in dir(annotation)):
        return None
    try:
        made = annotation(**{n: v for n, v in options.items() if n not in {p.name for p in parameters_of(target)}})
    except Exception:  # noqa: BLE001  # it wants arguments, or others
        return annotation if dataclasses.is_dataclass(annotation) else None
    return annotation if is_config(made) or source_of_other(made) is not None else None


def config_of_instance(model: Any, config: Any) -> tuple[Any, dict[str, Any]]:
    """The config of a module that exists, or else its constructor's arguments as its attributes say them.

    Raises:
        ConfigError: it keeps neither.
    """
    if config is not None:
        return config, {}
    parameters = [p for p in parameters_of(type(model)) if p.kind in _NAMED]
    required = [p.name for p in parameters if needed(p)]
    for name in dict.fromkeys([*required[:1], *_CONFIGS]):
        found = getattr(model, name, None)
        if found is not None and (is_config(found) or isinstance(found, Mapping) or source_of_other(found) is not None):
            return found, {}
    kept = {}
    for parameter in parameters:
        for name in (parameter.name, f"_{parameter.name}"):
            value = getattr(model, name, Parameter.empty)
            if value is not Parameter.empty and not is_module(value) and not hasattr(value, "requires_grad"):
                kept[parameter.name] = value
                break
    if missing := [name for name in required if name not in kept]:
        raise ConfigError(
            f"this {type(model).__name__} does not keep {', '.join(missing)} as an attribute; give what it was made "
            f"with: symcount.derive({type(model).__name__}, {missing[0]}=…) or config=…"
        )
    return None, kept


def own_source(cls: Any, like: ConfigSource, config: Any) -> tuple[ConfigSource | None, str]:
    """How to construct another *config* of a model whose config is made like that, and what to call it.

    `None` for an empty one.

    Raises:
        ConfigError: it is of another kind, or cannot be read.
        DerivationError, OptionError: see `as_constructor`.
    """
    if isinstance(config, str | Path | Config):
        described = read(config)
        config, said = dict(described.fields), described.source
    else:
        said = "the config" if isinstance(config, Mapping) else type(config).__name__
    if isinstance(config, Mapping) and not config:
        return None, said
    if isinstance(cls, Constructor):
        if isinstance(config, Mapping) and (file := packaged(config, None, {})) is not None:
            if file[0] is not cls.target:
                raise ConfigError(f"{said} is a config of {name_of(file[0])}, but the formula is of {cls.__name__}")
            config = file[1]
        names = {p.name for p in parameters_of(cls.target)}
        if not isinstance(config, Mapping) and (whole := _as_part(like, config)) is not None:
            return whole, said
        given = _fields(config)
        if given is None:
            raise ConfigError(f"cannot read the arguments of {cls.__name__} from {config!r:.80}")
        kept = given if isinstance(config, Mapping) else {n: v for n, v in given.items() if n in names}
        return _arguments(cls.target, dict(kept))[1], said
    if type(config) is dict and not issubclass(like.cls, dict):
        return _of_fields(like, config), said
    found = contained(config)
    if not isinstance(found, ConfigSource):
        raise ConfigError(f"cannot read a config from {type(config).__name__!r}")
    if original(found.cls) is not original(like.cls):
        raise ConfigError(
            f"{original(found.cls).__name__} is not the config of {cls.__name__}; "
            f"expected {original(like.cls).__name__}"
        )
    return found, said


def _as_part(like: ConfigSource, config: Any) -> ConfigSource | None:
    """The arguments of *like* with another *config* in the place of the one of its class; `None` if none is of it."""
    found = contained(config)
    if not isinstance(found, ConfigSource):
        return None
    places = [
        n for n, v in like.kwargs.items() if isinstance(v, ConfigSource) and original(v.cls) is original(found.cls)
    ]
    return ConfigSource(like.cls, {**like.kwargs, places[0]: found}) if len(places) == 1 else None


def _of_fields(like: ConfigSource, fields: Mapping[str, Any]) -> ConfigSource:
    """The source of a config of the class of *like* that a dict describes, sub-configs by dicts of their own."""
    made, hints = {}, _hints(original(like.cls))
    for name, value in fields.items():
        inner, hint = like.kwargs.get(name), hints.get(name)
        if type(value) is not dict:
            made[name] = value
        elif isinstance(inner, ConfigSource):
            made[name] = _of_fields(inner, value)
        elif isinstance(hint, type) and dataclasses.is_dataclass(hint):
            made[name] = _of_fields(ConfigSource(with_place(hint)), value)
        else:
            made[name] = contained(value)
    if stands_in(like.cls):  # its constructor may know no defaults
        made = {**like.kwargs, **made}
    return ConfigSource(like.cls, made)


def _known(like: ConfigSource) -> set[str]:
    """The fields that a config of the class of *like* has."""
    return {*like.kwargs, *(name for name, _ in defaults_of(like.cls))}


def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except Exception:  # noqa: BLE001  # a name that is imported for the type checker only
        return {}
