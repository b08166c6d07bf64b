"""`symcount solve` and `symcount ladder`: output, JSON, pictures, interrupts, and every mistake in a line."""

import json
import os
import signal
import sys
from importlib import import_module

import pytest

GRID = ("--free", "H=64..4096:64", "--free", "I=64..16384:64,N=1..96")
SMALL = ("--free", "H=64..1024:64,N=1..24")


def test_the_table(call):
    code, out, err = call("solve", "bert", "-b", "110M", "-t", "0.1%", *GRID, "--rank", "distance", "--limit", "3")
    assert code == 0
    assert out.startswith("BertModel, unique: 110,000,000, that is 109,890,000 to 110,110,000\n")
    assert "given: V = 30,522, L = 512, T = 2\nopen: A divides H\n197 solutions among 1,572,864 points\n" in out
    rows = [line.split() for line in out.splitlines() if line.rstrip().endswith(("22.9", "1920.0", "46.5"))]
    assert rows[0] == ["320", "10,496", "14", "110,000,704", "+0.0006", "%", "22.9"]
    assert len(rows) == 3
    assert err == "defaults of BertModel: V, L, T\n"


def test_json(call):
    code, out, _ = call("solve", "bert", "-b", "110M", "-t", "0.1%", *GRID, "--rank", "distance", "-k", "0", "--json")
    *rows, last = map(json.loads, out.splitlines())
    assert code == 0
    assert len(rows) == last["solutions"] == last["shown"] == 197
    assert rows[0]["values"] == {"V": 30522, "L": 512, "H": 320, "I": 10496, "N": 14, "T": 2}
    assert rows[0]["counts"] == {"unique": 110_000_704}
    assert (last["points"], last["complete"], last["open"], last["nearest"]) == (1_572_864, True, ["A divides H"], {})


def test_rules_conditions_ranks_and_a_config_file(call, tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"architectures": ["LlamaForCausalLM"], "vocab_size": 1000, "tie_word_embeddings": true}')
    arguments = ("--free", "H=64..:64", "--free", "N", "-s", "I=round_to(8*H/3, 64)", "-s", "A=H/64", "--where",
                 "32 <= H/N <= 128", "--rank", "aspect=64", "--rank", "distance", "--json", "-k", "1")  # fmt: skip
    code, out, _ = call("solve", str(path), "-b", "100M", "-t", "5%", *arguments)
    row, last = map(json.loads, out.splitlines())
    assert code == 0
    assert row["values"]["V"] == 1000
    assert row["values"]["A"] * 64 == row["values"]["H"]
    assert last["rules"] == {"A": "H/64", "D": "H/A", "I": "64*floor(H/24 + 1/2)", "K": "A"}
    reference = ("--rank", "reference", "--reference", "H=768,N=12")
    best = json.loads(call("solve", "gpt2", "-b", "124M", "-t", "5%", *SMALL, *reference, "--json")[1].splitlines()[0])
    assert best["values"]["H"] == 768
    assert best["values"]["N"] == 12


def test_two_budgets(call):
    pytest.importorskip("transformers")
    code, out, _ = call(
        "solve", "MixtralForCausalLM", "-b", "47B", "-b", "active=13B", "-t", "1%", "--free", "E=2..16,k=1..4"
    )
    assert code == 0
    assert "MixtralForCausalLM, active: 13,000,000,000, that is" in out
    assert "46,702,792,704" in out
    assert "12,879,925,248" in out


def test_none_and_the_nearest(call):
    code, out, _ = call("solve", "bert", "-b", "110M", "-t", "100", *GRID)
    assert code == 1
    assert "no solution among 1,572,864 points\nnearest below and above unique = 110,000,000:\n" in out
    _, out, _ = call("solve", "bert", "-b", "110M", "-t", "100", *GRID, "--json")
    item = json.loads(out)
    assert item["solutions"] == 0
    assert item["nearest"]["unique"]["below"]["counts"]["unique"] < 110_000_000
    assert item["nearest"]["unique"]["above"]["deviation"] == 704


def test_one_unknown(call):
    code, out, _ = call("solve", "gpt2", "-b", "1B", "--free", "H=64..:64")
    assert code == 1
    assert "H = (-(13N + V + L + 2) + √((13N + V + L + 2)² + 48NP))/(24N)\n  = 2462.66953951\n" in out
    assert r"\frac{-(13N + V + L + 2) + \sqrt{(13N + V + L + 2)^2 + 48NP}}{24N}" in out
    assert "976,805,504" in out
    assert "1,025,514,048" in out


