"""Every method of PEFT whose size is a formula: what is trained, against PEFT's own number."""

import re

import pytest

import symcount as sc
from sampling import sampled
from symcount.adapters.methods import _factors, _nearest
from symcount.adapters.targets import table
from symcount.errors import ConfigError, OptionError, StructureError

peft = pytest.importorskip("peft")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SMALL = {"vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
GROUPED = {**SMALL, "num_key_value_heads": 2}
LATENT = {**SMALL, "moe_intermediate_size": 8, "num_key_value_heads": 4, "n_routed_experts": 4, "n_group": 2,
          "topk_group": 1, "num_experts_per_tok": 2, "q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4,
          "qk_nope_head_dim": 4, "v_head_dim": 4, "first_k_dense_replace": 1}  # fmt: skip
MODELS = {
    "llama": ("LlamaForCausalLM", GROUPED),
    "qwen3": ("Qwen3ForCausalLM", {**GROUPED, "head_dim": 16, "tie_word_embeddings": True}),
    "gpt2": ("GPT2LMHeadModel", {"vocab_size": 97, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 8}),
    "bert": ("BertForSequenceClassification", SMALL),
    "t5": ("T5ForConditionalGeneration", {"vocab_size": 97, "d_model": 32, "d_ff": 48, "num_layers": 2, "num_heads": 4,
                                          "d_kv": 8}),
    "bart": ("BartForConditionalGeneration", {"vocab_size": 97, "d_model": 32, "encoder_layers": 2, "decoder_layers": 3,
             "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48,
             "max_position_embeddings": 16}),
    "falcon": ("FalconForCausalLM", {"vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 2,
                                     "num_attention_heads": 4}),
    "mixtral": ("MixtralForCausalLM", {**GROUPED, "num_local_experts": 4}),
    "qwen3 moe": ("Qwen3MoeForCausalLM", {**GROUPED, "num_experts": 4, "moe_intermediate_size": 8,
                  "num_experts_per_tok": 2}),
    "qwen2 moe": ("Qwen2MoeForCausalLM", {**GROUPED, "num_experts": 4, "moe_intermediate_size": 8,
                  "num_experts_per_tok": 2, "shared_expert_intermediate_size": 12}),
    "deepseek": ("DeepseekV3ForCausalLM", LATENT),
    "gpt-oss": ("GptOssForCausalLM", {**GROUPED, "num_local_experts": 4, "head_dim": 8}),
    "granite": ("GraniteMoeForCausalLM", {**GROUPED, "num_local_experts": 4}),
    "llama4": ("Llama4ForCausalLM", {**GROUPED, "num_local_experts": 4, "intermediate_size_mlp": 24, "head_dim": 8}),
    "phimoe": ("PhimoeForCausalLM", {**GROUPED, "num_local_experts": 4}),
    "jamba": ("JambaForCausalLM", {**GROUPED, "num_experts": 4, "attn_layer_period": 2, "attn_layer_offset": 1,
              "expert_layer_period": 2, "expert_layer_offset": 1, "mamba_dt_rank": 4}),
    "resnet": ("ResNetForImageClassification", {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 2]}),
}  # fmt: skip
LINEAR = {"target_modules": ["q_proj", "down_proj"]}
CONVOLUTION = {"target_modules": ["convolution"]}
CASES = [
    *((m, "lora", {"r": 3}) for m in ("llama", "qwen3", "gpt2", "bert", "t5", "bart", "falcon")),
    *((m, "lora", {"r": 3, "target_modules": "all-linear"}) for m in MODELS if m != "resnet"),
    *((m, "lora", {"r": 3, "target_modules": ["down_proj"]}) for m in ("qwen3 moe", "deepseek", "llama4", "jamba")),
    *((m, "lora", {"r": 3, "target_modules": ["q_proj", "w1", "w2", "w3"]}) for m in ("mixtral",)),
    *((m, "lora", {"r": 3, "target_modules": [], "target_parameters": ["gate_up_proj", "down_proj"]})
      for m in ("mixtral", "gpt-oss", "llama4", "qwen2 moe")),
    ("granite", "lora", {"r": 3, "target_modules": ["q_proj"], "target_parameters": ["experts.down_proj"]}),
    ("mixtral", "lora", {"r": 3, "target_modules": r".*\.(q_proj|w1|w3)"}),
    ("llama", "lora", {"r": 3, "use_rslora": True}),
    ("llama", "lora", {"r": 3, "use_dora": True, "target_modules": "all-linear"}),
    ("llama", "lora", {"r": 3, "target_modules": ["embed_tokens", "lm_head"]}),
    ("qwen3", "lora", {"r": 3, "target_modules": ["lm_head", "q_proj"]}),
    ("qwen3", "lora", {"r": 3, "modules_to_save": ["lm_head"]}),
    ("llama", "lora", {"r": 3, "modules_to_save": ["embed_tokens", "lm_head"]}),
    ("bert", "lora", {"r": 3, "task_type": "SEQ_CLS"}),
    ("bert", "lora", {"r": 3, "task_type": "SEQ_CLS", "target_modules": "all-linear"}),
    ("bert", "lora", {"r": 3, "bias": "lora_only"}),
    ("llama", "adalora", {"init_r": 5}),
    ("t5", "adalora", {}),
    ("llama", "vera", {"r": 7}), ("gpt2", "vera", {"r": 7}), ("bert", "vera", {}),
    ("llama", "loha", {"r": 3, **LINEAR}), ("bert", "loha", {}), ("resnet", "loha", {"r": 3, **CONVOLUTION}),
    ("resnet", "loha", {"r": 3, **CONVOLUTION, "use_effective_conv2d": True}),
    *(("llama", "lokr", {"r": r, **LINEAR}) for r in (1, 2, 3, 4, 8)),
    *(("llama", "lokr", {"r": r, **LINEAR, "decompose_both": True}) for r in (1, 2, 4)),
    ("llama", "lokr", {"r": 2, **LINEAR, "decompose_factor": 2}),
    ("llama", "lokr", {"r": 2, **LINEAR, "decompose_factor": 5}),
    ("resnet", "lokr", {"r": 2, **CONVOLUTION}),
    ("resnet", "lokr", {"r": 1, **CONVOLUTION, "use_effective_conv2d": True}),
    ("llama", "ia3", {}), ("gpt2", "ia3", {}), ("t5", "ia3", {}), ("bert", "ia3", {"task_type": "SEQ_CLS"}),
    ("llama", "oft", {}), ("llama", "oft", {"oft_block_size": 8, **LINEAR}),
    ("llama", "oft", {"oft_block_size": 7, **LINEAR}),
    ("llama", "oft", {"r": 4, "oft_block_size": 0, **LINEAR}),
    ("llama", "oft", {"r": 5, "oft_block_size": 0, **LINEAR}),
    ("llama", "oft", {"oft_block_size": 8, "block_share": True, **LINEAR}),
    ("resnet", "oft", {"oft_block_size": 4, **CONVOLUTION}),
    ("llama", "boft", {}), ("llama", "boft", {"boft_block_size": 0, "boft_block_num": 4, **LINEAR}),
    ("resnet", "boft", {"boft_block_size": 3, "target_modules": ["embedder.embedder.convolution"]}),
    ("llama", "prefix_tuning", {"num_virtual_tokens": 5, "task_type": "CAUSAL_LM"}),
    ("qwen3", "prefix_tuning", {"num_virtual_tokens": 5, "task_type": "CAUSAL_LM", "prefix_projection": True}),
    ("gpt2", "prefix_tuning", {"num_virtual_tokens": 5, "task_type": "CAUSAL_LM"}),
    ("bart", "prefix_tuning", {"num_virtual_tokens": 5, "task_type": "SEQ_2_SEQ_LM"}),
    ("llama", "prefix_tuning", {"num_virtual_tokens": 5, "task_type": "CAUSAL_LM", "prefix_projection": True,
                                "encoder_hidden_size": 24}),
    ("llama", "prompt_tuning", {"num_virtual_tokens": 5, "task_type": "CAUSAL_LM"}),
    ("bert", "prompt_tuning", {"num_virtual_tokens": 5, "task_type": "SEQ_CLS"}),
    ("t5", "prompt_tuning", {"num_virtual_tokens": 5, "task_type": "SEQ_2_SEQ_LM"}),
    ("llama", "p_tuning", {"num_virtual_tokens": 5, "task_type": "CAUSAL_LM", "encoder_hidden_size": 24}),
    ("gpt2", "p_tuning", {"num_virtual_tokens": 5, "task_type": "CAUSAL_LM"}),
    ("llama", "p_tuning", {"num_virtual_tokens": 5, "task_type": "CAUSAL_LM", "encoder_hidden_size": 24,
                           "encoder_reparameterization_type": "LSTM", "encoder_num_layers": 3}),
]  # fmt: skip
CLASSES = {"lora": "LoraConfig", "adalora": "AdaLoraConfig", "vera": "VeraConfig", "loha": "LoHaConfig",
           "lokr": "LoKrConfig", "ia3": "IA3Config", "oft": "OFTConfig", "boft": "BOFTConfig",
           "prefix_tuning": "PrefixTuningConfig", "prompt_tuning": "PromptTuningConfig",
           "p_tuning": "PromptEncoderConfig"}  # fmt: skip


