"""One field of a published config file changed: the count follows the real model, or it is refused.

What the two make of a field that the class does not have, of two fields that say different things, or of an unusual
value is where a config is easily misread, so each line of the table is a way in which it could be.
"""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import symcount as sc
from published.measure import CONFIGS, CONVENTIONS, measure, real_model

DROPPED = object()


def wrong(name, why, **changes):
    return pytest.param(name, changes, marks=pytest.mark.xfail(reason=why))


def right(name, **changes):
    return pytest.param(name, changes)


SPELLING = "a spelling that the class does not know is taken for the field, for which the class has its default"
CHANGED = [
    right("pythia-70m", architectures=DROPPED),
    right("pythia-70m", architectures=["GPTNeoXForSequenceClassification"], num_labels=5),
    right("pythia-70m", architectures=["GPTNeoXForSequenceClassification"], num_labels=5, id2label={"0": "a"}),
    right("gemma-3-4b-it", vision_config=DROPPED),
    right("clip-vit-large-patch14", text_config_dict=DROPPED, vision_config_dict=DROPPED),
    right("t5-base", num_decoder_layers=3),
    right("t5-base", feed_forward_proj="gated-gelu"),
    right("qwen3-30b-a3b", mlp_only_layers=[0, 1, 2]),
    right("deepseek-v2-lite", first_k_dense_replace=0),
    right("jamba-v0.1", num_experts=1),
    right("lfm2-1.2b", full_attn_idxs=[0]),
    right("falcon-7b", new_decoder_architecture=True),
    right("falcon-7b", multi_query=False),
    right("bloom-560m", hidden_size=64),
    right("opt-350m", word_embed_proj_dim=1024),
    right("deberta-v3-base", position_buckets=-1),
    right("longformer-base-4096", attention_window=512),
    right("wav2vec2-base-960h", add_adapter=True),
    right("llava-1.5-7b-hf", text_config={"model_type": "qwen2"}),
    right("distilgpt2", n_inner=100),
    right("bert-base-uncased", position_embedding_type="relative_key"),
    right("bert-base-uncased", is_decoder=True, add_cross_attention=True),
    wrong("bert-base-uncased", SPELLING, num_hidden_layers=DROPPED, n_layer=3),
    wrong("bge-small-en-v1.5", SPELLING, intermediate_size=DROPPED, n_inner=10),
    wrong("llama-7b", SPELLING, num_hidden_layers=DROPPED, n_layers=3),
    wrong("llama-7b", SPELLING, d_kv=64),
    wrong("distilgpt2", SPELLING, n_embd=DROPPED, d_model=384),
    wrong("distilgpt2", SPELLING, n_positions=DROPPED, n_ctx=512),
    wrong("distilgpt2", "cross-attention is not part of the composed formula", add_cross_attention=True),
    wrong(
        "distilgpt2",
        "this class sets the number of labels to one itself",
        architectures=["GPT2DoubleHeadsModel"],
        num_labels=4,
    ),
    wrong(
        "ms-marco-minilm-l-6-v2",
        "where num_labels and id2label disagree, transformers goes by num_labels",
        num_labels=5,
    ),
    wrong("opt-1.3b", "a field with a leading underscore is left out of the config", _remove_final_layer_norm=True),
]


@pytest.mark.parametrize(("name", "changes"), CHANGED)
def test_a_changed_field_is_counted_as_the_real_model_counts_it(name, changes, tmp_path):
    fields = {**json.loads((CONFIGS / f"{name}.json").read_text(encoding="utf-8")), **changes}
    path = tmp_path / "config.json"
    path.write_text(json.dumps({key: value for key, value in fields.items() if value is not DROPPED}))
    counted = {convention: sc.count(path, convention=convention) for convention in CONVENTIONS}
    assert counted == measure(real_model(path))
