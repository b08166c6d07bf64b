"""Adapters as peft makes them: what is trained, as a formula, against peft's own number and its file."""

import json
import re

import pytest
from safetensors.torch import load_file, save_file

import symcount as sc
from symcount.adapters import config as module
from symcount.adapters.adapting import is_added
from symcount.cli import run
from symcount.config.files import is_adapter
from symcount.errors import CheckpointError, ConfigError, OptionError, StructureError
from symcount.exact.evaluate import integer_value

peft = pytest.importorskip("peft")

LLAMA = ("LlamaForCausalLM", {
    "vocab_size": 97, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2,
})  # fmt: skip
BERT = ("BertForSequenceClassification", {
    "vocab_size": 97, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
})  # fmt: skip
ROBERTA = ("RobertaForSequenceClassification", BERT[1])
GPT2 = ("GPT2LMHeadModel", {"vocab_size": 97, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 32})
T5 = ("T5ForConditionalGeneration", {"vocab_size": 97, "d_model": 16, "d_ff": 24, "num_layers": 2, "num_heads": 4,
                                     "d_kv": 4})  # fmt: skip
RESNET = ("ResNetForImageClassification", {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 2]})
OLMO = ("Olmo2ForCausalLM", LLAMA[1])

CASES = {
    "two projections": (LLAMA, "Lora", {"r": 4, "target_modules": ["q_proj", "v_proj"]}),
    "all linear": (LLAMA, "Lora", {"r": 3, "target_modules": "all-linear"}),
    "magnitudes": (LLAMA, "Lora", {"r": 4, "target_modules": ["q_proj", "down_proj"], "use_dora": True}),
    "biases of B": (LLAMA, "Lora", {"r": 4, "target_modules": ["q_proj"], "lora_bias": True}),
    "rank by layer": (LLAMA, "Lora", {"r": 4, "target_modules": ["q_proj", "k_proj"],
                                      "rank_pattern": {"layers.1.self_attn.q_proj": 8, "k_proj": 2}}),
    "some layers": (LLAMA, "Lora", {"r": 4, "target_modules": ["q_proj"], "layers_to_transform": [0, 2],
                                    "layers_pattern": "layers"}),
    "one layer": (LLAMA, "Lora", {"r": 4, "target_modules": ["q_proj"], "layers_to_transform": 1}),
    "a pattern": (LLAMA, "Lora", {"r": 4, "target_modules": r".*\.layers\.[12]\.self_attn\.(q|o)_proj"}),
    "excluded": (LLAMA, "Lora", {"r": 4, "target_modules": ["q_proj"],
                                 "exclude_modules": ["layers.0.self_attn.q_proj"]}),
    "a module as a whole": (LLAMA, "Lora", {"r": 4, "target_modules": ["q_proj"], "modules_to_save": ["lm_head"]}),
    "the head": (LLAMA, "Lora", {"r": 4, "target_modules": ["lm_head"]}),
    "an embedding": (LLAMA, "Lora", {"r": 4, "target_modules": ["embed_tokens"]}),
    "all biases": (BERT, "Lora", {"r": 4, "target_modules": ["query"], "bias": "all"}),
    "biases of what is adapted": (BERT, "Lora", {"r": 4, "target_modules": ["query"], "bias": "lora_only"}),
    "a classifier": (BERT, "Lora", {"r": 4, "target_modules": ["query", "value"], "task_type": "SEQ_CLS"}),
    "a classifier of two layers": (ROBERTA, "Lora", {"r": 4, "target_modules": ["query"], "task_type": "SEQ_CLS",
                                                     "modules_to_save": ["classifier"]}),
    "a layer as a whole": (LLAMA, "Lora", {"r": 4, "target_modules": ["q_proj"], "modules_to_save": ["layers.1.mlp"]}),
    "weights the other way round": (GPT2, "Lora", {"r": 4, "target_modules": ["c_attn", "c_fc"],
                                                   "fan_in_fan_out": True}),
    "encoder and decoder": (T5, "Lora", {"r": 4, "target_modules": ["q", "v"]}),
    "convolutions": (RESNET, "Lora", {"r": 4, "target_modules": ["convolution"]}),
    "of the atlas": (OLMO, "Lora", {"r": 4, "target_modules": ["q_proj", "up_proj"]}),
    "factors": (LLAMA, "IA3", {"target_modules": ["k_proj", "v_proj", "down_proj"],
                               "feedforward_modules": ["down_proj"]}),
    "factors, the other way round": (GPT2, "IA3", {"target_modules": ["c_attn", "mlp.c_proj"],
                                                   "feedforward_modules": ["mlp.c_proj"], "fan_in_fan_out": True}),
}  # fmt: skip


