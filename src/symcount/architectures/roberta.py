"""RoBERTa (Liu et al. 2019, arXiv:1907.11692), as `transformers.models.roberta` has it: BERT with heads of its own.

    P = VH + LH + TH + 2H + N(4H² + 2HI + 9H + I) + heads

L, the config's `max_position_embeddings`, is the length of a text and two: positions are counted from the padding
token's index on.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from symcount.architectures.base import Architecture, Build, Options
from symcount.architectures.bert import BERT, H, V, Y, model
from symcount.architectures.heads import classification_head, vocabulary_head
from symcount.core.tree import Block, Parameter, block
from symcount.layers import LayerNorm, Linear

WORDS = "roberta.embeddings.word_embeddings.weight"
ROBERTA = replace(
    BERT,
    name="RobertaModel",
    model_type="roberta",
    build=partial(model, "Roberta"),
    defaults={**BERT.defaults, "vocab_size": 50265},
)


def lm_head(options: Options) -> Block:
    """The masked-LM head: transform `H² + 3H`, decoder `HV + V`."""
    return block(
        "RobertaLMHead",
        (Parameter("bias", (V,)),),
        dense=Linear(H, H),
        layer_norm=LayerNorm(H),
        decoder=vocabulary_head(H, V, WORDS, bias="lm_head.bias")(options),
    )


def _class(name: str, /, *, pooler: bool = False, **heads: Block | Build) -> Architecture:
    return ROBERTA.topped(name, "roberta", partial(model, "Roberta", pooler=pooler), **heads)


ARCHITECTURES = (
    ROBERTA,
    _class("RobertaForMaskedLM", lm_head=lm_head),
    _class("RobertaForCausalLM", lm_head=lm_head),
    _class("RobertaForSequenceClassification", classifier=classification_head("RobertaClassificationHead", H, Y)),
    _class("RobertaForMultipleChoice", pooler=True, classifier=Linear(H, 1)),
    _class("RobertaForTokenClassification", classifier=Linear(H, Y)),
    _class("RobertaForQuestionAnswering", qa_outputs=Linear(H, Y)),
)
