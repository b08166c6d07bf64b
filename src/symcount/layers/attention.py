"""Attention: multi-head and grouped-query."""

from __future__ import annotations

from symcount.domain import divides
from symcount.layers.linear import Linear
from symcount.tree import Block, Size, block, expr

__all__ = ["GroupedQueryAttention", "MultiHeadAttention"]


def MultiHeadAttention(hidden: Size, heads: Size, bias: bool = True) -> Block:
    """Four square maps, however many heads share them: `P = 4H² + 4H` with biases, `4H²` without.

    Shapes: `query`, `key`, `value`, `output`: `weight (H, H)`, `bias (H,)`. The heads split H, so A must divide H.

    Args:
        hidden: hidden size H.
        heads: number of heads A; appears in the domain, not in the count.
        bias: with biases in all four maps.

    >>> from symcount.ledger import Ledger
    >>> from symcount.notation import symbol
    >>> ledger = Ledger.of(MultiHeadAttention(symbol("H"), symbol("A")))
    >>> ledger.total(), [str(c) for c in ledger.conditions]
    (4*H**2 + 4*H, ['A divides H'])

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2.
    """
    h = expr(hidden)
    maps = {name: Linear(h, h, bias) for name in ("query", "key", "value", "output")}
    return block("MultiHeadAttention", **maps).given(divides(expr(heads), h))


def GroupedQueryAttention(
    hidden: Size,
    heads: Size,
    key_value_heads: Size,
    head_dim: Size,
    *,
    bias: bool = False,
    output_bias: bool | None = None,
    kind: str = "GroupedQueryAttention",
    **norms: Block | None,
) -> Block:
    """A query heads of size D share K key-value heads: `P = 2HAD + 2HKD`; `+ (A + 2K)D + H` with biases.

    Shapes: `q_proj (A·D, H)`, `k_proj` and `v_proj (K·D, H)`, `o_proj (H, A·D)`. Our D is `head_dim`; the paper's
    d_k. With `K = A` and `A·D = H` this is multi-head attention's `4H²`.

    Args:
        hidden: hidden size H.
        heads: query heads A.
        key_value_heads: key-value heads K.
        head_dim: size D of one head.
        bias: biases of the query, key and value maps.
        output_bias: bias of the output map; as *bias* when left out.
        kind: the layer type's name in the real model.
        norms: further children, such as Qwen3's `q_norm` and `k_norm`.

    >>> from symcount.ledger import Ledger
    >>> from symcount.notation import symbol
    >>> H, A, K, D = map(symbol, "HAKD")
    >>> Ledger.of(GroupedQueryAttention(H, A, K, D)).total().expand()
    2*A*D*H + 2*D*H*K
    >>> Ledger.of(GroupedQueryAttention(H, A, A, H / A)).total()
    4*H**2

    Source: Ainslie et al. 2023, arXiv:2305.13245; Touvron et al. 2023, arXiv:2307.09288.
    """
    h, queries, keys = expr(hidden), expr(heads) * expr(head_dim), expr(key_value_heads) * expr(head_dim)
    return block(
        kind,
        q_proj=Linear(h, queries, bias),
        k_proj=Linear(h, keys, bias),
        v_proj=Linear(h, keys, bias),
        o_proj=Linear(queries, h, bias if output_bias is None else output_bias),
        **norms,
    )
