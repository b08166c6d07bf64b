"""Formulas against real models, and that a wrong formula is found out, tensor by tensor."""

import importlib
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symcount as sc
from symcount.architectures import FAMILIES, find, names
from symcount.core.tree import Parameter
from symcount.errors import ConfigError, DependencyError, DomainError, OptionError, UnknownModelError, VerificationError
from symcount.verification import real_model
from symcount.verification.report import compare

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

small = st.integers(1, 40)
SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("name", names())
def test_every_class_is_exact_at_its_default_config(name):
    report = sc.verify(name)
    assert report.exact, str(report)
    report.raise_for_difference()
    # an independent count of what was compared
    with torch.device("meta"):
        model = getattr(transformers, name)(getattr(transformers, name).config_class())
    assert len(report.tensors) == len(dict(model.named_parameters(remove_duplicate=False)))
    assert report.totals["unique"].formula == model.num_parameters()


def test_the_articles_model():
    report = sc.verify("BertForMaskedLM", V=30_000)
    assert report.exact
    assert {k: t.model for k, t in report.totals.items()} == {
        "unique": 109_112_880,
        "per_layer": 132_152_880,
        "non_embedding": 109_112_880 - (30_000 + 512 + 2) * 768 - 30_000,  # the head's bias belongs to the projection
        "active": 109_112_880,
        "trainable": 109_112_880,
    }
    tied = {t.name: t.tied_to for t in report.tensors if t.tied_to}
    assert tied == {
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }
    text = str(report)
    assert "204 of 204 tensors match" in text
    assert "per_layer: 132,152,880 = the model" in text
    assert text.endswith("\nexact")


def test_the_articles_number_is_torchinfos():
    pytest.importorskip("torchinfo")
    assert sc.verify("BertForMaskedLM", V=30_000).torchinfo == 132_152_880


@SETTINGS
@given(
    name=st.sampled_from([n for n in names() if n.startswith("Bert")]),
    sizes=st.tuples(small, small, small, st.integers(1, 3), small, small),
    heads=st.integers(1, 4),
    tie=st.booleans(),
    cross=st.booleans(),
)
def test_bert_at_random_configs(name, sizes, heads, tie, cross):
    vocabulary, length, inner, layers, types, width = sizes
    config = {
        "vocab_size": vocabulary,
        "max_position_embeddings": length,
        "hidden_size": width * heads,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "type_vocab_size": types,
        "tie_word_embeddings": tie,
        "add_cross_attention": cross,
        "is_decoder": cross,
        "pad_token_id": 0,
        "id2label": {i: str(i) for i in range(heads)},
    }
    sc.verify(name, config).raise_for_difference()


@SETTINGS
@given(
    name=st.sampled_from([n for n in names() if n.startswith("GPT2")]),
    sizes=st.tuples(small, small, small, st.integers(1, 3)),
    heads=st.integers(1, 4),
    inner=st.none() | small,
    tie=st.booleans(),
)
def test_gpt2_at_random_configs(name, sizes, heads, inner, tie):
    vocabulary, length, width, layers = sizes
    config = {
        "vocab_size": vocabulary,
        "n_positions": length,
        "n_embd": width * heads,
        "n_head": heads,
        "n_layer": layers,
        "n_inner": inner,
        "tie_word_embeddings": tie,
    }
    sc.verify(name, config).raise_for_difference()


@SETTINGS
@given(
    name=st.sampled_from([n for n in names() if n.startswith("Llama")]),
    sizes=st.tuples(small, small, small, st.integers(1, 3)),
    groups=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    head_dim=st.none() | st.integers(1, 9).map(lambda n: 2 * n),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_llama_at_random_configs(name, sizes, groups, head_dim, flags):
    vocabulary, width, inner, layers = sizes
    shared, key_value = groups
    config = {
        "vocab_size": vocabulary,
        "hidden_size": 2 * width * shared * key_value,
        "num_attention_heads": shared * key_value,
        "num_key_value_heads": key_value,
        "head_dim": head_dim,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "tie_word_embeddings": flags[0],
        "attention_bias": flags[1],
        "mlp_bias": flags[2],
        "pad_token_id": 0,
    }
    config = {k: v for k, v in config.items() if v is not None}
    sc.verify(name, config).raise_for_difference()


def test_sources_of_a_config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 2}')
    for report in (
        sc.verify(str(path)),
        sc.verify("LlamaForCausalLM", transformers.LlamaConfig(num_hidden_layers=2)),
        sc.verify(transformers.LlamaForCausalLM, {"num_hidden_layers": 2}),
        sc.verify(sc.formula("LlamaForCausalLM"), N=2),
    ):
        assert report.exact
        assert report.values["N"] == 2


