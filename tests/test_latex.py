"""LaTeX: expected strings for every architecture, and every printed formula read back as the same polynomial."""

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Integer, Max, Min, Mod, Rational, ceiling, expand, floor

import symcount as sc
from reading import read_back
from sampling import sampled
from symcount.architectures import names
from symcount.core.notation import Notation, entry, letters
from symcount.core.tree import block, stack
from symcount.errors import NotationError
from symcount.formulas.formula import Formula
from symcount.layers import MLP, Embedding, LayerNorm, Linear
from symcount.typeset.latex import set_symbols

V, L, H, I, N, T, A, E, M = letters("V L H I N T A E M")

BERT = "VH + LH + TH + 2H + N(4H^2 + 2HI + 9H + I)"
GPT2 = "VH + LH + N(12H^2 + 13H) + 2H"
DISTILBERT = "VH + LH + 2H + N(4H^2 + 2HI + 9H + I)"
ELECTRA = "VZ + LZ + TZ + ZH + 2Z + H + N(4H^2 + 2HI + 9H + I)"
ALBERT = r"VZ + LZ + TZ + ZH + 2Z + H + N_{\mathrm{grp}}N_{\mathrm{inner}}(4H^2 + 2HI + 9H + I)"
LLAMA = "VH + N(2HAD + 2HKD + 3HI + 2H)"
MIXTRAL = "VH + N(2HAD + 2HKD + 3EHI + EH + 2H)"
QWEN2 = "VH + N(2HAD + 2HKD + AD + 2KD + 3HI + 2H)"
QWEN3 = "VH + N(2HAD + 2HKD + 3HI + 2D + 2H)"
QWEN3_MOE = "VH + N(2HAD + 2HKD + 3EHM + EH + 2D + 2H)"
GEMMA2 = "VH + N(2HAD + 2HKD + 3HI + 4H)"
DEEPSEEK = (
    r"VH + N(R_{\mathrm{q}}A(D_{\mathrm{nope}} + D_{\mathrm{rope}}) + R_{\mathrm{kv}}A(D_{\mathrm{nope}}"
    r" + D_{\mathrm{v}}) + HAD_{\mathrm{v}} + R_{\mathrm{q}}H + H(R_{\mathrm{kv}} + D_{\mathrm{rope}})"
    r" + R_{\mathrm{q}} + R_{\mathrm{kv}} + 2H) + 3dHI + (N - d)(3EHM + 3SHM + EH)"
)
BLOOM = "VH + 2H + N(12H^2 + 13H)"
MAMBA = r"VH + N(3XHG + 3XH^2 + XHW + 2R_{\Delta}XH + 3XH + H) + H"
T5_ENCODER = "VH + N(4HAD + 2HI + 2H) + BA"
T5 = rf"{T5_ENCODER} + H + N_{{\mathrm{{dec}}}}(8HAD + 2HI + 3H) + BA"
BART_DECODER = r"N_{\mathrm{dec}}(8H^2 + 2HI_{\mathrm{dec}} + 15H + I_{\mathrm{dec}})"
BART = (
    r"VH + LH + 2H + N_{\mathrm{enc}}(4H^2 + 2HI_{\mathrm{enc}} + 9H + I_{\mathrm{enc}})"
    f" + LH + 4H + {BART_DECODER}"
)
WHISPER_ENCODER = (
    r"3FH + 3H^2 + L_{\mathrm{enc}}H + 2H"
    r" + N_{\mathrm{enc}}(4H^2 + 2HI_{\mathrm{enc}} + 8H + I_{\mathrm{enc}})"
)
WHISPER_DECODER = r"N_{\mathrm{dec}}(8H^2 + 2HI_{\mathrm{dec}} + 13H + I_{\mathrm{dec}}) + 2H"
WHISPER = rf"{WHISPER_ENCODER} + VH + L_{{\mathrm{{dec}}}}H + 2H + {WHISPER_DECODER}"
J = "p"
LAYERS = "N(4H^2 + 2HI + 9H + I)"
VIT = rf"CP^2H + 3H + R^2H/P^2 + {LAYERS}"
STRIDE = "s"
SPACE = "p"
CLIP_VISION = rf"CP^2H + 4H + R^2H/P^2 + {LAYERS}"


