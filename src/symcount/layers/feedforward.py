"""Feed-forward networks."""

from __future__ import annotations

from symcount.core.tree import Block, Size, block, expr
from symcount.layers.linear import Linear

__all__ = ["MLP", "GatedMLP"]


def MLP(
    hidden: Size,
    intermediate: Size,
    bias: bool = True,
    *,
    names: tuple[str, str] = ("up", "down"),
    kind: str = "MLP",
) -> Block:
    """Up and down: `P = 2HI + I + H` with biases, `2HI` without.

    Shapes: `up (I, H)`, `down (H, I)`, or what *names* calls them.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> Ledger.of(MLP(symbol("H"), symbol("I"))).total()
    2*H*I + H + I

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.3.
    """
    h, i = expr(hidden), expr(intermediate)
    up, down = names
    return block(kind, **{up: Linear(h, i, bias), down: Linear(i, h, bias)})


def GatedMLP(
    hidden: Size,
    intermediate: Size,
    bias: bool = False,
    kind: str = "GatedMLP",
    *,
    names: tuple[str, str, str] = ("gate_proj", "up_proj", "down_proj"),
) -> Block:
    """Gate, up and down (SwiGLU, GeGLU): `P = 3HI`; `+ 2I + H` with biases.

    Shapes: `gate_proj (I, H)`, `up_proj (I, H)`, `down_proj (H, I)`, or what *names* calls them.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> Ledger.of(GatedMLP(symbol("H"), symbol("I"))).total()
    3*H*I

    Source: Shazeer 2020, arXiv:2002.05202.
    """
    h, i = expr(hidden), expr(intermediate)
    gate, up, down = names
    return block(kind, **{gate: Linear(h, i, bias), up: Linear(h, i, bias), down: Linear(i, h, bias)})
