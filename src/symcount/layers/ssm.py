"""State spaces."""

from __future__ import annotations

from symcount.core.tree import Block, Parameter, Size, block, expr
from symcount.layers.conv import Conv1d
from symcount.layers.linear import Linear

__all__ = ["SelectiveStateSpace"]


def SelectiveStateSpace(
    hidden: Size,
    inner: Size,
    state: Size,
    kernel: Size,
    rank: Size,
    *,
    bias: bool = False,
    conv_bias: bool = True,
    kind: str = "SelectiveStateSpace",
) -> Block:
    """Mamba's mixer of J channels: `P = 3HJ + J(3G + W + 2R + 3)`; `+ 2J + H` with biases.

    Shapes: `A_log (J, G)`, `D (J,)`, `conv1d (J, 1, W)` with bias, `in_proj (2J, H)`, `x_proj (R + 2G, J)`,
    `dt_proj (J, R)` with bias, `out_proj (H, J)`. Our H, J, G are the paper's D, ED, N.

    Args:
        hidden: hidden size H.
        inner: channels J of the state space, usually 2H.
        state: state size G of one channel.
        kernel: width W of the convolution, one filter a channel.
        rank: rank R of the map that gives the time step.
        bias: biases of the maps into and out of the state space.
        conv_bias: bias of the convolution.
        kind: the layer type's name in the real model.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> H, J, G, W, R = map(symbol, "HJGWR")
    >>> Ledger.of(SelectiveStateSpace(H, J, G, W, R)).total().expand()
    3*G*J + 3*H*J + 2*J*R + J*W + 3*J

    Source: Gu & Dao 2023, arXiv:2312.00752, section 3.4 and algorithm 2.
    """
    h, j, g, r = expr(hidden), expr(inner), expr(state), expr(rank)
    layers = block(
        kind,
        in_proj=Linear(h, 2 * j, bias),
        conv1d=Conv1d(j, j, kernel, groups=j, bias=conv_bias),
        x_proj=Linear(j, r + 2 * g, bias=False),
        dt_proj=Linear(r, j),
        out_proj=Linear(j, h, bias),
    )
    return Block("", kind, (Parameter("A_log", (j, g)), Parameter("D", (j,))), layers.children)
