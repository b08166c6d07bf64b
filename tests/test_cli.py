"""The command line: every command, its JSON, and every mistake in a line or two."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec

import pytest

from symcount.architectures import names
from symcount.atlas.counting import counter

BERT = {"V": 30522, "L": 512, "H": 768, "I": 3072, "N": 12, "T": 2}


@pytest.fixture
def lines(call):
    def invoke(*arguments):
        code, out, _ = call(*arguments, "--json")
        return code, [json.loads(line) for line in out.splitlines()]

    return invoke


def process(*arguments, **more):
    command = [sys.executable, "-m", "symcount", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    contents = {
        "good.json": '{"model_type": "bert", "vocab_size": 30000}',
        "article.json": '{"architectures": ["BertForMaskedLM"], "vocab_size": 30000}',
        "malformed.json": '{"model_type": "bert",',
        "list.json": "[1]",
        "unknown.json": '{"model_type": "brt"}',
        "nothing.json": "{}",
        "mixed.json": '{"architectures": ["GPT2Model"], "model_type": "bert"}',
        "float.json": '{"model_type": "bert", "hidden_size": 768.0}',
        "inf.json": '{"model_type": "bert", "hidden_size": 1e400}',
        "zero.json": '{"model_type": "bert", "hidden_size": 0}',
        "null.json": '{"model_type": "bert", "hidden_size": null}',
        "odd.json": '{"model_type": "bert", "hidden_size": 770}',
        "huge.json": json.dumps({"model_type": "bert", "vocab_size": 10**3000, "hidden_size": 12 * 10**3000}),
        "untied.json": '{"architectures": ["BertForMaskedLM"], "tie_word_embeddings": false}',
    }
    for name, text in contents.items():
        (tmp_path / name).write_text(text)


def test_formula(call):
    code, out, _ = call("formula", "BertForMaskedLM")
    assert code == 0
    assert "P = VH + LH + TH + 2H + N(4H² + 2HI + 9H + I) + H² + V + 3H\nvalid when A divides H\n" in out
    assert "cls.predictions.decoder.weight is bert.embeddings.word_embeddings.weight: VH stored once" in out
    assert "per_layer - unique = VH\n" in out
    for word in ("hidden_size", "vocabulary size", "30,522", "tie_word_embeddings = true"):
        assert word in out


def test_formula_json(lines):
    code, (item,) = lines("formula", "LlamaForCausalLM")
    assert code == 0
    assert item["class"] == "LlamaForCausalLM"
    assert item["differences"] == {"non_embedding": "-2*H*V"}
    by_letter = {s["letter"]: s for s in item["symbols"]}
    assert by_letter["D"]["filled"] == "H/A"
    assert by_letter["H"] == {
        "letter": "H", "field": "hidden_size", "meaning": "hidden size", "value": 4096, "filled": None
    }  # fmt: skip


def test_count_of_a_name_says_which_defaults_it_used(call):
    code, out, err = call("count", "BertForMaskedLM", "-s", "V=30_000", "-s", "hidden_size=768", "-c", "unique")
    assert (code, out) == (0, "109,112,880\n")
    assert err.startswith("defaults of BertForMaskedLM: L (max_position_embeddings) = 512, I ")
    assert "hidden_size" not in err
    assert "V (vocab_size)" not in err


@pytest.mark.parametrize("written", ["30000", "30_000", "30,000", "+30000"])
def test_integers_as_people_write_them(call, written):
    assert call("count", "BertForMaskedLM", "-s", f"V={written}", "-c", "per_layer")[1] == "132,152,880\n"


def test_count_table(call):
    code, out, _ = call("count", "BertForMaskedLM", "gpt2", "-o", "tie_word_embeddings=false")
    assert code == 0
    assert f"{109_514_298 + 30522 * 768 + 30522:,}" in out  # untied: weight and bias are stored twice
    assert "124,439,808" in out


def test_count_json_of_files(lines, files):
    code, found = lines("count", "good.json", "malformed.json", "article.json", "unknown.json", "absent.json", "gpt2")
    assert code == 2
    assert [sorted(item) for item in found] == [
        keys if ok else ["error", "source"]
        for keys in [["active", "class", "non_embedding", "notes", "per_layer", "source", "transformers", "unique"]]
        for ok in (True, False, True, False, False, True)
    ]
    assert found[2] == {
        "source": "article.json",
        "class": "BertForMaskedLM",
        "unique": 109112880,
        "per_layer": 132152880,
        "non_embedding": 85678128 - 30000,
        "active": 109112880,
        "transformers": counter().atlas.release,
        "notes": [],
    }
    assert "absent.json: No such file" in found[4]["error"]


def test_count_of_one_file_too_long_to_print_leaves_the_others(lines, files):
    code, (bad, good) = lines("count", "huge.json", "good.json")
    assert code == 2
    assert "digits" in bad["error"]
    assert good["unique"] == 109482240 - 522 * 768


def test_an_optional_field_becomes_a_symbol(lines):
    expected = 124439808 + 12 * (3000 - 3072) * (2 * 768 + 1)
    for flags in (("-s", "n_inner=3000"), ("-s", "I=3000"), ("-o", "n_inner=3000")):
        assert lines("count", "gpt2", *flags)[1][0]["unique"] == expected


@pytest.mark.parametrize("flags", [(), ("--depth", "1"), ("--depth", "3"), ("--by", "kind"), ("-c", "per_layer")])
@pytest.mark.parametrize("model", ["BertForMaskedLM", "GPT2LMHeadModel", "LlamaForCausalLM"])
def test_breakdown_sums_visibly_to_the_total(call, lines, model, flags):
    code, out, _ = call("breakdown", model, *flags)
    assert code == 0
    numbers = [
        int(word.replace(",", ""))
        for line in out.splitlines()
        if line.rstrip().endswith("%")
        for word in [line.split()[-3]]
    ]
    assert sum(numbers[:-1]) == numbers[-1]
    assert "100.00 %" in out
    _, (*parts, last) = lines("breakdown", model, *flags)
    assert [p["count"] for p in parts] == numbers[:-1]
    assert last["total"] == numbers[-1]


def test_breakdown_has_rules(call):
    out = call("breakdown", "bert", "--depth", "2")[1]
    assert "N(4H² + 2HI + 9H + I)" in out
    assert "embeddings.word_embeddings" in out


def test_latex(call, lines):
    assert call("latex", "gpt2")[1] == "VH + LH + N(12H^2 + 13H) + 2H\n"
    assert call("latex", "gpt2", "--symbol", "H=d")[1] == "Vd + Ld + N(12d^2 + 13d) + 2d\n"
    assert lines("latex", "gpt2", "--style", "expanded")[1][0]["style"] == "expanded"


def test_diff(call, lines):
    code, out, _ = call("diff", "gpt2", "n_layer")
    assert code == 0
    assert "∂P/∂N = 12H² + 13H\n  = 7,087,872\n" in out
    _, (item,) = lines("diff", "bert", "H")
    h, rest = BERT["H"], {k: v for k, v in BERT.items() if k != "H"}

    def total(H, V, L, I, N, T):
        return V * H + L * H + T * H + 2 * H + N * (4 * H * H + 2 * H * I + 9 * H + I) + H * H + H

    assert item["at"]["step"] == total(h + 1, **rest) - total(h, **rest)
    # of a quadratic the central difference is the derivative
    assert 2 * item["at"]["derivative"] == total(h + 1, **rest) - total(h - 1, **rest)
    assert item["symbol"] == "H"


def test_list(call, lines):
    listed = [item["class"] for item in lines("list")[1]]
    assert listed[: len(names())] == list(names())
    assert len(set(listed)) == len(listed) > len(names())
    assert "llama" in {item["model_type"] for item in lines("list", "LLAMA")[1]}
    assert "BertForMaskedLM" in call("list")[1]


def test_verify(call, lines):
    pytest.importorskip("transformers")
    code, out, _ = call("verify", "BertForMaskedLM", "-s", "V=30000")
    assert code == 0
    assert "204 of 204 tensors match" in out
    assert out.endswith("\nexact\n")
    for number in ("109,112,880", "132,152,880", "85,648,128"):
        assert out.count(number) >= 2
    code, (item,) = lines("verify", "bert", "-s", "N=1", "-o", "add_pooling_layer=false")
    assert (code, item["exact"], item["differences"]) == (0, True, [])
    assert item["totals"]["unique"]["formula"] == item["totals"]["unique"]["model"]


def test_verify_tells_a_difference(call, lines, monkeypatch):
    pytest.importorskip("transformers")
    from symcount.verification import real_model

    honest = real_model.totals
    monkeypatch.setattr(real_model, "totals", lambda model: {**honest(model), "unique": 5})
    code, out, _ = call("verify", "bert", "-s", "N=1")
    assert code == 1
    assert "differs: unique: " in out
    assert out.endswith("NOT exact\n")
    assert lines("verify", "bert", "-s", "N=1")[1][0]["exact"] is False


MISTAKES = [
    (("count", "brt"), "unknown model 'brt'. Did you mean bert"),
    (("formula", "nonsense"), "unknown model 'nonsense'. See: symcount list"),
    (("count", "bert", "-s", "Q=3"), "unknown symbol 'Q': this formula has V (vocab_size)"),
    (("count", "bert", "-s", "hiddensize=3"), "Did you mean hidden_size"),
    (("count", "bert", "-s", "H"), "expected NAME=VALUE"),
    (("count", "bert", "-s", "H=1.5"), "H (hidden_size): expected an integer of at least 1, got '1.5'"),
    (("count", "bert", "-s", "H=1e3"), "expected an integer of at least 1, got '1e3'"),
    (("count", "bert", "-s", "H=__import__('os')"), "expected an integer of at least 1"),
    (("count", "bert", "-s", "H=1,00"), "expected an integer of at least 1, got '1,00'"),
    (("count", "bert", "-s", "H="), "expected an integer of at least 1, got ''"),
    (("count", "bert", "-s", "H=0"), "H (hidden_size): expected an integer of at least 1, got 0"),
    (("count", "bert", "-s", "H=-768"), "H (hidden_size): expected an integer of at least 1, got -768"),
    (("count", "bert", "-s", "H=770"), "A divides H is required, but A (num_attention_heads) = 12"),
    (("count", "bert", "-s", "H=" + "9" * 500), "at most 400 digits"),
    (("count", "bert", "-s", "H=12", "-s", "hidden_size=24"), "given twice: 12 and 24"),
    (("count", "gpt2", "-s", "n_inner=0"), "n_inner: expected an integer of at least 1"),
    (("count", "bert", "-c", "uniqe"), "Did you mean unique?"),
    (("count", "bert", "-o", "tied=false"), "BertModel has no option 'tied'"),
    (("count", "bert", "-o", "tie_word_embeddings=maybe"), "tie_word_embeddings: expected true or false, got 'maybe'"),
    (("count", "bert", "-o", "tie_word_embeddings=1.5"), "expected true, false, null, an integer or a word"),
    (("count", "t5", "-o", "feed_forward_proj=gated-gelu-new"), "expected an activation, as in relu or gated-gelu"),
    (("count", "t5", "-o", "feed_forward_proj=true"), "feed_forward_proj: expected a word such as 'relu', got True"),
    (("count", "electra", "-s", "Z=256"), "Z ≠ H is required"),
    (("count", "bert", "-o", "tie_word_embeddings=3"), "expected true or false"),
    (("count", "malformed.json"), "malformed.json: not JSON"),
    (("count", "list.json"), "list.json: expected a JSON object, got list"),
    (("count", "absent.json"), "absent.json: No such file"),
    (("count", "nothing.json"), "neither architectures nor model_type is given"),
    (("count", "unknown.json"), "unknown model 'brt'. Did you mean bert"),
    (("count", "mixed.json"), "is a config of bert, but the formula is of gpt2"),
    (("count", "float.json"), "H (hidden_size): expected an integer of at least 1, got 768.0"),
    (("count", "zero.json"), "H (hidden_size): expected an integer of at least 1, got 0"),
    (("count", "null.json"), "H (hidden_size) is null; give a number"),
    (("count", "odd.json"), "A divides H is required"),
    (("count", "huge.json"), "digits"),
    (("breakdown", "huge.json"), "digits"),
    (("breakdown", "bert", "--by", "size"), "expected path or kind"),
    (("breakdown", "bert", "--depth", "0"), "--depth"),
    (("latex", "bert", "--style", "fancy"), "expected one of grouped, compact"),
    (("latex", "bert", "--symbol", "H"), "expected NAME=LATEX"),
    (("latex", "bert", "--symbol", "H=V"), "would both be typeset as 'V'"),
    (("diff", "bert", "Q"), "unknown symbol 'Q'"),
    (("verify", "brt"), "unknown model 'brt'. Did you mean bert"),
    (("verify", "mixed.json"), "mixed.json is a config of bert"),
    (("verify", "bert", "-s", "H=770"), "A divides H is required"),
    (("verify", "bert", "--device", "cuda"), "expected meta or cpu"),
    (("verify", "bert", "-s", "N=99999999"), "a model of 1,599,999,991 tensors takes too long to build"),
    (("formula", "zero.json"), "H (hidden_size): expected an integer of at least 1, got 0"),
    (("formula", "inf.json", "--json"), "H (hidden_size): expected an integer of at least 1, got inf"),
    (("count", ""), "unknown model ''"),
    (("list", "zzz"), "no model matches 'zzz'"),
    (("nonsense",), "No such command 'nonsense'"),
    (("count",), "nothing to count"),
    (("count", "bert", "--nonsense"), "--nonsense"),
]


@pytest.mark.parametrize(
    ("arguments", "words"), MISTAKES, ids=lambda v: " ".join(v)[:40] if isinstance(v, tuple) else ""
)
def test_mistakes_are_told_in_a_line(call, files, arguments, words):
    code, out, err = call(*arguments)
    assert code == 2
    assert out == ""
    *notes, message = err.splitlines()
    assert message.startswith("error: ")
    assert words in message
    assert all(line.startswith("defaults of ") for line in notes)


def test_an_option_of_the_command_line_goes_before_the_files(call, files):
    same = call("count", "untied.json", "-o", "tie_word_embeddings=true", "-c", "unique")[1]
    assert same == call("count", "BertForMaskedLM", "-c", "unique")[1]


def test_a_file_cannot_steer_the_terminal(call, tmp_path):
    path = tmp_path / "evil.json"
    path.write_text('{"model_type": "\\u001b[2J[bold]x"}')
    code, _, err = call("count", str(path))
    assert code == 2
    assert "\x1b" not in err


def test_help_and_version(call):
    import symcount
    from symcount.atlas.store import atlas

    code, out, _ = call("--version")
    assert code == 0
    assert out.startswith(f"symcount {symcount.__version__}\n")
    if find_spec("transformers"):
        assert f"\ntransformers {version('transformers')} is installed" in out
    if (stored := atlas()) is not None:
        assert out.endswith(f"\natlas of {len(stored.names)} classes, derived with {stored.versions}\n")
        assert "transformers 5" in stored.versions
    code, out, _ = call()
    assert code == 0
    for name in ("formula", "count", "breakdown", "latex", "diff", "verify", "list"):
        assert name in out


def test_interrupt(call, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("symcount.cli.commands.show.names", interrupted)
    assert call("list") == (130, "", "")


def test_as_a_module_without_a_terminal():
    done = process("count", "brt")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    done = process("formula", "bert", env={**os.environ, "PYTHONIOENCODING": "ascii", "NO_COLOR": "1"})
    assert done.returncode == 0
    assert "P = V*H + L*H + T*H + 2*H + N*(4*H^2 + 2*H*I + 9*H + I) + H^2 + H" in done.stdout
    assert "\x1b" not in done.stdout


def test_numbers_are_never_cut(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    assert "109,482,240" in call("breakdown", "bert")[1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX pipe")
def test_a_reader_that_goes_away_is_no_error():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "symcount", "list"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.stderr == ""
    assert done.returncode == 141
