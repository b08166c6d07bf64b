"""Walks through a tree where it matters which of equal layers a module is in: `model.layers.3.mlp` by its index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sympy import Integer

from symcount.core.tree import Block
from symcount.errors import OptionError
from symcount.exact.evaluate import integer_value

__all__ = ["children", "joined"]

_MOST = 100_000  # modules of one list that are looked at one by one


def joined(path: str, name: str) -> str:
    """The path of a module called *name* in the one at *path*.

    >>> joined("", "model"), joined("model", "layers")
    ('model', 'model.layers')
    """
    return ".".join(part for part in (path, name) if part)


def children(
    block: Block,
    path: str,
    values: Mapping[str, Any],
    change: Callable[[Block, str], Block],
    *,
    by_index: bool,
    source: str,
) -> list[Block]:
    """The children of a block, each changed by *change*, which is given their paths with an index in each list.

    Args:
        block: whose children.
        path: of the block, with the indices that are looked at.
        values: by letter, at which lists are looked at one by one.
        change: from a child and its path to what stands in its place.
        by_index: whether layers of one list may be changed differently; otherwise the first stands for all.
        source: what asks for it, for messages.

    Raises:
        OptionError: a list that is too long, or one of several kinds of layers that cannot be told apart.
    """
    made: list[Block] = []
    starred = [c for c in block.children if "*" in c.name]
    several = _length(starred, values) if by_index and len(starred) > 1 else None
    for child in block.children:
        if "*" in child.name and by_index:
            made += _one_by_one(child, path, values, change, several, source)
        else:
            made.append(change(child, joined(path, child.name.replace("*", "0"))))
    return made


def _length(layers: Sequence[Block], values: Mapping[str, Any]) -> int:
    """How long a list is that has several kinds of layers, or parts that not all of its layers have."""
    parts: dict[str, Counter[str]] = {}
    for layer in layers:
        number = integer_value(layer.copies, values)
        found = parts.setdefault(layer.kind, Counter())
        for name in [c.name for c in layer.children] or [""]:
            found[name] += number
    return sum(max(numbers.values()) for numbers in parts.values())


def _one_by_one(
    block: Block,
    path: str,
    values: Mapping[str, Any],
    change: Callable[[Block, str], Block],
    several: int | None,
    source: str,
) -> list[Block]:
    """The layers of a list by what they become; most of them keep the symbol of their number.

    Of a list with *several* layers of more than one kind it is not known which are of this; it must not matter.
    """
    number = integer_value(block.copies, values) if several is None else several
    if number > _MOST:
        raise OptionError(f"{source}: a list of {number:,} modules, of which some are meant")
    groups: dict[Block, int] = {}
    for index in range(number):
        made = change(block, joined(path, block.name.replace("*", str(index))))
        groups[made] = groups.get(made, 0) + 1
    if len(groups) == 1:
        return [replace(made, repeat=block.repeat) for made in groups]
    if several is not None or block.index is not None:
        raise OptionError(f"{source}: it names by their index layers of {path}, where there are several kinds or sizes")
    most = max(groups, key=lambda b: groups[b])
    rest = sum(n for b, n in groups.items() if b is not most)
    return [replace(b, repeat=block.repeat - rest if b is most else Integer(n)) for b, n in groups.items()]
