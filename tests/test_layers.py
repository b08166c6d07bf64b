"""Every layer type against the real module of torch or transformers, at random sizes, tensor by tensor."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import symcount as sc
from symcount import layers
from symcount.core.ledger import Ledger
from symcount.core.notation import Notation, entry, letters
from symcount.core.tree import Block
from symcount.exact.evaluate import compile_scalar, integer_value
from symcount.formulas.formula import Formula

H, I, V, E, M, k, A, K, D, C, P, W, S = letters("H I V E M k A K D C P W S")
G, X, R_q, R_kv, R_dt, D_nope, D_rope, D_v = letters("G X R_q R_kv R_dt D_nope D_rope D_v")


def llama_config(**fields: Any) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(**fields)


def gpt2_linear(H: int, I: int) -> nn.Module:
    from transformers.pytorch_utils import Conv1D

    return Conv1D(nf=I, nx=H)


def llama_attention(H: int, A: int, K: int, D: int, bias: bool = False) -> nn.Module:
    from transformers.models.llama.modeling_llama import LlamaAttention

    config = llama_config(hidden_size=H, num_attention_heads=A, num_key_value_heads=K, head_dim=D, attention_bias=bias)
    return LlamaAttention(config, layer_idx=0)


def qwen3_attention(H: int, A: int, K: int, D: int) -> nn.Module:
    from transformers import Qwen3Config
    from transformers.models.qwen3.modeling_qwen3 import Qwen3Attention

    return Qwen3Attention(
        Qwen3Config(hidden_size=H, num_attention_heads=A, num_key_value_heads=K, head_dim=D), layer_idx=0
    )


def llama_mlp(H: int, I: int, bias: bool = False) -> nn.Module:
    from transformers.models.llama.modeling_llama import LlamaMLP

    return LlamaMLP(llama_config(hidden_size=H, intermediate_size=I, num_attention_heads=1, mlp_bias=bias))


def mixtral_moe(H: int, M: int, E: int, k: int) -> nn.Module:
    from transformers import MixtralConfig
    from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock

    return MixtralSparseMoeBlock(
        MixtralConfig(hidden_size=H, intermediate_size=M, num_local_experts=E, num_experts_per_tok=k)
    )


def deepseek_moe(H: int, M: int, E: int, k: int, S: int) -> nn.Module:
    from transformers import DeepseekV2Config
    from transformers.models.deepseek_v2.modeling_deepseek_v2 import DeepseekV2Moe

    config = DeepseekV2Config(
        hidden_size=H,
        moe_intermediate_size=M,
        n_routed_experts=E,
        num_experts_per_tok=k,
        n_shared_experts=S,
        num_attention_heads=1,
        n_group=1,
        topk_group=1,
    )
    return DeepseekV2Moe(config)


def latent_attention(**sizes: Any) -> nn.Module:
    from transformers import DeepseekV3Config
    from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3Attention

    config = DeepseekV3Config(
        hidden_size=sizes["H"],
        num_attention_heads=sizes["A"],
        num_key_value_heads=sizes["A"],
        q_lora_rank=sizes.get("R_q"),
        kv_lora_rank=sizes["R_kv"],
        qk_nope_head_dim=sizes["D_nope"],
        qk_rope_head_dim=sizes["D_rope"],
        v_head_dim=sizes["D_v"],
        attention_bias=sizes.get("bias", False),
    )
    return DeepseekV3Attention(config, layer_idx=0)


def mamba_mixer(H: int, X: int, G: int, W: int, R_dt: int, **more: Any) -> nn.Module:
    from transformers import MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer

    sizes = {"hidden_size": H, "expand": X, "state_size": G, "conv_kernel": W, "time_step_rank": R_dt}
    return MambaMixer(MambaConfig(**sizes, **more), layer_idx=0)


def whisper_attention(H: int, A: int) -> nn.Module:
    from transformers.models.whisper.modeling_whisper import WhisperAttention

    return WhisperAttention(H, A)


def t5_feed_forward(H: int, I: int) -> nn.Module:
    from transformers import T5Config
    from transformers.models.t5.modeling_t5 import T5DenseGatedActDense

    return T5DenseGatedActDense(T5Config(d_model=H, d_ff=I, feed_forward_proj="gated-gelu"))


def distilbert_feed_forward(H: int, I: int) -> nn.Module:
    from transformers import DistilBertConfig
    from transformers.models.distilbert.modeling_distilbert import FFN

    return FFN(DistilBertConfig(dim=H, hidden_dim=I, n_heads=1))


def heads(sizes: dict[str, int]) -> dict[str, int]:
    """Sizes where the heads divide the width."""
    return sizes | {"H": sizes["H"] * sizes["A"]}


def rotated_heads(sizes: dict[str, int]) -> dict[str, int]:
    """Sizes where also the size of a head is even: rotary positions turn it in pairs."""
    return heads(sizes) | {"D": 2 * sizes["D"]}


def rotary_part(sizes: dict[str, int]) -> dict[str, int]:
    """Sizes where the part of a head with rotary positions is even."""
    return sizes | {"D_rope": 2 * sizes["D_rope"]}


def even(sizes: dict[str, int]) -> dict[str, int]:
    """An even width: the config of the real module demands it."""
    return sizes | {"H": 2 * sizes["H"]}


def experts(sizes: dict[str, int]) -> dict[str, int]:
    """Sizes where a token uses no more experts than there are."""
    return sizes | {"E": sizes["E"] + sizes["k"]}


def groups(sizes: dict[str, int]) -> dict[str, int]:
    """Three groups divide both numbers of channels."""
    return {letter: 3 * size if letter in "CH" else size for letter, size in sizes.items()}


@dataclass
class Case:
    """A layer in letters, the real module with the same sizes, and its formula in LaTeX."""

    block: Block
    real: Callable[..., nn.Module]
    latex: str
    admissible: Callable[[dict[str, int]], dict[str, int]] = dict
    named: bool = True  # the tensors have the names of the real module


CASES = {
    "Linear": Case(layers.Linear(H, I), lambda H, I: nn.Linear(H, I), "HI + I"),
    "Linear, no bias": Case(layers.Linear(H, I, bias=False), lambda H, I: nn.Linear(H, I, bias=False), "HI"),
    "Conv1D of GPT-2": Case(layers.Conv1D(H, I), gpt2_linear, "HI + I"),
    "Embedding": Case(layers.Embedding(V, H), lambda V, H: nn.Embedding(V, H, padding_idx=0), "VH"),
    "Head": Case(layers.Head(H, V), lambda V, H: nn.Linear(H, V, bias=False), "VH"),
    "Head with bias": Case(layers.Head(H, V, bias=True), lambda V, H: nn.Linear(H, V), "VH + V"),
    "LayerNorm": Case(layers.LayerNorm(H), lambda H: nn.LayerNorm(H), "2H"),
    "LayerNorm, no bias": Case(layers.LayerNorm(H, bias=False), lambda H: nn.LayerNorm(H, bias=False), "H"),
    "LayerNorm, not affine": Case(
        layers.LayerNorm(H, affine=False), lambda: nn.LayerNorm(8, elementwise_affine=False), "0"
    ),
    "RMSNorm": Case(layers.RMSNorm(H), lambda H: nn.RMSNorm(H), "H"),
    "GroupNorm": Case(layers.GroupNorm(3, C), lambda C: nn.GroupNorm(3, C), "2C", groups),
    "BatchNorm": Case(layers.BatchNorm(C), lambda C: nn.BatchNorm2d(C), "2C"),
    "Conv1d": Case(layers.Conv1d(C, H, W), lambda C, H, W: nn.Conv1d(C, H, W), "CHW + H"),
    "Conv1d, depthwise": Case(
        layers.Conv1d(H, H, W, groups=H, bias=False), lambda H, W: nn.Conv1d(H, H, W, groups=H, bias=False), "HW"
    ),
    "Conv2d": Case(layers.Conv2d(C, H, P), lambda C, H, P: nn.Conv2d(C, H, P), "CP^2H + H"),
    "Conv2d, three groups": Case(
        layers.Conv2d(C, H, (P, W), groups=3),
        lambda C, H, P, W: nn.Conv2d(C, H, (P, W), groups=3),
        "CPHW/3 + H",
        groups,
    ),
    "MultiHeadAttention": Case(
        layers.MultiHeadAttention(H, A), lambda H, A: nn.MultiheadAttention(H, A), "4H^2 + 4H", heads, named=False
    ),
    "MultiHeadAttention, no bias": Case(
        layers.MultiHeadAttention(H, A, bias=False),
        lambda H, A: nn.MultiheadAttention(H, A, bias=False),
        "4H^2",
        heads,
        named=False,
    ),
    "MultiHeadAttention, no bias of the keys": Case(
        layers.MultiHeadAttention(H, A, key_bias=False, names=("q_proj", "k_proj", "v_proj", "out_proj")),
        whisper_attention,
        "4H^2 + 3H",
        heads,
    ),
    "LatentAttention": Case(
        layers.LatentAttention(H, A, R_q, R_kv, D_nope, D_rope, D_v),
        latent_attention,
        r"R_{\mathrm{q}}A(D_{\mathrm{nope}} + D_{\mathrm{rope}}) + R_{\mathrm{kv}}A(D_{\mathrm{nope}} + D_{\mathrm{v}})"
        r" + HAD_{\mathrm{v}} + R_{\mathrm{q}}H + H(R_{\mathrm{kv}} + D_{\mathrm{rope}})"
        r" + R_{\mathrm{q}} + R_{\mathrm{kv}}",
        rotary_part,
    ),
    "LatentAttention with biases": Case(
        layers.LatentAttention(H, A, R_q, R_kv, D_nope, D_rope, D_v, bias=True),
        lambda **sizes: latent_attention(**sizes, bias=True),
        r"R_{\mathrm{q}}A(D_{\mathrm{nope}} + D_{\mathrm{rope}}) + R_{\mathrm{kv}}A(D_{\mathrm{nope}} + D_{\mathrm{v}})"
        r" + HAD_{\mathrm{v}} + R_{\mathrm{q}}H + H(R_{\mathrm{kv}} + D_{\mathrm{rope}})"
        r" + 2R_{\mathrm{q}} + D_{\mathrm{rope}} + 2R_{\mathrm{kv}} + H",
        rotary_part,
    ),
    "LatentAttention, queries not compressed": Case(
        layers.LatentAttention(H, A, None, R_kv, D_nope, D_rope, D_v),
        latent_attention,
        r"HA(D_{\mathrm{nope}} + D_{\mathrm{rope}}) + R_{\mathrm{kv}}A(D_{\mathrm{nope}} + D_{\mathrm{v}})"
        r" + HAD_{\mathrm{v}} + H(R_{\mathrm{kv}} + D_{\mathrm{rope}})"
        r" + R_{\mathrm{kv}}",
        rotary_part,
    ),
    "GroupedQueryAttention": Case(
        layers.GroupedQueryAttention(H, A, K, D), llama_attention, "2HAD + 2HKD", rotated_heads
    ),
    "GroupedQueryAttention with biases": Case(
        layers.GroupedQueryAttention(H, A, K, D, bias=True),
        lambda **sizes: llama_attention(**sizes, bias=True),
        "2HAD + 2HKD + AD + 2KD + H",
        rotated_heads,
    ),
    "GroupedQueryAttention with norms": Case(
        layers.GroupedQueryAttention(H, A, K, D, q_norm=layers.RMSNorm(D), k_norm=layers.RMSNorm(D)),
        qwen3_attention,
        "2HAD + 2HKD + 2D",
        rotated_heads,
    ),
    "MLP": Case(
        layers.MLP(H, I),
        lambda H, I: nn.ModuleDict({"up": nn.Linear(H, I), "down": nn.Linear(I, H)}),
        "2HI + I + H",
    ),
    "MLP under other names": Case(layers.MLP(H, I, names=("lin1", "lin2")), distilbert_feed_forward, "2HI + I + H"),
    "GatedMLP under other names": Case(layers.GatedMLP(H, I, names=("wi_0", "wi_1", "wo")), t5_feed_forward, "3HI"),
    "GatedMLP": Case(layers.GatedMLP(H, I), llama_mlp, "3HI", even),
    "GatedMLP with biases": Case(
        layers.GatedMLP(H, I, bias=True), lambda H, I: llama_mlp(H, I, bias=True), "3HI + 2I + H", even
    ),
    "Router": Case(layers.Router(H, E), lambda H, E: nn.Linear(H, E, bias=False), "EH"),
    "Experts": Case(layers.Experts(H, M, E, k), lambda **sizes: mixtral_moe(**sizes).experts, "3EHM", experts),
    "MixtureOfExperts": Case(layers.MixtureOfExperts(H, M, E, k), mixtral_moe, "3EHM + EH", experts),
    "MixtureOfExperts with shared experts": Case(
        layers.MixtureOfExperts(H, M, E, k, shared=S * M), deepseek_moe, "3EHM + 3SHM + EH", experts
    ),
    "SelectiveStateSpace": Case(
        layers.SelectiveStateSpace(H, X * H, G, W, R_dt), mamba_mixer, r"3XHG + 3XH^2 + XHW + 2R_{\Delta}XH + 3XH"
    ),
    "SelectiveStateSpace with biases": Case(
        layers.SelectiveStateSpace(H, X * H, G, W, R_dt, bias=True),
        lambda **sizes: mamba_mixer(**sizes, use_bias=True),
        r"3XHG + 3XH^2 + XHW + 2R_{\Delta}XH + 5XH + H",
    ),
    "SelectiveStateSpace, no bias of the convolution": Case(
        layers.SelectiveStateSpace(H, X * H, G, W, R_dt, conv_bias=False),
        lambda **sizes: mamba_mixer(**sizes, use_conv_bias=False),
        r"3XHG + 3XH^2 + XHW + 2R_{\Delta}XH + 2XH",
    ),
}


def sizes_of(block: Block) -> list[str]:
    ledger = Ledger.of(block)
    used = {s.name for row in ledger for d in row.shape for s in d.free_symbols}
    used |= {s.name for c in ledger.conditions for s in c.symbols}
    used |= {s.name for _, b in block.walk() for s in b.active.free_symbols}
    return sorted(used)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors is a no-op")
@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_layer_is_the_real_module_tensor_by_tensor(name, data):
    case = CASES[name]
    drawn = {letter: data.draw(st.integers(1, 9), label=letter) for letter in sizes_of(case.block)}
    sizes = case.admissible(drawn)
    with torch.device("meta"):
        model = case.real(**sizes)
    real = {path: tuple(p.shape) for path, p in model.named_parameters()}
    ledger = Ledger.of(case.block)
    ours = {row.tensor: tuple(compile_scalar(d)(sizes) for d in row.shape) for row in ledger}
    if case.named:
        assert ours == real
    assert integer_value(ledger.total(), sizes) == sum(p.numel() for p in model.parameters())


def test_every_layer_type_has_a_real_module_to_be_compared_with():
    tested = {case.block.kind for case in CASES.values()} | {"Head"}
    assert set(layers.__all__) <= tested


@pytest.mark.parametrize("name", CASES)
def test_latex_of_a_layer(name):
    case = CASES[name]
    formula = Formula(case.block, Notation(tuple(entry(letter) for letter in sizes_of(case.block))))
    assert formula.latex() == case.latex


@given(hidden=st.integers(1, 6), feed_forward=st.integers(1, 9), count=st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_layers_compose_to_torchs_own_transformer_encoder(hidden, feed_forward, count):
    N = sc.symbol("N")
    layer = sc.block(
        "Layer",
        attention=layers.MultiHeadAttention(H, 2),
        mlp=layers.MLP(H, I),
        norm1=layers.LayerNorm(H),
        norm2=layers.LayerNorm(H),
    )
    total = Ledger.of(sc.block("Encoder", layers=sc.stack(N, layer))).total()
    real = nn.TransformerEncoder(nn.TransformerEncoderLayer(2 * hidden, 2, feed_forward, batch_first=True), count)
    values = {"H": 2 * hidden, "I": feed_forward, "N": count}
    assert integer_value(total, values) == sum(p.numel() for p in real.parameters())


def test_a_token_uses_only_its_share_of_the_experts():
    ledger = Ledger.of(layers.MixtureOfExperts(H, M, E, k))
    sizes = {"H": 5, "M": 7, "E": 8, "k": 2}
    real = mixtral_moe(**sizes)
    one_expert = sum(p[0].numel() for p in real.experts.parameters())
    assert integer_value(ledger.total("active"), sizes) == real.gate.weight.numel() + 2 * one_expert


@pytest.mark.parametrize("size", [0.5, 768.0, "H", None, True])
@pytest.mark.parametrize("layer", [layers.LayerNorm, layers.RMSNorm, layers.BatchNorm, lambda n: layers.Linear(n, 2)])
def test_sizes_are_integers_or_expressions(layer, size):
    with pytest.raises(sc.SymcountError, match="expected an integer or a SymPy expression"):
        layer(size)


def test_conditions_come_from_the_layers():
    assert [str(c) for c in Ledger.of(layers.Conv2d(C, H, P, groups=3)).conditions] == ["3 divides C", "3 divides H"]
    assert [str(c) for c in Ledger.of(layers.Experts(H, M, E, k)).conditions] == ["k ≤ E"]
