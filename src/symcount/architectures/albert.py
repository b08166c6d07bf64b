"""ALBERT (Lan et al. 2019, arXiv:1909.11942), as `transformers.models.albert` has it.

    P = VZ + LZ + TZ + 2Z + ZH + H + N_grp N_inner(4H² + 2HI + 9H + I) + H² + H + heads

Embeddings of a width Z of their own, projected to H, and layers that are shared: there are N_grp groups of N_inner
layers, one of one in all published models, however many layers the config's `num_hidden_layers` runs through. That
number enters no count.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from symcount.architectures.base import Architecture, Build, Options
from symcount.architectures.bert import BERT, A, H, I, V, Y, embeddings
from symcount.architectures.heads import vocabulary_head
from symcount.core.notation import letters
from symcount.core.tree import Block, Parameter, block, stack
from symcount.layers import LayerNorm, Linear, MultiHeadAttention

Z, N_grp, N_inner = letters("Z N_grp N_inner")


def encoder() -> Block:
    """The projection `ZH + H`, and the shared layers of `4H² + 2HI + 9H + I`."""
    attention = MultiHeadAttention(H, A, names=("query", "key", "value", "dense"))
    layer = block(
        "AlbertLayer",
        full_layer_layer_norm=LayerNorm(H),
        attention=block("AlbertAttention", **{c.name: c for c in attention.children}, LayerNorm=LayerNorm(H)).given(
            *attention.conditions
        ),
        ffn=Linear(H, I),
        ffn_output=Linear(I, H),
    )
    groups = stack(N_grp, block("AlbertLayerGroup", albert_layers=stack(N_inner, layer)))
    return block("AlbertTransformer", embedding_hidden_mapping_in=Linear(Z, H), albert_layer_groups=groups)


def model(options: Options, *, pooler: bool | None = None) -> Block:
    """Embeddings of width Z, the encoder, and where a head needs it a pooler `H² + H`."""
    pooled = options["add_pooling_layer"] if pooler is None else pooler
    return block(
        "AlbertModel",
        embeddings=embeddings("Albert", Z),
        encoder=encoder(),
        pooler=Linear(H, H) if pooled else None,
    )


def predictions(options: Options) -> Block:
    """The masked-LM head: back to width Z `HZ + 3Z`, decoder `ZV + V`."""
    decoder = vocabulary_head(Z, V, "albert.embeddings.word_embeddings.weight", bias="predictions.bias")(options)
    bias = (Parameter("bias", (V,)),)
    return block("AlbertMLMHead", bias, LayerNorm=LayerNorm(Z), dense=Linear(H, Z), decoder=decoder)


ALBERT = replace(
    BERT,
    name="AlbertModel",
    model_type="albert",
    build=model,
    fields={**BERT.fields, "Z": "embedding_size", "N_grp": "num_hidden_groups", "N_inner": "inner_group_num"},
    defaults={
        **BERT.defaults,
        "vocab_size": 30000,
        "embedding_size": 128,
        "hidden_size": 4096,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 64,
        "intermediate_size": 16384,
    },
    options={"tie_word_embeddings": True},
)


def _class(name: str, pooler: bool, /, **heads: Block | Build) -> Architecture:
    return ALBERT.topped(name, "albert", partial(model, pooler=pooler), **heads)


ARCHITECTURES = (
    ALBERT,
    _class(
        "AlbertForPreTraining",
        True,
        predictions=predictions,
        sop_classifier=block("AlbertSOPHead", classifier=Linear(H, Y)),
    ),
    _class("AlbertForMaskedLM", False, predictions=predictions),
    _class("AlbertForSequenceClassification", True, classifier=Linear(H, Y)),
    _class("AlbertForMultipleChoice", True, classifier=Linear(H, 1)),
    _class("AlbertForTokenClassification", False, classifier=Linear(H, Y)),
    _class("AlbertForQuestionAnswering", False, qa_outputs=Linear(H, Y)),
)
