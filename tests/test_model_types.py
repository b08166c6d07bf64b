"""A config is read as its model type says: one class may be that of several, each with a config class of its own.

What transformers builds decides: `AutoModel.from_config`, or the class that its mapping names where that does not work.
"""

import json
import random
from pathlib import Path

import pytest

import sampling
from symcount.atlas.counting import Counter, counter
from symcount.atlas.store import default_path
from symcount.config import model_types as modeltypes
from symcount.errors import ConfigError, SymcountError, UncoveredError, UnknownModelError

pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from transformers.models.auto.configuration_auto import CONFIG_MAPPING  # noqa: E402
from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES  # noqa: E402

from symcount.concolic.session import quiet  # noqa: E402
from symcount.derivation.resolve import model_class  # noqa: E402
from symcount.survey.schema.probe import uninitialised  # noqa: E402  # it needs torch
from symcount.verification.real_model import config_class, family, is_text_of  # noqa: E402

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

TYPES = sorted(CONFIG_MAPPING)
SHARED = ["llama", "internlm3", "iquestcoder", "gpt2", "gpt-sw3", "mlcd", "mlcd_vision_model", "glmga", "glm46v"]


def built(model_type, name="", fields=None):
    """The class and the number of parameters of what transformers builds, `None` if nothing."""
    import torch

    try:
        with quiet(), uninitialised(), torch.device("meta"):
            config = CONFIG_MAPPING[model_type].from_dict(dict(fields or {}))
            if not name:
                try:
                    model = transformers.AutoModel.from_config(config)
                except Exception:  # noqa: BLE001  # of a class that is in no mapping, or of several in one
                    named = MODEL_MAPPING_NAMES[model_type]
                    model = model_class(named if isinstance(named, str) else named[0])(config)
            else:
                cls = model_class(name)
                text = is_text_of(cls.config_class, type(config))
                model = cls(config.get_text_config() if text else config)
    except Exception:  # noqa: BLE001  # whatever it is, there is no such model
        return None
    return type(model).__name__, model.num_parameters()


def stored(fields):
    """What the atlas says, `None` if it refuses."""
    try:
        name, counts = counter().count(fields)
    except SymcountError:
        return None
    return name, counts["unique"]


def sampled(items, kept=()):
    """A random sample that is tested always, the *kept* ones among it; the others are slow."""
    return sampling.sampled(items, kept={*random.Random(1).sample(items, min(25, len(items))), *kept})


@pytest.mark.parametrize("model_type", sampled(TYPES, SHARED))
def test_a_model_type_alone_is_its_base_model(model_type):
    said, real = stored({"model_type": model_type}), built(model_type)
    assert said in (real, None)
    if model_type in SHARED:
        assert said is not None


MORE = {
    "internlm3": (
        {"vocab_size": 100, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "bias": True, "qkv_bias": True}, 81_472,
    ),
    "iquestcoder": ({}, 39_401_067_520),
    "llama": ({}, 6_607_343_616),
    "gpt2": ({}, 124_439_808),
}  # fmt: skip


@pytest.mark.parametrize("model_type", MORE)
def test_published_numbers(model_type):
    fields, expected = MORE[model_type]
    assert stored({"model_type": model_type, **fields})[1] == expected


PAIRS = [(model_type, name) for model_type in TYPES for name in family(model_type)]
SEVERAL = [
    (t, n) for n in ("LlamaModel", "LlamaForCausalLM") for t in ("llama", "internlm3", "iquestcoder")
] + [("glmga", "Glm46VForConditionalGeneration"), ("shieldgemma2", "Gemma3ForConditionalGeneration"),
     ("pp_chart2table", "GotOcr2ForConditionalGeneration"), ("sam2_video", "Sam2Model"),
     ("sam3_video", "Sam3TrackerModel"), ("tipsv2", "Tipsv2VisionBackbone")]  # fmt: skip


