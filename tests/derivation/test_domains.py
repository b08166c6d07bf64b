"""Domains as wide as the model: what only a forward pass needs is no condition, branches at equal sizes are cases."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import symcount as sc  # noqa: E402
from symcount.errors import DomainError, OptionError  # noqa: E402


def real(name, config):
    with torch.device("meta"):
        return sum(p.numel() for p in getattr(transformers, name)(config).parameters())


FORWARD = [
    ("Llama4TextModel", {"num_attention_heads": 40, "num_key_value_heads": 7, "head_dim": 128}, "K divides A"),
    ("VJEPA2Model", {"pred_hidden_size": 400, "pred_num_attention_heads": 20}, "2 divides"),
]


@pytest.mark.parametrize(("name", "fields", "needed"), FORWARD, ids=lambda v: v if isinstance(v, str) else "")
def test_what_only_a_forward_pass_needs_is_said_apart_and_refuses_no_count(name, fields, needed):
    formula = sc.derive(name)
    assert needed in formula.runs_text()
    assert needed not in formula.domain_text()
    config = getattr(transformers, name).config_class(**fields)
    assert formula.count(config) == real(name, config)


def test_a_size_that_the_code_rounds_needs_no_divisor():
    formula = sc.derive("Lfm2Model")  # `int(2 * intermediate_size / 3)`
    assert "3 divides" not in formula.domain_text()
    config = transformers.Lfm2Config(intermediate_size=1000)
    assert formula.count(config) == real("Lfm2Model", config)


def test_a_check_of_the_code_itself_is_a_condition():
    formula = sc.derive("BertModel")
    assert formula.domain_text() == "valid when A divides H"
    assert formula.runs_text() == ""
    with pytest.raises(DomainError, match="A divides H"):
        formula.count({}, A=7)


CASES = [
    ("ElectraModel", ({}, {"embedding_size": 256}, {"embedding_size": 64, "hidden_size": 64})),
    ("ConvBertModel", ({}, {"embedding_size": 384}, {"embedding_size": 96, "hidden_size": 96})),
]


@pytest.mark.parametrize(("name", "several"), CASES, ids=[name for name, _ in CASES])
def test_both_sides_of_a_branch_at_equal_sizes_are_one_formula(name, several):
    formula = sc.derive(name)
    counted = set()
    for fields in several:
        config = getattr(transformers, name).config_class(**fields)
        counted.add(formula.count(config))
        assert formula.count(config) == real(name, config)
    assert len(counted) == len(several)
    assert formula.certify(2).passed == 2


def test_a_number_that_may_be_a_list():
    formula = sc.derive("LEDModel")
    config = transformers.LEDConfig(attention_window=[256] * 12)
    assert formula.count(config) == real("LEDModel", config)


@pytest.mark.parametrize("name", ["AutoformerModel", "CohereCompassTextModel"])
def test_where_transformers_builds_no_default_model_known_values_are_given(name):
    if not hasattr(transformers, name):
        pytest.skip("not in this transformers")
    formula = sc.derive(name)
    assert formula.story[0].startswith("transformers builds no model of its own defaults (")
    assert formula.certify(1).passed == 1


def test_a_tower_of_another_package_keeps_what_a_float_of_its_code_is_multiplied_with():
    """`0.9 * value` in the backbone's module, where the value is a whole number."""
    pytest.importorskip("transformers.models.slanet")
    formula = sc.derive("SLANetForTableRecognition")
    config = transformers.SLANetConfig()
    config.backbone_config.scale, config.backbone_config.divisor = 2, 96
    with pytest.raises(OptionError, match=r"288/5 \* backbone_config.scale"):
        formula.count(config)
    config.backbone_config.divisor = 16
    assert formula.count(config) == real("SLANetForTableRecognition", config)