def dtype_for(method):
    """PEFT makes the ranks of AdaLoRA trainable where it casts them."""
    return torch.float32 if method == "adalora" else torch.bfloat16


def of_peft(model, method, options):
    """PEFT's own numbers: what is trained, and all."""
    name, fields = MODELS[model]
    cls = getattr(transformers, name)
    own = {"total_step": 10} if method == "adalora" else {}
    base = cls(cls.config_class(**fields)).to(dtype_for(method))
    adapted = peft.get_peft_model(base, getattr(peft, CLASSES[method])(**options, **own))
    return *adapted.get_nb_trainable_parameters(), sum(p.nbytes for p in adapted.parameters() if p.requires_grad)


def formula(model):
    name, fields = MODELS[model]
    config = {"architectures": [name], "model_type": getattr(transformers, name).config_class.model_type, **fields}
    return sc.formula(config), config


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("model", "method", "options"), sampled(CASES, 3), ids=lambda x: re.sub(r"\W+", " ", str(x))[:60]
)
def test_what_is_trained_is_what_peft_says(model, method, options):
    trainable, whole, held = of_peft(model, method, options)
    f, config = formula(model)
    made = f.adapter(method, values=f.bound(config), **options)
    assert made.count(config, convention="trainable") == trainable
    assert made.count(config) == whole
    assert made.bytes(dtype_for(method), "gradients").count(config) == held


