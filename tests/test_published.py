"""Published totals: a config in, the exact number out, without torch and without transformers."""

import sys

import pytest

import symcount as sc
from published_totals import ACTIVE, PUBLISHED
from symcount.architectures import FAMILIES


@pytest.fixture(autouse=True)
def no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "transformers", None)


@pytest.mark.parametrize(("name", "model_type", "fields", "total"), PUBLISHED)
def test_published_total(name, model_type, fields, total):
    config = {"architectures": [name], "model_type": model_type, **fields}
    assert sc.formula(config).origin == "composed"
    assert sc.count(config) == total


def test_every_family_has_a_published_total():
    assert {model_type for _, model_type, _, _ in PUBLISHED} == set(FAMILIES)


@pytest.mark.parametrize(("name", "active"), ACTIVE)
def test_published_active(name, active):
    assert sc.count(name, convention="active") == active


def test_deepseek_without_its_embedding_table():
    formula = sc.formula("DeepseekV3ForCausalLM")
    table = formula.subtotal("*embed_tokens*").count(formula.values(formula.defaults))
    assert formula.count({}, convention="active") - table == 36_625_603_584
