"""Building a config whose numbers are symbolic by running the config's own code on symbolic numbers.

A config's constructor fills some fields from others (``head_dim`` from ``hidden_size``, ``layer_types`` from
``num_hidden_layers``) and creates sub-configs. To let all of that happen symbolically, the constructors of the config classes
are wrapped for the duration of a trace: every number they receive, and every number they would have used by default, is
replaced by a symbol named by its dotted path (``hidden_size``, ``vision_config.depths[0]``).

Which path an instance will have is not known while it is being constructed. So the config is first built plainly, once, and the
order in which instances of each class were created is matched with where they ended up (:class:`_Plan`).
"""

from __future__ import annotations

import dataclasses
import inspect
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from typing import Any, Final

from symcount.derive.concolic import SymbolicFloat, SymbolicInt
from symcount.derive.shadow import Patch, Patches
from symcount.errors import DerivationError

#: Key in a config's ``__dict__`` that holds its dotted path: unlike an identity it survives ``copy.deepcopy``.
PATH_KEY: Final = "_symcount_path"
Number = int | float


@dataclass(frozen=True)
class ConfigSource:
    """How to construct a config: its class and the arguments that differ from the defaults."""

    cls: type
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SymbolicConfig:
    """A config with symbolic numbers.

    Attributes:
        config: The instance.
        symbols: Every symbol with its concrete value.
        instances: Dotted path to config instance, the root under ``""``.
    """

    config: Any
    symbols: dict[str, Number]
    instances: dict[str, Any]


