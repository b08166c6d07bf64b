"""Quantised weights: the packed tensors against real modules where the packages are, else by documented layout."""

import re
from itertools import product

import pytest

import symcount as sc
from sampling import sampled
from symcount.errors import ConfigError, DomainError, SymcountError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SMALL = {"vocab_size": 97, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2}  # fmt: skip
MODELS = {
    "dense": ("LlamaForCausalLM", SMALL),
    "tied": ("Qwen3ForCausalLM", {**SMALL, "tie_word_embeddings": True, "head_dim": 16}),
    "Conv1D": ("GPT2LMHeadModel", {"vocab_size": 97, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 8}),
    "stacked experts": ("MixtralForCausalLM", {**SMALL, "num_local_experts": 4}),
    "a classifier": ("BertForSequenceClassification", {"vocab_size": 97, "hidden_size": 32, "intermediate_size": 48,
                     "num_hidden_layers": 2, "num_attention_heads": 4}),
    "shared experts": ("DeepseekV3ForCausalLM", {**SMALL, "moe_intermediate_size": 40, "n_routed_experts": 4,
                       "n_group": 2, "topk_group": 1, "num_experts_per_tok": 2, "q_lora_rank": 24, "kv_lora_rank": 24,
                       "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 16, "num_key_value_heads": 4,
                       "first_k_dense_replace": 1}),
}  # fmt: skip


BITSANDBYTES = [
    {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    {"load_in_4bit": True, "bnb_4bit_use_double_quant": True},
    {"load_in_8bit": True},
    {"load_in_4bit": True, "llm_int8_skip_modules": ["o_proj", "dense"]},
]
FP8 = [
    {"weight_block_size": (16, 32)}, {"weight_block_size": None}, {"activation_scheme": "static"},
    {"modules_to_not_convert": ["model.layers.1.self_attn", "lm_head", "mlp.gate"]},
]  # fmt: skip


def formula(name, fields):
    config = {"architectures": [name], "model_type": getattr(transformers, name).config_class.model_type, **fields}
    return sc.formula(config), config


def saved(name, fields, folder):
    cls = getattr(transformers, name)
    cls(cls.config_class(**fields)).to(torch.bfloat16).save_pretrained(folder)
    return cls


def held(model):
    """Bytes of the parameters of a model, with what bitsandbytes keeps beside them."""
    total = 0
    for parameter in model.parameters():
        total += parameter.nbytes
        state = getattr(parameter, "quant_state", None)
        while state is not None:
            total += sum(x.nbytes for x in (state.absmax, state.code, getattr(state, "offset", None)) if x is not None)
            state = state.state2
        scale = getattr(parameter, "SCB", None)
        total += 0 if scale is None else scale.nbytes
    return total


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "options"), sampled(product(MODELS, BITSANDBYTES), 5))
def test_bitsandbytes_holds_what_the_formula_says(model, options, tmp_path):
    pytest.importorskip("bitsandbytes")
    pytest.importorskip("accelerate")
    cls = saved(*MODELS[model], tmp_path)
    loaded = cls.from_pretrained(
        tmp_path, dtype=torch.bfloat16, quantization_config=transformers.BitsAndBytesConfig(**options), device_map="cpu"
    )
    f, config = formula(*MODELS[model])
    assert f.bytes("bf16", quantization=options).count(config) == held(loaded)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "options"), sampled(product(MODELS, FP8), 3))
