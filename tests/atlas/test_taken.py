"""Keys that a config class takes beside its declared fields: by properties, out of its arguments, in old spellings.

A config with such a key counts as transformers builds it, or is refused. The names are read off the text of the config
classes, each is tried at values of its kind, and wherever the config becomes another one the real model is built.
"""

import ast
import inspect
import json
import random
import textwrap

import pytest

import symcount as sc
from symcount.atlas.counting import counter
from symcount.atlas.store import default_path
from symcount.errors import ConfigError, SymcountError, UncoveredError

pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from symcount.concolic.session import quiet
from symcount.derivation.resolve import model_class
from symcount.survey.schema.config_class import attribute, attribute_at, parts, settable
from symcount.survey.schema.probe import Probe, changed, differs, real_total
from symcount.survey.schema.taken import alike, other_spelling, renamed, taken

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

ATLAS = counter().atlas if default_path().is_file() else None
#: A class for every config class: the base model, or else the one with the shortest name.
CLASSES = {}
for model_type in sorted({CONFIG_MAPPING[t].model_type for t in CONFIG_MAPPING}) if ATLAS is not None else ():
    if names := ATLAS.family(model_type):
        CLASSES[model_type] = ATLAS.bases.get(model_type) or min(names, key=lambda n: (len(n), n))
KEPT = ["longcat_flash", "molmo2", "mimi", "funnel", "prophetnet", "nemotron_h", "dbrx", "falcon", "xlnet"]
CHOSEN = {*random.Random(7).sample(sorted(CLASSES), min(12, len(CLASSES))), *KEPT}
#: What says how a model is run or what a file is, and what other tests vary.
_OTHER = {"model_type", "architectures", "transformers_version", "dtype", "torch_dtype", "id2label", "label2id",
          "num_labels", "attribute_map", "auto_map", "sub_configs", "sub_configs_defaults"}  # fmt: skip

MEMBERS = [
    ("LongcatFlashForCausalLM", "longcat_flash", {"num_hidden_layers": 28}, "num_hidden_layers = 28"),
    ("LongcatFlashForCausalLM", "longcat_flash", {"num_layers": 14}, 371_332_102_144),
    ("Molmo2ForConditionalGeneration", "molmo2", {"vit_config": {"image_num_pos": 100}}, "vit_config = {"),
    ("Molmo2ForConditionalGeneration", "molmo2", {"vision_config": {"image_num_pos": 100}}, 8_693_877_584),
    ("Molmo2ForConditionalGeneration", "molmo2", {"vision_config": {"image_num_pos": 7}}, None),
    ("Molmo2ForConditionalGeneration", "molmo2", {"vit_config": {"num_hidden_layers": 26}}, "vit_config = {"),
    ("Gemma4ForCausalLM", "gemma4_text", {"global_head_dim": 7}, "global_head_dim = 7"),
    ("EmbeddingGemma2TextModel", "embedding_gemma2_text", {"num_global_key_value_heads": 3},
     "num_global_key_value_heads = 3"),
    ("InklingForCausalLM", "inkling_text", {"dense_intermediate_size": 7}, "dense_intermediate_size = 7"),
    ("MimiModel", "mimi", {"encoder_config": None}, "encoder_config = null"),
    ("MimiModel", "mimi", {"decoder_config": None}, "decoder_config = null"),
    ("MimiModel", "mimi", {"encoder_config": {}}, "encoder_config = {}"),
    ("CsmForConditionalGeneration", "csm", {"codec_config": {"encoder_config": None}}, "encoder_config = null"),
    ("FunnelModel", "funnel", {"num_hidden_layers": 12}, "num_hidden_layers = 12"),
    ("FunnelModel", "funnel", {"num_blocks": 3}, "num_blocks = 3"),
    ("ProphetNetModel", "prophetnet", {"num_hidden_layers": 12}, "num_hidden_layers = 12"),
    ("DbrxForCausalLM", "dbrx", {"num_hidden_layers": 2, "attn_config": {"rope_theta": 10000.0}}, None),
    ("DbrxForCausalLM", "dbrx", {"hidden_size": 1024, "attn_config": {"rope_theta": 10000.0}}, "hidden_size = 1024"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model_type", "fields", "expected"), MEMBERS, ids=lambda v: str(v)[:50])
def test_a_key_that_is_taken_otherwise(name, model_type, fields, expected):
    named = {"architectures": [name], "model_type": model_type, **fields}
    if isinstance(expected, str):
        with pytest.raises((ConfigError, UncoveredError)) as refused:
            counter().count(named)
        assert expected in str(refused.value)
        return
    real = real_total(model_class(name), CONFIG_MAPPING[model_type], fields)
    assert expected in (None, real)
    assert counter().count(named)[1]["unique"] == sc.count(named) == real


def _probe(name, model_type, raw):
    return Probe(model_class(name), CONFIG_MAPPING[model_type], raw)


def test_what_the_build_finds():
    given = {"adapter_config": {}, "text_config": {}, "vision_config": {}}
    assert taken(_probe("LongcatFlashModel", "longcat_flash", {"num_layers": 1}), "", ()) == {"num_hidden_layers": ""}
    molmo = _probe("Molmo2Model", "molmo2", given)
    assert renamed(molmo, "", "vit_config") == ""  # the layers that it says are not all built
    assert taken(molmo, "", ())["vit_config"] == ""
    assert other_spelling(molmo, "vision_config", "image_num_pos") == "num_position_embeddings"
    mimi = taken(_probe("MimiModel", "mimi", {}), "", ())
    assert {k: mimi[k] for k in ("decoder_config", "encoder_config")} == {
        "decoder_config": "null", "encoder_config": "null",
    }  # fmt: skip


def test_a_number_that_is_given_does_not_hide_that_a_key_says_it_too():
    probe = _probe("Molmo2Model", "molmo2", {"adapter_config": {}, "text_config": {}, "vision_config": {}})
    probe.givens["vision_config.num_position_embeddings"] = 729
    assert not alike(probe, "vision_config.image_num_pos", 7)
    assert alike(probe, "vision_config.image_num_pos", None)  # then the number is what it is by default
    assert alike(probe, "vision_config.attention_dropout", 0.5)
    assert probe.givens == {"vision_config.num_position_embeddings": 729}


def _names(cls):
    """What stands in the text of a config class and may be the name of a key."""
    found = {*settable(cls), *(cls.attribute_map or {})}
    for owner in (c for c in cls.__mro__ if c.__module__.startswith("transformers.models.")):
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(owner)))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                found.add(node.value)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
                found.add(node.attr)
    return {n for n in found if not n.startswith("_") and not callable(getattr(cls, n, None))} - _OTHER


