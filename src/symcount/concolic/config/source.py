"""Where a config comes from: its class and the arguments that make it, read from whatever the caller has."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from weakref import WeakKeyDictionary

from symcount.concolic.config.config_source import ConfigSource, aliases_of, construct, fields_in, is_config
from symcount.concolic.config.containers import is_inner, source_of_other
from symcount.concolic.config.stand_ins import filled, stands_in, with_place
from symcount.errors import DerivationError

__all__ = ["PER_LAYER", "contained", "defaults_of", "source_of", "varies_by_layer"]


def varies_by_layer(config: Any) -> bool:
    """Whether layers of a model of *config*, or of a sub-config of it, have numbers of their own."""
    own = fields_in(config)
    return "_heterogeneity_spec" in own or any(varies_by_layer(v) for v in own.values() if is_config(v))


def source_of(config: Any, model_class: Any, said: Mapping[str, Any] | None = None) -> ConfigSource:
    """Accept a config class, an instance of any kind, ``(class, kwargs)``, or ``None`` for the defaults.

    A dict is the keyword arguments of the model's config class, if it names one, else it is the config.

    Of an instance, *said* is what a file says from which it was read.
    """
    if isinstance(config, ConfigSource):
        return config
    if isinstance(config, type):
        return _source_of_class(config, {})
    if isinstance(config, tuple) and len(config) == 2 and isinstance(config[0], type):
        return _source_of_class(config[0], dict(config[1]))
    config_class = getattr(model_class, "config_class", None)
    if config_class is not None and (config is None or isinstance(config, Mapping)):
        return ConfigSource(config_class, dict(config or {}))
    if config is None:
        raise DerivationError(f"{model_class.__name__} names no config class; pass a config instance or class")
    found = contained(config, said or MappingProxyType({}))
    if isinstance(found, ConfigSource):
        return replace(found, asked=config)
    raise DerivationError(f"cannot read a config from {type(config).__name__!r}")


def _source_of_class(cls: type, kwargs: dict[str, Any]) -> ConfigSource:
    """The source of a config that is given as its class and arguments."""
    if hasattr(cls, "attribute_map"):
        return ConfigSource(cls, kwargs)
    try:
        found = contained(cls(**kwargs))
    except Exception:  # noqa: BLE001  # it says what is wrong when it is constructed
        return ConfigSource(cls, kwargs)
    return found if isinstance(found, ConfigSource) else ConfigSource(cls, kwargs)


def contained(value: Any, said: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """How to construct *value*, if it is a config of any kind; else itself, with the sources of configs in it."""
    if isinstance(value, ConfigSource) or type(value) in (bool, int, float, str, type(None)):
        return value
    if type(value) in (list, tuple):
        items = [contained(item) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else type(value)(items)
    if is_config(value) and not stands_in(type(value)):
        return _source_of_instance(value, said)
    if isinstance(value, type):
        return value
    found = source_of_other(value)
    if found is None:
        return value
    return ConfigSource(found.cls, {name: _inner(item) for name, item in found.kwargs.items()})


def _inner(value: Any) -> Any:
    """What *value*, met inside a config, is made of; itself if it is no config."""
    if type(value) in (list, tuple):
        items = [_inner(item) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else type(value)(items)
    try:
        return contained(value) if is_config(value) or is_inner(value) else value
    except Exception:  # noqa: BLE001  # an object of whatever class: it stays what it is
        return value


def _source_of_instance(config: Any, said: Mapping[str, Any] = MappingProxyType({})) -> ConfigSource:
    """The arguments that reproduce ``config``, and no more.

    What the class fills in itself (``head_dim`` from ``hidden_size``) is left to the class, so that it comes out as an
    expression, not as a symbol of its own. So arguments are added only where a config built without them differs: first
    those that have a default, then those that are ``None`` by default, then attributes that are no declared argument.

    What single layers have of their own may come from a key that the class takes and does not keep
    (``global_head_dim``), so such keys that a file *said* are taken before it is given layer by layer.
    """
    cls = type(config)
    aliases = aliases_of(cls)
    optional = {aliases.get(name, name): default() is None for name, default in defaults_of(cls)}
    wanted = _state(config)
    kwargs: dict[str, Any] = {}
    found, known = _default_state(cls), 0
    for stage in (False, True, None):
        if len(kwargs) > known:
            found, known = _state_of(cls, kwargs), len(kwargs)
        if stage is None and found and _differs(found.get(PER_LAYER), wanted.get(PER_LAYER)):
            kwargs |= {n: v for n, v in said.items() if _consumed(config, n, {*wanted, *kwargs, *optional})}
            found, known = _state_of(cls, kwargs), len(kwargs)
        for name, value in wanted.items():
            if optional.get(name) is stage and name not in kwargs and _differs(found.get(name, _MISSING), value):
                kwargs[name] = value
    computed = [name for name, none in optional.items() if none and type(wanted.get(name)) is int]
    if computed:  # from another number, which may then be changed itself: HrmText multiplies its depth
        found = _state_of(cls, kwargs)
        apart = [n for n in optional if type(wanted.get(n)) is int and n in found and _differs(found[n], wanted[n])]
        kwargs.update((n, wanted[n]) for n in ((*computed, *apart) if apart else ()))
    parts = {k: part if isinstance(part := said.get(k), Mapping) else {} for k in kwargs}
    if "attribute_map" in dir(cls):
        made = {k: _source_of_instance(v, parts[k]) if is_config(v) else v for k, v in kwargs.items()}
        return _without_written(config, ConfigSource(cls, made))
    return _of_dataclass(config, {n: v for n, v in wanted.items() if n in kwargs or _holds_other(v)})


def _of_dataclass(config: Any, kwargs: Mapping[str, Any]) -> ConfigSource:
    """A dataclass that is made with *kwargs*; if that gives another one, what stands in for it with all it has."""
    kind: Any = type(config)
    found = ConfigSource(with_place(kind), {name: _inner(value) for name, value in kwargs.items()})
    wanted = fields_in(config)
    try:
        # once with all its fields: `__post_init__` may compute one from itself, and then not even the default is one
        several = (kwargs, _state(config)) if hasattr(type(config), "__post_init__") else (kwargs,)
        made = [fields_in(construct(ConfigSource(type(config), copy.deepcopy(dict(given))))) for given in several]
        if not any(
            again.keys() != wanted.keys() or any(_differs(again[n], wanted[n]) for n in wanted) for again in made
        ):
            return found
    except Exception:  # noqa: BLE001, S110  # it wants what is no field, or is not made by its constructor
        pass
    return ConfigSource(filled(type(config)), {name: _inner(value) for name, value in wanted.items()})


def _holds_other(value: Any) -> bool:
    """Whether there is a config in *value* that its own class cannot make in a trace."""
    if type(value) in (list, tuple):
        return any(map(_holds_other, value))
    if is_config(value):
        if hasattr(type(value), "attribute_map"):
            return False
        kind: Any = type(value)
        return with_place(kind) is not kind or any(map(_holds_other, fields_in(value).values()))
    return is_inner(value)


def _consumed(config: Any, name: str, known: Collection[str]) -> bool:
    """Whether a config that was given *name* does not have it, so that it was used up."""
    aliases = aliases_of(config)
    return name not in known and aliases.get(name, name) not in known and name not in dir(config)


def _without_written(config: Any, source: ConfigSource) -> ConfigSource:
    """*source* without the numbers that the class itself writes into a sub-config that does not declare them.

    Given once more, such a number would be a symbol of its own beside the one that it was copied from.
    """
    for key, sub in list(source.kwargs.items()):
        if not isinstance(sub, ConfigSource):
            continue
        aliases = aliases_of(sub.cls)
        declared = {name for name, _ in defaults_of(sub.cls)}
        for name, value in sub.kwargs.items():
            if aliases.get(name, name) in declared or type(value) not in (int, float) or name == "num_labels":
                continue
            fewer = ConfigSource(sub.cls, {k: v for k, v in source.kwargs[key].kwargs.items() if k != name})
            other = ConfigSource(source.cls, {**source.kwargs, key: fewer})
            try:
                alike = not _differs(construct(copy.deepcopy(other)), config)
            except Exception:  # noqa: BLE001, S112  # a validator raises what it likes
                continue
            source = other if alike else source
    return source


def _state_of(cls: type, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _state(cls(**copy.deepcopy(kwargs)))
    except Exception:  # noqa: BLE001  # a validator raises what it likes
        return {}  # half of the arguments may be inconsistent where all of them are not


_STATES: Final[WeakKeyDictionary[type, dict[str, Any]]] = WeakKeyDictionary()


def _default_state(cls: type) -> dict[str, Any]:
    if cls not in _STATES:
        _STATES[cls] = _state_of(cls, {})
    return _STATES[cls]


_MISSING: Final = object()
#: What single layers have of their own, by the index of the layer: transformers keeps it apart from the attributes.
PER_LAYER: Final = "per_layer_config"
#: Attributes that say how a config came about or is run, not what the model is.
_BOOKKEEPING: Final = {"transformers_version", "torch_dtype", "dtype", "name_or_path", "label2id", "output_attentions",
                       "attn_implementation", "experts_implementation", "architectures"}  # fmt: skip


def _state(config: Any) -> dict[str, Any]:
    """The public attributes of a config, including those it keeps behind a property (``out_indices``)."""
    if not hasattr(config, "attribute_map"):
        return {f.name: getattr(config, f.name) for f in dataclasses.fields(config) if f.init}
    state: dict[str, Any] = {}
    declared = dict(defaults_of(type(config)))
    for name, value in vars(config).items():
        settable = getattr(getattr(type(config), name[1:], None), "fset", None) is not None
        if name.startswith("_") and name in declared and not settable:  # OPT's `_remove_final_layer_norm`
            state[name] = value
            continue
        public = name[1:] if name.startswith("_") and settable else name
        if not public.startswith("_") and public not in _BOOKKEEPING:
            state[public] = value
    if hasattr(type(config), PER_LAYER):
        layers = getattr(vars(config).get("_heterogeneity_spec"), "per_layer_overrides", None)
        state[PER_LAYER] = None if layers is None else {index: dict(own) for index, own in layers.items()}
    labels = state.get("id2label")
    if isinstance(labels, dict) and labels == {i: f"LABEL_{i}" for i in range(len(labels))}:
        del state["id2label"]  # made from the number of labels, which is what can be a symbol
        state["num_labels"] = len(labels)
    return state


def _differs(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return True
    if is_config(a):
        x, y = _state(a), _state(b)
        return x.keys() != y.keys() or any(_differs(x[name], y[name]) for name in x)
    return bool(a != b)


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
