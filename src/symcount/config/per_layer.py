"""Per-layer lists: a list with one element for each layer, made again for any number of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["Following", "elements"]


class Following(list[Any]):
    """A list with one element for each layer, which can be made for another number of layers: it begins anew.

    >>> kinds = Following(["local", "local", "global"], "num_hidden_layers")
    >>> kinds.at(5), kinds.at(2)
    (['local', 'local', 'global', 'local', 'local'], ['local', 'local'])
    >>> Following([[["global", "local"], 12]], "num_layers").at(3)
    [[['global'], 1], [['local'], 1], [['global'], 1]]
    """

    def __init__(self, value: Sequence[Any], depth: str) -> None:
        """Make the list.

        Args:
            value: it, as long as it is by default.
            depth: the config field that is the number of layers, in the same sub-config.
        """
        super().__init__(value)
        self.depth = depth
        self.form = tuple if isinstance(value, tuple) else list

    @property
    def number(self) -> int:
        """How many layers there are by default."""
        return len(elements(self))

    def at(self, number: int) -> Sequence[Any]:
        """The list for that *number* of layers."""
        known = elements(self)
        return self._written([known[i % len(known)] for i in range(number)])

    @property
    def kinds(self) -> list[Any]:
        """What is in it, each once."""
        return list(dict.fromkeys(elements(self)))

    def renamed(self, by: int) -> Following:
        """The list with its kinds exchanged: each is replaced by the one *by* so many later among them.

        >>> Following(("a", "b", "b", "c"), "num_layers").renamed(1)
        ['b', 'c', 'c', 'a']
        """
        kinds = self.kinds
        named = {kind: kinds[(i + by) % len(kinds)] for i, kind in enumerate(kinds)}
        return Following(self._written([named[x] for x in elements(self)]), self.depth)

    def _written(self, found: Sequence[Any]) -> Sequence[Any]:
        return self.form([[x], 1] for x in found) if _in_runs(self) else self.form(found)


def elements(value: Any) -> list[Any]:
    """The element of each layer; none where *value* is no list of such.

    >>> elements(("conv", "attention"))
    ['conv', 'attention']
    >>> elements([[["global", "local"], 2], [["local"], 1]])
    ['global', 'local', 'global', 'local', 'local']
    >>> elements([{"a": 1}])
    []
    """
    if not isinstance(value, list | tuple):
        return []
    if _in_runs(value):
        return [kind for kinds, times in value for _ in range(times) for kind in kinds]
    return list(value) if all(x is None or isinstance(x, str | int | float) for x in value) else []


def _in_runs(value: Sequence[Any]) -> bool:
    """Whether it is written as runs, kinds with how often they come: `[[["global", "local"], 12]]`."""
    return bool(value) and all(
        isinstance(run, list | tuple)
        and len(run) == 2
        and isinstance(run[0], list | tuple)
        and all(isinstance(kind, str) for kind in run[0])
        and type(run[1]) is int
        for run in value
    )
