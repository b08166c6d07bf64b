"""Building a config whose numbers are symbolic by running the config's own code on symbolic numbers.

A config's constructor fills some fields from others (``head_dim`` from ``hidden_size``, ``layer_types`` from
``num_hidden_layers``) and creates sub-configs. To let all of that happen symbolically, the constructors of the config
classes are wrapped for the duration of a trace: every number they receive, and every number they would have used by
default, is replaced by a symbol named by its dotted path (``hidden_size``, ``vision_config.depths[0]``).

Which path an instance will have is not known while it is being constructed. So the config is first built plainly, once,
and the order in which instances of each class were created is matched with where they ended up (:class:`_Plan`).
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final

from symcount.concolic.config.asking import GENERAL
from symcount.concolic.config.opaque import observed
from symcount.concolic.config.source import (
    PATH_KEY,
    ConfigSource,
    construct,
    defaults_of,
    fields_in,
    is_config,
    source_of,
)
from symcount.concolic.config.stand_ins import stands_in
from symcount.concolic.python.literals import literal
from symcount.concolic.python.patches import Patch, Patches
from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt
from symcount.concolic.values.path import record_structural
from symcount.concolic.values.rewriting import concrete
from symcount.config.arranged_lists import Arrangement, field_of
from symcount.config.per_layer import Following

__all__ = [
    "ConfigSource",
    "Number",
    "SymbolicConfig",
    "build",
    "config_classes",
    "construct",
    "own_defaults",
    "source_of",
    "walk",
]

Number = int | float


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


class _Session(threading.local):
    """The wrapped constructors of the config being built in this thread, if any."""

    active: _Builder | _Recorder | None = None


_SESSION: Final = _Session()


@dataclass
class _Recorder:
    """First pass: notes which instances are created, in order. Holds them, so that identities stay unique."""

    created: list[Any] = field(default_factory=list)

    def arguments(self, _cls: type, kwargs: dict[str, Any], _instance: Any) -> dict[str, Any]:
        return kwargs

    def made(self, instance: Any) -> None:
        self.created.append(instance)


@dataclass
class _Builder:
    """Second pass: makes the arguments of each instance that will be part of the config symbolic."""

    expected: dict[type, Iterator[str | None]]
    values: Mapping[str, Number]
    frozen: Collection[str]
    followed: bool = False
    symbols: dict[str, Number] = field(default_factory=dict)
    built: dict[int, tuple[Any, str]] = field(default_factory=dict)

    def made(self, instance: Any) -> None:
        pass

    def arguments(self, cls: type, kwargs: dict[str, Any], instance: Any) -> dict[str, Any]:
        path = next(self.expected.get(cls, iter(())), None)
        if path is None:
            return kwargs
        self.built[id(instance)] = instance, path  # a tuple is not there yet, and is not observed
        prefix = f"{path}." if path else ""
        aliases: dict[str, str] = getattr(cls, "attribute_map", None) or {}
        result: dict[str, Any] = {}
        for name, value in kwargs.items():
            result[name] = self.symbolic(prefix + aliases.get(name, name), value)
        given = {aliases.get(name, name) for name in kwargs}
        for name, default in defaults_of(cls):
            if aliases.get(name, name) in given:
                continue
            value = default()
            made = self.symbolic(prefix + aliases.get(name, name), value)
            if made is not value or _holds_config(value):  # what a default factory makes must not be made twice
                result[name] = made
        if prefix + "num_labels" in self.values and aliases is not None and "num_labels" not in result:
            result["num_labels"] = self.symbolic(prefix + "num_labels", 0)
            result.pop("id2label", None)
            result.pop("label2id", None)
        for name, value in kwargs.items():
            if isinstance(value, Arrangement):
                result[name], depth = self.arranged(prefix + aliases.get(name, name), value)
                if value.depth:
                    for other in [n for n in result if aliases.get(n, n) == value.depth]:
                        del result[other]
                    self.symbols.pop(prefix + value.depth, None)
                    result[value.depth] = depth
            elif isinstance(value, Following):
                depths = (v for n, v in result.items() if aliases.get(n, n) == value.depth)
                depth = next(depths, value.number)  # where it stays as it is, it is not there
                if isinstance(depth, SymbolicInt):
                    record_structural("repeat", depth.node)
                result[name] = value.at(int(depth))
        return result

    def arranged(self, path: str, value: Arrangement) -> tuple[list[Any], Number]:
        """A list with as many layers of each kind as the fields of the kinds say, and the sum of these."""
        numbers = {kind: self.symbolic(field_of(path, kind), number) for kind, number in value.numbers.items()}
        for number in numbers.values():
            if isinstance(number, SymbolicInt):
                record_structural("repeat", number.node)
        seed = int(self.values.get(field_of(path, ""), 0))
        return value.arranged({kind: int(number) for kind, number in numbers.items()}, seed), sum(numbers.values())

    def symbolic(self, path: str, value: Any) -> Any:
        """``value`` with every number in it replaced by a symbol."""
        if path in self.values:
            value = self.values[path]
        elif type(value) is SymbolicInt and concrete(value.node).op == "const":
            value = int(value)  # the index of a loop is a number that a config has like any other
        elif isinstance(value, SymbolicInt | SymbolicFloat | Arrangement):
            return value  # handed down by the parent config, whose field it is
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            if path in self.frozen and self.followed and isinstance(value, float) and math.isfinite(value):
                return literal(value)  # `1.2 * n` of a plain float would lose what n is
            if path in self.frozen or not math.isfinite(value):
                return value
            self.symbols[path] = value
            maker: Any = SymbolicInt if isinstance(value, int) else SymbolicFloat
            return maker.field(path, value)
        if type(value) in (list, tuple) and path not in self.frozen:
            items = [self.symbolic(f"{path}[{i}]", item) for i, item in enumerate(value)]
            if any(new is not old for new, old in zip(items, value, strict=True)):
                return type(value)(items)
        return value


def _constructor(cls: type) -> Patch:
    """The patch of what makes instances of a config class: ``__new__`` of a tuple, ``__init__`` of any other."""
    name = "__new__" if issubclass(cls, tuple) else "__init__"
    original: Any = getattr(cls, name)

    @wraps(original)
    def constructor(self: Any, *args: Any, **kwargs: Any) -> Any:
        session = _SESSION.active
        made = self if name == "__new__" else type(self)
        if session is None or made is not cls:
            return original(self, *args, **kwargs)
        if args:
            names = [name for name, _ in defaults_of(cls)]
            kwargs, args = dict(zip(names, args, strict=False)) | kwargs, ()
        if name == "__init__":
            session.made(self)
        result = original(self, *args, **session.arguments(cls, kwargs, self if name == "__init__" else None))
        if name == "__new__":
            session.made(result)
        return result

    return Patch(cls, name, staticmethod(constructor) if name == "__new__" else constructor)


def _holds_config(value: Any) -> bool:
    return any(map(_holds_config, value)) if type(value) in (list, tuple) else is_config(value)


def _observing(cls: type, builder: _Builder) -> Any:
    """Attribute access of a config class whose own code reads observed values."""
    original: Any = cls.__getattribute__
    aliases: dict[str, str] = getattr(cls, "attribute_map", None) or {}
    own = {base.__module__ for base in cls.__mro__ if not base.__module__.startswith(GENERAL)}

    @wraps(original)
    def read(instance: Any, name: str) -> Any:
        value = original(instance, name)
        if type(value) not in (str, dict, list, tuple) or name[:2] == "__":
            return value
        known, said = builder.built.get(id(instance)), object.__getattribute__(instance, "__dict__")
        name = aliases.get(name, name)
        if known is None or said.get(name) is not value:
            return value  # of a constant of the class a file says nothing
        if sys._getframe(1).f_globals.get("__name__", "") not in own:
            return value
        made = observed((f"{known[1]}.{name}" if known[1] else name, ()), value, builder.symbols)
        if type(value) in (dict, list):
            said[name] = made  # what the code changes in it is changed in the config
        return made

    return read


def walk(config: Any, path: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Any]]:
    """A config and all its sub-configs, with their dotted paths; each instance once."""
    seen = set() if seen is None else seen
    if id(config) in seen:
        return
    seen.add(id(config))
    yield path, config
    for name, value in fields_in(config).items():
        if is_config(value):
            yield from walk(value, f"{path}.{name}" if path else name, seen)
        elif isinstance(value, list | tuple):
            yield from _walked(value, f"{path}.{name}" if path else name, seen)


def _walked(values: Sequence[Any], path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    for i, item in enumerate(values):
        if is_config(item):
            yield from walk(item, f"{path}[{i}]", seen)
        elif isinstance(item, list | tuple):
            yield from _walked(item, f"{path}[{i}]", seen)


@dataclass(frozen=True)
class _Plan:
    """Per config class, the path of each instance that gets constructed, in order; ``None`` for temporary instances."""

    paths: dict[type, tuple[str | None, ...]]
    classes: dict[str, type]


_PLANS: Final[dict[tuple[type, str], _Plan]] = {}


def _plan(source: ConfigSource) -> _Plan:
    key = (source.cls, repr(source.kwargs))
    if key not in _PLANS:
        classes: set[type] = {source.cls}
        while True:
            recorder = _Recorder()
            with Patches(map(_constructor, classes)):
                _SESSION.active = recorder
                try:
                    root = construct(source)
                finally:
                    _SESSION.active = None
            found = {type(instance) for _, instance in walk(root)}
            if found <= classes:  # always so where there are no sub-configs
                break
            classes |= found
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


def build(
    source: ConfigSource, values: Mapping[str, Number], frozen: Collection[str], *, followed: bool = False,
    observing: bool = False,
) -> SymbolicConfig:  # fmt: skip
    """Construct the config with symbolic numbers.

    Args:
        source: What to construct.
        values: Dotted path to the concrete value its symbol is to have.
        frozen: Dotted paths that stay plain numbers; ``depths`` freezes the whole list.
        followed: Whether a frozen ratio keeps the expressions of what it is multiplied by.
        observing: Whether what the config's own code asks of its texts, objects and lists is recorded.
    """
    plan = _plan(source)
    values = {_canonical(path, plan.classes): value for path, value in values.items()}
    builder = _Builder(
        {cls: iter(paths) for cls, paths in plan.paths.items()},
        values,
        {_canonical(path, plan.classes) for path in frozen},
        followed,
    )
    patches = [_constructor(cls) for cls in plan.paths]
    if observing:
        patches += [Patch(cls, "__getattribute__", _observing(cls, builder)) for cls in plan.paths]
    with Patches(patches):
        _SESSION.active = builder
        try:
            config = construct(source)
        finally:
            _SESSION.active = None
    instances = dict(walk(config))
    for path, instance in instances.items():
        if hasattr(instance, "__dict__"):
            vars(instance)[PATH_KEY] = path
    return SymbolicConfig(config, builder.symbols, instances)


def own_defaults(source: ConfigSource) -> dict[str, Number]:
    """The numbers that the config's class has where nothing is given, by dotted path.

    Of a sub-config both its own class and that of its parent have defaults; the smaller number is meant.
    """
    found: dict[str, Number] = {}
    for path, instance in walk(construct(source)):
        cls = type(instance)
        own = dict(getattr(cls, "symcount_passed", {}))
        if stands_in(cls):  # it has no defaults but what it is
            own = {name: value for name, value in fields_in(instance).items() if not is_config(value)}
        try:
            symbols = build(ConfigSource(cls, own), {}, ()).symbols
        except Exception:  # noqa: BLE001, S112  # a class that wants arguments has no default config
            continue
        for name, value in symbols.items():
            whole = f"{path}.{name}" if path else name
            found[whole] = min(value, found.get(whole, value))
    return found
