"""GPT-2 (Radford et al. 2019), as `transformers.models.gpt2` has it.

    P = VH + LH + N(12H² + 13H) + 2H

The feed-forward size is 4H unless `n_inner` says otherwise; then `12H² + 13H` becomes `4H² + 2HI + 9H + I`.
"""

from __future__ import annotations

from sympy import Expr

from symcount.architectures.base import Architecture, Options
from symcount.architectures.heads import vocabulary_head
from symcount.core.domain import divides
from symcount.core.notation import letters
from symcount.core.tree import Block, block, stack
from symcount.layers import Conv1D, Embedding, LayerNorm, Linear

V, L, H, I, N, A, Y = letters("V L H I N A Y")


def layer(inner: Expr, cross_attention: bool) -> Block:
    """One block: fused query-key-value `3H² + 3H`, projection `H² + H`, two norms `4H`, feed-forward `2HI + H + I`.

    A decoder with cross-attention has a norm and a second attention, `4H² + 6H`, whose queries are not fused.
    """
    crossed = block("GPT2Attention", c_attn=Conv1D(H, 2 * H), q_attn=Conv1D(H, H), c_proj=Conv1D(H, H))
    return block(
        "GPT2Block",
        ln_1=LayerNorm(H),
        attn=block("GPT2Attention", c_attn=Conv1D(H, 3 * H), c_proj=Conv1D(H, H)).given(divides(A, H)),
        ln_2=LayerNorm(H),
        crossattention=crossed if cross_attention else None,
        ln_cross_attn=LayerNorm(H) if cross_attention else None,
        mlp=block("GPT2MLP", c_fc=Conv1D(H, inner), c_proj=Conv1D(inner, H)),
    )


def model(options: Options) -> Block:
    """`GPT2Model`: words, positions, N blocks, a last norm."""
    inner = 4 * H if options["n_inner"] is None else I
    layers = stack(N, layer(inner, options["add_cross_attention"]))
    return block("GPT2Model", wte=Embedding(V, H), wpe=Embedding(L, H), h=layers, ln_f=LayerNorm(H))


GPT2 = Architecture(
    "GPT2Model",
    "gpt2",
    model,
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
    options={"n_inner": None, "tie_word_embeddings": True, "add_cross_attention": False},
    aliases={
        "hidden_size": "n_embd",
        "max_position_embeddings": "n_positions",
        "num_attention_heads": "n_head",
        "num_hidden_layers": "n_layer",
    },
)

ARCHITECTURES = (
    GPT2,
    GPT2.topped("GPT2LMHeadModel", "transformer", lm_head=vocabulary_head(H, V, "transformer.wte.weight")),
    GPT2.topped("GPT2ForSequenceClassification", "transformer", score=Linear(H, Y, bias=False)),
    GPT2.topped("GPT2ForTokenClassification", "transformer", classifier=Linear(H, Y)),
    GPT2.topped("GPT2ForQuestionAnswering", "transformer", qa_outputs=Linear(H, 2)),
)