#: of those in whose letter the adapter is linear, the fields that say it
RANKS = {"lora": "r", "adalora": "init_r", "vera": "r", "loha": "r", "prompt_tuning": "num_virtual_tokens",
         "prefix_tuning": "num_virtual_tokens"}  # fmt: skip
RANKED = [(m, kind, options) for m, kind, options in CASES if RANKS.get(kind) in options]


@pytest.mark.parametrize(("model", "method", "options"), RANKED[::8], ids=lambda x: re.sub(r"\W+", " ", str(x))[:60])
def test_the_rank_is_a_letter(model, method, options):
    f, config = formula(model)
    made = f.adapter(method, values=f.bound(config), **options)
    (letter,) = (e.letter for e in made.notation if e.letter not in f.notation)
    rank = RANKS[method]
    twice = f.adapter(method, values=f.bound(config), **{**options, rank: 2 * options[rank]})
    now = {letter: 2 * options[rank]}
    assert made.count(config, convention="trainable", **now) == twice.count(config, convention="trainable")
    assert made.count(config, convention="trainable", **now) > made.count(config, convention="trainable")


MIXTRAL = {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral"}


def test_all_linear_on_a_mixture_gives_fused_experts_twice_the_rank():
    f = sc.formula(MIXTRAL).lora(8, "all-linear")
    assert f.count(MIXTRAL, convention="trainable") == 179_832_832
    assert f.latex(convention="trainable") == "N(2ADr + 2KDr + 3EHr + 5EIr + 5Hr + Er)"
    ranks = [row for row in f.ledger if row.path.endswith("gate_up_proj_adapter")]
    assert str(ranks[0].shape[0]) == "2*E*r"


def test_closed_forms_are_those_of_the_papers():
    f = sc.formula("LlamaForCausalLM")
    expected = {
        "lora": "N(ADr + KDr + 2Hr)", "vera": "N(AD + KD + 2r)", "loha": "N(2ADr + 2KDr + 4Hr)",
        "adalora": "N(ADr + KDr + 2Hr + 2r)",
    }  # fmt: skip
    for method, latex in expected.items():
        targets = {"target_modules": ["q_proj", "v_proj"]}
        assert f.adapter(method, **targets).latex(convention="trainable") == latex
    dora = f.lora(8, ["q_proj"], use_dora=True)
    assert dora.latex(convention="trainable") == "N(ADr + Hr + AD)"
    assert f.adapter("prompt_tuning", num_virtual_tokens=20).latex(convention="trainable") == "Hn"
    assert f.adapter("prefix_tuning", num_virtual_tokens=20).latex(convention="trainable") == "2NKDn"


def test_bytes_of_training_an_adapter():
    f = sc.formula("LlamaForCausalLM").lora(8)
    trained = f.count({}, convention="trainable")
    assert f.bytes("bf16", "gradients").count({}) == 4 * trained  # PEFT's adapters are in fp32
    assert f.bytes("bf16", "gradients", kept=False).count({}) == 2 * trained
    assert f.bytes("bf16", "optimizer", optimizer="adamw").count({}) == 8 * trained + 4 * 32 * 4
    quantised = f.bytes("bf16", quantization={"load_in_4bit": True})
    alone = sc.formula("LlamaForCausalLM").bytes("bf16", quantization={"load_in_4bit": True})
    assert quantised.count({}) == alone.count({}) + 4 * trained


def test_the_table_is_that_of_peft():
    if peft.__version__ != table()["peft"]:
        pytest.skip("another version")
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    from benchmarks.peft_table import read_off

    found, known = read_off(), dict(table())
    # of a release of transformers that does not have all model types
    known["converted"] = {
        k: v for k, v in known["converted"].items() if k in {**found["converted"], **CONFIG_MAPPING_NAMES}
    }
    assert {k: v for k, v in found.items() if k != "transformers"} == {
        k: v for k, v in known.items() if k != "transformers"
    }


def test_factors_and_divisors_are_those_of_peft():
    from peft.tuners.lokr.layer import factorization
    from peft.tuners.oft.layer import OFTLayer

    for number in (1, 2, 7, 12, 48, 127, 128, 768, 4096, 11008):
        for factor in (-1, 1, 2, 5, 16):
            assert _factors(number, factor) == factorization(number, factor)
        for wanted in (1, 3, 8, 32, 100):
            assert _nearest(number, wanted) == OFTLayer.adjust_oft_parameters(None, number, wanted)


WRONG = [
    ("lora", {"r": 0}, ConfigError, "lora: r: expected an integer of at least 1, got 0"),
    ("lora", {"r": -1}, ConfigError, "lora: r: expected an integer of at least 1, got -1"),
    ("lora", {"r": 2.5}, ConfigError, "lora: r: expected an integer of at least 1, got 2.5"),
    ("lora", {"target_modules": ["q_prj"]}, StructureError, "none is called q_prj; .* Did you mean q_proj"),
    ("lora", {"target_modules": ["q_proj"], "target_parameters": ["x"]}, StructureError, "called 'x'"),
    ("lorra", {}, OptionError, "of the kind 'LORRA'; those of LORA, .* Did you mean LORA"),
    ("prompt_tuning", {}, ConfigError, "num_virtual_tokens: expected an integer of at least 1, got 0"),
    ("boft", {"boft_block_size": 5}, OptionError, "4,096 columns, which boft_block_size = 5 must divide"),
    ("oft", {"r": 4, "oft_block_size": 8}, ConfigError, "both say the size; give one"),
    ("lokr", {"decompose_factor": 0}, OptionError, "decompose_factor: expected -1 or at least 1, got 0"),
    ("p_tuning", {"num_virtual_tokens": 4, "encoder_reparameterization_type": "GRU"}, OptionError, "MLP or LSTM"),
    ("p_tuning", {"num_virtual_tokens": 4, "encoder_hidden_size": 2.5}, ConfigError,
     "encoder_hidden_size: expected an integer of at least 1, got 2.5"),
    ("p_tuning", {"num_virtual_tokens": 4, "encoder_reparameterization_type": "LSTM", "encoder_num_layers": 2000},
     OptionError, "encoder_num_layers: expected at most 1,000, got 2,000"),
    ("boft", {"boft_n_butterfly_factor": 0, **LINEAR}, ConfigError, "boft_n_butterfly_factor: expected an integer of"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "options", "error", "words"), WRONG)
def test_a_mistake_is_one_line(method, options, error, words):
    with pytest.raises(error, match=words) as raised:
        sc.formula("LlamaForCausalLM").adapter(method, **options)
    assert "\n" not in str(raised.value)


def test_models_without_default_targets_are_named():
    for name in ("MixtralForCausalLM", "JambaForCausalLM", "Qwen3MoeForCausalLM"):
        with pytest.raises(OptionError, match="PEFT has no default target_modules for models of type"):
            sc.formula(name).lora(8)
    with pytest.raises(OptionError, match="has up_proj without gate_proj, with which it is fused"):
        sc.formula("Qwen3MoeForCausalLM").lora(8, ["up_proj"])


def test_an_adapter_is_of_the_model_itself():
    f = sc.formula("LlamaForCausalLM")
    for made in (f.lora(8), f.shard(8)):
        with pytest.raises(OptionError, match="adapt the model itself, once"):
            made.lora(8)
    assert f.lora(8).shard(8).count({}, convention="trainable") == f.lora(8).count({}, convention="trainable") // 8
