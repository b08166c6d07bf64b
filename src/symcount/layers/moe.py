"""Mixtures of experts."""

from __future__ import annotations

from symcount.core.domain import relation
from symcount.core.tree import Block, Parameter, Size, block, expr
from symcount.layers.feedforward import GatedMLP

__all__ = ["Experts", "MixtureOfExperts", "Router"]


def Router(hidden: Size, experts: Size) -> Block:
    """The gate that scores the experts: `P = E H`.

    Shapes: `weight (E, H)`.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> Ledger.of(Router(symbol("H"), symbol("E"))).total()
    E*H

    Source: Shazeer et al. 2017, arXiv:1701.06538, equation 5.
    """
    return Block("", "Router", (Parameter("weight", (expr(experts), expr(hidden))),))


def Experts(hidden: Size, intermediate: Size, experts: Size, top_k: Size) -> Block:
    """E gated feed-forward networks in two stacked tensors: `P = 3EHM`, of which a token uses `3kHM`.

    Shapes: `gate_up_proj (E, 2M, H)`, `down_proj (E, H, M)`.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> ledger = Ledger.of(Experts(symbol("H"), symbol("M"), symbol("E"), symbol("k")))
    >>> ledger.total(), ledger.total("active")
    (3*E*H*M, 3*H*M*k)

    Source: Jiang et al. 2024 (Mixtral), arXiv:2401.04088; stacked as in transformers.
    """
    h, m, e, k = expr(hidden), expr(intermediate), expr(experts), expr(top_k)
    parameters = (Parameter("gate_up_proj", (e, 2 * m, h)), Parameter("down_proj", (e, h, m)))
    return Block("", "Experts", parameters, active=k / e, conditions=(relation(k, "<=", e),))


def MixtureOfExperts(hidden: Size, intermediate: Size, experts: Size, top_k: Size, shared: Size | None = None) -> Block:
    """Router, routed experts, and optionally one shared expert: `P = EH + 3EHM + 3H·shared`.

    A token uses the router, k of the E routed experts and the shared one: `EH + 3kHM + 3H·shared`.

    Args:
        hidden: hidden size H.
        intermediate: feed-forward size M of one routed expert.
        experts: number of routed experts E.
        top_k: experts that one token uses, k ≤ E.
        shared: feed-forward size of the shared expert (for S shared experts of size M: `S*M`); `None` for none.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> H, M, E, k, S = map(symbol, "HMEkS")
    >>> ledger = Ledger.of(MixtureOfExperts(H, M, E, k, shared=S * M))
    >>> ledger.total().expand(), ledger.total("active").expand()
    (3*E*H*M + E*H + 3*H*M*S, E*H + 3*H*M*S + 3*H*M*k)

    Source: Dai et al. 2024 (DeepSeekMoE), arXiv:2401.06066.
    """
    return block(
        "MixtureOfExperts",
        gate=Router(hidden, experts),
        experts=Experts(hidden, intermediate, experts, top_k),
        shared_experts=None if shared is None else GatedMLP(hidden, shared),
    )
