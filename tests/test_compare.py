"""Models side by side, and where their parameters are."""

import json

import pytest
from sympy import Add, expand

import symcount as sc
from symcount.architectures import names
from symcount.core.notation import Entry, Notation, entry
from symcount.errors import DomainError, NotationError, StructureError, TypesettingError, UnknownSymbolError
from symcount.formulas.formula import Formula
from symcount.layers import Embedding


@pytest.mark.parametrize("convention", sc.CONVENTIONS)
def test_the_parts_sum_to_the_total(convention):
    models = [sc.formula(name) for name in names()]
    found = sc.compare(*models, convention=convention)
    for position, f in enumerate(models):
        parts = [line.parts[position] for line in found.lines if line.parts[position] is not None]
        assert expand(Add(*(p.expression for p in parts)) - f.total_as(convention)) == 0
        assert sum(p.count for p in parts) == found.totals[position]


def test_models_have_the_parts_that_they_have():
    found = sc.compare(*map(sc.formula, ("bert", "gpt2", "llama")))
    assert [line.category for line in found.lines] == ["embeddings", "attention", "norms", "feed-forward", "pooler"]
    (pooler,) = (line for line in found.lines if line.category == "pooler")
    assert [p and p.count for p in pooler.parts] == [590592, None, None]


def test_the_difference_of_two_formulas():
    H, V = sc.symbol("H"), sc.symbol("V")
    found = sc.compare(sc.formula("bert"), sc.formula("BertForMaskedLM"))
    assert found.difference == -2 * H - V
    assert found.difference_latex() == "-V - 2H"
    assert sc.compare(sc.formula("gpt2"), sc.formula("GPT2LMHeadModel")).difference == 0


def test_what_has_no_difference():
    three = sc.compare(*map(sc.formula, ("bert", "gpt2", "llama")))
    with pytest.raises(StructureError, match="difference of 3 formulas: expected two"):
        _ = three.difference
    with pytest.raises(StructureError, match="expected two models or more, got 1"):
        sc.compare(sc.formula("bert"))
    width = Entry("H", "height", "H", "height")
    other = Formula(Embedding(width.symbol, 3), Notation((width,)), "Other", defaults={"H": 5})
    with pytest.raises(NotationError, match="letter 'H' is hidden_size in BertModel, but height in Other"):
        _ = sc.compare(sc.formula("bert"), other).difference


