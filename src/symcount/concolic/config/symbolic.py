"""Building a config whose numbers are symbolic by running the config's own code on symbolic numbers.

A config's constructor fills some fields from others (``head_dim`` from ``hidden_size``, ``layer_types`` from
``num_hidden_layers``) and creates sub-configs. To let all of that happen symbolically, the constructors of the config
classes are wrapped for the duration of a trace: every number they receive, and every number they would have used by
default, is replaced by a symbol named by its dotted path (``hidden_size``, ``vision_config.depths[0]``).

Which of them will be part of the config, and where, is known beforehand: see `symcount.concolic.config.constructors`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from symcount.concolic.config.asking import GENERAL
from symcount.concolic.config.config_source import (
    PATH_KEY,
    ConfigSource,
    aliases_of,
    construct,
    fields_in,
    is_config,
    walk,
)
from symcount.concolic.config.constructors import constructed, plan
from symcount.concolic.config.opaque import observed
from symcount.concolic.config.source import defaults_of
from symcount.concolic.config.stand_ins import stands_in
from symcount.concolic.python.literals import literal
from symcount.concolic.python.patches import Patch
from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt
from symcount.concolic.values.path import record_structural
from symcount.concolic.values.rewriting import concrete
from symcount.config.kind_lists import KindList, field_of
from symcount.config.per_layer import Following
from symcount.core.paths import path_of

__all__ = ["Number", "SymbolicConfig", "build", "config_classes", "own_defaults"]

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


@dataclass
class _Builder:
    """Makes the arguments of each instance that will be part of the config symbolic."""

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
        aliases = aliases_of(cls)
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
        if prefix + "num_labels" in self.values and "num_labels" not in result:
            result["num_labels"] = self.symbolic(prefix + "num_labels", 0)
            result.pop("id2label", None)
            result.pop("label2id", None)
        for name, value in kwargs.items():
            if isinstance(value, KindList):
                result[name], depth = self.kind_list(prefix + aliases.get(name, name), value)
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

    def kind_list(self, path: str, value: KindList) -> tuple[list[Any], Number]:
        """A list with as many layers of each kind as the fields of the kinds say, and the sum of these."""
        numbers = {kind: self.symbolic(field_of(path, kind), number) for kind, number in value.numbers.items()}
        for number in numbers.values():
            if isinstance(number, SymbolicInt):
                record_structural("repeat", number.node)
        seed = int(self.values.get(field_of(path, ""), 0))
        return value.with_numbers({kind: int(number) for kind, number in numbers.items()}, seed), sum(numbers.values())

    def symbolic(self, path: str, value: Any) -> Any:
        """``value`` with every number in it replaced by a symbol."""
        if path in self.values:
            value = self.values[path]
        elif type(value) is SymbolicInt and concrete(value.node).op == "const":
            value = int(value)  # the index of a loop is a number that a config has like any other
        elif isinstance(value, SymbolicInt | SymbolicFloat | KindList):
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


def _holds_config(value: Any) -> bool:
    return any(map(_holds_config, value)) if type(value) in (list, tuple) else is_config(value)


def _observing(cls: type, builder: _Builder) -> Any:
    """Attribute access of a config class whose own code reads observed values."""
    original: Any = cls.__getattribute__
    aliases = aliases_of(cls)
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
        made = observed((path_of(known[1], name), ()), value, builder.symbols)
        if type(value) in (dict, list):
            said[name] = made  # what the code changes in it is changed in the config
        return made

    return read


def _canonical(path: str, classes: Mapping[str, type]) -> str:
    """``path`` with its last field's alias resolved (``num_hidden_layers`` of GPT-2 is ``n_layer``)."""
    owner, _, name = path.rpartition(".")
    aliases = aliases_of(classes.get(owner))
    base, bracket, index = name.partition("[")
    base = aliases.get(base, base)
    return path_of(owner, f"{base}{bracket}{index}")


def config_classes(source: ConfigSource) -> set[type]:
    """The classes of a config and all its sub-configs."""
    return set(plan(source).paths)


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
    known = plan(source)
    values = {_canonical(path, known.classes): value for path, value in values.items()}
    builder = _Builder(
        {cls: iter(paths) for cls, paths in known.paths.items()},
        values,
        {_canonical(path, known.classes) for path in frozen},
        followed,
    )
    observers = [Patch(cls, "__getattribute__", _observing(cls, builder)) for cls in known.paths] if observing else ()
    config = constructed(source, known.paths, builder, observers)
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
            whole = path_of(path, name)
            found[whole] = min(value, found.get(whole, value))
    return found
