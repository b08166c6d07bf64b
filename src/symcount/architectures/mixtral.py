"""Mixtral (Jiang et al. 2024, arXiv:2401.04088), as `transformers.models.mixtral` has it.

    P      = VH + N(3EHI + 2HAD + 2HKD + EH + 2H) + VH + H
    active = VH + N(3kHI + 2HAD + 2HKD + EH + 2H) + VH + H

Mistral with E gated feed-forward networks of size I in each layer, of which a router chooses k for a token.
"""

from __future__ import annotations

from symcount.architectures.base import Options
from symcount.architectures.llama import FIELDS, FILLED, A, D, H, I, K, N, decoder_layer, family
from symcount.core.notation import letters
from symcount.core.tree import Block, stack
from symcount.layers import GroupedQueryAttention, MixtureOfExperts

E, k = letters("E k")


def layers(_: Options) -> Block:
    """N layers: grouped-query attention `2HAD + 2HKD`, router `EH`, experts `3EHI`, two norms `2H`."""
    attention = GroupedQueryAttention(H, A, K, D, kind="MixtralAttention")
    return stack(N, decoder_layer("Mixtral", attention, MixtureOfExperts(H, I, E, k)))


ARCHITECTURES = family(
    "Mixtral",
    "mixtral",
    layers,
    {
        "vocab_size": 32000,
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
    },
    fields={**FIELDS, "E": "num_local_experts", "k": "num_experts_per_tok"},
    filled={"D": FILLED["D"]},
    aliases={"num_experts": "num_local_experts"},
    question_answering="model",
)
