"""Sub-configs that a file leaves out, where the class then makes others than where they are given without a word."""

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from fuzzing.entries import real
from symcount.errors import UncoveredError

NAME, MODEL_TYPE = "LlavaOnevisionModel", "llava_onevision"


def fields(**changes):
    return {"architectures": [NAME], "model_type": MODEL_TYPE, **changes}


CHANGES = [
    {},
    {"tie_word_embeddings": True, "image_token_index": 7},
    {"vision_config": {"model_type": "siglip_vision_model"}, "text_config": {"model_type": "qwen2"}},
    {"vision_config": {"model_type": "siglip_vision_model", "hidden_size": 96, "num_attention_heads": 8}},
]


def check_counted(counter, changes):
    counted = counter.count(fields(**changes))[1]
    expected = real(json.dumps(fields(**changes)).encode())
    assert {c: counted[c] for c in expected} == expected


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_it_is_counted(changes):
    from symcount.atlas.counting import counter

    check_counted(counter(), changes)


def check_layouts(counter):
    layouts = counter.entry(fields()).layouts
    without = [layout for layout in layouts if layout.sections["vision_config"].optional == "absent"]
    assert len(without) == 1
    assert without[0].types == {"text_config": [""], "vision_config": ["", "siglip_vision_model"]}  # what is made then
    given = fields(vision_config={"model_type": "clip_vision_model"})
    with pytest.raises(UncoveredError, match="vision_config"):
        counter.count(given)


def test_the_layout_without_sub_configs_is_for_none_of_them():
    from symcount.atlas.counting import counter

    check_layouts(counter())


@pytest.mark.slow
def test_so_it_is_in_an_entry_that_is_measured_now(measured):
    for changes in CHANGES:
        check_counted(measured(NAME, MODEL_TYPE, effort=700), changes)
    check_layouts(measured(NAME, MODEL_TYPE, effort=700))


@pytest.mark.parametrize("name", ["GlmAsrModel", "VoxtralModel", "VoxtralRealtimeModel"])
def test_what_a_sub_config_leaves_out_is_what_the_config_around_it_has_for_it(name):
    from symcount.atlas.counting import counter

    model_type = counter().entry({"architectures": [name]}).model_type
    config = {"vocab_size": 64, "num_key_value_heads": 2, "head_dim": 128}
    given = {"architectures": [name], "model_type": model_type, "text_config": config}
    counted = counter().count(given)[1]
    expected = real(json.dumps(given).encode())
    assert {c: counted[c] for c in expected} == expected
