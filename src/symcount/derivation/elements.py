"""Questions about the elements of a list of kinds: whether layer i is of one kind (`layer_types[i] == "attention"`).

The formula has the number of layers of each kind, so such a question is a predicate on the index of a loop like any
other: true in as many iterations as there are layers of the kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from typing import Any, Final

from symcount.concolic.config.config_source import ConfigSource
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import Loop
from symcount.concolic.values.predicates import Predicate
from symcount.concolic.values.rewriting import collected
from symcount.config.kind_lists import LISTED, NAMES, OTHERS, KindList, field_of, kinds_of

__all__ = ["OfKind", "kind_lists_in", "layers_of", "questions_of_kind"]

_ORDERS: Final = 256  # of lists that were made last


@dataclass(frozen=True)
class OfKind(Predicate):
    """Whether the layer with an index is of a kind.

    Attributes:
        left: the index.
        right: the number of layers of the kind.
        path: of the list.
        kind: the kind.
        listed: the list.
    """

    path: str
    kind: str
    listed: KindList = field(compare=False, repr=False)

    @staticmethod
    def about(loop: Loop, path: str, kind: str, listed: KindList) -> OfKind:
        """The question about the index of *loop*."""
        return OfKind("==", ex.symbol(loop.name), ex.symbol(field_of(path, kind)), path, kind, listed)

    def holds(self, values: Mapping[str, Any]) -> bool | None:
        """Whether it is true at *values*, where the layers are in the order that a run at these values has."""
        seed = int(values.get(field_of(self.path, ""), 0))
        numbers = tuple(int(values[field_of(self.path, kind)]) for kind in self.listed.numbers)
        kinds = _kinds(tuple(self.listed.numbers), numbers, self.listed.form, seed)
        index = values[self.left.args[0]]
        return kinds[index] == self.kind if 0 <= index < len(kinds) else None

    def renamed(self, names: Mapping[str, str | Node]) -> Predicate:
        """The same question about another index."""
        own = super().renamed(names)
        return OfKind("==", own.left, own.right, self.path, self.kind, self.listed)

    def __str__(self) -> str:
        return f"{self.path}[{self.left}] == {self.kind!r}"


@lru_cache(maxsize=_ORDERS)
def _kinds(kinds: tuple[str, ...], numbers: tuple[int, ...], form: str, seed: int) -> Sequence[str]:
    """The kind of each layer."""
    several = dict(zip(kinds, numbers, strict=True))
    made = KindList(several, "", form).with_numbers(several, seed)
    if form != "indices":
        return kinds_of(made)
    listed = set(made)
    return [LISTED if i in listed else OTHERS for i in range(sum(numbers))]


def kind_lists_in(source: ConfigSource, prefix: str = "") -> Iterator[tuple[str, KindList]]:
    """The lists of kinds in a source and the sources in it, by path."""
    for name, value in source.kwargs.items():
        if isinstance(value, ConfigSource):
            yield from kind_lists_in(value, f"{prefix}{name}.")
        elif isinstance(value, KindList) and value.form != NAMES:
            yield prefix + name, value


def questions_of_kind(loop: Loop, lists: Mapping[str, KindList]) -> list[Predicate]:
    """Of which kind the layer is, if *loop* runs over all layers that one of the lists speaks of."""
    return [
        OfKind.about(loop, path, kind, listed)
        for path, listed in lists.items()
        if _over_all(loop, path, listed)
        for kind in listed.numbers
    ]


def layers_of(loop: Loop, asked: Iterable[tuple[OfKind, bool]]) -> Node | None:
    """How many layers are of the kinds that the questions leave, all of one list; `None` if *loop* is over others.

    >>> loop = Loop("#0", "doctest", (ex.const(0), ex.add(ex.symbol("t#a"), ex.symbol("t#b")), ex.const(1)), ())
    >>> is_a = OfKind.about(loop, "t", "a", KindList({"a": 2, "b": 1}, ""))
    >>> print(layers_of(loop, [(is_a, False)]))
    t#b
    """
    several = list(asked)
    first = several[0][0]
    if any(p.path != first.path for p, _ in several) or not _over_all(loop, first.path, first.listed):
        return None
    kinds = [k for k in first.listed.numbers if all((p.kind == k) is truth for p, truth in several)]
    return _sum(first.path, kinds)


def _over_all(loop: Loop, path: str, listed: KindList) -> bool:
    first, last, step = loop.bounds
    return (first, step) == (ex.const(0), ex.const(1)) and collected(last) == collected(_sum(path, listed.numbers))


def _sum(path: str, kinds: Iterable[str]) -> Node:
    return reduce(ex.add, (ex.symbol(field_of(path, kind)) for kind in kinds), ex.const(0))
