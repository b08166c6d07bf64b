"""The sweep: a row for every class, whatever becomes of the process that examines it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from symcount.cli import run
from symcount.errors import ConfigError, VerificationError
from symcount.survey import workers
from symcount.survey.coverage import Candidate, candidates, read_rows, sweep
from symcount.survey.rows import Row, examine, versions

# a worker that does what the class is called, without torch
FAKE = f"""
import json, os, sys, time
print("{{}}", flush=True) if sys.stdin.readline() else None
for line in sys.stdin:
    item = json.loads(line)
    if item["name"] == "Hangs":
        time.sleep(60)
    if item["name"] == "Dies":
        os._exit(7)
    if item["name"] == "Babbles":
        print("half a li", end="", flush=True)
        os._exit(0)
    item["class"] = item.pop("name")
    print(json.dumps({{**item, "status": "exact", "points": item["trials"], "versions": {versions()!r}}}), flush=True)
"""


@pytest.fixture
def started(monkeypatch):
    processes = []

    def process(module):
        assert module == "symcount.survey.rows"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
        processes.append(subprocess.Popen([sys.executable, "-c", FAKE], **pipes))
        return processes[-1]

    monkeypatch.setattr(workers, "_process", process)
    yield processes
    assert all(p.poll() is not None for p in processes), "every process has ended"


def named(*names):
    return [Candidate(name, name.lower(), base=True) for name in names]


def test_candidates_are_the_model_classes_base_models_first():
    found = candidates()
    assert [c.base for c in found] == sorted((c.base for c in found), reverse=True)
    assert len({c.name for c in found}) == len(found) > 1500
    assert not [c for c in found if c.name.endswith("Config")]
    assert {c.name for c in candidates(base_only=True)} == {c.name for c in found if c.base}
    assert {"BertModel", "BertForMaskedLM"} <= {c.name for c in candidates("bert")}
    assert {c.name for c in candidates("GPT2MODEL")} == {"GPT2Model"}
    assert candidates("zzz") == ()


def test_exported_classes_beside_the_mappings_are_candidates_where_they_are_asked_for():
    mapped, every = {c.name for c in candidates()}, {c.name: c for c in candidates(exported=True)}
    more = every.keys() - mapped
    assert mapped < every.keys()
    assert {"CLIPTextModelWithProjection", "InformerForPrediction", "LukeForEntitySpanClassification"} <= more
    assert every["CLIPTextModelWithProjection"].model_type == "clip_text_model"
    assert not [name for name in more if every[name].base or name.endswith(("PreTrainedModel", "Config"))]


def test_a_process_that_hangs_or_dies_is_a_row_and_is_replaced(started):
    names = ["A", "Hangs", "B", "Dies", "C", "Babbles", "D"]
    rows = {r.name: r for r in sweep(named(*names), jobs=1, timeout=1.0, trials=2)}
    assert {n: rows[n].status for n in names} == {
        **dict.fromkeys("ABCD", "exact"),
        "Hangs": "timed_out",
        "Dies": "crashed",
        "Babbles": "crashed",
    }
    assert rows["Hangs"].reason == "took more than 1 s"
    assert rows["Dies"].reason == "the process that examined it ended with code 7"
    assert rows["Hangs"].instantiable
    assert len(started) == 4


def test_processes_are_replaced_before_they_grow_old(started, monkeypatch):
    monkeypatch.setattr(workers, "LIFETIME", 2)
    assert len(list(sweep(named(*"ABCDE"), jobs=1))) == 5
    assert len(started) == 3


def test_a_sweep_continues_where_it_stopped(started, tmp_path):
    path = tmp_path / "rows.jsonl"
    first = sweep(named(*"ABCD"), jobs=1, trials=2, output=path)
    assert next(first).name == "A"
    first.close()  # as Ctrl-C does
    assert list(read_rows(path)) == ["A"]
    with path.open("a") as file:
        file.write('{"class": "B", "stat')  # as a power cut does
    assert list(read_rows(path)) == ["A"]
    again = list(sweep(named(*"ABCD"), jobs=2, trials=2, output=path))
    assert sorted(r.name for r in again) == list("ABCD")
    assert again[0].name == "A"
    assert sorted(json.loads(line)["class"] for line in path.read_text().splitlines()) == list("ABCD")
    count = len(started)
    assert len(list(sweep(named(*"ABCD"), trials=2, output=path))) == 4
    assert len(started) == count, "nothing was left to do"


@pytest.mark.parametrize(
    ("before", "asked", "retried"),
    [
        ({}, {}, False),
        ({"seed": 1}, {}, True),
        ({"trials": 3}, {}, True),
        ({"versions": "symcount 0.0.0"}, {}, True),
        ({"status": "failed"}, {}, False),
        ({"status": "crashed"}, {}, True),
        ({"status": "timed_out", "seconds_derive": 5.0}, {"timeout": 5.0}, False),
        ({"status": "timed_out", "seconds_derive": 5.0}, {"timeout": 9.0}, True),
    ],
)
def test_what_is_examined_again(started, tmp_path, before, asked, retried):
    path = tmp_path / "rows.jsonl"
    row = replace(Row("A", status="exact", trials=2, versions=versions(), reason="old"), **before)
    path.write_text(json.dumps(row.to_json()) + "\n")
    (found,) = sweep(named("A"), jobs=1, trials=2, output=path, **asked)
    assert (found.reason == "") is retried
    assert read_rows(path)["A"] == found


def test_rows_are_written_as_they_are_read(tmp_path):
    row = Row(
        "A", "a", True, "pinned", "because", 0.1, 0.2, 0.3, 8, 8, 5, 9, 0.01, ("x",), ("y", "z"), "H", "valid", "v"
    )
    assert Row.from_json(json.loads(json.dumps(row.to_json()))) == row
    assert row.to_json()["class"] == "A"


@pytest.mark.parametrize("text", ["{}\n", "[1]\n", '{"class": "A", "status": "lovely"}\n', "hello\n{}\n"])
def test_another_file_is_not_taken_for_a_sweeps(tmp_path, text):
    path = tmp_path / "other.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError, match="line 1 is not a row of a sweep; give another file"):
        list(sweep(named("A"), output=path))
    assert path.read_text() == text


def test_a_file_that_cannot_be_written_is_told_at_once(tmp_path):
    with pytest.raises(ConfigError, match="No such file or directory"):
        list(sweep(named("A"), output=tmp_path / "no" / "rows.jsonl"))


def test_an_examination_is_a_row_whatever_happens(monkeypatch):
    good = examine("BertModel", model_type="bert", base=True, trials=2, seed=3)
    assert (good.status, good.points, good.seed, good.pinned, good.structural) == (
        "exact", 2, 3, (), ("num_hidden_layers",)
    )  # fmt: skip
    assert good.seconds_plain > 0
    assert good.seconds_derive > 0
    assert (good.domain, good.reason, good.instantiable) == ("valid when A divides H", "", True)
    assert examine("NoSuchModel").status == "not_instantiable"
    missing = examine("DetrModel")
    if missing.status == "not_instantiable":  # unless timm is installed
        assert missing.reason == "needs timm, which is not installed: pip install timm"
    from symcount.derivation import api, origin

    def wrong(*_):
        raise VerificationError("formula and model disagree")

    monkeypatch.setattr(origin, "certify", wrong)
    failed = examine("BertModel")
    assert (failed.status, failed.reason) == ("failed", "formula and model disagree")

    def defect(*_, **__):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(api, "derive", defect)
    assert examine("BertModel").reason == "ZeroDivisionError: ours"


def test_sweep_on_the_command_line(started, capfd, tmp_path, monkeypatch):
    module = import_module("symcount.survey.coverage")  # `symcount.derive` is a function
    monkeypatch.setattr(module, "candidates", lambda pattern, base_only: tuple(named("A", "Dies", "B")))
    path = tmp_path / "rows.jsonl"
    assert run(["sweep", "--jobs", "1", "--trials", "2", "--output", str(path)]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "base models" in out
    assert "66.67 %" in out
    assert "ended with code 7" in out
    assert "4 random points passed" in out
    assert run(["sweep", "--trials", "2", "--output", str(path), "--json"]) == 0
    assert [json.loads(line)["class"] for line in capfd.readouterr().out.splitlines()] == ["A", "B", "Dies"]


def test_nothing_to_sweep_is_a_mistake(capfd):
    assert run(["sweep", "zzz"]) == 2
    assert "no class of transformers' auto mappings matches 'zzz'" in capfd.readouterr().err


@pytest.mark.slow
def test_ctrl_c_leaves_a_valid_file_and_no_process(tmp_path):
    path = tmp_path / "rows.jsonl"
    command = [sys.executable, "-m", "symcount", "sweep", "bert", "--jobs", "1", "--trials", "1", "--output", str(path)]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not (path.exists() and path.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the sweep and to its workers
    assert process.wait(20) == 130
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    rows = read_rows(path)
    assert rows
    assert {r.status for r in rows.values()} == {"exact"}
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
