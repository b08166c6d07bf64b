"""Derived formulas: symbolically those composed by hand, exact at random points, caught when they are wrong."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from sympy import Min, expand  # noqa: E402

import symcount as sc  # noqa: E402
from published.measure import measure  # noqa: E402
from symcount.architectures import find, names  # noqa: E402
from symcount.derivation.given_configs import given_for  # noqa: E402
from symcount.errors import (  # noqa: E402
    ConfigError,
    DependencyError,
    DomainError,
    OptionError,
    UnknownModelError,
    VerificationError,
)

# numbers that configs leave out by default: they are then what the config makes of them
GROUPED = {"num_key_value_heads": 8, "head_dim": 128}
GIVEN = {
    "llama": GROUPED,
    "mistral": GROUPED,
    "mixtral": GROUPED,
    "qwen2": GROUPED,
    "qwen3_moe": GROUPED,
    "t5": {"num_decoder_layers": 5},
    "mamba": {"time_step_rank": 40},
    "vit": {"pooler_output_size": 500},
}
SMALL_BART = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "vocab_size": 50}
# the composed formula holds at one value of these
PINNED = {"decoder_sparse_step": 1}
# transformers sets the number of labels to two, whatever the config says; see `test_labels_that_a_model_sets_itself`
SET_BY_THE_MODEL = {"BartForQuestionAnswering": {"num_labels": 2}}


def assert_equal(derived, composed, substitution=None):
    at = {**PINNED, **SET_BY_THE_MODEL.get(composed.name, {})}
    fixed = {e.symbol: at[e.field] for e in derived.notation if e.field in at}
    # a derived formula may hold beyond the composed one's domain: Min(N, d) leading dense layers, where d ≤ N is asked
    fixed |= {Min(c.left, c.right): c.left for c in composed.domain if c.relation == "<="}
    # and on both sides of a branch at equal sizes, of which the composed one has an option
    at_default = {e.symbol: derived.defaults[e.letter] for e in derived.notation}
    fixed |= {case: case.subs(at_default) for case in derived.total.atoms(Min) if 1 in case.args}
    for convention in sc.CONVENTIONS:
        expected = composed.total_as(convention).subs(substitution or {})
        assert expand(derived.total_as(convention).subs(fixed) - expected) == 0, convention


@pytest.mark.parametrize("name", names())
def test_derived_is_composed_as_symbols(name):
    architecture = find(name)
    composed = architecture.formula()
    derived = sc.derive(name)
    # what the config class fills in and has no default of its own for; D = H/A before K = A
    rules = {composed.notation[x].symbol: rule for x, rule in composed.filled.items() if x not in composed.defaults}
    assert_equal(derived, composed, rules)
    assert derived.pinned == {}
    if architecture.model_type in GIVEN:
        assert_equal(sc.derive(name, **GIVEN[architecture.model_type]), composed)


OPTIONS = [
    ("BertForMaskedLM", {"tie_word_embeddings": False}),
    ("BertLMHeadModel", {"is_decoder": True, "add_cross_attention": True}),
    ("GPT2LMHeadModel", {"n_inner": 500}),
    ("GPT2LMHeadModel", {"tie_word_embeddings": False}),
    ("GPT2Model", {"add_cross_attention": True}),
    ("LlamaForCausalLM", {**GIVEN["llama"], "attention_bias": True}),
    ("LlamaForCausalLM", {**GIVEN["llama"], "mlp_bias": True, "tie_word_embeddings": True}),
    ("RobertaForMaskedLM", {"tie_word_embeddings": False}),
    ("RobertaForCausalLM", {"is_decoder": True, "add_cross_attention": True}),
    ("ElectraForMaskedLM", {"tie_word_embeddings": False}),
    ("ElectraForMultipleChoice", {"summary_use_proj": False}),
    ("DistilBertForMaskedLM", {"tie_word_embeddings": False}),
    ("AlbertForPreTraining", {"tie_word_embeddings": False}),
    ("MixtralForCausalLM", {**GROUPED, "tie_word_embeddings": True}),
    ("Qwen2ForCausalLM", {**GROUPED, "tie_word_embeddings": True}),
    ("Qwen3ForCausalLM", {"attention_bias": True, "tie_word_embeddings": True}),
    ("Qwen3MoeForCausalLM", {**GROUPED, "attention_bias": True}),
    ("Gemma2ForCausalLM", {"attention_bias": True, "tie_word_embeddings": False}),
    ("DeepseekV3ForCausalLM", {"attention_bias": True}),
    ("DeepseekV3ForCausalLM", {"q_lora_rank": None}),
    ("BloomForCausalLM", {"tie_word_embeddings": False}),
    ("MambaForCausalLM", {"time_step_rank": 40, "use_bias": True, "tie_word_embeddings": False}),
    ("MambaForCausalLM", {"time_step_rank": 40, "use_conv_bias": False}),
    ("T5ForConditionalGeneration", {"num_decoder_layers": 5, "feed_forward_proj": "gated-gelu"}),
    ("BartForConditionalGeneration", {"tie_word_embeddings": False}),
    ("WhisperForConditionalGeneration", {"tie_word_embeddings": False}),
    ("WhisperForAudioClassification", {"use_weighted_layer_sum": True}),
    ("ViTModel", {"pooler_output_size": 500, "qkv_bias": False}),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=lambda v: v if isinstance(v, str) else ",".join(v))
def test_options_are_traced(name, options):
    known = {**find(name).options, **find(name).arguments}
    composed = find(name).formula(**{k: v for k, v in options.items() if k in known})
    derived = sc.derive(name, **options)
    assert_equal(derived, composed)
    for option, value in options.items():
        if isinstance(value, bool) and option != "is_decoder":
            assert derived.options[option] is value
    assert derived.certify(2).passed == 2


def test_embeddings_as_wide_as_the_layers_are_not_projected():
    assert_equal(sc.derive("ElectraModel", embedding_size=256), find("ElectraModel").formula(embeddings_project=False))


def test_labels_that_a_model_sets_itself():
    real = transformers.BartForQuestionAnswering.config_class(num_labels=7, **SMALL_BART)
    assert sc.count({"architectures": ["BartForQuestionAnswering"], "num_labels": 7, **SMALL_BART}) == (
        transformers.BartForQuestionAnswering(real).num_parameters()
    )


def test_a_number_given_for_an_optional_field_is_a_symbol():
    left_out, given = sc.derive("LlamaModel"), sc.derive("LlamaModel", head_dim=128)
    assert "head_dim" not in left_out.notation
    assert given.notation["head_dim"].letter == "D"
    assert given.count(D=64, H=4096, A=32, V=100, I=8, N=1) != given.count(D=128, H=4096, A=32, V=100, I=8, N=1)


DIVERSE = """
BertForSequenceClassification T5ForConditionalGeneration SwinModel DeepseekV3ForCausalLM JambaForCausalLM
MixtralForCausalLM WhisperForConditionalGeneration CLIPModel ResNetForImageClassification Gemma3ForCausalLM
Qwen3NextForCausalLM MambaForCausalLM ViTForImageClassification GPTNeoXForCausalLM BloomForCausalLM FalconForCausalLM
Wav2Vec2ForCTC Qwen2VLForConditionalGeneration DebertaV2Model Mamba2ForCausalLM XLNetModel Phi3ForCausalLM
RwkvForCausalLM LlavaForConditionalGeneration BartForConditionalGeneration Dinov2Model
""".split()


@pytest.mark.parametrize("name", DIVERSE)
def test_exact_at_random_points(name):
    formula = sc.derive(name)
    certificate = formula.certify(trials=3, seed=1)
    assert certificate.passed == 3
    assert set(formula.structural) & set(certificate.varied)
    assert 0 < certificate.bound <= 1
    assert formula.depths, "a depth is a symbol"
    assert formula.pinned == {}
    assert formula.count({}) == real_model_at(name).num_parameters()


@pytest.mark.parametrize("name", ["SamVisionModel", "SwitchTransformersModel", "CvtModel"])
def test_nothing_is_kept_at_its_value_where_a_closed_form_exists(name):
    assert not sc.derive(name).pinned


ROPE = {"no_rope_layers": [1, 1, 1, 0] * 9, "layer_types": ["full_attention"] * 36}
HYBRID = {"layers_block_type": ["mamba", "hybrid"] * 2, "num_hidden_layers": 4, "use_shared_attention_adapter": True}
DEPTHS = [
    ("GPTNeoModel", {}, {"num_layers": 9}),  # the list that the config class makes is always of 24 layers
    ("GPTNeoModel", {"attention_types": [[["global", "local", "local"], 8]]}, {"num_layers": 2}),
    ("Gemma3TextModel", {"layer_types": [*["sliding_attention"] * 20, *["full_attention"] * 6]}, {"N": 7}),
    ("SmolLM3Model", ROPE, {"N": 3}),  # two lists
    ("NeoMMEModel", {}, {"N": 9}),  # `(2 * N) ** -0.5` is compared with zero
    ("Sam3LiteTextTextModel", {}, {"N": 2}),  # `i in {0, N - 1}`
    ("RTDetrModel", {}, {"encoder_layers": 3}),  # one layer, and a list with one element
    ("SamModel", {}, {"vision_config.num_hidden_layers": 15}),  # of which four are listed
    ("Emu3Model", {}, {"text_config.num_hidden_layers": 5, "vq_config.num_res_blocks": 4}),  # factors that may not move
    ("XmodModel", {"languages": ["en_XX", "de_DE"]}, {"N_languages": 5}),  # an adapter for each, under its name
    ("Zamba2Model", HYBRID, {"N_hybrid": 9}),  # as many adapters as there are hybrid layers, in each of these
]


@pytest.mark.parametrize(("name", "given", "depths"), DEPTHS, ids=lambda v: v if isinstance(v, str) else ",".join(v))
def test_depths_are_free(name, given, depths):
    cls = getattr(transformers, name, None)
    if cls is None:
        pytest.skip("not in this transformers")
    formula = sc.derive(cls, config={**(given_for(cls) or {}), **given} or None)
    assert {formula.notation[depth].field for depth in depths} <= set(formula.depths)
    assert sc.verify(formula, **depths).exact
    assert formula.certify(trials=2, seed=1).passed == 2


def test_lists_follow_the_depth_of_a_config_that_is_varied():
    formula = sc.derive("GPTNeoModel")
    config = transformers.GPTNeoConfig(num_layers=6, attention_types=[[["global"], 2], [["local"], 4]])
    assert formula.count(config) == measure(real_model_at("GPTNeoModel", **config.to_diff_dict()))["unique"]
    assert sc.verify(formula, config, num_layers=9).exact
    with pytest.raises(ConfigError, match="rejects this config"):
        formula.count({"num_layers": 6})


def test_other_kinds_of_layers_than_those_of_a_list_that_follows_are_refused():
    formula = sc.derive("Lfm2Model", layer_types=["conv"] * 8, num_hidden_layers=8)
    assert formula.pinned == {}
    of_one_kind = {"num_hidden_layers": 4, "layer_types": ["conv"] * 4}
    assert formula.count(of_one_kind) == measure(real_model_at("Lfm2Model", **of_one_kind))["unique"]
    with pytest.raises(OptionError, match=r"layer_types = .*'full_attention'"):
        formula.count({"num_hidden_layers": 4, "layer_types": ["conv", "full_attention"] * 2})


def test_an_image_of_no_whole_number_of_patches_leaves_the_depths_free():
    given = {"vision_config": {"image_size": 385}}  # half of it is a whole number of patches again
    formula = sc.derive("BlipModel", config=transformers.BlipConfig.from_dict(given))
    assert not formula.pinned
    assert {"vision_config.num_hidden_layers", "text_config.num_hidden_layers"} == set(formula.depths)
    assert formula.certify(trials=2, seed=1).passed == 2


@pytest.mark.parametrize("layers", [13, 19])
def test_a_pattern_with_a_constant_period_holds_at_every_remainder(layers):
    formula = sc.derive("ZambaModel")  # every sixth layer, from the third one on, shares its block with the others
    expected = measure(real_model_at("ZambaModel", num_hidden_layers=layers))
    for convention in ("unique", "per_layer"):
        assert formula.count({"num_hidden_layers": layers}, convention=convention) == expected[convention]


def real_model_at(name, **fields):
    import torch

    cls = getattr(transformers, name)
    with torch.device("meta"):
        return cls(cls.config_class(**fields))


def repeated(width=4, depth=1.0):
    from torch import nn

    return nn.ModuleList([nn.Linear(width, width) for _ in range(round(3 * depth))])


def test_a_ratio_of_an_own_model_that_says_how_many_layers_there_are_keeps_its_value():
    formula = sc.derive(repeated)
    assert formula.pinned == {"depth": 1.0}
    with pytest.raises(OptionError, match=r"depth = 2\.0, but the formula holds for depth = 1\.0"):
        formula.count({"depth": 2.0})
    assert formula.count({"width": 5}) == sum(p.numel() for p in repeated(5).parameters()) == 90


@pytest.mark.slow
def test_a_ratio_that_says_how_many_layers_there_are_keeps_its_value():
    formula = sc.derive("DFineModel")  # `range(round(3 * config.depth_mult))`
    assert formula.pinned["depth_mult"] == 1.0
    with pytest.raises(OptionError, match=r"depth_mult = 2\.0, but the formula holds for depth_mult = 1\.0"):
        formula.count({"depth_mult": 2.0})
    assert formula.count({"depth_mult": 1.0}) == measure(real_model_at("DFineModel"))["unique"]


@pytest.mark.parametrize(
    ("width", "depth"),
    [(1.0, 1.1), *(pytest.param(*both, marks=pytest.mark.slow) for both in ((1.1, 1.2), (1.4, 1.8)))],
)
def test_a_ratio_that_adds_one_to_few_layers_is_not_taken_for_that(width, depth):
    f = sc.derive("EfficientNetForImageClassification", width_coefficient=width, depth_coefficient=depth)
    assert f.certify(trials=8).passed == 8  # `ceil(1.1 * n)` is `n + 1` up to ten
    assert not {name for name in f.pinned if name.startswith(("strides", "num_block_repeats", "depth_coefficient"))}


def test_a_pattern_among_few_is_checked_among_many():
    formula = sc.derive("RTDetrV2Model")  # one projection of another size beyond three levels, not one in two
    assert formula.pinned["num_feature_levels"] == 3
    assert formula.certify(trials=3, seed=1).passed == 3


def test_a_field_says_which_layer_is_the_last_of_its_kind():
    formula = sc.derive("Ernie4_5_MoeModel", moe_layer_end_index=20)
    assert formula.pinned == {}
    for layers, last in ((28, 20), (29, 26), (40, 20), (30, 12)):
        fields = {"num_hidden_layers": layers, "moe_layer_end_index": last}
        assert formula.count(fields) == measure(real_model_at("Ernie4_5_MoeModel", **fields))["unique"]
    with pytest.raises(DomainError, match="≤ N is required"):
        formula.count({"num_hidden_layers": 12, "moe_layer_end_index": 20})


def test_a_list_that_does_not_follow_the_layers_ends():
    formula = sc.derive("MllamaTextModel")  # [3, 8, 13, ..., 38] by default, however many layers there are
    for layers in (40, 43, 44, 80):
        expected = measure(real_model_at("MllamaTextModel", num_hidden_layers=layers))["unique"]
        assert formula.count({"num_hidden_layers": layers}) == expected


@pytest.mark.skipif(
    tuple(map(int, transformers.__version__.split(".")[:2])) < (5, 23), reason="older ones do not build this config"
)
def test_layers_of_two_sizes_that_are_tied_to_layers_of_two_sizes():
    formula = sc.derive("DiffusionGemmaModel", config=given_for(transformers.DiffusionGemmaModel))
    assert formula.certify(trials=3, seed=1).passed == 3


def tampered(formula, path, name, change):
    """*formula* with one parameter's shape changed, or with the parameter left out (`None`)."""
    parts = path.split(".")

    def visit(block, rest):
        if not rest:
            kept = tuple(
                p if p.name != name else replace(p, shape=change(p.shape))
                for p in block.parameters
                if p.name != name or change is not None
            )
            assert kept != block.parameters
            return replace(block, parameters=kept)
        children = tuple(visit(c, rest[1:]) if c.name == rest[0] else c for c in block.children)
        assert children != block.children
        return replace(block, children=children)

    changed = replace(formula, tree=visit(formula.tree, parts))
    assert isinstance(changed, type(formula))
    return changed


