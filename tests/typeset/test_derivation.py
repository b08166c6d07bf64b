"""A derivation of any class: parts that sum to the total, each held against the real model; in every form."""

import re

import pytest

import symcount as sc
from symcount.errors import NotationError, VerificationError
from symcount.typeset.derivation import FORMS, Seen, derivation


@pytest.mark.parametrize("name", ["BertForMaskedLM", "MixtralForCausalLM", "DonutSwinModel"])
def test_its_parts_sum_to_the_total(name):
    text = derivation(sc.formula(name).setting())
    products = [int(n.replace("{,}", "")) for n in re.findall(r"of them: \$`([\d{},]+)`\$", text)]
    steps = re.split(r"^## ", text, flags=re.MULTILINE)[1:-2]
    single = [
        int(re.findall(r"([\d{},]+)\s*\n\\end\{aligned\}", step)[0].replace("{,}", ""))
        for step in steps
        if "of them" not in step
    ]
    assert sum(products) + sum(single) == sc.count(name)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_every_part(form):
    setting = sc.formula("gpt2").setting()
    text = derivation(setting, form)
    for title in ("1. Embeddings", "2. Norms of one layer", "5. Final norm", "6. All parameters", "7. Conventions"):
        assert title in text
    assert "PyTorch" not in text  # nothing is said of a model that was not built


def test_a_part_that_disagrees_is_not_written():
    setting = sc.formula("gpt2").setting()
    with pytest.raises(VerificationError, match=r"1\. Embeddings has 39,383,808 parameters, but the real model 1"):
        derivation(setting, seen=Seen({"wte.weight": 1}))
    with pytest.raises(NotationError, match="document as 'docx': expected one of markdown, tex, html"):
        derivation(setting, "docx")


def test_the_command_holds_each_part_against_the_real_model(call, tmp_path):
    pytest.importorskip("transformers")
    code, _, err = call("derive", "gpt2", "--document", str(tmp_path / "d.md"))
    assert code == 0, err
    text = (tmp_path / "d.md").read_text(encoding="utf-8")
    assert text.count("PyTorch counts") == 5
    assert "148 of 148 tensors match in path, shape and sharing" in text
    assert "expected a name that ends in .md" in call("derive", "gpt2", "--document", str(tmp_path / "d.docx"))[2]
