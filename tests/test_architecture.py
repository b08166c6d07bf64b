"""Architectures: each class and option against the real class of transformers, name by name and shape by shape."""

import random
import re

import pytest
import torch
from sympy import expand

import symcount as sc
from symcount.architectures import FAMILIES, find, names
from symcount.errors import OptionError, UnknownModelError
from symcount.evaluate import compile_scalar
from symcount.notation import letters
from symcount.tree import Block

V, L, H, I, N, T, A, K, D, Y = letters("V L H I N T A K D Y")

OPTIONS = {
    "bert": [{}, {"tie_word_embeddings": False}, {"add_cross_attention": True, "is_decoder": True}],
    "gpt2": [{}, {"tie_word_embeddings": False}, {"n_inner": 7}],
    "llama": [{}, {"tie_word_embeddings": True}, {"attention_bias": True}, {"mlp_bias": True}],
}
CASES = [(name, options) for name in names() for options in OPTIONS[find(name).model_type]]


def draw(architecture, rng):
    """Small sizes in the domain, by config field."""
    heads = rng.choice([1, 2, 3])
    sizes = {
        "V": rng.randint(3, 40),
        "L": rng.randint(1, 9),
        "H": heads * 2 * rng.randint(1, 4),
        "I": rng.randint(1, 9),
    }
    sizes |= {"N": rng.randint(1, 3), "T": rng.randint(1, 4), "A": heads, "Y": rng.randint(2, 5)}
    if "K" in architecture.fields:
        sizes |= {"K": rng.choice([k for k in range(1, heads + 1) if heads % k == 0]), "D": 2 * rng.randint(1, 4)}
    if architecture.model_type == "gpt2":
        del sizes["I"]
    return {architecture.fields[letter]: n for letter, n in sizes.items() if letter in architecture.fields}


def real(name, sizes, options, **arguments):
    import transformers

    cls = getattr(transformers, name)
    with torch.device("meta"):
        return cls(cls.config_class(**sizes, **options, pad_token_id=None), **arguments)


def unrolled(formula, values):
    """Every tensor name of the formula with its shape, lists written out: `h.0.mlp`, `h.1.mlp`, …"""
    shapes = {}

    def walk(block, prefix):
        name = block.name
        copies = range(int(compile_scalar(block.repeat)(values))) if name == "*" else [name]
        for copy in copies:
            path = ".".join(str(p) for p in (prefix, copy) if p != "")
            for p in block.parameters:
                shapes[f"{path}.{p.name}" if path else p.name] = tuple(compile_scalar(d)(values) for d in p.shape)
            for child in block.children:
                walk(child, path)

    walk(formula.tree, "")
    return shapes


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "options"), CASES, ids=lambda v: v if isinstance(v, str) else "-".join(v) or "default"
)
def test_every_tensor_has_its_name_shape_and_count(name, options):
    architecture = find(name)
    rng = random.Random(f"{name}{options}")
    structural = {o: v for o, v in options.items() if o in architecture.options}
    formula = sc.formula(name, **structural)
    for _ in range(3):
        sizes = draw(architecture, rng)
        model = real(name, sizes, options)
        given = {**sizes, **({"n_inner": options["n_inner"]} if "n_inner" in options else {})}
        relevant = {field: n for field, n in given.items() if field in formula.notation}
        values = formula.values(relevant)
        names_and_shapes = {n: tuple(p.shape) for n, p in model.named_parameters(remove_duplicate=False)}
        assert unrolled(formula, values) == names_and_shapes
        assert formula.count(**relevant) == model.num_parameters()
        assert formula.count(**relevant, convention="trainable") == model.num_parameters(only_trainable=True)


@pytest.mark.parametrize("pooler", [False, True])
def test_the_poolers_absence_is_an_option(pooler):
    sizes = {"hidden_size": 12, "num_attention_heads": 3, "vocab_size": 9, "num_hidden_layers": 1}
    model = real("BertModel", sizes, {}, add_pooling_layer=pooler)
    f = sc.formula("BertModel", add_pooling_layer=pooler)
    assert f.count({}, **sizes) == model.num_parameters()


