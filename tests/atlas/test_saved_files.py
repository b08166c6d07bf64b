"""What a config class saves is the model that it was: whole, and as the keys that differ from the defaults.

Some classes save a number under another meaning than it has alone (HrmText), some one that others compute. What the
atlas makes of all these files is what transformers makes of them, or they are refused.
"""

import json
import random

import pytest

from symcount.atlas.counting import counter
from symcount.atlas.store import default_path
from symcount.cli import run
from symcount.errors import SymcountError

pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import saving  # noqa: E402  # it needs transformers
from symcount.concolic.session import quiet  # noqa: E402
from symcount.derivation.resolve import model_class  # noqa: E402
from symcount.survey.schema.probe import real_total  # noqa: E402  # it needs torch

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

ATLAS = counter().atlas if default_path().is_file() else None
CLASSES = saving.classes() if ATLAS is not None else {}
KEPT = [
    "hrm_text",
    "llama",
    "internlm3",
    "gpt2",
    "bamba",
    "falcon_h1",
    "granitemoehybrid",
    "zamba2",
    "mlcd_vision_model",
    "llava_onevision",
    "gemma3n_text",
    "neomme",
    "dots3_note_text",
]
CHOSEN = {*random.Random(3).sample(sorted(CLASSES), min(12, len(CLASSES))), *KEPT}


def stored(fields):
    try:
        return counter().count(fields)[1]["unique"]
    except SymcountError:
        return None


#: Classes that write beside the numbers of a file what they compute from them, and read that where it is given.
COMPUTED = ["fastspeech2_conformer", "deepseek_v32", "glm_moe_dsa", "mllama_text_model", "axk2"]
SAMPLE = {*CHOSEN, *COMPUTED}


@pytest.mark.parametrize(
    "model_type", [t if t in SAMPLE else pytest.param(t, marks=pytest.mark.slow) for t in sorted(CLASSES)]
)
def test_what_is_saved_and_read_again(model_type):
    rows = list(saving.compared(model_type, CLASSES[model_type], 3 if model_type in SAMPLE else 6))
    assert [row for row in rows if saving.judged(row) == "wrong"] == []
    if model_type in KEPT:
        assert {saving.judged(row) for row in rows if not row["change"]} == {"exact"}


#: A class, a number of its config, and another value of it: the default's whole file says what was made of the first.
EDITED = [
    ("FastSpeech2ConformerModel", "decoder_layers", 8),
    ("DeepseekV32ForCausalLM", "first_k_dense_replace", 6),
    ("DeepseekV32Model", "first_k_dense_replace", 4),
    ("GlmMoeDsaForCausalLM", "first_k_dense_replace", 5),
    ("MistralLarge4TextModel", "first_k_dense_replace", 2),
    ("OlmoHybridModel", "num_hidden_layers", 16),
    ("MiMoV2FlashModel", "num_hidden_layers", 12),
    ("AXK2Model", "num_hidden_layers", 12),
]


@pytest.mark.parametrize(("name", "key", "number"), EDITED)
def test_a_number_changed_beside_what_was_computed_from_it(name, key, number):
    cls = model_class(name)
    with quiet():
        whole = json.loads(json.dumps(cls.config_class().to_dict(), default=str))
    assert stored({**whole, "architectures": [name]}) == real_total(cls, cls.config_class, whole)
    edited = {**whole, key: number}
    assert stored({**edited, "architectures": [name]}) in (None, real_total(cls, cls.config_class, edited))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"num_hidden_layers": 128, "num_layers_per_stack": 16}, 1_214_645_760),
        ({}, 1_214_645_760),
        ({"num_hidden_layers": 8}, 723_912_192),
        ({"num_layers_per_stack": 3}, 417_203_712),
        ({"num_hidden_layers": 3, "num_layers_per_stack": None}, 417_203_712),
        ({"num_hidden_layers": 128, "num_layers_per_stack": 5}, None),
    ],
    ids=str,
)
def test_a_number_that_is_computed_from_another_or_given_instead(fields, expected, tmp_path, capsys):
    import symcount as sc

    named = {"model_type": "hrm_text", **fields}
    real = real_total(transformers.HrmTextModel, transformers.HrmTextConfig, fields)
    assert expected in (None, real)
    assert stored(named) == sc.count(named) == sc.derive(named).count(named) == real
    (tmp_path / "config.json").write_text(json.dumps(named))
    assert run(["verify", "--json", str(tmp_path / "config.json")]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["unique"] == {"formula": real, "model": real}


#: Keys that a config computes and saves, given otherwise than it computes them: transformers computes them again.
GIVEN_ANEW = [
    ("esmfold2", {"atom_encoder": {"model_type": "esmfold2_atom_encoder", "head_dim": 64}}),
    ("esmfold2", {"structure_head": {"diffusion_module": {"head_dim": 64}}}),
    ("nemotron_h_omni", {"vision_config": {"video_temporal_patch_size": 2, "patch_dim": 1000}}),
    ("nemotron_h_omni", {"vision_config": {"video_temporal_patch_size": 2, "video_patch_dim": 1000, "patch_size": 32}}),
]


@pytest.mark.parametrize(("model_type", "fields"), GIVEN_ANEW, ids=str)
def test_a_computed_key_given_otherwise(model_type, fields):
    cls = model_class(CLASSES[model_type])
    counted = stored({**fields, "model_type": model_type, "architectures": [cls.__name__]})
    assert counted in (None, real_total(cls, cls.config_class, fields))


ZEROS = [
    ({"architectures": ["Gemma4ForConditionalGeneration"], "model_type": "gemma4",
      "text_config": {"hidden_size_per_layer_input": 0}}, True),
    ({"model_type": "gemma4_text", "hidden_size_per_layer_input": 0, "num_hidden_layers": 12}, True),
    ({"model_type": "gemma4", "text_config": {"hidden_size_per_layer_input": 0}}, True),
    ({"model_type": "deberta", "type_vocab_size": 0}, True),
    ({"model_type": "granitemoehybrid", "num_local_experts": 0}, False),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "known"), ZEROS, ids=lambda v: str(v)[:60])
