"""Every release of transformers: its totals, which one answers, and what is told where they differ.

`releases/defaults.csv` and `releases/keys.csv` were measured by building the real models in each release; an empty cell
is a config that the release refuses, or a class that it does not have.
"""

import csv
import json
import re
from pathlib import Path

import pytest

import symcount as sc
from symcount.atlas import differences
from symcount.atlas.counting import Counter
from symcount.atlas.speaker import speaker
from symcount.atlas.store import Atlas, atlas, default_path
from symcount.cli import run
from symcount.config import releases
from symcount.config.releases import installed
from symcount.errors import ConfigError, SymcountError, UncoveredError, UnknownModelError

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

HERE = Path(__file__).parent / "releases"
CSM = {"architectures": ["CsmForConditionalGeneration"], "model_type": "csm"}
BERT = {"architectures": ["BertForMaskedLM"], "model_type": "bert", "vocab_size": 30_000}
INKLING = {"architectures": ["InklingForCausalLM"], "model_type": "inkling_text"}

# what transformers builds here and the atlas refuses
REFUSED = ("gemma4", "laguna", "vipllava", "longcat_flash")


def rows(name):
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def without_transformers(monkeypatch):
    """As if transformers were not installed."""
    monkeypatch.setattr("symcount.config.releases.installed", lambda: None)
    for module in ("atlas.counting", "atlas.speaker"):
        monkeypatch.setattr(f"symcount.{module}.installed", lambda: None)


def installing(monkeypatch, version):
    for module in ("config.releases", "atlas.counting", "atlas.speaker"):
        monkeypatch.setattr(f"symcount.{module}.installed", lambda: version)


def test_the_table_has_the_releases_that_are_promised():
    assert {"5.12.0", "5.16.0", "5.20.0", "5.23.0", "5.24.0"} <= set(atlas().releases)
    assert atlas().releases == sorted(atlas().releases, key=releases.number)
    assert atlas().release == atlas().releases[-1]


@pytest.mark.parametrize("release", ["5.12.0", "5.16.0", "5.20.0", "5.23.0", "5.24.0"])
def test_default_totals_are_those_of_each_release(release):
    counter = Counter(atlas().at(release))
    wrong, counted = [], 0
    for row in rows("defaults.csv"):
        if row["release"] != release or counter.atlas.find(row["class"]) is None:
            continue
        entry = counter.atlas.find(row["class"])
        try:
            found = counter.count({"architectures": [row["class"]], "model_type": entry.model_type})[1]["unique"]
        except UncoveredError:  # sub-configs without which the stored formulas are not
            continue
        counted += 1
        wrong += [] if found == int(row["total"]) else [(row["class"], found, row["total"])]
    assert wrong == []
    assert counted >= 4


@pytest.mark.parametrize("row", rows("keys.csv"), ids=lambda row: json.loads(row["config"]).get("model_type"))
def test_keys_mean_what_they_mean_in_each_release(row):
    config = json.loads(row["config"])
    for release, total in row.items():
        if release == "config":
            continue
        try:  # nothing is derived, whichever release is installed
            found = str(Counter(atlas().at(release)).count(config)[1]["unique"])
        except SymcountError:
            assert not total or config["model_type"].startswith(REFUSED), (release, total)
        else:
            assert found == total, release


