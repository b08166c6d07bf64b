"""Llama (Touvron et al. 2023, arXiv:2302.13971 and arXiv:2307.09288), as `transformers.models.llama` has it.

    P = VH + N(2HAD + 2HKD + 3HI + 2H) + H + VH

A query heads of size D share K key-value heads (grouped-query attention, Ainslie et al. 2023, arXiv:2305.13245).
Where the config leaves them out, `K = A` and `D = H/A`, and the layer reads `4H² + 3HI + 2H`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from symcount.architectures.base import Architecture
from symcount.domain import divides
from symcount.layers import Embedding, GatedMLP, GroupedQueryAttention, Head, Linear, RMSNorm
from symcount.notation import letters
from symcount.tree import Block, block, stack

V, H, I, N, A, K, D, Y = letters("V H I N A K D Y")


def layer(options: Mapping[str, Any]) -> Block:
    """One decoder layer: attention `2HAD + 2HKD`, gated feed-forward `3HI`, two norms `2H`; no biases by default."""
    return block(
        "LlamaDecoderLayer",
        self_attn=GroupedQueryAttention(H, A, K, D, bias=options["attention_bias"], kind="LlamaAttention"),
        mlp=GatedMLP(H, I, bias=options["mlp_bias"], kind="LlamaMLP"),
        input_layernorm=RMSNorm(H),
        post_attention_layernorm=RMSNorm(H),
    )


def llama(options: Mapping[str, Any]) -> Block:
    """`LlamaModel`: words, N layers, a last norm; positions are rotations and have no parameters."""
    return block("LlamaModel", embed_tokens=Embedding(V, H), layers=stack(N, layer(options)), norm=RMSNorm(H))


def causal_lm(options: Mapping[str, Any]) -> Block:
    """`LlamaForCausalLM`: a head of its own, unless tied."""
    tied = "model.embed_tokens.weight" if options["tie_word_embeddings"] else None
    return block("LlamaForCausalLM", model=llama(options), lm_head=Head(H, V, tied_to=tied))


def with_head(kind: str, head: Mapping[str, Block], options: Mapping[str, Any]) -> Block:
    """A base model with one more layer."""
    return block(kind, model=llama(options), **head)


def question_answering(options: Mapping[str, Any]) -> Block:
    """`LlamaForQuestionAnswering`, which calls its base model `transformer`."""
    return block("LlamaForQuestionAnswering", transformer=llama(options), qa_outputs=Linear(H, 2))


def _architecture(name: str, build: Any) -> Architecture:
    return Architecture(
        name,
        "llama",
        build,
        fields={
            "V": "vocab_size",
            "H": "hidden_size",
            "I": "intermediate_size",
            "N": "num_hidden_layers",
            "A": "num_attention_heads",
            "K": "num_key_value_heads",
            "D": "head_dim",
            "Y": "num_labels",
        },
        defaults={
            "vocab_size": 32000,
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_labels": 2,
        },
        filled={"K": A, "D": H / A},
        options={"tie_word_embeddings": False, "attention_bias": False, "mlp_bias": False},
        conditions=(divides(A, H), divides(2, D)),  # rotary positions turn pairs of channels
    )


def _head(name: str, **head: Block) -> Architecture:
    return _architecture(name, partial(with_head, name, head))


ARCHITECTURES = (
    _architecture("LlamaModel", llama),
    _architecture("LlamaForCausalLM", causal_lm),
    _head("LlamaForSequenceClassification", score=Linear(H, Y, bias=False)),
    _head("LlamaForTokenClassification", score=Linear(H, Y)),
    _architecture("LlamaForQuestionAnswering", question_answering),
)