def test_ladder(call, tmp_path):
    pytest.importorskip("transformers")
    code, out, err = call("ladder", "llama", "--budgets", "10M,30M", "--output", str(tmp_path))
    assert code == 0
    assert "LlamaModel, unique: V = 32,000, A = H/64, I = 64⌊43H/1024 + 1/2⌋, K = A" in out
    assert "9,798,912     -2.01 %   128.0" in out
    assert err.count("written: ") == 2
    assert json.loads((tmp_path / "llama-10M" / "config.json").read_text())["hidden_size"] == 256
    code, _, err = call("ladder", "llama", "--budgets", "10M,30M", "--output", str(tmp_path))
    assert code == 2
    assert "is there already" in err
    code, out, _ = call(
        "ladder", "llama", "--budgets", "10M,30M", "--output", str(tmp_path), "--overwrite", "--no-check", "--json"
    )
    rungs = [json.loads(line) for line in out.splitlines()]
    assert [r["budget"] for r in rungs] == [10_000_000, 30_000_000]
    assert rungs[0]["file"].endswith("llama-10M/config.json")


def test_a_ladder_that_is_not_so_is_not_written(call, tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    from symcount.verification import real_model

    honest = real_model.totals
    monkeypatch.setattr(real_model, "totals", lambda model: {**honest(model), "unique": 5})
    code, _, err = call("ladder", "bert", "--budgets", "30M", "--output", str(tmp_path))
    assert code == 1
    assert "nothing is written" in err
    assert not list(tmp_path.iterdir())


MISTAKES = [
    (("-b", "lots", *SMALL), "budget 'lots': expected a whole number of parameters, such as 110M"),
    (("-b", "110M", "-t", "x", *SMALL), "tolerance 'x': expected a share such as 0.1%"),
    (("-b", "1k", *SMALL), "out of reach: the smallest admissible config has 2,403,840 parameters (H = 64, N = 1)"),
    (("-b", "1T", *SMALL), "out of reach: the largest admissible config has"),
    (("-b", "110M", "-b", "unique=1B", *SMALL), "two budgets for unique"),
    (("-b", "activ=110M", *SMALL), "Did you mean active?"),
    (("-b", "110M"), "nothing is free: name an unknown with its range, such as H=256..4096:64"),
    (("-b", "110M", "--free", "Q=1..3"), "unknown symbol 'Q'"),
    (("-b", "110M", "--free", "H=9..3"), "H (hidden_size): the range 9..3 is reversed: 9 > 3"),
    (("-b", "110M", "--free", "H=1..9:0"), "H (hidden_size): the step is zero"),
    (("-b", "110M", "--free", "H=x"), "expected FIRST..LAST or FIRST..LAST:STEP"),
    (
        ("-b", "110M", *SMALL, "--where", "H < 100 and H > 200"),
        "contradictory: no config with H = 64..1024:64, N = 1..24",
    ),
    (("-b", "110M", *SMALL, "--where", "H"), "is not a condition"),
    (("-b", "110M", *SMALL, "--where", "H.real > 3"), "attribute access is not allowed"),
    (("-b", "110M", *SMALL, "--where", "open('x') > 3"), "open cannot be called in an expression"),
    (("-b", "110M", *SMALL, "-s", "I=__import__('os').getpid()"), "cannot be called in an expression"),
    (("-b", "110M", *SMALL, "-s", "I=H.x"), "attribute access is not allowed"),
    (("-b", "110M", *SMALL, "-s", "I="), "expected an expression"),
    (("-b", "110M", *SMALL, "-s", "I=0"), "I (intermediate_size): expected an integer of at least 1, got 0"),
    (("-b", "110M", *SMALL, "-s", "I=4*I"), "the rule for I needs itself"),
    (("-b", "110M", *SMALL, "-s", "H=64"), "H (hidden_size) is free and fixed"),
    (("-b", "110M", *SMALL, "--rank", "nice"), "expected shape, distance, aspect, reference, round or an expression"),
    (("-b", "110M", *SMALL, "--rank", "reference"), "no reference config is given"),
    (("-b", "110M", *SMALL, "--rank", "reference", "--reference", "absent.json"), "absent.json: No such file"),
    (("-b", "110M", *SMALL, "--rank", "reference", "--reference", "H=0"), "H (hidden_size): expected an integer of at"),
    (("-b", "110M", *SMALL, "-k", "-1"), "--limit"),
    (("-b", "110M", *SMALL, "-t", "20%", "--plot", "picture.doc"), "expected a name that ends in .svg, .png, .pdf"),
    (("-b", "110M", *SMALL, "-t", "20%", "--plot", "absent/picture.png"), "absent/picture.png: No such file"),
    ((*SMALL,), "--budget"),
]


@pytest.mark.parametrize(
    ("arguments", "words"), MISTAKES, ids=lambda v: " ".join(v)[:60] if isinstance(v, tuple) else ""
)
def test_mistakes_are_told_in_a_line(call, arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = call("solve", "bert", *arguments)
    assert code == 2
    *notes, message = err.splitlines()
    assert message.startswith("error: ")
    assert words in message
    assert all(line.startswith("defaults of ") for line in notes)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--budgets", "2M,1M"), "each larger than the one before"),
        (("--budgets", "100M", "--aspect", "x"), "expected LOWEST..HIGHEST"),
        (("--budgets", "100M", "--head-dim", "0"), "--head-dim"),
        (("--budgets", "100M", "-t", "0"), "widen the tolerance or the aspect"),
    ],
)
def test_mistakes_of_a_ladder(call, arguments, words):
    code, out, err = call("ladder", "bert", *arguments)
    assert (code, out) == (2, "")
    assert words in err.splitlines()[-1]


