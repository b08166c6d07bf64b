"""Counting the vision transformer's parameters: `ViTForImageClassification`."""

from __future__ import annotations

import symcount as sc
from derivations.worksheet import Worksheet

LAYER = "vit.layers.#0"
LARGE = {"H": 1024, "I": 4096, "N": 24, "A": 16}
PUBLISHED = (
    ("B/16", {}, "86M"),
    ("B/32", {"P": 32}, "86M"),
    ("L/16", LARGE, "307M"),
    ("L/32", {**LARGE, "P": 32}, "307M"),
    ("H/14", {"H": 1280, "I": 5120, "N": 32, "A": 16, "P": 14}, "632M"),
)


def derive() -> Worksheet:
    """The derivation, at the sizes of ViT-B/16 with the 1000 classes of ImageNet."""
    s = Worksheet(
        "vit",
        "Counting the vision transformer's parameters",
        sc.formula("ViTForImageClassification"),
        {"H": 768, "I": 3072, "N": 12, "A": 12, "R": 224, "P": 16, "C": 3, "Y": 1000},
        "The model is `ViTForImageClassification` of transformers (Dosovitskiy et al. 2020, arXiv:2010.11929), at the "
        "sizes of ViT-B/16 with a head of 1000 classes. An image of $R$ by $R$ pixels is cut into patches of $P$ by "
        "$P$, and the patches take the place of words.",
    )
    H, N, P, R, C = map(sc.symbol, "HNPRC")
    patches = s.part(
        "Patches",
        "vit.embeddings.patch_embeddings.*",
        "A patch has $CP^2$ numbers and is mapped to $H$, with a bias; as a convolution, it is one whose stride is its "
        "width.",
    )
    tokens = s.part(
        "Class token and positions",
        "vit.embeddings.cls_token vit.embeddings.position_embeddings",
        "One vector that stands for the image, and one vector a position: $(R/P)^2$ patches and the class token. This "
        "is the only place at which the size of the image enters.",
    )
    attention = s.part(
        "Attention of one layer",
        f"{LAYER}.attention.*",
        "Query, key, value and output: four maps of $H$ to $H$ with biases.",
    )
    feed_forward = s.part("Feed-forward network of one layer", f"{LAYER}.mlp.*", "From $H$ up to $I$ and down again.")
    norms = s.part("Normalisations of one layer", f"{LAYER}.layernorm*", "A scale and a shift, twice.")
    layer = s.sum("One layer", attention + feed_forward + norms, f"{LAYER}.*", "BERT's layer, number for number.")
    last = s.part("Last normalisation", "vit.layernorm.*", "Once more.")
    head = s.part("Classifier", "classifier.*", "From the class token to $Y$ classes.")
    total = s.sum(
        "All parameters",
        patches + tokens + N * layer + last + head,
        "*",
        "Patches, positions, $N$ layers, last normalisation, classifier.",
    )
    s.formula()
    s.text("$P$ must divide $R$: no patch hangs over the edge.")

    s.heading("What to watch for")
    s.text("With a head of 1000 classes, at 224 by 224 pixels:")
    s.published("HINP", PUBLISHED, "paper")
    s.items(
        f"*The head.* The paper does not say which head it counts, nor which patches. Without any head ViT-B/16 has "
        f"{s.at(total - head)} parameters, which is its 86M; its 307M is L/32 with 1000 classes, and not L/16; its "
        "632M is H/14 with 1000 classes.",
        f"*Larger patches, more parameters?* From 16 to 32 the projection of the patches grows by $3CP^2H$ = "
        f"{s.at(3 * C * P**2 * H)} and the positions shrink by {s.at(3 * (R / P) ** 2 * H / 4)}.",
        f"*Resolution.* Fine-tuned at 384 pixels, B/16 has {s.total(R=384):,} parameters: the table of positions is "
        "interpolated, and then it is larger.",
        f"*Pooler.* `ViTModel` by itself adds a pooler of $H^2 + H$ = {s.at(H**2 + H)} that is not in the paper and "
        "not under this head.",
        "*Bias of the queries, keys and values.* `qkv_bias` = false leaves $3H$ out of each layer.",
    )
    s.picture("H", "At any width a ViT is one third attention and two thirds feed-forward network.", along=("I", "A"))
    s.glance()
    return s
