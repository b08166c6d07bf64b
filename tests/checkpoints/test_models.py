"""The numbers of a config from the shapes of a file, and the class of a file that has no config."""

import json
import shutil

import pytest

import symcount as sc
from symcount.checkpoints import identify
from symcount.checkpoints.identify import candidates
from symcount.cli import run
from symcount.errors import CheckpointError
from symcount.lookup import model_of

from .conftest import SMALL, hollow, saved
from .test_verify_files import MODELS

TEXTS = [n for n in MODELS if n not in ("sharded", "batch norms")]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", TEXTS)
def test_the_shapes_have_the_numbers_of_the_config(tmp_path, case):
    name, config, _ = MODELS[case]
    saved(tmp_path, name, config)
    found = model_of(tmp_path)
    stated = found.formula.bound(found.config)
    assert {k: v for k, v in found.numbers.values.items() if k in stated} == stated
    assert found.numbers.contradicted == {}
    assert found.formula.count(**found.numbers.values) == sc.count(tmp_path / "config.json")


FIELDS = [
    ("vocab_size", "V", 98),
    ("hidden_size", "H", 32),
    ("intermediate_size", "I", 25),
    ("num_hidden_layers", "N", 5),
]


@pytest.mark.parametrize(("field", "letter", "value"), FIELDS)
def test_a_config_that_contradicts_the_file(tmp_path, llama, capsys, field, letter, value):
    shutil.copytree(llama[0], tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, field: value}))
    found = model_of(tmp_path)
    assert found.numbers.contradicted == {letter: value}
    assert found.numbers.origins[letter] == "shape"
    assert found.numbers.values[letter] == SMALL[field]
    assert sc.formula(tmp_path).defaults[letter] == SMALL[field]
    assert run(["formula", str(tmp_path)]) == 0
    err = capsys.readouterr().err
    assert f"{letter} ({field}) is {SMALL[field]} by the shapes of the file; the config says {value}" in err
    assert run(["formula", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"] == {letter: value}


def test_numbers_that_no_shape_says_are_the_configs(tmp_path, llama):
    shutil.copytree(llama[0], tmp_path, dirs_exist_ok=True)
    origins = model_of(tmp_path).numbers.origins
    assert {k for k, v in origins.items() if v != "shape"} == {"A"}  # with it the shapes say the rest
    assert origins["A"] == "config"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [n for n in MODELS if n not in ("one layer for all", "batch norms")])
def test_without_a_config_the_class_is_found_by_its_tensors(tmp_path, case):
    name, config, options = MODELS[case]
    model = saved(tmp_path, name, config, **options)
    (tmp_path / "config.json").unlink()
    found = model_of(tmp_path)
    assert name in (found.formula.name, *found.alike)
    assert found.config is None
    assert found.formula.count(**{**found.formula.defaults, **found.numbers.values}) == model.num_parameters()


def test_what_is_guessed_is_said(tmp_path, llama, capsys):
    shutil.copy(llama[0] / "model.safetensors", tmp_path)
    assert run(["formula", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "P = VH + N(" in out
    assert "no config.json: " in err
    assert "not in the shapes" in err


def test_tensors_of_no_class(tmp_path):
    hollow(tmp_path / "model.safetensors", {"model.embed_tokens.weight": (97, 16), "x.y": (3,)})
    with pytest.raises(CheckpointError, match="no class has exactly these tensors"):
        model_of(tmp_path)


def test_names_that_no_class_has():
    assert candidates(["no.such.name"]) == []


@pytest.mark.filterwarnings("ignore")
def test_the_shipped_table_has_what_transformers_saves(tmp_path, monkeypatch):
    known = [("GPT2LMHeadModel", "gpt2"), ("MixtralForCausalLM", "mixtral"), ("ViTModel", "vit")]
    assert identify.measure(known, tmp_path / "names.bin") == 3
    shipped = identify._table()
    monkeypatch.setattr(identify, "default_path", lambda: tmp_path / "names.bin")
    made = identify._table.__wrapped__()
    assert made == {name: shipped[name] for name, _ in known}
    assert all(made.values())
