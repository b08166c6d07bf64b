"""Where a config comes from: its class and the arguments that make it, read from whatever the caller has."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from weakref import WeakKeyDictionary

from symcount.errors import DerivationError

#: Key in a config's ``__dict__`` that holds its dotted path: unlike an identity it survives ``copy.deepcopy``.
PATH_KEY: Final = "_symcount_path"


@dataclass(frozen=True)
class ConfigSource:
    """How to construct a config: its class and the arguments that differ from the defaults.

    Attributes:
        asked: the config that it was read from, if it was read from one.
    """

    cls: type
    kwargs: dict[str, Any] = field(default_factory=dict)
    asked: Any = field(default=None, repr=False, compare=False)


def construct(source: ConfigSource) -> Any:
    """Call the constructors of a source, innermost first."""
    kwargs = {k: construct(v) if isinstance(v, ConfigSource) else v for k, v in source.kwargs.items()}
    return source.cls(**kwargs)


def is_config(value: object) -> bool:
    """Whether ``value`` is a config or sub-config: a transformers config, or an instance of any dataclass."""
    return (dataclasses.is_dataclass(value) and not isinstance(value, type)) or hasattr(type(value), "attribute_map")


def varies_by_layer(config: Any) -> bool:
    """Whether layers of a model of *config*, or of a sub-config of it, have numbers of their own."""
    inner = (v for v in vars(config).values() if is_config(v))
    return "_heterogeneity_spec" in vars(config) or any(map(varies_by_layer, inner))


def source_of(config: Any, model_class: type, said: Mapping[str, Any] | None = None) -> ConfigSource:
    """Accept a config class, an instance, ``(class, kwargs)``, keyword arguments, or ``None`` for the defaults.

    Of an instance, *said* is what a file says from which it was read.
    """
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
        return replace(_source_of_instance(config, said or {}), asked=config)
    raise DerivationError(f"cannot read a config from {type(config).__name__!r}")


def _source_of_instance(config: Any, said: Mapping[str, Any] = MappingProxyType({})) -> ConfigSource:
    """The arguments that reproduce ``config``, and no more.

    What the class fills in itself (``head_dim`` from ``hidden_size``) is left to the class, so that it comes out as an
    expression, not as a symbol of its own. So arguments are added only where a config built without them differs: first
    those that have a default, then those that are ``None`` by default, then attributes that are no declared argument.

    What single layers have of their own may come from a key that the class takes and does not keep
    (``global_head_dim``), so such keys that a file *said* are taken before it is given layer by layer.
    """
    cls = type(config)
    aliases: dict[str, str] = getattr(cls, "attribute_map", None) or {}
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
    made = {k: _source_of_instance(v, parts[k]) if is_config(v) else v for k, v in kwargs.items()}
    return _without_written(config, ConfigSource(cls, made))


def _consumed(config: Any, name: str, known: Collection[str]) -> bool:
    """Whether a config that was given *name* does not have it, so that it was used up."""
    aliases: dict[str, str] = getattr(config, "attribute_map", None) or {}
    return name not in known and aliases.get(name, name) not in known and name not in dir(config)


def _without_written(config: Any, source: ConfigSource) -> ConfigSource:
    """*source* without the numbers that the class itself writes into a sub-config that does not declare them.

    Given once more, such a number would be a symbol of its own beside the one that it was copied from.
    """
    for key, sub in list(source.kwargs.items()):
        if not isinstance(sub, ConfigSource):
            continue
        aliases: dict[str, str] = getattr(sub.cls, "attribute_map", None) or {}
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
