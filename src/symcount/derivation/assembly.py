"""From rows with multiplicities to the tree that every formula has: blocks, parameters, repeats, ties, roles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sympy import Expr, Integer, cancel

from symcount.concolic.values.expression import Node
from symcount.core.tree import Block, Index, Parameter
from symcount.derivation.catalogue import kind_of
from symcount.derivation.sums import Item
from symcount.derivation.templates import Path

__all__ = ["Assembly"]

ONE = Integer(1)


@dataclass
class _Level:
    """The rows at and below one template path."""

    own: list[Item] = field(default_factory=list)
    below: dict[str, list[Item]] = field(default_factory=dict)


@dataclass
class Assembly:
    """Builds the tree.

    Attributes:
        classes: template path -> class of the module.
        convert: from a dimension of a row to a SymPy expression.
        head: template path of the projection onto the vocabulary, or `None`.
        inputs: template path of what embeds the input (a table, or the projection of patches), or `None`.
        active: share of the routed experts that one token uses, by the symbol of the number of experts.
    """

    classes: Mapping[Path, type]
    convert: Callable[[Node | int], Expr]
    head: Path | None = None
    inputs: Path | None = None
    active: Mapping[Expr, Expr] = field(default_factory=dict)

    def tree(self, items: Iterable[Item]) -> Block:
        """The tree of all rows."""
        (root,) = self._blocks("", (), list(items), ONE)
        return root

    def _blocks(self, name: str, path: Path, items: list[Item], outer: Expr) -> list[Block]:
        """The block (for `*` one for each multiplicity) at *path*, inside *outer* copies of its parent."""
        if "*" not in name:
            return [self._block(name, path, items, outer, ONE)]
        # one block for each multiplicity; a name with several shapes of one multiplicity needs as many blocks
        groups: dict[tuple[Expr, Index | None, int], list[Item]] = {}
        variants: Counter[tuple[Path, str, Expr]] = Counter()
        nested: list[tuple[Item, int]] = []
        for item in items:
            row = item.row
            variant = variants[row.path, row.name, item.times]
            variants[row.path, row.name, item.times] += 1
            if item.index is not None and item.star == len(path) - 1:
                groups.setdefault((outer * item.index.number, item.index, variant), []).append(item)
            elif any("*" in part for part in row.path[len(path) :]):
                nested.append((item, variant))
            else:
                groups.setdefault((item.times, None, variant), []).append(item)
        for item, variant in nested:
            home = next((t for t, i, v in groups if i is None and v == variant and _whole(item.times, t)), item.times)
            groups.setdefault((home, None, variant), []).append(item)
        order = {id(item): position for position, item in enumerate(items)}
        blocks = []
        for (times, index, _), members in self._together(groups).items():
            members.sort(key=lambda item: order[id(item)])
            repeat = ONE if index is not None else cancel(times / outer)
            blocks.append(replace(self._block(name, path, members, times, repeat), index=index))
        return blocks

    @staticmethod
    def _together(
        groups: dict[tuple[Expr, Index | None, int], list[Item]],
    ) -> dict[tuple[Expr, Index | None, int], list[Item]]:
        """The groups with what has one size in all modules among what has not, where both are the same modules."""
        indexed = [(times, index, variant) for times, index, variant in groups if index is not None]
        for key in [key for key in groups if key[1] is None and len(groups) > 1]:
            same = [other for other in indexed if other[0] == key[0]]
            names = {(i.row.path, i.row.name) for i in groups[key]}
            if len(same) == 1 and names.isdisjoint((i.row.path, i.row.name) for i in groups[same[0]]):
                groups[same[0]] += groups.pop(key)
        return groups

    def _block(self, name: str, path: Path, items: list[Item], outer: Expr, repeat: Expr) -> Block:
        level = _Level()
        for item in items:
            rest = item.row.path[len(path) :]
            if rest:
                level.below.setdefault(rest[0], []).append(item)
            else:
                level.own.append(item)
        cls = self.classes[path]
        children = [
            child
            for segment, members in level.below.items()
            for child in self._blocks(segment, (*path, segment), members, outer)
        ]
        # a parameter that not every copy of the module has stands for itself
        named = [i for i in level.own if i.index is not None and i.star == len(path)]  # `tables.0`, `tables.1`, …
        own = [item for item in level.own if item.times == outer and item not in named]
        block = Block(name, kind_of(cls), tuple(map(self._parameter, own)), tuple(children), repeat=repeat)
        block = self._with_role(block, path, cls)
        if len(own) == len(level.own):
            return block
        partial: dict[Expr, list[Item]] = {}
        for item in level.own:
            if item.times != outer and item not in named:
                partial.setdefault(item.times, []).append(item)
        extra = [
            Block("", block.kind, tuple(map(self._parameter, members)), repeat=cancel(times / outer))
            for times, members in partial.items()
        ]
        extra += [
            Block("", block.kind, (self._parameter(i),), repeat=cancel(i.times / outer / i.index.number), index=i.index)
            for i in named
            if i.index is not None
        ]
        return replace(block, children=(*block.children, *extra))

    def _parameter(self, item: Item) -> Parameter:
        row = item.row
        shape = tuple(self.convert(dim) for dim in row.shape)
        return Parameter(row.name, shape, row.alias, row.trainable, row.same_layer)

    def _in_attention(self, path: Path) -> bool:
        """Whether a module lies inside an attention module: tables there are of relative positions."""
        return any("attention" in self.classes[path[:i]].__name__.lower() for i in range(1, len(path)))

    def _with_role(self, block: Block, path: Path, cls: type) -> Block:
        if self.head is not None and path == self.head:
            block = replace(block, role="head")
        elif path == self.inputs or (_is_table(cls) and not self._in_attention(path)):
            block = replace(block, role="embedding")
        if self.active and "expert" in f"{path[-1] if path else ''} {cls.__name__}".lower():
            first = {p.shape[0] for p in block.parameters if len(p.shape) >= 2}
            first |= {block.repeat}
            shares = [share for experts, share in self.active.items() if experts in first]
            if shares:
                block = replace(block, active=shares[0])
        return block


def _is_table(cls: type) -> bool:
    """Whether *cls* is torch's lookup table or a class derived from it."""
    return any(base.__name__ == "Embedding" and base.__module__.startswith("torch.nn") for base in cls.__mro__)


def _whole(times: Expr, part: Expr) -> bool:
    """Whether *times* is a polynomial multiple of *part*, so that it can stand inside it."""
    quotient = cancel(times / part)
    return bool(quotient.is_polynomial() and quotient.as_numer_denom()[1] == 1)
