"""One trace: names, concrete sizes and order are the real model's, shapes are expressions, and nothing leaks."""

from __future__ import annotations

import copy
import math
import sys
import threading
from dataclasses import dataclass, field

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from torch import nn  # noqa: E402

from symcount.concolic.observe import trace  # noqa: E402
from symcount.concolic.python import builtins  # noqa: E402
from symcount.concolic.python import patches as patching  # noqa: E402
from symcount.concolic.values.expression import Node, evaluate  # noqa: E402
from symcount.concolic.values.numbers import SymbolicInt  # noqa: E402
from symcount.concolic.values.path import STATE  # noqa: E402
from symcount.errors import DerivationError  # noqa: E402

BERT = {"vocab_size": 300, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}


def shapes(result):
    return {p.path: tuple(map(str, p.shape)) for p in result.parameters}


def plain(cls, config):
    with torch.device("meta"):
        model = cls(config)
    return [(name, tuple(p.shape)) for name, p in model.named_parameters(remove_duplicate=False)]


def assert_predicts(first, second):
    """The expressions of one trace evaluate to the concrete shapes of another."""
    assert [p.path for p in first.parameters] == [p.path for p in second.parameters]
    for a, b in zip(first.parameters, second.parameters, strict=True):
        found = tuple(evaluate(d, second.symbols) if isinstance(d, Node) else d for d in a.shape)
        assert found == b.concrete, a


MODELS = {
    "BertForMaskedLM": BERT,
    "GPT2LMHeadModel": {"vocab_size": 100, "n_embd": 48, "n_layer": 2, "n_head": 4},
    "LlamaForCausalLM": {**BERT, "num_key_value_heads": 2},
    "Qwen3MoeModel": {**BERT, "num_experts": 4, "moe_intermediate_size": 24, "num_key_value_heads": 2, "head_dim": 12},
    "T5Model": {"vocab_size": 64, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4},
    "SwinModel": {"embed_dim": 24, "depths": [1, 1], "num_heads": [2, 4], "image_size": 64},
    "WhisperModel": {
        "vocab_size": 64,
        "d_model": 32,
        "encoder_layers": 1,
        "decoder_layers": 2,
        "pad_token_id": 0,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 2,
    },
    "Wav2Vec2Model": {"hidden_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 96},
    "MambaModel": {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
    "CLIPModel": {"text_config": {"num_hidden_layers": 1}, "vision_config": {"num_hidden_layers": 1}},
}


@pytest.mark.parametrize("name", MODELS)
def test_a_trace_is_the_real_model(name):
    cls = getattr(transformers, name)
    result = trace(cls, MODELS[name])
    assert [(p.path, p.concrete) for p in result.parameters] == plain(cls, cls.config_class(**MODELS[name]))
    for parameter in result.parameters:
        for dim, size in zip(parameter.shape, parameter.concrete, strict=True):
            assert size == (evaluate(dim, result.symbols) if isinstance(dim, Node) else dim)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("BertForMaskedLM", {"hidden_size": 60, "vocab_size": 77, "intermediate_size": 31, "num_attention_heads": 5}),
        ("GPT2LMHeadModel", {"hidden_size": 96, "n_positions": 5}),  # hidden_size is an alias of n_embd
        ("LlamaForCausalLM", {"hidden_size": 64, "num_attention_heads": 8, "num_key_value_heads": 4}),
        ("T5Model", {"d_kv": 5, "num_heads": 3, "relative_attention_num_buckets": 7}),
        ("SwinModel", {"embed_dim": 48, "mlp_ratio": 2.5, "window_size": 4}),
        ("MambaModel", {"expand": 3, "hidden_size": 64, "state_size": 7}),
        ("CLIPModel", {"vision_config.hidden_size": 96, "text_config.intermediate_size": 50, "projection_dim": 9}),
    ],
)
def test_one_trace_predicts_another(name, values):
    cls = getattr(transformers, name)
    assert_predicts(trace(cls, MODELS[name]), trace(cls, MODELS[name], values=values))


def test_shapes_of_bert():
    found = shapes(trace(transformers.BertForMaskedLM, BERT))
    assert found["bert.embeddings.word_embeddings.weight"] == ("vocab_size", "hidden_size")
    assert found["bert.encoder.layer.1.intermediate.dense.weight"] == ("intermediate_size", "hidden_size")
    assert found["cls.predictions.decoder.bias"] == ("vocab_size",)


