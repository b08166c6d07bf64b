"""Sub-configs for which the config around them has defaults, keys or numbers of its own: counted exactly or refused."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from symcount.atlas.counting import counter

#: class, model type, what a file says, words of the refusal; none where it is counted.
CASES = [
    # its own class has other defaults than the config around it, which a file overrides
    ("PeAudioEncoder", "pe_audio_encoder", {}, ""),
    ("PeAudioEncoder", "pe_audio_encoder", {"dac_config": {}}, ""),
    ("PeAudioEncoder", "pe_audio_encoder", {"dac_config": {"model_type": "dac"}}, ""),
    ("PeAudioEncoder", "pe_audio_encoder", {"dac_config": {"codebook_dim": 8, "encoder_hidden_size": 32}}, ""),
    # a number that the config writes into a sub-config without such a field, copied from one that has it
    ("ColQwen2ForRetrieval", "colqwen2", {"vlm_config": {"text_config": {}, "vocab_size": 1000}}, ""),
    ("ColQwen2ForRetrieval", "colqwen2", {"vlm_config": {"text_config": {"vocab_size": 1000}}}, ""),
    ("ColQwen2ForRetrieval", "colqwen2", {"vlm_config": {"vocab_size": 1000}}, ""),
    # a property that is written into a sub-config, whatever that says itself
    ("Sam3VisionModel", "sam3_vision_model", {}, ""),
    (
        "Sam3VisionModel",
        "sam3_vision_model",
        {"backbone_config": {"model_type": "sam3_vit_model", "num_hidden_layers": 9}},
        "",
    ),
    ("Sam3VisionModel", "sam3_vision_model", {"image_size": 504}, "image_size = 504 changes the model"),
]
#: Classes that take five seconds or more to be measured; of these the stored entry is asked.
LONG = {"ColQwen2ForRetrieval", "Sam3VisionModel"}


@pytest.mark.parametrize(
    ("name", "model_type", "changes", "words"),
    [pytest.param(*c, id=f"{c[0]} {c[2]}", marks=pytest.mark.slow if c[0] in LONG else ()) for c in CASES],
)
def test_what_a_config_does_to_its_sub_configs(name, model_type, changes, words, measured, counted_or_refused):
    fields = {"architectures": [name], "model_type": model_type, **changes}
    counted_or_refused(measured(name, model_type, effort=2_000), fields, words)


@pytest.mark.parametrize(
    ("name", "model_type", "changes", "words"), [pytest.param(*c, id=f"{c[0]} {c[2]}") for c in CASES if c[0] in LONG]
)
def test_the_stored_entry_has_it_as_well(name, model_type, changes, words, counted_or_refused):
    counted_or_refused(counter(), {"architectures": [name], "model_type": model_type, **changes}, words)
