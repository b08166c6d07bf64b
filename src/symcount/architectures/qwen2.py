"""Qwen2 and Qwen2.5 (arXiv:2407.10671, arXiv:2412.15115), as `transformers.models.qwen2` has them.

    P = VH + N(2HAD + 2HKD + 3HI + AD + 2KD + 2H) + VH + H

Llama with biases of the queries, keys and values, and of nothing else.
"""

from __future__ import annotations

from symcount.architectures.base import Options
from symcount.architectures.llama import A, D, H, I, K, N, decoder_layer, family
from symcount.core.tree import Block, stack
from symcount.layers import GatedMLP, GroupedQueryAttention


def layers(_: Options) -> Block:
    """N layers: attention `2HAD + 2HKD + AD + 2KD`, gated feed-forward `3HI`, two norms `2H`."""
    attention = GroupedQueryAttention(H, A, K, D, bias=True, output_bias=False, kind="Qwen2Attention")
    return stack(N, decoder_layer("Qwen2", attention, GatedMLP(H, I, kind="Qwen2MLP")))


ARCHITECTURES = family(
    "Qwen2",
    "qwen2",
    layers,
    {
        "vocab_size": 151936,
        "hidden_size": 4096,
        "intermediate_size": 22016,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
    },
)
