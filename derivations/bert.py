"""Counting BERT's parameters: `BertForMaskedLM`, by layer type, and what adding up layers does not say."""

from __future__ import annotations

import symcount as sc
from derivations.worksheet import Worksheet

LAYER = "bert.encoder.layer.#0"


def derive() -> Worksheet:
    """The derivation; its steps add up what each layer holds for itself (`per_layer`)."""
    s = Worksheet(
        "bert",
        "Counting BERT's parameters",
        sc.formula("BertForMaskedLM"),
        {"V": 30_000, "L": 512, "H": 768, "I": 3072, "N": 12, "T": 2, "A": 12},
        "The model is `BertForMaskedLM` of transformers: BERT (Devlin et al. 2018, arXiv:1810.04805) with the head "
        "that predicts masked words, and a vocabulary of 30,000 tokens. Its total is the sum over its layers, and the "
        "size of each layer is made of a few sizes:",
        convention="per_layer",
    )
    V, H, I, N = map(sc.symbol, "VHIN")
    embeddings = s.part(
        "Embeddings",
        "bert.embeddings.*",
        "Three tables with $H$ columns: one row a token ($V$), a position ($L$), a segment ($T$).",
        kind="Embedding",
    )
    attention = s.part(
        "Self-attention of one layer",
        f"{LAYER}.attention.self.*",
        "Query, key and value are three linear maps of $H$ to $H$, each with a weight $H^2$ and a bias $H$. However "
        "many heads share them, the size is the same.",
    )
    output = s.part(
        "Attention output of one layer", f"{LAYER}.attention.output.*", "One more map of $H$ to $H$.", kind="Linear"
    )
    feed_forward = s.part(
        "Intermediate and output of one layer",
        f"{LAYER}.intermediate.* {LAYER}.output.*",
        "The feed-forward network goes from $H$ up to $I$ (weight $HI$, bias $I$) and down again (weight $IH$, bias "
        "$H$).",
        kind="Linear",
    )
    encoder = s.sum(
        "Linear maps of the encoder",
        N * (attention + output + feed_forward),
        "bert.encoder.*",
        "The last three steps, $N$ times.",
        kind="Linear",
    )
    head = s.part(
        "Linear maps of the masked-LM head",
        "cls.*",
        "A transform of $H$ to $H$ and the decoder from $H$ to the vocabulary: weight $VH$, bias $V$.",
        kind="Linear",
    )
    s.sum("All linear maps", encoder + head, "*", "The encoder's and the head's.", kind="Linear")
    norms = s.part(
        "Layer normalisations",
        "*",
        "A scale and a shift, $2H$, for the embeddings, twice in each layer, and once in the head: $2N + 2$ of them.",
        kind="LayerNorm",
    )
    layers = N * (attention + output + feed_forward + 4 * H)
    rest = embeddings + head + norms - 4 * H * N
    total = s.sum("All parameters, layer by layer", layers + rest, "*", "Embeddings, linear maps, norms.")

    s.heading("What the sum over layers does not say")
    s.text("Two tensors of this model have two names:")
    s.items(*(f"`{row.tensor}` is `{owner.tensor}`" for row, owner in s.model.shared))
    s.text(
        "The decoder's weight *is* the word embedding: the sum over layers counts it at both places, the model stores "
        "it once. (The decoder's bias has two names as well, but only one layer holds it, so it was counted once all "
        "along.)"
    )
    s.part(
        "Counted twice",
        "bert.embeddings.word_embeddings.weight",
        "The two ways of counting differ by",
        convention="unique",
        numbered=False,
    )
    s.sum(
        "All parameters, each stored tensor once",
        total - V * H,
        "*",
        "and what the model stores, trains and saves is",
        convention="unique",
        numbered=False,
    )
    s.formula()
    s.text("The $A$ heads split the hidden size among them, and do not enter the count.")

    s.heading("What to watch for")
    base, large = {"V": 30_522}, {"V": 30_522, "H": 1024, "I": 4096, "N": 24, "A": 16}
    s.text(
        "The paper says 110M and 340M for a base and a large model. The released ones have 30,522 tokens; with the "
        "masked-LM head they have"
    )
    s.published("VHIN", [("base", base, "110M"), ("large", large, "340M")], "paper")
    s.items(
        "Other heads give other totals: without any head, but with the pooler ($H^2 + H$) that `BertModel` has and the "
        f"masked-LM model has not, BERT-base has {sc.count('BertModel', **base):,} parameters, and with both heads of "
        f"the pre-training {sc.count('BertForPreTraining', **base):,}.",
        f"The positions 0 to $L - 1$ are kept as a buffer, as are the default segments: {s.buffers():,} numbers that "
        "are no parameters.",
        f"The scales, shifts and biases are $9H + I$ of each layer, {s.at(9 * H + I)} of {s.at(s.model.step('N'))}: "
        "what rules of thumb such as $12NH^2$ leave out.",
    )
    s.picture("H", "As BERT widens, the embeddings give way to the layers.", along=("I", "A"))
    s.glance()
    return s
