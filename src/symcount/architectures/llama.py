"""Llama (Touvron et al. 2023, arXiv:2302.13971 and arXiv:2307.09288), as `transformers.models.llama` has it.

    P = VH + N(2HAD + 2HKD + 3HI + 2H) + H + VH

A query heads of size D share K key-value heads (grouped-query attention, Ainslie et al. 2023, arXiv:2305.13245).
Where the config leaves them out, `K = A` and `D = H/A`, and the layer reads `4H² + 3HI + 2H`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Expr

from symcount.architectures.base import Architecture, Options
from symcount.architectures.heads import vocabulary_head
from symcount.core.domain import Condition, divides
from symcount.core.notation import letters
from symcount.core.tree import Block, block, stack
from symcount.layers import Embedding, GatedMLP, GroupedQueryAttention, Linear, RMSNorm

V, H, I, N, A, K, D, Y = letters("V H I N A K D Y")

FIELDS = {
    "V": "vocab_size",
    "H": "hidden_size",
    "I": "intermediate_size",
    "N": "num_hidden_layers",
    "A": "num_attention_heads",
    "K": "num_key_value_heads",
    "D": "head_dim",
    "Y": "num_labels",
}
FILLED = {"K": A, "D": H / A}
ROTARY = divides(2, D)
"""Rotary positions turn pairs of channels."""


def decoder_layer(prefix: str, attention: Block, mlp: Block | None, **norms: Block) -> Block:
    """Attention and feed-forward, each behind a norm: `2H` and what the two have."""
    return block(
        f"{prefix}DecoderLayer",
        self_attn=attention,
        mlp=mlp,
        input_layernorm=RMSNorm(H),
        post_attention_layernorm=RMSNorm(H),
        **norms,
    )


def family(
    prefix: str,
    model_type: str,
    layers: Callable[[Options], Block],
    defaults: Mapping[str, int],
    *,
    fields: Mapping[str, str] = FIELDS,
    filled: Mapping[str, Expr] = FILLED,
    options: Mapping[str, Any] | None = None,
    conditions: tuple[Condition, ...] = (ROTARY,),
    question_answering: str | None = "transformer",
    **more: Any,
) -> tuple[Architecture, ...]:
    """A decoder with heads: words, *layers*, a last norm; positions are rotations and have no parameters.

    Args:
        prefix: how the class names begin.
        model_type: transformers' name of the family.
        layers: the list of layers.
        defaults: the config class's own numbers.
        fields: letter -> config field.
        filled: letter -> rule by which the config class fills a field left out.
        options: further options and their defaults; all have `tie_word_embeddings`.
        conditions: what must hold beyond the layers' own conditions.
        question_answering: what `…ForQuestionAnswering` calls its base model; `None` where there is no such class.
        more: further attributes of the architectures.
    """

    def model(options: Options) -> Block:
        return block(f"{prefix}Model", embed_tokens=Embedding(V, H), layers=layers(options), norm=RMSNorm(H))

    base = Architecture(
        f"{prefix}Model",
        model_type,
        model,
        fields=fields,
        defaults={**defaults, "num_labels": 2},
        filled=filled,
        options={"tie_word_embeddings": False, **(options or {})},
        conditions=conditions,
        **more,
    )
    classes = (
        base,
        base.topped(f"{prefix}ForCausalLM", "model", lm_head=vocabulary_head(H, V, "model.embed_tokens.weight")),
        base.topped(f"{prefix}ForSequenceClassification", "model", score=Linear(H, Y, bias=False)),
        base.topped(f"{prefix}ForTokenClassification", "model", score=Linear(H, Y)),
    )
    if question_answering is None:
        return classes
    return (*classes, base.topped(f"{prefix}ForQuestionAnswering", question_answering, qa_outputs=Linear(H, 2)))


def layers(options: Options) -> Block:
    """N layers: attention `2HAD + 2HKD`, gated feed-forward `3HI`, two norms `2H`; no biases by default."""
    attention = GroupedQueryAttention(H, A, K, D, bias=options["attention_bias"], kind="LlamaAttention")
    return stack(N, decoder_layer("Llama", attention, GatedMLP(H, I, bias=options["mlp_bias"], kind="LlamaMLP")))


ARCHITECTURES = family(
    "Llama",
    "llama",
    layers,
    {
        "vocab_size": 32000,
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
    },
    options={"attention_bias": False, "mlp_bias": False},
    conditions=(divides(A, H), ROTARY),
)
