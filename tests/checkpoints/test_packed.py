"""Packed weights: the logical count and the stored bytes, both exact, in the layouts that their packages document."""

import json
from math import prod

import pytest

import symcount as sc
from symcount.checkpoints.header import BITS, StoredTensor
from symcount.checkpoints.packed import bits_of, unpack
from symcount.exact.evaluate import integer_value

from .conftest import hollow, saved

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 96, "hidden_size": 64,
    "intermediate_size": 160, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
}  # fmt: skip
FORMULA = sc.formula("LlamaForCausalLM")


def shapes():
    values = FORMULA.values({"V": 96, "H": 64, "I": 160, "N": 2, "A": 4, "K": 2, "D": 16})
    found = {}
    for row in FORMULA.ledger:
        shape = tuple(integer_value(d, values) for d in row.shape)
        found |= {row.tensor.replace("*", str(i)): shape for i in range(2 if "*" in row.tensor else 1)}
    return found


SHAPES = shapes()
LINEARS = [n for n in SHAPES if "_proj.weight" in n]
GROUP = 32


def gptq(out, size, bits):
    groups = -(-size // GROUP)
    return {"qweight": ("I32", (-(-size * bits // 32), out)), "qzeros": ("I32", (groups, -(-out * bits // 32))),
            "scales": ("F16", (-(-size // GROUP), out)), "g_idx": ("I32", (size,))}  # fmt: skip


def awq(out, size, bits):
    return {"qweight": ("I32", (size, out * bits // 32)), "qzeros": ("I32", (size // GROUP, out * bits // 32)),
            "scales": ("F16", (size // GROUP, out))}  # fmt: skip


def without(name, layout):
    def made(out, size, bits):
        return {n: s for n, s in layout(out, size, bits).items() if n != name}

    return made


def nf4(out, size, _):
    blocks = -(-out * size // 64)
    return {"weight": ("U8", (-(-out * size // 2), 1)), "weight.absmax": ("U8", (blocks,)),
            "weight.quant_map": ("F32", (16,)), "weight.nested_absmax": ("F32", (-(-blocks // 256),)),
            "weight.nested_quant_map": ("F32", (256,)),
            "weight.quant_state.bitsandbytes__nf4": ("U8", (130,))}  # fmt: skip


def fp4(out, size, _):
    return {"weight": ("U8", (-(-out * size // 2), 1)), "weight.absmax": ("F32", (-(-out * size // 64),)),
            "weight.quant_map": ("F32", (16,)), "weight.quant_state.bitsandbytes__fp4": ("U8", (90,))}  # fmt: skip


def int8(out, size, _):
    return {"weight": ("I8", (out, size)), "SCB": ("F32", (out,)), "weight_format": ("U8", ())}


def blocks_of_eight(out, size, _):
    return {"weight": ("F8_E4M3", (out, size)), "weight_scale_inv": ("F32", (-(-out // 128), -(-size // 128)))}


def rows_of_eight(out, size, _):
    return {"weight": ("F8_E4M3", (out, size)), "weight_scale": ("BF16", (out, 1)), "input_scale": ("BF16", (1,))}


def compressed(out, size, bits):
    return {"weight_packed": ("I32", (out, -(-size * bits // 32))), "weight_scale": ("BF16", (out, -(-size // GROUP))),
            "weight_shape": ("I64", (2,))}  # fmt: skip


def nvfp4(out, size, _):
    return {"weight": ("U8", (out, size // 2)), "weight_scale": ("F8_E4M3", (out, size // 16)),
            "weight_scale_2": ("F32", ()), "input_scale": ("F32", ())}  # fmt: skip


def nvfp4_compressed(out, size, _):
    return {"weight_packed": ("U8", (out, size // 2)), "weight_scale": ("F8_E4M3", (out, size // 16)),
            "weight_global_scale": ("F32", (1,)), "input_global_scale": ("F32", (1,))}  # fmt: skip


METHODS = {
    "gptq, 4 bits": (gptq, 4, {"quant_method": "gptq", "bits": 4}),
    "gptq, 8 bits": (gptq, 8, {"quant_method": "gptq", "bits": 8}),
    "gptq, 3 bits": (gptq, 3, {"quant_method": "gptq", "bits": 3}),
    "gptq without order": (without("g_idx", gptq), 4, {"quant_method": "gptq", "bits": 4}),
    "gptq without config": (gptq, 4, None),
    "awq": (awq, 4, {"quant_method": "awq", "bits": 4}),
    "awq without config": (awq, 4, None),
    "nf4": (nf4, 4, {"quant_method": "bitsandbytes", "load_in_4bit": True}),
    "fp4": (fp4, 4, {"quant_method": "bitsandbytes", "load_in_4bit": True}),
    "int8": (int8, 8, {"quant_method": "bitsandbytes", "load_in_8bit": True}),
    "fp8 blocks": (blocks_of_eight, 8, {"quant_method": "fp8", "weight_block_size": [128, 128]}),
    "fp8 rows": (rows_of_eight, 8, {"quant_method": "fbgemm_fp8"}),
    "compressed integers": (compressed, 4, {"quant_method": "compressed-tensors",
                                             "config_groups": {"group_0": {"weights": {"num_bits": 4}}}}),
    "nvfp4": (nvfp4, 4, {"quant_method": "modelopt"}),
    "nvfp4 compressed": (nvfp4_compressed, 4, {"quant_method": "compressed-tensors"}),
}  # fmt: skip


def write(folder, method, bits, quantization, change=None):
    tensors = {}
    for name, shape in SHAPES.items():
        if name in LINEARS:
            tensors |= {name.removesuffix("weight") + end: said for end, said in method(*shape, bits).items()}
        else:
            tensors[name] = ("F16", shape)
    if change:
        change(tensors)
    hollow(folder / "model.safetensors", tensors)
    config = CONFIG if quantization is None else {**CONFIG, "quantization_config": quantization}
    (folder / "config.json").write_text(json.dumps(config))
    return tensors


@pytest.mark.parametrize(("method", "bits", "quantization"), METHODS.values(), ids=list(METHODS))
def test_the_logical_count_and_the_stored_bytes(tmp_path, method, bits, quantization):
    tensors = write(tmp_path, method, bits, quantization)
    report = sc.verify(tmp_path)
    assert report.exact, [str(d) for d in report.differences]
    assert report.statuses == {"there": len(SHAPES)}
    unique = report.totals["unique"]
    assert unique.formula == unique.file == sum(map(prod, SHAPES.values()))
    assert unique.size == report.size == sum(prod(s) * BITS[d] // 8 for d, s in tensors.values())
    sources = [s for t in report.tensors for s in t.stored.sources]
    assert sorted(sources) == sorted(tensors)


@pytest.mark.parametrize(("method", "bits", "quantization"), METHODS.values(), ids=list(METHODS))
def test_another_number_of_rows_is_seen(tmp_path, method, bits, quantization):
    name = "model.layers.1.mlp.up_proj."

    def change(tensors):
        for n in [n for n in tensors if n.startswith(name)]:
            del tensors[n]
        tensors.update({name + end: said for end, said in method(192, 64, bits).items()})

    write(tmp_path, method, bits, quantization, change)
    (found,) = sc.verify(tmp_path).differences
    assert (found.name, found.status) == (f"{name}weight", "shape")
    assert prod(found.actual) == 192 * 64


@pytest.mark.parametrize("lost", ["qweight", "scales", "qzeros"])
def test_a_part_that_is_missing_is_seen(tmp_path, lost):
    write(tmp_path, gptq, 4, None, lambda t: t.pop(f"model.layers.1.mlp.up_proj.{lost}"))
    report = sc.verify(tmp_path)
    assert not report.exact
    assert "model.layers.1.mlp.up_proj.weight" in {d.name for d in report.differences if d.status == "missing"}


def test_an_odd_number_of_elements_of_four_bits():
    """The last byte of the weights is half empty, and both numbers of elements are admitted."""
    tensors = [StoredTensor("q.weight", (8, 1), "U8", 0, 8), StoredTensor("q.weight.absmax", (1,), "F32", 8, 4)]
    (found,) = unpack(tensors)
    assert [found.fits(s) for s in ((3, 5), (4, 4), (2, 7), (17,))] == [True, True, False, False]


def test_experts_of_mxfp4(tmp_path):
    """gpt-oss: blocks and scales, in the other order than the model's."""
    config = {
        "architectures": ["GptOssForCausalLM"], "model_type": "gpt_oss", "vocab_size": 96, "hidden_size": 64,
        "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "head_dim": 16, "num_local_experts": 4, "num_experts_per_tok": 2, "tie_word_embeddings": False,
        "layer_types": ["sliding_attention", "full_attention"], "quantization_config": {"quant_method": "mxfp4"},
    }  # fmt: skip
    model = saved(tmp_path, "GptOssForCausalLM", {k: v for k, v in config.items() if k != "quantization_config"})
    (tmp_path / "config.json").write_text(json.dumps(config))
    tensors = {}
    for name, p in model.named_parameters():
        if name.endswith(("gate_up_proj", "down_proj")):
            experts, columns, rows = p.shape
            tensors[f"{name}_blocks"] = ("U8", (experts, rows, columns // 32, 16))
            tensors[f"{name}_scales"] = ("U8", (experts, rows, columns // 32))
        else:
            tensors[name] = ("BF16", tuple(p.shape))
    hollow(tmp_path / "model.safetensors", tensors)
    report = sc.verify(tmp_path)
    assert report.exact, [str(d) for d in report.differences]
    assert report.totals["unique"].file == model.num_parameters()


def test_fp8_as_torch_saves_it(tmp_path):
    import torch
    from safetensors.torch import save_file

    tensors = {}
    for name, shape in SHAPES.items():
        tensors[name] = torch.zeros(shape, dtype=torch.float8_e4m3fn if name in LINEARS else torch.bfloat16)
        if name in LINEARS:
            tensors[f"{name}_scale_inv"] = torch.zeros(-(-shape[0] // 128), -(-shape[1] // 128))
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    report = sc.verify(tmp_path)
    assert report.exact
    assert report.size == report.totals["unique"].size == sum(t.nbytes for t in tensors.values())


@pytest.mark.parametrize(
    ("said", "bits"),
    [
        ({}, None),
        ({"quantization_config": None}, None),
        ({"quantization_config": {"w_bit": 4}}, 4),
        ({"quantization_config": {"bits": "4"}}, None),
        ({"quantization_config": {"bits": -1}}, None),
        ({"quantization_config": {"config_groups": {"a": {"weights": {"num_bits": 8}}}}}, 8),
        ({"quantization_config": {"config_groups": [1]}}, None),
    ],
)
def test_the_bits_that_a_config_says(said, bits):
    assert bits_of(said) == bits


DEEPSEEK = {
    "model_type": "deepseek_v3", "vocab_size": 96, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 4,
        "n_routed_experts": 4, "n_group": 2, "topk_group": 1,
    "num_experts_per_tok": 2, "first_k_dense_replace": 1, "moe_intermediate_size": 32, "q_lora_rank": 32,
    "kv_lora_rank": 32, "qk_rope_head_dim": 16, "v_head_dim": 16, "qk_nope_head_dim": 16,
    "num_nextn_predict_layers": 1,
}  # fmt: skip
MIXTRAL = {
    "model_type": "mixtral", "vocab_size": 96, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2,
}  # fmt: skip
EXPERTS = {
    "deepseek": ("DeepseekV3ForCausalLM", DEEPSEEK, blocks_of_eight),
    "mixtral": ("MixtralForCausalLM", MIXTRAL, gptq),
}


@pytest.mark.parametrize(("name", "config", "method"), EXPERTS.values(), ids=list(EXPERTS))
def test_every_expert_is_packed_by_itself_and_put_together(tmp_path, name, config, method):
    """As the published files are: packed first, stacked while they are loaded; and a layer for predicting more."""
    from safetensors import safe_open

    model = saved(tmp_path, name, config)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        shapes = {n: file.get_slice(n).get_shape() for n in file.keys()}  # noqa: SIM118  # it is no dict
    tensors = {}
    for tensor, shape in shapes.items():
        if len(shape) == 2 and not any(word in tensor for word in ("embed", "lm_head", "gate.weight")):
            tensors |= {tensor.removesuffix("weight") + end: said for end, said in method(*shape, 4).items()}
        else:
            tensors[tensor] = ("F16", tuple(shape))
    more = {f"model.layers.3.{n}.weight": ("F16", (64, 128)) for n in ("eh_proj", "mlp.experts.0.up_proj")}
    if name.startswith("Deepseek"):
        tensors |= more
    hollow(tmp_path / "model.safetensors", tensors)
    (tmp_path / "config.json").write_text(json.dumps({**config, "architectures": [name]}))
    report = sc.verify(tmp_path)
    assert report.exact, [str(d) for d in report.differences[:5]]
    assert report.totals["unique"].file == report.totals["unique"].formula == model.num_parameters()
    assert {t.reason for t in report.tensors if t.status == "beyond"} <= {"multi-token prediction", "buffer"}
    sources = [s for t in report.tensors if t.stored for s in t.stored.sources]
    assert sorted(sources) == sorted(tensors)
