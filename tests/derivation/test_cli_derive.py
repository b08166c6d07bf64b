"""`symcount derive`, and the other commands on models that nobody composed."""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from symcount.derivation.formula import DerivedFormula
from symcount.errors import VerificationError


def test_derive_prints_like_formula(call):
    code, out, err = call("derive", "GPT2LMHeadModel", "--certify", "--trials", "2", "--seed", "3")
    assert (code, err) == (0, "")
    assert out.startswith("GPT2LMHeadModel (gpt2)\nfor ")
    assert "P = VH + LH + N(12H² + 13H) + 2H\nvalid when A divides H\n" in out
    assert "tie_word_embeddings = true" in out
    assert re.search(r"V +vocab_size +vocabulary size +50,257", out)
    assert "lm_head.weight is transformer.wte.weight: VH stored once" in out
    assert re.search(r"exact at this config and at 2 random points \(seed 3\), \d+ fields varied; a wrong formula", out)
    assert re.search(r"^varied: .*n_layer.*\nheld at their values: .*activation_function", out, re.MULTILINE)


def test_derive_explains_itself(call):
    code, out, err = call("derive", "Zamba2Model", "--explain")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    told = lines[lines.index(next(line for line in lines if line.startswith("run:"))) :]
    assert any(line.startswith("run: the default config; ") for line in told)
    assert any(re.match(r"run: .*\d+ other fields moved; \d+ parameters$", x) for x in told)
    held = re.compile(r"kept concrete: num_mem_blocks = 1; ")
    assert [bool(held.match(x)) for x in told].count(True) == 1
    found = json.loads(call("derive", "BertModel", "--explain", "--json")[1])["explanation"]
    assert [line.partition(":")[0] for line in found] == ["run", "multiplicities"]
    assert "explanation" not in json.loads(call("derive", "BertModel", "--json")[1])


def test_derive_json(call):
    code, out, _ = call("derive", "MixtralForCausalLM", "--certify", "--trials", "2", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["class"] == "MixtralForCausalLM"
    assert found["structural"] == ["num_hidden_layers"]
    assert found["pinned"] == {}
    assert found["certificate"]["exact"] is True
    assert found["certificate"]["points"] == 2
    assert 0 < found["certificate"]["bound"] < 1
    assert {"hidden_size", "rms_norm_eps"} <= set(found["certificate"]["varied"])
    assert "hidden_act" in found["certificate"]["held"]
    assert "num_hidden_layers" in {s["field"] for s in found["symbols"]}


def test_options_are_json(call):
    code, out, _ = call(
        "derive", "swin", "-o", "depths=[1, 2]", "-o", "num_heads=[2, 4]", "-o", "qkv_bias=False", "--json"
    )
    found = json.loads(out)
    assert code == 0
    assert {s["field"]: s["value"] for s in found["symbols"]}["depths[1]"] == 2
    assert found["options"]["qkv_bias"] is False


def test_a_formula_that_disagrees_exits_with_1(call, monkeypatch):
    def wrong(*_):
        raise VerificationError("formula and model disagree at H = 1")

    monkeypatch.setattr(DerivedFormula, "certify", wrong)
    code, out, err = call("derive", "vit", "--certify")
    assert (code, err) == (1, "error: formula and model disagree at H = 1\n")
    assert "P = " in out
    code, out, _ = call("derive", "vit", "--certify", "--json")
    assert code == 1
    assert json.loads(out)["certificate"] == {"exact": False, "seed": 0, "error": "formula and model disagree at H = 1"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("derive", "SwinMdel"), "Did you mean SwinModel"),
        (("derive", "LlamaModel", "-o", "hidden_size=33"), "33) is not a multiple of the number of attention heads"),
        (("derive", "LlamaModel", "-o", "hidden_size"), "expected NAME=VALUE"),
        (("derive", "LlamaModel", "-o", "hiden_size=64"), "no config field 'hiden_size'. Did you mean hidden_size"),
        (("derive", "BertModel", "-o", "hidden_size=" + "9" * 300), "TypeError: empty(): argument 'size' failed"),
        (("derive", "LlamaModel", "-c", "uniqe"), "Did you mean unique?"),
        (("derive", "LlamaModel", "--trials", "0"), "--trials"),
        (("derive", "absent.json"), "absent.json: No such file"),
        (("count", "vit", "-s", "hidden_size=770"), "A divides H is required"),
        (("count", "vit", "-s", "hiddensize=768"), "Did you mean hidden_size"),
    ],
)
def test_mistakes_are_told_in_a_line(call, arguments, words):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) <= 2
    assert len(err) < 400


def test_count_of_configs_of_any_architecture(call, tmp_path):
    swin = tmp_path / "swin.json"
    swin.write_text('{"model_type": "swin", "embed_dim": 128, "num_heads": [4, 8, 16, 32], "depths": [2, 2, 18, 2]}')
    bad = tmp_path / "bad.json"
    bad.write_text('{"model_type": "swin", "embed_dim": "wide"}')
    code, out, err = call("count", str(swin), "bert", str(bad), "-c", "unique", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 2
    assert [row.get("unique") for row in rows] == [86_743_224, 109_482_240, None]
    assert "bad.json: transformers rejects this config" in rows[2]["error"]
    assert "embed_dim" not in re.findall(r"defaults of SwinModel: (.*)", err)[0]


def test_other_commands_on_a_derived_formula(call):
    assert call("latex", "MT5Model")[1].startswith("VH + ")
    code, out, err = call("breakdown", "swin", "--depth", "1")
    assert code == 0
    assert "27,519,354" in out
    assert "mlp_ratio = 4" in err
    code, out, _ = call("diff", "deit", "N")
    assert code == 0
    assert "∂P/∂N" in out
    code, out, err = call("diff", "swin", "H")
    assert code == 0
    assert "P(H+1) - P(H) = " in out
    assert "the total rounds in H and has no derivative" in err
    code, out, _ = call("verify", "gpt_neox", "-s", "hidden_size=512")
    assert code == 0
    assert out.endswith("exact\n")


def test_the_page_on_own_models_is_executed():
    text = (Path(__file__).parents[2] / "docs" / "own-models.md").read_text(encoding="utf-8")
    examples = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {"__name__": "__main__"}, "own-models", "own-models.md", 0)
    assert len(test.examples) > 15
    report = []
    failures, _ = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=report.append)
    assert not failures, "".join(report)
