"""BERT (Devlin et al. 2018, arXiv:1810.04805), as `transformers.models.bert` has it.

    P = VH + LH + TH + 2H + N(4H² + 2HI + 9H + I) + heads

The masked-LM head uses the word embedding as its weight: stored once, used twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from symcount.architectures.base import Architecture
from symcount.domain import divides
from symcount.layers import Embedding, Head, LayerNorm, Linear
from symcount.notation import letters
from symcount.tree import Block, Parameter, block, stack

V, L, H, I, N, T, A, Y = letters("V L H I N T A Y")


def embeddings() -> Block:
    """Words, positions and segments, normalised: `VH + LH + TH + 2H`."""
    return block(
        "BertEmbeddings",
        word_embeddings=Embedding(V, H),
        position_embeddings=Embedding(L, H),
        token_type_embeddings=Embedding(T, H),
        LayerNorm=LayerNorm(H),
    )


def attention() -> Block:
    """Query, key, value, output and normalisation: `4H² + 4H + 2H`; A divides H."""
    heads = block("BertSelfAttention", query=Linear(H, H), key=Linear(H, H), value=Linear(H, H)).given(divides(A, H))
    output = block("BertSelfOutput", dense=Linear(H, H), LayerNorm=LayerNorm(H))
    return block("BertAttention", self=heads, output=output)


def layer(cross_attention: bool = False) -> Block:
    """One encoder layer: `4H² + 2HI + 9H + I`; a decoder with cross-attention has a second attention."""
    return block(
        "BertLayer",
        attention=attention(),
        crossattention=attention() if cross_attention else None,
        intermediate=block("BertIntermediate", dense=Linear(H, I)),
        output=block("BertOutput", dense=Linear(I, H), LayerNorm=LayerNorm(H)),
    )


def bert(options: Mapping[str, Any], pooler: bool) -> Block:
    """Embeddings, N layers, and where a head needs it a pooler: `H² + H`."""
    return block(
        "BertModel",
        embeddings=embeddings(),
        encoder=block("BertEncoder", layer=stack(N, layer(options["add_cross_attention"]))),
        pooler=block("BertPooler", dense=Linear(H, H)) if pooler else None,
    )


def predictions(tied: bool) -> Block:
    """The masked-LM head: transform `H² + 3H`, decoder `HV + V`; tied, the decoder's tensors are stored elsewhere."""
    decoder = Head(H, V, bias=True)
    if tied:
        decoder = decoder.tie(weight="bert.embeddings.word_embeddings.weight", bias="cls.predictions.bias")
    return block(
        "BertLMPredictionHead",
        (Parameter("bias", (V,)),),
        transform=block("BertPredictionHeadTransform", dense=Linear(H, H), LayerNorm=LayerNorm(H)),
        decoder=decoder,
    )


def base_model(options: Mapping[str, Any]) -> Block:
    """`BertModel`."""
    return bert(options, options["add_pooling_layer"])


def language_model(
    kind: str, options: Mapping[str, Any], *, pooler: bool = False, next_sentence: bool = False
) -> Block:
    """`BertForMaskedLM`, `BertLMHeadModel` and, with pooler and next-sentence head, `BertForPreTraining`."""
    cls = block(
        "BertPreTrainingHeads" if next_sentence else "BertOnlyMLMHead",
        predictions=predictions(options["tie_word_embeddings"]),
        seq_relationship=Linear(H, 2) if next_sentence else None,
    )
    return block(kind, bert=bert(options, pooler), cls=cls)


def with_head(kind: str, head: Mapping[str, Block], pooler: bool, options: Mapping[str, Any]) -> Block:
    """A base model with one more layer: `BertForSequenceClassification` and the like."""
    return block(kind, bert=bert(options, pooler), **head)


def _architecture(name: str, build: Any, arguments: Mapping[str, Any] | None = None, **more: Any) -> Architecture:
    return Architecture(
        name,
        "bert",
        build,
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
        arguments=arguments or {},
        **more,
    )


def _head(name: str, pooler: bool, **head: Block) -> Architecture:
    return _architecture(name, partial(with_head, name, head, pooler))


ARCHITECTURES = (
    _architecture("BertModel", base_model, {"add_pooling_layer": True}),
    _architecture("BertForMaskedLM", partial(language_model, "BertForMaskedLM")),
    _architecture("BertLMHeadModel", partial(language_model, "BertLMHeadModel")),
    _architecture("BertForPreTraining", partial(language_model, "BertForPreTraining", pooler=True, next_sentence=True)),
    _head("BertForNextSentencePrediction", True, cls=block("BertOnlyNSPHead", seq_relationship=Linear(H, 2))),
    _head("BertForSequenceClassification", True, classifier=Linear(H, Y)),
    _head("BertForMultipleChoice", True, classifier=Linear(H, 1)),
    _head("BertForTokenClassification", False, classifier=Linear(H, Y)),
    _head("BertForQuestionAnswering", False, qa_outputs=Linear(H, Y)),
)
