"""DeepSeek-V3 (arXiv:2412.19437), as `transformers.models.deepseek_v3` has it.

Latent attention in all N layers, a gated feed-forward network in the first d, and in the others a router, E routed
experts, of which a token uses k, and S shared experts, of which it uses all:

    P = VH + N(attention + 2H) + 3dHI + (N - d)(3EHM + 3SHM + EH) + VH + H
    attention = R_q H + R_q + R_q A(D_nope + D_rope) + H(R_kv + D_rope) + R_kv + R_kv A(D_nope + D_v) + H A D_v

Our R_q and R_kv are the paper's d_c' and d_c, our D_nope and D_v its d_h, our D_rope its d_h^R. The router's bias,
which balances the load, is a buffer; the layers that predict further tokens are no part of the model.
"""

from __future__ import annotations

from dataclasses import replace

from symcount.architectures.base import GIVEN, Options
from symcount.architectures.llama import FIELDS, A, H, I, N, decoder_layer, family
from symcount.core.domain import divides, relation
from symcount.core.notation import letters
from symcount.core.tree import Block, block, stack
from symcount.layers import GatedMLP, LatentAttention, MixtureOfExperts

d, E, k, S, M, R_q, R_kv, D_nope, D_rope, D_v = letters("d E k S M R_q R_kv D_nope D_rope D_v")

LATENT = {"R_q": "q_lora_rank", "R_kv": "kv_lora_rank", "D_v": "v_head_dim"}
LATENT |= {"D_nope": "qk_nope_head_dim", "D_rope": "qk_rope_head_dim"}
EXPERTS = {"d": "first_k_dense_replace", "E": "n_routed_experts", "k": "num_experts_per_tok"}
EXPERTS |= {"S": "n_shared_experts", "M": "moe_intermediate_size"}


def layers(options: Options) -> Block:
    """What all N layers have, what the first d have, and what the other N - d have."""
    rank = None if options["q_lora_rank"] is None else R_q
    attention = LatentAttention(
        H, A, rank, R_kv, D_nope, D_rope, D_v, bias=options["attention_bias"], kind="DeepseekV3Attention"
    )
    every = decoder_layer("DeepseekV3", attention, None)
    dense = block("DeepseekV3DecoderLayer", mlp=GatedMLP(H, I, kind="DeepseekV3MLP"))
    sparse = block("DeepseekV3DecoderLayer", mlp=MixtureOfExperts(H, M, E, k, shared=S * M))
    return stack(N, replace(every, repeat=N), replace(dense, repeat=d), replace(sparse, repeat=N - d))


ARCHITECTURES = family(
    "DeepseekV3",
    "deepseek_v3",
    layers,
    {
        "vocab_size": 129280,
        "hidden_size": 7168,
        "intermediate_size": 18432,
        "num_hidden_layers": 61,
        "num_attention_heads": 128,
        "q_lora_rank": 1536,
        "kv_lora_rank": 512,
        "v_head_dim": 128,
        "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64,
        "first_k_dense_replace": 3,
        "n_routed_experts": 256,
        "num_experts_per_tok": 8,
        "n_shared_experts": 1,
        "moe_intermediate_size": 2048,
    },
    fields={name: field for name, field in FIELDS.items() if name not in "KD"} | LATENT | EXPERTS,
    filled={},
    options={"attention_bias": False, "q_lora_rank": GIVEN},
    conditions=(relation(d, "<=", N), divides(2, D_rope)),
    aliases={"num_local_experts": "n_routed_experts"},
    question_answering=None,
)
