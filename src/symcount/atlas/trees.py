"""Trees of blocks as JSON: equal expressions and equal blocks of a family are stored once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from symcount.atlas.codec import encode, to_sympy

if TYPE_CHECKING:
    from sympy import Expr, Symbol

    from symcount.core.tree import Block

__all__ = ["Pool", "StoredRow", "rows", "tree_from", "tree_of", "tree_to_json"]

#: A block: name, kind, parameters, children, repeat, active share, role, same_as, note, index (symbol and number).
#: A parameter: name, shape, alias_of, trainable (0 or 1), same_layer (0 or 1). Trailing defaults are left out.
_BLOCK: tuple[Any, ...] = ("", "", [], [], "1", "1", "", "", "", [])
_PARAMETER: tuple[Any, ...] = ("", [], "", 1, 0)


def tree_to_json(block: Block, memo: dict[Expr, str] | None = None) -> list[Any]:
    """A tree with its expressions as text."""
    memo = {} if memo is None else memo

    def text(expression: Expr) -> str:
        if expression not in memo:
            memo[expression] = encode(expression)
        return memo[expression]

    parameters = [
        _short([p.name, [text(d) for d in p.shape], p.alias_of or "", int(p.trainable), int(p.same_layer)], _PARAMETER)
        for p in block.parameters
    ]
    children = [tree_to_json(child, memo) for child in block.children]
    item = [block.name, block.kind, parameters, children, text(block.repeat), text(block.active), block.role or "",
            block.same_as or "", block.note,
            [block.index.symbol.name, text(block.index.number)] if block.index else []]  # fmt: skip
    return _short(item, _BLOCK)


def _short(item: list[Any], defaults: tuple[Any, ...]) -> list[Any]:
    length = len(item)
    while length > 1 and item[length - 1] == defaults[length - 1]:
        length -= 1
    return item[:length]


@dataclass
class Pool:
    """The trees of a family, taken apart: a block refers to its children and its expressions by number.

    Attributes:
        expressions: texts.
        blocks: blocks whose children come before them.
        trees: numbers of the blocks that are whole models.
    """

    expressions: list[str] = field(default_factory=list)
    blocks: list[list[Any]] = field(default_factory=list)
    trees: list[int] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)

    def add(self, tree: list[Any]) -> int:
        """The number of a tree, which is added if it is new."""
        block = self._block(tree)
        if block not in self.trees:
            self.trees.append(block)
        return self.trees.index(block)

    def _block(self, item: list[Any]) -> int:
        full = [*item, *_BLOCK[len(item) :]]
        name, kind, parameters, children, repeat, active, *rest = full
        packed = _short(
            [
                name,
                kind,
                [_short([p[0], [self._text(d) for d in (p[1] if len(p) > 1 else [])], *p[2:]], _PARAMETER)
                 for p in parameters],
                [self._block(child) for child in children],
                self._text(repeat),
                self._text(active),
                *rest,
            ],
            ("", "", [], [], self._text("1"), self._text("1"), "", "", "", []),
        )  # fmt: skip
        return self._number(repr(packed), self.blocks, packed)

    def _text(self, text: str) -> int:
        return self._number(f"={text}", self.expressions, text)

    def _number(self, key: str, items: list[Any], item: Any) -> int:
        if key not in self._known:
            self._known[key] = len(items)
            items.append(item)
        return self._known[key]

    def to_json(self) -> dict[str, Any]:
        """What `tree_from` reads."""
        return {"expressions": self.expressions, "blocks": self.blocks, "trees": self.trees}


def tree_of(pool: Mapping[str, Any], number: int) -> list[Any]:
    """The tree of that number in the form that `Pool.add` takes."""
    texts, blocks = pool["expressions"], pool["blocks"]

    def block(index: int) -> list[Any]:
        item = [*blocks[index]]
        item[2:3] = [[[*p[:1], [texts[d] for d in p[1]], *p[2:]] if len(p) > 1 else p for p in x] for x in item[2:3]]
        item[3:4] = [[block(child) for child in x] for x in item[3:4]]
        item[4:6] = [texts[x] for x in item[4:6]]
        return item

    return block(pool["trees"][number])


def tree_from(pool: Mapping[str, Any], number: int, symbols: Mapping[str, Symbol]) -> Block:
    """The tree of that number, in *symbols* by letter."""
    from symcount.core.summation import index_symbol
    from symcount.core.tree import ONE, Block, Index, Parameter

    texts, blocks = pool["expressions"], pool["blocks"]
    memo: dict[int, Expr] = {}
    symbols = {**symbols, **{b[9][0]: index_symbol(b[9][0]) for b in blocks if len(b) > 9}}

    def expression(index: int) -> Expr:
        if index not in memo:
            memo[index] = to_sympy(texts[index], symbols)
        return memo[index]

    def block(index: int) -> Block:
        item: list[Any] = blocks[index]
        name, kind, parameters, children = [*item, *_BLOCK[len(item) : 4]][:4]
        repeat, active = (expression(item[i]) if len(item) > i else ONE for i in (4, 5))
        role, same_as, note, numbered = [*item[6:], *_BLOCK[max(6, len(item)) :]]
        made = []
        p: list[Any]
        for p in parameters:
            _, shape, alias, trainable, same = [*p, *_PARAMETER[len(p) :]]
            made.append(Parameter(p[0], tuple(map(expression, shape)), alias or None, bool(trainable), bool(same)))
        return Block(name, kind, tuple(made), tuple(map(block, children)), repeat, active, role or None,
                     same_as or None, (), note,
                     Index(symbols[numbered[0]], to_sympy(numbered[1], symbols)) if numbered else None)  # fmt: skip

    return block(pool["trees"][number])


class StoredRow(NamedTuple):
    """A parameter name of a stored tree.

    Attributes:
        path: of the tensor, from the root.
        shape: texts of its dimensions.
        alias_of: path of the tensor that it is, if it is no tensor of its own.
        role: see `Block.role`.
    """

    path: str
    shape: tuple[str, ...]
    alias_of: str
    role: str


def rows(pool: Mapping[str, Any], number: int) -> Iterator[StoredRow]:
    """The parameter names of the tree of that number, as text: SymPy is not needed."""
    texts, blocks = pool["expressions"], pool["blocks"]

    def walk(index: int, above: str, role: str) -> Iterator[StoredRow]:
        item: list[Any] = [*blocks[index], *_BLOCK[len(blocks[index]) :]]
        path = ".".join(part for part in (above, item[0]) if part)
        role = item[6] or role
        for parameter in item[2]:
            name, shape, alias = [*parameter, *_PARAMETER[len(parameter) :]][:3]
            yield StoredRow(f"{path}.{name}" if path else name, tuple(texts[i] for i in shape), alias, role)
        for child in item[3]:
            yield from walk(child, path, role)

    return walk(pool["trees"][number], "", "")
