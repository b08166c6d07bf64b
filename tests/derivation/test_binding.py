"""Configs for derived formulas: the exact number of the real model, or a refusal that names the field."""

from __future__ import annotations

import json
import re

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import symcount as sc  # noqa: E402
from symcount.errors import ConfigError, DomainError, OptionError, UnknownModelError, UnknownSymbolError  # noqa: E402


def real(name, fields):
    with torch.device("meta"):
        if not isinstance(name, str):
            return sum(p.numel() for p in name(**fields).parameters())
        cls = getattr(transformers, name)
        return cls(cls.config_class(**fields)).num_parameters()


COUNTED = [
    ("LlamaForCausalLM", {"hidden_size": 1024, "num_hidden_layers": 3, "vocab_size": 77}),
    ("LlamaForCausalLM", {"head_dim": 128, "num_key_value_heads": 32}),  # given, and what it would be anyway
    ("LlamaForCausalLM", {"pad_token_id": 0, "attention_dropout": 0.5}),  # of no consequence
    ("SwinModel", {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "mlp_ratio": 2.5}),
    ("CLIPModel", {"vision_config": {"hidden_size": 1024, "num_attention_heads": 16}, "projection_dim": 7}),
    ("BertForSequenceClassification", {"id2label": {i: str(i) for i in range(5)}}),
    ("BertForSequenceClassification", {"num_labels": 7, "classifier_dropout": 0.3}),
    ("GPTNeoXForCausalLM", {"hidden_size": 512, "num_attention_heads": 4}),
]


@pytest.mark.parametrize(("name", "fields"), COUNTED)
def test_configs_are_counted_exactly(name, fields, tmp_path):
    formula, expected = sc.derive(name), real(name, fields)
    config = getattr(transformers, name).config_class(**fields)
    assert formula.count(config) == expected
    assert formula.count(fields) == expected
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**config.to_diff_dict(), "model_type": config.model_type, "architectures": [name]}))
    assert formula.count(path) == sc.count(path) == expected


REFUSED = [
    ("LlamaForCausalLM", {"head_dim": 64}, r"head_dim = 64, but the formula holds for head_dim left out \(here 128\)"),
    ("LlamaForCausalLM", {"num_key_value_heads": 8}, "num_key_value_heads = 8, but the formula holds for .* left out"),
    ("LlamaForCausalLM", {"tie_word_embeddings": True}, "tie_word_embeddings = true, .* tie_word_embeddings = false"),
    ("LlamaForCausalLM", {"attention_bias": True}, "attention_bias = true, .* attention_bias = false"),
    ("SwinModel", {"depths": [2, 2, 2], "num_heads": [3, 6, 12]}, r"depths\[3\]\), the config does not have it"),
    (
        "SwinModel",
        {"depths": [1] * 5, "num_heads": [3, 6, 12, 24, 48], "image_size": 448},
        r"depths = \[1, 1, 1, 1, 1\]",
    ),
    ("SwinModel", {"qkv_bias": False}, "qkv_bias = false, but the formula holds for qkv_bias = true"),
]


@pytest.mark.parametrize(("name", "fields", "words"), REFUSED)
def test_what_the_formula_does_not_hold_for_is_refused(name, fields, words):
    formula = sc.derive(name)
    config = getattr(transformers, name).config_class(**fields)
    with pytest.raises(OptionError, match=words) as caught:
        formula.count(config)
    assert str(caught.value).endswith("derive a formula of its own: symcount.derive(config)")
    own = sc.derive({**fields, "model_type": config.model_type, "architectures": [name]})  # the remedy
    assert own.count(config) == real(name, fields)
    assert sc.count({**fields, "model_type": config.model_type, "architectures": [name]}) == real(name, fields)


class Head(torch.nn.Module):
    def __init__(self, width=8, keys=None, biased=True):
        super().__init__()
        self.out = torch.nn.Linear(width, keys or width, bias=biased)


FIXED = [
    (Head, "Head", {"keys": 3}, "keys = None"),
    (Head, "Head", {"biased": False}, "biased = True"),
    ("LlamaForCausalLM", "'LlamaForCausalLM'", {"attention_bias": True}, "attention_bias = False"),
]


@pytest.mark.parametrize(("model", "called", "fields", "held"), FIXED, ids=lambda x: x if isinstance(x, str) else "")
def test_a_field_without_a_letter_is_told_with_its_value_and_the_remedy(model, called, fields, held):
    formula, (name,) = sc.derive(model), fields
    with pytest.raises(UnknownSymbolError) as caught:
        formula.count(**fields)
    assert str(caught.value).endswith(f"holds for {held} and has no letter for it; make one of its own: "
                                      f"symcount.derive({called}, {name}=...)")  # fmt: skip
    assert sc.derive(model, **fields).count({}) == real(model, fields)


def test_the_config_of_a_class_of_ones_own_may_stand_beside_it():
    assert sc.derive(Head, {"keys": 3}).count({}) == sc.derive(Head, config={"keys": 3}).count({}) == 8 * 3 + 3
    with pytest.raises(OptionError, match=r"symcount\.derive\(Head, config\)$"):
        sc.derive(Head).count({"keys": 3})
    with pytest.raises(OptionError, match=r"Head takes no argument .kyes.\. Did you mean keys"):
        sc.derive(Head, {"kyes": 3})


