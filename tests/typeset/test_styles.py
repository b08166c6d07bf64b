"""Every style of every model: expected LaTeX for some, and for all of them read back as the same polynomial."""

import pytest
from sympy import Add, expand

import symcount as sc
from reading import read_as, read_steps
from sampling import sampled
from symcount.architectures import names
from symcount.core.notation import Notation, entry
from symcount.core.tree import block
from symcount.errors import DomainError, MissingSymbolError, NotationError, UnknownSymbolError
from symcount.formulas.formula import Formula
from symcount.layers import MLP, Embedding
from symcount.typeset.content import Formulas
from symcount.typeset.styles import STYLES, compose

DERIVED = """
DeepseekV3ForCausalLM T5ForConditionalGeneration WhisperForConditionalGeneration MambaForCausalLM SwinModel CLIPModel
MixtralForCausalLM Qwen3MoeForCausalLM JambaForCausalLM ViTForImageClassification AlbertForMaskedLM ConvNextModel
""".split()
BERT = "BertForMaskedLM"
FORMULAS = ("grouped", "compact", "expanded", "annotated")


@pytest.fixture(scope="module")
def derived():
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    cache = {}
    return lambda name: cache.setdefault(name, sc.derive(name))


def check(formula, look):
    setting = formula.setting(**look)
    total = expand(formula.total_as(setting.convention))
    for style in FORMULAS:
        assert expand(read_as(formula.latex(style, **look), setting.notation) - total) == 0, style
    *parts, (label, expression, numbers, value) = read_steps(formula.latex("steps", **look), setting.notation)
    assert (label, expand(expression - total), value) == (setting.symbol, 0, setting.at(setting.total))
    for _, part, in_numbers, number in [*parts, (label, expression, numbers, value)]:
        assert setting.at(part) == number
        assert set(in_numbers) <= {number}
    table = compose(setting, "table")
    sums = [read_as(row[1].latex[0], setting.notation) for i, row in enumerate(table.rows) if not table.level(i)]
    assert expand(Add(*sums) - total) == 0
    for i, row in enumerate(table.rows):
        assert setting.at(read_as(row[1].latex[0], setting.notation)) == row[3].value, row
        assert isinstance(row[1], Formulas) and table.level(i) in (0, 1)
    assert sum(row[3].value for i, row in enumerate(table.rows) if not table.level(i)) == table.total[3].value


@pytest.mark.parametrize("name", sampled(names(), 5))
def test_every_style_of_a_composed_model_reads_back(name):
    check(sc.formula(name), {"width": "3.3in"})


@pytest.mark.parametrize(
    ("notation", "convention"),
    [
        ("kaplan", "per_layer"),
        ("vaswani", "non_embedding"),
        ("llama", "unique"),
        ("bert", "unique"),
        ("fields", "unique"),
    ],
)
@pytest.mark.parametrize("name", [BERT, "LlamaForCausalLM"])
def test_every_style_in_other_letters_reads_back(name, notation, convention):
    check(sc.formula(name), {"notation": notation, "convention": convention})


@pytest.mark.slow
@pytest.mark.parametrize("name", DERIVED)
def test_every_style_of_a_derived_model_reads_back(derived, name):
    check(derived(name), {"width": "3.3in"})


def test_the_reader_sees_a_wrong_formula():
    f = sc.formula(BERT)
    wrong = f.latex("annotated").replace("4H^2", "5H^2")
    assert read_as(wrong, f.notation) != expand(f.total)
    steps = read_steps(f.latex("steps").replace("4 \\cdot 768^2", "5 \\cdot 768^2"), f.notation)
    assert any(set(numbers) != {value} for _, _, numbers, value in steps)


LLAMA_LEADING = (
    r"P \approx NH(2D(A + K) + 3I)"
    r" \quad (-3.89\,\% \text{ at } H = 4{,}096, I = 11{,}008, N = 32, A = 32, K = 32, D = 128)"
)
GOLDEN = [
    ("gpt2", "compact", "VH + LH + N(12H^2 + 13H) + 2H"),
    (BERT, "compact", "VH + LH + TH + 5H + N(4H^2 + 2HI + 9H + I) + H^2 + V"),
    ("LlamaForCausalLM", "compact", "2VH + N(2HAD + 2HKD + 3HI + 2H) + H"),
    ("LlamaForCausalLM", "grouped", "VH + N(2HAD + 2HKD + 3HI + 2H) + VH + H"),
    ("LlamaForCausalLM", "expanded", "2NHAD + 2NHKD + 3NHI + 2NH + 2VH + H"),
    (
        BERT,
        "annotated",
        (
            r"{\underbrace{VH + LH + TH + 2H}_{\text{embeddings}}} + N\bigl({\underbrace{4H^2 + 4H}_{\text{attention}}}"
            r" + {\underbrace{4H}_{\text{norms}}} + {\underbrace{2HI + I + H}_{\text{feed-forward}}}\bigr)"
            r" + {\underbrace{H^2 + V + 3H}_{\text{head}}}"
        ),
    ),
    ("gpt2", "leading", r"P \approx 12NH^2 + VH \quad (-0.73\,\% \text{ at } V = 50{,}257, H = 768, N = 12)"),
    (
        BERT,
        "leading",
        r"P \approx 2NH(2H + I) + VH \quad (-1.04\,\% \text{ at } V = 30{,}522, H = 768, I = 3{,}072, N = 12)",
    ),
    ("LlamaForCausalLM", "leading", LLAMA_LEADING),
]


@pytest.mark.parametrize(("name", "style", "latex"), GOLDEN)
def test_expected_latex(name, style, latex):
    assert sc.formula(name).latex(style) == latex


