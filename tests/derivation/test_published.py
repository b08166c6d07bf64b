"""Published totals by the derived formula: a config in, the exact number out."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import symcount as sc
from published_totals import ACTIVE, PUBLISHED


@pytest.mark.parametrize(("name", "model_type", "fields", "total"), PUBLISHED)
def test_published_total(name, model_type, fields, total):
    config = {"architectures": [name], "model_type": model_type, **fields}
    assert sc.derive(config).count(config) == total


@pytest.mark.parametrize(("name", "active"), ACTIVE)
def test_published_active(name, active):
    formula = sc.derive(name)
    assert formula.count(**formula.defaults, convention="active") == active


def test_deepseek_without_its_embedding_table():
    formula = sc.derive("DeepseekV3ForCausalLM")
    table = formula.subtotal("*embed_tokens*").count(formula.values(formula.defaults))
    assert formula.count(**formula.defaults, convention="active") - table == 36_625_603_584