@pytest.mark.parametrize("name", ["curve.pdf", "curve.svg", "curve.png"])
def test_pictures(call, tmp_path, name):
    pytest.importorskip("matplotlib")
    path = tmp_path / name
    code, _, err = call("solve", "bert", "-b", "110M", "-t", "0.1%", *GRID, "-k", "1", "--plot", str(path))
    assert code == 0
    assert f"drawn: {path}" in err
    assert path.stat().st_size > 5000
    assert list(tmp_path.iterdir()) == [path]
    if name.endswith("svg"):
        text = path.read_text()
        for word in ("hidden size", "number of layers", "share of the parameters", "solutions", "encoder", "16,384"):
            assert word in text


@pytest.mark.parametrize("arguments", [("--free", "N"), ("--free", "H=64..:64"), ("--free", "V=1..,L=8..80:8")])
def test_pictures_of_other_problems(call, tmp_path, arguments):
    pytest.importorskip("matplotlib")
    path = tmp_path / "curve.svg"
    call("solve", "gpt2", "-b", "300M", "-t", "0.1%", *arguments, "--plot", str(path))
    assert "share of the parameters" in path.read_text()


def test_pictures_of_ratios_and_patterns(call, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "curve.svg"
    ratio = ("--free", "depth_multiplier=0.5..2:0.25")
    for more in ((), ("--free", "min_depth=8,16")):
        code, *_ = call("solve", "MobileNetV1Model", "-b", "4M", "-t", "50%", *ratio, *more, "--plot", str(path))
        assert code == 0 and "width multiplier" in path.read_text()
    pattern = ("--free", "layer_types=conv conv full_attention, conv", "--free", "N=6..30", "--free", "H=1024,2048")
    code, out, _ = call("solve", "Lfm2ForCausalLM", "-b", "1B", "-t", "20%", *pattern, "--plot", str(path))
    assert code == 0 and "layer_types: conv conv full_attention, conv\n" in out
    assert any(line.rstrip().endswith(" 2 conv, full_attention, …") for line in out.splitlines())
    assert "cases:" not in out


def test_solutions_are_written(call, tmp_path):
    solve = ("solve", "gpt2", "-b", "124M", "--free", "H=64..:64", "--free", "N", "-k", "2", "--output", str(tmp_path))
    code, _, err = call(*solve)
    assert code == 0 and err.count("written: ") == 2
    assert json.loads((tmp_path / "gpt2-H768-N12" / "config.json").read_text())["n_layer"] == 12
    assert "is there already; choose another directory" in call(*solve)[2]
    code, out, _ = call(*solve, "--overwrite", "--no-check", "--json")
    assert code == 0 and json.loads(out.splitlines()[0])["file"].endswith("config.json")


def test_pictures_need_matplotlib(call, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, err = call("solve", "gpt2", "-b", "300M", "--free", "N", "--plot", str(tmp_path / "a.png"))
    assert code == 2
    assert 'pip install "symcount[plot]"' in err


def test_an_interrupt_prints_what_was_found(call, monkeypatch):
    search = import_module("symcount.solver.search")
    whole = search.Search.chunks

    def interrupted(self):
        yield next(whole(self))
        raise KeyboardInterrupt

    monkeypatch.setattr(search.Search, "chunks", interrupted)
    code, out, err = call("solve", "gpt2", "-b", "100k", "-t", "40%", "--free", "V=1..600,H=1..40,N=1..30", "-s", "L=7")
    assert code == 130
    assert "solutions so far among 720,000 points" in out
    assert "interrupted: " in err
    assert "solutions found so far" in err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX signal")
def test_ctrl_c_on_a_search_without_end(call, monkeypatch):
    """The signal itself, sent while solutions come in."""
    search = import_module("symcount.solver.search")
    whole = search.Search.chunks

    def signalled(self):
        for i, chunk in enumerate(whole(self)):
            if i == 3:
                os.kill(os.getpid(), signal.SIGINT)
            yield chunk

    monkeypatch.setattr(search.Search, "chunks", signalled)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is born deaf to it
    try:
        code, out, err = call("solve", "gpt2", "-b", "3B", "-t", "90%", "--free", "V=1..20000,H=64..:64,N")
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 130
    assert "solutions so far among" in out
    assert "found so far" in err
