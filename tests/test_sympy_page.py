"""docs/sympy.md says what is so, and docs/notebook.ipynb shows what its cells give."""

import ast
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sympy import Rational, Symbol

import symcount as sc
from symcount.atlas.formula import find
from symcount.errors import DomainError, ExpressionError, StructureError, UnknownSymbolError
from symcount.layers import Linear
from test_readme import run_python

DOCS = Path(__file__).parent.parent / "docs"
NOTEBOOK = json.loads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))


def test_the_examples_of_the_page_give_what_is_printed():
    text = (DOCS / "sympy.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^\n```$", text, re.MULTILINE | re.DOTALL)
    run_python("\n".join(f"{example}\n" for example in examples), "sympy.md")


def run_cell(source, scope):
    """What a notebook would show of the last line of a cell."""
    *body, last = ast.parse(source).body
    exec(compile(ast.Module(body, []), "cell", "exec"), scope)
    if not isinstance(last, ast.Expr):
        exec(compile(ast.Module([last], []), "cell", "exec"), scope)
        return {}
    value = eval(compile(ast.Expression(last.value), "cell", "eval"), scope)
    shown = {"text/plain": repr(value)}
    for kind, method in (("text/html", "_repr_html_"), ("text/latex", "_repr_latex_")):
        if hasattr(value, method):
            shown[kind] = getattr(value, method)()
    return shown


def test_the_notebook_shows_what_its_cells_give():
    scope = {}
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 5
    for cell in cells:
        shown = run_cell("".join(cell["source"]), scope)
        stored = {k: "".join(v) for output in cell["outputs"] for k, v in output["data"].items()}
        assert shown == stored, "".join(cell["source"])


@pytest.mark.parametrize(
    "name", ["BertModel", "DeepseekV3ForCausalLM", "EfficientNetModel", "Blip2ForConditionalGeneration"]
)
def test_a_repr_is_one_short_line(name):
    shown = find(name, {}) or sc.formula(name)
    for item in (shown, shown.breakdown(2)):
        assert "\n" not in repr(item)
        assert len(repr(item)) < 200


class _Balanced(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("br", "meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def balanced(html):
    parser = _Balanced()
    parser.feed(html)
    parser.close()
    return not parser.open


@pytest.mark.parametrize("name", ["BertForMaskedLM", "MixtralForCausalLM", "DonutSwinModel"])
def test_a_notebook_shows_letters_options_and_domain(name):
    shown = sc.formula(name)
    html = shown._repr_html_()
    assert balanced(html)
    for field in [e.field for e in shown.setting().used] + [*shown.options]:
        assert field in html
    assert ("valid where" in html) == bool(shown.setting().conditions)


def test_a_formula_without_sizes_shows_itself():
    from symcount.core.notation import entry

    shown = sc.Formula(Linear(entry("H").symbol, entry("I").symbol), sc.Notation((entry("H"), entry("I"))))
    assert balanced(shown._repr_html_())
    assert balanced(shown.breakdown()._repr_html_())
    assert repr(shown) == "<Formula Linear: P = HI + I>"


def test_a_long_formula_is_broken():
    shown = sc.formula("DonutSwinModel")
    assert r"\begin{aligned}" in shown._repr_latex_()


def test_names_and_texts_mean_the_formulas_own_symbols():
    f = sc.formula("LlamaForCausalLM")
    H, A, D = (f.symbol(n) for n in "HAD")
    assert f.substitute(D="H/A") == f.total.subs(D, H / A)
    assert f.substitute(D=Symbol("H") / Symbol("A")) == f.total.subs(D, H / A)
    assert f.substitute({"head_dim": 64}) == f.substitute({Symbol("D"): 64}) == f.subs(D=64) == f.total.subs(D, 64)
    assert f.substitute(D="H", H="D") == f.total.subs({D: H, H: D}, simultaneous=True)
    assert f.substitute(D="H/A").free_symbols == f.total.free_symbols - {D} | {A}
    assert f.diff("H") == f.diff(Symbol("H")) == f.total.diff(H)
    assert f.substitute(H=Rational(1, 2)) == f.total.subs(H, Rational(1, 2))


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"Q": 1}, UnknownSymbolError, "unknown symbol 'Q'"),
        ({"H": "Q"}, UnknownSymbolError, "unknown symbol 'Q'"),
        ({"H": "__import__('os')"}, ExpressionError, "cannot be called"),
        ({"H": True}, DomainError, "got True"),
        ({"H": 0.5}, DomainError, "got 0.5"),
        ({"H": None}, DomainError, "expected an integer, a fraction, an expression or its text"),
        ({"H": 1, "hidden_size": 2}, DomainError, "given twice: 1 and 2"),
        ({3: 1}, UnknownSymbolError, "symbol 3: expected a letter, a config field or a symbol"),
    ],
)
def test_what_cannot_be_put_in_is_refused(given, error, words):
    with pytest.raises(error, match=re.escape(words)):
        sc.formula("BertModel").substitute(given)


