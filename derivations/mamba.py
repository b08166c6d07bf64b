"""Counting Mamba's parameters: `MambaForCausalLM`, a model without attention."""

from __future__ import annotations

import symcount as sc
from derivations.worksheet import Worksheet

MIXER = "backbone.layers.#0.mixer"
PUBLISHED = (
    ("130m", {}, "130M"),
    ("370m", {"H": 1024, "N": 48, "R_dt": 64}, "370M"),
    ("790m", {"H": 1536, "N": 48, "R_dt": 96}, "790M"),
    ("1.4b", {"H": 2048, "N": 48, "R_dt": 128}, "1.4B"),
    ("2.8b", {"H": 2560, "N": 64, "R_dt": 160}, "2.8B"),
)


def derive() -> Worksheet:
    """The derivation, at the sizes of the smallest published model."""
    s = Worksheet(
        "mamba",
        "Counting Mamba's parameters",
        sc.formula("MambaForCausalLM"),
        {"V": 50_280, "H": 768, "N": 24, "X": 2, "G": 16, "W": 4, "R_dt": 48},
        "The model is `MambaForCausalLM` of transformers (Gu and Dao 2023, arXiv:2312.00752), at the sizes of the "
        "smallest published model. A layer has neither attention nor a feed-forward network, but one mixer that works "
        "on $XH$ channels, each with a state of $G$ numbers. The paper calls the hidden size $D$, the expansion $E$ "
        "and the state size $N$.",
    )
    V, H, N = map(sc.symbol, "VHN")
    words = s.part("Embeddings", "backbone.embeddings.*", "A row of $H$ numbers for each of $V$ tokens.")
    outer = s.part(
        "Maps into and out of a mixer",
        f"{MIXER}.in_proj.* {MIXER}.out_proj.*",
        "From $H$ to twice $XH$ channels, one half to be mixed, the other to gate the result, and from $XH$ back to "
        "$H$. No biases. Nearly all parameters are here.",
    )
    convolution = s.part(
        "Convolution of a mixer",
        f"{MIXER}.conv1d.*",
        "Each channel is filtered by itself: $W$ weights and a bias for each, and no $XH$ by $XH$ matrix.",
    )
    selection = s.part(
        "Selection of a mixer",
        f"{MIXER}.x_proj.* {MIXER}.dt_proj.*",
        "What makes the state space selective: from the channels to the time step's rank $R_{\\Delta}$ and to two "
        "vectors of the state's size ($B$ and $C$ in the paper), without bias; from the rank to a time step for each "
        "channel, with bias.",
    )
    state = s.part(
        "State space of a mixer",
        f"{MIXER}.A_log {MIXER}.D",
        "The decay of each channel's $G$ state numbers, kept as a logarithm, and one number a channel for what goes "
        "past the state.",
    )
    norm = s.part("Normalisation of one layer", "backbone.layers.#0.norm.*", "One scale before the mixer.")
    layer = s.sum(
        "One layer",
        outer + convolution + selection + state + norm,
        "backbone.layers.#0.*",
        "The last five steps.",
    )
    last = s.part("Last normalisation", "backbone.norm_f.*", "One more scale.")
    s.sum("All parameters", words + N * layer + last, "*", "The head's weight is the table of tokens.")
    s.formula()

    s.heading("What to watch for")
    s.published(("H", "N", "R_dt"), PUBLISHED, "name")
    s.items(
        "*Depth.* The published models have twice the layers of a transformer of their size: with $X = 2$ a mixer's "
        f"large maps are $6H^2$ = {s.at(6 * H**2)}, two of them a transformer layer's $12H^2$.",
        "*Rank.* `time_step_rank` is $\\lceil H/16 \\rceil$ unless the config says otherwise. A formula that keeps it "
        "at 48 is wrong for all but the smallest model.",
        f"*Vocabulary.* It is padded to a multiple of 8. The head is tied; as a layer of its own it would add $VH$ = "
        f"{s.at(V * H)}.",
        f"*What has no bias and what is no matrix.* The convolution and the time step have biases, the large maps "
        f"none; $A$ and $D$ belong to no layer of PyTorch but to the mixer itself, {s.at(N * state)} numbers that a "
        "count by `Linear` and `Conv1d` layers misses.",
        "*Defaults.* transformers' own config has 32 layers, which is no published model.",
    )
    s.picture(
        "H",
        "In a wide Mamba nearly everything is in the mixers, in a narrow one half is the table of tokens.",
        sizes=range(256, 4097, 64),
    )
    s.glance()
    return s
