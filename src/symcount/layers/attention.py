"""Attention: multi-head, grouped-query and latent."""

from __future__ import annotations

from symcount.core.domain import divides
from symcount.core.tree import Block, Size, block, expr
from symcount.layers.linear import Linear
from symcount.layers.norm import RMSNorm

__all__ = ["GroupedQueryAttention", "LatentAttention", "MultiHeadAttention"]


def MultiHeadAttention(
    hidden: Size,
    heads: Size,
    bias: bool = True,
    *,
    key_bias: bool | None = None,
    output_bias: bool | None = None,
    names: tuple[str, str, str, str] = ("query", "key", "value", "output"),
    kind: str = "MultiHeadAttention",
) -> Block:
    """Four square maps, however many heads share them: `P = 4H² + 4H` with biases, `4H²` without.

    Shapes: `query`, `key`, `value`, `output`: `weight (H, H)`, `bias (H,)`. The heads split H, so A must divide H.
    A bias of the keys adds the same to all scores of a query and changes nothing, so some models (Whisper) have none.

    Args:
        hidden: hidden size H.
        heads: number of heads A; appears in the domain, not in the count.
        bias: with biases in all four maps.
        key_bias: bias of the key map; as *bias* when left out.
        output_bias: bias of the output map; as *bias* when left out.
        names: what the model calls the maps of query, key, value and output.
        kind: the layer type's name in the real model.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> ledger = Ledger.of(MultiHeadAttention(symbol("H"), symbol("A")))
    >>> ledger.total(), [str(c) for c in ledger.conditions]
    (4*H**2 + 4*H, ['A divides H'])

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2.
    """
    h = expr(hidden)
    biases = (bias, bias if key_bias is None else key_bias, bias, bias if output_bias is None else output_bias)
    maps = {name: Linear(h, h, with_bias) for name, with_bias in zip(names, biases, strict=True)}
    return block(kind, **maps).given(divides(expr(heads), h))


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

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
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


def LatentAttention(
    hidden: Size,
    heads: Size,
    query_rank: Size | None,
    key_value_rank: Size,
    nope_dim: Size,
    rope_dim: Size,
    value_dim: Size,
    *,
    bias: bool = False,
    kind: str = "LatentAttention",
) -> Block:
    """Queries, keys and values through low ranks Q and C, and one rotary key for all heads.

    `P = HQ + Q + QA(D + R) + H(C + R) + C + CA(D + U) + AUH`; without a rank of the queries their part is `HA(D + R)`.

    Shapes: `q_a_proj (Q, H)`, `q_a_layernorm (Q,)`, `q_b_proj (A(D + R), Q)`, or `q_proj (A(D + R), H)`;
    `kv_a_proj_with_mqa (C + R, H)`, `kv_a_layernorm (C,)`, `kv_b_proj (A(D + U), C)`, `o_proj (H, A·U)`. Our Q and C
    are the paper's d_c' and d_c, our D and U its d_h, our R its d_h^R.

    Args:
        hidden: hidden size H.
        heads: heads A.
        query_rank: rank Q to which queries are compressed; `None` for queries that are not.
        key_value_rank: rank C to which keys and values are compressed.
        nope_dim: size D of the part of a head's query and key that has no positions.
        rope_dim: size R of the part with rotary positions; the key's is shared by all heads.
        value_dim: size U of a head's value.
        bias: biases of the maps from and to the hidden states (but for `q_proj`).
        kind: the layer type's name in the real model.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> H, A, Q, C, D, R, U = map(symbol, "HAQCDRU")
    >>> Ledger.of(LatentAttention(H, A, Q, C, D, R, U)).total().expand()
    A*C*D + A*C*U + A*D*Q + A*H*U + A*Q*R + C*H + C + H*Q + H*R + Q

    Source: DeepSeek-AI 2024 (DeepSeek-V2), arXiv:2405.04434, section 2.1.
    """
    h, a, c, d, r, u = map(expr, (hidden, heads, key_value_rank, nope_dim, rope_dim, value_dim))
    if query_rank is None:
        queries: dict[str, Block] = {"q_proj": Linear(h, a * (d + r), bias=False)}
    else:
        q = expr(query_rank)
        queries = {
            "q_a_proj": Linear(h, q, bias),
            "q_a_layernorm": RMSNorm(q),
            "q_b_proj": Linear(q, a * (d + r), bias=False),
        }
    return block(
        kind,
        **queries,
        kv_a_proj_with_mqa=Linear(h, c + r, bias),
        kv_a_layernorm=RMSNorm(c),
        kv_b_proj=Linear(c, a * (d + u), bias=False),
        o_proj=Linear(a * u, h, bias),
    )
