"""Counting DeepSeek-V3's parameters: `DeepseekV3ForCausalLM`, with latent attention and shared and routed experts."""

from __future__ import annotations

import symcount as sc
from derivations.worksheet import Worksheet

ATTENTION, SPARSE = "model.layers.#0.self_attn", "model.layers.#3.mlp"
DENSE = "model.layers.#0.mlp.[gud]*_proj.weight"  # gate, up and down; not those of experts


def derive() -> Worksheet:
    """The derivation, at the published sizes."""
    sizes = {"V": 129_280, "H": 7168, "I": 18_432, "M": 2048, "N": 61, "d": 3, "A": 128, "E": 256, "S": 1, "k": 8}
    sizes |= {"R_q": 1536, "R_kv": 512, "D_nope": 128, "D_rope": 64, "D_v": 128}
    s = Worksheet(
        "deepseek_v3",
        "Counting DeepSeek-V3's parameters",
        sc.formula("DeepseekV3ForCausalLM"),
        sizes,
        "The model is `DeepseekV3ForCausalLM` of transformers (DeepSeek-AI 2024, arXiv:2412.19437). All $N$ layers "
        "have latent attention: queries, keys and values go through low ranks. The first $d$ layers have a plain gated "
        "feed-forward network, the other $N - d$ a router, $E$ routed experts of which a token uses $k$, and $S$ "
        "shared ones. The paper writes $d_c'$ and $d_c$ for our ranks, $d_h$ for $D_{\\mathrm{nope}}$ and "
        "$D_{\\mathrm{v}}$, and $d_h^R$ for $D_{\\mathrm{rope}}$.",
    )
    V, H, N, d = map(sc.symbol, "VHNd")
    queries = s.part(
        "Queries of one layer",
        f"{ATTENTION}.q_*",
        "Down from $H$ to the rank $R_{\\mathrm{q}}$, an RMS norm there, and up to $A$ heads, each with a part without "
        "and a part with rotary positions.",
    )
    keys = s.part(
        "Keys and values of one layer",
        f"{ATTENTION}.kv_*",
        "Down from $H$ to the rank $R_{\\mathrm{kv}}$, and beside it the rotary part of the key, *one for all heads*; "
        "a norm; then up to the keys and the values of $A$ heads. Only the low-rank vector and that one key are "
        "cached.",
    )
    output = s.part("Output of one layer", f"{ATTENTION}.o_proj.*", "The values of $A$ heads, back to $H$.")
    norms = s.part(
        "Normalisations of one layer",
        "model.layers.#0.input_layernorm.* model.layers.#0.post_attention_layernorm.*",
        "Two scales of size $H$.",
    )
    every = s.sum(
        "What every layer has",
        queries + keys + output + norms,
        f"{ATTENTION}.* model.layers.#0.input_layernorm.* model.layers.#0.post_attention_layernorm.*",
        "The last four steps.",
    )
    dense = s.part(
        "Feed-forward network of a dense layer", DENSE, "The first $d$ layers: three matrices of $H$ by $I$."
    )
    router = s.part("Router of a sparse layer", f"{SPARSE}.gate.*", "The other layers: a score for each routed expert.")
    routed = s.part(
        "Routed experts of a sparse layer",
        f"{SPARSE}.experts.*",
        "$E$ gated feed-forward networks of three matrices of $H$ by $M$, much narrower than a dense layer's $I$.",
    )
    shared = s.part(
        "Shared experts of a sparse layer", f"{SPARSE}.shared_experts.*", "$S$ more of them, which every token uses."
    )
    sparse = s.sum(
        "Experts of a sparse layer",
        router + routed + shared,
        f"{SPARSE}.gate.* {SPARSE}.experts.* {SPARSE}.shared_experts.*",
        "The last three steps.",
    )
    ends = s.part(
        "Tables, last normalisation",
        "model.embed_tokens.* model.norm.* lm_head.*",
        "A row of $H$ numbers for each of $V$ tokens, once to read and once to write: the two are not tied.",
    )
    total = s.sum(
        "All parameters",
        N * every + d * dense + (N - d) * sparse + ends,
        "*",
        "What $N$ layers have, what $d$ of them and what the $N - d$ others have, and both ends.",
    )

    s.heading("What one token uses")
    s.text(
        "Of the routed experts a token uses $k$; it uses everything else. A real model with no more than $k$ routed "
        "experts has just that, but for $E - k$ rows of size $H$ that its routers lack."
    )
    used = s.used(
        "Routed experts of a sparse layer that a token uses",
        f"{SPARSE}.experts.*",
        "Three matrices for each of $k$ experts.",
    )
    active = s.used(
        "All parameters that a token uses",
        "*",
        "The sum again, with $k$ routed experts in place of $E$.",
        expression=N * every + d * dense + (N - d) * (router + used + shared) + ends,
        router="*.mlp.gate.weight",
    )
    s.formula()

    s.heading("What to watch for")
    full = 4 * H * sc.symbol("A") * sc.symbol("D_v")
    s.items(
        f"*671B and 37B.* The paper's numbers are {s.at(total)} and {s.at(active)}, rounded, the second one downwards: "
        f"without the table that tokens are looked up in, $VH$ = {s.at(V * H)}, the active count is "
        f"{s.at(active - V * H)}, which is nearer.",
        f"*Buffers.* The router has a bias for each expert that balances the load. It is adjusted, not learnt, and in "
        f"transformers a buffer: {s.buffers('*e_score_correction_bias'):,} numbers, $(N - d)E$.",
        f"*Further tokens.* The published weights have one more sparse layer, which predicts the token after next. The "
        f"class has no such layer, and it is in none of these numbers; a sparse layer has {s.at(every + sparse)}.",
        f"*Latent attention.* Maps of $H$ to as many heads of keys and values of full size, and queries of the same, "
        f"would have $4HAD_{{\\mathrm{{v}}}}$ = {s.at(full)} in each layer; through low ranks there are "
        f"{s.at(queries + keys + output)}.",
        "*The first layers.* $N$ times one kind of layer is wrong here: $d$ layers are of another. Setting $d = 0$ "
        f"gives {s.total(d=0):,}.",
    )
    s.picture("E", "The more experts, the less is anywhere else.", sizes=range(8, 513, 8))
    s.glance()
    return s
