"""Mistral (Jiang et al. 2023, arXiv:2310.06825), as `transformers.models.mistral` has it: Llama without biases.

P = VH + N(2HAD + 2HKD + 3HI + 2H) + VH + H
"""

from __future__ import annotations

from symcount.architectures.base import Options
from symcount.architectures.llama import FILLED, A, D, H, I, K, N, decoder_layer, family
from symcount.core.tree import Block, stack
from symcount.layers import GatedMLP, GroupedQueryAttention


def layers(_: Options) -> Block:
    """N layers: grouped-query attention `2HAD + 2HKD`, gated feed-forward `3HI`, two norms `2H`."""
    attention = GroupedQueryAttention(H, A, K, D, kind="MistralAttention")
    return stack(N, decoder_layer("Mistral", attention, GatedMLP(H, I, kind="MistralMLP")))


ARCHITECTURES = family(
    "Mistral",
    "mistral",
    layers,
    {
        "vocab_size": 32000,
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
    },
    filled={"D": FILLED["D"]},
    question_answering="model",
)