@pytest.mark.parametrize(
    ("config", "words"),
    [
        # taken out of the class's arguments, or in place of a number that it computes: a trace does not see it
        ({"architectures": ["LwDetrModel"], "model_type": "lw_detr", "num_feature_levels": 8}, "num_feature_levels"),
        ({"architectures": ["MimiEncoderModel"], "model_type": "mimi_encoder", "frame_rate": 25.0}, "frame_rate"),
        (
            {"architectures": ["Gemma4ForCausalLM"], "model_type": "gemma4_text", "global_head_dim": 7},
            "global_head_dim",
        ),
        # fewer layers than are dense
        ({"architectures": ["GlmMoeDsaModel"], "model_type": "glm_moe_dsa", "num_hidden_layers": 2}, "N + -1 * d ≥ 0"),
        ({"model_type": "deepseek_v32", "num_hidden_layers": 1}, "N + -1 * d ≥ 0"),
        # so many layers are none, and a formula would take one away
        ({"architectures": ["xLSTMModel"], "model_type": "xlstm", "num_hidden_layers": -1}, "num_blocks = -1"),
        # the class itself computes in floating point
        ({"model_type": "mobilenet_v2", "depth_multiplier": 1e308}, "beyond those of floating point"),
        # what every config class has, and none lets be set
        ({"model_type": "bert", "use_return_dict": True}, "use_return_dict cannot be set"),
        ({"model_type": "clip", "vision_config": {"num_labels": None}}, "vision_config.num_labels: expected"),
    ],
)
def test_what_would_be_another_model_or_none_is_refused_as_of_every_release(config, words):
    for release in atlas().releases:
        counting = Counter(atlas().at(release))
        if "architectures" not in config or counting.atlas.find(config["architectures"][0]) is not None:
            with pytest.raises((ConfigError, UncoveredError), match=re.escape(words)):
                counting.count(config)


@pytest.mark.parametrize(
    ("name", "totals"),
    [
        # a spelling that the config class declares as a key of its own as well
        ("qwen3-vl-30b-a3b-instruct", {"5.12.0": 31_070_754_032, "5.20.0": 31_070_754_032, "5.24.0": 31_070_754_032}),
        # the head is tied whatever the file says, but not before
        ("long-t5-tglobal-base", {"5.12.0": None, "5.16.0": 222_913_152}),
        # one module at two places has become two with the same tensors
        ("grounding-dino-tiny", {"5.20.0": None, "5.23.0": 172_250_626}),
    ],
)
def test_published_files_are_counted_as_each_release_builds_them(name, totals):
    file = HERE.parents[1] / "published" / "configs" / f"{name}.json"
    for release, total in totals.items():
        counting = Counter(atlas().at(release))
        if total is None:
            with pytest.raises(UncoveredError):
                counting.count(json.loads(file.read_text(encoding="utf-8")))
        else:
            assert counting.count(json.loads(file.read_text(encoding="utf-8")))[1]["unique"] == total


def test_a_version_is_asked_for():
    assert sc.count(CSM, transformers="5.12.0") == 1_766_514_497
    assert sc.count(CSM, transformers="5.24.0") == 1_632_100_161
    assert sc.formula("CsmForConditionalGeneration", transformers="5.16.0").count({}) == 1_766_514_497
    assert sc.formula(CSM, transformers="5.16.0").count(CSM) == 1_766_514_497
    assert sc.count("CsmForConditionalGeneration", transformers="5.16.0") == 1_766_514_497


@pytest.mark.parametrize(
    ("version", "release"),
    [("5.12.0", "5.12.0"), ("5.12.1", "5.12.0"), ("5.19.9", "5.16.0"), ("4.57.1", "5.12.0"), ("5.23", "5.23.0"),
     ("5.20.0.dev0", "5.20.0"), ("99.0.0", None)],
)  # fmt: skip
def test_the_last_release_before_a_version_answers(version, release):
    assert speaker(CSM, version).release == (release or atlas().release)


@pytest.mark.parametrize("version", ["five", "5..1", "5.12.0; rm", "v"])
def test_what_is_no_version_is_refused_by_name(version):
    with pytest.raises(ConfigError, match="expected a version such as"):
        sc.count(CSM, transformers=version)


def test_without_a_version_the_installed_release_answers(monkeypatch):
    installing(monkeypatch, "5.16.0")
    assert speaker({**CSM, "transformers_version": "5.24.0"}).release == "5.16.0"
    assert sc.count(CSM) == 1_766_514_497


