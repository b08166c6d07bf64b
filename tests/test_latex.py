"""LaTeX: expected strings for every architecture, and every printed formula read back as the same polynomial."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Integer, Max, Min, Mod, Rational, ceiling, expand, floor

import symcount as sc
from reading import read_back
from symcount.architectures import names
from symcount.errors import NotationError
from symcount.formula import Formula
from symcount.layers import MLP, Embedding, LayerNorm, Linear
from symcount.notation import Notation, entry, letters
from symcount.tree import block, stack
from symcount.typeset.latex import set_symbols

V, L, H, I, N, T, A, E, M = letters("V L H I N T A E M")

BERT = "VH + LH + TH + 2H + N(4H^2 + 2HI + 9H + I)"
GPT2 = "VH + LH + N(12H^2 + 13H) + 2H"
LLAMA = "VH + N(2HAD + 2HKD + 3HI + 2H)"
EXPECTED = {
    "BertModel": f"{BERT} + H^2 + H",
    "BertForMaskedLM": f"{BERT} + H^2 + V + 3H",
    "BertLMHeadModel": f"{BERT} + H^2 + V + 3H",
    "BertForPreTraining": f"{BERT} + 2H^2 + 6H + V + 2",
    "BertForNextSentencePrediction": f"{BERT} + H^2 + 3H + 2",
    "BertForSequenceClassification": f"{BERT} + H^2 + YH + H + Y",
    "BertForMultipleChoice": f"{BERT} + H^2 + 2H + 1",
    "BertForTokenClassification": f"{BERT} + YH + Y",
    "BertForQuestionAnswering": f"{BERT} + YH + Y",
    "GPT2Model": GPT2,
    "GPT2LMHeadModel": GPT2,
    "GPT2ForSequenceClassification": f"{GPT2[:-5]} + YH + 2H",
    "GPT2ForTokenClassification": f"{GPT2[:-5]} + YH + 2H + Y",
    "GPT2ForQuestionAnswering": f"{GPT2[:-5]} + 4H + 2",
    "LlamaModel": f"{LLAMA} + H",
    "LlamaForCausalLM": f"{LLAMA} + VH + H",
    "LlamaForSequenceClassification": f"{LLAMA} + YH + H",
    "LlamaForTokenClassification": f"{LLAMA} + YH + H + Y",
    "LlamaForQuestionAnswering": f"{LLAMA} + 3H + 2",
}


def notation(letters_used="NVLTEHIMAKD"):
    return Notation(tuple(entry(letter) for letter in letters_used))


def test_every_architecture_has_an_expected_formula():
    assert set(EXPECTED) == set(names())


@pytest.mark.parametrize("name", EXPECTED)
def test_grouped_latex(name):
    assert sc.formula(name).latex() == EXPECTED[name]


@pytest.mark.parametrize("convention", ["unique", "per_layer"])
@pytest.mark.parametrize("style", ["grouped", "expanded"])
@pytest.mark.parametrize("name", EXPECTED)
def test_latex_read_back_is_the_same_polynomial(name, style, convention):
    f = sc.formula(name)
    assert read_back(f.latex(style, convention=convention)) == expand(f.total_as(convention))


@pytest.mark.parametrize("options", [{"n_inner": 5}, {"tie_word_embeddings": False}])
def test_latex_of_options_read_back(options):
    f = sc.formula("GPT2LMHeadModel", **options)
    assert read_back(f.latex()) == expand(f.total)


def test_a_wrong_formula_does_not_read_back():
    wrong = sc.formula("gpt2").latex().replace("13H", "12H")
    assert read_back(wrong) != expand(sc.formula("gpt2").total)


def test_the_per_layer_total_shows_the_head():
    f = sc.formula("BertForMaskedLM")
    assert f.latex(convention="per_layer") == f"{BERT} + H^2 + VH + 3H + V"
    assert f.latex(convention="non_embedding") == "2H + N(4H^2 + 2HI + 9H + I) + H^2 + 3H"


def test_expanded_style_is_by_degree_then_by_the_table():
    assert sc.formula("bert").latex("expanded") == "4NH^2 + 2NHI + 9NH + NI + VH + LH + TH + H^2 + 3H"


def test_a_papers_own_letters():
    f = sc.formula("gpt2")
    model = f.latex(symbols={"H": r"d_{\mathrm{model}}", "n_layer": r"\ell", "L": r"n_{\mathrm{ctx}}"})
    d = r"d_{\mathrm{model}}"
    assert model == rf"V{d} + n_{{\mathrm{{ctx}}}}{d} + \ell(12{d}^2 + 13{d}) + 2{d}"


def test_a_command_does_not_swallow_the_letter_after_it():
    symbols = notation("VH").with_latex({"V": r"\nu", "H": "h"})
    assert set_symbols(V * H, symbols) == r"\nu h"
    assert set_symbols(V * H, notation("VH").with_latex({"V": r"a\nu", "H": "h"})) == r"a\nu h"
    assert set_symbols(V * H, notation("VH").with_latex({"V": r"\nu", "H": r"\eta"})) == r"\nu\eta"


@pytest.mark.parametrize(
    ("expression", "latex"),
    [
        (Integer(0), "0"),
        (Integer(1), "1"),
        (Integer(-3), "-3"),
        (-H, "-H"),
        (H - V, "-V + H"),
        (V - H, "V - H"),
        (H**2 - 3 * H - 1, "H^2 - 3H - 1"),
        (H**12, "H^{12}"),
        (H / A, r"\frac{H}{A}"),
        (3 * H**2 / (2 * A), r"\frac{3H^2}{2A}"),
        (-H / 2, r"-\frac{H}{2}"),
        (Rational(1, 3), r"\frac{1}{3}"),
        (1 / A, r"\frac{1}{A}"),
        ((H + 1) * V, "V(H + 1)"),
        ((H + 1) / (V + 2), r"\frac{H + 1}{V + 2}"),
        (V * (H + 1) / (V + 2) ** 2, r"\frac{V(H + 1)}{(V + 2)^2}"),
        ((H + 1) / 2, r"\frac{H}{2} + \frac{1}{2}"),
        ((H + 1) ** 2, "(H + 1)^2"),
        (V * (H / A + 1), r"V\left(\frac{H}{A} + 1\right)"),
        (3 * 2**N, r"3 \cdot 2^N"),
        (2 ** (N + 1), "2^{N + 1}"),
        (floor(H / 2), r"\left\lfloor \frac{H}{2} \right\rfloor"),
        (2 * ceiling(H / A) * V, r"2V\left\lceil \frac{H}{A} \right\rceil"),
        (Min(H, I), r"\min\left(H, I\right)"),
        (Max(H, 8), r"\max\left(8, H\right)"),
        (Mod(H, 8), r"\left(H \bmod 8\right)"),
    ],
)
def test_pieces(expression, latex):
    assert set_symbols(expression, notation()) == latex


def test_nested_lists_are_one_group():
    model = block("M", stages=stack(E, block("Stage", layers=stack(N, LayerNorm(H)))))
    assert Formula(model, notation()).latex() == "NE(2H)" or Formula(model, notation()).latex() == "EN(2H)"


def test_equal_depths_are_one_group_and_others_another():
    model = block("M", a=stack(N, MLP(H, I)), b=stack(N, LayerNorm(H)), c=stack(L, LayerNorm(H)), d=Embedding(V, H))
    assert Formula(model, notation()).latex() == "N(2HI + I + 3H) + L(2H) + VH"


def test_a_sum_as_depth_gets_brackets():
    model = block("M", layers=stack(N - 1, Linear(H, I)))
    assert Formula(model, notation()).latex() == "(N - 1)(HI + I)"


def test_no_such_style():
    with pytest.raises(NotationError, match=r"style 'groupd': expected one of grouped, compact.*Did you mean grouped"):
        sc.formula("bert").latex("groupd")


def test_notebooks_show_the_formula():
    assert sc.formula("gpt2")._repr_latex_() == f"${GPT2}$"


coefficients = st.integers(-20, 20).filter(bool)
monomial = st.builds(
    lambda c, powers: c * V ** powers[0] * H ** powers[1] * I ** powers[2] * N ** powers[3],
    coefficients,
    st.tuples(*[st.integers(0, 3)] * 4),
)


@given(st.lists(monomial, min_size=1, max_size=4))
@settings(max_examples=15, deadline=None)
def test_any_polynomial_read_back(terms):
    polynomial = expand(sum(terms))
    assume(polynomial != 0)
    assert read_back(set_symbols(polynomial, notation())) == polynomial


@given(
    st.lists(
        st.tuples(st.sampled_from([N, L, N - 1, 2 * N]), st.sampled_from([LayerNorm(H), MLP(H, I), Linear(V, H)])),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=15, deadline=None)
def test_any_stack_of_layers_read_back(stacks):
    model = block("M", **{f"s{i}": stack(count, layer) for i, (count, layer) in enumerate(stacks)})
    f = Formula(model, notation())
    assert read_back(f.latex()) == expand(f.total)