def changed(model_type, name):
    """A config with another number in one field."""
    rng = random.Random(f"{model_type} {name}")
    try:
        config = CONFIG_MAPPING[model_type]()
    except Exception:  # noqa: BLE001  # its defaults are no config
        return {}
    numbers = [
        (k, v) for k, v in config.to_dict().items()
        if type(v) is int and 1 < v < 100_000 and not k.endswith("_id") and k != "transformers_version"
    ]  # fmt: skip
    return dict([rng.choice([(k, v * 2 if v % 2 else v // 2) for k, v in numbers])]) if numbers else {}


@pytest.mark.parametrize(("model_type", "name"), sampled(sorted({*PAIRS, *SEVERAL}), SEVERAL))
def test_a_class_as_a_model_of_a_type(model_type, name):
    named = {"model_type": model_type, "architectures": [name]}
    for fields in ({}, changed(model_type, name)):
        said, real = stored({**named, **fields}), built(model_type, name, fields)
        assert real is None or said in (real, None), fields
        if (model_type, name) in SEVERAL and not fields:
            assert said is not None


@pytest.mark.parametrize(("model_type", "name"), SEVERAL)
def test_what_is_derived_and_verified_is_of_the_same_pair(model_type, name):
    import symcount as sc

    fields = {"model_type": model_type, "architectures": [name], **small(model_type, name)}
    real = built(model_type, name, fields)
    formula = sc.formula(fields)
    assert (formula.name, formula.count(fields)) == real
    derived = sc.derive(fields)
    assert (derived.name, derived.count(fields)) == real
    report = sc.verify(fields)
    assert report.exact
    assert report.totals["unique"].model == real[1]


def small(model_type, name):
    return changed(model_type, name) if name.startswith("Llama") else {}


def test_a_formula_of_one_type_is_not_that_of_another():
    import symcount as sc

    other = {"model_type": "internlm3", "architectures": ["LlamaModel"], "num_hidden_layers": 2}
    for formula in (sc.formula("LlamaModel"), sc.derive("LlamaModel"), sc.formula({"model_type": "iquestcoder"})):
        with pytest.raises(ConfigError, match="is a config of internlm3, but the formula is of"):
            formula.count(other)


def saved(model_type, tmp_path, **fields):
    CONFIG_MAPPING[model_type](**fields).save_pretrained(tmp_path)
    return json.loads((tmp_path / "config.json").read_text())


@pytest.mark.parametrize("model_type", ["llama", "gpt2", "internlm3", "iquestcoder"])
def test_what_a_config_saves_is_counted(model_type, tmp_path):
    fields = saved(model_type, tmp_path, num_hidden_layers=3)
    assert fields["model_type"] == model_type
    assert stored(fields) == built(model_type, "", fields)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"architectures": ["LLaMAForCausalLM"], "model_type": "llama"}, "LlamaForCausalLM"),
        ({"architectures": ["LLaMAForCausalLM"]}, "LlamaForCausalLM"),
        ({"architectures": ["PhiMoEForCausalLM"], "model_type": "phimoe"}, "PhimoeForCausalLM"),
        ({"architectures": ["MPTForCausalLM"], "model_type": "mpt"}, "MptForCausalLM"),
        ({"architectures": ["GPTNeoxForCausalLM"], "model_type": "gpt_neox"}, "GPTNeoXForCausalLM"),
        ({"architectures": ["T5WithLMHeadModel"], "model_type": "t5"}, "T5ForConditionalGeneration"),
        ({"architectures": ["InternLM3ForCausalLM"], "model_type": "internlm3"}, "LlamaForCausalLM"),
        ({"architectures": ["InternLM3Model"], "model_type": "internlm3"}, "LlamaModel"),
        ({"architectures": ["IQuestCoderForCausalLM"], "model_type": "iquestcoder"}, "LlamaForCausalLM"),
        ({"architectures": ["GPT2WithLMHeadModel"], "model_type": "gpt2"}, "GPT2LMHeadModel"),
    ],
    ids=lambda v: v if isinstance(v, str) else v["architectures"][0],
)
def test_names_as_files_have_them(fields, name):
    import symcount as sc

    model_type = fields.get("model_type", "llama")
    real = built(model_type, name)
    assert stored(fields) == real
    small = {**fields, "model_type": model_type}
    assert sc.derive(small).name == name
    assert sc.count(fields) == real[1]


@pytest.mark.parametrize(
    "fields",
    [
        {"architectures": ["DeepseekV3ForCausalLM"], "model_type": "kimi_k2"},
        {"architectures": ["LlamaForCausalLM"], "model_type": "some_lab"},
        {"architectures": ["BertForMaskedLM"], "model_type": "new"},
        {"architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "other_vl"},
    ],
    ids=lambda f: f["model_type"],
)
def test_a_type_that_only_a_repository_knows_is_read_by_the_named_class(fields):
    import symcount as sc

    (name,) = fields["architectures"]
    real = built(model_class(name).config_class.model_type, name)
    assert stored(fields) == real
    formula = sc.formula(fields)
    assert formula.count(fields) == sc.count(fields) == real[1]
    if name != "Qwen2VLForConditionalGeneration":
        assert sc.derive(fields).count(fields) == real[1]


@pytest.mark.parametrize(
    "fields",
    [
        {"architectures": ["BertModel"], "model_type": "roberta"},
        {"architectures": ["LlamaModel"], "model_type": "llava"},
        {"architectures": ["EagleLlamaForCausalLM"], "model_type": "llama"},
        {"architectures": ["LlavaLlamaForCausalLM"], "model_type": "llava"},
        {"architectures": ["T5WithLMHeadModel"]},
        {"architectures": ["LlamaModel"], "model_type": ["llama"]},
        {"model_type": "align_text_model"},
        {"model_type": "EvollaModel"},
    ],
    ids=str,
)
def test_what_names_no_pair_is_refused(fields):
    import symcount as sc

    with pytest.raises((ConfigError, UnknownModelError, UncoveredError)):
        counter().count(fields)
    with pytest.raises((ConfigError, UnknownModelError)):
        sc.count(fields)


def test_of_a_composite_config_the_text_model():
    """Which `AutoModelForCausalLM` builds of it; the atlas leaves it to the model's own code."""
    import symcount as sc

    text = {"num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 128, "vocab_size": 100}
    fields = {"architectures": ["Llama4ForCausalLM"], "model_type": "llama4", "text_config": text}
    assert stored(fields) is None
    assert sc.count(fields) == built("llama4", "Llama4ForCausalLM", fields)[1]
    assert sc.derive(fields).model_type == "llama4_text"


def test_the_model_types_are_those_of_transformers():
    from symcount.atlas.store import atlas
    from symcount.survey.build import model_types
    from symcount.survey.rows import versions

    if atlas().versions != versions():
        pytest.skip("written with other versions")
    assert json.loads(Path(modeltypes.PATH).read_text()) == model_types()


def test_the_config_class_is_that_of_the_pair():
    cls = transformers.LlamaModel
    assert config_class(cls, "internlm3") is transformers.InternLM3Config
    assert config_class(cls, "llama") is config_class(cls) is config_class(cls, "some_lab") is transformers.LlamaConfig
    with pytest.raises(ConfigError, match="config of bert, but the formula is of llama"):
        config_class(cls, "bert")


def test_an_update_keeps_the_other_entries(tmp_path):
    """A part of the atlas is built again: what was replaced is new, everything else as it was."""
    from symcount.atlas.store import Atlas, atlas
    from symcount.survey.build import assemble, rows_of

    whole = atlas()
    chosen = [row for model_type in ("bert", "llama", "internlm3") for row in rows_of(whole, model_type)]
    first = [row for row in chosen if row["class"] != "BertModel"]
    assemble(first, tmp_path / "a.bin", whole.activations, whole.bases)
    before = Atlas(tmp_path / "a.bin")
    assert before.find("BertModel") is None
    rows = [*(row for row in chosen if row["class"] == "BertModel"), {"class": "LlamaModel", "reason": "no time"}]
    assemble(rows, tmp_path / "b.bin", whole.activations, whole.bases, before)
    after = Atlas(tmp_path / "b.bin")
    for row in chosen:
        name, model_type = row["class"], row["said"]
        assert after.find(name, model_type) == whole.find(name, model_type) or row["trees"]
        fields = {"model_type": model_type, "architectures": [name]}
        assert Counter(after).count(fields) == Counter(whole).count(fields)
    assert after.bases == {t: n for t, n in whole.bases.items() if t in ("bert", "llama", "internlm3")}
    assert after.trees("LlamaModel", "internlm3") == whole.trees("LlamaModel", "internlm3")
