"""Following the constructors of config classes: which instances they make, in which order, and of what arguments.

Which path an instance will have is not known while it is being constructed. So a config is first built plainly, once,
and the order in which instances of each class were created is matched with where they ended up (:class:`Plan`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, Protocol

from symcount.concolic.config.config_source import ConfigSource, construct, walk
from symcount.concolic.config.source import defaults_of
from symcount.concolic.python.patches import Patch, Patches

__all__ = ["Plan", "constructed", "plan"]


class Receiver(Protocol):
    """What is told of the instances of config classes while a config is constructed."""

    def arguments(self, cls: type, kwargs: dict[str, Any], instance: Any) -> dict[str, Any]:
        """The arguments with which an instance is made, in the place of *kwargs*; a tuple is not there yet: `None`."""
        ...

    def made(self, instance: Any) -> None:
        """An instance is made: a tuple is complete then, any other is still to be filled."""
        ...


class _State(threading.local):
    """The receiver of the config that is being constructed in this thread, if any."""

    receiver: Receiver | None = None


_STATE: Final = _State()


def constructed(source: ConfigSource, classes: Iterable[type], receiver: Receiver, more: Iterable[Patch] = ()) -> Any:
    """The config of a source, made with *more* patches.

    Args:
        source: its class and arguments.
        classes: config classes, of each instance of which the receiver is told.
        receiver: gives the arguments of each.
        more: patches that are in place meanwhile.
    """
    with Patches([*map(_constructor, classes), *more]):
        _STATE.receiver = receiver
        try:
            return construct(source)
        finally:
            _STATE.receiver = None


def _constructor(cls: type) -> Patch:
    """The patch of what makes instances of a config class: ``__new__`` of a tuple, ``__init__`` of any other."""
    name = "__new__" if issubclass(cls, tuple) else "__init__"
    original: Any = getattr(cls, name)

    @wraps(original)
    def constructor(self: Any, *args: Any, **kwargs: Any) -> Any:
        receiver = _STATE.receiver
        made = self if name == "__new__" else type(self)
        if receiver is None or made is not cls:
            return original(self, *args, **kwargs)
        if args:
            names = [name for name, _ in defaults_of(cls)]
            kwargs, args = dict(zip(names, args, strict=False)) | kwargs, ()
        if name == "__init__":
            receiver.made(self)
        result = original(self, *args, **receiver.arguments(cls, kwargs, self if name == "__init__" else None))
        if name == "__new__":
            receiver.made(result)
        return result

    return Patch(cls, name, staticmethod(constructor) if name == "__new__" else constructor)


@dataclass
class _Order:
    """Notes which instances are created, in order; holds them, so that identities stay unique."""

    created: list[Any] = field(default_factory=list)

    def arguments(self, _cls: type, kwargs: dict[str, Any], _instance: Any) -> dict[str, Any]:
        return kwargs

    def made(self, instance: Any) -> None:
        self.created.append(instance)


@dataclass(frozen=True)
class Plan:
    """Per config class, the path of each instance that gets constructed, in order; ``None`` for temporary instances."""

    paths: dict[type, tuple[str | None, ...]]
    classes: dict[str, type]


_PLANS: Final[dict[tuple[type, str], Plan]] = {}


def plan(source: ConfigSource) -> Plan:
    """Which instances the constructors that a source calls make, seen by constructing it once."""
    key = (source.cls, repr(source.kwargs))
    if key not in _PLANS:
        classes: set[type] = {source.cls}
        while True:
            order = _Order()
            root = constructed(source, classes, order)
            found = {type(instance) for _, instance in walk(root)}
            if found <= classes:  # always so where there are no sub-configs
                break
            classes |= found
        where = {id(instance): path for path, instance in walk(root)}
        paths: dict[type, tuple[str | None, ...]] = dict.fromkeys(classes, ())
        for instance in order.created:
            paths[type(instance)] += (where.get(id(instance)),)
        _PLANS[key] = Plan(paths, {path: type(instance) for path, instance in walk(root)})
    return _PLANS[key]