def test_per_layer_is_what_torchinfo_reports():
    torchinfo = pytest.importorskip("torchinfo")
    sizes = {"hidden_size": 12, "num_attention_heads": 3, "vocab_size": 90, "num_hidden_layers": 2}
    f = sc.formula("BertForMaskedLM")
    reported = torchinfo.summary(real("BertForMaskedLM", sizes, {}), verbose=0).total_params
    assert f.count({}, **sizes, convention="per_layer") == reported
    assert reported != f.count({}, **sizes)


# ------------------------------------------------------------------ as a paper writes them

LAYER = 4 * H**2 + 2 * H * I + 9 * H + I


@pytest.mark.parametrize(
    ("name", "options", "paper"),
    [
        ("BertModel", {"add_pooling_layer": False}, (V + L + T + 2) * H + N * LAYER),
        ("BertForMaskedLM", {}, (V + L + T + 2) * H + N * LAYER + H**2 + 3 * H + V),
        ("BertForMaskedLM", {"tie_word_embeddings": False}, (2 * V + L + T + 2) * H + N * LAYER + H**2 + 3 * H + 2 * V),
        ("BertModel", {"add_cross_attention": True}, (V + L + T + 2) * H + N * (LAYER + 4 * H**2 + 6 * H) + H**2 + H),
        ("GPT2Model", {"n_inner": 1}, V * H + L * H + N * LAYER + 2 * H),
        ("LlamaForCausalLM", {}, 2 * V * H + N * (2 * H * D * (A + K) + 3 * H * I + 2 * H) + H),
        ("LlamaForCausalLM", {"tie_word_embeddings": True}, V * H + N * (2 * H * D * (A + K) + 3 * H * I + 2 * H) + H),
    ],
)
def test_closed_form(name, options, paper):
    assert expand(sc.formula(name, **options).total - paper) == 0


def test_llama_without_grouped_queries_is_the_first_papers():
    f = sc.formula("LlamaForCausalLM")
    layer = 4 * H**2 + 3 * H * I + 2 * H
    assert expand(f.substitute(K=A).subs(D, H / A) - (2 * V * H + N * layer + H)) == 0


def test_gpt2_with_an_inner_size_of_4h_is_gpt2():
    assert expand(sc.formula("gpt2", n_inner=1).substitute(I=4 * H) - sc.formula("gpt2").total) == 0


def test_each_familys_first_class_is_its_base_model():
    assert [find(family).name for family in FAMILIES] == ["BertModel", "GPT2Model", "LlamaModel"]
    assert len(names()) == len(set(names())) == 19


@pytest.mark.parametrize("spelling", ["bert", "BERT", "BertModel", "bertmodel"])
def test_names_ignore_case(spelling):
    assert find(spelling).name == "BertModel"


def test_unknown_names_are_suggested():
    with pytest.raises(UnknownModelError, match=r"'BertForMaskedML'\. Did you mean BertForMaskedLM"):
        find("BertForMaskedML")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tie_words": True}, "BertModel has no option 'tie_words': it has tie_word_embeddings"),
        ({"tie_word_embeddings": 1}, "tie_word_embeddings: expected true or false, got 1"),
        ({"tie_word_embeddings": None}, "expected true or false, got None"),
    ],
)
def test_unknown_options_are_refused(options, words):
    with pytest.raises(OptionError, match=words):
        sc.formula("bert", **options)


def test_defaults_are_the_config_classes_defaults():
    for family in FAMILIES:
        architecture = find(family)
        config = real_config(family)
        for field, default in architecture.defaults.items():
            assert getattr(config, field) == default, (family, field)
        for option, default in architecture.options.items():
            assert getattr(config, option) == default, (family, option)


def real_config(family):
    from transformers import AutoConfig

    return AutoConfig.for_model(family)


def test_documentation_states_the_formula():
    # the closed form in the module's docstring is the one that comes out
    from symcount.architectures import gpt2

    stated = re.search(r"P = (.*)", gpt2.__doc__)
    assert stated
    assert stated[1].replace("²", "^2") == sc.formula("gpt2").latex()


def test_trees_are_blocks_of_the_real_names():
    tree = sc.formula("BertForMaskedLM").tree
    assert isinstance(tree, Block)
    assert [c.name for c in tree.children] == ["bert", "cls"]
