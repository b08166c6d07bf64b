"""Numbers that a config class makes of others where they are left out: rules as texts, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symcount.atlas.codes import identifiers
from symcount.atlas.compiled import compiled
from symcount.atlas.record import Layout
from symcount.errors import UncoveredError
from symcount.exact.arithmetic import Number as Value

__all__ = ["Rules"]


class Rules:
    """The rules of one layout."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._names = [n.name for n in layout.numbers.values()]
        self._by_name = {n.name: path for path, n in layout.numbers.items()}
        self._compiled: dict[str, Callable[..., tuple[Any, ...]]] = {}
        self._needs: dict[str, list[str]] = {}

    def number(self, text: str, values: Mapping[str, Value]) -> Value:
        """What the rule in *text* makes of the *values* by path."""
        needs = self._needs_of(text)
        (value,) = self._compiled[text](*(values[self._by_name[n]] for n in needs))
        return value  # type: ignore[no-any-return]  # compiled from text

    def fill(self, pending: dict[str, str], values: dict[str, Value]) -> None:
        """Complete *values* by the rules of those that are *pending*, by path.

        Raises:
            UncoveredError: one has no rule, or its rule gives no integer.
        """
        while pending:
            progress = False
            for path, text in list(pending.items()):
                if not text:
                    raise UncoveredError(f"{path} is left out and has no default; give a number")
                if all(self._by_name[n] in values for n in self._needs_of(text)):
                    value = self.number(text, values)
                    if not isinstance(value, int) and not self._layout.numbers[path].ratio:
                        from symcount.atlas.codec import readable

                        raise UncoveredError(f"{path} is left out, and {readable(text)} is no integer here")
                    values[path] = value
                    del pending[path]
                    progress = True
            if not progress:
                raise UncoveredError(f"{', '.join(pending)}: left out, and no rule fills in a value; give a number")

    def _needs_of(self, text: str) -> list[str]:
        if text not in self._needs:
            self._needs[text] = [n for n in self._names if n in identifiers(text)]
            self._compiled[text] = compiled([text], self._needs[text])
        return self._needs[text]
