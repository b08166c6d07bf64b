"""Bytes as formulas against what torch and transformers hold: weights, gradients, the state of optimizers."""

import json
import warnings
from collections import Counter
from itertools import product

import pytest

import symcount as sc
from sampling import sampled
from symcount.cli import run
from symcount.errors import OptionError
from symcount.storage.dtypes import DTYPES
from symcount.storage.footprint import buffers
from symcount.storage.optimizers import OPTIMIZERS, optimizer
from symcount.storage.precision import table

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SMALL = {"vocab_size": 97, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4}
MODELS = {
    "two dimensions and one": ("BertForMaskedLM", {**SMALL, "max_position_embeddings": 32}),
    "stacked experts": ("MixtralForCausalLM", {**SMALL, "num_key_value_heads": 2, "num_local_experts": 4}),
    "convolutions": ("MambaForCausalLM", {"vocab_size": 97, "hidden_size": 16, "num_hidden_layers": 2}),
    "a large table": (
        "GPT2LMHeadModel",
        {"vocab_size": 600, "n_embd": 16, "n_layer": 1, "n_head": 4, "n_positions": 8},
    ),
}
TORCH = {
    "adamw": lambda p: torch.optim.AdamW(p),
    "adamw_amsgrad": lambda p: torch.optim.AdamW(p, amsgrad=True),
    "sgd": lambda p: torch.optim.SGD(p),
    "sgd_momentum": lambda p: torch.optim.SGD(p, momentum=0.9),
    "rmsprop": lambda p: torch.optim.RMSprop(p),
    "adagrad": lambda p: torch.optim.Adagrad(p),
    "adadelta": lambda p: torch.optim.Adadelta(p),
    "adamax": lambda p: torch.optim.Adamax(p),
    "nadam": lambda p: torch.optim.NAdam(p),
    "radam": lambda p: torch.optim.RAdam(p),
    "asgd": lambda p: torch.optim.ASGD(p),
    "rprop": lambda p: torch.optim.Rprop(p),
    "adafactor_torch": lambda p: torch.optim.Adafactor(p),
    "adafactor": lambda p: transformers.optimization.Adafactor(p),
    "muon": lambda p: torch.optim.Muon([x for x in p if x.ndim == 2]),
    "adamw_8bit": lambda p: pytest.importorskip("bitsandbytes").optim.AdamW8bit(p),
    "adamw_32bit": lambda p: pytest.importorskip("bitsandbytes").optim.AdamW(p),
    "lion_32bit": lambda p: pytest.importorskip("bitsandbytes").optim.Lion(p),
    "lion_8bit": lambda p: pytest.importorskip("bitsandbytes").optim.Lion8bit(p),
}


def built(name, fields, dtype=None):
    cls = getattr(transformers, name)
    model = cls(cls.config_class(**fields))
    return model if dtype is None else model.to(dtype)


def formula(name, fields):
    config = {"architectures": [name], "model_type": getattr(transformers, name).config_class.model_type, **fields}
    return sc.formula(config), config


def tensors(state):
    """By storage, the tensors among the values of an optimizer's state."""
    found = [x for entry in state.values() for x in entry.values() if torch.is_tensor(x)]
    return list({(x.data_ptr(), x.nbytes): x for x in found}.values())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "name", "dtype"), sampled(product(MODELS, TORCH, ("float32", "bfloat16")), 5))
def test_an_optimizer_keeps_what_its_formula_says(model, name, dtype):
    module = built(*MODELS[model], getattr(torch, dtype))
    parameters = list(module.parameters())
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    made = TORCH[name](parameters)
    made.step()
    f, config = formula(*MODELS[model])
    expected = sum(x.nbytes for x in tensors(made.state))
    if OPTIMIZERS[name].once and not any("qmap1" in entry for entry in made.state.values()):
        expected += OPTIMIZERS[name].once  # tables that no tensor is large enough to need
    assert f.bytes(dtype, "optimizer", optimizer=name, kept=False).count(config) == expected
    names = Counter(key for entry in made.state.values() for key, x in entry.items() if torch.is_tensor(x))
    if not OPTIMIZERS[name].once:
        assert set(names) == {s.name for s in OPTIMIZERS[name].states if names[s.name]}


