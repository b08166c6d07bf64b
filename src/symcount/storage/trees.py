"""Trees of bytes: every tensor of a model as the bytes that it is stored in.

A tensor of shape (V, H) in bfloat16 is, viewed as bytes, one of shape (V, H, 2): `tensor.view(torch.uint8)`. So the
bytes of a model are a tree like that of its parameters, and whatever is done with that (formula, breakdown,
derivative, search) is done with this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sympy import Integer, Mul, ceiling

from symcount.core.tree import Block, Parameter
from symcount.formulas.layerwise import joined
from symcount.storage.dtypes import DTYPES
from symcount.storage.optimizers import Optimizer

__all__ = ["PAGE", "Sizes", "below", "gradients", "in_bytes", "mapped", "rounded", "states", "viewed"]

PAGE = 512
"""Bytes in whose multiples torch's CUDA allocator hands out memory."""

Sizes = Callable[[str, Block, Parameter], int]
"""Path of the block, block, parameter -> bytes of an element."""


def viewed(parameter: Parameter, size: int) -> Parameter:
    """A tensor as bytes, of which an element has *size*."""
    return parameter if size == 1 else replace(parameter, shape=(*parameter.shape, Integer(size)))


def mapped(block: Block, change: Callable[[str, Block, Parameter], Iterable[Parameter]], path: str = "") -> Block:
    """*block* with other tensors in the place of each parameter, as *change* makes them of it and of where it is."""
    here = joined(path, block.name)
    return replace(
        block,
        parameters=tuple(made for p in block.parameters for made in change(here, block, p)),
        children=tuple(mapped(child, change, here) for child in block.children),
    )


def below(tree: Block, name: str) -> Block:
    """A tree as a part of a larger one, under *name*: what is shared in it is shared in it there."""

    def moved(block: Block) -> Block:
        return replace(
            block,
            parameters=tuple(
                p if p.alias_of is None else replace(p, alias_of=f"{name}.{p.alias_of}") for p in block.parameters
            ),
            children=tuple(map(moved, block.children)),
            same_as=None if block.same_as is None else f"{name}.{block.same_as}",
        )

    return replace(moved(tree), name=name)


def in_bytes(tree: Block, sizes: Sizes) -> Block:
    """The weights as they are stored."""
    return mapped(tree, lambda path, block, p: (viewed(p, sizes(path, block, p)),))


def gradients(tree: Block, sizes: Sizes) -> Block:
    """What has the shapes of the trained parameters: gradients, or copies of them, in the types of *sizes*."""
    return mapped(tree, lambda path, block, p: (viewed(p, sizes(path, block, p)),) if p.trainable else ())


def states(tree: Block, sizes: Sizes, used: Optimizer) -> Block:
    """What an optimizer keeps beside each trained parameter.

    Args:
        tree: of the model.
        sizes: of the elements of what is optimised.
        used: the optimizer.
    """

    def kept(path: str, block: Block, p: Parameter) -> Iterable[Parameter]:
        if not p.trainable or p.alias_of is not None:
            return
        for state in used.states:
            if not state.is_of(p.shape):
                continue
            made = Parameter(f"{p.name}_{state.name}", state.shape(p.shape))
            if state.dtype == "bytes":
                yield made
            else:
                yield viewed(made, DTYPES[state.dtype].size if state.dtype else sizes(path, block, p))

    found = _without_shared(mapped(tree, kept))
    if not used.once:
        return found
    return replace(found, parameters=(*found.parameters, Parameter("tables", (Integer(used.once),))))


def _without_shared(block: Block) -> Block:
    """*block* without the modules that are registered a second time."""
    return replace(block, children=tuple(_without_shared(c) for c in block.children if c.same_as is None))


def rounded(tree: Block, page: int = PAGE) -> Block:
    """A tree of bytes in which every tensor takes whole pages, as an allocator hands them out."""
    return mapped(tree, lambda _path, _block, p: (replace(p, shape=(Integer(page), ceiling(Mul(*p.shape) / page))),))
