"""Whisper (Radford et al. 2022, arXiv:2212.04356), as `transformers.models.whisper` has it.

    P = 3FH + 3H² + 2H + L_enc H + N_enc(4H² + 2HI_enc + 8H + I_enc) + 2H
      + VH + L_dec H + N_dec(8H² + 2HI_dec + 13H + I_dec) + 2H

BART's layers, without biases of the keys and with the norms before instead of after; two convolutions of width 3 read F
mel bins. The encoder's positions are a frozen table of sines.
"""

from __future__ import annotations

from dataclasses import replace

from symcount.architectures.bart import FIELDS, A_dec, A_enc, H, I_dec, I_enc, N_dec, N_enc, V, Y, layer
from symcount.architectures.base import Architecture, Options
from symcount.architectures.heads import vocabulary_head
from symcount.core.domain import divides
from symcount.core.letters import assign
from symcount.core.notation import letters
from symcount.core.tree import Block, Parameter, Role, block, stack
from symcount.layers import Conv1d, Embedding, LayerNorm, Linear

F, L_enc, L_dec = letters("F L_enc L_dec")
(classifier_proj_size,) = (e.symbol for e in assign(["classifier_proj_size"]))


def encoder(role: Role | None = None) -> Block:
    """Two convolutions, frozen positions, N_enc layers, a norm; *role* of the first convolution."""
    return block(
        "WhisperEncoder",
        conv1=replace(Conv1d(F, H, 3), role=role),
        conv2=Conv1d(H, H, 3),
        embed_positions=Embedding(L_enc, H, trainable=False),
        layers=stack(N_enc, layer("WhisperEncoderLayer", I_enc, A_enc, key_bias=False)),
        layer_norm=LayerNorm(H),
    ).given(divides(2, H))  # a position is a sine and a cosine for each pair of channels


def decoder() -> Block:
    """Words, positions, N_dec layers with a second attention to the encoder, a norm."""
    return block(
        "WhisperDecoder",
        embed_tokens=Embedding(V, H),
        embed_positions=Embedding(L_dec, H),
        layers=stack(N_dec, layer("WhisperDecoderLayer", I_dec, A_dec, cross_attention=True, key_bias=False)),
        layer_norm=LayerNorm(H),
    )


def model(_: Options) -> Block:
    """`WhisperModel`: encoder and decoder."""
    return block("WhisperModel", encoder=encoder(), decoder=decoder())


def audio_classification(options: Options) -> Block:
    """The encoder, a map to `classifier_proj_size`, a classifier; on request a weight of each layer's output."""
    weights = (Parameter("layer_weights", (N_enc + 1,)),) if options["use_weighted_layer_sum"] else ()
    return block(
        "WhisperForAudioClassification",
        weights,
        encoder=encoder("embedding"),
        projector=Linear(H, classifier_proj_size),
        classifier=Linear(classifier_proj_size, Y),
    )


WHISPER = Architecture(
    "WhisperModel",
    "whisper",
    model,
    fields={
        **FIELDS,
        "F": "num_mel_bins",
        "L_enc": "max_source_positions",
        "L_dec": "max_target_positions",
        "classifier_proj_size": "classifier_proj_size",
    },
    defaults={
        "vocab_size": 51865,
        "d_model": 384,
        "encoder_layers": 4,
        "decoder_layers": 4,
        "encoder_ffn_dim": 1536,
        "decoder_ffn_dim": 1536,
        "encoder_attention_heads": 6,
        "decoder_attention_heads": 6,
        "num_mel_bins": 80,
        "max_source_positions": 1500,
        "max_target_positions": 448,
        "classifier_proj_size": 256,
        "num_labels": 2,
    },
    options={"tie_word_embeddings": True},
    aliases={
        "num_attention_heads": "encoder_attention_heads",
        "num_key_value_heads": "encoder_attention_heads",
        "hidden_size": "d_model",
        "num_hidden_layers": "encoder_layers",
    },
)
HEAD = {"proj_out": vocabulary_head(H, V, "model.decoder.embed_tokens.weight")}

ARCHITECTURES = (
    WHISPER,
    WHISPER.topped("WhisperForConditionalGeneration", "model", **HEAD),
    WHISPER.topped("WhisperForCausalLM", "model", lambda _: block("WhisperDecoderWrapper", decoder=decoder()), **HEAD),
    replace(
        WHISPER,
        name="WhisperForAudioClassification",
        build=audio_classification,
        options={**WHISPER.options, "use_weighted_layer_sum": False},
    ),
)
