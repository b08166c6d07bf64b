"""Mamba (Gu & Dao 2023, arXiv:2312.00752), as `transformers.models.mamba` has it.

    P = VH + N(3XH² + XH(3G + W + 2R_dt + 3) + H) + H

Each layer is a norm and a selective state space of XH channels: X is the paper's expansion factor E, G its state size
N, R_dt the rank of its time step Δ, ⌈H/16⌉ unless the config says otherwise, and W the width of the convolution.
"""

from __future__ import annotations

from sympy import ceiling

from symcount.architectures.base import Architecture, Options
from symcount.architectures.heads import vocabulary_head
from symcount.core.notation import letters
from symcount.core.tree import Block, block, stack
from symcount.layers import Embedding, RMSNorm, SelectiveStateSpace

V, H, N, X, G, W, R_dt = letters("V H N X G W R_dt")


def model(options: Options) -> Block:
    """Words, N layers, a last norm."""
    biases = {"bias": options["use_bias"], "conv_bias": options["use_conv_bias"]}
    mixer = SelectiveStateSpace(H, X * H, G, W, R_dt, **biases, kind="MambaMixer")
    layer = block("MambaBlock", norm=RMSNorm(H), mixer=mixer)
    return block("MambaModel", embeddings=Embedding(V, H), layers=stack(N, layer), norm_f=RMSNorm(H))


MAMBA = Architecture(
    "MambaModel",
    "mamba",
    model,
    fields={
        "V": "vocab_size",
        "H": "hidden_size",
        "N": "num_hidden_layers",
        "X": "expand",
        "G": "state_size",
        "W": "conv_kernel",
        "R_dt": "time_step_rank",
    },
    defaults={
        "vocab_size": 50280,
        "hidden_size": 768,
        "num_hidden_layers": 32,
        "expand": 2,
        "state_size": 16,
        "conv_kernel": 4,
    },
    filled={"R_dt": ceiling(H / 16)},
    options={"tie_word_embeddings": True, "use_bias": False, "use_conv_bias": True},
)

ARCHITECTURES = (
    MAMBA,
    MAMBA.topped("MambaForCausalLM", "backbone", lm_head=vocabulary_head(H, V, "backbone.embeddings.weight")),
)