def test_without_transformers_the_file_says_it_where_it_matters(without_transformers):
    assert speaker({**CSM, "transformers_version": "5.16.0"}).release == "5.16.0"
    assert speaker({**CSM, "transformers_version": "4.52.0"}).release == "5.12.0"
    assert speaker({**BERT, "transformers_version": "5.16.0"}).release == atlas().release
    assert speaker({**CSM, "transformers_version": "of mine"}).release == atlas().release
    assert speaker(CSM).release == atlas().release


def test_a_class_that_is_new_is_answered_for_by_the_release_that_has_it(monkeypatch):
    installing(monkeypatch, "5.12.0")
    spoken = speaker(INKLING)
    assert spoken.release == "5.16.0"
    assert "5.12.0" in spoken.why


def test_a_class_that_is_new_is_refused_where_an_older_release_is_asked_for():
    said = r"transformers 5\.12\.0 has no InklingForCausalLM; 5\.16\.0.* have it"
    if installed() == "5.12.0":  # where it is installed, its own code is asked as well
        said = "unknown model 'InklingForCausalLM'"
    with pytest.raises(UnknownModelError, match=said):
        sc.count(INKLING, transformers="5.12.0")


def test_what_another_release_says_is_told_where_it_is_something_else(tmp_path, capsys):
    for name, config in (("csm", CSM), ("bert", BERT)):
        (tmp_path / f"{name}.json").write_text(json.dumps(config))
        assert run(["count", "--transformers", "5.17.0", "--json", str(tmp_path / f"{name}.json")]) == 0
    out, err = capsys.readouterr()
    csm, bert = map(json.loads, out.splitlines())
    assert (csm["transformers"], csm["unique"]) == ("5.16.0", 1_766_514_497)
    assert (bert["transformers"], bert["unique"]) == ("5.16.0", 109_112_880)
    [line] = [line for line in err.splitlines() if "transformers" in line]
    assert "counted as of transformers 5.16.0" in line
    assert "which is the last one before it that is stored; 5.17.0 is asked for" in line
    assert "1,632,100,161" in line


def test_a_key_that_another_release_reads_is_told():
    config = {"architectures": ["BailingHybridForCausalLM"], "model_type": "bailing_hybrid", "q_lora_rank": 512}
    assert sc.count(config, transformers="5.23.0") == 124_414_191_072
    with pytest.raises(UncoveredError, match="q_lora_rank = 512 is outside the stored formulas"):
        Counter(atlas().at("5.24.0")).count(config)
    from symcount.diagnostics import notes_on_release

    spoken = speaker(config, "5.23.0")
    found = spoken.counter.found(config)
    said = [note.text for note in notes_on_release(spoken, config, found, spoken.counter.totals(found)["unique"])]
    assert "q_lora_rank is not read by BailingHybridForCausalLM of transformers 5.23.0; that of 5.24.0 reads it" in said


@pytest.mark.parametrize("config", [BERT, {"model_type": "clip"}], ids=["bert", "clip"])
@pytest.mark.parametrize(
    ("key", "value", "since"),
    [("is_encoder_decoder", None, "5.20.0"), ("return_dict", "x", "5.20.0"), ("problem_type", 8, "5.20.0"),
     ("label2id", [], "5.20.0"), ("id2label", [1], None)],
)  # fmt: skip
def test_keys_that_all_classes_have_are_of_the_kinds_that_a_release_admits(config, key, value, since):
    for release in atlas().releases:
        for said in ({key: value}, {"vision_config": {key: value}} if config is not BERT else {key: value}):
            counting = Counter(atlas().at(release))
            if since is not None and releases.number(release) >= releases.number(since):
                assert counting.count({**config, **said})[1] == counting.count(config)[1]
            else:
                with pytest.raises(ConfigError, match=f"{key}.*expected"):
                    counting.count({**config, **said})