GOLDEN_DERIVED = [
    (
        "DeepseekV3ForCausalLM",
        {"notation": "deepseek", "symbols": {"v_head_dim": "d_v"}},
        (
            r"Vd + l(d_c'n_h(d_h + d_h^R) + d_cn_h(d_h + d_v) + dn_hd_v + d_c'd + d(d_c + d_h^R) + d_c' + d_c + 2d)"
            r" + 3l_{\mathrm{dense}}dd_{\mathrm{ff}}"
            r" + (l - l_{\mathrm{dense}})(3N_rdd_{\mathrm{e}} + 3N_sdd_{\mathrm{e}} + N_rd) + Vd + d"
        ),
    ),
    ("T5ForConditionalGeneration", {}, "VH + N(12HAD + 4HI + 5H) + 2BA + 2H"),
    (
        "MixtralForCausalLM",
        {"convention": "active"},
        "VH + N(3kHI + 2H^2 + 2H^2K/A + EH + 2H) + VH + H",
    ),
]


@pytest.mark.parametrize(("name", "look", "latex"), GOLDEN_DERIVED)
def test_expected_latex_of_derived_models(derived, name, look, latex):
    assert derived(name).latex(**look) == latex


def test_steps_are_as_on_a_blackboard():
    model = block("Tower", embed=Embedding(entry("V").symbol, entry("H").symbol), mlp=MLP(entry("H").symbol, 4))
    f = Formula(model, Notation((entry("V"), entry("H"))), "Tower")
    assert f.latex("steps", values={"V": 1000, "H": 8}) == (
        r"""\begin{align*}
P_{\text{embeddings}} &= VH \\
 &= 1{,}000 \cdot 8 \\
 &= 8{,}000 \\[1ex]
P_{\text{feed-forward}} &= 9H + 4 \\
 &= 9 \cdot 8 + 4 \\
 &= 76 \\[1ex]
P &= P_{\text{embeddings}} + P_{\text{feed-forward}} \\
 &= 8{,}000 + 76 \\
 &= 8{,}076
\end{align*}"""
    )


def test_a_table_has_booktabs_rules_and_sums_to_the_total():
    lines = sc.formula("gpt2").latex("table", numbers="thin").splitlines()
    assert lines[:4] == [
        r"\begin{tabular}{@{}lllrr@{}}",
        r"\toprule",
        r"Component & Formula & Shape & Parameters & Share \\",
        r"\midrule",
    ]
    assert r"\quad wte & $VH$ & $V \times H$ & $38\,597\,376$ & 31.02\,\% \\" in lines
    assert lines[-3:] == [
        r"total &  &  & $124\,439\,808$ & 100.00\,\% \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_the_notation_table_has_the_symbols_in_use():
    latex = sc.formula("gpt2").latex("notation", notation="kaplan")
    assert r"$d_{\mathrm{model}}$ & hidden size & n\_embd & $768$ \\" in latex
    assert "num\\_labels" not in latex


def test_the_error_of_the_leading_term_is_that_of_the_numbers():
    f = sc.formula("gpt2")
    at = {"V": 50257, "L": 1024, "H": 12288, "N": 96}
    error = (12 * 96 * 12288**2 - f.count(**at)) / f.count(**at)
    assert f"({100 * error:.2f}\\,\\%" in f.latex("leading", values=at)


@pytest.mark.parametrize(
    ("name", "leading"),
    [
        ("MixtralForCausalLM", "3NEHI"),
        ("MambaForCausalLM", "25NXH^2/8"),
        ("DeepseekV3ForCausalLM", "3NEHM"),
    ],
)
def test_leading_terms_of_rounded_and_fractional_totals(derived, name, leading):
    f = derived(name)
    assert f.set_symbols(f.leading()) == leading


def test_a_total_that_uses_the_letter_p_is_not_called_p(derived):
    f = derived("ViTForImageClassification")
    assert "P" in f.notation
    assert f.latex("leading").startswith(r"\mathcal{P} \approx")


@pytest.mark.parametrize(
    ("look", "error", "words"),
    [
        ({"style": "boxes"}, NotationError, "style 'boxes': expected one of grouped, compact, .*notation"),
        ({"style": "step"}, NotationError, "Did you mean steps"),
        ({"notation": "kaplna"}, NotationError, "notation 'kaplna': expected one of default, .*Did you mean kaplan"),
        ({"numbers": "dots"}, NotationError, r"numbers 'dots': expected one of comma, thin, siunitx, none"),
        ({"simbols": {}}, NotationError, "simbols: expected one of convention, notation, .*Did you mean symbols"),
        ({"width": "wide"}, NotationError, "width 'wide': expected a length of at least 100pt, such as 3.3in"),
        ({"width": "1in"}, NotationError, "at least 100pt"),
        ({"symbols": {"Q": "q"}}, UnknownSymbolError, "unknown symbol 'Q'"),
        ({"style": "steps", "values": {"H": 0}}, DomainError, "H .hidden_size.: expected an integer of at least 1"),
        ({"style": "table", "values": {"A": 7}}, DomainError, "A divides H is required"),
    ],
)
def test_mistakes(look, error, words):
    with pytest.raises(error, match=words):
        sc.formula("bert").latex(**look)


def test_sizes_are_asked_for_where_there_are_no_defaults():
    f = Formula(Embedding(entry("V").symbol, entry("H").symbol), Notation((entry("V"), entry("H"))))
    assert f.latex() == "VH"
    with pytest.raises(MissingSymbolError, match=r"no value for H .hidden_size., V"):
        f.latex("steps")


def test_styles_are_all_tested():
    assert set(STYLES) == {*FORMULAS, "steps", "table", "leading", "notation"}
