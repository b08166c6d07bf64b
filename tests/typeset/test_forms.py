"""Typst, Markdown with dollars, CSV; labels, left-hand sides, prefixes, files of symbols; what is refused."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import symcount as sc
from symcount.errors import NotationError, StructureError, TypesettingError, UnknownSymbolError
from symcount.typeset import figure
from symcount.typeset.colours import PALETTE, colours
from symcount.typeset.numbers import rounded
from symcount.typeset.styles import STYLES
from symcount.typeset.typst import math

CLASSES = ("BertForMaskedLM", "MixtralForCausalLM", "DonutSwinModel")


@pytest.mark.parametrize(
    ("latex", "typst"),
    [
        ("VH + 2H^2", "V H + 2 H^2"),
        (r"d_{\mathrm{model}}^2", 'd_"model"^2'),
        (r"\frac{H^2}{A}", "frac(H^2, A)"),
        (r"\left\lfloor \frac{H}{2} \right\rfloor", "lr(⌊ frac(H, 2) ⌋)"),
        (r"30{,}000 \cdot 768", '"30,000" · 768'),
        (r"\underbrace{4H}_{\text{norms}}", 'underbrace(4 H, "norms")'),
        (r"\mathcal{P}", "cal(P)"),
        (r"N_{0}^{2}", "N_0^2"),
        (r"H^{N + 1}", "H^(N + 1)"),
        (r"H_{i,1}", r"H_(i \, 1)"),
        (r"A \mid H \leq \ell", "A ∣ H ≤ ℓ"),
        (r"n'", "n'"),
    ],
)
def test_typst_of_latex(latex, typst):
    assert math(latex) == typst


def test_typst_refuses_what_it_does_not_know():
    with pytest.raises(NotationError, match=r"\\varpi cannot be shown in Typst"):
        math(r"\varpi")
    with pytest.raises(NotationError, match="Typst has no siunitx"):
        sc.formula("gpt2").typeset("typst", numbers="siunitx")


@pytest.mark.parametrize("name", CLASSES)
def test_typst_compiles(name, tmp_path):
    typst = pytest.importorskip("typst")
    parts = [sc.formula(name).typeset("typst", style, notation="fields", width="6in") for style in STYLES]
    (tmp_path / "a.typ").write_text("\n\n".join(parts), encoding="utf-8")
    assert typst.compile(str(tmp_path / "a.typ")).startswith(b"%PDF")


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("style", STYLES)
def test_dollars_differ_from_githubs_form_by_fences_only(name, style):
    f = sc.formula(name)
    github, pandoc = f.typeset("markdown", style), f.typeset("pandoc", style)
    assert "`" not in pandoc
    same = re.sub(r"```math\n(\\begin\{align\*\}.*?)\n```", r"\1", github, flags=re.DOTALL)
    same = same.replace("```math", "$$").replace("```", "$$").replace("$`", "$").replace("`$", "$")
    assert same.replace("[t]", "") == pandoc.replace("[t]", "")


@pytest.mark.parametrize("name", CLASSES)
def test_csv_has_the_numbers(name):
    rows = list(csv.DictReader(io.StringIO(sc.formula(name).typeset("csv", "table"))))
    assert int(rows[-1]["Parameters"]) == sc.count(name)
    assert rows[-1]["Share"] == "100.0000"
    with pytest.raises(NotationError, match="style 'grouped' is no table; for CSV use table or notation"):
        sc.formula(name).typeset("csv")


def test_an_equation_has_a_left_hand_side_and_a_label():
    f = sc.formula("gpt2")
    plain = f.latex()
    assert f.latex(lhs=r"P_{\mathrm{G}}") == rf"P_{{\mathrm{{G}}}} = {plain}"
    assert f.latex(label="eq:g") == f"\\begin{{equation}}\\label{{eq:g}}\nP = {plain}\n\\end{{equation}}"
    assert r"\label{eq:g}" in f.typeset("tex", label="eq:g")
    assert r"Q \approx 12NH^2" in f.latex("leading", lhs="Q")
    assert f.latex("steps", lhs="Q").count("Q ") == 1
    assert f.typeset("text", lhs="Q").startswith("Q = ")


@pytest.mark.parametrize(
    ("look", "words"),
    [
        ({"label": "eq}:x"}, "label 'eq}:x': expected letters, digits and"),
        ({"lhs": "P = Q"}, "left-hand side 'P = Q': expected LaTeX such as"),
        ({"lhs": "P &"}, "unexpected &"),
        ({"lhs": "P_{"}, "a brace|expected"),
        ({"lhs": " "}, "left-hand side ' '"),
    ],
)
def test_what_is_no_equation_is_refused(look, words):
    with pytest.raises(NotationError, match=words):
        sc.formula("gpt2").latex(**look)


def test_only_equations_are_labelled():
    for style in ("steps", "table"):
        with pytest.raises(NotationError, match=f"label 'eq:x': style '{style}' is not one equation"):
            sc.formula("gpt2").latex(style, label="eq:x")
    with pytest.raises(NotationError, match="prefix 'bert2': expected letters only"):
        sc.formula("bert").typeset("macros", prefix="bert2")


def test_rounded_numbers_are_what_people_say():
    assert [rounded(n) for n in (0, 999, 1000, 999_949, 999_950, 1_049_999, 20_914_757_184)] == [
        "0", "999", "1.0K", "999.9K", "1.0M", "1.0M", "20.9B",
    ]  # fmt: skip


def test_a_part_has_one_colour_everywhere(tmp_path):
    assert colours(["norms", "attention"]) == [PALETTE["norms"], PALETTE["attention"]]
    page = sc.formula("bert").typeset("html")
    bars = sc.compare("bert", "gpt2").bars()
    for colour in (PALETTE["attention"], PALETTE["feed-forward"]):
        assert colour in page
        assert colour[1:].upper() in bars
    pytest.importorskip("matplotlib")
    sc.compare("bert", "gpt2").draw(tmp_path / "a.svg", "3.3x2.6in")
    sc.shares("bert", "N", [6, 12]).draw(tmp_path / "b.svg")
    for name in ("a.svg", "b.svg"):
        assert PALETTE["attention"] in (tmp_path / name).read_text()


@pytest.mark.parametrize("size", ["3.3in", "0.1x2in", "3x900in", "axbin", "3.3x2.4"])
def test_what_is_no_size_of_a_picture_is_refused(size, tmp_path):
    with pytest.raises(TypesettingError, match=r"size .*: expected"):
        figure.bars(tmp_path / "x.svg", ["a", "b"], {"p": [1, 2]}, size=size)


def test_models_of_one_class_are_told_apart():
    found = sc.compare("bert", "bert", values=[None, {"N": 24, "H": 1024, "I": 4096, "A": 16}])
    assert found.names == ("BertModel 109.5M", "BertModel 335.1M")
    with pytest.raises(StructureError, match="1 names for 2 models; give one for each"):
        sc.compare("bert", "gpt2", names=["a"])
    with pytest.raises(NotationError, match="models as 'lines': expected columns or rows"):
        found.table(models="lines")
    with pytest.raises(UnknownSymbolError, match="symbol 'Q': none of these models has it"):
        sc.compare("bert", "gpt2", symbols={"Q": "q"})


def test_a_breakdown_is_a_table_whose_rows_sum_to_its_total():
    parts = sc.formula("bert").breakdown(2)
    table = parts.table()
    assert sum(row[-2].value for row in table.rows) == table.total[-2].value == sc.count("bert")


# ---------------------------------------------------------------- the command line


@pytest.fixture
def symbols(tmp_path):
    lines, item = tmp_path / "symbols.txt", tmp_path / "symbols.json"
    lines.write_text("# a paper's letters\nhidden_size = d\nQ = q\n", encoding="utf-8")
    item.write_text(json.dumps({"hidden_size": "d"}), encoding="utf-8")
    return lines, item


@pytest.mark.parametrize(
    "arguments",
    [
        ("latex", "bert"),
        ("formula", "bert"),
        ("breakdown", "bert", "--depth", "1"),
        ("breakdown", "bert", "--depth", "1", "--to", "latex"),
        ("compare", "bert", "gpt2", "--formulas"),
        ("diff", "bert", "N"),
    ],
)
def test_a_file_of_symbols_is_taken_by_every_command(call, symbols, arguments):
    plain = call(*arguments)[1]
    for file in symbols:
        code, out, err = call(*arguments, "--symbols", str(file))
        assert code == 0, err
        assert "d" in out
        assert out != plain
    assert call(*arguments, "--symbols", str(symbols[0]), "--symbol", "hidden_size=h")[1] != out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("H", "line 1: expected NAME=LATEX, got 'H'"),
        ("{", "expected a JSON object of LaTeX by name, or lines"),
        ('{"H": 3}', "expected LaTeX as a text for each name"),
    ],
)
def test_a_bad_file_of_symbols_is_told(call, tmp_path, content, words):
    (tmp_path / "s").write_text(content, encoding="utf-8")
    code, out, err = call("latex", "bert", "--symbols", str(tmp_path / "s"))
    assert (code, out) == (2, "")
    assert words in err
    assert call("latex", "bert", "--symbols", str(tmp_path / "none"))[2].endswith("No such file or directory\n")


@pytest.mark.parametrize("to", ["latex", "markdown", "pandoc", "typst", "html", "csv", "text"])
def test_tables_in_every_form(call, tmp_path, to):
    numbers = ("109{,}482{,}240", "109,482,240", "109482240")
    for arguments in (("count", "bert", "gpt2"), ("breakdown", "bert"), ("compare", "bert", "gpt2")):
        code, out, err = call(*arguments, "--to", to)
        assert code == 0, err
        assert any(n in out for n in numbers)
    code, out, _ = call("shares", "bert", "N", "--sizes", "6,12", "--to", to)
    assert code == 0
    assert any(n in out for n in numbers)


def test_what_nothing_is_written_as_is_refused(call, tmp_path):
    for command in (("latex", "bert"), ("formula", "bert"), ("compare", "bert", "gpt2"), ("count", "bert")):
        code, out, err = call(*command, "--output", str(tmp_path / "x.docx"))
        assert (code, out) == (2, "")
        assert "--output x.docx: nothing here is written as .docx; expected .tex" in err or "expected .tex" in err
    assert not list(tmp_path.iterdir())


def test_a_page_is_written(call, tmp_path):
    code, _, err = call("formula", "gpt2", "-s", "N=24", "--to", "html", "--output", str(tmp_path / "x.html"))
    assert code == 0, err
    assert '<input id="at-N" value="24"' in (tmp_path / "x.html").read_text(encoding="utf-8")


def test_rounded_totals_stand_beside_exact_ones(call):
    assert "109.5M" in call("count", "bert", "--about")[1]
    assert "GPT2Model, 124.4M" in call("compare", "bert", "gpt2", "--about")[1]


def test_two_checkpoints_of_a_class_have_names_of_their_own(call, tmp_path):
    for name, layers in (("small", 2), ("large", 4)):
        (tmp_path / name).mkdir()
        config = {"architectures": ["BertModel"], "num_hidden_layers": layers}
        (tmp_path / name / "config.json").write_text(json.dumps(config), encoding="utf-8")
    paths = [str(tmp_path / name / "config.json") for name in ("small", "large")]
    _, out, _ = call("compare", *paths, "--rows")
    assert [line.split()[0] for line in out.splitlines()[2:4]] == ["small", "large"]


def test_it_says_how_to_cite_it(call):
    stated = (Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {sc.__version__}\n" in stated
    assert f"version = {{{sc.__version__}}}" in call("cite")[1]
    assert call("cite", "--to", "text")[1].startswith("the symcount authors: symcount, version ")
    assert "--to 'ris': expected one of bibtex, text" in call("cite", "--to", "ris")[2]


def test_relations_make_a_formula_shorter(call):
    code, out, err = call("latex", "bert", "--relation", "I=4*H", "--style", "compact")
    assert (code, out) == (0, "VH + LH + TH + 3H + N(12H^2 + 13H) + H^2\n"), err
    code, out, err = call("formula", "bert", "--relation", "I=4*H", "-s", "H=1024", "-s", "A=16")
    assert code == 0, err
    assert "valid when A divides H and I = 4*H" in out
    assert call("latex", "bert", "--relation", "I")[2].startswith("error: --relation 'I': expected NAME=VALUE")
    assert (
        "I = 4*H is required, but" in call("latex", "bert", "--relation", "I=4*H", "-s", "I=5", "--style", "table")[2]
    )


@pytest.mark.parametrize(
    ("words", "place", "expected"),
    [
        ("symcount lat", 1, ["latex"]),
        ("symcount latex --lab", 2, ["--label"]),
        ("symcount latex BertForMa", 2, ["BertForMaskedLM"]),
        ("symcount compare bert Dbrx", 3, ["DbrxForCausalLM", "DbrxModel"]),
    ],
)
def test_a_shell_completes(words, place, expected):
    environment = {**os.environ, "_SYMCOUNT_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(place)}
    done = subprocess.run(
        [sys.executable, "-m", "symcount"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == expected
    assert done.returncode == 0
