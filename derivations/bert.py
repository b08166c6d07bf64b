r"""Counting BERT's parameters, step by step: the derivation of `BertForMaskedLM` as a document.

    python derivations/bert.py            print the document
    python derivations/bert.py --write    write it to derivations/bert.md

No number below is typed in except the sizes of the model. Each step selects tensors of the symbolic ledger, adds them
up under the convention `per_layer` (what each layer holds for itself), and puts the sizes in.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from sympy import Expr, cancel, collect, expand

import symcount as sc
from symcount.evaluate import integer_value
from symcount.typeset.latex import set_symbols

MODEL = sc.formula("BertForMaskedLM")
SIZES = {"V": 30_000, "L": 512, "H": 768, "I": 3072, "N": 12, "T": 2}
NOTATION = MODEL.notation.restrict(MODEL.total.free_symbols)
H, N = sc.symbol("H"), sc.symbol("N")
LAYER = "bert.encoder.layer.[*]"  # a literal star: the element of a list of equal layers


@dataclass(frozen=True)
class Step:
    """One line of the derivation: what is counted, its closed form, and a remark on where it comes from."""

    title: str
    expression: Expr
    remark: str

    @property
    def count(self) -> int:
        """The expression at the model's sizes."""
        return integer_value(self.expression, SIZES)


def part(pattern: str, kind: str | None = None) -> Expr:
    """What the tensors that match hold, each layer for itself, multiplied out."""
    return expand(MODEL.subtotal(pattern, kind=kind, convention="per_layer").expression)


def steps() -> tuple[Step, ...]:
    """The derivation in the order in which a reader follows it."""
    attention = part(f"{LAYER}.attention.self.*")
    attention_output = part(f"{LAYER}.attention.output.*", "Linear")
    feed_forward = part(f"{LAYER}.intermediate.*", "Linear") + part(f"{LAYER}.output.*", "Linear")
    encoder = part("bert.encoder.*", "Linear")
    cls = part("cls.*", "Linear")
    norms = part("*", "LayerNorm")
    return (
        Step(
            "Embeddings",
            part("bert.embeddings.*", "Embedding"),
            "Three tables with $H$ columns: one row a token ($V$), a position ($L$), a segment ($T$).",
        ),
        Step(
            "Self-attention of one layer",
            expand(attention / N),
            "Query, key and value are three linear maps of $H$ to $H$, each with a weight $H^2$ and a bias $H$. "
            "However many heads share them, the size is the same.",
        ),
        Step("Attention output of one layer", expand(attention_output / N), "One more map of $H$ to $H$."),
        Step(
            "Intermediate and output of one layer",
            expand(feed_forward / N),
            "The feed-forward network goes from $H$ up to $I$ (weight $HI$, bias $I$) and down again (weight $IH$, "
            "bias $H$).",
        ),
        Step("Linear maps of the encoder", encoder, "The last three steps, $N$ times."),
        Step(
            "Linear maps of the masked-LM head",
            cls,
            "A transform of $H$ to $H$ and the decoder from $H$ to the vocabulary: weight $VH$, bias $V$.",
        ),
        Step("All linear maps", encoder + cls, "The encoder's and the head's."),
        Step(
            "Layer normalisations",
            norms,
            "A scale and a shift, $2H$, for the embeddings, twice in each layer, and once in the head: "
            f"${set_symbols(expand(cancel(norms / (2 * H))), MODEL.notation)}$ of them.",
        ),
        Step("All parameters, layer by layer", expand(MODEL.total_as("per_layer")), "Embeddings, linear maps, norms."),
    )


def epilogue() -> tuple[Step, Step]:
    """What adding up layers does not say: the tensor counted twice, and what the model stores."""
    twice = Step("Counted twice", MODEL.difference("per_layer", "unique"), "")
    stored = Step("All parameters, each stored tensor once", MODEL.expanded("unique"), "")
    return twice, stored


def symbols(step: Step) -> str:
    """The closed form in letters."""
    return set_symbols(collect(step.expression, N), MODEL.notation)


def numbers(step: Step) -> str:
    """The closed form with the sizes in place of the letters."""
    used = NOTATION.restrict(step.expression.free_symbols)
    sizes = used.with_latex({e.letter: digits(SIZES[e.letter]) for e in used})
    return set_symbols(collect(step.expression, N), sizes)


def digits(number: int) -> str:
    """An integer with thousands separators, in LaTeX."""
    return f"{number:,}".replace(",", "{,}")


def equation(step: Step) -> str:
    """A displayed equation of three lines: letters, sizes, number."""
    return rf"""$$
\begin{{aligned}}
  & {symbols(step)} \\
={{}} & {numbers(step)} \\
={{}} & {digits(step.count)}
\end{{aligned}}
$$"""


def section(number: int, step: Step) -> str:
    """A step with its heading."""
    return f"## {number}. {step.title}\n\n{step.remark}\n\n{equation(step)}\n"


def document() -> str:
    """The derivation in Markdown."""
    twice, stored = epilogue()
    sizes = (f"| ${e.latex}$ | {e.meaning} | `{e.field}` | {SIZES[e.letter]:,} |" for e in NOTATION)
    glance = (f"| {step.title} | ${symbols(step)}$ | {step.count:,} |" for step in (*steps(), twice, stored))
    return TEMPLATE.format(
        model=MODEL.name,
        vocabulary=f"{SIZES['V']:,}",
        sizes="\n".join(sizes),
        steps="\n".join(section(number, step) for number, step in enumerate(steps(), start=1)),
        ties="\n".join(f"- `{row.tensor}` is `{owner.tensor}`" for row, owner in MODEL.shared),
        twice=equation(twice),
        stored=equation(stored),
        formula=MODEL.latex(),
        domain=", ".join(c.latex(MODEL.set_symbols) for c in MODEL.domain),
        glance="\n".join(glance),
    )


TEMPLATE = """\
<!-- Generated by derivations/bert.py; do not edit. Regenerate: python derivations/bert.py --write -->

# Counting BERT's parameters

The model is `{model}` of transformers: BERT with the head that predicts masked words, and a vocabulary of
{vocabulary} tokens. Its total is the sum over its layers, and the size of each layer is made of a few sizes:

| letter | meaning | config field | value |
|---|---|---|---:|
{sizes}

{steps}
## What the sum over layers does not say

Two tensors of this model have two names:

{ties}

The decoder's weight *is* the word embedding: the sum over layers counts it at both places, the model stores it once.
(The decoder's bias has two names as well, but only one layer holds it, so it was counted once all along.) The two ways
of counting differ by

{twice}

and what the model stores, trains and saves is

{stored}

Grouped as the model is built, with the layers as a factor $N$:

$$
P = {formula}
$$

It holds where ${domain}$: the $A$ heads split the hidden size among them, and do not enter the count.

## The steps at a glance

| step | closed form | parameters |
|---|---|---:|
{glance}
"""


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        Path(__file__).with_suffix(".md").write_text(document(), encoding="utf-8")
    else:
        print(document(), end="")
