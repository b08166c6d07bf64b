"""Classes whose stored formula was once seen to give another number than the real model, at defaults or at depth."""

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from fuzzing.entries import real
from symcount.atlas.counting import counter
from symcount.errors import SymcountError

SEEN = [
    ("BambaForCausalLM", {"attn_layer_indices": [0, 1], "num_key_value_heads": None}),
    ("CohereAsrModel", {"encoder_config": {"num_hidden_layers": 12}}),
    ("DacModel", {"codebook_size": 2048}),
    ("Deimv2Model", {"lqe_layers": 3}),
    ("MMGroundingDinoModel", {}),
    ("PPDocLayoutV3Model", {"num_labels": 4}),
    ("PeAudioModel", {"text_config": {"num_hidden_layers": 41}}),
    ("RTDetrModel", {}),
    ("RTDetrV2Model", {}),
    ("SamHQModel", {"vision_config": {"num_hidden_layers": 15}}),
    ("SamModel", {"vision_config": {"num_hidden_layers": 15}}),
    ("ZambaModel", {"num_hidden_layers": 13}),
    ("T5ForConditionalGeneration", {"feed_forward_proj": "gated-gelu", "is_gated_act": False}),
]


@pytest.mark.parametrize(("name", "changes"), SEEN, ids=[name for name, _ in SEEN])
def test_the_number_is_the_real_models_or_there_is_none(name, changes):
    found = counter()
    entry = found.atlas.find(name)
    if entry is None:  # not in the atlas is not wrong
        return
    fields = {"model_type": entry.model_type, "architectures": [name], **changes}
    try:
        counted = found.count(fields)[1]
    except SymcountError:
        return
    expected = real(json.dumps(fields).encode())
    assert {c: counted[c] for c in expected} == expected
