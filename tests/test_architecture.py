"""Architectures: each class and option against the real class of transformers, name by name and shape by shape."""

import random
import re
from collections import Counter
from importlib import import_module
from itertools import pairwise

import pytest
import torch
from sympy import expand

import symcount as sc
from symcount.architectures import FAMILIES, GIVEN, find, names
from symcount.core.notation import letters
from symcount.core.tree import Block
from symcount.errors import OptionError, UnknownModelError
from symcount.exact.evaluate import compile_scalar
from symcount.expressions.reader import read_expression
from symcount.verification.report import compare

V, L, H, I, N, T, A, K, D, Y = letters("V L H I N T A K D Y")

TIED = [{}, {"tie_word_embeddings": False}]
UNTIED = [{}, {"tie_word_embeddings": True}]
BIASED = [*UNTIED, {"attention_bias": True}]
OPTIONS = {
    "bert": [*TIED, {"add_cross_attention": True, "is_decoder": True}],
    "roberta": [*TIED, {"add_cross_attention": True, "is_decoder": True}],
    "electra": [*TIED, {"add_cross_attention": True, "is_decoder": True}, {"embeddings_project": False}],
    "distilbert": [*TIED, {"sinusoidal_pos_embds": True}],
    "albert": TIED,
    "gpt2": [*TIED, {"n_inner": 7}, {"add_cross_attention": True}],
    "bloom": TIED,
    "llama": [*BIASED, {"mlp_bias": True}],
    "mistral": UNTIED,
    "mixtral": UNTIED,
    "qwen2": UNTIED,
    "qwen3": BIASED,
    "qwen3_moe": BIASED,
    "gemma2": [*TIED, {"attention_bias": True}],
    "deepseek_v3": [*BIASED, {"q_lora_rank": None}],
    "mamba": [*TIED, {"use_bias": True}, {"use_conv_bias": False}],
    "t5": [*TIED, {"feed_forward_proj": "gated-gelu"}, {"feed_forward_proj": "silu"}],
    "bart": TIED,
    "whisper": TIED,
    "vit": [{}, {"qkv_bias": False}],
    "clip": [{}],
    "clip_text_model": [{}],
    "clip_vision_model": [{}],
}
CASES = [(name, options) for name in names() for options in OPTIONS[find(name).model_type]]
CASES += [("ElectraForMultipleChoice", {"summary_use_proj": False})]
CASES += [("WhisperForAudioClassification", {"use_weighted_layer_sum": True})]


def draw(architecture, rng, options=()):
    """Small sizes in the domain, by config field."""
    sizes = {}
    towers = {letter.partition("_")[2] for letter in architecture.fields if "." in architecture.fields[letter]}
    for tower in sorted(towers) or [""]:
        sizes |= {f"{letter}_{tower}".rstrip("_"): n for letter, n in _draw(rng).items()}
    if architecture.name == "DistilBertForQuestionAnswering":
        sizes["Y"] = 2
    if architecture.model_type == "gpt2":  # an option gives it
        del sizes["I"]
    for letter in architecture.filled:  # as a config may leave it out
        if architecture.fields[letter] not in architecture.defaults and rng.random() < 0.5:
            del sizes[letter]
    if "embeddings_project" in options:
        sizes["Z"] = sizes["H"]
    fields = {field: sizes[letter] for letter, field in architecture.fields.items() if letter in sizes}
    if not towers:
        return fields
    return fields | {
        architecture.fields[x]: rng.randint(2, 9) for x in ("Y", "projection_dim") if x in architecture.fields
    }


def _draw(rng):
    heads, patch, layers, experts = rng.choice([1, 2, 3]), rng.randint(1, 4), rng.randint(1, 3), rng.randint(1, 5)
    sizes = {"A": heads, "A_enc": heads, "A_dec": 1, "H": heads * 2 * rng.randint(2, 4), "P": patch, "N": layers}
    sizes |= {"R": patch * rng.randint(1, 4), "E": experts, "k": rng.randint(1, experts), "d": rng.randint(0, layers)}
    sizes |= {"K": rng.choice([k for k in range(1, heads + 1) if heads % k == 0]), "D": 2 * rng.randint(1, 4)}
    sizes |= {"D_rope": 2 * rng.randint(1, 4), "Z": 2 * rng.randint(1, 9) - 1}  # H is even, so Z is another
    few = "J N_enc N_dec N_grp N_inner T B C S X W"
    some = (
        "I I_enc I_dec M L L_enc L_dec F G R_q R_kv R_dt D_nope D_v encoder_stride projection_dim classifier_proj_size"
    )
    sizes |= {letter: rng.randint(1, 3) for letter in few.split()} | {
        letter: rng.randint(1, 9) for letter in some.split()
    }
    return sizes | {"V": rng.randint(3, 40), "Y": rng.randint(2, 5)}


def nested(fields):
    """Config fields with those of sub-configs inside them."""
    result = {}
    for name, value in fields.items():
        parent, _, last = name.rpartition(".")
        (result.setdefault(parent, {}) if parent else result)[last] = value
    return result


