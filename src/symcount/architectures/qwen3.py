"""Qwen3 (arXiv:2505.09388), as `transformers.models.qwen3` has it.

    P = VH + N(2HAD + 2HKD + 3HI + 2D + 2H) + VH + H

Llama with a norm of each head's query and key, `2D`, and heads of a size D of their own.
"""

from __future__ import annotations

from symcount.architectures.base import Options
from symcount.architectures.llama import A, D, H, I, K, N, decoder_layer, family
from symcount.core.tree import Block, stack
from symcount.layers import GatedMLP, GroupedQueryAttention, RMSNorm


def attention(prefix: str, options: Options) -> Block:
    """Grouped-query attention with normalised queries and keys: `2HAD + 2HKD + 2D`; `+ AD + 2KD + H` with biases."""
    bias, kind = options["attention_bias"], f"{prefix}Attention"
    return GroupedQueryAttention(H, A, K, D, bias=bias, kind=kind, q_norm=RMSNorm(D), k_norm=RMSNorm(D))


def layers(options: Options) -> Block:
    """N layers: attention `2HAD + 2HKD + 2D`, gated feed-forward `3HI`, two norms `2H`."""
    return stack(N, decoder_layer("Qwen3", attention("Qwen3", options), GatedMLP(H, I, kind="Qwen3MLP")))


ARCHITECTURES = family(
    "Qwen3",
    "qwen3",
    layers,
    {
        "vocab_size": 151936,
        "hidden_size": 4096,
        "intermediate_size": 22016,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "head_dim": 128,
    },
    filled={"K": A},
    options={"attention_bias": False},
)