def test_constructor_arguments_and_real_memory():
    report = sc.verify(sc.formula("bert", add_pooling_layer=False), device="cpu", V=9, L=8, H=4, I=3, N=2, A=2)
    assert report.exact
    assert report.device == "cpu"
    assert not any("pooler" in t.name for t in report.tensors)


def test_an_option_of_the_formula_is_built():
    assert sc.verify(sc.formula("BertModel", add_cross_attention=True), N=1).exact
    assert sc.verify(sc.formula("gpt2", n_inner=7), n_inner=7, N=1).exact


# ---------------------------------------------------------------- a wrong formula is found out


def edited(block, path, change):
    """The tree with the block at *path* replaced by `change(block)`."""
    if not path:
        return change(block)
    head, *rest = path
    children = tuple(edited(c, rest, change) if c.name == head else c for c in block.children)
    assert children != block.children, path
    return replace(block, children=children)


def differences(path, change, name="BertForMaskedLM"):
    formula = sc.formula(name)
    report = sc.verify(replace(formula, tree=edited(formula.tree, path.split("."), change)), N=2)
    assert not report.exact
    with pytest.raises(VerificationError, match=name):
        report.raise_for_difference()
    assert "NOT exact" in str(report)
    return [str(d) for d in report.differences]


QUERY = "bert.encoder.layer.*.attention.self.query"


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("MimiModel", {}),
        # the config class computes an option of a sub-config; a sub-config must say its model type
        ({"architectures": ["CsmForConditionalGeneration"], "model_type": "csm"}, {}),
        # the sub-config has other sizes by default than its class has
        ("GroundingDinoModel", {}),
        ("Sam3Model", {"N_text": 2}),
    ],
    ids=["mimi", "csm", "grounding-dino", "sam3"],
)
def test_options_of_sub_configs_leave_the_rest_of_them_alone(source, values):
    formula = sc.formula(source)
    report = sc.verify(formula, **values)
    assert report.exact, str(report)


def test_missing_in_the_formula():
    found = differences(QUERY, lambda b: replace(b, parameters=b.parameters[:1]))
    for i in (0, 1):
        name = QUERY.replace("*", str(i))
        assert f"{name}.bias: in the model with shape (768), missing in the formula" in found


def test_missing_in_the_model():
    found = differences(
        QUERY, lambda b: replace(b, parameters=(*b.parameters, Parameter("scale", b.parameters[1].shape)))
    )
    assert f"{QUERY}.scale: in the formula 2 times with shape (H) = (768), missing in the model" in found


def test_a_transposed_shape_with_the_right_total():
    def transpose(block):
        weight, bias = block.parameters
        return replace(block, parameters=(replace(weight, shape=weight.shape[::-1]), bias))

    found = differences("bert.encoder.layer.*.intermediate.dense", transpose)
    assert len(found) == 2  # every total is right
    assert found[0] == (
        "bert.encoder.layer.0.intermediate.dense.weight: "
        "shape is (3072, 768) in the model, (H, I) = (768, 3072) in the formula"
    )


def test_tied_in_the_model_only():
    def untie(block):
        return replace(block, parameters=tuple(replace(p, alias_of=None) for p in block.parameters))

    found = differences("cls.predictions.decoder", untie)
    assert any(f.startswith("cls.predictions.decoder.weight: shares memory with bert.embeddings.word") for f in found)
    assert any(f.startswith("unique: ") for f in found)


def test_tied_in_the_formula_only():
    formula = sc.formula("LlamaModel")
    key = edited(formula.tree, ["norm"], lambda b: b.tie(weight="layers.*.input_layernorm.weight"))
    report = sc.verify(replace(formula, tree=key), N=1)
    assert str(report.differences[0]) == (
        "norm.weight: tied to layers.*.input_layernorm.weight in the formula, "
        "a tensor of its own or tied to another in the model"
    )


