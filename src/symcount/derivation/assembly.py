"""From rows with multiplicities to the tree that every formula has: blocks, parameters, repeats, ties, roles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sympy import Expr, Integer, cancel

from symcount.concolic.values.expression import Node
from symcount.core.tree import Block, Parameter
from symcount.derivation.catalogue import kind_of
from symcount.derivation.rows import Path, Row

__all__ = ["Assembly"]

ONE = Integer(1)
Item = tuple[Row, Expr]


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
        """The tree of all rows; each item is a row and its multiplicity in the whole model."""
        (root,) = self._blocks("", (), list(items), ONE)
        return root

    def _blocks(self, name: str, path: Path, items: list[Item], outer: Expr) -> list[Block]:
        """The block (for `*` one for each multiplicity) at *path*, inside *outer* copies of its parent."""
        if "*" not in name:
            return [self._block(name, path, items, outer, ONE)]
        # one block for each multiplicity; a name with several shapes of one multiplicity needs as many blocks
        groups: dict[tuple[Expr, int], list[Item]] = {}
        variants: Counter[tuple[Path, str, Expr]] = Counter()
        nested: list[tuple[Item, int]] = []
        for row, times in items:
            variant = variants[row.path, row.name, times]
            variants[row.path, row.name, times] += 1
            if any("*" in part for part in row.path[len(path) :]):
                nested.append(((row, times), variant))
            else:
                groups.setdefault((times, variant), []).append((row, times))
        for item, variant in nested:
            home = next((t for t, v in groups if v == variant and _whole(item[1], t)), item[1])
            groups.setdefault((home, variant), []).append(item)
        order = {id(item[0]): position for position, item in enumerate(items)}
        blocks = []
        for (times, _), members in groups.items():
            members.sort(key=lambda item: order[id(item[0])])
            blocks.append(self._block(name, path, members, times, cancel(times / outer)))
        return blocks

    def _block(self, name: str, path: Path, items: list[Item], outer: Expr, repeat: Expr) -> Block:
        level = _Level()
        for item in items:
            rest = item[0].path[len(path) :]
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
        own = [item for item in level.own if item[1] == outer]
        block = Block(name, kind_of(cls), tuple(map(self._parameter, own)), tuple(children), repeat=repeat)
        block = self._with_role(block, path, cls)
        if len(own) == len(level.own):
            return block
        partial: dict[Expr, list[Item]] = {}
        for item in level.own:
            if item[1] != outer:
                partial.setdefault(item[1], []).append(item)
        extra = [
            Block("", block.kind, tuple(map(self._parameter, members)), repeat=cancel(times / outer))
            for times, members in partial.items()
        ]
        return replace(block, children=(*block.children, *extra))

    def _parameter(self, item: Item) -> Parameter:
        row, _ = item
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
