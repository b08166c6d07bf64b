"""Counting Mixtral's parameters: `MixtralForCausalLM`, what it stores and what one token uses."""

from __future__ import annotations

import symcount as sc
from derivations.worksheet import Worksheet

LAYER = "model.layers.#0"


def derive() -> Worksheet:
    """The derivation, at the sizes of Mixtral 8x7B."""
    s = Worksheet(
        "mixtral",
        "Counting Mixtral's parameters",
        sc.formula("MixtralForCausalLM"),
        {"V": 32_000, "H": 4096, "I": 14_336, "N": 32, "A": 32, "K": 8, "D": 128, "E": 8, "k": 2},
        "The model is `MixtralForCausalLM` of transformers (Jiang et al. 2024, arXiv:2401.04088), at the sizes of "
        "Mixtral 8x7B: Mistral 7B, but with $E$ feed-forward networks in each layer, of which a router chooses $k$ for "
        "a token. So there are two counts: what is stored, and what a token passes through.",
    )
    V, H, N = map(sc.symbol, "VHN")
    embeddings = s.part("Embeddings", "model.embed_tokens.*", "A row of $H$ numbers for each of $V$ tokens.")
    attention = s.part(
        "Attention of one layer",
        f"{LAYER}.self_attn.*",
        "Queries and output: $A$ heads of size $D$, $2HAD$; keys and values: $K$ heads of size $D$, $2HKD$.",
    )
    router = s.part("Router of one layer", f"{LAYER}.mlp.gate.*", "A score for each expert: a map of $H$ to $E$.")
    experts = s.part(
        "Experts of one layer",
        f"{LAYER}.mlp.experts.*",
        "$E$ gated feed-forward networks of three matrices of $H$ by $I$, kept in two stacked tensors.",
    )
    norms = s.part("Normalisations of one layer", f"{LAYER}.*layernorm.*", "Two scales of size $H$.")
    layer = s.sum("One layer", attention + router + experts + norms, f"{LAYER}.*", "The last four steps.")
    ends = s.part(
        "Last normalisation and head", "model.norm.* lm_head.*", "A scale, and a map of $H$ to $V$, not tied."
    )
    total = s.sum("All parameters", embeddings + N * layer + ends, "*", "What is stored, loaded and saved.")

    s.heading("What one token uses")
    s.text(
        "Of the $E$ experts of a layer a token uses $k$; it uses everything else. PyTorch cannot tell which that is, "
        "but a real model with no more than $k$ experts can: a token uses all it has, and all it lacks of the router "
        "is $E - k$ rows of size $H$ in each layer."
    )
    used = s.used(
        "Experts of one layer that a token uses", f"{LAYER}.mlp.experts.*", "Three matrices for each of $k$ experts."
    )
    active = s.used(
        "All parameters that a token uses",
        "*",
        "The sum again, with $k$ experts in place of $E$.",
        expression=embeddings + N * (layer - experts + used) + ends,
        router="*.mlp.gate.weight",
    )
    s.formula()

    s.heading("What to watch for")
    mistral = sc.count("MistralForCausalLM", **{letter: size for letter, size in s.sizes.items() if letter not in "Ek"})
    s.items(
        f"*8x7B is not 56B.* Only the feed-forward networks are there eight times. Eight copies of Mistral 7B, which "
        f"has {mistral:,} parameters, would have {s.sizes['E'] * mistral:,}.",
        f"*13B is not 2 times 7B* either, for the same reason. The paper says 47B and 13B; the counts are "
        f"{s.at(total)} and {s.at(active)}. They differ by $3NHI(E - k)$ = {s.at(total - active)}.",
        "*Memory and work.* All experts must be in memory, since different tokens choose different ones: the total "
        "says what a model needs, the active count what a token costs.",
        f"*The router* has $NEH$ = {s.at(N * router)} parameters: few enough to be forgotten, and a formula without "
        "them is not exact.",
        f"*Conventions.* The active count includes both tables of tokens, $2VH$ = {s.at(2 * V * H)}, though a token "
        "uses one row of the first.",
        "*Names.* In older versions of transformers each expert had three layers of its own, `w1`, `w2` and `w3`; now "
        "two tensors hold all experts. The count is the same.",
    )
    s.picture(
        "E", "The more experts, the less is anywhere else; what a token costs hardly changes.", sizes=range(2, 65)
    )
    s.glance()
    return s