def tower(latex, name):
    """*latex* with the letters that another sub-config has too as those of this one: with a subscript."""
    return re.sub(r"(?<![a-z\\])([HIN])(?![a-z])", rf"\1_{{\\mathrm{{{name[0]}}}}}", latex)


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
    "RobertaModel": f"{BERT} + H^2 + H",
    "RobertaForMaskedLM": f"{BERT} + H^2 + V + 3H",
    "RobertaForCausalLM": f"{BERT} + H^2 + V + 3H",
    "RobertaForSequenceClassification": f"{BERT} + H^2 + YH + H + Y",
    "RobertaForMultipleChoice": f"{BERT} + H^2 + 2H + 1",
    "RobertaForTokenClassification": f"{BERT} + YH + Y",
    "RobertaForQuestionAnswering": f"{BERT} + YH + Y",
    "ElectraModel": ELECTRA,
    "ElectraForPreTraining": f"{ELECTRA} + H^2 + 2H + 1",
    "ElectraForMaskedLM": f"{ELECTRA} + ZH + 3Z + V",
    "ElectraForCausalLM": f"{ELECTRA} + ZH + 3Z + V",
    "ElectraForSequenceClassification": f"{ELECTRA} + H^2 + YH + H + Y",
    "ElectraForMultipleChoice": f"{ELECTRA} + H^2 + 2H + 1",
    "ElectraForTokenClassification": f"{ELECTRA} + YH + Y",
    "ElectraForQuestionAnswering": f"{ELECTRA} + YH + Y",
    "DistilBertModel": DISTILBERT,
    "DistilBertForMaskedLM": f"{DISTILBERT} + H^2 + 3H + V",
    "DistilBertForSequenceClassification": f"{DISTILBERT} + H^2 + YH + H + Y",
    "DistilBertForMultipleChoice": f"{DISTILBERT} + H^2 + 2H + 1",
    "DistilBertForTokenClassification": f"{DISTILBERT} + YH + Y",
    "DistilBertForQuestionAnswering": f"{DISTILBERT} + YH + Y",
    "AlbertModel": f"{ALBERT} + H^2 + H",
    "AlbertForPreTraining": f"{ALBERT} + H^2 + ZH + YH + H + V + 3Z + Y",
    "AlbertForMaskedLM": f"{ALBERT} + ZH + V + 3Z",
    "AlbertForSequenceClassification": f"{ALBERT} + H^2 + YH + H + Y",
    "AlbertForMultipleChoice": f"{ALBERT} + H^2 + 2H + 1",
    "AlbertForTokenClassification": f"{ALBERT} + YH + Y",
    "AlbertForQuestionAnswering": f"{ALBERT} + YH + Y",
    "GPT2Model": GPT2,
    "GPT2LMHeadModel": GPT2,
    "GPT2ForSequenceClassification": f"{GPT2[:-5]} + YH + 2H",
    "GPT2ForTokenClassification": f"{GPT2[:-5]} + YH + 2H + Y",
    "GPT2ForQuestionAnswering": f"{GPT2[:-5]} + 4H + 2",
    "BloomModel": f"{BLOOM} + 2H",
    "BloomForCausalLM": f"{BLOOM} + 2H",
    "BloomForSequenceClassification": f"{BLOOM} + YH + 2H",
    "BloomForTokenClassification": f"{BLOOM} + YH + 2H + Y",
    "BloomForQuestionAnswering": f"{BLOOM} + 4H + 2",
    **{
        f"{prefix}{name}": f"{layers}{head}"
        for prefix, layers in {
            "Llama": LLAMA,
            "Mistral": LLAMA,
            "Mixtral": MIXTRAL,
            "Qwen2": QWEN2,
            "Qwen3": QWEN3,
            "Qwen3Moe": QWEN3_MOE,
            "Gemma2": GEMMA2,
            "DeepseekV3": DEEPSEEK,
        }.items()
        for name, head in {
            "Model": " + H",
            "ForCausalLM": " + H" if prefix == "Gemma2" else " + VH + H",
            "ForSequenceClassification": " + YH + H",
            "ForTokenClassification": " + YH + H + Y",
            "ForQuestionAnswering": " + 3H + 2",
        }.items()
        if (prefix, name) not in (("Gemma2", "ForQuestionAnswering"), ("DeepseekV3", "ForQuestionAnswering"))
    },
    "MambaModel": MAMBA,
    "MambaForCausalLM": MAMBA,
    "T5Model": f"{T5} + H",
    "T5ForConditionalGeneration": f"{T5} + H",
    "T5EncoderModel": f"{T5_ENCODER} + H",
    "T5ForSequenceClassification": f"{T5} + H^2 + YH + 2H + Y",
    "T5ForTokenClassification": f"{T5_ENCODER} + YH + H + Y",
    "T5ForQuestionAnswering": f"{T5} + YH + H + Y",
    "BartModel": f"{BART} + 2H",
    "BartForConditionalGeneration": f"{BART} + 2H",
    "BartForSequenceClassification": f"{BART} + H^2 + YH + 3H + Y",
    "BartForQuestionAnswering": f"{BART} + 4H + 2",
    "BartForCausalLM": f"VH + LH + 2H + {BART_DECODER} + 2H",
    "WhisperModel": WHISPER,
    "WhisperForConditionalGeneration": WHISPER,
    "WhisperForCausalLM": rf"VH + L_{{\mathrm{{dec}}}}H + {WHISPER_DECODER}",
    "WhisperForAudioClassification": f"{WHISPER_ENCODER} + H{J} + Y{J} + 2H + {J} + Y",
    "ViTModel": f"{VIT} + HJ + 2H + J",
    "ViTForImageClassification": f"{VIT} + YH + 2H + Y",
    "ViTForMaskedImageModeling": f"{VIT.replace('3H', '4H')} + CH{STRIDE}^2 + C{STRIDE}^2 + 2H",
    "CLIPTextModel": f"VH + LH + {LAYERS} + 2H",
    "CLIPTextModelWithProjection": f"VH + LH + {LAYERS} + H{SPACE} + 2H",
    "CLIPVisionModel": f"{CLIP_VISION} + 2H",
    "CLIPVisionModelWithProjection": f"{CLIP_VISION} + H{SPACE} + 2H",
    "CLIPModel": (
        f"{tower('VH + LH', 'text')} + {tower(LAYERS, 'text')} + {tower('H', 'text')}{SPACE} + {tower('2H', 'text')}"
        f" + {tower(CLIP_VISION, 'vision')} + {tower('H', 'vision')}{SPACE} + {tower('2H', 'vision')} + 1"
    ),
    "CLIPForImageClassification": f"{tower(CLIP_VISION, 'vision')} + Y{tower('H + 2H', 'vision')} + Y",
}


