"""Lists and keys that only the config class's own code reads: counted as the real model has it, or refused."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from symcount.atlas.counting import counter

LAGS = [1, 2, 3, 4, 5, 6, 7]
KINDS = ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention", "sliding_attention"]
DOWN = [["Subsample", 16, 8, 4, 2, 2], ["Subsample", 16, 16, 4, 2, 2]]
INKLING = ["hybrid_sliding", "hybrid_sliding", "hybrid", "hybrid"]
#: class, model type, what a file says, words of the refusal; none where it is counted.
CASES = [
    # the ratios are those of the other list in reverse order: said once more, they change nothing
    ("DacModel", "dac", {"upsampling_ratios": [8, 8, 4, 2]}, ""),
    ("DacModel", "dac", {"downsampling_ratios": [2, 4, 5, 8], "upsampling_ratios": [8, 5, 4, 2]}, ""),
    ("DacModel", "dac", {"upsampling_ratios": [8, 8, 2, 4]}, "upsampling_ratios = [8, 8, 2, 4] is outside"),
    # the config's own code counts the elements of the list, which the model never sees
    ("TimeSeriesTransformerModel", "time_series_transformer", {"lags_sequence": LAGS[::-1]}, ""),
    ("TimeSeriesTransformerModel", "time_series_transformer", {"lags_sequence": LAGS[:5]}, "has 5 elements"),
    # a base of rotations under its older name, a number of any size
    ("GPTNeoXModel", "gpt_neox", {"rotary_emb_base": 25000}, ""),
    # kinds of layers and how often these come, as many as there are layers
    ("GPTNeoModel", "gpt_neo", {"num_layers": 3, "attention_types": [[["global", "local"], 1], [["local"], 1]]}, ""),
    ("GPTNeoModel", "gpt_neo", {"num_layers": 3, "attention_types": [[["global", "local"], 12]]}, "attention_types"),
    ("GPTNeoModel", "gpt_neo", {"num_layers": 3, "attention_types": [[["strange"], 3]]}, "attention_types"),
    ("GPTNeoModel", "gpt_neo", {"attention_types": [[["global"], 10**12]]}, "attention_types"),
    # layers whose numbers are read one by one, and any others of them
    ("SamVisionModel", "sam_vision_model", {"global_attn_indexes": [0, 3]}, ""),
    ("SamVisionModel", "sam_vision_model", {"num_hidden_layers": 4, "global_attn_indexes": [1, 2, 3]}, ""),
    ("SamVisionModel", "sam_vision_model", {"global_attn_indexes": [12]}, "names layer 12"),
    # names of which each has an adapter in every layer
    ("XmodModel", "xmod", {"languages": ["de_DE", "hr_HR", "sl_SI"]}, ""),
    ("XmodModel", "xmod", {"languages": ["en_XX", "mamba"], "num_hidden_layers": 3, "ln_before_adapter": False}, ""),
    ("XmodModel", "xmod", {"languages": ["de_DE", "de_DE"]}, "has a name twice"),
    ("XmodModel", "xmod", {"languages": ["de.DE"]}, "is no list of names"),
    # a letter for each layer, or its word; nothing else in the config says how many layers there are
    ("NemotronHModel", "nemotron_h", {"hybrid_override_pattern": "M-M*EE-M"}, ""),
    ("NemotronHModel", "nemotron_h", {"layers_block_type": ["mlp", "mamba", "moe", "attention", "mlp"]}, ""),
    ("NemotronHModel", "nemotron_h", {"num_hidden_layers": 52, "hybrid_override_pattern": "M-*E"}, ""),
    ("NemotronHModel", "nemotron_h", {"hybrid_override_pattern": "M-?E"}, "expected a string of the letters"),
    ("NemotronHModel", "nemotron_h", {"hybrid_override_pattern": ["M", "-"]}, "expected a string of the letters"),
    ("NemotronHModel", "nemotron_h", {"hybrid_override_pattern": "M-*E", "layers_block_type": ["mlp"] * 4}, "keep one"),
    # letters for the kinds of layers, which a list beside them says as well
    ("Exaone4Model", "exaone4", {"num_hidden_layers": 5, "layer_types": KINDS, "sliding_window_pattern": "LLG"}, ""),
    ("Exaone4Model", "exaone4", {"num_hidden_layers": 5, "layer_types": KINDS, "sliding_window_pattern": 3}, ""),
    ("Exaone4Model", "exaone4", {"layer_types": KINDS, "sliding_window_pattern": "LLG"}, "layer_types"),
    (
        "Exaone4Model",
        "exaone4",
        {"num_hidden_layers": 5, "layer_types": KINDS, "sliding_window_pattern": "LLLG"},
        "LLLG",
    ),
    ("Exaone4Model", "exaone4", {"num_hidden_layers": 5, "layer_types": KINDS, "sliding_window_pattern": "SSF"}, "SSF"),
    (
        "Exaone4Model",
        "exaone4",
        {"num_hidden_layers": 5, "layer_types": KINDS, "sliding_window_pattern": ""},
        "pattern",
    ),
    ("Exaone4Model", "exaone4", {"sliding_window_pattern": "LLLG"}, "LLLG"),
    # the words that a config class lists for a key
    ("BitModel", "bit", {"global_padding": "SAME"}, ""),
    ("BitModel", "bit", {"global_padding": "FULL"}, "global_padding"),
    # a size that matters to no tensor, as an object
    ("PvtV2ForImageClassification", "pvt_v2", {"image_size": {"height": 224, "width": 192}}, ""),
    ("PvtV2ForImageClassification", "pvt_v2", {"image_size": {}}, "image_size = {} is outside"),
    # -1 is the last layer: its number is the same, and any other is another model
    ("Ernie4_5_MoeModel", "ernie4_5_moe", {"num_hidden_layers": 4, "moe_layer_end_index": 3}, ""),
    (
        "Ernie4_5_MoeModel",
        "ernie4_5_moe",
        {"num_hidden_layers": 4, "moe_layer_end_index": 2},
        "moe_layer_end_index = -1",
    ),
    (
        "Ernie4_5_MoeModel",
        "ernie4_5_moe",
        {"num_hidden_layers": 4, "moe_layer_end_index": 4},
        "moe_layer_end_index = -1",
    ),
    # the first layer with experts may come after the last one; then the number of those that have some is not negative
    ("Ernie4_5_MoeModel", "ernie4_5_moe", {"num_hidden_layers": 3, "moe_layer_start_index": 3}, ""),
    (
        "Ernie4_5_MoeModel",
        "ernie4_5_moe",
        {"num_hidden_layers": 3, "moe_layer_start_index": 5},
        "moe_layer_start_index ≤ N is required",
    ),
    # a list of lists, which the model's code makes longer before it reads it, said once more
    ("LevitModel", "levit", {"down_ops": DOWN}, ""),
    (
        "LevitModel",
        "levit",
        {
            "key_dim": [32, 16, 16],
            "hidden_sizes": [256, 256, 384],
            "down_ops": [[*DOWN[0][:1], 32, 8, 4, 2, 2], ["Subsample", 32, 8, 4, 2, 2]],
        },
        "",
    ),
    ("LevitModel", "levit", {"key_dim": [32, 16, 16], "down_ops": DOWN}, "down_ops = "),
    # the first layer has others than those after it: the order of the kinds matters
    ("Inkling2TextModel", "inkling2_text", {}, ""),
    ("Inkling2TextModel", "inkling2_text", {"num_hidden_layers": 4, "layer_types": INKLING}, "layer_types = "),
]
#: Tensors that are traced; the list of layers is the last of what is tried.
EFFORT = {
    "BitModel": 8_000,
    "Inkling2TextModel": 8_000,
    "NemotronHModel": 4_000,
    "SamVisionModel": 8_000,
    "XmodModel": 6_000,
}


#: Classes that take five seconds or more to be measured; of these the stored entry is asked.
LONG = {
    "BitModel",
    "Exaone4Model",
    "Inkling2TextModel",
    "LevitModel",
    "NemotronHModel",
    "SamVisionModel",
    "TimeSeriesTransformerModel",
    "XmodModel",
}


def needed(model_type):
    """The fields without which there is no model."""
    return {"prediction_length": 24, "context_length": 24} if model_type == "time_series_transformer" else {}


@pytest.mark.parametrize(
    ("name", "model_type", "changes", "words"),
    [pytest.param(*c, id=f"{c[0]} {c[2]}", marks=pytest.mark.slow if c[0] in LONG else ()) for c in CASES],
)
def test_a_list_is_counted_or_refused(name, model_type, changes, words, measured, counted_or_refused):
    fields = {"architectures": [name], "model_type": model_type, **needed(model_type), **changes}
    counted_or_refused(measured(name, model_type, effort=EFFORT.get(name, 700)), fields, words)


@pytest.mark.parametrize(
    ("name", "model_type", "changes", "words"),
    [pytest.param(*c, id=f"{c[0]} {c[2]}") for c in CASES if c[0] in LONG - {"SamVisionModel"}],
)
def test_the_stored_entry_has_it_as_well(name, model_type, changes, words, counted_or_refused):
    fields = {"architectures": [name], "model_type": model_type, **needed(model_type), **changes}
    counted_or_refused(counter(), fields, words)
