"""T5 (Raffel et al. 2019, arXiv:1910.10683), as `transformers.models.t5` has it.

    P = VH + N(4HAD + 2HI + 2H) + BA + H + N_dec(8HAD + 2HI + 3H) + BA + H

A heads of size D, which need not fill H; no biases but a table of B relative positions in the first layer of each
stack, which the others use; RMS norms. Version 1.1 has gated feed-forward networks, `3HI` for `2HI`. The encoder, the
decoder and the head of the language model use one table of words: transformers ties them whatever the config says.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sympy import Expr

from symcount.architectures.base import Architecture, Build, Options
from symcount.architectures.heads import classification_head
from symcount.core.notation import letters
from symcount.core.tree import Block, block, stack
from symcount.errors import OptionError
from symcount.layers import MLP, Embedding, GatedMLP, Head, Linear, RMSNorm

V, H, I, N, N_dec, A, D, B, Y = letters("V H I N N_dec A D B Y")


def gated(options: Options) -> bool:
    """Whether the feed-forward networks are gated: `gated-gelu` is, `relu` is not.

    Raises:
        OptionError: `feed_forward_proj` is neither an activation nor `gated-` and an activation.
    """
    first, *rest = options["feed_forward_proj"].split("-")
    if len(rest) > 1 or (rest and first != "gated"):
        raise OptionError(
            f"feed_forward_proj: expected an activation, as in relu or gated-gelu, got {options['feed_forward_proj']!r}"
        )
    return bool(rest)


def attention() -> Block:
    """Query, key, value and output without biases: `4HAD`."""
    maps = {name: Linear(H, A * D, bias=False) for name in "qkv"}
    return block("T5Attention", **maps, o=Linear(A * D, H, bias=False))


def layer(options: Options, cross_attention: bool) -> Block:
    """One layer: attentions `4HAD`, feed-forward `2HI` (gated: `3HI`), a norm before each."""
    feed_forward = (
        GatedMLP(H, I, names=("wi_0", "wi_1", "wo"), kind="T5DenseGatedActDense")
        if gated(options)
        else MLP(H, I, bias=False, names=("wi", "wo"), kind="T5DenseActDense")
    )
    parts = [block("T5LayerSelfAttention", SelfAttention=attention(), layer_norm=RMSNorm(H))]
    if cross_attention:
        parts.append(block("T5LayerCrossAttention", EncDecAttention=attention(), layer_norm=RMSNorm(H)))
    parts.append(block("T5LayerFF", DenseReluDense=feed_forward, layer_norm=RMSNorm(H)))
    return block("T5Block", layer=block("ModuleList", **{str(i): part for i, part in enumerate(parts)}))


def relative_positions() -> Block:
    """What the first layer has besides: a table of B relative positions for A heads, `BA`."""
    table = block("T5Attention", relative_attention_bias=Embedding(B, A, role=None))
    first = block("ModuleList", **{"0": block("T5LayerSelfAttention", SelfAttention=table)})
    return block("T5Block", layer=first)


def t5_stack(options: Options, depth: Expr, words: str, cross_attention: bool = False) -> Block:
    """Encoder or decoder: words of another table, layers, a last norm."""
    layers = (replace(layer(options, cross_attention), repeat=depth), relative_positions())
    return block(
        "T5Stack",
        embed_tokens=Embedding(V, H).tie(weight=words),
        block=stack(depth, *layers),
        final_layer_norm=RMSNorm(H),
    )


def model(options: Options, *, kind: str = "T5Model", under: str = "", decoder: bool = True) -> Block:
    """The table of words, the encoder, and unless it is left out the decoder; *under* is the model's own path."""
    words = ".".join(part for part in (under, "shared.weight") if part)
    return block(
        kind,
        shared=Embedding(V, H),
        encoder=t5_stack(options, N, words),
        decoder=t5_stack(options, N_dec, words, cross_attention=True) if decoder else None,
    )


T5 = Architecture(
    "T5Model",
    "t5",
    model,
    fields={
        "V": "vocab_size",
        "H": "d_model",
        "I": "d_ff",
        "N": "num_layers",
        "N_dec": "num_decoder_layers",
        "A": "num_heads",
        "D": "d_kv",
        "B": "relative_attention_num_buckets",
        "Y": "num_labels",
    },
    defaults={
        "vocab_size": 32128,
        "d_model": 512,
        "d_ff": 2048,
        "num_layers": 6,
        "num_heads": 8,
        "d_kv": 64,
        "relative_attention_num_buckets": 32,
        "num_labels": 2,
    },
    filled={"N_dec": N},
    early=("N_dec",),
    options={"feed_forward_proj": "relu"},
    implied={"is_gated_act": gated},
    pinned={"is_decoder": (False,)},  # by which an encoder alone would become a decoder
    aliases={
        "hidden_size": "d_model",
        "num_attention_heads": "num_heads",
        "num_hidden_layers": "num_layers",
        "head_dim": "d_kv",
    },
)


def _class(name: str, /, *, decoder: bool = True, **heads: Block) -> Architecture:
    """A class that has the stacks as its own children, and further layers after them."""

    def build(options: Options) -> Block:
        stacks = model(options, kind=name, decoder=decoder)
        return replace(stacks, children=(*stacks.children, *block(name, **heads).children))

    return replace(T5, name=name, build=build)


def _under(name: str, body: Build, /, **heads: Block) -> Architecture:
    return T5.topped(name, "transformer", body, **heads)


ENCODER = partial(model, kind="T5EncoderModel", under="transformer", decoder=False)

ARCHITECTURES = (
    T5,
    _class("T5ForConditionalGeneration", lm_head=Head(H, V, tied_to="shared.weight")),
    _class("T5EncoderModel", decoder=False),
    _under(
        "T5ForSequenceClassification",
        partial(model, under="transformer"),
        classification_head=classification_head("T5ClassificationHead", H, Y),
    ),
    _under("T5ForTokenClassification", ENCODER, classifier=Linear(H, Y)),
    _class("T5ForQuestionAnswering", qa_outputs=Linear(H, Y)),
)
