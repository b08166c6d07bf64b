"""What a loop of an optimizer over the parameters makes for a while: the most bytes that are there at one time.

Such a loop makes tensors for one parameter after the other. What a name was given for one of them is there until the
next one's is made, so the order of the parameters decides: it is that of the tree, as of `model.parameters()` where
the tree was derived; one that was composed by hand has a layer's parameters in the order in which one reads them. Of a
block that is repeated, the second time is as all later ones. What a kernel of a GPU takes for itself (the reductions of
a norm, workspaces of a product) is no tensor of the optimizer's, and not counted.

Sources: the loops of `torch.optim` 2.13 (`_adafactor.py`, `_muon.py`, `rprop.py`) and of
`transformers.optimization.Adafactor`; the tests hold them against real steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from sympy import Expr, Integer, Max, Min, Mul, expand

from symcount.core.tree import Block, expr
from symcount.formulas.layerwise import joined
from symcount.storage.trees import Sizes

__all__ = ["LOOPS", "Left", "most"]

_NONE: Final = Integer(0)
_FP32: Final = 4
_BF16: Final = 2

Shape = tuple[Expr, ...]


class Left(NamedTuple):
    """Bytes that are left of the parameters before: of the last one, of the last matrix and of the last vector."""

    last: Expr = _NONE
    matrix: Expr = _NONE
    vector: Expr = _NONE


#: Of a parameter of that shape, of so many bytes an element: what is there at one time or another, and what is left.
Loop = Callable[[Left, Shape, int], tuple[tuple[Expr, ...], Left]]


def _twice(left: Left, shape: Shape, size: int) -> tuple[tuple[Expr, ...], Left]:
    """AdamW's: a root and its quotient, the denominator, which stays."""
    whole = size * Mul(*shape)
    return (left.last + 2 * whole,), Left(whole)


def _lion(left: Left, shape: Shape, size: int) -> tuple[tuple[Expr, ...], Left]:
    """Of lion-pytorch: a copy of the momentum, and its sum with the gradient, in a function that leaves nothing."""
    return (2 * size * Mul(*shape),), left


def _rprop(left: Left, shape: Shape, size: int) -> tuple[tuple[Expr, ...], Left]:
    """The gradient where it changed its sign, and where that is."""
    return ((size + 1) * Mul(*shape),), left


def _adafactor_torch(left: Left, shape: Shape, size: int) -> tuple[tuple[Expr, ...], Left]:
    """An estimate, which becomes the update; the means of rows and columns, or the square of a vector, stay."""
    whole = size * Mul(*shape)
    if len(shape) < 2:
        return (left.last + left.matrix + 2 * whole,), Left(whole, left.matrix, whole)
    means = size * (Mul(*shape[:-1]) + Mul(*shape[:-2], shape[-1]))
    return (left.last + left.vector + means + whole,), Left(whole, means, left.vector)


def _adafactor(left: Left, shape: Shape, size: int) -> tuple[tuple[Expr, ...], Left]:
    """In fp32: the gradient and the parameter unless they are, the square, and what comes of it."""
    whole = _FP32 * Mul(*shape)
    copies = 2 * whole if size < _FP32 else _NONE
    factors = _NONE if len(shape) < 2 else _FP32 * (Mul(*shape[:-1]) + Mul(*shape[:-2], shape[-1]))
    return (copies + left.last + 2 * whole, copies + factors + 2 * whole), Left(whole)


def _muon(left: Left, shape: Shape, size: int) -> tuple[tuple[Expr, ...], Left]:
    """The momentum that is ahead, two iterates in bf16, and two products of the smaller dimension with itself.

    The iterate that is left of the last one is less than what the larger of the two takes anyway.
    """
    if len(shape) != 2:
        return (), left
    return ((size + 2 * _BF16) * Mul(*shape) + 2 * _BF16 * Min(*shape) ** 2,), left


#: by the name of the optimizer
LOOPS: Final[dict[str, Loop]] = {
    "adamw_for_loop": _twice,
    "lion": _lion,
    "rprop": _rprop,
    "adafactor_torch": _adafactor_torch,
    "adafactor": _adafactor,
    "muon": _muon,
}


def most(tree: Block, sizes: Sizes, loop: Loop) -> Expr:
    """The most bytes that are there at one time.

    >>> from sympy import Symbol
    >>> from symcount.core.tree import Block, Parameter
    >>> H = Symbol("H", integer=True, positive=True)
    >>> most(Block("", "Linear", (Parameter("bias", (3 * H,)), Parameter("weight", (H, 3 * H)))),
    ...      lambda path, block, parameter: 2, LOOPS["adamw_for_loop"])
    12*H**2 + 6*H
    """
    left = Left()
    found: dict[Expr, None] = {}
    for shape, size in _in_order(tree, sizes, ""):
        made, left = loop(left, shape, size)
        found.update(dict.fromkeys(map(expand, made)))
    kept = _undominated(list(found))
    return expr(Max(*kept)) if kept else _NONE


def _in_order(block: Block, sizes: Sizes, path: str) -> Iterator[tuple[Shape, int]]:
    """The trained parameters as an optimizer gets them; those of repeated blocks twice."""
    here = joined(path, block.name)
    for _ in range(1 if block.repeat == 1 else 2):
        for p in block.parameters:
            if p.trainable and p.alias_of is None:
                yield p.shape, sizes(here, block, p)
        for child in block.children:
            if child.same_as is None:
                yield from _in_order(child, sizes, here)


def _undominated(found: Sequence[Expr]) -> list[Expr]:
    """Those that are not at most as large as another one term by term."""
    kept: list[Expr] = []
    for one in sorted(found, key=lambda e: (-len(e.args), str(e))):
        if any(_at_least(other, one) for other in kept):
            continue
        kept = [other for other in kept if not _at_least(one, other)] + [one]
    return kept


def _at_least(one: Expr, other: Expr) -> bool:
    """Whether the difference has no negative term: sizes are positive."""
    return all(number >= 0 for number in expand(one - other).as_coefficients_dict().values())
