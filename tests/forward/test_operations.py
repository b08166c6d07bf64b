"""Operations of forward passes: closed forms, held against a count of the elementary operations that ran."""

from __future__ import annotations

import json

import pytest
import torch
from sympy import Rational

import symcount as sc
from symcount.concolic.tensors.spatial_rules import _steps
from symcount.concolic.values import expression as ex
from symcount.concolic.values.numbers import SymbolicInt
from symcount.errors import DerivationError, DomainError
from symcount.forward import api, certificate
from symcount.forward.certificate import _operations, differences
from symcount.forward.operations import Operations
from symcount.forward.places import Places

pytest.importorskip("transformers")

LLAMA_3 = {
    "vocab_size": 128_256,
    "intermediate_size": 14_336,
    "num_key_value_heads": 8,
    "max_position_embeddings": 8192,
}


@pytest.fixture(scope="module")
def llama():
    return sc.flops("LlamaForCausalLM", **LLAMA_3)


def test_llama_3_at_its_whole_length(llama):
    at = {**llama.defaults, "B": 1, "S": 8192}
    assert llama.count(**at) == 158_140_695_838_720
    assert llama.backward().count(**at) == 2 * 158_140_695_838_720
    assert llama.training().count(**at) == 3 * 158_140_695_838_720
    again = llama.training(checkpointing=True).count(**at) - llama.training().count(**at)
    assert again == 158_140_695_838_720 - 2 * 8192 * 4096 * 128_256  # all but the head
    scores = 32 * 2 * 4096 * 8192 * 8192  # what fused attention multiplies for once more
    assert llama.training(fused=True).count(**at) - llama.training().count(**at) == scores
    assert llama.backward(fused=True).count(**at) - llama.backward().count(**at) == scores
    assert llama.causal().count(**at) == 158_140_695_838_720 - 32 * 4 * 4096 * 8192 * (8192 - 1) // 2


def test_a_count_of_what_ran_agrees_at_random_points(llama):
    assert llama.certify(2) == 2


# call, names and sizes without the factor of two
CALLS = [
    ("linear", lambda a, b: torch.nn.functional.linear(a, b), (2, 3, 5), (7, 5), [("linear", (2, 3, 5, 7))]),
    ("matmul", torch.matmul, (2, 3, 5), (5, 7), [("matmul", (2, 3, 7, 5))]),
    ("matmul with a vector", torch.matmul, (3, 5), (5,), [("matmul", (3, 5))]),
    ("mm by name", lambda a, b: torch.mm(mat2=b, input=a), (3, 5), (5, 7), [("matmul", (3, 7, 5))]),
    ("addmm", lambda a, b: torch.addmm(torch.zeros(3, 7), a, b), (3, 5), (5, 7), [("matmul", (3, 7, 5))]),
    ("baddbmm by name", lambda a, b: torch.zeros(2, 3, 7).baddbmm(batch2=b, batch1=a, beta=0.5), (2, 3, 5), (2, 5, 7),
     [("matmul", (2, 3, 7, 5))]),
    ("addmm_", lambda a, b: torch.zeros(3, 7).addmm_(a, b), (3, 5), (5, 7), [("matmul", (3, 7, 5))]),
    ("linalg.matmul", torch.linalg.matmul, (3, 5), (5, 7), [("matmul", (3, 7, 5))]),
    ("addmv by name", lambda a, b: torch.addmv(input=torch.zeros(3), mat=a, vec=b), (3, 5), (5,),
     [("matmul", (3, 5))]),
    ("matmul by name", lambda a, b: torch.matmul(input=a, other=b), (3, 5), (5, 7), [("matmul", (3, 7, 5))]),
    ("dot by name", lambda a, b: torch.dot(a, tensor=b), (5,), (5,), [("matmul", (5,))]),
    ("einsum", lambda a, b: torch.einsum("bij,bjk->bik", a, b), (2, 3, 5), (2, 5, 7), [("einsum", (2, 3, 5, 7))]),
    ("an einsum without a sum", lambda a, b: torch.einsum("i,j->ij", a, b), (3,), (5,), []),
    ("conv1d in groups", lambda a, b: torch.nn.functional.conv1d(a, b, groups=4), (2, 4, 9), (4, 1, 3),
     [("convolution", (2, 4, 7, 1, 3))]),
    ("conv_transpose1d", torch.nn.functional.conv_transpose1d, (2, 4, 9), (4, 6, 3),
     [("convolution", (2, 4, 9, 6, 3))]),
    ("attention", lambda a, b: torch.nn.functional.scaled_dot_product_attention(a, b, b), (1, 2, 3, 4), (1, 2, 5, 4),
     [("scores", (1, 2, 3, 5, 4)), ("context", (1, 2, 3, 5, 4))]),
]  # fmt: skip


