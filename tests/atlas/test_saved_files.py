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

from transformers.models.auto.configuration_auto import CONFIG_MAPPING  # noqa: E402

from symcount.atlas.probe import real_total  # noqa: E402  # it needs torch
from symcount.derive.quiet import quiet  # noqa: E402
from symcount.derive.resolve import model_class  # noqa: E402

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

ATLAS = counter().atlas if default_path().is_file() else None
#: A class for every config class: the base model, or else the one with the shortest name.
CLASSES = {}
for model_type in sorted({CONFIG_MAPPING[t].model_type for t in CONFIG_MAPPING}) if ATLAS is not None else ():
    if names := ATLAS.family(model_type):
        CLASSES[model_type] = ATLAS.bases.get(model_type) or min(names, key=lambda n: (len(n), n))
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
]
CHOSEN = {*random.Random(3).sample(sorted(CLASSES), min(12, len(CLASSES))), *KEPT}


def files(config, tmp_path):
    """The files that stand for a config: as `to_dict` has it, as it is saved, and as what differs from the defaults."""
    yield "to_dict", json.loads(json.dumps(config.to_dict(), default=str))
    config.save_pretrained(tmp_path)
    yield "saved", None
    yield "diff", json.loads(json.dumps(config.to_diff_dict(), default=str))


def stored(fields):
    try:
        return counter().count(fields)[1]["unique"]
    except SymcountError:
        return None


def changes(model_type, config, number):
    """Changes of one number of a config; depths and heads first, which others are computed from."""
    found = [
        (k, v) for k, v in config.to_dict().items()
        if type(v) is int and 1 < v < 100_000 and not k.endswith("_id") and k != "transformers_version"
    ]  # fmt: skip
    random.Random(model_type).shuffle(found)
    found.sort(key=lambda item: not any(word in item[0] for word in ("layer", "depth", "block", "head", "group")))
    return [{k: v * 2 if v < 64 else v // 2} for k, v in found[:number]]


@pytest.mark.parametrize(
    "model_type", [t if t in CHOSEN else pytest.param(t, marks=pytest.mark.slow) for t in sorted(CLASSES)]
)
def test_what_is_saved_and_read_again(model_type, tmp_path, request):
    cls, configs = model_class(CLASSES[model_type]), CONFIG_MAPPING[model_type]
    try:
        with quiet():
            default = configs()
    except Exception:  # noqa: BLE001  # its defaults are no config
        pytest.skip("the config class has no default config")
    for change in ({}, *changes(model_type, default, 2 if request.node.get_closest_marker("slow") is None else 5)):
        try:
            with quiet():
                config = configs.from_dict(dict(change))
        except Exception:  # noqa: BLE001  # the class refuses the change
            continue
        own = real_total(cls, configs, change)
        if own is None:
            continue
        assert stored({**change, "model_type": model_type, "architectures": [cls.__name__]}) in (own, None), change
        for form, fields in files(config, tmp_path):
            path = tmp_path / "config.json"
            if fields is not None:
                path.write_text(json.dumps({**fields, "model_type": model_type}))
            with quiet():
                again = configs.from_pretrained(str(tmp_path))
                real = real_total(cls, configs, json.loads(json.dumps(again.to_dict(), default=str)))
            found = _counted(path, cls.__name__)
            assert found in (real, None), (form, change)
            if model_type in KEPT and not change:
                assert found == real == own, form


def _counted(path, name):
    from symcount.files import load

    return stored({**load(path), "architectures": [name]})


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


def test_a_fixed_list_of_layers_holds_up_to_its_end():
    """Mllama's layers of cross-attention are a list of eight: more layers than it was made for have no more of them."""
    fields = {"model_type": "mllama_text_model", "architectures": ["MllamaTextModel"], "num_hidden_layers": 80}
    assert stored(fields) is None
    assert stored({**fields, "num_hidden_layers": 43}) is not None
