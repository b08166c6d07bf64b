"""Feed-forward networks."""

from __future__ import annotations

from symcount.layers.linear import Linear
from symcount.tree import Block, Size, block, expr

__all__ = ["MLP", "GatedMLP"]


def MLP(hidden: Size, intermediate: Size, bias: bool = True) -> Block:
    """Up and down: `P = 2HI + I + H` with biases, `2HI` without.

    Shapes: `up (I, H)`, `down (H, I)`.

    >>> from symcount.ledger import Ledger
    >>> from symcount.notation import symbol
    >>> Ledger.of(MLP(symbol("H"), symbol("I"))).total()
    2*H*I + H + I

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.3.
    """
    h, i = expr(hidden), expr(intermediate)
    return block("MLP", up=Linear(h, i, bias), down=Linear(i, h, bias))


def GatedMLP(hidden: Size, intermediate: Size, bias: bool = False, kind: str = "GatedMLP") -> Block:
    """Gate, up and down (SwiGLU, GeGLU): `P = 3HI`; `+ 2I + H` with biases.

    Shapes: `gate_proj (I, H)`, `up_proj (I, H)`, `down_proj (H, I)`.

    >>> from symcount.ledger import Ledger
    >>> from symcount.notation import symbol
    >>> Ledger.of(GatedMLP(symbol("H"), symbol("I"))).total()
    3*H*I

    Source: Shazeer 2020, arXiv:2002.05202.
    """
    h, i = expr(hidden), expr(intermediate)
    return block(kind, gate_proj=Linear(h, i, bias), up_proj=Linear(h, i, bias), down_proj=Linear(i, h, bias))