@pytest.mark.parametrize(("call", "first", "second", "found"), [c[1:] for c in CALLS], ids=[c[0] for c in CALLS])
def test_a_product_is_noted_with_the_sizes_that_it_multiplies(call, first, second, found):
    from torch.overrides import TorchFunctionMode

    noted = Operations(lambda tensor: tuple(tensor.shape))

    class Mode(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            noted("", func, args, kwargs or {}, result)
            return result

    with Mode():
        call(torch.zeros(first), torch.zeros(second))
    assert [(one.name, one.sizes[1:]) for one in noted.found] == found


def test_windows_are_counted_by_floors_at_every_size():
    room, stride = SymbolicInt.of(12, ex.symbol("length")), SymbolicInt.of(4, ex.symbol("stride"))
    steps = _steps(room, stride)
    assert (int(steps), str(steps.node)) == (3, "(length // stride)")
    assert _steps(room, 1).node is room.node


def test_an_einsum_over_one_entry_is_no_product():
    noted = Operations(lambda tensor: tuple(tensor.shape))
    noted("", torch.einsum, ("bid,bjd->bij", torch.zeros(2, 3, 1), torch.zeros(2, 5, 1)), {}, None)
    assert noted.found == []


def test_a_product_whose_sizes_no_rule_says_is_refused_by_name():
    noted = Operations(lambda tensor: tuple(tensor.shape))
    with pytest.raises(DerivationError, match="the operations of tensordot in the model are not known"):
        noted("", torch.tensordot, (), {}, None)


ELEMENTARY = [("mm", 3 * 7 * 5), ("addmm", 3 * 7 * 3), ("addmm_", 3 * 7 * 3), ("relu", 0), ("lgamma", 0), ("cummax", 0)]


@pytest.mark.parametrize(("name", "products"), ELEMENTARY)
def test_an_elementary_operation_is_counted(name, products):
    assert _operations(name, (torch.zeros(2, 5), torch.zeros(4, 3)), torch.zeros(3, 7)) == 2 * products


@pytest.mark.parametrize("name", ["_grouped_mm", "_int_mm", "addbmm", "_scaled_mm_v2"])
def test_an_elementary_product_that_is_not_known_is_no_point_that_tells_nothing(name, llama, monkeypatch):
    with pytest.raises(DerivationError, match=f"the operations of aten::{name} are not known"):
        _operations(name, (), None)

    def counted(cls, config):
        return _operations(name, (), None)

    monkeypatch.setattr(certificate, "counted", counted)
    assert differences(llama.whole, llama.whole.base) == [f"the operations of aten::{name} are not known"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [
    "GPT2LMHeadModel", "BertModel", "MixtralForCausalLM", "DeepseekV3ForCausalLM", "MambaForCausalLM", "ViTModel",
    "T5ForConditionalGeneration", "WhisperForConditionalGeneration", "ResNetModel", "CLIPModel",
    "Wav2Vec2Model", "SwinModel", "LongcatFlashForCausalLM", "SwitchTransformersModel", "BertForMultipleChoice",
    "Glm5NextVisionModel", "PatchTSTForRegression", "DacModel",
])  # fmt: skip
def test_operations_of_all_kinds_of_models(name):
    assert sc.flops(name).certify(3) == 3


SMALL = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "num_key_value_heads": 2,
         "intermediate_size": 24, "vocab_size": 40}  # fmt: skip


def test_a_length_that_a_formula_keeps_is_asked_for_or_refused(monkeypatch):
    free = sc.flops("LlamaForCausalLM", **SMALL)
    derive = api.derive_class
    monkeypatch.setattr(
        api, "derive_class", lambda cls, config, **_: derive(cls, config, pinned={"length": config.kwargs["length"]})
    )
    kept = sc.flops("LlamaForCausalLM", **SMALL)
    with pytest.raises(DomainError, match="S = 37 is required, but S"):
        kept.count(**{**kept.defaults, "B": 2, "S": 64})
    with pytest.raises(DomainError, match="length: the formula holds for 37 only, got 64"):
        kept.at(length=64)
    assert kept.count(**{**kept.defaults, "B": 2, "S": 37}) == free.count(**{**free.defaults, "B": 2, "S": 37})
    asked = sc.flops("LlamaForCausalLM", **SMALL, length=64)
    assert asked.count(**{**asked.defaults, "B": 2}) == free.count(**{**free.defaults, "B": 2, "S": 64})


