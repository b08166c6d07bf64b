"""Convolutions."""

from __future__ import annotations

from symcount.core.domain import divides
from symcount.core.tree import Block, Parameter, Size, expr

__all__ = ["Conv1d", "Conv2d"]


def Conv1d(in_channels: Size, out_channels: Size, kernel: Size, *, groups: Size = 1, bias: bool = True) -> Block:
    """One-dimensional convolution: `P = C_out (C_in / g) k`, plus `C_out` with bias.

    Shapes: `weight (out_channels, in_channels / groups, kernel)`, `bias (out_channels,)`.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> C, H = symbol("C"), symbol("H")
    >>> Ledger.of(Conv1d(C, H, 3)).total(), Ledger.of(Conv1d(H, H, 4, groups=H)).total()
    (3*C*H + H, 5*H)

    Source: https://pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
    """
    return _conv("Conv1d", in_channels, out_channels, (kernel,), groups, bias)


def Conv2d(
    in_channels: Size,
    out_channels: Size,
    kernel: Size | tuple[Size, Size],
    *,
    groups: Size = 1,
    bias: bool = True,
) -> Block:
    """Two-dimensional convolution: `P = C_out (C_in / g) k_h k_w`, plus `C_out` with bias.

    Shapes: `weight (out_channels, in_channels / groups, k_h, k_w)`, `bias (out_channels,)`. An integer kernel is
    square.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> C, H, P = symbol("C"), symbol("H"), symbol("P")
    >>> Ledger.of(Conv2d(C, H, P)).total()
    C*H*P**2 + H

    Source: https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
    """
    sides = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    return _conv("Conv2d", in_channels, out_channels, sides, groups, bias)


def _conv(
    kind: str, in_channels: Size, out_channels: Size, kernel: tuple[Size, ...], groups: Size, bias: bool
) -> Block:
    cin, cout, g = expr(in_channels), expr(out_channels), expr(groups)
    weight = Parameter("weight", (cout, cin / g, *(expr(k) for k in kernel)))
    parameters = (weight, Parameter("bias", (cout,))) if bias else (weight,)
    return Block("", kind, parameters, conditions=(divides(g, cin), divides(g, cout)))
