"""Which config fields a model reads while it is constructed; a field that is never read cannot matter."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from symcount.concolic.config.asking import COPYING
from symcount.concolic.config.config_source import PATH_KEY, aliases_of, fields_in
from symcount.concolic.config.opaque import observed
from symcount.concolic.config.stand_ins import ConfigDict
from symcount.concolic.config.symbolic import SymbolicConfig
from symcount.concolic.python.patches import Patch
from symcount.concolic.values.numbers import SymbolicInt
from symcount.concolic.values.path import STATE
from symcount.core.paths import path_of

#: Of a config of one's own, what `asdict` and its like take is passed on to the model, for all that is known.
_COPYING_OWN: Final = ("copy", "symcount")


def _home(frame: Any) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _of_transformers(cls: type) -> bool:
    return any(base.__module__.startswith("transformers.") for base in cls.__mro__)


class Reads:
    """Observes attribute access on the config classes of one trace.

    Attributes:
        values: Dotted path (aliases resolved) to the first value read.
        absent: Dotted paths that were asked for and do not exist.
        labels: Symbols for ``num_labels``, which is a property, not a field, made when it is first read.
        fixed: Dotted paths of ``num_labels`` that the model itself sets; it is no symbol then.
    """

    def __init__(self, symbolic: SymbolicConfig, *, observing: bool = False) -> None:
        """Prepare to observe the instances of *symbolic*; *observing* also what is asked of texts, objects, lists."""
        self.values: dict[str, Any] = {}
        self.absent: set[str] = set()
        self.labels: dict[str, int | float] = {}
        self.fixed: set[str] = set()
        self._observing_values = observing
        self._handed: dict[tuple[int, str, str], tuple[Any, Any]] = {}  # what was read, and how it was handed out
        self._classes = {type(instance) for instance in symbolic.instances.values()}
        self._own = {cls for cls in self._classes if not _of_transformers(cls)}
        for path, instance in symbolic.instances.items():
            if isinstance(instance, tuple) or hasattr(type(instance), "symcount_passed"):  # taken apart without a word
                self._all(path, instance)
        self._seen: dict[tuple[str, str], str | None] = {}  # with the key of the instance's own dict where it lies

    def patches(self) -> list[Patch]:
        """Observing versions of ``__getattribute__`` (and ``num_labels``) of the config classes."""
        found = []
        for cls in self._classes:
            found.append(Patch(cls, "__getattribute__", self._observing(cls)))
            if issubclass(cls, ConfigDict):
                found.append(Patch(cls, "observer", staticmethod(self._item)))
            labels = getattr(cls, "num_labels", None)
            if isinstance(labels, property):
                found.append(Patch(cls, "num_labels", property(self._labels(labels), self._set(labels))))
        return found

    def _observing(self, cls: type) -> Callable[[Any, str], Any]:
        original: Any = cls.__getattribute__
        aliases = aliases_of(cls)
        seen, is_own = self._seen, cls in self._own

        @wraps(original)
        def read(instance: Any, name: str) -> Any:
            if STATE.recorder is None or name[:2] == "__":
                found = original(instance, name)
                if is_own and name == "__dict__" and not _home(sys._getframe(1)).startswith(_COPYING_OWN):
                    self._all(found.get(PATH_KEY), instance)
                return found
            own = object.__getattribute__(instance, "__dict__")
            path = own.get(PATH_KEY)
            if path is None:
                return original(instance, name)
            if (path, name) in seen:
                key = seen[path, name]
                if key in own and own.get("_heterogeneity_spec") is None:
                    return self._handed_out(instance, path, aliases.get(name, name), own[key])
                return self._handed_out(instance, path, aliases.get(name, name), original(instance, name))
            try:
                value = original(instance, name)
            except AttributeError:
                if self._counts(sys._getframe(1), is_own):
                    self.absent.add(path_of(path, name))
                raise
            if callable(value) or self._counts(sys._getframe(1), is_own):
                true_name = aliases.get(name, name)
                computed = hasattr(getattr(cls, true_name, None), "__set__")
                seen[path, name] = true_name if not computed and own.get(true_name, seen) is value else None
                if not callable(value):
                    self.values.setdefault(path_of(path, true_name), value)
                return self._handed_out(instance, path, true_name, value)
            return value

        return read

    def _item(self, instance: Any, key: Any, value: Any) -> None:
        """Note that the item of a dict was read; by whom does not matter."""
        path = vars(instance).get(PATH_KEY)
        if STATE.recorder is not None and path is not None and not callable(value):
            self.values.setdefault(path_of(path, str(key)), value)

    def _all(self, path: str | None, instance: Any) -> None:
        """Note that all fields of a config were read."""
        if path is None:
            return
        for name, value in fields_in(instance).items():
            if name != PATH_KEY and not callable(value):
                self.values.setdefault(path_of(path, name), value)

    def _handed_out(self, instance: Any, path: str, name: str, value: Any) -> Any:
        """What a read gives: where values are observed, always the same object, which may be changed."""
        if not self._observing_values or type(value) not in (str, dict, list, tuple):
            return value
        key = id(instance), path, name
        before = self._handed.get(key)
        if before is None or before[0] is not value:
            place = path_of(path, name), ()
            before = self._handed[key] = value, observed(place, value, self.labels)
        return before[1]

    @staticmethod
    def _counts(frame: Any, is_own: bool) -> bool:
        return not _home(frame).startswith(_COPYING_OWN if is_own else COPYING)

    def _labels(self, labels: property) -> Callable[[Any], Any]:
        def num_labels(instance: Any) -> Any:
            count = labels.fget(instance)  # type: ignore[misc]
            path = vars(instance).get(PATH_KEY)
            if STATE.recorder is None or path is None or not isinstance(count, int):
                return count
            name = path_of(path, "num_labels")
            if name in self.fixed:
                return count
            self.labels[name] = count
            return SymbolicInt.field(name, count)

        return num_labels

    def _set(self, labels: property) -> Callable[[Any, Any], None]:
        def num_labels(instance: Any, count: Any) -> None:
            path = vars(instance).get(PATH_KEY)
            if STATE.recorder is not None and path is not None:
                name = path_of(path, "num_labels")
                self.fixed.add(name)
                self.labels.pop(name, None)
            labels.fset(instance, count)  # type: ignore[misc]

        return num_labels