def made(folder, base, kind, options):
    """An adapter's folder as peft saves it, with its base model beside it; peft's numbers."""
    import transformers

    name, fields = base
    cls = getattr(transformers, name)
    model = cls(cls.config_class(**fields))
    model.save_pretrained(folder / "base")
    adapted = peft.get_peft_model(model, getattr(peft, f"{kind}Config")(**options))
    adapted.save_pretrained(folder)
    said = folder / "adapter_config.json"
    content = json.loads(said.read_text())
    said.write_text(json.dumps({**content, "base_model_name_or_path": "base"}))  # as it lies there
    return adapted.get_nb_trainable_parameters()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("base", "kind", "options"), CASES.values(), ids=list(CASES))
def test_what_is_trained_is_what_peft_says_and_its_file_has(tmp_path, base, kind, options):
    trainable, whole = made(tmp_path, base, kind, options)
    f = sc.formula(tmp_path)
    assert f.count(**f.defaults, convention="trainable") == trainable
    assert f.count(**f.defaults) == whole
    added = sum(integer_value(row.total, f.defaults) for row in f.ledger if is_added(row))
    assert whole - added == sc.count(tmp_path / "base" / "config.json")
    report = sc.verify(tmp_path)
    assert report.exact, [str(d) for d in report.differences]
    assert report.totals["trainable"].file == trainable
    stored = load_file(tmp_path / "adapter_model.safetensors")
    assert sum(1 for t in report.tensors if t.stored) == len(stored)
    assert {t.reason for t in report.tensors if t.status == "beyond"} <= {"of the base model, written with its adapter"}


def test_the_formula_is_linear_in_the_rank(tmp_path):
    made(tmp_path, *CASES["two projections"])
    f = sc.formula(tmp_path / "adapter_config.json")
    assert f.latex(convention="trainable") == "N(ADr + KDr + 2Hr)"
    assert str(f.diff("r", "trainable")) == "N*(A*D + D*K + 2*H)"
    other = sc.formula(tmp_path, base="LlamaForCausalLM")  # of another model: Llama 7B
    assert other.count(**{**other.defaults, "r": 16}, convention="trainable") == 32 * 16 * 4 * 4096


def test_some_layers_keep_the_symbol_of_their_number(tmp_path):
    made(tmp_path, *CASES["rank by layer"])
    f = sc.formula(tmp_path)
    for layers in (3, 5):
        counted = f.count(**{**f.defaults, "N": layers}, convention="trainable")
        assert counted == (layers - 1) * 4 * 32 + 8 * 32 + layers * 2 * 24


