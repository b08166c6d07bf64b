"""The one traversal: a tree becomes a ledger of rows, one a parameter name, and a convention says what each counts.

Conventions:

* `unique` (default): every stored tensor once. What `model.num_parameters()` reports.
* `per_layer`: every layer's own weights; a tied tensor counts at each layer that uses it. What torchinfo and
  articles that add up layers report. A *layer* is a block without child blocks; where a container holds a second
  name of a layer's tensor (BERT's decoder bias), the layer has it.
* `non_embedding`: `unique` without the input tables (or the projection of patches that stands for them) and without
  the projection onto the vocabulary (Kaplan et al. 2020, arXiv:2001.08361, "N"). Relative-position tables inside
  attention stay.
* `active`: `unique`, but of routed experts only the share that one token uses.
* `trainable`: `unique` without frozen tensors.

Buffers are not parameters and are not in the tree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal, get_args

from sympy import Add, Expr, Integer, Mul

from symcount.core.domain import Condition, minimal
from symcount.core.summation import summed
from symcount.core.tree import ONE, Block, Index, Role
from symcount.errors import ConventionError, StructureError, near

__all__ = ["CONVENTIONS", "Convention", "Ledger", "Row", "check_convention"]

Convention = Literal["unique", "per_layer", "non_embedding", "active", "trainable"]
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)
ZERO = Integer(0)


def check_convention(name: str) -> Convention:
    """Return *name* if it is a convention.

    Raises:
        ConventionError: it is not; the message lists those that are.
    """
    for known in CONVENTIONS:
        if name == known:
            return known
    raise ConventionError(
        f"convention {name!r}: expected one of {', '.join(CONVENTIONS)}.{near(str(name), CONVENTIONS)}"
    )


@dataclass(frozen=True)
class Row:
    """One parameter name of the model.

    Attributes:
        path: path of the block that owns the name (`bert.encoder.layer.*.attention.self.query`).
        name: the parameter's name there (`weight`).
        kind: the owner's layer type.
        repeat: how many modules the row stands for, or of each module that an index numbers.
        shape: shape of one tensor; with the symbols of its indices.
        alias_of: full path of the tensor it shares memory with, or `None`.
        same_layer: the owner is the very module object that owns the tensor, registered a second time.
        trainable: not frozen.
        active: share of the tensor that one token uses.
        role: `embedding`, `head` or `None`.
        leaf: the owner has no child blocks, so it is a layer.
        indices: what numbers the modules of lists in which its shape changes from one to the next.
    """

    path: str
    name: str
    kind: str
    repeat: Expr
    shape: tuple[Expr, ...]
    alias_of: str | None = None
    same_layer: bool = False
    trainable: bool = True
    active: Expr = ONE
    role: Role | None = None
    leaf: bool = True
    indices: tuple[Index, ...] = ()

    @property
    def tensor(self) -> str:
        """Full path of the name, as in `named_parameters()` with `*` for list indices."""
        return f"{self.path}.{self.name}" if self.path else self.name

    @cached_property
    def size(self) -> Expr:
        """Number of elements of one tensor; where indices number the tensors, the sum over these."""
        size = Mul(*self.shape)
        for index in reversed(self.indices):
            size = summed(size, index.symbol, index.number)
        return size

    @cached_property
    def number(self) -> Expr:
        """How many tensors the row stands for."""
        return Mul(self.repeat, *(index.number for index in self.indices))

    @cached_property
    def total(self) -> Expr:
        """Number of elements of all tensors of the row."""
        return self.repeat * self.size


@dataclass(frozen=True)
class Ledger:
    """The rows of a tree, in the order of the model.

    >>> from symcount.layers import Linear
    >>> from symcount.core.notation import symbol
    >>> ledger = Ledger.of(Linear(symbol("H"), symbol("I")))
    >>> [(row.name, row.size) for row in ledger]
    [('weight', H*I), ('bias', I)]
    >>> ledger.total()
    H*I + I
    """

    rows: tuple[Row, ...]
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, root: Block) -> Ledger:
        """Traverse *root*.

        Raises:
            StructureError: an alias points nowhere, or to a tensor of another shape.
        """
        conditions: list[Condition] = []
        ledger = cls(tuple(_rows(root, "", Integer(1), Integer(1), None, None, conditions, ())), minimal(conditions))
        owners: dict[str, list[Row]] = defaultdict(list)  # layers of several sizes may share a name
        for row in ledger.rows:
            if row.alias_of is None:
                owners[row.tensor].append(row)
        for row in ledger.rows:
            if row.alias_of is None:
                continue
            if row.alias_of not in owners:
                raise StructureError(f"{row.tensor} is tied to {row.alias_of}, which the model does not have")
            if not any(_same_size(owner, row) for owner in owners[row.alias_of]):
                shapes = " or ".join(str(owner.shape) for owner in owners[row.alias_of])
                raise StructureError(
                    f"{row.tensor} has shape {row.shape}, but {row.alias_of}, which it is tied to, {shapes}"
                )
        return ledger

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @cached_property
    def holders(self) -> Mapping[str, tuple[Row, ...]]:
        """For each stored tensor, every row that names it; the owner first."""
        groups: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.alias_of is None:
                groups.setdefault(row.tensor, []).append(row)
        for row in self.rows:
            if row.alias_of is not None:
                groups[row.alias_of].append(row)
        return {tensor: tuple(rows) for tensor, rows in groups.items()}

    @cached_property
    def shared(self) -> tuple[tuple[Row, Row], ...]:
        """Pairs (row, row it is tied to): which tensor is shared with which."""
        return tuple((row, self._owner(row.alias_of, row)) for row in self.rows if row.alias_of is not None)

    def _owner(self, tensor: str, row: Row) -> Row:
        """The owner of *tensor* that *row* is tied to: of several layers with that name, the first of its size."""
        owners = [holder for holder in self.holders[tensor] if holder.alias_of is None]
        return next((owner for owner in owners if _same_size(owner, row)), owners[0])

    def counted(self, row: Row, convention: Convention = "unique") -> Expr:
        """What *row* contributes under *convention*, as a multiple of `row.size`."""
        if convention == "per_layer":
            return row.repeat if self._counts_per_layer(row) else ZERO
        if row.alias_of is not None:
            return ZERO
        if convention == "non_embedding" and any(holder.role for holder in self.holders[row.tensor]):
            return ZERO
        if convention == "trainable" and not row.trainable:
            return ZERO
        return row.repeat * row.active if convention == "active" else row.repeat

    def _counts_per_layer(self, row: Row) -> bool:
        if row.same_layer:
            return False
        holders = self.holders[row.alias_of or row.tensor]
        if len(holders) == 1:
            return True
        # several names: the layers (leaves) that hold the tensor count; if none does, the owner
        return row.leaf if any(h.leaf for h in holders) else row.alias_of is None

    def total(self, convention: Convention = "unique") -> Expr:
        """The closed form: equal multiplicities are collected, so that the layers read `N*(…)`."""
        by_repeat: dict[Expr, list[Expr]] = defaultdict(list)
        for row in self.rows:
            times = self.counted(row, convention)
            if times != 0:
                by_repeat[times].append(row.size)
        return Add(*(times * Add(*sizes) for times, sizes in by_repeat.items()))

    def select(self, pattern: str = "*", kind: str | None = None) -> tuple[Row, ...]:
        """The rows whose tensor's full path matches the shell-style *pattern*, of layers of type *kind* if given.

        >>> from symcount.layers import MLP
        >>> [row.tensor for row in Ledger.of(MLP(2, 8)).select("down.*", "Linear")]
        ['down.weight', 'down.bias']
        """
        return tuple(r for r in self.rows if fnmatchcase(r.tensor, pattern) and kind in (None, r.kind))

    def by_path(self, depth: int | None = None, convention: Convention = "unique") -> dict[str, Expr]:
        """Subtotals by path, cut after *depth* names (`None`: every block that owns parameters)."""
        groups: dict[str, list[Expr]] = defaultdict(list)
        for row in self.rows:
            parts = row.path.split(".") if row.path else []
            key = ".".join(parts if depth is None else parts[:depth])
            groups[key].append(self.counted(row, convention) * row.size)
        return {key: Add(*terms) for key, terms in groups.items()}

    def by_kind(self, convention: Convention = "unique") -> dict[str, Expr]:
        """Subtotals by layer type."""
        groups: dict[str, list[Expr]] = defaultdict(list)
        for row in self.rows:
            groups[row.kind].append(self.counted(row, convention) * row.size)
        return {kind: Add(*terms) for kind, terms in groups.items()}


def _same_size(a: Row, b: Row) -> bool:
    return bool(a.size - b.size == 0 or (a.size - b.size).expand() == 0)


def _rows(
    block: Block,
    prefix: str,
    repeat: Expr,
    active: Expr,
    role: Role | None,
    same: tuple[str, str] | None,
    conditions: list[Condition],
    indices: tuple[Index, ...],
) -> Iterator[Row]:
    path = ".".join(part for part in (prefix, block.name) if part)
    indices = indices if block.index is None else (*indices, block.index)
    repeat, active, role = repeat * block.repeat, active * block.active, block.role or role
    if block.same_as is not None:
        same = (path, block.same_as)
    conditions.extend(block.conditions)
    for parameter in block.parameters:
        alias = parameter.alias_of
        if same is not None and alias is None:
            own, original = same
            alias = ".".join(p for p in (original + path[len(own) :], parameter.name) if p)
        used: set[Any] = set().union(*(d.free_symbols for d in parameter.shape))
        yield Row(
            path,
            parameter.name,
            block.kind,
            Mul(repeat, *(index.number for index in indices if index.symbol not in used)),
            parameter.shape,
            alias,
            same is not None or parameter.same_layer,
            parameter.trainable,
            active,
            role,
            not block.children,
            tuple(index for index in indices if index.symbol in used),
        )
    for child in block.children:
        yield from _rows(child, path, repeat, active, role, same, conditions, indices)