def test_tied_weights_have_one_key_and_two_names():
    result = trace(transformers.BertForMaskedLM, BERT)
    keys = {p.path: p.tensor_key for p in result.parameters}
    assert keys["cls.predictions.decoder.weight"] == keys["bert.embeddings.word_embeddings.weight"]
    assert keys["cls.predictions.decoder.bias"] == keys["cls.predictions.bias"]
    assert (result.input_embeddings, result.output_embeddings) == (
        "bert.embeddings.word_embeddings",
        "cls.predictions.decoder",
    )


def test_fields_the_config_fills_itself_are_expressions():
    result = trace(transformers.LlamaModel, {**BERT, "num_key_value_heads": None})
    assert not {"head_dim", "num_key_value_heads"} & set(result.symbols)
    assert "num_attention_heads divides hidden_size" in map(str, result.conditions)
    given = trace(transformers.LlamaModel, BERT, values={"head_dim": 16})
    assert given.symbols["head_dim"] == 16
    assert shapes(given)["layers.0.self_attn.q_proj.weight"] == ("(num_attention_heads * head_dim)", "hidden_size")


def test_an_instance_is_read_like_its_arguments():
    config = transformers.LlamaConfig(**BERT)
    assert config.head_dim == 12  # filled from hidden_size, and so not a symbol
    result = trace(transformers.LlamaModel, config)
    assert "head_dim" not in result.symbols
    assert shapes(result) == shapes(trace(transformers.LlamaModel, (transformers.LlamaConfig, BERT)))
    assert type(config.hidden_size) is int  # the instance given is not touched
    clip = transformers.CLIPConfig(**MODELS["CLIPModel"])
    assert shapes(trace(transformers.CLIPModel, clip)) == shapes(trace(transformers.CLIPModel, MODELS["CLIPModel"]))


def test_an_instance_keeps_what_its_class_computes():
    swin = transformers.SwinConfig(embed_dim=24, depths=[1, 2], num_heads=[2, 4], num_labels=3)
    result = trace(transformers.SwinForImageClassification, swin)
    assert swin.hidden_size == 48  # embed_dim * 2 ** (len(depths) - 1): an attribute, not an argument
    assert "hidden_size" not in result.symbols
    assert (result.symbols["depths[1]"], result.symbols["num_labels"]) == (2, 3)
    given = transformers.LlamaConfig(**BERT, head_dim=16)  # not what the class would have computed
    assert trace(transformers.LlamaModel, given).symbols["head_dim"] == 16


def test_sub_configs_lists_labels_and_frozen_fields():
    result = trace(transformers.CLIPModel, MODELS["CLIPModel"])
    assert shapes(result)["visual_projection.weight"] == ("projection_dim", "vision_config.hidden_size")
    swin = trace(transformers.SwinForImageClassification, MODELS["SwinModel"], values={"num_labels": 7})
    assert swin.symbols["num_heads[1]"] == 4
    assert shapes(swin)["classifier.weight"][0] == "num_labels"
    assert swin.symbols["num_labels"] == 7
    frozen = trace(transformers.BertModel, BERT, frozen=["hidden_size"], values={"hidden_size": 96})
    assert shapes(frozen)["embeddings.word_embeddings.weight"] == ("vocab_size", "96")


def test_structure_and_reads():
    result = trace(transformers.Qwen3MoeModel, MODELS["Qwen3MoeModel"])
    assert {str(use.node) for use in result.structural} >= {"num_hidden_layers"}
    assert "decoder_sparse_step" in {str(n) for c in result.conditions for n in (c.left, c.right)} | {
        str(n) for c in result.conditions for side in (c.left, c.right) for n in side.args
    }
    assert result.config_reads["moe_intermediate_size"] == 24
    assert "bos_token_id" not in result.config_reads
    gpt2 = trace(transformers.GPT2Model, MODELS["GPT2LMHeadModel"])
    assert "n_embd" in gpt2.config_reads
    assert "hidden_size" not in gpt2.config_reads
    assert "gradient_checkpointing" in trace(transformers.BertModel, BERT).absent_reads


@dataclass
class Sub:
    width: int = 6


@dataclass
class Tiny:
    """A user's own config."""

    width: int = 8
    ratio: float = 2.5
    depth: int = 2
    heads: int = 2
    vocab: int = 11
    sizes: tuple[int, ...] = (3, 4)
    inner: int | None = None
    bias: bool = True
    sub: Sub = field(default_factory=Sub)

    def __post_init__(self):
        if self.inner is None:
            self.inner = int(self.width * self.ratio)