def test_muon_leaves_stacked_experts_out_and_the_rest_is_adamw():
    f, config = formula(*MODELS["stacked experts"])
    module = built(*MODELS["stacked experts"])
    two = sum(p.numel() for p in module.parameters() if p.ndim == 2)
    rest = [p for p in module.parameters() if p.ndim != 2]
    assert f.bytes("fp32", "optimizer", optimizer="muon").count(config) == 4 * two
    both = f.bytes("fp32", "optimizer", optimizer="muon_adamw").count(config)
    assert both == 4 * two + 8 * sum(p.numel() for p in rest) + 4 * len(rest)


#: what a GPU's allocator and optimizers held: one H200, torch 2.11, transformers 5.17
LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 1024, "intermediate_size": 2816,
         "num_hidden_layers": 4, "num_attention_heads": 16, "num_key_value_heads": 4, "tie_word_embeddings": True,
         "vocab_size": 32000}  # fmt: skip
BERT = {"architectures": ["BertForMaskedLM"], "model_type": "bert", "max_position_embeddings": 4096}
MEASURED = [
    (LLAMA, 155731968, "adamw", 152 + 2 * 155731968, None),
    (LLAMA, 155731968, "sgd_momentum", 155731968, 0),
    (LLAMA, 155731968, "adafactor_torch", 152 + 137728 + 73728 + 18432, None),
    (LLAMA, 155731968, "adafactor", 275456 + 147456 + 152 + 36864, None),
    (LLAMA, 155731968, "adamw_for_loop", 152 + 2 * 155731968, 131072000),
    (LLAMA, 155731968, "muon", 155713536, 200802304),
    (BERT, 224533620, "adamw_fused", 808 + 2 * 224533620, 0),
    (BERT, 224533620, "adafactor_torch", 808 + 236664 + 172032 + 308340, None),
    (BERT, 224533620, "adamw_for_loop", 808 + 2 * 224533620, 93763584),
    (BERT, 224533620, "muon", 224225280, None),
]


@pytest.mark.parametrize(("config", "weights", "name", "state", "step"), MEASURED)
def test_what_was_measured_on_a_gpu_is_what_the_formulas_say(config, weights, name, state, step):
    f = sc.formula(config)
    assert f.bytes("bf16").count(config) == f.bytes("bf16", "gradients").count(config) == weights
    assert f.bytes("bf16", "optimizer", optimizer=name).count(config) == state
    if step is not None:
        assert f.bytes("bf16", "step", optimizer=name).count(config) == step


def test_the_allocator_hands_out_whole_pages():
    vit = {"architectures": ["ViTForImageClassification"], "model_type": "vit"}
    f = sc.formula(vit)
    assert f.bytes("bf16").count(vit) == 171600388
    assert f.bytes("bf16", page=512).count(vit) == 171600896
    assert sc.formula("gpt2").bytes("bf16", page=512).count(n_positions=4096, V=50257, H=768, N=12) == 253598208


def test_training_is_the_sum_of_its_parts():
    f = sc.formula("T5ForConditionalGeneration")
    parts = [
        f.bytes("bf16", p, master=True).count(**f.defaults) for p in ("weights", "gradients", "optimizer", "master")
    ]
    assert f.bytes("bf16", "training", master=True).count(**f.defaults) == sum(parts)
    total = f.count(**f.defaults)
    assert parts[1:2] + parts[3:] == [2 * total, 4 * total]
    assert 0 < parts[2] - 8 * total < 4 * 300  # a step for each tensor


def test_bytes_are_formulas_like_any_other():
    f = sc.formula("gpt2").bytes("bf16")
    assert f.latex() == "2VH + 2LH + N(24H^2 + 26H) + 4H"
    assert f.latex(lhs="M").startswith("M = ")
    assert str(f.step("N")) == "24*H**2 + 26*H"
    assert sum(p.count(f.defaults) for p in f.breakdown(1)) == f.count(**f.defaults)
    assert f.code().startswith("# Bytes of GPT2Model")
    assert f.count({"model_type": "gpt2", "n_layer": 2}) == 2 * sc.count({"model_type": "gpt2", "n_layer": 2})


KEPT = {
    "T5ForConditionalGeneration": ({"vocab_size": 97, "d_model": 16, "d_ff": 24, "num_layers": 2, "num_heads": 4,
                                     "d_kv": 4}),
    "DebertaForMaskedLM": ({**SMALL, "max_position_embeddings": 32, "pos_att_type": ["c2p", "p2c"]}),
    "RwkvForCausalLM": ({"vocab_size": 97, "hidden_size": 16, "num_hidden_layers": 2, "context_length": 32}),
    "DeepseekV3ForCausalLM": ({"vocab_size": 97, "hidden_size": 16, "intermediate_size": 24, "moe_intermediate_size": 8,
                               "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4,
                               "n_routed_experts": 4, "n_group": 2, "topk_group": 1, "num_experts_per_tok": 2,
                               "q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4,
                               "v_head_dim": 4, "first_k_dense_replace": 1}),
    "XLNetLMHeadModel": ({"vocab_size": 97, "d_model": 16, "n_layer": 2, "n_head": 4, "d_inner": 24}),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "dtype"), sampled(product(KEPT, ("float16", "bfloat16", "float32")), 2))
