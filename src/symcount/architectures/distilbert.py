"""DistilBERT (Sanh et al. 2019, arXiv:1910.01108), as `transformers.models.distilbert` has it.

    P = VH + LH + 2H + N(4H² + 2HI + 9H + I) + heads

BERT without segments and without pooler; its heads have a map `H² + H` of their own.
"""

from __future__ import annotations

from symcount.architectures.base import Architecture, Build, Options
from symcount.architectures.heads import vocabulary_head
from symcount.core.domain import relation
from symcount.core.notation import letters
from symcount.core.tree import Block, block, stack
from symcount.layers import MLP, Embedding, LayerNorm, Linear, MultiHeadAttention

V, L, H, I, N, A, Y = letters("V L H I N A Y")


def model(_: Options) -> Block:
    """Words and positions, normalised: `VH + LH + 2H`; N layers of `4H² + 2HI + 9H + I`."""
    layer = block(
        "DistilBertLayer",
        attention=MultiHeadAttention(H, A, names=("q_lin", "k_lin", "v_lin", "out_lin"), kind="DistilBertAttention"),
        sa_layer_norm=LayerNorm(H),
        ffn=MLP(H, I, names=("lin1", "lin2"), kind="FFN"),
        output_layer_norm=LayerNorm(H),
    )
    tables = {"word_embeddings": Embedding(V, H), "position_embeddings": Embedding(L, H)}
    return block(
        "DistilBertModel",
        embeddings=block("DistilBertEmbeddings", **tables, LayerNorm=LayerNorm(H)),
        transformer=block("DistilBertTransformer", layer=stack(N, layer)),
    )


DISTILBERT = Architecture(
    "DistilBertModel",
    "distilbert",
    model,
    fields={
        "V": "vocab_size",
        "L": "max_position_embeddings",
        "H": "dim",
        "I": "hidden_dim",
        "N": "n_layers",
        "A": "n_heads",
        "Y": "num_labels",
    },
    defaults={
        "vocab_size": 30522,
        "max_position_embeddings": 512,
        "dim": 768,
        "hidden_dim": 3072,
        "n_layers": 6,
        "n_heads": 12,
        "num_labels": 2,
    },
    options={"tie_word_embeddings": True},
    aliases={"hidden_size": "dim", "num_attention_heads": "n_heads", "num_hidden_layers": "n_layers"},
)
WORDS = "distilbert.embeddings.word_embeddings.weight"
MASKED: dict[str, Block | Build] = {
    "vocab_transform": Linear(H, H),
    "vocab_layer_norm": LayerNorm(H),
    "vocab_projector": vocabulary_head(H, V, WORDS, bias=True),
}

ARCHITECTURES = (
    DISTILBERT,
    DISTILBERT.topped("DistilBertForMaskedLM", "distilbert", **MASKED),
    DISTILBERT.topped(
        "DistilBertForSequenceClassification", "distilbert", pre_classifier=Linear(H, H), classifier=Linear(H, Y)
    ),
    DISTILBERT.topped(
        "DistilBertForMultipleChoice", "distilbert", pre_classifier=Linear(H, H), classifier=Linear(H, 1)
    ),
    DISTILBERT.topped("DistilBertForTokenClassification", "distilbert", classifier=Linear(H, Y)),
    DISTILBERT.topped(  # a start and an end: the model refuses any other number of labels
        "DistilBertForQuestionAnswering", "distilbert", qa_outputs=Linear(H, Y).given(relation(Y, "==", 2))
    ),
)
