"""BERT (Devlin et al. 2018, arXiv:1810.04805), as `transformers.models.bert` has it.

    P = VH + LH + TH + 2H + N(4H² + 2HI + 9H + I) + heads

The masked-LM head uses the word embedding as its weight: stored once, used twice.
"""

from __future__ import annotations

from functools import partial

from sympy import Expr

from symcount.architectures.base import Architecture, Build, Options
from symcount.architectures.heads import vocabulary_head
from symcount.core.domain import divides
from symcount.core.notation import letters
from symcount.core.tree import Block, Parameter, block, stack
from symcount.layers import Embedding, LayerNorm, Linear

V, L, H, I, N, T, A, Y = letters("V L H I N T A Y")
WORDS = "bert.embeddings.word_embeddings.weight"


def embeddings(prefix: str, width: Expr = H) -> Block:
    """Words, positions and segments, normalised: `VH + LH + TH + 2H`."""
    return block(
        f"{prefix}Embeddings",
        word_embeddings=Embedding(V, width),
        position_embeddings=Embedding(L, width),
        token_type_embeddings=Embedding(T, width),
        LayerNorm=LayerNorm(width),
    )


def attention(prefix: str) -> Block:
    """Query, key, value, output and normalisation: `4H² + 4H + 2H`; A divides H."""
    maps = block(f"{prefix}SelfAttention", query=Linear(H, H), key=Linear(H, H), value=Linear(H, H))
    output = block(f"{prefix}SelfOutput", dense=Linear(H, H), LayerNorm=LayerNorm(H))
    return block(f"{prefix}Attention", self=maps.given(divides(A, H)), output=output)


def encoder(prefix: str, options: Options) -> Block:
    """N layers of `4H² + 2HI + 9H + I`; those of a decoder with cross-attention have a second attention."""
    layer = block(
        f"{prefix}Layer",
        attention=attention(prefix),
        crossattention=attention(prefix) if options["add_cross_attention"] else None,
        intermediate=block(f"{prefix}Intermediate", dense=Linear(H, I)),
        output=block(f"{prefix}Output", dense=Linear(I, H), LayerNorm=LayerNorm(H)),
    )
    return block(f"{prefix}Encoder", layer=stack(N, layer))


def model(prefix: str, options: Options, *, pooler: bool | None = None) -> Block:
    """Embeddings, N layers, and where a head needs it a pooler: `H² + H`."""
    pooled = options["add_pooling_layer"] if pooler is None else pooler
    return block(
        f"{prefix}Model",
        embeddings=embeddings(prefix),
        encoder=encoder(prefix, options),
        pooler=block(f"{prefix}Pooler", dense=Linear(H, H)) if pooled else None,
    )


def predictions(options: Options, *, next_sentence: bool = False) -> Block:
    """The masked-LM head: transform `H² + 3H`, decoder `HV + V`; the head of the next sentence: `2H + 2`."""
    prediction = block(
        "BertLMPredictionHead",
        (Parameter("bias", (V,)),),
        transform=block("BertPredictionHeadTransform", dense=Linear(H, H), LayerNorm=LayerNorm(H)),
        decoder=vocabulary_head(H, V, WORDS, bias="cls.predictions.bias")(options),
    )
    return block(
        "BertPreTrainingHeads" if next_sentence else "BertOnlyMLMHead",
        predictions=prediction,
        seq_relationship=Linear(H, 2) if next_sentence else None,
    )


BERT = Architecture(
    "BertModel",
    "bert",
    partial(model, "Bert"),
    fields={
        "V": "vocab_size",
        "L": "max_position_embeddings",
        "H": "hidden_size",
        "I": "intermediate_size",
        "N": "num_hidden_layers",
        "T": "type_vocab_size",
        "A": "num_attention_heads",
        "Y": "num_labels",
    },
    defaults={
        "vocab_size": 30522,
        "max_position_embeddings": 512,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "type_vocab_size": 2,
        "num_attention_heads": 12,
        "num_labels": 2,
    },
    options={"tie_word_embeddings": True, "add_cross_attention": False},
    arguments={"add_pooling_layer": True},
)


def _class(name: str, pooler: bool, /, **heads: Block | Build) -> Architecture:
    return BERT.topped(name, "bert", partial(model, "Bert", pooler=pooler), **heads)


ARCHITECTURES = (
    BERT,
    _class("BertForMaskedLM", False, cls=predictions),
    _class("BertLMHeadModel", False, cls=predictions),
    _class("BertForPreTraining", True, cls=partial(predictions, next_sentence=True)),
    _class("BertForNextSentencePrediction", True, cls=block("BertOnlyNSPHead", seq_relationship=Linear(H, 2))),
    _class("BertForSequenceClassification", True, classifier=Linear(H, Y)),
    _class("BertForMultipleChoice", True, classifier=Linear(H, 1)),
    _class("BertForTokenClassification", False, classifier=Linear(H, Y)),
    _class("BertForQuestionAnswering", False, qa_outputs=Linear(H, Y)),
)