def test_what_transformers_loads_in_fp32_is_counted_so(name, dtype, tmp_path):
    model = built(name, KEPT[name])
    model.save_pretrained(tmp_path)
    loaded = type(model).from_pretrained(tmp_path, dtype=getattr(torch, dtype))
    f, config = formula(name, KEPT[name])
    assert f.bytes(dtype).count(config) == sum(p.nbytes for p in loaded.parameters())
    assert f.bytes(dtype, kept=False).count(config) == sum(
        p.nbytes for p in loaded.to(getattr(torch, dtype)).parameters()
    )


def test_the_table_of_what_stays_in_fp32_is_that_of_transformers():
    if transformers.__version__ != table()["transformers"]:
        pytest.skip("another version")
    for rule, attribute in (("soft", "_keep_in_fp32_modules"), ("strict", "_keep_in_fp32_modules_strict")):
        for name in ("T5ForConditionalGeneration", "DeepseekV3ForCausalLM", "RwkvForCausalLM", "LlamaForCausalLM"):
            assert table()[rule].get(name, []) == sorted(getattr(getattr(transformers, name), attribute) or [])


def test_every_type_has_torchs_size():
    for one in DTYPES.values():
        assert getattr(torch, one.name).itemsize == one.size


REFUSED = [
    ({"dtype": "bf17"}, "dtype 'bf17': expected one of float64, .* Did you mean bf16"),
    ({"dtype": None}, "dtype None: expected one of"),
    ({"part": "weight"}, "part 'weight': expected one of weights, .* Did you mean weights"),
    ({"part": "optimizer", "optimizer": "adamx"}, "optimizer 'adamx': expected one of adamw, .* Did you mean adam"),
    ({"page": 0}, "page 0: expected a number of bytes of at least 1"),
    ({"quantization": {"quant_method": "aqlm"}}, "quant_method = 'aqlm': those of bitsandbytes_4bit, .* are known"),
]


@pytest.mark.parametrize(("asked", "words"), REFUSED)
def test_what_there_is_not_is_refused_in_one_line(asked, words):
    with pytest.raises(OptionError, match=words) as error:
        sc.formula("bert").bytes(**asked)
    assert "\n" not in str(error.value)


def test_bytes_of_bytes_are_refused():
    with pytest.raises(OptionError, match="this is a formula of bytes already"):
        sc.formula("bert").bytes("bf16").bytes("bf16")


def test_the_names_of_optimizers_are_those_of_the_trainer_too():
    assert optimizer("adamw_torch_fused").name == "adamw_fused"
    assert optimizer("AdamW-8bit").name == "adamw_8bit"