def is_config(value: object) -> bool:
    """Whether ``value`` is a config or sub-config: a transformers config, or an instance of any dataclass."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type) or hasattr(type(value), "attribute_map")


def source_of(config: Any, model_class: type) -> ConfigSource:
    """Accept a config class, an instance, ``(class, kwargs)``, keyword arguments alone, or ``None`` for the defaults."""
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
    """The arguments that reproduce ``config``. A number that the class leaves ``None`` by default and fills itself with the
    same value (``head_dim``) is left to the class, so that it comes out as an expression, not as a symbol of its own."""
    cls = type(config)
    if hasattr(config, "to_diff_dict"):
        given = {k: v for k, v in vars(config).items() if not k.startswith("_") and k not in _BOOKKEEPING}
    else:
        given = {f.name: getattr(config, f.name) for f in dataclasses.fields(config) if f.init}
    defaults = dict(_defaults(cls))
    kwargs = {k: v for k, v in given.items() if k not in defaults or _differs(defaults[k](), v)}
    if hasattr(config, "to_diff_dict") and not _differs(kwargs.get("id2label"), _default_labels(kwargs.get("id2label"))):
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


@lru_cache(maxsize=4096)
def _defaults(cls: type) -> tuple[tuple[str, Callable[[], Any]], ...]:
    """The constructor arguments of a config class, each with a function that makes its default value."""
    found: dict[str, Callable[[], Any]] = {}
    own_constructor = any("__init__" in vars(base) and not _generated(base) for base in cls.__mro__[:-1])
    if dataclasses.is_dataclass(cls) and not own_constructor:
        for f in dataclasses.fields(cls):
            if not f.init:
                continue
            if f.default_factory is not dataclasses.MISSING:
                found[f.name] = f.default_factory
            else:
                found[f.name] = (lambda value: lambda: value)(f.default)
        return tuple(found.items())
    for name, parameter in inspect.signature(cls.__init__).parameters.items():  # type: ignore[misc]
        if parameter.default is not inspect.Parameter.empty:
            found[name] = (lambda value: lambda: value)(parameter.default)
    return tuple(found.items())


def _generated(cls: type) -> bool:
    """Whether ``cls.__init__`` was made by ``dataclass`` (or by a wrapper around such a one)."""
    code = getattr(inspect.unwrap(vars(cls)["__init__"]), "__code__", None)
    return code is None or code.co_filename == "<string>"


class _Session(threading.local):
    """The wrapped constructors of the config being built in this thread, if any."""

    active: _Builder | _Recorder | None = None


_SESSION: Final = _Session()


@dataclass
class _Recorder:
    """First pass: notes which instances are created, in order. Holds them, so that identities stay unique."""

    created: list[Any] = field(default_factory=list)

    def arguments(self, instance: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        self.created.append(instance)
        return kwargs


@dataclass
class _Builder:
    """Second pass: makes the arguments of each instance that will be part of the config symbolic."""

    expected: dict[type, Iterator[str | None]]
    values: Mapping[str, Number]
    frozen: Collection[str]
    symbols: dict[str, Number] = field(default_factory=dict)

    def arguments(self, instance: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        cls = type(instance)
        path = next(self.expected.get(cls, iter(())), None)
        if path is None:
            return kwargs
        prefix = f"{path}." if path else ""
        aliases: dict[str, str] = getattr(cls, "attribute_map", None) or {}
        result: dict[str, Any] = {}
        for name, value in kwargs.items():
            result[name] = self.symbolic(prefix + aliases.get(name, name), value)
        given = {aliases.get(name, name) for name in kwargs}
        for name, default in _defaults(cls):
            if aliases.get(name, name) in given:
                continue
            value = default()
            made = self.symbolic(prefix + aliases.get(name, name), value)
            if made is not value or is_config(value):  # a sub-config made by a default factory must not be made twice
                result[name] = made
        if prefix + "num_labels" in self.values and aliases is not None and "num_labels" not in result:
            result["num_labels"] = self.symbolic(prefix + "num_labels", 0)
            result.pop("id2label", None)
            result.pop("label2id", None)
        return result

    def symbolic(self, path: str, value: Any) -> Any:
        """``value`` with every number in it replaced by a symbol."""
        if path in self.values:
            value = self.values[path]
        elif isinstance(value, SymbolicInt | SymbolicFloat):
            return value  # handed down by the parent config, whose field it is
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            if path in self.frozen or value != value or value in (float("inf"), float("-inf")):
                return value
            self.symbols[path] = value
            maker: Any = SymbolicInt if isinstance(value, int) else SymbolicFloat
            return maker.field(path, value)
        if type(value) in (list, tuple) and path not in self.frozen:
            items = [self.symbolic(f"{path}[{i}]", item) for i, item in enumerate(value)]
            if any(new is not old for new, old in zip(items, value, strict=True)):
                return type(value)(items)
        return value


def _wrapped(cls: type) -> Any:
    original: Any = cls.__init__  # type: ignore[misc]

    @wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        session = _SESSION.active
        if session is not None and type(self) is cls:
            if args:
                names = [name for name, _ in _defaults(cls)]
                kwargs, args = dict(zip(names, args, strict=False)) | kwargs, ()
            kwargs = session.arguments(self, kwargs)
        original(self, *args, **kwargs)

    return __init__


def _construct(source: ConfigSource) -> Any:
    """Call the constructors of a source, innermost first."""
    kwargs = {k: _construct(v) if isinstance(v, ConfigSource) else v for k, v in source.kwargs.items()}
    return source.cls(**kwargs)


def walk(config: Any, path: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Any]]:
    """A config and all its sub-configs, with their dotted paths; each instance once."""
    seen = set() if seen is None else seen
    if id(config) in seen:
        return
    seen.add(id(config))
    yield path, config
    for name, value in getattr(config, "__dict__", {}).items():
        if is_config(value):
            yield from walk(value, f"{path}.{name}" if path else name, seen)
        elif isinstance(value, list | tuple):
            for i, item in enumerate(value):
                if is_config(item):
                    yield from walk(item, f"{path}.{name}[{i}]" if path else f"{name}[{i}]", seen)


@dataclass(frozen=True)
class _Plan:
    """Per config class, the path of each instance that gets constructed, in order; ``None`` for temporary instances."""

    paths: dict[type, tuple[str | None, ...]]
    classes: dict[str, type]


_PLANS: Final[dict[tuple[type, str], _Plan]] = {}


def _plan(source: ConfigSource) -> _Plan:
    key = (source.cls, repr(source.kwargs))
    if key not in _PLANS:
        classes = {type(instance) for _, instance in walk(_construct(source))}
        recorder = _Recorder()
        with Patches(Patch(cls, "__init__", _wrapped(cls)) for cls in classes):
            _SESSION.active = recorder
            try:
                root = _construct(source)
            finally:
                _SESSION.active = None
        where = {id(instance): path for path, instance in walk(root)}
        paths: dict[type, tuple[str | None, ...]] = dict.fromkeys(classes, ())
        for instance in recorder.created:
            paths[type(instance)] += (where.get(id(instance)),)
        _PLANS[key] = _Plan(paths, {path: type(instance) for path, instance in walk(root)})
    return _PLANS[key]


def _canonical(path: str, classes: Mapping[str, type]) -> str:
    """``path`` with its last field's alias resolved (``num_hidden_layers`` of GPT-2 is ``n_layer``)."""
    owner, _, name = path.rpartition(".")
    aliases: dict[str, str] = getattr(classes.get(owner), "attribute_map", None) or {}
    base, bracket, index = name.partition("[")
    base = aliases.get(base, base)
    return f"{owner}.{base}{bracket}{index}" if owner else f"{base}{bracket}{index}"


def config_classes(source: ConfigSource) -> set[type]:
    """The classes of a config and all its sub-configs."""
    return set(_plan(source).paths)


def build(source: ConfigSource, values: Mapping[str, Number], frozen: Collection[str]) -> SymbolicConfig:
    """Construct the config with symbolic numbers.

    Args:
        source: What to construct.
        values: Dotted path to the concrete value its symbol is to have.
        frozen: Dotted paths that stay plain numbers; ``depths`` freezes the whole list.
    """
    plan = _plan(source)
    values = {_canonical(path, plan.classes): value for path, value in values.items()}
    builder = _Builder(
        {cls: iter(paths) for cls, paths in plan.paths.items()},
        values,
        {_canonical(path, plan.classes) for path in frozen},
    )
    with Patches(Patch(cls, "__init__", _wrapped(cls)) for cls in plan.paths):
        _SESSION.active = builder
        try:
            config = _construct(source)
        finally:
            _SESSION.active = None
    instances = dict(walk(config))
    for path, instance in instances.items():
        if hasattr(instance, "__dict__"):
            vars(instance)[PATH_KEY] = path
    return SymbolicConfig(config, builder.symbols, instances)