def test_a_zero_that_is_allowed(fields, known):
    import symcount as sc

    cls = model_class(*fields.get("architectures", [ATLAS.bases[fields["model_type"]]]))
    real = real_total(
        cls, cls.config_class, {k: v for k, v in fields.items() if k not in ("architectures", "model_type")}
    )
    assert sc.count(fields) == real
    assert (stored(fields) == real) is known


def test_infinity_as_transformers_writes_it(tmp_path, capsys):
    """`BambaConfig().save_pretrained` has a limit of infinity in it, which JSON cannot say."""
    import symcount as sc

    transformers.BambaConfig(num_hidden_layers=4).save_pretrained(tmp_path)
    text = (tmp_path / "config.json").read_text()
    assert "__float__" in text
    assert run(["count", "--json", str(tmp_path / "config.json")]) == 0
    counted = json.loads(capsys.readouterr().out)["unique"]
    assert counted == real_total(transformers.BambaModel, transformers.BambaConfig, {"num_hidden_layers": 4})
    assert sc.count(json.loads(text)) == sc.derive(json.loads(text)).count(json.loads(text)) == counted


def test_a_file_that_says_twice_its_layers_is_not_counted_so():
    """Dory writes attention and MLP as layers of their own, and halves their number when it reads them."""
    cls = model_class("DoryModel")
    file = {**cls.config_class().to_dict(), "architectures": ["DoryModel"]}
    assert file["num_hidden_layers"] == 2 * cls.config_class().num_hidden_layers
    assert stored(json.loads(json.dumps(file, default=str))) in (None, real_total(cls, cls.config_class, {}))


@pytest.mark.parametrize("depth", [3, 9, 39, 44, 80])
def test_a_fixed_list_of_layers_is_counted_beyond_its_end(depth):
    """Mllama's layers of cross-attention are a list of eight: more layers than it was made for have no more of them."""
    cls, fields = model_class("MllamaTextModel"), {"num_hidden_layers": depth}
    named = {"model_type": "mllama_text_model", "architectures": ["MllamaTextModel"], **fields}
    assert stored(named) == real_total(cls, cls.config_class, fields)


@pytest.mark.parametrize("release", ["5.12.0", ""])
def test_a_flag_that_is_read_from_a_copy_of_its_sub_config(release):
    """MaskFormer copies the config of its backbone before it is read."""
    fields = {"model_type": "maskformer", "architectures": ["MaskFormerModel"], "backbone_config": {
        "model_type": "swin", "use_absolute_embeddings": True}, "decoder_config": {
        "model_type": "detr", "backbone_config": {"model_type": "timm_backbone"}}}  # fmt: skip
    if not release:
        assert stored(fields) == 41_823_514
        return
    with pytest.raises(SymcountError, match="use_absolute_embeddings = true"):
        counter(release).count(fields)


@pytest.mark.parametrize(
    ("model_type", "name", "key", "value"),
    [
        ("levit", "LevitModel", "key_dim", [32, 16, 16]),  # `down_ops`, a list of lists
        ("fastspeech2_conformer", "FastSpeech2ConformerModel", "encoder_kernel_size", 3),  # `encoder_config`, an object
        ("mobilebert", "MobileBertModel", "use_bottleneck", False),  # `true_hidden_size`, a number, beside a switch
    ],
)
def test_what_is_computed_is_not_taken_for_usual_beside_another_number(model_type, name, key, value):
    """The file of the default has what the config class computes; beside another number it says something else."""
    fields = json.loads(json.dumps(getattr(transformers, name).config_class().to_dict(), default=str))
    fields |= {"architectures": [name], "model_type": model_type}
    assert stored(fields) is not None
    assert stored({**fields, key: value}) is None
    assert stored({"architectures": [name], "model_type": model_type, key: value}) is not None
