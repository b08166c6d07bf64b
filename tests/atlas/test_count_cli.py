"""`symcount count` on files, directories and streams: bad inputs are named, and the others counted all the same."""

import io
import json
import sys
from importlib.util import find_spec

import pytest

from symcount.atlas.counting import counter
from symcount.atlas.store import default_path
from symcount.cli import run

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

BERT = {"architectures": ["BertForMaskedLM"], "model_type": "bert", "vocab_size": 30_000}
GPT2 = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 768}


def counted(capsys, *arguments):
    code = run(["count", "--json", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def test_files(tmp_path, capsys):
    (tmp_path / "a.json").write_text(json.dumps(BERT))
    (tmp_path / "b.json").write_text(json.dumps(GPT2))
    code, rows, err = counted(capsys, tmp_path / "a.json", tmp_path / "b.json")
    assert (code, err) == (0, "")
    assert rows == [
        {
            "source": str(tmp_path / "a.json"), "class": "BertForMaskedLM", "unique": 109_112_880,
            "per_layer": 132_152_880, "non_embedding": 85_648_128, "active": 109_112_880,
            "transformers": counter().atlas.release, "notes": [],
        },
        {
            "source": str(tmp_path / "b.json"), "class": "GPT2LMHeadModel", "unique": 124_439_808,
            "per_layer": 163_037_184, "non_embedding": 85_056_000, "active": 124_439_808,
            "transformers": counter().atlas.release, "notes": [],
        },
    ]  # fmt: skip


def test_a_directory_is_searched_for_configs(tmp_path, capsys):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "config.json").write_text(json.dumps(BERT))
    (tmp_path / "x" / "tokenizer_config.json").write_text("{}")
    (tmp_path / "gpt2.json").write_text(json.dumps(GPT2))
    code, rows, _ = counted(capsys, tmp_path)
    assert code == 0
    assert [row["class"] for row in rows] == ["GPT2LMHeadModel", "BertForMaskedLM"]
    (tmp_path / "empty").mkdir()
    code, rows, err = counted(capsys, tmp_path / "empty")
    assert code == 2
    assert "no config.json in this directory" in rows[0]["error"]
    assert "no config.json in this directory" in err


def test_a_stream(capsys, monkeypatch):
    lines = [json.dumps(BERT), "", "not json", json.dumps(GPT2)]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines).encode())))
    code, rows, err = counted(capsys, "--jsonl", "-")
    assert code == 2
    assert [(row["source"], row.get("class")) for row in rows] == [
        ("stdin:1", "BertForMaskedLM"), ("stdin:3", None), ("stdin:4", "GPT2LMHeadModel"),
    ]  # fmt: skip
    assert err.count("\n") == 1
    assert "stdin:3: not JSON" in err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1, 2]", "expected a JSON object, got list"),
        (b'"bert"', "expected a JSON object, got str"),
        (b"null", "expected a JSON object, got NoneType"),
        (b"\xff\xfe\x00", "not"),
        (b"{}", "neither architectures nor model_type"),
        (b'{"architectures": ["NoSuchModel"]}', "unknown model 'NoSuchModel'"),
        (b'{"architectures": ["BertForMaskedLn"]}', "Did you mean"),
        (b'{"model_type": "nonsense"}', "unknown model 'nonsense'"),
        (b'{"model_type": 3}', "model_type: expected a name, got 3"),
        (b'{"architectures": ["BertModel", "GPT2Model"]}', "names 2 classes"),
        (b'{"architectures": "BertModel"}', "expected a list of class names"),
        (
            b'{"architectures": ["BertModel"], "model_type": "gpt2"}',
            "this is a config of gpt2, but the formula is of bert",
        ),
        (
            b'{"architectures": ["BertModel"], "hidden_size": -768}',
            "H (hidden_size): expected an integer of at least 1, got -768",
        ),
        (
            b'{"architectures": ["BertModel"], "hidden_size": 768.0}',
            "H (hidden_size): expected an integer of at least 1, got 768.0",
        ),
        (b'{"architectures": ["BertModel"], "hidden_size": "768"}', "expected an integer of at least 1"),
        (b'{"architectures": ["BertModel"], "hidden_size": true}', "got True; give a number"),
        (b'{"architectures": ["BertModel"], "hidden_size": null}', "H (hidden_size) is null; give a number"),
        (b'{"architectures": ["BertModel"], "hidden_size": 1' + b"0" * 400 + b"}", "largest size of a tensor"),
        (b'{"architectures": ["BertModel"], "hidden_size": 1' + b"0" * 9000 + b"}", "more digits than Python reads"),
        (b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    ],
)
def test_bad_files_are_named_and_the_others_counted(tmp_path, capsys, content, words):
    (tmp_path / "bad.json").write_bytes(content)
    (tmp_path / "good.json").write_text(json.dumps(BERT))
    code, rows, err = counted(capsys, tmp_path / "bad.json", tmp_path / "good.json")
    assert code == 2
    assert words in rows[0]["error"]
    assert words in err
    assert err.count("\n") == 1
    assert str(tmp_path / "bad.json") in err
    assert rows[1]["unique"] == 109_112_880


