"""Configs as they are published, and every way in which one can be wrong."""

import json

import pytest

import symcount as sc
from symcount.architectures import find, names
from symcount.architectures.reading import architecture_of
from symcount.config.config import read
from symcount.config.files import MAX_BYTES, looks_like_path
from symcount.errors import ConfigError, DomainError, OptionError, SymcountError, UnknownModelError

BERT = {
    "architectures": ["BertForMaskedLM"],
    "model_type": "bert",
    "vocab_size": 30_000,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "transformers_version": "4.0.0",
}


def write(tmp_path, content, name="config.json"):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_a_published_config_counts_with_defaults_and_without_noise(tmp_path):
    path = write(tmp_path, BERT)
    assert sc.count(path) == sc.count(str(path)) == sc.count(BERT) == 109_112_880
    assert sc.count(path, convention="per_layer") == 132_152_880
    assert sc.count(path, N=24) == sc.count({**BERT, "num_hidden_layers": 24})


def test_the_model_type_is_the_base_model():
    assert sc.formula({"model_type": "bert"}).name == "BertModel"
    assert sc.formula({"model_type": "bert", "architectures": []}).name == "BertModel"
    assert sc.formula({"model_type": "bert", "architectures": None}).name == "BertModel"


def test_a_config_chooses_its_options():
    untied = {**BERT, "tie_word_embeddings": False}
    assert sc.count(untied) - sc.count(BERT) == 30_000 * 768 + 30_000
    inner = {"model_type": "gpt2", "n_inner": 100}
    assert sc.formula(inner).options["n_inner"] == "given"
    assert sc.count(inner) == sc.count({"model_type": "gpt2", "n_inner": None}) - 12 * (4 * 768 - 100) * (2 * 768 + 1)


def test_aliases_and_labels():
    assert sc.count({"model_type": "gpt2", "hidden_size": 1024, "num_hidden_layers": 24, "n_head": 16}) == 354_823_168
    three = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "a", "1": "b", "2": "c"}}
    two = {"architectures": ["BertForSequenceClassification"]}
    assert sc.count(three) - sc.count(two) == 769
    assert sc.count({**two, "num_labels": 3}) == sc.count(three)


def test_a_transformers_config_is_a_config():
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=128_256,
        hidden_size=4096,
        intermediate_size=14_336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        architectures=["LlamaForCausalLM"],
    )
    assert sc.count(config) == 8_030_261_248
    assert sc.formula("LlamaForCausalLM").count(config) == 8_030_261_248


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON: Expecting property name"),
        ("", "not JSON: Expecting value"),
        ("[1, 2]", "expected a JSON object, got list"),
        ('"bert"', "expected a JSON object, got str"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        ("[" * 100_000, "nested too deeply|not JSON"),
        ("{}", "neither architectures nor model_type is given"),
        ({"model_type": None}, "neither architectures nor model_type is given"),
        ({"model_type": 3}, "model_type: expected a name, got 3"),
        ({"architectures": "BertModel"}, "architectures: expected a list of class names, got 'BertModel'"),
        ({"architectures": [3]}, "expected a list of class names"),
        (
            {"architectures": ["BertModel", "BertForMaskedLM"]},
            r"names 2 classes \(BertModel, BertForMaskedLM\); keep one",
        ),
        ({**BERT, "tie_word_embeddings": "yes"}, "tie_word_embeddings: expected true or false, got 'yes'"),
        ({**BERT, "tie_word_embeddings": None}, "tie_word_embeddings: expected true or false, got None"),
        ({**BERT, "hidden_size": None}, r"H \(hidden_size\) is null; give a number"),
    ],
)
def test_malformed_configs_are_refused_in_words(tmp_path, content, words):
    path = write(tmp_path, content)
    with pytest.raises(ConfigError, match=words) as caught:
        sc.count(path)
    assert "config.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("hidden_size", "768", "got '768'; give a number"),
        ("hidden_size", 768.0, "got 768.0; write it without a point"),
        ("hidden_size", 0, "expected an integer of at least 1, got 0"),
        ("hidden_size", -768, "got -768"),
        ("hidden_size", True, "got True"),
        ("hidden_size", [768], r"got \[768\]"),
        ("hidden_size", 770, "A divides H is required"),
        ("num_attention_heads", 7, "A divides H is required"),
        ("num_hidden_layers", 1e400, "got inf"),
    ],
)
def test_values_outside_the_domain_are_refused(tmp_path, field, value, words):
    with pytest.raises(DomainError, match=words):
        sc.count(write(tmp_path, {**BERT, field: value}))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        sc.count(tmp_path / "none.json")
    with pytest.raises(ConfigError, match="No such file"):
        sc.count(str(tmp_path / "none.json"))
    with pytest.raises(ConfigError, match="Is a directory"):
        sc.count(tmp_path)
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ConfigError, match="larger than 16 MiB"):
        sc.count(large)