def test_a_formula_derived_at_other_options_refuses_the_default():
    untied = sc.derive("GPTNeoXForCausalLM", tie_word_embeddings=True)
    assert untied.count({}) < sc.derive("GPTNeoXForCausalLM").count({})
    with pytest.raises(OptionError, match=r"tie_word_embeddings = false, but .* tie_word_embeddings = true"):
        untied.count({"hidden_size": 512, "num_attention_heads": 4})


def test_layer_types_are_counted_by_their_pattern_or_refused():
    formula = sc.derive("Qwen3NextForCausalLM")
    small = {"num_hidden_layers": 8, "hidden_size": 256, "num_experts": 4}
    assert formula.count(small) == real("Qwen3NextForCausalLM", small)
    other = {**small, "layer_types": ["full_attention"] * 8}
    with pytest.raises(OptionError, match="layer_types"):
        formula.count(other)
    usual = ["linear_attention"] * 3 + ["full_attention"]
    assert formula.count({**small, "layer_types": usual * 2}) == formula.count(small)


def test_values_and_configs_together():
    formula = sc.derive("SwinModel")
    assert formula.count({"embed_dim": 48}, mlp_ratio=2) == real("SwinModel", {"embed_dim": 48, "mlp_ratio": 2.0})
    # heads that do not divide it are no matter of the parameters, and refused only where the model's code refuses them
    assert formula.count({"embed_dim": 48}, embed_dim=50) == real("SwinModel", {"embed_dim": 50})
    with pytest.raises(DomainError, match="divides"):
        sc.derive("BertModel").count({"num_attention_heads": 8}, hidden_size=770)


def test_a_config_of_another_model_is_refused():
    formula = sc.derive("SwinModel")
    with pytest.raises(ConfigError, match="is a config of bert, but the formula is of swin"):
        formula.count({"model_type": "bert"})
    with pytest.raises(ConfigError, match="BertConfig is not the config of SwinModel; expected SwinConfig"):
        formula.count(transformers.BertConfig())
    with pytest.raises(ConfigError, match=r"rejects this config: .*embed_dim"):
        formula.count({"embed_dim": "wide"})


def test_formula_derives_what_nobody_composed():
    assert sc.formula("BertModel").origin == sc.formula("gpt2").origin == "composed"
    for source in ("DeiTModel", "deit", {"model_type": "deit"}, transformers.DeiTConfig(), transformers.DeiTModel):
        formula = sc.formula(source)
        assert (formula.origin, formula.name) == ("derived", "DeiTModel")
        assert formula.count({}) == real("DeiTModel", {})
    assert sc.count("DeiTModel", H=384, A=6) == real("DeiTModel", {"hidden_size": 384, "num_attention_heads": 6})
    assert sc.verify("gpt_neox", {"hidden_size": 512}, num_hidden_layers=2).exact


def test_a_users_class_is_never_taken_for_one_of_transformers():
    class BertModel(transformers.BertModel):
        def __init__(self, config):
            super().__init__(config)
            self.extra = torch.nn.Linear(config.hidden_size, 1)

    assert sc.count(BertModel) == real("BertModel", {}) + 769


def test_without_the_extra_the_remedy_is_named(monkeypatch):
    from symcount import lookup

    monkeypatch.setattr(lookup, "derivable", lambda: False)
    with pytest.raises(UnknownModelError, match=r"unknown model 'DinatModel'.*pip install \"symcount\[hf\]\""):
        sc.formula("DinatModel")
    assert sc.count("bert") == real("BertModel", {})


def test_near_names_come_from_both_lists():
    with pytest.raises(UnknownModelError, match=r"unknown model 'brt'. Did you mean bert"):
        sc.formula("brt")
    with pytest.raises(UnknownModelError, match=r"Did you mean .*swin"):
        sc.formula("swiin")


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        (
            "AfmoeForCausalLM",
            {"attention_bais": True},
            "AfmoeForCausalLM has no config field 'attention_bais'. Did you",
        ),
        ("Gemma3ForConditionalGeneration", {"text.attention_bias": True}, "has no config field 'text'"),
        (
            "Gemma3ForConditionalGeneration",
            {"text_config.attention_bia": True},
            "has no config field 'text_config.attention_bia'. Did you mean",
        ),
    ],
)
def test_an_option_that_is_no_field_is_refused_by_name(model, options, words):
    with pytest.raises(OptionError, match=re.escape(words)):
        sc.formula(model, **options)


def test_an_option_of_a_sub_config_is_heeded():
    name, path = "Gemma3ForConditionalGeneration", "text_config.attention_bias"
    config = {"architectures": [name], "model_type": "gemma3", "text_config": {"attention_bias": True}}
    expected = sc.count(config)
    assert expected != sc.count(name)
    assert sc.formula(name, **{path: True}).count(config) == expected
    of_file = sc.formula({**config, "text_config": {"hidden_size": 2304}}, **{path: True})  # the rest of it stays
    assert of_file.count(config) == expected