def test_a_file_of_a_hundred_megabytes_is_not_read(tmp_path, capsys):
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(100 * 2**20)
    (tmp_path / "good.json").write_text(json.dumps(BERT))
    code, rows, _ = counted(capsys, tmp_path)
    assert code == 2
    assert [("error" in row, row.get("unique")) for row in rows] == [(False, 109_112_880), (True, None)]
    assert "larger than 16 MiB" in rows[1]["error"]


def test_a_line_that_is_too_long_is_passed_over(tmp_path, capsys):
    path = tmp_path / "stream.jsonl"
    path.write_text(json.dumps(BERT) + "\n" + " " * (17 * 2**20) + "{}\n" + json.dumps(GPT2) + "\n")
    code, rows, _ = counted(capsys, "--jsonl", path)
    assert code == 2
    assert [row.get("class") for row in rows] == ["BertForMaskedLM", None, "GPT2LMHeadModel"]
    assert "longer than 16 MiB" in rows[1]["error"]


def test_a_file_that_is_not_there(tmp_path, capsys):
    code, rows, err = counted(capsys, tmp_path / "missing.json")
    assert code == 2
    assert "No such file" in err
    assert "No such file" in rows[0]["error"]


def test_one_number(tmp_path, capsys):
    (tmp_path / "a.json").write_text(json.dumps(BERT))
    assert run(["count", str(tmp_path / "a.json"), "-c", "per_layer"]) == 0
    assert capsys.readouterr().out == "132,152,880\n"


def test_a_table(tmp_path, capsys):
    (tmp_path / "a.json").write_text(json.dumps(BERT))
    (tmp_path / "b.json").write_text(json.dumps(GPT2))
    assert run(["count", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 0
    out = capsys.readouterr().out
    assert "109,112,880" in out
    assert "124,439,808" in out
    assert "non_embedding" in out


def test_nothing_to_count(capsys):
    assert run(["count"]) == 2
    assert "nothing to count" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("torch") is None or find_spec("timm") is not None, reason="needs torch, and no timm")
@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            {"architectures": ["DetrForObjectDetection"], "model_type": "detr", "use_timm_backbone": True,
             "backbone": "resnet50", "d_model": 256},
            "DetrForObjectDetection needs timm, which is not installed: pip install timm",
        ),
        (
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 63},
            "transformers rejects this config: ValueError: The hidden size (63) is not a multiple",
        ),
        ({"architectures": ["LlamaForCausalLn"], "model_type": "llama"}, "Did you mean LlamaForCausalLM"),
    ],
)  # fmt: skip
def test_a_refusal_has_the_reason_of_the_last_attempt(tmp_path, capsys, config, words):
    """Where the packages are installed the remedy is not to install them, but what they say."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    code, (row,), err = counted(capsys, path)
    assert code == 2
    for said in (row["error"], err):
        assert words in said
        assert "symcount[hf]" not in said
        assert said.count(str(path)) <= 1