def test_a_forgotten_bias_is_caught_at_the_default_config():
    formula = sc.derive("BertModel")
    wrong = tampered(formula, "encoder.layer.*.intermediate.dense", "bias", None)
    with pytest.raises(VerificationError, match=r"the default config: .*intermediate\.dense\.bias") as caught:
        wrong.certify(2)
    assert "0 by the formula, 12 in the model" in str(caught.value)


def test_what_is_right_by_default_only_is_caught_with_the_smallest_change():
    formula = sc.derive("BertModel")
    H = formula.notation["H"].symbol
    wrong = tampered(formula, "encoder.layer.*.intermediate.dense", "bias", lambda shape: (4 * H,))
    assert wrong.count({}) == formula.count({})
    with pytest.raises(VerificationError) as caught:
        wrong.certify(3)
    changed = re.findall(r"(\w+) = \d+ \(default \d+\)", str(caught.value))
    assert len(changed) == 1
    assert changed[0] in {"hidden_size", "intermediate_size"}


def test_certificates_depend_on_the_seed_alone():
    formula = sc.derive("BertModel")
    assert formula.certify(3, seed=5) == formula.certify(3, seed=5)


def test_an_unknown_class_is_answered_with_near_names():
    with pytest.raises(UnknownModelError, match=r"Did you mean .*SwinModel"):
        sc.derive("SwinMdel")
    with pytest.raises(UnknownModelError, match=r"Did you mean .*swinv2"):
        sc.derive("swinv3")