def test_the_convention_decides_what_is_counted(tmp_path, capsys):
    made(tmp_path, *CASES["two projections"])
    assert run(["count", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["trainable"], found["base"], found["unique"]) == (672, 8976, 9648)
    assert run(["formula", str(tmp_path / "adapter_config.json")]) == 0
    assert "P = N(" in capsys.readouterr().out
    assert run(["verify", str(tmp_path)]) == 0
    assert "exact" in capsys.readouterr().out
    assert run(["count", str(tmp_path), "--base", str(tmp_path / "base" / "config.json")]) == 0
    assert re.search(r"LlamaForCausalLM with LORA +672 +8,976 +9,648", capsys.readouterr().out)


def test_what_differs_in_the_file_is_named(tmp_path):
    import torch

    made(tmp_path, *CASES["two projections"])
    path = tmp_path / "adapter_model.safetensors"
    tensors = load_file(path)
    prefix = "base_model.model.model.layers.1.self_attn"
    del tensors[f"{prefix}.q_proj.lora_A.weight"]
    tensors[f"{prefix}.v_proj.lora_A.weight"] = torch.zeros(8, 16)
    tensors[f"{prefix}.k_proj.lora_A.weight"] = torch.zeros(4, 16)
    save_file(tensors, path)
    assert {d.name: d.status for d in sc.verify(tmp_path).differences} == {
        "model.layers.1.self_attn.q_proj.lora_A.weight": "missing",
        "model.layers.1.self_attn.v_proj.lora_A.weight": "shape",
        "model.layers.1.self_attn.k_proj.lora_A.weight": "beyond",
    }


GOOD = {"peft_type": "LORA", "r": 4, "target_modules": ["q_proj"]}
REFUSED = {
    "another method": (
        {"peft_type": "XLORA"},
        OptionError,
        "of the kind 'XLORA'; those of LORA, .* and P_TUNING are counted",
    ),
    "no method": ({"peft_type": None}, ConfigError, "peft_type: expected the name of a method, got None"),
    "no rank": ({"r": 0}, ConfigError, "r: expected an integer of at least 1, got 0"),
    "a rank that is no number": ({"r": True}, ConfigError, "r: expected an integer"),
    "nothing named": (
        {"peft_type": "PREFIX_TUNING"},
        ConfigError,
        "num_virtual_tokens: expected an integer of at least 1",
    ),
    "nothing there": (
        {"target_modules": ["nonsense"]},
        StructureError,
        "no module of LlamaForCausalLM is adapted: none is called nonsense; its linear maps are down_proj",
    ),
    "numbers for names": ({"target_modules": [1]}, ConfigError, "expected a list of names"),
    "no pattern": ({"target_modules": "("}, ConfigError, "no regular expression"),
    "a pattern that runs away": ({"target_modules": "(a+)+b"}, ConfigError, "may take for ever"),
    "a long pattern": ({"target_modules": "a" * 2000}, ConfigError, "may take for ever"),
    "no ranks": ({"rank_pattern": [1]}, ConfigError, "rank_pattern: expected an object"),
    "a rank of 0": ({"rank_pattern": {"q_proj": 0}}, ConfigError, "rank_pattern: q_proj: expected an integer"),
    "another bias": ({"bias": "some"}, ConfigError, "bias = 'some': expected none, all or lora_only"),
    "parameters": ({"target_parameters": ["w"]}, StructureError, "no parameter of LlamaForCausalLM is called .w."),
    "tokens": ({"trainable_token_indices": [1]}, OptionError, "trainable_token_indices"),
    "layers again": ({"layer_replication": [[0, 1]]}, OptionError, "layer_replication"),
}


@pytest.mark.parametrize(("changed", "error", "words"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_not_covered_is_refused_by_name(tmp_path, changed, error, words):
    (tmp_path / "adapter_config.json").write_text(json.dumps({**GOOD, **changed}))
    with pytest.raises(error, match=words):
        sc.formula(tmp_path, base="LlamaForCausalLM")


def test_the_base_model_may_be_elsewhere(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({**GOOD, "base_model_name_or_path": "meta/llama"}))
    with pytest.raises(ConfigError, match=r"its base model 'meta/llama' is no folder here.*--base"):
        sc.formula(tmp_path)
    f = sc.formula(tmp_path, base={"architectures": [LLAMA[0]], **LLAMA[1]})
    assert f.count(**f.defaults, convention="trainable") == 3 * 4 * 32
    with pytest.raises(CheckpointError, match="no adapter_model"):
        sc.verify(tmp_path, "LlamaForCausalLM")


def test_a_folder_into_whose_model_the_adapter_was_merged_is_a_model(tmp_path):
    made(tmp_path, *CASES["two projections"])
    assert is_adapter(tmp_path)
    for file in (tmp_path / "base").iterdir():
        file.rename(tmp_path / file.name)
    assert not is_adapter(tmp_path)
    assert sc.verify(tmp_path).totals["unique"].file == 8976


@pytest.mark.parametrize("text", ["", "[]", "{", '{"peft_type": 1}'])
def test_a_broken_config_is_one_line(tmp_path, capsys, text):
    path = tmp_path / "adapter_config.json"
    path.write_text(text)
    for command in ("count", "formula", "verify"):
        assert run([command, str(path), "--base", "llama"]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert err.startswith("error: ")


def test_the_names_that_peft_matches(tmp_path):
    """Random lists, patterns and layers, against peft's own function."""
    import random

    from peft.tuners.tuners_utils import check_target_module_exists

    rng = random.Random(0)
    names = [f"model.layers.{i}.{a}.{b}" for i in range(4) for a in ("attn", "mlp") for b in ("q", "up", "q2")]
    for _ in range(300):
        said = {
            "target_modules": rng.choice([["q"], ["attn.q", "up"], ["model.layers.1.attn.q"], r".*\.[13]\.attn\.q.*"]),
            "exclude_modules": rng.choice([None, ["up"], ["layers.2.mlp.up"], r".*\.0\..*"]),
            "layers_to_transform": rng.choice([None, None, 1, [0, 3]]),
            "layers_pattern": rng.choice([None, "layers", ["blocks", "layers"]]),
            "modules_to_save": rng.choice([None, ["mlp"], ["attn.q2"]]),
        }
        if isinstance(said["target_modules"], str):
            said |= {"layers_to_transform": None, "layers_pattern": None}
        if said["layers_to_transform"] is None:
            said["layers_pattern"] = None
        theirs = peft.LoraConfig(**said)
        ours = module.AdapterConfig(said, "", "LORA", 8)
        for name in names:
            assert ours.targets(name, linear=True) == bool(check_target_module_exists(theirs, name)), (said, name)