def test_the_kinds_of_these_keys_are_those_of_the_installed_release():
    pytest.importorskip("transformers")
    from symcount.survey.schema.config_class import general_kinds

    assert general_kinds() == atlas().at(installed()).kinds or installed() not in atlas().releases


def test_a_key_that_only_a_newer_release_reads_says_nothing_to_an_older_one(tmp_path, capsys):
    lines = [{"model_type": "dinov2", "head_dim": size} for size in (16, 32, 64)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for release, totals in (("5.16.0", [85_725_696] * 3), ("5.20.0", [64_471_296, 71_556_096, 85_725_696])):
        assert run(["count", "--transformers", release, "--json", "--jsonl", str(tmp_path / "a.jsonl")]) == 0
        out, _ = capsys.readouterr()
        assert [json.loads(line)["unique"] for line in out.splitlines()] == totals
        assert out.count("head_dim is not read by Dinov2Model of transformers 5.16.0") == 3 * (release == "5.16.0")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({**CSM, "codec_config": {"num_filters": 32}}, "codec_config without model_type"),
        (
            {"architectures": ["MusicgenForConditionalGeneration"], "model_type": "musicgen"},
            "audio_encoder is left out",
        ),
    ],
    ids=["csm", "musicgen"],
)
def test_what_an_older_release_insists_on(config, words):
    with pytest.raises(UncoveredError, match=words):
        Counter(atlas().at("5.16.0")).count(config)
    assert Counter(atlas().at("5.20.0")).count(config)


def test_the_page_of_releases_is_that_of_the_atlas():
    page = Path(__file__).parents[2] / "docs" / "releases.md"
    assert page.read_text(encoding="utf-8") == "\n".join(differences.table(atlas())) + "\n"


@pytest.mark.parametrize("name", ["CsmForConditionalGeneration", "LlamaForCausalLM", "ReformerForMaskedLM"])
def test_a_config_object_is_of_the_installed_release(name):
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    cls = getattr(transformers, name)
    config = cls.config_class(**({"is_decoder": False} if "Reformer" in name else {}))
    config.architectures = [name]
    with torch.device("meta"):
        total = sum(p.numel() for p in cls(config).parameters())
    assert sc.count(config) == total
    assert sc.formula(config).count(config) == total


def test_an_installed_version_between_two_that_differ_is_not_answered_for(monkeypatch):
    installing(monkeypatch, "5.22.0")
    with pytest.raises(UncoveredError, match=r"5\.22\.0 is installed, of which no formulas are stored"):
        speaker(CSM, exactly=True)
    assert speaker(BERT, exactly=True).release == "5.20.0"


def test_layers_are_written_and_read(tmp_path):
    """A release that is written once more is what it was, and a class that is gone is not there."""
    from symcount.atlas import layers

    whole = atlas()
    tables = [layers.Table(whole.at(r).versions, {}, {}, ()) for r in reversed(whole.releases)]
    for table, release in zip(tables, reversed(whole.releases), strict=True):
        for name in ("CsmForConditionalGeneration", "InklingForCausalLM", "BertModel"):
            entry = whole.at(release).find(name)
            if entry is not None:
                table.rows[entry.model_type, name] = layers.rows_at(whole, release, entry.model_type)[name]
    layers.write(tmp_path / "a.bin", tables)
    again = Atlas(tmp_path / "a.bin")
    assert again.releases == whole.releases
    for release in whole.releases:
        assert again.at(release).names == [
            name
            for name in ("BertModel", "CsmForConditionalGeneration", "InklingForCausalLM")
            if name in whole.at(release).names
        ]
        for name in again.at(release).names:
            fields = {"architectures": [name]}
            assert Counter(again.at(release)).count(fields) == Counter(whole.at(release)).count(fields)
    assert again.differing("BertModel", "bert") == []
    assert again.differing("CsmForConditionalGeneration", "csm") == ["5.20.0", "5.23.0"]
