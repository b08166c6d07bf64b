"""Affine maps."""

from __future__ import annotations

from dataclasses import replace

from symcount.core.tree import Block, Parameter, Size, expr

__all__ = ["Conv1D", "Head", "Linear"]


def Linear(in_features: Size, out_features: Size, bias: bool = True) -> Block:
    """`y = x Wᵀ + b`: `P = in·out + out` with bias, `in·out` without.

    Shapes: `weight (out_features, in_features)`, `bias (out_features,)`.

    Raises:
        StructureError: a size is neither an integer nor an expression.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> H, I = symbol("H"), symbol("I")
    >>> Ledger.of(Linear(H, I)).total(), Ledger.of(Linear(H, I, bias=False)).total()
    (H*I + I, H*I)

    Source: https://pytorch.org/docs/stable/generated/torch.nn.Linear.html
    """
    rows, columns = expr(out_features), expr(in_features)
    parameters = (Parameter("weight", (rows, columns)),)
    return Block("", "Linear", (*parameters, Parameter("bias", (rows,))) if bias else parameters)


def Conv1D(in_features: Size, out_features: Size) -> Block:
    """GPT-2's linear layer, stored transposed: `P = in·out + out`.

    Shapes: `weight (in_features, out_features)`, `bias (out_features,)`.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> Ledger.of(Conv1D(symbol("H"), 3 * symbol("H"))).total()
    3*H**2 + 3*H

    Source: `transformers.pytorch_utils.Conv1D`; Radford et al. 2019, "Language Models are Unsupervised Multitask
    Learners".
    """
    rows, columns = expr(in_features), expr(out_features)
    return Block("", "Conv1D", (Parameter("weight", (rows, columns)), Parameter("bias", (columns,))))


def Head(hidden: Size, vocabulary: Size, bias: bool = False, tied_to: str | None = None) -> Block:
    """The projection onto the vocabulary: `P = H V` (+ V), of which a tied weight stores nothing.

    Shapes: `weight (vocabulary, hidden)`, `bias (vocabulary,)`.

    Args:
        hidden: width of the hidden states.
        vocabulary: number of tokens.
        bias: with a bias for each token.
        tied_to: path of the embedding whose weight this layer uses (Press & Wolf 2017, arXiv:1608.05859).

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> from symcount.layers import Embedding
    >>> from symcount.core.tree import block
    >>> V, H = symbol("V"), symbol("H")
    >>> ledger = Ledger.of(block("LM", wte=Embedding(V, H), lm_head=Head(H, V, tied_to="wte.weight")))
    >>> ledger.total(), ledger.total("per_layer")
    (H*V, 2*H*V)
    """
    head = replace(Linear(hidden, vocabulary, bias), role="head")
    return head.tie(weight=tied_to) if tied_to else head