def test_fp8_has_the_parameters_that_the_formula_says(model, options):
    from transformers.integrations.finegrained_fp8 import replace_with_fp8_linear
    from transformers.quantizers.base import HfQuantizer
    from transformers.utils.quantization_config import FineGrainedFP8Config

    name, fields = MODELS[model]
    cls = getattr(transformers, name)
    if model == "shared experts" and "modules_to_not_convert" in options:  # which layers are dense is not known
        options = {"modules_to_not_convert": [f"model.layers.{i}.mlp.gate_proj" for i in range(2)]}
    asked = FineGrainedFP8Config(**options)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("meta"):
            built = cls(cls.config_class(**fields))
        kept = HfQuantizer.get_modules_to_not_convert(built, asked.modules_to_not_convert, built._keep_in_fp32_modules)
        made = replace_with_fp8_linear(built, kept, asked, pre_quantized=True)
    finally:
        torch.set_default_dtype(before)
    f, config = formula(name, fields)
    # the correction of a router stays in fp32 where it is loaded, and is made in bf16 here
    sizes = sum(4 * p.numel() if "e_score_correction_bias" in n else p.nbytes for n, p in made.named_parameters())
    assert (
        f.bytes("bf16", quantization={"quant_method": "fp8", **options}, values=f.bound(config)).count(config) == sizes
    )


def test_the_scales_of_deepseek_v3_are_parameters():
    f = sc.formula("DeepseekV3ForCausalLM")
    stored = f.bytes("bf16", quantization={"quant_method": "fp8", "weight_block_size": [128, 128]})
    rows = [row for row in stored.ledger if "scale_inv" in row.name]
    scales = sum(row.total for row in rows).subs({f.symbol(k): v for k, v in f.defaults.items()}) / 4
    assert f.count(**f.defaults) + scales == 671_067_242_584  # what the loaded model counts


def test_stacked_experts_stay_as_they_are():
    config = {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral"}
    stored = sc.formula(config).bytes("bf16", quantization={"load_in_4bit": True})
    assert "6EHI" in stored.latex()
    assert stored.count(config) == 91_476_213_760  # of 93,405,585,408


GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 32}
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 32}


