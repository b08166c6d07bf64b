"""Counting GPT-2's parameters: `GPT2LMHeadModel`, whose closed form needs four letters."""

from __future__ import annotations

import symcount as sc
from derivations.worksheet import Worksheet

LAYER = "transformer.h.#0"
LARGER = (
    ("small", {}, "117M"),
    ("medium", {"H": 1024, "N": 24, "A": 16}, "345M"),
    ("large", {"H": 1280, "N": 36, "A": 20}, "762M"),
    ("XL", {"H": 1600, "N": 48, "A": 25}, "1542M"),
)


def derive() -> Worksheet:
    """The derivation, at the sizes of the small model."""
    s = Worksheet(
        "gpt2",
        "Counting GPT-2's parameters",
        sc.formula("GPT2LMHeadModel"),
        {"V": 50_257, "L": 1024, "H": 768, "N": 12, "A": 12},
        "The model is `GPT2LMHeadModel` of transformers: GPT-2 (Radford et al. 2019) with its language-modelling head, "
        "at the sizes of the smallest of the four that were published. It is a stack of $N$ equal layers between two "
        "tables and a last normalisation.",
    )
    V, L, H, N = map(sc.symbol, "VLHN")
    embeddings = s.part(
        "Embeddings",
        "transformer.wte.* transformer.wpe.*",
        "A row of $H$ numbers for each of $V$ tokens and each of $L$ positions. GPT-2 learns its positions.",
    )
    attention = s.part(
        "Attention of one layer",
        f"{LAYER}.attn.*",
        "Query, key and value are one fused map of $H$ to $3H$, weight $3H^2$ and bias $3H$; the heads' results go "
        "through another of $H$ to $H$. The number of heads does not enter.",
    )
    feed_forward = s.part(
        "Feed-forward network of one layer",
        f"{LAYER}.mlp.*",
        "Up from $H$ to $4H$ (weight $4H^2$, bias $4H$) and down again (weight $4H^2$, bias $H$).",
    )
    norms = s.part(
        "Normalisations of one layer",
        f"{LAYER}.ln_1.* {LAYER}.ln_2.*",
        "One before the attention, one before the feed-forward network, each a scale and a shift of size $H$.",
    )
    layer = s.sum("One layer", attention + feed_forward + norms, f"{LAYER}.*", "The last three steps.")
    last = s.part("Last normalisation", "transformer.ln_f.*", "After the last layer, once more a scale and a shift.")
    total = s.sum(
        "All parameters",
        embeddings + N * layer + last,
        "*",
        "Embeddings, $N$ layers, last normalisation. The head adds nothing: its weight is the table of tokens.",
    )
    s.formula()

    s.heading("What to watch for")
    s.text("The paper's table of sizes has other numbers than the models that were released:")
    s.published("HN", LARGER, "paper")
    s.text(
        "The authors' own repository says that the paper's counts were wrong by an error, and names the models 124M, "
        "355M, 774M and 1558M, as the formula has them."
    )
    s.items(
        f"*Tying.* A program that adds up layers counts the head's $VH$ = {s.at(V * H)} a second time and arrives at "
        f"{s.total('per_layer'):,}.",
        f"*Layout.* `{s.model.name}` keeps the weights of its `Conv1D` layers transposed, $H$ by $3H$ and not $3H$ by "
        "$H$. The product is the same.",
        f"*Convention.* Kaplan et al. (2020, arXiv:2001.08361) count without tables: {s.at(total - V * H - L * H)} in "
        f"exact terms, and $12NH^2$ = {s.at(12 * N * H**2)} in theirs, without biases and normalisations.",
        "*Vocabulary.* Implementations that pad 50,257 tokens to the next multiple of 64 for speed store "
        f"$47H$ = {s.at(47 * H)} numbers more.",
        "*Feed-forward size.* Where the config gives `n_inner`, it takes the place of $4H$, and a layer is "
        "$4H^2 + 2HI + 9H + I$.",
    )
    s.picture("H", "As GPT-2 widens at equal depth, the table of tokens loses its weight.", along=("A",))
    s.glance()
    return s
