"""`symcount verify` of files of weights: what it prints, its exit codes, and that it needs no torch."""

import json
import os
import subprocess
import sys

import pytest

from symcount.cli import run

from .conftest import hollow, shapes_of


def cli(capsys, *arguments):
    code = run(list(map(str, arguments)))
    out, err = capsys.readouterr()
    return code, out, err


def test_an_exact_folder(capsys, llama):
    code, out, err = cli(capsys, "verify", llama[0])
    assert (code, err) == (0, "")
    assert "LlamaForCausalLM, 1 file of format safetensors, 35,904 bytes" in out
    assert "30 tensors: 30 there" in out
    assert out.endswith("exact\n")


def test_every_number_as_json(capsys, llama):
    code, out, _ = cli(capsys, "verify", llama[0] / "model.safetensors", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["totals"]["unique"] == {"formula": 8976, "file": 8976, "bytes": 35904}
    assert (found["exact"], found["tensors"], found["files"]) == (True, {"there": 30}, 1)


def test_what_differs_is_printed_and_the_exit_code_says_so(capsys, llama, tmp_path):
    shapes = {n: ("F32", s) for n, s in shapes_of(llama[1]).items()}
    del shapes["model.norm.weight"]
    hollow(tmp_path / "model.safetensors", {**shapes, "score.weight": (2, 16)})
    (tmp_path / "config.json").write_text((llama[0] / "config.json").read_text())
    code, out, _ = cli(capsys, "verify", tmp_path)
    assert code == 1
    assert "differs: model.norm.weight: missing" in out
    assert "differs: score.weight: beyond, another head" in out
    assert out.endswith("NOT exact\n")


def test_another_number_makes_a_difference(capsys, llama):
    code, out, _ = cli(capsys, "verify", llama[0], "-s", "num_hidden_layers=2")
    assert code == 1
    assert "layer 2 of a list of 2" in out


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"PK\x03\x04" + bytes(30), b'{"a": 1}'])
def test_a_broken_file_is_one_line(capsys, llama, tmp_path, content):
    (tmp_path / "config.json").write_text((llama[0] / "config.json").read_text())
    (tmp_path / "model.safetensors").write_bytes(content)
    code, out, err = cli(capsys, "verify", tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {tmp_path / 'model.safetensors'}: ")


def test_nothing_heavy_is_imported(llama):
    code = (
        "import sys, symcount\n"
        f"assert symcount.verify({str(llama[0])!r}).exact\n"
        "print(*(m for m in ('torch', 'transformers', 'numpy', 'safetensors', 'typer') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "\n"


def test_many_shards_are_verified_in_bounded_memory(tmp_path):
    """A sample of what `benchmarks/checkpoint_cost.py` measures with ten times as many."""
    import resource

    from benchmarks.checkpoint_cost import OURS, write

    number = write(tmp_path, 100, 10, 280)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", OURS, str(tmp_path)], capture_output=True, text=True, check=True, env=os.environ
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer, last = done.stdout.splitlines()
    found = json.loads(answer)
    assert found["exact"]
    assert found["files"] == 100
    assert number > 6000
    assert int(last.split()[1]) < 200  # mebibytes
    assert after.ru_utime - before.ru_utime < 5