def test_shares_sum_to_counts():
    f = sc.formula("BertForMaskedLM")
    found = sc.shares(f, "hidden_size", [384, 768, 1536], along=["I", "A"], values={"V": 30_000})
    expected = [f.count(V=30_000, L=512, T=2, N=12, H=size, I=4 * size, A=size // 64) for size in (384, 768, 1536)]
    assert found.totals == expected
    assert expected[1] == 109_112_880


def test_default_sizes_are_those_at_which_the_formula_holds():
    found = sc.shares(sc.formula("bert"), "H")
    assert found.sizes[0] < 768 < found.sizes[-1]
    assert all(size % 12 == 0 for size in found.sizes)
    assert sc.shares(sc.formula("llama"), "H", [4096, 8192]).totals[0] == sc.count("llama")


@pytest.mark.parametrize(
    ("arguments", "more", "error", "words"),
    [
        (("H", [700, 800]), {}, DomainError, "A divides H is required"),
        (("H", [768]), {}, DomainError, "expected at least two sizes"),
        (("H", [769, 770]), {"along": ["I"]}, DomainError, "A divides H"),
        (
            ("N", [5, 7]),
            {"along": ["H"], "values": {"N": 12, "H": 768 // 2 + 0}},
            DomainError,
            "divides|not an integer",
        ),
        (("H", [768, 1536]), {"along": ["H"]}, DomainError, "cannot grow along itself"),
        (("Q", [1, 2]), {}, UnknownSymbolError, "unknown symbol 'Q'"),
    ],
)
def test_sizes_that_do_not_do(arguments, more, error, words):
    with pytest.raises(error, match=words):
        sc.shares(sc.formula("bert"), *arguments, **more)


@pytest.mark.parametrize(("suffix", "magic"), [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_a_picture_is_drawn_the_same_twice(tmp_path, suffix, magic):
    pytest.importorskip("matplotlib")
    found = sc.shares(sc.formula("bert"), "N")
    paths = [tmp_path / f"{i}{suffix}" for i in range(2)]
    for path in paths:
        found.draw(path)
    first, second = (path.read_bytes() for path in paths)
    assert first.startswith(magic)
    assert first == second


def test_other_pictures_are_refused(tmp_path):
    with pytest.raises(TypesettingError, match=r"x\.gif: a picture is written as \.svg, \.png, \.pdf"):
        sc.shares(sc.formula("bert"), "N").draw(tmp_path / "x.gif")


def test_compare_on_the_command_line(call):
    code, out, _ = call("compare", "bert", "BertForMaskedLM")
    assert code == 0
    assert "109,482,240" in out and "109,514,298" in out
    assert out.endswith("BertModel - BertForMaskedLM = -V - 2H\n")
    code, out, _ = call("compare", "bert", "gpt2", "--json")
    first, second, difference = map(json.loads, out.splitlines())
    assert sum(part["count"] for part in first["parts"].values()) == first["total"] == 109_482_240
    assert second["class"] == "GPT2Model"
    assert set(difference) == {"difference"}
    code, out, _ = call("compare", "bert", "gpt2", "--formulas", "--to", "markdown")
    assert "| attention | $`N(4H^2 + 4H)`$ | $`N(4H^2 + 4H)`$ |" in out
    assert r"\toprule" in call("compare", "bert", "gpt2", "llama", "--to", "latex")[1]


def test_shares_on_the_command_line(call, tmp_path):
    _code, out, _ = call("shares", "gpt2", "N", "--sizes", "12,24", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["N"], row["total"]) for row in rows] == [(12, 124_439_808), (24, 209_494_272)]
    pytest.importorskip("matplotlib")
    target = tmp_path / "n.svg"
    assert call("shares", "gpt2", "N", "--output", str(target))[:2] == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["n.svg"]


def test_shares_are_in_the_author_s_letters(call, tmp_path):
    file = tmp_path / "symbols.txt"
    file.write_text("N = \\ell\nQ = q\n")
    asked = ("shares", "gpt2", "H", "--sizes", "768,1536", "--to", "csv")
    heads = [call(*asked, *more)[1].partition(",")[0] for more in ((), ("--notation", "vaswani"), ("--symbol", "H=d"))]
    assert heads == ["H (n_embd)", "d_model (n_embd)", "d (n_embd)"]
    assert call("shares", "gpt2", "N", "--symbols", str(file))[1].startswith("ℓ (n_layer)")
    found = sc.shares("bert", "N", [6, 12], notation="kaplan", symbols={"H": r"\delta"})
    assert found.table().columns[0][0] == "n_layer (num_hidden_layers)"
    assert found.signs["H"] == "δ"
    with pytest.raises(UnknownSymbolError, match="unknown symbol 'Q'"):
        sc.shares("gpt2", "N", symbols={"Q": "q"})


def test_typesetting_on_the_command_line(call, tmp_path):
    assert call("latex", "gpt2", "--notation", "vaswani", "--symbol", "V=v")[1].startswith(r"vd_{\mathrm{model}} + ")
    _code, out, err = call("latex", "gpt2", "--style", "steps", "--to", "text", "-s", "N=24")
    assert "39,383,808 + 24(3,072 + 2,362,368 + 4,722,432) + 1,536" in out
    assert err.startswith("defaults of GPT2Model: ")
    (item,) = map(json.loads, call("latex", "gpt2", "--to", "json", "--notation", "kaplan")[1].splitlines())
    assert item["notation"][1] == {
        "letter": "L", "latex": r"n_{\mathrm{ctx}}", "field": "n_positions", "meaning": "maximum sequence length",
    }  # fmt: skip
    for suffix, start in (
        (".tex", "% Parameters of GPT2Model"),
        (".md", "### "),
        (".html", "<!DOCTYPE"),
        (".txt", "VH"),
        (".sty", "% Par"),
    ):
        target = tmp_path / f"out{suffix}"
        assert call("latex", "gpt2", "--output", str(target))[:2] == (0, "")
        assert target.read_text(encoding="utf-8").startswith(start)
        target.unlink()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("latex", "bert", "--notation", "kaplna"), "Did you mean kaplan?"),
        (("latex", "bert", "--numbers", "dots"), "expected one of comma, thin, siunitx, none"),
        (("latex", "bert", "--to", "docx"), "--to 'docx': expected one of latex, tex, markdown"),
        (("latex", "bert", "--to", "pdf"), "a PDF is not printed: give a file, --output FILE.pdf"),
        (("latex", "bert", "--symbol", "H=hidden_size"), r"write \mathrm{hidden\_size}"),
        (("latex", "bert", "--symbol", "H=a", "--symbol", "H=b"), "--symbol H is given twice: a and b"),
        (("latex", "bert", "--width", "thin"), "expected a length of at least 100pt"),
        (("latex", "bert", "--output", "/nowhere/x.tex"), "/nowhere/x.tex: No such file or directory"),
        (("compare", "bert"), "expected two models or more, got 1"),
        (("compare", "bert", "brt"), "Did you mean bert, "),
        (
            ("compare", "bert", "gpt2", "--to", "docx"),
            "--to 'docx': expected one of text, latex, markdown, pandoc, typst",
        ),
        (("shares", "bert", "H", "--sizes", "a,b"), "--sizes 'a,b': expected integers"),
        (("shares", "bert", "H", "--along", "Q"), "unknown symbol 'Q'"),
    ],
)
def test_mistakes_are_told_in_a_line(call, arguments, words):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert words in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("error: ")


def test_the_entry_of_the_table_is_left_alone():
    assert entry("V").latex == "V"
