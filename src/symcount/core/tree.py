"""The one representation: an immutable tree of blocks and parameters. Nothing in the tree counts itself.

A `Block` mirrors a module of the real model under the name it has there; a block that stands for many equal
modules has a `repeat` (an expression) and the name `*`. A `Parameter` is a tensor with a symbolic shape; a tensor
that lives at two places is declared once and is an alias everywhere else.

>>> from symcount.core.notation import symbol
>>> H, N = symbol("H"), symbol("N")
>>> layer = block("Layer", dense=Block("", "Linear", (Parameter("weight", (H, H)),)))
>>> model = block("Model", layers=stack(N, layer))
>>> model.children[0].children[0].repeat
N
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from sympy import Expr, Integer, Symbol

from symcount.core.domain import Condition
from symcount.errors import StructureError

__all__ = ["Block", "Index", "Parameter", "Role", "Size", "block", "expr", "stack"]

Size: TypeAlias = Expr | int
Role = Literal["embedding", "head"]
ONE = Integer(1)


def expr(value: Size) -> Expr:
    """Return *value* as a SymPy expression; floats and booleans are refused.

    Raises:
        StructureError: *value* is neither an integer nor a SymPy expression.
    """
    if isinstance(value, Expr) and not value.is_Float:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Integer(value)
    raise StructureError(f"size {value!r}: expected an integer or a SymPy expression, got {type(value).__name__}")


@dataclass(frozen=True)
class Parameter:
    """A tensor: its name in the module that owns it, and its shape.

    Attributes:
        name: as in `named_parameters()` of the owner, e.g. `weight`.
        shape: one expression a dimension; `()` is a scalar.
        alias_of: path from the root of the tensor that this name shares memory with; `None` for a tensor of its own.
        trainable: `requires_grad`; frozen tables (sinusoidal positions) are false.
        same_layer: an alias because its owner is the very module that owns the tensor, registered at two places.
    """

    name: str
    shape: tuple[Expr, ...]
    alias_of: str | None = None
    trainable: bool = True
    same_layer: bool = False

    def __post_init__(self) -> None:
        if not self.name or "." in self.name:
            raise StructureError(f"parameter name {self.name!r}: expected one attribute name, such as weight")
        object.__setattr__(self, "shape", tuple(expr(d) for d in self.shape))


@dataclass(frozen=True)
class Index:
    """What numbers the modules of a list whose sizes change from one to the next.

    Attributes:
        symbol: stands in their shapes for 0, 1, 2, ….
        number: how many modules there are.
    """

    symbol: Symbol
    number: Expr


@dataclass(frozen=True)
class Block:
    """A module: a layer type, its own parameters, its child blocks, and how often it stands in its place.

    Attributes:
        name: the attribute name in the parent; `*` for the elements of a list (`block_*` where the
            index is part of a name); empty at the root.
        kind: the layer type (`Linear`, `LayerNorm`, `BertLayer`, …).
        parameters: the tensors that the module itself owns.
        children: sub-modules in the order of the real model.
        repeat: how many equal modules this block stands for.
        active: the share of the block that one token uses (`k/E` for routed experts).
        role: `embedding` for the model's input tables, `head` for the projection onto the vocabulary.
        same_as: path of the block that *is* this one: one module object registered at two places.
        conditions: what the sizes must fulfil for the module to exist.
        note: a remark for readers of the ledger, e.g. the default pattern of a hybrid stack.
        index: of a list whose modules differ in size (`H + 8*i`), what numbers them; the block stands for all of them.
    """

    name: str
    kind: str
    parameters: tuple[Parameter, ...] = ()
    children: tuple[Block, ...] = ()
    repeat: Expr = ONE
    active: Expr = ONE
    role: Role | None = None
    same_as: str | None = None
    conditions: tuple[Condition, ...] = ()
    note: str = ""
    index: Index | None = None

    def __post_init__(self) -> None:
        if not self.kind:
            raise StructureError(f"block {self.name!r} has no kind; name its layer type, such as Linear")
        names = [p.name for p in self.parameters]
        if len(set(names)) != len(names):
            raise StructureError(f"block {self.name or self.kind!r} has two parameters of one name: {', '.join(names)}")
        plain = [c.name for c in self.children if c.name and "*" not in c.name]  # a list may hold several kinds of `*`
        if len(set(plain)) != len(plain) or set(plain) & set(names):
            raise StructureError(f"block {self.name or self.kind!r} uses one name twice: {', '.join(plain + names)}")
        object.__setattr__(self, "repeat", expr(self.repeat))
        object.__setattr__(self, "active", expr(self.active))

    @property
    def copies(self) -> Expr:
        """How many modules this block stands for, equal or not."""
        return self.repeat if self.index is None else self.repeat * self.index.number

    def named(self, name: str) -> Block:
        """The same block under another name."""
        return replace(self, name=name)

    def tie(self, **targets: str) -> Block:
        """Return the block with some parameters made aliases: `Linear(H, V).tie(weight="embeddings.word.weight")`.

        Raises:
            StructureError: the block has no parameter of that name.
        """
        missing = set(targets) - {p.name for p in self.parameters}
        if missing:
            raise StructureError(f"{self.kind} has no parameter {', '.join(sorted(missing))} to tie")
        tied = tuple(replace(p, alias_of=targets.get(p.name, p.alias_of)) for p in self.parameters)
        return replace(self, parameters=tied)

    def given(self, *conditions: Condition) -> Block:
        """The same block with further conditions on its sizes."""
        return replace(self, conditions=(*self.conditions, *conditions))

    def mapped(self, change: Callable[[Expr], Expr]) -> Block:
        """The same block with every size, multiplicity and condition changed by *change*.

        >>> from sympy import Symbol
        >>> one = Block("", "Linear", (Parameter("weight", (Symbol("I"),)),))
        >>> one.mapped(lambda size: size.xreplace({Symbol("I"): 4 * Symbol("H")})).parameters[0].shape
        (4*H,)
        """
        return replace(
            self,
            parameters=tuple(replace(p, shape=tuple(map(change, p.shape))) for p in self.parameters),
            children=tuple(child.mapped(change) for child in self.children),
            repeat=change(self.repeat),
            active=change(self.active),
            conditions=tuple(c.mapped(change) for c in self.conditions),
            index=self.index and Index(self.index.symbol, change(self.index.number)),
        )

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Block]]:
        """Yield `(path, block)` for the block and everything below it, parents first."""
        path = ".".join(part for part in (prefix, self.name) if part)
        yield path, self
        for child in self.children:
            yield from child.walk(path)


def block(kind: str, parameters: tuple[Parameter, ...] = (), /, **children: Block | None) -> Block:
    """Compose a block from named children, in the order given; `None` children are left out.

    >>> block("Pooler", dense=Block("", "Linear")).children[0].name
    'dense'
    """
    named = tuple(child.named(name) for name, child in children.items() if child is not None)
    return Block("", kind, parameters, named)


def stack(count: Size, *layers: Block, kind: str = "ModuleList") -> Block:
    """A list of *count* equal layers (several different layers: each must carry its own `repeat`)."""
    if len(layers) == 1:
        return Block("", kind, children=(replace(layers[0], name="*", repeat=expr(count)),))
    return Block("", kind, children=tuple(layer.named("*") for layer in layers))
