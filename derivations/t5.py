"""Counting T5's parameters: `T5ForConditionalGeneration`, an encoder and a decoder that share one table."""

from __future__ import annotations

import symcount as sc
from derivations.worksheet import Worksheet

ENCODER, DECODER = "encoder.block.#1.layer", "decoder.block.#1.layer"
PUBLISHED = (
    ("small", {"H": 512, "I": 2048, "N": 6, "N_dec": 6, "A": 8}, "60M"),
    ("base", {}, "220M"),
    ("large", {"H": 1024, "I": 4096, "N": 24, "N_dec": 24, "A": 16}, "770M"),
    ("3B", {"H": 1024, "I": 16_384, "N": 24, "N_dec": 24, "A": 32, "D": 128}, "3B"),
    ("11B", {"H": 1024, "I": 65_536, "N": 24, "N_dec": 24, "A": 128, "D": 128}, "11B"),
)


def every_layer(stack: str) -> str:
    """The tensors that any layer of a stack has; the first has a table besides."""
    return f"{stack}.*.[qkvo].weight {stack}.*.w[io].weight {stack}.*.layer_norm.weight"


def derive() -> Worksheet:
    """The derivation, at the sizes of the base model."""
    s = Worksheet(
        "t5",
        "Counting T5's parameters",
        sc.formula("T5ForConditionalGeneration"),
        {"V": 32_128, "H": 768, "I": 3072, "N": 12, "N_dec": 12, "A": 12, "D": 64, "B": 32},
        "The model is `T5ForConditionalGeneration` of transformers (Raffel et al. 2019, arXiv:1910.10683), at the base "
        "size: an encoder that reads, a decoder that writes and looks at the encoder's result, one table of words for "
        "both and for the head. No layer has a bias; positions are no vectors, but a number for each distance and "
        "head.",
    )
    V, H, N, N_dec = map(sc.symbol, ("V", "H", "N", "N_dec"))
    words = s.part("Words", "shared.*", "One table: a row of $H$ numbers for each of $V$ pieces of words.")
    attention = s.part(
        "One attention",
        f"{ENCODER}.0.SelfAttention.[qkvo].weight",
        "Query, key and value are maps of $H$ to $AD$, the output one of $AD$ to $H$, all without bias. $AD$ need not "
        "be $H$, and is not in the largest models.",
    )
    feed_forward = s.part(
        "One feed-forward network",
        f"{ENCODER}.1.DenseReluDense.*",
        "Up from $H$ to $I$ and down again, without biases.",
    )
    norm = s.part("One normalisation", f"{ENCODER}.0.layer_norm.*", "T5's norm has a scale of size $H$ and no shift.")
    encoder_layer = s.sum(
        "One layer of the encoder",
        attention + feed_forward + 2 * norm,
        every_layer(ENCODER),
        "Attention and feed-forward network, each behind a normalisation.",
    )
    decoder_layer = s.sum(
        "One layer of the decoder",
        2 * attention + feed_forward + 3 * norm,
        every_layer(DECODER),
        "A second attention, whose keys and values come from the encoder, with a normalisation of its own.",
    )
    positions = s.part(
        "Relative positions of one stack",
        "encoder.*.relative_attention_bias.*",
        "Distances fall into $B$ buckets, and each head has a number for each. Only the first layer of a stack has "
        "this table; the others use what it computes.",
    )
    encoder = s.sum(
        "Encoder",
        N * encoder_layer + positions + norm,
        "encoder.block.* encoder.final_layer_norm.*",
        "$N$ layers, the table of positions, a last normalisation.",
    )
    decoder = s.sum(
        "Decoder",
        N_dec * decoder_layer + positions + norm,
        "decoder.block.* decoder.final_layer_norm.*",
        "The same for the decoder.",
    )
    s.sum(
        "All parameters", words + encoder + decoder, "*", "The head's weight is the table of words, so it adds nothing."
    )
    s.formula()

    s.heading("What to watch for")
    large = next(sizes for name, sizes, _ in PUBLISHED if name == "large")
    s.published(("H", "I", "N", "A", "D"), PUBLISHED, "paper")
    untied = s.total(**large) + s.sizes["V"] * large["H"]
    s.items(
        "*Rounding.* The paper calls its sizes approximate. Its 770M for the large model is what a second table of "
        f"words would give, {untied:,}; its 220M for the base model is not.",
        f"*Tying.* Four names, one tensor: {', '.join(f'`{row.tensor}`' for row, _ in s.model.shared)} are all "
        f"`shared.weight`. Adding up layers counts $3VH$ = {s.at(3 * V * H)} too many.",
        f"*Relative positions.* The $2BA$ = {s.at(2 * positions)} numbers are parameters of the attention. "
        "A count without embeddings that leaves out every `Embedding` layer leaves them out as well.",
        "*Heads.* In the 11B model 128 heads of size 128 make $AD$ sixteen times $H$. Formulas that write $4H^2$ for "
        "the attention are wrong there.",
        "*Versions.* T5 1.1 (`feed_forward_proj` = `gated-gelu`) has a third matrix in its feed-forward networks, "
        "$3HI$ for $2HI$.",
    )
    s.picture(
        "H",
        "In a wide T5 a seventh is attention to the encoder; in a narrow one a third is the table of words.",
        along=("I", "A"),
    )
    s.glance()
    return s