def real(name, sizes, options, **arguments):
    import transformers

    cls = getattr(transformers, name)
    told = {**sizes, **{o: v for o, v in options.items() if o != "embeddings_project"}}
    with torch.device("meta"):
        return cls(cls.config_class(**nested(told), pad_token_id=None), **arguments)


def in_lists(formula, values):
    """How many tensors of each name and shape the formula has; a name has `*` for the index in a list."""
    found = Counter()
    for row in formula.ledger:
        shape = tuple(compile_scalar(d)(values) for d in row.shape)
        found[re.sub(r"\.\d+(?=\.)", ".*", row.tensor), shape] += compile_scalar(row.repeat)(values)
    return +found


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
        sizes = draw(architecture, rng, options)
        if "q_lora_rank" in options:
            del sizes["q_lora_rank"]
        model = real(name, sizes, options)
        numbers = {o: v for o, v in options.items() if o in formula.notation and v is not None}
        relevant = {field: n for field, n in {**sizes, **numbers}.items() if field in formula.notation}
        values = formula.values(relevant)
        expected = Counter()
        for tensor, p in model.named_parameters(remove_duplicate=False):
            expected[re.sub(r"\.\d+(?=\.)", ".*", tensor), tuple(p.shape)] += 1
        assert in_lists(formula, formula.values({**relevant})) == expected
        assert formula.count(**relevant) == model.num_parameters()
        assert formula.count(**relevant, convention="trainable") == model.num_parameters(only_trainable=True)
        assert compare(formula, values, model).exact


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
    assert all(re.fullmatch(rf"{family.replace('_', '')}model", find(family).name.lower()) for family in FAMILIES)
    assert len(names()) == len(set(names())) == 111


@pytest.mark.parametrize("spelling", ["bert", "BERT", "BertModel", "bertmodel"])
def test_names_ignore_case(spelling):
    assert find(spelling).name == "BertModel"


@pytest.mark.parametrize("spelling", ["deepseek_v3", "deepseek-v3", "DeepSeek-V3", "DeepseekV3Model"])
def test_names_ignore_hyphens(spelling):
    assert find(spelling).name == "DeepseekV3Model"


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


@pytest.mark.parametrize("name", names())
def test_defaults_are_the_config_classes_defaults(name):
    import transformers

    architecture = find(name)
    config = getattr(transformers, name).config_class()
    for field, default in architecture.defaults.items():
        value = config
        for part in field.split("."):
            value = getattr(value, part)
        assert value == default, field
    for option, default in architecture.options.items():
        if option in architecture.decided:
            assert architecture.decided[option](architecture.defaults) is default
        elif default == GIVEN:
            assert isinstance(getattr(config, option), int)
        else:
            said = getattr(type(config), option, getattr(config, option))  # what the class says, not what it fills in
            assert default == said, option
    for field, (default, *_) in architecture.pinned.items():
        assert getattr(config, field) == default


@pytest.mark.parametrize("name", names())
def test_every_symbol_has_a_default_or_a_rule(name):
    formula = find(name).formula()
    assert {e.letter for e in formula.notation} <= formula.defaults.keys() | formula.filled.keys()
    assert formula.count({}) > 0


@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("gpt2", "GPT2Model"),
        ("llama", "LlamaForCausalLM"),
        ("mistral", "MistralForCausalLM"),
        ("mixtral", "MixtralForCausalLM"),
        ("qwen2", "Qwen2ForCausalLM"),
        ("qwen3", "Qwen3ForCausalLM"),
        ("qwen3_moe", "Qwen3MoeForCausalLM"),
        ("gemma2", "Gemma2ForCausalLM"),
        ("bloom", "BloomForCausalLM"),
        ("mamba", "MambaForCausalLM"),
        ("t5", "T5ForConditionalGeneration"),
        ("bart", "BartForConditionalGeneration"),
        ("whisper", "WhisperForConditionalGeneration"),
    ],
)
def test_documentation_states_the_formula(family, name):
    # the closed form in the module's docstring is the one that comes out
    module = import_module(f"symcount.architectures.{family}")
    stated = re.search(r"P +=(.*?)\n(?=\n|    \w|\Z)", module.__doc__, re.DOTALL)
    assert stated
    text = stated[1].replace("²", "**2")
    formula = sc.formula(name)
    assert expand(read_expression(signed(" ".join(text.split())), formula.notation) - formula.total) == 0


def signed(text):
    """A sum of products written side by side, `2HAD + N(4H**2 + L_enc H)`, with a sign between factors."""
    tokens = re.findall(r"\*\*|[A-Za-z](?:_[a-z]+)?|\d+|[-+()]", text)
    found = []
    for before, token in pairwise(["+", *tokens]):
        factor = re.fullmatch(r"\w+|\(", token)
        if factor and re.fullmatch(r"\w+|\)", before):
            found.append("*")
        found.append(token)
    return " ".join(found)


def test_trees_are_blocks_of_the_real_names():
    tree = sc.formula("BertForMaskedLM").tree
    assert isinstance(tree, Block)
    assert [c.name for c in tree.children] == ["bert", "cls"]
