"""The command `shard`: numbers of a rank, a line for each mistake, and plans that are known without transformers."""

import json
import sys

import pytest

import symcount as sc
from symcount.cli import run
from symcount.storage.plans import plan_of, table

LLAMA3 = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 128256, "hidden_size": 4096,
    "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "torch_dtype": "bfloat16",
}  # fmt: skip


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(LLAMA3))
    return str(path)


def answered(capsys, *arguments):
    assert run(["shard", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_rank_of_fsdp2_has_its_rows_and_trains_them(capsys, config):
    found = answered(capsys, config, "--ranks", "8", "--optimizer", "adamw")
    assert (found["scheme"], found["ranks"], found["rank"], found["model"]) == ("fsdp2", 8, 0, 8_030_261_248)
    assert found["parameters"] == 8_030_261_248 // 8
    assert found["weights"] == found["gradients"] == 2 * found["parameters"]
    assert found["optimizer"] == 4 * found["parameters"] + 4 * (32 * 9 + 3)  # a step for each tensor
    assert found["total"] == found["weights"] + found["gradients"] + found["optimizer"]


@pytest.mark.parametrize("there", [True, False], ids=["of transformers", "stored"])
def test_tensor_parallelism_is_by_the_plan_of_the_class(capsys, config, monkeypatch, there):
    if there:
        pytest.importorskip("transformers")
    else:
        monkeypatch.setitem(sys.modules, "torch", None)
        monkeypatch.setitem(sys.modules, "transformers", None)
    found = answered(capsys, config, "--ranks", "8", "--tp")
    assert (found["parameters"], found["replicated"]) == (1_004_015_616, 65 * 4096)
    assert found.get("transformers") == (None if there else table()["transformers"])


def test_the_stored_plans_are_those_of_the_models():
    transformers = pytest.importorskip("transformers")
    if transformers.__version__ != table()["transformers"]:
        pytest.skip("another release")
    for name in ("MixtralForCausalLM", "Gemma3ForCausalLM", "GPT2LMHeadModel"):
        number = table()["classes"][name]
        if number is None:
            continue
        assert plan_of(sc.formula(name))[0] == table()["plans"][number]


def test_the_last_ranks_hold_less(capsys, config):
    sizes = [answered(capsys, config, "--ranks", "7", "--rank", str(rank))["parameters"] for rank in (0, 6)]
    assert sizes[0] > sizes[1]


def test_the_table_has_formulas(capsys, config):
    assert run(["shard", config, "--ranks", "4", "--zero3"]) == 0
    out = capsys.readouterr().out
    assert "LlamaForCausalLM, rank 0 of 4, zero3, bfloat16" in out
    assert "ceiling(H*V/W)" in out
    assert "2,007,565,312" in out


WRONG = [
    (["--ranks", "0"], "ranks 0: expected an integer of at least 1"),
    (["--ranks", "8", "--rank", "8"], "rank 8: expected an integer from 0 to 7"),
    (["--ranks", "8", "--fsdp", "--tp"], "--fsdp and --tp: a model is divided in one of these ways"),
    (["--ranks", "8", "--dtype", "bf17"], "dtype 'bf17': expected one of"),
    (["--ranks", "8", "--optimizer", "adamx"], "optimizer 'adamx': expected one of"),
    (["--ranks", "8", "--master"], "master weights are an optimizer's"),
    ([], "Missing option '--ranks'"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG)
def test_a_mistake_is_one_line(capsys, config, arguments, words):
    assert run(["shard", config, *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert words in told.err
    assert len(told.err.strip().splitlines()) == 1


def test_a_class_without_a_plan_is_named(capsys):
    assert run(["shard", "BertModel", "--ranks", "8", "--tp"]) == 2
    assert "BertModel: transformers has no plan of tensor parallelism" in capsys.readouterr().err
