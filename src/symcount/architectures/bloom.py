"""BLOOM (BigScience 2022, arXiv:2211.05100), as `transformers.models.bloom` has it.

    P = VH + 2H + N(12H² + 13H) + 2H

GPT-2's layer without a table of positions (ALiBi adds fixed slopes to the scores) and with a norm of the embeddings.
"""

from __future__ import annotations

from symcount.architectures.base import Architecture, Options
from symcount.architectures.heads import vocabulary_head
from symcount.core.domain import divides
from symcount.core.notation import letters
from symcount.core.tree import Block, block, stack
from symcount.layers import MLP, Embedding, LayerNorm, Linear

V, H, N, A, Y = letters("V H N A Y")


def model(_: Options) -> Block:
    """Words, normalised; N blocks of fused attention `4H² + 4H`, feed-forward `8H² + 5H`, two norms `4H`; a norm."""
    layer = block(
        "BloomBlock",
        input_layernorm=LayerNorm(H),
        self_attention=block("BloomAttention", query_key_value=Linear(H, 3 * H), dense=Linear(H, H)).given(
            divides(A, H)
        ),
        post_attention_layernorm=LayerNorm(H),
        mlp=MLP(H, 4 * H, names=("dense_h_to_4h", "dense_4h_to_h"), kind="BloomMLP"),
    )
    return block(
        "BloomModel",
        word_embeddings=Embedding(V, H),
        word_embeddings_layernorm=LayerNorm(H),
        h=stack(N, layer),
        ln_f=LayerNorm(H),
    )


BLOOM = Architecture(
    "BloomModel",
    "bloom",
    model,
    fields={"V": "vocab_size", "H": "hidden_size", "N": "n_layer", "A": "n_head", "Y": "num_labels"},
    defaults={"vocab_size": 250880, "hidden_size": 64, "n_layer": 2, "n_head": 8, "num_labels": 2},
    options={"tie_word_embeddings": True},
    aliases={"num_hidden_layers": "n_layer", "num_attention_heads": "n_head", "n_embed": "hidden_size"},
)

ARCHITECTURES = (
    BLOOM,
    BLOOM.topped(
        "BloomForCausalLM", "transformer", lm_head=vocabulary_head(H, V, "transformer.word_embeddings.weight")
    ),
    BLOOM.topped("BloomForSequenceClassification", "transformer", score=Linear(H, Y, bias=False)),
    BLOOM.topped("BloomForTokenClassification", "transformer", classifier=Linear(H, Y)),
    BLOOM.topped("BloomForQuestionAnswering", "transformer", qa_outputs=Linear(H, 2)),
)