def test_a_missing_package_is_named_with_the_remedy(monkeypatch):
    class NeedsTimm(transformers.BertModel):
        def __init__(self, config):
            raise ImportError(
                "\nNeedsTimm requires the timm library but it was not found in your environment. "
                "You can install it with pip:\n`pip install timm`. Please note that you may need to restart."
            )

    with pytest.raises(DependencyError, match=r"NeedsTimm needs timm, which is not installed: pip install timm$"):
        sc.derive(NeedsTimm)
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    needed = r'^deriving a formula needs transformers, which is not installed: pip install "symcount\[hf\]"$'
    with pytest.raises(DependencyError, match=needed):
        sc.derive("BertModel")


def test_an_invalid_config_is_refused_in_transformers_words():
    with pytest.raises(ConfigError, match=r"rejects this config: .*33.* is not a multiple of") as caught:
        sc.derive("LlamaForCausalLM", hidden_size=33)
    assert len(str(caught.value)) < 300
    with pytest.raises(ConfigError, match=r"rejects this config: .*hidden_size.*str"):
        sc.derive({"model_type": "llama", "hidden_size": "wide"})
    with pytest.raises(ConfigError, match="neither architectures nor model_type"):
        sc.derive({"hidden_size": 8})
    with pytest.raises(ConfigError, match="expected a model class, its name or a config, got int"):
        sc.derive(3)


