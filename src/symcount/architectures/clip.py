"""CLIP (Radford et al. 2021, arXiv:2103.00020), as `transformers.models.clip` has it.

A text and a vision transformer, each with sizes of its own, and two maps into one space:

    P = text + vision + (H_text + H_vision) projection_dim + 1
    text = VH + LH + N(4H² + 2HI + 9H + I) + 2H
    vision = CP²H + H + ((R/P)² + 1)H + 2H + N(4H² + 2HI + 9H + I) + 2H

The one more is the scale of the similarities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sympy import Symbol

from symcount.architectures.base import Architecture, Options, notation_of
from symcount.core.domain import divides
from symcount.core.notation import letters
from symcount.core.tree import Block, Parameter, Role, block, stack
from symcount.layers import MLP, Conv2d, Embedding, LayerNorm, Linear, MultiHeadAttention

Symbols = Mapping[str, Symbol]

LAYERS = {"N": "num_hidden_layers", "H": "hidden_size", "I": "intermediate_size", "A": "num_attention_heads"}
TEXT = {"V": "vocab_size", "L": "max_position_embeddings", **LAYERS}
VISION = {"R": "image_size", "P": "patch_size", "C": "num_channels", **LAYERS}
TEXT_DEFAULTS = {
    "vocab_size": 49408,
    "max_position_embeddings": 77,
    "num_hidden_layers": 12,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_attention_heads": 8,
}
VISION_DEFAULTS = {
    "image_size": 224,
    "patch_size": 32,
    "num_channels": 3,
    "num_hidden_layers": 12,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
}
PROJECTION = {"projection_dim": "projection_dim"}
(projection_dim,) = (e.symbol for e in notation_of(PROJECTION))
(Y,) = letters("Y")


def symbols(fields: Mapping[str, str]) -> Symbols:
    """The symbols of *fields*, by the letter that stands before a sub-config's name."""
    return {letter.partition("_")[0]: item.symbol for letter, item in zip(fields, notation_of(fields), strict=True)}


def within(config: str, names: Mapping[str, str]) -> dict[str, str]:
    """The letters and fields *names* as those of a sub-config: `H_text`, `text_config.hidden_size`."""
    return {f"{letter}_{config}": f"{config}_config.{name}" for letter, name in names.items()}


def encoder(s: Symbols) -> Block:
    """N layers: two norms `4H`, attention `4H² + 4H`, feed-forward `2HI + I + H`."""
    names = ("q_proj", "k_proj", "v_proj", "out_proj")
    layer = block(
        "CLIPEncoderLayer",
        self_attn=MultiHeadAttention(s["H"], s["A"], names=names, kind="CLIPAttention"),
        layer_norm1=LayerNorm(s["H"]),
        mlp=MLP(s["H"], s["I"], names=("fc1", "fc2"), kind="CLIPMLP"),
        layer_norm2=LayerNorm(s["H"]),
    )
    return block("CLIPEncoder", layers=stack(s["N"], layer))


def text_model(fields: Mapping[str, str]) -> Block:
    """Words, positions, N layers, a norm."""
    s = symbols(fields)
    tables = {"token_embedding": Embedding(s["V"], s["H"]), "position_embedding": Embedding(s["L"], s["H"])}
    embeddings = block("CLIPTextEmbeddings", **tables)
    return block("CLIPTextModel", embeddings=embeddings, encoder=encoder(s), final_layer_norm=LayerNorm(s["H"]))


def vision_model(fields: Mapping[str, str], role: Role | None = None) -> Block:
    """Class token, patches, positions, a norm, N layers, a norm; *role* of the patches."""
    s = symbols(fields)
    H, P, R = s["H"], s["P"], s["R"]
    embeddings = block(
        "CLIPVisionEmbeddings",
        (Parameter("class_embedding", (H,)),),
        patch_embedding=replace(Conv2d(s["C"], H, P, bias=False), role=role),
        position_embedding=Embedding((R / P) ** 2 + 1, H),
    ).given(divides(P, R))
    return block(
        "CLIPVisionModel",
        embeddings=embeddings,
        pre_layrnorm=LayerNorm(H),
        encoder=encoder(s),
        post_layernorm=LayerNorm(H),
    )


def clip(_: Options) -> Block:
    """`CLIPModel`: both, and two maps into one space."""
    text, vision = within("text", TEXT), within("vision", VISION)
    parts = block(
        "CLIPModel",
        text_model=text_model(text),
        vision_model=vision_model(vision),
        visual_projection=Linear(symbols(vision)["H"], projection_dim, bias=False),
        text_projection=Linear(symbols(text)["H"], projection_dim, bias=False),
    )
    return replace(parts, parameters=(Parameter("logit_scale", ()),))


CLIP = Architecture(
    "CLIPModel",
    "clip",
    clip,
    fields={**within("text", TEXT), **within("vision", VISION), **PROJECTION, "Y": "num_labels"},
    defaults={
        **{f"text_config.{name}": number for name, number in TEXT_DEFAULTS.items()},
        **{f"vision_config.{name}": number for name, number in VISION_DEFAULTS.items()},
        "projection_dim": 512,
        "num_labels": 2,
    },
)
CLIP_TEXT = Architecture(
    "CLIPTextModel",
    "clip_text_model",
    lambda _: text_model(TEXT),
    fields={**TEXT, **PROJECTION},
    defaults={**TEXT_DEFAULTS, "projection_dim": 512},
)
CLIP_VISION = Architecture(
    "CLIPVisionModel",
    "clip_vision_model",
    lambda _: vision_model(VISION, "embedding"),
    fields={**VISION, **PROJECTION},
    defaults={**VISION_DEFAULTS, "projection_dim": 512},
)
TO_TEXT = Linear(symbols(TEXT)["H"], projection_dim, bias=False)
TO_VISION = Linear(symbols(VISION)["H"], projection_dim, bias=False)
CLASSIFIER = Linear(symbols(within("vision", VISION))["H"], Y)

ARCHITECTURES = (
    CLIP,
    CLIP_TEXT,
    CLIP_VISION,
    CLIP_TEXT.topped("CLIPTextModelWithProjection", "text_model", text_projection=TO_TEXT),
    CLIP_VISION.topped("CLIPVisionModelWithProjection", "vision_model", visual_projection=TO_VISION),
    CLIP.topped(
        "CLIPForImageClassification",
        "vision_model",
        lambda _: vision_model(within("vision", VISION)),
        classifier=CLASSIFIER,
    ),
)
