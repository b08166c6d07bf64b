"""Configs as they are published, and every way in which one can be wrong."""

import json

import pytest

import symcount as sc
from symcount.configs import MAX_BYTES, looks_like_path, read
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
        ({"model_type": 3}, "neither architectures nor model_type is given"),
        ({"architectures": "BertModel"}, "architectures: expected a list of class names, got 'BertModel'"),
        ({"architectures": [3]}, "expected a list of class names"),
        (
            {"architectures": ["BertModel", "BertForMaskedLM"]},
            r"names 2 classes \(BertModel, BertForMaskedLM\); keep one",
        ),
        ({**BERT, "tie_word_embeddings": "yes"}, "tie_word_embeddings: expected true or false, got 'yes'"),
        ({**BERT, "tie_word_embeddings": None}, "tie_word_embeddings: expected true or false, got None"),
        ({**BERT, "hidden_size": None}, r"H \(hidden_size\) is null; give a number"),
        ({**BERT, "hidden_size": 768, "d_model": 512}, "hidden_size = 768 and d_model = 512 name the same quantity"),
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
