"""Qwen3's mixtures of experts (arXiv:2505.09388), as `transformers.models.qwen3_moe` has them.

    P      = VH + N(3EHM + 2HAD + 2HKD + EH + 2D + 2H) + VH + H
    active = VH + N(3kHM + 2HAD + 2HKD + EH + 2D + 2H) + VH + H

Every layer has experts; configs that make some layers dense are refused.
"""

from __future__ import annotations

from symcount.architectures.base import Options
from symcount.architectures.llama import FIELDS, FILLED, H, N, decoder_layer, family
from symcount.architectures.qwen3 import attention
from symcount.core.notation import letters
from symcount.core.tree import Block, stack
from symcount.layers import MixtureOfExperts

E, k, M = letters("E k M")


def layers(options: Options) -> Block:
    """N layers: attention `2HAD + 2HKD + 2D`, router `EH`, experts `3EHM`, two norms `2H`."""
    return stack(N, decoder_layer("Qwen3Moe", attention("Qwen3Moe", options), MixtureOfExperts(H, M, E, k)))


ARCHITECTURES = family(
    "Qwen3Moe",
    "qwen3_moe",
    layers,
    {
        "vocab_size": 151936,
        "hidden_size": 2048,
        "num_hidden_layers": 24,
        "num_attention_heads": 32,
        "num_key_value_heads": 4,
        "num_experts": 128,
        "num_experts_per_tok": 8,
        "moe_intermediate_size": 768,
    },
    fields={**FIELDS, "E": "num_experts", "k": "num_experts_per_tok", "M": "moe_intermediate_size"},
    filled={"D": FILLED["D"]},
    options={"attention_bias": False},
    aliases={"num_local_experts": "num_experts"},
    pinned={"decoder_sparse_step": (1,), "mlp_only_layers": ([], None)},
)