class Own(nn.Module):
    """A user's own model, using what loses expressions in plain Python, and most kinds of layers."""

    def __init__(self, config):
        super().__init__()
        w = config.width
        self.layers = nn.ModuleList([nn.Linear(w, int(config.inner)) for _ in range(config.depth)])
        self.shared = self.layers[0]
        self.lstm = nn.LSTM(w, config.sub.width, bidirectional=True)
        self.attention = nn.MultiheadAttention(w, config.heads)
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(w, 2 * w, config.sizes[0], groups=config.heads))
        self.scale = nn.Parameter(torch.ones(1, 1, w) * 0.1)
        self.a_log = nn.Parameter(torch.log(torch.arange(1, w + 1).float()).unsqueeze(0).repeat(config.heads, 1))
        self.stacked = nn.Parameter(torch.cat([torch.zeros(w, 2), torch.zeros(w, config.vocab)], dim=1).t())
        self.legacy = nn.Parameter(torch.Tensor(w, 3).uniform_())
        self.halves = nn.ParameterList([nn.Parameter(torch.zeros(min(w, 4), w // 2)) for _ in config.sizes])
        self.sqrt = nn.Linear(int(math.sqrt(w * w)), max(3, w), bias=config.bias)
        self.frozen = nn.Parameter(self.conv.weight.new_zeros(self.scale.shape), requires_grad=False)
        self.clone = copy.deepcopy(self.shared)
        layer = nn.TransformerEncoderLayer(w, config.heads, round(1.5 * w), batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)


def test_a_users_own_model():
    result = trace(Own, Tiny())
    real = Own(Tiny())
    assert [(p.path, p.concrete) for p in result.parameters] == [
        (name, tuple(p.shape)) for name, p in real.named_parameters(remove_duplicate=False)
    ]
    found = shapes(result)
    assert found["layers.1.weight"] == ("floor((width * ratio))", "width")
    assert found["lstm.weight_ih_l0_reverse"] == ("(4 * sub.width)", "width")
    assert found["attention.in_proj_weight"] == ("(3 * width)", "width")
    assert found["conv.parametrizations.weight.original0"] == ("(2 * width)", "1", "1")
    assert found["conv.parametrizations.weight.original1"] == ("(2 * width)", "(width / heads)", "sizes[0]")
    assert found["scale"] == found["frozen"] == ("1", "1", "width")
    assert found["a_log"] == ("heads", "width")
    assert found["stacked"] == ("(vocab + 2)", "width")
    assert found["legacy"] == ("width", "3")
    assert found["halves.0"] == ("min(width, 4)", "(width / 2)")
    assert found["clone.weight"] == found["shared.weight"]
    assert found["encoder.layers.1.linear1.weight"] == ("round((3/2 * width))", "width")
    assert not next(p for p in result.parameters if p.path == "frozen").requires_grad
    modules = {m.path: m for m in result.modules}
    assert modules["shared"].module_key == modules["layers.0"].module_key != modules["layers.1"].module_key
    assert modules[""].cls is Own
    values = {"width": 12, "heads": 4, "sub.width": 5, "ratio": 1.5, "vocab": 2, "sizes[0]": 5}
    assert_predicts(result, trace(Own, Tiny(), values=values))


def test_traces_at_two_points_have_identical_expressions():
    small, large = trace(Own, Tiny()), trace(Own, Tiny(), values={"width": 24, "vocab": 2})
    assert all(a.shape == b.shape for a, b in zip(small.parameters, large.parameters, strict=True))


def globals_of_everything():
    names = (*builtins.BUILTINS, *builtins.MATH, "uniform_", "FloatTensor", "prod")
    found = {}
    for name, module in list(sys.modules.items()):
        namespace = getattr(module, "__dict__", None)
        if namespace is not None and not isinstance(module, type):
            found[name] = [(key, id(dict.get(namespace, key))) for key in names if key in namespace]
    config = transformers.BertConfig
    found["classes"] = [id(vars(config).get(k)) for k in ("__init__", "__getattribute__", "num_labels")]
    found["tensor"] = "__init__" in vars(torch.Tensor)
    found["code"] = [id(f.__code__) for f in vars(Own).values() if hasattr(f, "__code__")]
    return found


class Interrupting(nn.Module):
    def __init__(self, config):
        super().__init__()
        raise config.error


@pytest.mark.parametrize("error", [None, ValueError("no"), KeyboardInterrupt()])
def test_nothing_leaks(error):
    trace(transformers.BertModel, BERT)
    before = globals_of_everything()
    if error is None:
        trace(transformers.BertModel, BERT)
    else:

        class Config(transformers.BertConfig):
            pass

        Config.error = error
        with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else DerivationError):
            trace(Interrupting, Config)
    assert globals_of_everything() == before
    assert STATE.recorder is None
    model = transformers.BertModel(transformers.BertConfig(**BERT))
    assert type(model.config.hidden_size) is int
    assert type(model.encoder.layer[0].intermediate.dense.in_features) is int
    assert model.embeddings.word_embeddings.weight.device.type == "cpu"
    assert model.embeddings.word_embeddings.weight.abs().sum() > 0  # really initialised


def test_an_interrupt_while_restoring_is_raised_after_everything_is_restored():
    class Owner:
        a = 1
        b = 2

    class Interrupted(patching.Patch):
        __slots__ = ("pending",)

        def undo(self):
            if getattr(self, "pending", True):
                self.pending = False
                raise KeyboardInterrupt
            super().undo()

    patches = [patching.Patch(Owner, "a", 10), Interrupted(Owner, "b", 20), patching.Patch(Owner, "c", 30)]
    with pytest.raises(KeyboardInterrupt), patching.Patches(patches):
        assert (Owner.a, Owner.b, Owner.c) == (10, 20, 30)
    assert (Owner.a, Owner.b) == (1, 2)
    assert not hasattr(Owner, "c")


def test_other_threads_build_plain_models_during_a_trace():
    stop, failures = threading.Event(), []

    def build():
        while not stop.is_set():
            model = transformers.BertModel(transformers.BertConfig(**BERT))
            weight = model.encoder.layer[0].intermediate.dense
            if type(weight.in_features) is not int or weight.weight.device.type != "cpu":
                failures.append(weight)
            if isinstance(model.config.num_labels, SymbolicInt) or not float(weight.weight.detach().abs().sum()) > 0:
                failures.append(model)

    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        results = [trace(transformers.BertModel, BERT) for _ in range(15)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert all(shapes(r) == shapes(results[0]) for r in results)


def test_concurrent_traces_do_not_mix():
    wanted = {n: shapes(trace(getattr(transformers, n), MODELS[n])) for n in ("BertForMaskedLM", "MambaModel")}
    wrong = []

    def work(name):
        for _ in range(5):
            found = shapes(trace(getattr(transformers, name), MODELS[name]))
            wrong.extend(name for _ in range(found != wanted[name]))

    threads = [threading.Thread(target=work, args=(name,)) for name in wanted for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_errors_name_the_model_and_keep_the_cause():
    with pytest.raises(DerivationError, match="BertModel cannot be constructed") as caught:
        trace(transformers.BertModel, BERT, values={"num_attention_heads": 5})
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(DerivationError, match="cannot read a config"):
        trace(transformers.BertModel, 3)
    with pytest.raises(DerivationError, match="names no config class"):
        trace(Own)


def assigned(module, name, value):
    """What became of an assignment: the registries of the module, or the error."""
    try:
        setattr(module, name, value)
    except (TypeError, AttributeError, KeyError) as error:
        return type(error), str(error)
    plain = {key: item for key, item in vars(module).items() if not key.startswith("_")}
    registries = [{k: type(v) for k, v in vars(module)[r].items()} for r in ("_parameters", "_buffers", "_modules")]
    return registries, {key: type(item) for key, item in plain.items()}


def test_attributes_of_modules_are_set_as_torch_sets_them():
    import torch

    from symcount.concolic.python.patches import Patches, quick_attributes

    class WithProperty(torch.nn.Module):
        @property
        def doubled(self):
            return 2 * self.size

        @doubled.setter
        def doubled(self, value):
            self.size = value // 2

    def outcomes():
        module = WithProperty()
        module.register_buffer("table", torch.zeros(2))
        module.register_parameter("absent", None)
        values = (3, None, torch.zeros(2), torch.nn.Parameter(torch.zeros(2)), torch.nn.Linear(2, 2), "text")
        names = ("size", "doubled", "table", "absent", "weight", "layer")
        found = [assigned(module, name, value) for name in names for value in values]
        bare = WithProperty.__new__(WithProperty)
        return [*found, assigned(bare, "layer", values[4]), assigned(bare, "weight", values[3])]

    expected = outcomes()
    with Patches(quick_attributes()):
        assert outcomes() == expected
    assert any(isinstance(item[0], type) for item in expected)  # some are refused