def packed(options, sizes, skipped=()):
    """Bytes of the layers of a Llama by the documented layout."""
    bits, group = options["bits"], options["group_size"]
    total = 0
    for name, (size, out) in sizes.items():
        if name in skipped:
            total += 2 * size * out
            continue
        groups = 1 if group == -1 else -(-size // group)
        total += 4 * size * out * bits // 32 + 4 * groups * out * bits // 32 + 2 * groups * out
        total += 4 * size if options["quant_method"] == "gptq" else 0
    return total


@pytest.mark.parametrize(("options", "skipped"), [
    (GPTQ, ()), ({**GPTQ, "bits": 8}, ()), ({**GPTQ, "group_size": -1}, ()), (AWQ, ()),
    ({**AWQ, "modules_to_not_convert": ["o_proj"]}, ("o_proj",)),
])  # fmt: skip
def test_gptq_and_awq_by_their_layout(options, skipped):
    f, config = formula(*MODELS["dense"])
    h, i, k = 64, 96, 32
    sizes = {"q_proj": (h, h), "k_proj": (h, k), "v_proj": (h, k), "o_proj": (h, h), "gate_proj": (h, i),
             "up_proj": (h, i), "down_proj": (i, h)}  # fmt: skip
    rest = 2 * (2 * 97 * h + h) + 2 * 2 * 2 * h
    assert f.bytes("fp16", quantization=options).count(config) == 2 * packed(options, sizes, skipped) + rest


def test_the_packed_tensors_of_awq_are_whole_words():
    f, config = formula(*MODELS["dense"])
    with pytest.raises(DomainError, match="8 divides I is required"):
        f.bytes("fp16", quantization=AWQ).count({**config, "intermediate_size": 97})


def test_mxfp4_packs_the_experts_of_gpt_oss():
    f = sc.formula("GptOssForCausalLM")
    at = f.defaults
    stored = f.bytes("bf16", quantization={"quant_method": "mxfp4"})
    experts = [r for r in f.ledger if r.kind == "GptOssExperts" and "bias" not in r.name]
    biases = [r for r in f.ledger if r.kind == "GptOssExperts" and "bias" in r.name]
    number = {s: at[s.name] for s in f.total.free_symbols}
    elements = int(sum(r.total for r in experts).subs(number))
    more = 2 * int(sum(r.total for r in biases).subs(number))  # in fp32 rather than bf16
    assert stored.count(**at) == f.bytes("bf16").count(**at) - 2 * elements + elements // 2 + elements // 32 + more


def test_an_adapter_is_not_quantised_and_gradients_are_the_adapters():
    f, config = formula(*MODELS["dense"])
    stored = f.bytes("bf16", "gradients", quantization={"load_in_4bit": True})
    assert stored.count(config) == 2 * (2 * 97 * 64 + 5 * 64)  # of what is not quantised


WRONG = [
    ({"quant_method": "gptq", "bits": 5}, "bits: expected 2, 3, 4 or 8, got 5"),
    ({"quant_method": "gptq", "group_size": 0}, "group_size: expected an integer of at least 1, got 0"),
    ({"quant_method": "fp8", "weight_block_size": [128]}, "weight_block_size: expected two integers"),
    ({"quant_method": "fp8", "modules_to_not_convert": "lm_head"}, "modules_to_not_convert: expected a list of names"),
    ({"quant_method": "awq", "modules_to_not_convert": ["("]}, "no regular expression"),
    ("4bit", "quantization_config: expected an object, got '4bit'"),
]


@pytest.mark.parametrize(("options", "words"), WRONG)
def test_a_malformed_config_is_refused(options, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        sc.formula("LlamaForCausalLM").bytes(quantization=options)


def test_of_a_list_the_last_module_alone_is_not_replaced():
    from symcount import Formula, Notation, block, layers, stack
    from symcount.core.notation import entry

    H, N = (entry(letter) for letter in "HN")
    body = stack(
        N.symbol, block("Layer", norm=layers.RMSNorm(H.symbol), up=layers.Linear(H.symbol, H.symbol, bias=False))
    )
    f = Formula(block("Mine", layers=body), Notation((H, N)), defaults={"H": 64, "N": 5})
    stored = f.bytes("bf16", quantization={"load_in_8bit": True})
    one = 64 * 64 + 4 * 64
    assert stored.count(H=64, N=5) == 5 * 2 * 64 + 4 * one + 2 * 64 * 64
    assert stored.count(H=64, N=9) == 9 * 2 * 64 + 8 * one + 2 * 64 * 64


@pytest.mark.parametrize("kind", ["Q8_0", "q4_k", "F16"])
def test_the_types_of_gguf_files_have_blocks_of_a_row(kind):
    gguf = pytest.importorskip("gguf")
    f = sc.formula("LlamaForCausalLM")
    h, i, v, n = 4096, 11008, 32000, 32
    matrices = [(v, h), (v, h), *[(h, h)] * 4 * n, *[(i, h)] * 2 * n, *[(h, i)] * n]
    said = gguf.GGMLQuantizationType[kind.upper()]
    stored = sum(rows * gguf.quant_shape_to_byte_shape((length,), said)[0] for rows, length in matrices)
    found = f.bytes("bf16", quantization={"quant_method": "gguf", "type": kind})
    assert found.count({}) == stored + 4 * (2 * n + 1) * h  # the norms are in fp32


@pytest.mark.parametrize(("call", "words"), [
    (lambda f: f.bytes(quantization={"quant_method": "gguf", "type": "Q9_0"}), "GGUF type 'Q9_0': expected one of F32"),
    (lambda f: f.bytes(part="optimizer", quantization={"quant_method": "gguf", "type": "Q8_0"}), "are not trained"),
    (lambda f: f.bytes(quantization={"quant_method": "gguf", "type": "Q8_0"}).count({"hidden_size": 4112,
     "num_attention_heads": 1, "model_type": "llama"}), "32 divides H is required"),
], ids=["an unknown type", "training", "a row of parts of blocks"])  # fmt: skip
def test_what_no_gguf_file_has_is_told_in_a_line(call, words):
    with pytest.raises(SymcountError, match=words) as told:
        call(sc.formula("LlamaForCausalLM"))
    assert "\n" not in str(told.value)
