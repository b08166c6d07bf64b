"""What an atlas has otherwise than the installed transformers is found: new classes, other numbers, other spellings."""

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from symcount.atlas import layers
from symcount.atlas.counting import Counter
from symcount.atlas.store import Atlas, atlas, default_path
from symcount.cli import run
from symcount.config.releases import release_of
from symcount.derivation.resolve import model_class
from symcount.survey.carrying import carried
from symcount.survey.comparing import compared
from symcount.survey.rows import versions
from symcount.survey.workers import Candidate

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

NAME, TYPE = "CTRLModel", "ctrl"


def known(change):
    """The row of the class, changed."""
    row = layers.rows_at(atlas(), release_of(versions()), TYPE)[NAME]
    row = json.loads(json.dumps(row))
    change(row["layouts"][0])
    return row


def asked(path, row):
    """What is said of a class where the atlas at *path* has the *row*."""
    rows = {} if row is None else {(TYPE, NAME): row}
    layers.write(path, [layers.Table(versions(), rows, {}, ())])
    return compared(NAME, TYPE, True, str(path))


def other_default(layout):
    layout["numbers"]["vocab_size"]["given"] += 1


def other_spelling(layout):
    layout["sections"][""]["aliases"]["width"] = "n_embd"


def other_key(layout):
    layout["sections"][""]["aliases"].pop("num_hidden_layers")


def test_a_class_that_is_the_same_is_kept(tmp_path):
    assert asked(tmp_path / "a.bin", known(lambda _: None))["status"] == "same"


def test_a_class_that_is_new_is_built(tmp_path):
    found = asked(tmp_path / "a.bin", None)
    assert (found["status"], found["reason"]) == ("other", "it is new")


@pytest.mark.parametrize("change", [other_default, other_key])
def test_a_class_that_counts_otherwise_is_built_and_the_config_is_named(tmp_path, change):
    found = asked(tmp_path / "a.bin", known(change))
    assert found["status"] == "other"
    ours, _, rest = found["reason"].partition(" and ")
    theirs, _, config = rest.partition(" at ")
    assert int(ours) != int(theirs)
    assert json.loads(config) == ({} if change is other_default else {"num_hidden_layers": 96})


def test_a_spelling_that_is_gone_is_left_out(tmp_path):
    found = asked(tmp_path / "a.bin", known(other_spelling))
    assert found["status"] == "spelled"
    assert found["row"]["layouts"] == known(lambda _: None)["layouts"]


def test_a_spelling_that_is_a_key_as_well_is_kept():
    row = layers.rows_at(atlas(), release_of(versions()), "mellum")["MellumModel"]
    found = carried(row, model_class("MellumModel").config_class)
    assert found["layouts"][0]["sections"][""]["aliases"]["num_experts"] == "num_local_experts"
    assert found == row


def test_a_release_is_told_from_the_one_before(tmp_path):
    """Of a class that is otherwise both are stored, of one that is the same the newer one."""
    new, old = known(lambda _: None), known(other_default)
    tables = [layers.Table(f"symcount 0, transformers {v}", {(TYPE, NAME): r}, {}, ())
              for v, r in (("5.2.0", new), ("5.1.0", old), ("5.0.0", old))]  # fmt: skip
    layers.write(tmp_path / "a.bin", tables)
    assert Atlas(tmp_path / "a.bin").differing(NAME, TYPE) == ["5.2.0"]


def test_what_a_build_changed_is_reported(tmp_path, monkeypatch, capsys):
    """What would take processes is in the journals: that the class is another one, and its new entry."""
    path, here, new, old = tmp_path / "a.bin", versions(), known(lambda _: None), known(other_default)
    added = {**new, "class": "CTRLLMHeadModel", "base": False}
    layers.write(path, [layers.Table("symcount 0, transformers 5.0.0", {(TYPE, NAME): old}, {TYPE: NAME}, ())])
    found = [{"class": row["class"], "model_type": TYPE, "base": row["base"], "versions": here} for row in (new, added)]
    told = [{**row, "status": "other", "reason": "it is new", "atlas": str(path)} for row in found]
    for name, lines in (
        ("a.bin.jsonl", [{**row, **one} for row, one in zip((new, added), found, strict=True)]),
        (f"a.bin.changes-{release_of(here)}.jsonl", told),
    ):
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    every = [Candidate(row["class"], TYPE, row["base"]) for row in found]
    monkeypatch.setattr("symcount.survey.coverage.candidates", lambda **_: every)
    assert run(["atlas", "build", "ctrl", "--changed", "--output", str(path)]) == 0
    out, _ = capsys.readouterr()
    lines = out.splitlines()
    total = Counter(Atlas(path)).count({"model_type": TYPE})[1]["unique"]
    assert lines[0] == "new: CTRLLMHeadModel (ctrl)"
    assert lines[1].startswith("total: CTRLModel (ctrl): ")
    assert lines[1].endswith(f" → {total:,}")
    assert lines[2].startswith("2 classes, 1 base models")
    assert Atlas(path).releases == ["5.0.0", release_of(here)]
    assert {"loading.bin", "names.bin"} <= {file.name for file in tmp_path.iterdir()}
