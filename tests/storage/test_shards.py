"""What one of several ranks holds, against torch's FSDP2 and transformers' own tensor parallelism, on fake meshes."""

import pytest

import symcount as sc
from sampling import sampled
from symcount.errors import OptionError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SMALL = {"vocab_size": 97, "hidden_size": 32, "intermediate_size": 50, "num_hidden_layers": 2, "num_attention_heads": 4}
GROUPED = {**SMALL, "num_key_value_heads": 2}
MODELS = {
    "llama": ("LlamaForCausalLM", GROUPED),
    "tied": ("Qwen3ForCausalLM", {**GROUPED, "tie_word_embeddings": True, "head_dim": 16}),
    "biases": ("Qwen2ForCausalLM", GROUPED),
    "mixture": ("MixtralForCausalLM", {**GROUPED, "num_local_experts": 3}),
    "latent": ("DeepseekV3ForCausalLM", {**SMALL, "moe_intermediate_size": 8, "num_key_value_heads": 4,
               "n_routed_experts": 4, "n_group": 2, "topk_group": 1, "num_experts_per_tok": 2, "q_lora_rank": 8,
               "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 4,
               "first_k_dense_replace": 1}),
    "sinks": ("GptOssForCausalLM", {**GROUPED, "num_local_experts": 4, "head_dim": 8}),
    "fused": ("Phi3ForCausalLM", {**GROUPED, "pad_token_id": 0}),
    "of the atlas": ("Olmo2ForCausalLM", GROUPED),
}  # fmt: skip

#: how many ranks, and which of them
ROWS_OF = ((2, 0), (8, 7), (3, 1))
PARTS_OF = ((2, 0), (2, 1), (4, 3))


def formula(model):
    name, fields = MODELS[model]
    config = {"architectures": [name], "model_type": getattr(transformers, name).config_class.model_type, **fields}
    return sc.formula(config), config


@pytest.fixture
def mesh():
    """Meshes of ranks that are not there."""
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh
    from torch.testing._internal.distributed.fake_pg import FakeStore

    def made(ranks, rank):
        if dist.is_initialized():
            dist.destroy_process_group()
        dist.init_process_group("fake", store=FakeStore(), rank=rank, world_size=ranks)
        return init_device_mesh("cpu", (ranks,), mesh_dim_names=("tp",))

    yield made
    if dist.is_initialized():
        dist.destroy_process_group()


def local(model):
    """Elements of the parameters that this rank has."""
    return sum((p.to_local() if hasattr(p, "to_local") else p).numel() for p in model.parameters())


def built(model):
    name, fields = MODELS[model]
    cls = getattr(transformers, name)
    with torch.device("meta"):
        return cls(cls.config_class(**fields))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "ranks", "rank"), sampled([(m, *r) for r in ROWS_OF for m in MODELS], 5))
def test_a_rank_of_fsdp2_has_the_rows_that_torch_gives_it(model, ranks, rank, mesh):
    from torch.distributed.fsdp import fully_shard

    there = built(model)
    fully_shard(there, mesh=mesh(ranks, rank))
    f, config = formula(model)
    assert f.shard(ranks, "fsdp2", rank=rank).count(config) == local(there)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "ranks", "rank"), sampled([(m, *r) for r in PARTS_OF for m in MODELS], 4))
def test_a_rank_of_tensor_parallelism_has_what_transformers_gives_it(model, ranks, rank, mesh):
    parallel = pytest.importorskip("transformers.distributed.tensor_parallel")
    there = built(model)
    there.tie_weights()
    plan = there._expand_parallel_plan(dict(there.tp_plan))
    named = {n for n, _ in there.named_modules()} | {n for n, _ in there.named_parameters()}
    plan = {name: style for name, style in plan.items() if name in named}
    parallel.apply_tensor_parallelism(there, mesh(ranks, rank), plan)
    there.tie_weights()
    f, config = formula(model)
    assert f.shard(ranks, "tp", rank=rank).count(config) == local(there)


LLAMA3 = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 128256,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
}
ROWS = {"model.embed_tokens": "embedding_rowwise"}
PLAN = {"lm_head": "colwise_rep", **{f"model.layers.*.{name}": style for name, style in {
    "self_attn.q_proj": "colwise", "self_attn.k_proj": "colwise", "self_attn.v_proj": "colwise",
    "self_attn.o_proj": "rowwise", "mlp.gate_proj": "colwise", "mlp.up_proj": "colwise", "mlp.down_proj": "rowwise",
}.items()}}  # fmt: skip


def test_the_embedding_is_divided_or_not_by_the_version_of_the_plan():
    f = sc.formula(LLAMA3)
    assert f.shard(8, "tp", plan={**PLAN, **ROWS}).count(LLAMA3) == 1_004_015_616  # transformers 5.23
    assert f.shard(8, "tp", plan=PLAN).count(LLAMA3) == 1_463_685_120  # 5.14
    if transformers.__version__ == "5.23.0":
        assert f.shard(8, "tp").count(LLAMA3) == 1_004_015_616


def test_all_ranks_together_have_every_parameter_once():
    f, config = formula("biases")
    assert sum(f.shard(7, "fsdp2", rank=r).count(config) for r in range(7)) == f.count(config)
    whole = sum(f.shard(5, "tp", rank=r).count(config) for r in range(5))
    assert whole > f.count(config)  # norms are on each


def test_zero3_pads_each_parameter():
    f, config = formula("llama")
    sizes = [p.numel() for p in built("llama").parameters()]
    assert f.shard(7, "zero3").count(config) == sum(-(-n // 7) for n in sizes)


def test_the_bytes_of_a_rank_are_those_of_what_it_holds():
    f, config = formula("llama")
    part = f.shard(4, "fsdp2")
    assert part.bytes("bf16").count(config) == 2 * part.count(config)
    state = part.bytes("bf16", "optimizer", optimizer="sgd_momentum", master=True)
    assert state.count(config) == 4 * part.count(config)
    assert part.count(config, W=1) == f.count(config)


WRONG = [
    ((0,), {}, "ranks 0: expected an integer of at least 1"),
    ((8, "fsdp3"), {}, "scheme 'fsdp3': expected one of fsdp2, zero3, tp. Did you mean fsdp2"),
    ((8,), {"rank": 8}, "rank 8: expected an integer from 0 to 7"),
    ((8, "tp"), {"plan": {"h.*.mlp.c_fc": "diagonal"}}, "style 'diagonal' is not known"),
]


@pytest.mark.parametrize(("arguments", "options", "words"), WRONG)
def test_a_mistake_is_one_line(arguments, options, words):
    with pytest.raises(OptionError, match=words) as error:
        sc.formula("gpt2").shard(*arguments, **options)
    assert "\n" not in str(error.value)


def test_a_model_without_a_plan_is_named():
    with pytest.raises(OptionError, match="BloomForCausalLM: transformers has no plan of tensor parallelism"):
        sc.formula("BloomForCausalLM").shard(8, "tp")
