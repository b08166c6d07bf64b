"""ELECTRA (Clark et al. 2020, arXiv:2003.10555), as `transformers.models.electra` has it.

    P = VZ + LZ + TZ + ZH + 2Z + H + N(4H² + 2HI + 9H + I) + heads

BERT with embeddings of a width Z of their own, projected to H; where Z = H there is no projection `ZH + H`. There is no
pooler.
"""

from __future__ import annotations

from dataclasses import replace

from symcount.architectures.base import Build, Options
from symcount.architectures.bert import BERT, H, V, Y, embeddings, encoder
from symcount.architectures.heads import classification_head, vocabulary_head
from symcount.core.domain import relation
from symcount.core.notation import letters
from symcount.core.tree import Block, block
from symcount.layers import LayerNorm, Linear

(Z,) = letters("Z")


def model(options: Options) -> Block:
    """Embeddings of width Z, their projection, N layers."""
    projected = options["embeddings_project"]
    return block(
        "ElectraModel",
        embeddings=embeddings("Electra", Z),
        embeddings_project=Linear(Z, H) if projected else None,
        encoder=encoder("Electra", options),
    ).given(relation(Z, "!=" if projected else "==", H))


def sequence_summary(options: Options) -> Block:
    """What stands for a pooler in front of multiple choice: `H² + H`."""
    return block("ElectraSequenceSummary", summary=Linear(H, H) if options["summary_use_proj"] else None)


ELECTRA = replace(
    BERT,
    name="ElectraModel",
    model_type="electra",
    build=model,
    fields={**BERT.fields, "Z": "embedding_size"},
    defaults={
        **BERT.defaults,
        "embedding_size": 128,
        "hidden_size": 256,
        "intermediate_size": 1024,
        "num_attention_heads": 4,
    },
    options={**BERT.options, "embeddings_project": True},
    decided={"embeddings_project": lambda config: bool(config["embedding_size"] != config["hidden_size"])},
    arguments={},
)
GENERATOR: dict[str, Block | Build] = {
    "generator_predictions": block("ElectraGeneratorPredictions", LayerNorm=LayerNorm(Z), dense=Linear(H, Z)),
    "generator_lm_head": vocabulary_head(Z, V, "electra.embeddings.word_embeddings.weight", bias=True),
}
DISCRIMINATOR = block("ElectraDiscriminatorPredictions", dense=Linear(H, H), dense_prediction=Linear(H, 1))
CHOICE = replace(ELECTRA, options={**ELECTRA.options, "summary_use_proj": True})

ARCHITECTURES = (
    ELECTRA,
    ELECTRA.topped("ElectraForPreTraining", "electra", discriminator_predictions=DISCRIMINATOR),
    ELECTRA.topped("ElectraForMaskedLM", "electra", **GENERATOR),
    ELECTRA.topped("ElectraForCausalLM", "electra", **GENERATOR),
    ELECTRA.topped(
        "ElectraForSequenceClassification", "electra", classifier=classification_head("ElectraClassificationHead", H, Y)
    ),
    CHOICE.topped("ElectraForMultipleChoice", "electra", sequence_summary=sequence_summary, classifier=Linear(H, 1)),
    ELECTRA.topped("ElectraForTokenClassification", "electra", classifier=Linear(H, Y)),
    ELECTRA.topped("ElectraForQuestionAnswering", "electra", qa_outputs=Linear(H, Y)),
)