def test_unknown_models_are_refused_with_suggestions():
    with pytest.raises(UnknownModelError, match=r"'brt'.*Did you mean bert"):
        sc.formula("brt")
    with pytest.raises(UnknownModelError, match=r"unknown model 'BertForMaskedLm2'.*BertForMaskedLM"):
        sc.count({"architectures": ["BertForMaskedLm2"]})


def test_a_config_of_another_model_is_refused():
    with pytest.raises(ConfigError, match="is a config of gpt2, but the formula is of bert"):
        sc.formula("bert").count({"model_type": "gpt2"})


def test_a_config_with_another_option_is_refused():
    with pytest.raises(OptionError, match=r"tie_word_embeddings = [Ff]alse is outside this formula"):
        sc.formula("BertForMaskedLM").count({**BERT, "tie_word_embeddings": False})
    assert sc.formula("BertForMaskedLM", tie_word_embeddings=False).count({**BERT, "tie_word_embeddings": False})


@pytest.mark.parametrize("value", ["4096", 0.5, True, [1]])
def test_a_number_that_may_be_missing_is_a_number_or_missing(value):
    with pytest.raises(OptionError, match="n_inner: expected None or an integer, got"):
        sc.count({"model_type": "gpt2", "n_inner": value})


@pytest.mark.parametrize("source", [3, None, [1], object()])
def test_other_things_are_no_config(source):
    with pytest.raises(ConfigError, match="expected a path, a dict or a transformers config"):
        read(source)
    with pytest.raises(SymcountError):
        sc.count(source)


def test_what_looks_like_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert looks_like_path("a.json")
    assert looks_like_path("models/config")
    assert not looks_like_path("bert")
    write(tmp_path, BERT, "plain")
    assert looks_like_path("plain")


def test_reading_does_not_change_the_callers_dict():
    before = dict(BERT)
    sc.count(BERT, N=3)
    assert before == BERT


# ------------------------------------------------------------------ what single families write into their configs


def model(name, model_type, **fields):
    return {"architectures": [name], "model_type": model_type, **fields}


def test_a_number_left_out_has_the_classs_default_and_null_its_rule():
    qwen = model("Qwen2ForCausalLM", "qwen2", num_attention_heads=64)
    f = sc.formula(qwen)
    assert f.bound(qwen)["K"] == 32
    assert "K" not in f.bound({**qwen, "num_key_value_heads": None})
    assert sc.count({**qwen, "num_key_value_heads": None}) == sc.count(qwen, K=64)
    assert sc.count({**qwen, "num_key_value_heads": None}, A=16) == sc.count(qwen, A=16, K=16)
    with pytest.raises(ConfigError, match=r"K \(num_key_value_heads\) is null; give a number"):
        sc.count(model("MistralForCausalLM", "mistral", num_key_value_heads=None))


def test_the_size_of_a_head_may_be_the_configs_or_what_remains():
    nemo = model("MistralForCausalLM", "mistral", hidden_size=5120, num_hidden_layers=40, vocab_size=131_072)
    layer = 40 * 2 * 5120 * (32 + 8)
    assert sc.count(nemo) - sc.count({**nemo, "head_dim": 128}) == layer * (160 - 128)
    with pytest.raises(ConfigError, match=r"D \(head_dim\) is null; give a number"):
        sc.count(model("Qwen3ForCausalLM", "qwen3", head_dim=None))


