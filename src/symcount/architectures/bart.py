"""BART (Lewis et al. 2019, arXiv:1910.13461), as `transformers.models.bart` has it.

    P = VH + (L + 2)H + 2H + N_enc(4H² + 2HI_enc + 9H + I_enc)
           + (L + 2)H + 2H + N_dec(8H² + 2HI_dec + 15H + I_dec)

Encoder and decoder use one table of words and have tables of positions of their own, with two rows more than there are
positions.
"""

from __future__ import annotations

from functools import partial

from sympy import Expr

from symcount.architectures.base import Architecture, Build, Options
from symcount.architectures.heads import classification_head, vocabulary_head
from symcount.core.notation import letters
from symcount.core.tree import Block, block, stack
from symcount.layers import Embedding, LayerNorm, Linear, MultiHeadAttention

V, L, H, Y = letters("V L H Y")
N_enc, N_dec, I_enc, I_dec, A_enc, A_dec = letters("N_enc N_dec I_enc I_dec A_enc A_dec")

FIELDS = {
    "V": "vocab_size",
    "H": "d_model",
    "N_enc": "encoder_layers",
    "N_dec": "decoder_layers",
    "I_enc": "encoder_ffn_dim",
    "I_dec": "decoder_ffn_dim",
    "A_enc": "encoder_attention_heads",
    "A_dec": "decoder_attention_heads",
    "Y": "num_labels",
}


def layer(kind: str, inner: Expr, heads: Expr, *, cross_attention: bool = False, key_bias: bool = True) -> Block:
    """One layer: attention `4H² + 4H`, in a decoder twice; feed-forward `2HI + I + H`; a norm `2H` after each."""
    attention = MultiHeadAttention(
        H, heads, key_bias=key_bias, names=("q_proj", "k_proj", "v_proj", "out_proj"), kind=f"{kind}Attention"
    )
    return block(
        kind,
        self_attn=attention,
        self_attn_layer_norm=LayerNorm(H),
        encoder_attn=attention if cross_attention else None,
        encoder_attn_layer_norm=LayerNorm(H) if cross_attention else None,
        fc1=Linear(H, inner),
        fc2=Linear(inner, H),
        final_layer_norm=LayerNorm(H),
    )


def encoder(words: Block) -> Block:
    """Words, positions, N_enc layers, a norm of the embeddings."""
    return _stack("BartEncoder", words, N_enc, layer("BartEncoderLayer", I_enc, A_enc))


def decoder(words: Block) -> Block:
    """Words, positions, N_dec layers with a second attention to the encoder, a norm of the embeddings."""
    return _stack("BartDecoder", words, N_dec, layer("BartDecoderLayer", I_dec, A_dec, cross_attention=True))


def _stack(kind: str, words: Block, depth: Expr, one: Block) -> Block:
    return block(
        kind,
        embed_tokens=words,
        embed_positions=Embedding(L + 2, H),
        layers=stack(depth, one),
        layernorm_embedding=LayerNorm(H),
    )


def model(options: Options, *, shared: str = "model.shared.weight") -> Block:
    """One table of words, encoder and decoder; untied, each of the two has a table of its own besides."""
    words = Embedding(V, H)
    used = words.tie(weight=shared) if options["tie_word_embeddings"] else words
    return block("BartModel", shared=words, encoder=encoder(used), decoder=decoder(used))


BART = Architecture(
    "BartModel",
    "bart",
    partial(model, shared="shared.weight"),
    fields={**FIELDS, "L": "max_position_embeddings"},
    defaults={
        "vocab_size": 50265,
        "d_model": 1024,
        "encoder_layers": 12,
        "decoder_layers": 12,
        "encoder_ffn_dim": 4096,
        "decoder_ffn_dim": 4096,
        "encoder_attention_heads": 16,
        "decoder_attention_heads": 16,
        "num_labels": 3,
        "max_position_embeddings": 1024,
    },
    options={"tie_word_embeddings": True},
    aliases={
        "num_attention_heads": "encoder_attention_heads",
        "hidden_size": "d_model",
        "num_hidden_layers": "encoder_layers",
    },
)


def _class(name: str, body: Build = model, /, **heads: Block | Build) -> Architecture:
    return BART.topped(name, "model", body, **heads)


ARCHITECTURES = (
    BART,
    _class("BartForConditionalGeneration", lm_head=vocabulary_head(H, V, "model.shared.weight")),
    _class("BartForSequenceClassification", classification_head=classification_head("BartClassificationHead", H, Y)),
    _class("BartForQuestionAnswering", qa_outputs=Linear(H, 2)),  # whatever num_labels says
    _class(
        "BartForCausalLM",
        lambda _: block("BartDecoderWrapper", decoder=decoder(Embedding(V, H))),
        lm_head=vocabulary_head(H, V, "model.decoder.embed_tokens.weight"),
    ),
)