def test_a_structure_without_closed_form_is_named():
    from dataclasses import dataclass

    from torch import nn

    @dataclass
    class Config:
        width: int = 8
        layers: int = 4
        odd: int = 12

    class Chaotic(nn.Module):
        def __init__(self, config):
            super().__init__()
            w = config.width
            number = len(f"{config.odd**7:b}") % 5 + 1
            self.layers = nn.ModuleList(nn.Linear(w, w) for _ in range(config.layers))
            self.strange = nn.ModuleList(nn.Linear(w, 1) for _ in range(number))

    formula = sc.derive(Chaotic, config=Config())
    assert formula.pinned == {"odd": 12}
    assert "odd = 12" in formula.domain_text()
    assert formula.certify(3).passed == 3
    assert formula.count(Config(width=5, layers=2)) == sum(p.numel() for p in Chaotic(Config(5, 2)).parameters())
    with pytest.raises(sc.SymcountError, match="odd = 99, but the formula holds for odd = 12"):
        formula.count(Config(odd=99))


def test_points_at_which_fewer_fields_move_do_not_count_for_the_bound(monkeypatch):
    from symcount.derivation import certificate

    formula, build, refused = sc.derive("BertModel"), certificate.real_model, []

    def reluctant(described, point):
        if not refused:
            refused.append(point)
            return None
        return build(described, point)

    assert certificate.certify(formula, 2).bound < 1
    monkeypatch.setattr(certificate, "real_model", reluctant)
    checked = certificate.certify(formula, 2)
    assert (checked.passed, checked.redrawn, checked.bound) == (2, 1, 1)