def by_hand(config, **values):
    """The count of the composed formula, whatever else there is."""
    stated = read(config)
    architecture = architecture_of(stated)
    return architecture.formula(**architecture.options_for(stated)).count(stated, **values)


def test_a_gated_feed_forward_network_is_said_by_a_word():
    t5 = model("T5ForConditionalGeneration", "t5")
    small = by_hand(t5)
    assert by_hand({**t5, "feed_forward_proj": "gated-gelu"}) - small == 12 * 512 * 2048
    assert by_hand({**t5, "feed_forward_proj": "gelu"}) == small
    f = sc.formula("T5ForConditionalGeneration")
    assert f.count({**t5, "feed_forward_proj": "silu"}) == small
    with pytest.raises(OptionError, match="feed_forward_proj = 'gated-silu' is outside this formula"):
        f.count({**t5, "feed_forward_proj": "gated-silu"})
    for word in ("gated-gelu-new", "swish-gelu"):
        with pytest.raises(OptionError, match="expected an activation, as in relu or gated-gelu"):
            by_hand({**t5, "feed_forward_proj": word})
    with pytest.raises(ConfigError, match="feed_forward_proj: expected a word such as 'relu', got None"):
        by_hand({**t5, "feed_forward_proj": None})


def test_t5_is_tied_whatever_its_config_says():
    t5 = model("T5ForConditionalGeneration", "t5")
    assert sc.count({**t5, "tie_word_embeddings": False}) == sc.count(t5) == 60_506_624


def test_the_decoder_is_as_deep_as_the_encoder_unless_the_config_says_otherwise():
    t5 = model("T5ForConditionalGeneration", "t5", num_layers=3)
    assert sc.count({**t5, "num_decoder_layers": None}) == sc.count(t5) == sc.count(t5, N_dec=3)
    assert sc.count({**t5, "num_decoder_layers": 4}) == sc.count(t5, N_dec=4)


def test_embeddings_as_wide_as_the_layers_are_not_projected():
    base = model("ElectraModel", "electra", hidden_size=768, num_attention_heads=12, intermediate_size=3072)
    wide, narrow = {**base, "embedding_size": 768}, {**base, "embedding_size": 767}
    assert sc.formula(wide).options["embeddings_project"] is False
    assert sc.formula(narrow).options["embeddings_project"] is True
    rows = 30522 + 512 + 2 + 2  # a row for each word, position and type, and the norm
    assert sc.count(wide) - sc.count(narrow) == rows - (767 * 768 + 768)
    with pytest.raises(DomainError, match="Z ≠ H is required"):
        sc.formula("electra").count(wide)
    assert sc.formula("electra", embeddings_project=False).count(wide) == sc.count(wide)


def test_a_rank_written_auto_is_left_to_the_model():
    mamba = model("MambaForCausalLM", "mamba")
    assert by_hand({**mamba, "time_step_rank": "auto"}) == by_hand(mamba) == by_hand({**mamba, "time_step_rank": 48})
    assert by_hand({**mamba, "time_step_rank": 49}) == by_hand(mamba) + 32 * 2 * 2 * 768
    with pytest.raises(DomainError, match=r"R_dt \(time_step_rank\): expected an integer of at least 1, got 'ceil'"):
        by_hand({**mamba, "time_step_rank": "ceil"})


def test_queries_that_are_not_compressed():
    lite = model("DeepseekV3ForCausalLM", "deepseek_v3", q_lora_rank=None)
    f = sc.formula(lite)
    assert "R_q" not in f.notation
    full = sc.count(model("DeepseekV3ForCausalLM", "deepseek_v3"))
    saved = 7168 * 1536 + 1536 + 1536 * 128 * 192 - 7168 * 128 * 192
    assert full - sc.count(lite) == 61 * saved