def test_frozen_in_the_formula_only():
    def freeze(block):
        return replace(block, parameters=tuple(replace(p, trainable=False) for p in block.parameters))

    found = differences("bert.embeddings.LayerNorm", freeze)
    assert "bert.embeddings.LayerNorm.bias: trainable in the model, not so in the formula" in found
    assert any(f.startswith("trainable: ") for f in found)


def test_a_wrong_multiplicity():
    formula = sc.formula("GPT2Model")
    more = edited(formula.tree, ["h", "*"], lambda b: replace(b, repeat=b.repeat + 1))
    found = [str(d) for d in sc.verify(replace(formula, tree=more), N=2).differences]
    assert "h.*.ln_1.weight: in the formula with shape (H) = (768), missing in the model" in found


def test_rows_that_share_a_path_add_up():
    formula = sc.formula("GPT2Model")
    N = formula.notation["N"].symbol

    def split(block):
        (layer,) = block.children
        return replace(block, children=(replace(layer, repeat=N - 1), replace(layer, repeat=sc.symbol("N") / N)))

    report = sc.verify(replace(formula, tree=edited(formula.tree, ["h"], split)), N=4)
    assert report.exact, str(report)


def test_a_shared_module_of_the_model_is_not_a_repeated_one():
    class Twice(torch.nn.Module):
        def __init__(self):
            super().__init__()
            layer = torch.nn.Linear(3, 3)
            self.layers = torch.nn.ModuleList([layer, layer])

        def get_input_embeddings(self):
            raise NotImplementedError

        get_output_embeddings = get_input_embeddings

    from symcount import Formula, Notation, block, layers, stack

    formula = Formula(block("Twice", layers=stack(2, layers.Linear(3, 3))), Notation(()))
    found = [str(d) for d in compare(formula, {}, Twice()).differences]
    assert "layers.1.weight: shares memory with layers.0.weight in the model, not tied in the formula" in found
    assert "unique: 24 ≠ 12 in the model" in found


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sc.verify("brt"), UnknownModelError, "Did you mean bert"),
        (lambda: sc.verify("bert", {"model_type": "gpt2"}), ConfigError, "is a config of gpt2"),
        (lambda: sc.verify("bert", {"hidden_size": 770}), DomainError, "A divides H"),
        (lambda: sc.verify("bert", H=0), DomainError, r"H \(hidden_size\): expected an integer of at least 1"),
        (lambda: sc.verify("bert", device="cuda"), ConfigError, "expected meta or cpu"),
        (lambda: sc.verify(sc.formula("bert").renamed("")), ConfigError, "no class name"),
        (lambda: sc.verify(sc.formula("bert").renamed("BertForNothing")), UnknownModelError, "no model class"),
        (lambda: sc.verify(sc.formula("bert"), {"add_cross_attention": True}), OptionError, "add_cross_attention"),
        (lambda: sc.verify("bert", {"hidden_act": 7}), ConfigError, "BertConfig refuses the config"),
        (lambda: sc.verify("bert", {"hidden_act": "no such"}), ConfigError, "cannot be built"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_without_transformers_the_remedy_is_named(monkeypatch):
    real = importlib.import_module

    def missing(name, *rest):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, *rest)

    monkeypatch.setattr("symcount.verification.real_model.import_module", missing)
    with pytest.raises(DependencyError, match=r'needs torch.*pip install "symcount\[hf\]"'):
        sc.verify("bert")


def test_every_architecture_is_covered():
    assert {find(n).model_type for n in names()} == {*FAMILIES, "clip_text_model", "clip_vision_model"}


def test_torchinfo_sets_a_tied_head_off_against_parameters_beside_the_layers():
    """torchinfo 1.8.0 sets a tied head off against parameters beside the layers; see findings/."""
    pytest.importorskip("torchinfo")

    class Tied(torch.nn.Module):
        def __init__(self, positions=128):
            super().__init__()
            self.table, self.head = torch.nn.Embedding(50, 8), torch.nn.Linear(8, 50, bias=False)
            self.head.weight = self.table.weight
            self.positions = torch.nn.Parameter(torch.empty(positions))

    f = sc.derive(Tied)
    for positions, seen in ((128, 800), (400, 800), (1000, 1400)):
        assert {c: f.count({"positions": positions}, convention=c) for c in ("unique", "per_layer")} == {
            "unique": 400 + positions,
            "per_layer": 800 + positions,
        }
        assert real_model.torchinfo_total(Tied(positions)) == seen