def notation(letters_used="NVLTEHIMAKD"):
    return Notation(tuple(entry(letter) for letter in letters_used))


def test_every_architecture_has_an_expected_formula():
    assert set(EXPECTED) == set(names())


@pytest.mark.parametrize("name", EXPECTED)
def test_grouped_latex(name):
    assert sc.formula(name).latex() == EXPECTED[name]


def in_one_letter(formula):
    """Single letters for the symbols that are typeset with more, which the parser would take apart."""
    free = [x for x in "abcfghjlmnopqrstuvwxyz" if x not in {e.latex for e in formula.notation}]
    return dict(zip((e.letter for e in formula.notation if e.latex != e.letter), free, strict=False))


def reread(formula, style="grouped", convention="unique"):
    """The formula as printed and read back."""
    short = in_one_letter(formula)
    back = {sc.symbol(x): formula.notation[letter].symbol for letter, x in short.items()}
    return read_back(formula.latex(style, convention=convention, symbols=short)).subs(back, simultaneous=True)


HEADS = re.compile("For(.*Classification|QuestionAnswering|MultipleChoice|NextSentencePrediction)$")
READ_BACK = [
    (name, convention)
    for name in EXPECTED
    if not HEADS.search(name) or name.startswith(("Bert", "Whisper", "ViT", "CLIP"))
    for convention in ("unique", "per_layer", "active")
    if convention != "active" or "Moe" in name or name.startswith(("Mixtral", "Deepseek"))
]


@pytest.mark.parametrize("style", ["grouped", "expanded"])
@pytest.mark.parametrize(("name", "convention"), sampled(READ_BACK, 4))
def test_latex_read_back_is_the_same_polynomial(name, style, convention):
    f = sc.formula(name)
    assert expand(reread(f, style, convention) - f.total_as(convention)) == 0


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
        (H / A, "H/A"),
        (3 * H**2 / (2 * A), r"\frac{3H^2}{2A}"),
        (-H / 2, "-H/2"),
        (Rational(1, 3), "1/3"),
        (1 / A, "1/A"),
        ((H + 1) * V, "V(H + 1)"),
        ((H + 1) / (V + 2), r"\frac{H + 1}{V + 2}"),
        (V * (H + 1) / (V + 2) ** 2, r"\frac{V(H + 1)}{(V + 2)^2}"),
        ((H + 1) / 2, "H/2 + 1/2"),
        ((H + 1) ** 2, "(H + 1)^2"),
        (V * (H / A + 1), "V(H/A + 1)"),
        (3 * 2**N, r"3 \cdot 2^N"),
        (2 ** (N + 1), "2^{N + 1}"),
        (floor(H / 2), r"\lfloor H/2\rfloor"),
        (2 * ceiling(H / A) * V, r"2V\lceil H/A\rceil"),
        (Min(H, I), r"\min(H, I)"),
        (Max(H, 8), r"\max(8, H)"),
        (Mod(H, 8), r"(H \bmod 8)"),
    ],
)
def test_pieces(expression, latex):
    assert set_symbols(expression, notation()) == latex


def test_nested_lists_are_one_group():
    model = block("M", stages=stack(E, block("Stage", layers=stack(N, LayerNorm(H)))))
    assert Formula(model, notation()).latex() == "2NEH"


def test_equal_depths_are_one_group_and_others_another():
    model = block("M", a=stack(N, MLP(H, I)), b=stack(N, LayerNorm(H)), c=stack(L, LayerNorm(H)), d=Embedding(V, H))
    assert Formula(model, notation()).latex() == "N(2HI + I + 3H) + 2LH + VH"


def test_a_sum_as_depth_gets_brackets():
    model = block("M", layers=stack(N - 1, Linear(H, I)))
    assert Formula(model, notation()).latex() == "(N - 1)(HI + I)"


def test_no_such_style():
    with pytest.raises(NotationError, match=r"style 'groupd': expected one of grouped, compact.*Did you mean grouped"):
        sc.formula("bert").latex("groupd")


def test_notebooks_show_the_formula():
    assert sc.formula("gpt2")._repr_latex_() == rf"$\displaystyle {GPT2}$"


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
