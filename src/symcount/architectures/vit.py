"""The vision transformer (Dosovitskiy et al. 2020, arXiv:2010.11929), as `transformers.models.vit` has it.

    P = CP²H + H + H + (R/P)²H + H + N(4H² + 2HI + 9H + I) + 2H + heads

An image of R × R pixels and C channels is cut into patches of P × P, so P divides R; a patch is projected to H, the
class token is one more position.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from symcount.architectures.base import Architecture, Build, Options
from symcount.core.domain import divides
from symcount.core.letters import assign
from symcount.core.notation import letters
from symcount.core.tree import Block, Parameter, block, stack
from symcount.layers import MLP, Conv2d, LayerNorm, Linear, MultiHeadAttention

H, I, N, A, C, P, R, J, Y = letters("H I N A C P R J Y")
(encoder_stride,) = (e.symbol for e in assign(["encoder_stride"]))

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")


def layer(options: Options) -> Block:
    """One layer: two norms `4H`, attention `4H² + 4H`, feed-forward `2HI + I + H`."""
    attention = MultiHeadAttention(
        H, A, bias=options["qkv_bias"], output_bias=True, names=ATTENTION, kind="ViTAttention"
    )
    return block(
        "ViTLayer",
        layernorm_before=LayerNorm(H),
        attention=attention,
        layernorm_after=LayerNorm(H),
        mlp=MLP(H, I, names=("fc1", "fc2"), kind="ViTMLP"),
    )


def model(options: Options, *, pooler: bool | None = None, mask: bool | None = None) -> Block:
    """Patches `CP²H + H`, class token, positions `((R/P)² + 1)H`, N layers, a norm, on request a pooler `HJ + J`."""
    pooled = options["add_pooling_layer"] if pooler is None else pooler
    masked = options["use_mask_token"] if mask is None else mask
    tokens = ("cls_token", "mask_token") if masked else ("cls_token",)
    tables = (
        *(Parameter(name, (1, 1, H)) for name in tokens),
        Parameter("position_embeddings", (1, (R / P) ** 2 + 1, H)),
    )
    projection = replace(Conv2d(C, H, P), role="embedding")
    patches = block("ViTPatchEmbeddings", projection=projection).given(divides(P, R))
    return block(
        "ViTModel",
        embeddings=block("ViTEmbeddings", tables, patch_embeddings=patches),
        layers=stack(N, layer(options)),
        layernorm=LayerNorm(H),
        pooler=block("ViTPooler", dense=Linear(H, J)) if pooled else None,
    )


VIT = Architecture(
    "ViTModel",
    "vit",
    model,
    fields={
        "H": "hidden_size",
        "I": "intermediate_size",
        "N": "num_hidden_layers",
        "A": "num_attention_heads",
        "R": "image_size",
        "P": "patch_size",
        "C": "num_channels",
        "Y": "num_labels",
        "encoder_stride": "encoder_stride",
        "J": "pooler_output_size",
    },
    defaults={
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "image_size": 224,
        "patch_size": 16,
        "num_channels": 3,
        "num_labels": 2,
        "encoder_stride": 16,
    },
    filled={"J": H},
    options={"qkv_bias": True},
    arguments={"add_pooling_layer": True, "use_mask_token": False},
)


def _class(name: str, mask: bool, /, **heads: Block | Build) -> Architecture:
    return VIT.topped(name, "vit", partial(model, pooler=False, mask=mask), **heads)


PIXELS = block("Sequential", **{"0": Conv2d(H, encoder_stride**2 * C, 1)})

ARCHITECTURES = (
    VIT,
    _class("ViTForImageClassification", False, classifier=Linear(H, Y)),
    _class("ViTForMaskedImageModeling", True, decoder=PIXELS),
)