def test_verbs_take_names_and_configs():
    small = {"architectures": ["BertModel"], "hidden_size": 384, "num_attention_heads": 12}
    found = sc.compare(small, "gpt2", values=[{"N": 6}, None])
    assert found.totals == (sc.count(small, N=6), sc.count("gpt2"))
    assert sc.shares(small, "N", [6, 12]).totals == [sc.count(small, N=6), sc.count(small)]
    assert sc.shares(sc.formula("gpt2"), "N", [6, 12]).totals[1] == sc.count("gpt2")
    with pytest.raises(StructureError, match="sizes for 3 models, but there are 2"):
        sc.compare("bert", "gpt2", values=[{}, {}, {}])
    for html in (found._repr_html_(), sc.shares("gpt2", "N", [6, 12])._repr_html_()):
        assert balanced(html)


def test_a_report_shows_itself():
    pytest.importorskip("transformers")
    html = sc.verify("BertModel", {"model_type": "bert", "num_hidden_layers": 1, "hidden_size": 48})._repr_html_()
    assert balanced(html)
    assert "exact" in html
    assert "not exact" not in html


@pytest.mark.parametrize(
    ("name", "relations", "latex"),
    [
        ("BertModel", {"I": "4*H"}, "VH + LH + TH + 2H + N(12H^2 + 13H) + H^2 + H"),
        ("LlamaModel", {"D": "H/A", "K": "A"}, "VH + N(4H^2 + 3HI + 2H) + H"),
        ("LlamaModel", {"D": 128}, None),
    ],
)
def test_a_related_formula_is_the_formula_there(name, relations, latex):
    whole = sc.formula(name)
    found = whole.related(relations)
    assert (found.total - whole.substitute(relations)).expand() == 0
    if latex is not None:
        assert found.latex() == latex
    at = {"V": 100, "L": 10, "T": 2, "H": 64, "I": 256, "N": 3, "A": 4, "K": 4, "D": 16}
    at = {k: v for k, v in at.items() if k in found.notation}
    if "D" in relations and relations["D"] == 128:
        with pytest.raises(DomainError, match=r"D = 128 is required, but D \(head_dim\) = 16"):
            found.count(**at)
        at["D"] = 128
    for convention in ("unique", "per_layer", "non_embedding"):
        assert found.count(**at, convention=convention) == whole.count(**at, convention=convention)
    left_out = {k: v for k, v in at.items() if k not in relations}
    assert found.count(**left_out) == whole.count(**at)


def test_a_config_that_does_not_keep_the_relation_is_refused():
    found = sc.formula("BertModel").related(I="4*H")
    assert found.count({"model_type": "bert", "hidden_size": 768, "intermediate_size": 3072}) == sc.count("bert")
    with pytest.raises(DomainError, match=r"I = 4\*H is required, but H \(hidden_size\) = 768, I"):
        found.count({"model_type": "bert", "hidden_size": 768, "intermediate_size": 1000})
    with pytest.raises(DomainError, match="H is made of others too; write it out"):
        sc.formula("BertModel").related(I="4*H", H="I/4")


def test_solutions_and_ladders_show_themselves():
    pytest.importorskip("numpy")
    found = sc.solve("bert", "110M", free=["H=64..4096:64", "I=64..16384:64", "N=1..96"], tolerance="0.1%", limit=30)
    html = found._repr_html_()
    assert balanced(html)
    assert html.count("<tr>") == 21  # the heading, and twenty of the thirty that are given in full
    assert f"and {found.number - 20:,} more" in html
    assert f"{found[0].count:,}" in html
    none = sc.solve("bert", "20000001", free=["H=64..640:64"], tolerance="0%")
    assert none._repr_html_().startswith("<p>0 of 10 configs of BertModel with unique exactly 20,000,001")
    rungs = sc.ladder("llama", "10M,100M")
    assert balanced(rungs._repr_html_())
    assert all(f"{rung.solution.count:,}" in rungs._repr_html_() for rung in rungs)
    assert repr(rungs) == "<Ladder of LlamaModel: " + ", ".join(f"{r.label}: {r.solution.count:,}" for r in rungs) + ">"