def test_the_command_says_operations_a_token_where_a_formula_keeps_its_length(monkeypatch, call):
    derive, lengths = api.derive_class, []

    def kept(cls, config, **_):
        lengths.append(config.kwargs["length"])
        return derive(cls, config, pinned={"length": config.kwargs["length"]})

    monkeypatch.setattr(api, "derive_class", kept)
    options = [f"-o{name}={value}" for name, value in SMALL.items()]
    code, said, _ = call("flops", "LlamaForCausalLM", *options, "--length", "64", "--json")
    assert code == 0
    assert lengths == [37, 37, 64]  # as it comes, in the sizes of the input alone, and for what was asked
    monkeypatch.undo()
    free = sc.flops("LlamaForCausalLM", **SMALL)
    found = json.loads(said)
    assert found["forward"] == free.count(**{**free.defaults, "B": 1, "S": 64})
    assert found["per_token"] * 64 == found["forward"]


def test_what_follows_from_a_formula_at_given_sizes_is_that_of_the_sizes():
    free = sc.flops("LlamaForCausalLM", **SMALL)
    at = {**free.defaults, "B": 2, "S": 64}
    given = sc.flops("LlamaForCausalLM", **SMALL, batch=2, length=64)
    for part in ("training", "backward", "causal"):
        assert getattr(given, part)().count(**given.defaults) == getattr(free, part)().count(**at)
    values = {e.symbol: free.defaults[e.letter] for e in free.notation if e.letter in free.defaults}
    per_token = given.per_token().subs(values)
    assert per_token == Rational(given.count(**given.defaults), 2 * 64)
    renamed = sc.flops("LlamaForCausalLM", **SMALL, length="T")
    assert renamed.per_token().subs({**values, renamed.symbol("T"): 64, renamed.symbol("B"): 2}) == per_token
    assert renamed.at(length=64, batch=2).per_token().subs(values) == per_token
    with pytest.raises(DomainError, match="length: the formula is that of 64 already, got 32"):
        given.at(length=32)


# what is a matter of where, how often and for whom: class, config fields, closed form of the operations
KINDS = [
    ("JetMoeForCausalLM",  # the tokens of each expert are counted, and the counts are asked for
     {"num_hidden_layers": 2, "hidden_size": 16, "intermediate_size": 24, "vocab_size": 50, "num_local_experts": 4,
      "kv_channels": 8, "num_key_value_heads": 2, "num_experts_per_tok": 2, "num_attention_heads": 4},
     ("2*B*H*S*V + N*(4*B*E*H*S + 6*B*H*I*S*k + 4*B*H*K*S*k*kv_channels + 4*B*H*K*S*kv_channels"
      " + 4*B*K*S**2*k*kv_channels)")),
    ("BigBirdForCausalLM",  # a module is put in the place of another while it runs
     {"num_hidden_layers": 2, "hidden_size": 16, "intermediate_size": 24, "vocab_size": 50, "num_attention_heads": 4},
     "2*B*H**2*S + 2*B*H**2 + 2*B*H*S*V + N*(8*B*H**2*S + 4*B*H*I*S + 4*B*H*S**2)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fields", "form"), KINDS, ids=[name for name, *_ in KINDS])
def test_what_runs_otherwise_than_it_was_built_is_followed(name, fields, form):
    found = sc.flops(name, **fields)
    assert str(found.total) == form
    assert not found.pinned


def test_attention_is_causal_where_its_module_says_so_window_or_not():
    small = {**SMALL, "num_key_value_heads": 2, "head_dim": 16}
    found = sc.flops("MistralForCausalLM", **small, sliding_window=8)
    at = {**found.defaults, "B": 1, "S": 32}
    pairs = 2 * 2 * small["num_attention_heads"] * 16 * small["num_hidden_layers"]
    assert found.count(**at) - found.causal().count(**at) == pairs * (32 * 32 - 32 * 33 // 2)


def test_a_module_that_is_shared_is_where_it_is_called():
    class Layer(torch.nn.Module):
        def __init__(self, shared):
            super().__init__()
            self.shared = shared

        def forward(self, x):
            return self.shared(x)

    class Watched(torch.nn.Linear):
        def forward(self, x):
            seen.append(places.here)
            return super().forward(x)

    seen = []
    shared = Watched(2, 2)
    model = torch.nn.Sequential(Layer(shared), Layer(shared))
    with Places(model) as places:
        model(torch.zeros(1, 2))
        model[1].shared = Watched(2, 2)  # put there while it runs
        model(torch.zeros(1, 2))
    assert seen == ["0.shared", "1.shared"] * 2
