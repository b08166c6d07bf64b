"""Counting Llama's parameters: `LlamaForCausalLM`, with grouped-query attention."""

from __future__ import annotations

import symcount as sc
from derivations.worksheet import Worksheet

LAYER = "model.layers.#0"


def first(H: int, I: int, N: int, A: int) -> dict[str, int]:
    """A model of the first generation: every query head has a key-value head of its own."""
    return {"V": 32_000, "H": H, "I": I, "N": N, "A": A, "K": A, "D": H // A}


PUBLISHED = (
    ("LLaMA 7B", first(4096, 11_008, 32, 32), "6.7B"),
    ("LLaMA 13B", first(5120, 13_824, 40, 40), "13.0B"),
    ("LLaMA 33B", first(6656, 17_920, 60, 52), "32.5B"),
    ("LLaMA 65B", first(8192, 22_016, 80, 64), "65.2B"),
    ("Llama 2 70B", first(8192, 28_672, 80, 64) | {"K": 8}, "70B"),
    ("Llama 3 8B", {}, "8B"),
    ("Llama 3 70B", {"H": 8192, "I": 28_672, "N": 80, "A": 64}, "70B"),
    ("Llama 3.1 405B", {"H": 16_384, "I": 53_248, "N": 126, "A": 128}, "405B"),
)


def derive() -> Worksheet:
    """The derivation, at the sizes of Llama 3 8B."""
    s = Worksheet(
        "llama",
        "Counting Llama's parameters",
        sc.formula("LlamaForCausalLM"),
        {"V": 128_256, "H": 4096, "I": 14_336, "N": 32, "A": 32, "K": 8, "D": 128},
        "The model is `LlamaForCausalLM` of transformers (Touvron et al. 2023, arXiv:2302.13971 and arXiv:2307.09288), "
        "at the sizes of Llama 3 8B (arXiv:2407.21783). No map has a bias, positions are rotations and have no "
        "parameters, and $K$ key-value heads serve $A$ query heads, $A/K$ each (grouped-query attention, Ainslie et "
        "al. 2023, arXiv:2305.13245).",
    )
    V, H, N, A, K, D = map(sc.symbol, "VHNAKD")
    embeddings = s.part("Embeddings", "model.embed_tokens.*", "One table: a row of $H$ numbers for each of $V$ tokens.")
    queries = s.part(
        "Queries and output of one layer",
        f"{LAYER}.self_attn.q_proj.* {LAYER}.self_attn.o_proj.*",
        "$A$ heads of size $D$: a map of $H$ to $AD$ makes the queries, one of $AD$ to $H$ brings the results back. "
        "Here $AD = H$, so this is $2H^2$.",
    )
    keys = s.part(
        "Keys and values of one layer",
        f"{LAYER}.self_attn.k_proj.* {LAYER}.self_attn.v_proj.*",
        "Two maps of $H$ to $KD$. With as many key-value heads as query heads this would be another $2H^2$; with $K$ "
        "of them it is $K/A$ of that.",
    )
    feed_forward = s.part(
        "Feed-forward network of one layer",
        f"{LAYER}.mlp.*",
        "Gated: two maps of $H$ to $I$, the one multiplied with an activation of the other, and one back. Three "
        "matrices, not two.",
    )
    norms = s.part(
        "Normalisations of one layer",
        f"{LAYER}.*layernorm.*",
        "RMS norms have a scale and no shift: $H$ each, one before the attention, one before the feed-forward network.",
    )
    layer = s.sum("One layer", queries + keys + feed_forward + norms, f"{LAYER}.*", "The last four steps.")
    last = s.part("Last normalisation", "model.norm.*", "One more scale.")
    head = s.part(
        "Head", "lm_head.*", "A map of $H$ to $V$ of its own: in this model it is *not* tied to the table of tokens."
    )
    s.sum("All parameters", embeddings + N * layer + last + head, "*", "Table, $N$ layers, last normalisation, head.")
    s.formula()

    s.heading("What to watch for")
    s.text("A name is a rounded number, and not always rounded to the nearest:")
    s.published("VHINAK", PUBLISHED, "said")
    full = s.total(K=s.sizes["A"])
    s.items(
        f"*Grouped queries.* With a key-value head for each query head the model would have {full:,} parameters. What "
        f"the groups save is $2NHD(A - K)$ = {s.at(2 * N * H * D * (A - K))}. Llama 2 70B, which has "
        "groups, is larger than LLaMA 65B all the same: it spends what it saves, and more, on the feed-forward size.",
        f"*Tying.* Table and head are $VH$ = {s.at(V * H)} each. Tools that suppose them tied fall short by as much; "
        "smaller models of the family (Llama 3.2 1B and 3B) are tied: `tie_word_embeddings` in the config decides.",
        "*Feed-forward size.* $I$ is in the config. Where it comes from is a rule of thumb, $8H/3$ rounded up, which "
        "gives a gated network the size of an ungated one with $4H$; Llama 3 does not follow it.",
        "*Head size.* `head_dim` is $H/A$ unless the config gives it. Then $AD$ need not be $H$.",
        f"*Buffers.* The frequencies of the rotations, {s.buffers():,} numbers, are buffers and no parameters.",
    )
    s.picture("H", "As Llama widens, table and head give way to the feed-forward networks.", along=("I", "A", "K"))
    s.glance()
    return s
