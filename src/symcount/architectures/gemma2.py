"""Gemma 2 (arXiv:2408.00118), as `transformers.models.gemma2` has it.

    P = VH + N(2HAD + 2HKD + 3HI + 4H) + H

Llama with norms on both sides of attention and feed-forward, heads of a size D of their own, and a tied head. Layers
with local and with global attention alternate and have the same parameters.
"""

from __future__ import annotations

from symcount.architectures.base import Options
from symcount.architectures.llama import ROTARY, A, D, H, I, K, N, decoder_layer, family
from symcount.core.domain import divides
from symcount.core.tree import Block, stack
from symcount.layers import GatedMLP, GroupedQueryAttention, RMSNorm


def layers(options: Options) -> Block:
    """N layers: attention `2HAD + 2HKD`, gated feed-forward `3HI`, four norms `4H`."""
    attention = GroupedQueryAttention(H, A, K, D, bias=options["attention_bias"], kind="Gemma2Attention")
    norms = {"pre_feedforward_layernorm": RMSNorm(H), "post_feedforward_layernorm": RMSNorm(H)}
    return stack(N, decoder_layer("Gemma2", attention, GatedMLP(H, I, kind="Gemma2MLP"), **norms))


ARCHITECTURES = family(
    "Gemma2",
    "gemma2",
    layers,
    {
        "vocab_size": 256000,
        "hidden_size": 2304,
        "intermediate_size": 9216,
        "num_hidden_layers": 26,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
    },
    filled={},
    options={"attention_bias": False, "tie_word_embeddings": True},
    conditions=(divides(A, H), ROTARY),
    question_answering=None,
)
