"""Counting Whisper's parameters: `WhisperForConditionalGeneration`, with a table that is frozen."""

from __future__ import annotations

import symcount as sc
from derivations.worksheet import Worksheet

ENCODER, DECODER = "model.encoder.layers.#0", "model.decoder.layers.#0"


def size(H: int, N: int) -> dict[str, int]:
    """The two stacks are equally deep, with heads of size 64."""
    return {"H": H} | {
        f"{letter}_{side}": n for side in ("enc", "dec") for letter, n in zip("NIA", (N, 4 * H, H // 64), strict=True)
    }


PUBLISHED = (
    ("tiny", size(384, 4), "39M"),
    ("base", size(512, 6), "74M"),
    ("small", size(768, 12), "244M"),
    ("medium", size(1024, 24), "769M"),
    ("large", {}, "1550M"),
)


def derive() -> Worksheet:
    """The derivation, at the sizes of the large model."""
    s = Worksheet(
        "whisper",
        "Counting Whisper's parameters",
        sc.formula("WhisperForConditionalGeneration"),
        {"V": 51_865, "F": 80, "L_enc": 1500, "L_dec": 448, **size(1280, 32)},
        "The model is `WhisperForConditionalGeneration` of transformers (Radford et al. 2022, arXiv:2212.04356), at "
        "the sizes of the large model: an encoder that hears, a decoder that writes.",
    )
    V, H, N_enc, N_dec, L_enc = map(sc.symbol, ("V", "H", "N_enc", "N_dec", "L_enc"))
    convolutions = s.part(
        "Convolutions",
        "model.encoder.conv1.* model.encoder.conv2.*",
        "Thirty seconds of sound are frames of $F$ mel bins. Two convolutions of width 3, from $F$ to $H$ channels and "
        "from $H$ to $H$, each with a bias; the second goes two frames at a time, hence half as many positions.",
    )
    sines = s.part(
        "Positions of the encoder",
        "model.encoder.embed_positions.*",
        "A sine or cosine for each position and channel. The table is stored, but never trained.",
    )
    attention = s.part(
        "One attention",
        f"{ENCODER}.self_attn.*",
        "Query, key, value and output are maps of $H$ to $H$. Three have a bias: one on the keys would add the same to "
        "all scores of a query and change nothing.",
    )
    norm = s.part("One normalisation", f"{ENCODER}.self_attn_layer_norm.*", "A scale and a shift.")
    encoder_mlp = s.part(
        "Feed-forward network of the encoder", f"{ENCODER}.fc1.* {ENCODER}.fc2.*", "Up and down again, with biases."
    )
    encoder_layer = s.sum(
        "One layer of the encoder",
        attention + encoder_mlp + 2 * norm,
        f"{ENCODER}.*",
        "Attention and feed-forward network, each behind a normalisation.",
    )
    decoder_mlp = s.part("Feed-forward network of the decoder", f"{DECODER}.fc1.* {DECODER}.fc2.*", "The same.")
    decoder_layer = s.sum(
        "One layer of the decoder",
        2 * attention + decoder_mlp + 3 * norm,
        f"{DECODER}.*",
        "A second attention, to the encoder's result, with a normalisation of its own.",
    )
    encoder = s.sum(
        "Encoder",
        convolutions + sines + N_enc * encoder_layer + norm,
        "model.encoder.*",
        "Convolutions, positions, layers, and a last normalisation.",
    )
    words = s.part(
        "Words and positions of the decoder",
        "model.decoder.embed_tokens.* model.decoder.embed_positions.*",
        "A row of $H$ numbers for each of $V$ tokens, and for each position: these are learnt.",
    )
    decoder = s.sum(
        "Decoder",
        words + N_dec * decoder_layer + norm,
        "model.decoder.*",
        "Words, layers, and a last normalisation.",
    )
    total = s.sum("All parameters", encoder + decoder, "*", "The head's weight is the table of words.")
    s.sum(
        "All parameters that are trained",
        total - sines,
        "*",
        "Without the encoder's frozen positions.",
        convention="trainable",
    )
    s.formula()
    s.text("$H$ is even, because a position has a sine and a cosine for each pair of channels.")

    s.heading("What to watch for")
    s.published(("H", "N_enc", "N_dec"), PUBLISHED, "paper")
    s.text(
        "The paper's numbers are all a little larger than the models that were released; it does not say what they "
        "count."
    )
    s.items(
        f"*Frozen positions.* $L_{{\\mathrm{{enc}}}}H$ = {s.at(L_enc * H)} numbers that are parameters in "
        "transformers, with `requires_grad` off, and a buffer in OpenAI's own code, which therefore counts "
        f"{s.total('trainable'):,}. Tools that count what can be trained agree with the one, `num_parameters()` with "
        "the other.",
        f"*Tying.* The head counted as a layer of its own would add $VH$ = {s.at(V * H)}.",
        f"*Vocabulary.* The English-only models have one token less: the small one has "
        f"{s.total(**size(768, 12), V=51_864):,} parameters.",
        f"*Version 3* of the large model has 128 mel bins and one token more: {s.total(F=128, V=51_866):,}.",
        "*Convolutions* are $3FH + 3H^2 + 2H$: the width of 3 is fixed in the code, not in the config.",
        "*Biases.* Layers copied from BART with all biases would have $H$ too many for each of the "
        f"{s.at(N_enc + 2 * N_dec)} attentions.",
    )
    s.picture(
        "H",
        "As Whisper widens, the words give way to the layers, and the second attention keeps its share.",
        along=("I_enc", "I_dec", "A_enc", "A_dec"),
    )
    s.glance()
    return s
