"""GPT-2 (Radford et al. 2019), as `transformers.models.gpt2` has it.

    P = VH + LH + N(12H² + 13H) + 2H

The feed-forward size is 4H unless `n_inner` says otherwise; then `12H² + 13H` becomes `4H² + 2HI + 9H + I`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sympy import Expr

from symcount.architectures.base import Architecture
from symcount.domain import divides
from symcount.layers import Conv1D, Embedding, Head, LayerNorm, Linear
from symcount.notation import letters
from symcount.tree import Block, block, stack

V, L, H, I, N, A, Y = letters("V L H I N A Y")


def layer(inner: Expr) -> Block:
    """One block: fused query-key-value `3H² + 3H`, projection `H² + H`, two norms `4H`, feed-forward `2HI + H + I`."""
    return block(
        "GPT2Block",
        ln_1=LayerNorm(H),
        attn=block("GPT2Attention", c_attn=Conv1D(H, 3 * H), c_proj=Conv1D(H, H)).given(divides(A, H)),
        ln_2=LayerNorm(H),
        mlp=block("GPT2MLP", c_fc=Conv1D(H, inner), c_proj=Conv1D(inner, H)),
    )


def gpt2(options: Mapping[str, Any]) -> Block:
    """`GPT2Model`: words, positions, N blocks, a last norm."""
    inner = 4 * H if options["n_inner"] is None else I
    return block("GPT2Model", wte=Embedding(V, H), wpe=Embedding(L, H), h=stack(N, layer(inner)), ln_f=LayerNorm(H))


def causal_lm(options: Mapping[str, Any]) -> Block:
    """`GPT2LMHeadModel`: the head is the word embedding."""
    tied = "transformer.wte.weight" if options["tie_word_embeddings"] else None
    return block("GPT2LMHeadModel", transformer=gpt2(options), lm_head=Head(H, V, tied_to=tied))


def with_head(kind: str, head: Mapping[str, Block], options: Mapping[str, Any]) -> Block:
    """A base model with one more layer."""
    return block(kind, transformer=gpt2(options), **head)


def _architecture(name: str, build: Any) -> Architecture:
    return Architecture(
        name,
        "gpt2",
        build,
        fields={
            "V": "vocab_size",
            "L": "n_positions",
            "H": "n_embd",
            "I": "n_inner",
            "N": "n_layer",
            "A": "n_head",
            "Y": "num_labels",
        },
        defaults={
            "vocab_size": 50257,
            "n_positions": 1024,
            "n_embd": 768,
            "n_layer": 12,
            "n_head": 12,
            "num_labels": 2,
        },
        options={"n_inner": None, "tie_word_embeddings": True},
    )


def _head(name: str, **head: Block) -> Architecture:
    return _architecture(name, partial(with_head, name, head))


ARCHITECTURES = (
    _architecture("GPT2Model", gpt2),
    _architecture("GPT2LMHeadModel", causal_lm),
    _head("GPT2ForSequenceClassification", score=Linear(H, Y, bias=False)),
    _head("GPT2ForTokenClassification", classifier=Linear(H, Y)),
    _head("GPT2ForQuestionAnswering", qa_outputs=Linear(H, 2)),
)