def test_the_command_says_each_part_in_bytes(capsys, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**LLAMA, "torch_dtype": "bfloat16"}))
    assert run(["memory", str(config), "--optimizer", "adamw", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["weights"], found["cache"], found["gradients"]) == (155731968, 0, 155731968)
    assert (found["optimizer"], found["total"]) == (311464088, 622928024)
    assert (found["dtype"], found["rounding"], found["step"]) == ("bfloat16", 0, 155731968)
    assert run(["memory", "BertForMaskedLM", "--dtype", "bf16"]) == 0
    out = capsys.readouterr().out
    assert "2VH + 2LH + 2TH + 4H + N(8H² + 4HI + 18H + 2I)" in out
    assert "219,028,596" in out


def test_a_config_without_a_type_is_of_fp32(capsys, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(LLAMA))
    assert run(["memory", str(config), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["weights"] == 2 * 155731968


def test_of_an_adapter_alone_there_are_gradients(capsys):
    assert run(["memory", "LlamaForCausalLM", "--dtype", "bf16", "--optimizer", "adamw", "--lora", "8", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["weights"], found["gradients"]) == (2 * 6_738_415_616 + 4 * 4_194_304, 4 * 4_194_304)
    assert found["optimizer"] == 8 * 4_194_304 + 4 * 128
    assert run(["memory", "LlamaForCausalLM", "--lora", "8", "--targets", "q_proj", "--quantization", "4bit"]) == 0
    assert "LlamaForCausalLM with LORA" in capsys.readouterr().out


WRONG = [
    (["--lora", "0"], "lora: r: expected an integer of at least 1, got 0"),
    (["--targets", "query"], "targets are an adapter's"),
    (["--dtype", "bf17"], "dtype 'bf17': expected one of"),
    (["--optimizer", "adamx"], "optimizer 'adamx': expected one of"),
    (["--master"], "master weights are an optimizer's"),
    (["--length", "0"], "--length '0': expected a number of tokens"),
    (["--batch", "0"], "--batch 0: expected a number of sequences, at least 1"),
    (["--quantization", "2bit"], "quant_method = '2bit': those of"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG)
def test_a_mistake_of_the_command_is_one_line(arguments, words, capsys):
    assert run(["memory", "bert", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_no_warning_is_made():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sc.formula("bert").bytes("fp16", "training", optimizer="adafactor").latex("table")


#: parameters' bytes in bf16, and those of the pages that they and the buffers take of an H200's allocator
WEIGHTS = [
    ("LlamaForCausalLM", {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 8,
                          "num_attention_heads": 32, "num_key_value_heads": 8}, 1235292160, 1235293184),
    ("Gemma3ForCausalLM", {"hidden_size": 1152, "intermediate_size": 6912, "num_hidden_layers": 12,
                           "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256}, 717940992, 717956096),
    ("MixtralForCausalLM", {"hidden_size": 1024, "intermediate_size": 3584, "num_hidden_layers": 4,
                            "num_attention_heads": 16, "num_key_value_heads": 4}, 856770560, 856771584),
    ("Mamba2ForCausalLM", {"hidden_size": 1024, "state_size": 64, "num_heads": 32, "head_dim": 64, "n_groups": 1,
                           "num_hidden_layers": 4, "expand": 2}, 182828800, 182835200),
    ("BambaForCausalLM", {"hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 4,
                          "attn_layer_indices": [1, 3], "num_attention_heads": 16, "num_key_value_heads": 4,
                          "mamba_n_heads": 32, "mamba_d_head": 64, "mamba_d_state": 64}, 236655488, 236659712),
    ("WhisperForConditionalGeneration", {"d_model": 384, "encoder_layers": 4, "decoder_layers": 4,
                                         "encoder_attention_heads": 6, "decoder_attention_heads": 6,
                                         "encoder_ffn_dim": 1536, "decoder_ffn_dim": 1536}, 75521280, 75544576),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "fields", "size", "pages"), sampled(WEIGHTS, 3, 1))
def test_the_pages_of_weights_and_buffers_are_those_that_were_measured(name, fields, size, pages):
    tokens = {} if name.startswith("Whisper") else {"vocab_size": 32000, "pad_token_id": 0, "bos_token_id": 1}
    f, config = formula(name, {**fields, **tokens, "eos_token_id": 2})
    assert f.bytes("bf16", kept=False).count(config) == size
    held = buffers(f, config, "bf16")
    own = f.bytes("bf16", kept=False, page=512).count(config)
    assert own + held.persistent + held.others + held.rounding == pages


def test_buffers_in_a_file_are_told_apart(capsys):
    assert run(["memory", "IBertForMaskedLM", "-s", "N=1", "--dtype", "bf16", "--buffers", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    with torch.device("meta"):
        model = transformers.IBertForMaskedLM(transformers.IBertConfig(num_hidden_layers=1)).to(torch.bfloat16)
    kept = {n for n, _ in model.named_parameters()}
    saved = sum(x.nbytes for n, x in model.state_dict().items() if n not in kept and "decoder" not in n)
    assert found["buffers"]["persistent"] == saved
    assert found["weights"] == sum(p.nbytes for p in model.parameters())


@pytest.mark.slow
def test_the_cache_is_a_part_in_the_same_letters(capsys):
    assert run(["memory", "DeepseekV3ForCausalLM", "--length", "1k", "--dtype", "bf16", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cache"] == 2 * 61 * (512 + 64) * 1024
    assert run(["memory", "bert", "--length", "1k"]) == 2
    assert "BertModel has no cache" in capsys.readouterr().err
    assert run(["memory", "LlamaForCausalLM", "--length", "4k", "--dtype", "bf16"]) == 2
    assert "4096 ≤ L is required, but L (max_position_embeddings) = 2048" in capsys.readouterr().err
