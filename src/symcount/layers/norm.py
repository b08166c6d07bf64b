"""Normalisations."""

from __future__ import annotations

from symcount.core.domain import divides
from symcount.core.tree import Block, Parameter, Size, expr

__all__ = ["BatchNorm", "GroupNorm", "LayerNorm", "RMSNorm"]


def LayerNorm(size: Size, *, affine: bool = True, bias: bool = True) -> Block:
    """Layer normalisation: `P = 2H`; `H` without bias; nothing without the affine map.

    Shapes: `weight (size,)`, `bias (size,)`.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> H = symbol("H")
    >>> [Ledger.of(LayerNorm(H, **options)).total() for options in ({}, {"bias": False}, {"affine": False})]
    [2*H, H, 0]

    Source: Ba et al. 2016, arXiv:1607.06450; https://pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
    """
    names = ("weight", "bias") if bias else ("weight",)
    return Block("", "LayerNorm", tuple(Parameter(n, (expr(size),)) for n in names) if affine else ())


def RMSNorm(size: Size) -> Block:
    """Root-mean-square normalisation: `P = H`, one scale a channel and no shift.

    Shapes: `weight (size,)`.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> Ledger.of(RMSNorm(symbol("H"))).total()
    H

    Source: Zhang & Sennrich 2019, arXiv:1910.07467.
    """
    return Block("", "RMSNorm", (Parameter("weight", (expr(size),)),))


def GroupNorm(groups: Size, channels: Size) -> Block:
    """Group normalisation: `P = 2C`, whatever the number of groups; the groups must divide the channels.

    Shapes: `weight (channels,)`, `bias (channels,)`.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> ledger = Ledger.of(GroupNorm(32, symbol("C")))
    >>> ledger.total(), [str(c) for c in ledger.conditions]
    (2*C, ['32 divides C'])

    Source: Wu & He 2018, arXiv:1803.08494; https://pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html
    """
    parameters = tuple(Parameter(n, (expr(channels),)) for n in ("weight", "bias"))
    return Block("", "GroupNorm", parameters, conditions=(divides(expr(groups), expr(channels)),))


def BatchNorm(channels: Size) -> Block:
    """Batch normalisation: `P = 2C`; running mean and variance are buffers, not parameters.

    Shapes: `weight (channels,)`, `bias (channels,)`.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> Ledger.of(BatchNorm(symbol("C"))).total()
    2*C

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167.
    """
    return Block("", "BatchNorm", tuple(Parameter(n, (expr(channels),)) for n in ("weight", "bias")))