@pytest.mark.parametrize(("field", "value"), [("mlp_only_layers", [0, 3]), ("decoder_sparse_step", 2)])
def test_what_no_composed_formula_represents_is_refused(field, value):
    moe = model("Qwen3MoeForCausalLM", "qwen3_moe")
    assert sc.count({**moe, "mlp_only_layers": [], "decoder_sparse_step": 1}) == sc.count(moe)
    with pytest.raises(OptionError, match=rf"{field} = .* is outside the formula of Qwen3MoeForCausalLM.*derive"):
        by_hand({**moe, field: value})
    derived = sc.count({**moe, field: value})  # by the atlas or by derivation
    assert derived < sc.count(moe)


def test_sub_configs():
    clip = model("CLIPModel", "clip")
    text = {"num_hidden_layers": 11}
    one_layer = 4 * 512**2 + 2 * 512 * 2048 + 9 * 512 + 2048
    assert sc.count(clip) - sc.count({**clip, "text_config": text}) == one_layer
    assert sc.count({**clip, "text_config": None, "vision_config": {}}) == sc.count(clip) == 151_277_313
    # of two descriptions of a tower, transformers takes the older one
    assert sc.count({**clip, "text_config": {"num_hidden_layers": 3}, "text_config_dict": text}) == (
        sc.count({**clip, "text_config": text})
    )
    with pytest.raises(DomainError, match=r"H_text \(text_config.hidden_size\): expected an integer"):
        sc.count({**clip, "text_config": {"hidden_size": "wide"}})


def test_images_that_are_not_square_are_refused():
    vit = model("ViTForImageClassification", "vit")
    with pytest.raises(DomainError, match=r"R \(image_size\): expected an integer of at least 1, got \[224, 192\]"):
        by_hand({**vit, "image_size": [224, 192]})
    with pytest.raises(DomainError, match="P divides R is required"):
        by_hand({**vit, "image_size": 225})


def test_a_second_spelling_of_a_width():
    bloom = model("BloomForCausalLM", "bloom")
    assert sc.count({**bloom, "n_embed": 1024, "n_head": 16}) == sc.count({**bloom, "hidden_size": 1024, "n_head": 16})


@pytest.mark.parametrize("name", names())
def test_what_transformers_writes_down_is_what_it_fills_in(name):
    transformers = pytest.importorskip("transformers")
    config = getattr(transformers, name).config_class()
    expected = sc.formula(name).count({})
    assert sc.formula(name).count(config) == expected
    written = json.loads(json.dumps({**config.to_dict(), "architectures": [name]}))
    assert sc.count(written) == expected


@pytest.mark.parametrize(
    "config",
    [
        model("MistralForCausalLM", "mistral", num_hidden_layers=1, head_dim=64),
        model("T5ForConditionalGeneration", "t5", feed_forward_proj="gated-gelu", num_decoder_layers=2),
        model("ElectraForMaskedLM", "electra", embedding_size=256, num_hidden_layers=1),
        model("MambaForCausalLM", "mamba", time_step_rank="auto", num_hidden_layers=1),
        model("DeepseekV3ForCausalLM", "deepseek_v3", q_lora_rank=None, num_hidden_layers=4, n_routed_experts=16),
        model("CLIPModel", "clip", text_config={"num_hidden_layers": 3}, text_config_dict={"num_hidden_layers": 2}),
        model("CLIPModel", "clip", vision_config={"image_size": 64}, vision_config_dict={"patch_size": 16}),
        model("BloomForCausalLM", "bloom", n_embed=48),
        model("Qwen2ForCausalLM", "qwen2", num_hidden_layers=1, num_key_value_heads=None),
        model("BartForSequenceClassification", "bart", num_labels=5, encoder_layers=1),
        model("WhisperForConditionalGeneration", "whisper", tie_word_embeddings=False),
        model("Gemma2ForCausalLM", "gemma2", num_hidden_layers=2, layer_types=["full_attention"] * 2),
    ],
    ids=lambda c: "-".join([c["architectures"][0], *list(c)[2:]]),
)
def test_configs_are_read_as_transformers_reads_them(config):
    pytest.importorskip("transformers")
    assert sc.verify(config).exact