def _values(current):
    if isinstance(current, bool):
        return [not current]
    if isinstance(current, int):
        return [2 * current, current + 1] if current > 0 else [1, 8]
    if isinstance(current, float):
        return [2 * current + 1]
    if isinstance(current, str):
        return ["relu"]
    if isinstance(current, list | tuple):
        return [[2 * x for x in current if isinstance(x, int)]]
    described = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    return [7, 128, True, "relu", [1, 2], described] if current is None else [described, None, 8]


def _config(configs, raw):
    try:
        with quiet():
            return configs.from_dict(json.loads(json.dumps(raw)))
    except Exception:  # noqa: BLE001  # the class refuses it
        return None


def _without(config, section, key):
    if (found := attribute_at(config, section)) is not None:
        vars(found).pop(key, None)
    return config


@pytest.mark.parametrize(
    "model_type", [t if t in CHOSEN else pytest.param(t, marks=pytest.mark.slow) for t in sorted(CLASSES)]
)
def test_every_key_that_a_class_takes(model_type):
    cls, configs = model_class(CLASSES[model_type]), CONFIG_MAPPING[model_type]
    whole = _config(configs, {})
    if whole is None:
        pytest.skip("the config class has no default config")
    wrong = []
    for path, config in parts(whole).items():
        prefix, start = f"{path}." if path else "", {}
        for i in range(len(path.split(".")) if path else 0):
            section = ".".join(path.split(".")[: i + 1])
            start = changed(start, {f"{section}.model_type": attribute_at(whole, section).model_type})
        inner = [type(c) for p, c in parts(whole).items() if p and p.rpartition(".")[0] == path]
        below = {name for c in inner for name in getattr(c, "__dataclass_fields__", ())}
        fields = getattr(type(config), "__dataclass_fields__", {}).keys()
        for key in sorted((_names(type(config)) | below - _OTHER) - fields):
            for value in _values(attribute(config, key)):
                raw = changed(start, {prefix + key: value})
                base, one = _config(configs, start), _config(configs, raw)
                if base is None or one is None:
                    continue
                dropped = key in settable(type(config)) and value is None  # it may be kept in a private attribute
                if not dropped and not differs(_without(base, path, key), _without(one, path, key)):
                    continue
                try:
                    counted = counter().count({**raw, "model_type": model_type, "architectures": [cls.__name__]})
                except SymcountError:
                    continue
                real = real_total(cls, configs, raw)
                if real is not None and counted[1]["unique"] != real:
                    wrong.append((prefix + key, value, counted[1]["unique"], real))
    assert not wrong