@pytest.mark.parametrize("name", names())
def test_the_aliases_are_those_of_the_config_class(name):
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    architecture = find(name)
    theirs = getattr(transformers, name).config_class.attribute_map
    fields = set(architecture.fields.values())
    assert {a: f for a, f in theirs.items() if f in fields}.items() <= dict(architecture.aliases).items()


@pytest.mark.parametrize("order", [("n_embd", "hidden_size"), ("hidden_size", "n_embd")])
def test_of_a_field_and_its_alias_the_alias_counts_as_in_the_real_config(order):
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    numbers = {"n_embd": 24, "hidden_size": 36}
    fields = {name: numbers[name] for name in order} | {"n_head": 2, "n_layer": 1}
    with torch.device("meta"):
        real = transformers.GPT2Model(transformers.GPT2Config.from_dict(dict(fields))).num_parameters()
    assert sc.formula("GPT2Model").count(fields) == real


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        # the decoder's depth is filled in before the other spelling is taken
        ("T5Model", {"num_hidden_layers": 2}),
        ("T5Model", {"num_hidden_layers": 2, "num_layers": 3}),
        ("T5Model", {"num_hidden_layers": 2, "num_decoder_layers": 1}),
        # the one that is no field of the class is taken last, whatever the class's map calls it
        ("Qwen3MoeModel", {"num_hidden_layers": 1, "num_experts": 16, "num_local_experts": 32}),
        ("Qwen3MoeModel", {"num_hidden_layers": 1, "num_local_experts": 16}),
    ],
)
def test_other_spellings_are_taken_when_the_real_config_takes_them(name, fields):
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    cls = getattr(transformers, name)
    with torch.device("meta"):
        real = cls(cls.config_class.from_dict(dict(fields))).num_parameters()
    assert sc.formula(name).count(fields) == real


@pytest.mark.parametrize("config", [{"model_type": "vit", "head_dim": 8}, {"model_type": "deit", "head_dim": 16}])
def test_a_key_that_a_composed_formula_does_not_have_is_read_all_the_same(config):
    formula = sc.formula(config)
    assert formula.count(config) == sc.count(config) < sc.count({"model_type": config["model_type"]})


@pytest.mark.parametrize(
    ("projection", "gated"), [("relu", True), ("gated-gelu", False), ("gated-gelu", {}), ("relu", None)]
)
def test_t5_refuses_a_gate_that_the_projection_does_not_have(projection, gated):
    # transformers lets it stand, and builds the feed-forward that `is_gated_act` says
    f = sc.formula("T5Model", feed_forward_proj=projection)
    stated = {"model_type": "t5", "feed_forward_proj": projection}
    assert f.count({**stated, "is_gated_act": projection == "gated-gelu"}) == f.count(stated)
    with pytest.raises(OptionError, match=r"is_gated_act = .* contradicts feed_forward_proj, by which it is"):
        f.count({**stated, "is_gated_act": gated})


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("ViTModel", {"model_type": "vit", "hidden_size": 64, "num_attention_heads": 4, "head_dim": 32}),
        (
            "ViTForImageClassification",
            {"model_type": "vit", "hidden_size": 64, "num_attention_heads": 4, "head_dim": 32},
        ),
        ("MambaModel", {"model_type": "mamba", "hidden_size": 384, "intermediate_size": 1536}),
    ],
)
def test_a_key_that_a_composed_formula_does_not_have_is_not_passed_over(name, fields):
    """The config class does not declare it, and the model reads it all the same."""
    fields = {"architectures": [name], **fields}
    with pytest.raises(OptionError, match=r"reads a key that the formula of .* does not have"):
        sc.formula(name).count(fields)
    assert sc.formula(fields).count(fields) == sc.count(fields)
    plain = {key: value for key, value in fields.items() if key not in ("head_dim", "intermediate_size")}
    assert sc.formula(name).count({**plain, "use_cache": False}) == sc.count(plain)
    other = {**plain, "architectures": ["BertModel"], "use_cache": False}  # of which class it is, the formula says
    assert sc.formula(name).count(other) == sc.count(plain)
