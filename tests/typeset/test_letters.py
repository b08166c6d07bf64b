"""Whose letters: presets, an author's own, conflicts, and what LaTeX would not take."""

import pytest

import symcount as sc
from symcount.core.letters import assign, decorated
from symcount.core.notation import ALIASES, TABLE, Notation, entry
from symcount.errors import NotationError
from symcount.typeset.numbers import digits, percent
from symcount.typeset.presets import PRESETS, with_symbols
from symcount.typeset.tex import parse

EVERYTHING = Notation(tuple(TABLE))
CORE = ("BertForPreTraining", "GPT2ForTokenClassification", "LlamaForSequenceClassification")


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_of_known_fields_in_readable_latex(preset):
    fields = {e.field for e in TABLE} | {
        "qk_nope_head_dim",
        "qk_rope_head_dim",
        "v_head_dim",
        "kv_lora_rank",
        "q_lora_rank",
    }
    assert set(PRESETS[preset]) <= fields - set(ALIASES)
    for latex in PRESETS[preset].values():
        parse(latex)


@pytest.mark.parametrize("name", CORE)
@pytest.mark.parametrize("preset", [*PRESETS, "fields"])
def test_presets_have_no_conflict_in_a_model(preset, name):
    letters = with_symbols(sc.formula(name).notation, preset)
    assert len({e.latex for e in letters}) == len(letters.entries)


def test_kaplan_reads_as_in_the_paper():
    assert (
        sc.formula("gpt2")
        .latex("leading", notation="kaplan")
        .startswith(r"P \approx 12n_{\mathrm{layer}}d_{\mathrm{model}}^2")
    )


def test_own_letters_go_before_the_presets():
    letters = with_symbols(EVERYTHING.restrict(sc.formula("gpt2").symbols), "kaplan", {"n_layer": r"\ell"})
    assert letters["N"].latex == r"\ell"
    assert letters["H"].latex == r"d_{\mathrm{model}}"


def test_sub_configs_and_lists_keep_their_marks():
    letters = with_symbols(assign(["vision_config.hidden_size", "depths[1]", "num_heads[0]"]), "deepseek")
    assert [e.latex for e in letters] == ["d", "l_1", "n_{h,0}"]
    letters = with_symbols(assign(["vision_config.hidden_size", "text_config.hidden_size"]), "deepseek")
    assert [e.latex for e in letters] == [r"d_{\mathrm{v}}", r"d_{\mathrm{t}}"]
    marks = {"text_config": "t", "": ""}
    assert decorated("d_h^R", "text_config.x", marks) == r"d_{h,\mathrm{t}}^R"
    assert decorated("d_c'", "x[2]", marks) == "d_{c,2}'"


def test_words_are_set_apart():
    latex = sc.formula("gpt2").latex(notation="fields")
    assert latex.startswith(r"\mathrm{vocab\_size} \cdot \mathrm{n\_embd} + ")
    assert r"\mathrm{n\_layer}\,(12\,\mathrm{n\_embd}^2 + 13\,\mathrm{n\_embd})" in latex


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        ("hidden_size", r"'hidden_size' reads as a product of letters; write \\mathrm{hidden\\_size}"),
        ("dim", r"'dim' reads as a product of letters; write \\mathrm{dim}"),
        ("d_{model}", r"'model' reads as a product of letters; write \\mathrm{model}"),
        ("50%", "% starts a comment in LaTeX"),
        ("#1", "# is an argument in LaTeX"),
        ("$H$", r"\$ ends the formula"),
        ("a & b", "expected one symbol, without alignment"),
        (r"a\\b", "expected one symbol, without alignment"),
        ("A+B", "expected one symbol, not a number or an expression"),
        ("768", "expected one symbol, not a number"),
        ("", r"expected LaTeX for a symbol, such as d_\{\\mathrm\{model\}\}"),
        ("  ", "expected LaTeX for a symbol"),
        ("d_{k", "expected }, found the end"),
        ("d_k_v", "double subscript"),
        ("d_", "expected an argument"),
    ],
)
def test_letters_that_would_not_do(latex, words):
    with pytest.raises(NotationError, match=words):
        sc.formula("bert").latex(symbols={"H": latex})


@pytest.mark.parametrize(
    "latex", [r"\ell", "d_k", "d_k'", r"d_{\mathrm{q\,lora}}", r"\mathrm{d\_model}", r"\mathcal{D}", "h^2"]
)
def test_letters_that_do(latex):
    assert latex in sc.formula("bert").latex(symbols={"H": latex})


@pytest.mark.parametrize("own", [{"H": "V"}, {"H": "{V}"}, {"H": " V "}, {"V": "d_k", "H": "d_{k}"}])
def test_two_symbols_that_look_alike(own):
    with pytest.raises(NotationError, match=r"would both be typeset as .*; give one of them another symbol"):
        sc.formula("bert").latex(symbols=own)


def test_a_preset_that_clashes_with_an_own_letter():
    with pytest.raises(NotationError, match=r"V and H would both be typeset as 'd_\{\\\\mathrm\{model\}\}'"):
        sc.formula("gpt2").latex(notation="kaplan", symbols={"V": r"d_{\mathrm{model}}"})


@pytest.mark.parametrize(
    ("value", "style", "latex"),
    [
        (999, "comma", "999"),
        (1000, "comma", "1{,}000"),
        (1234567, "thin", r"1\,234\,567"),
        (1234567, "siunitx", r"\num{1234567}"),
        (1234567, "none", "1234567"),
    ],
)
def test_numbers(value, style, latex):
    assert digits(value, style) == latex


@pytest.mark.parametrize("separator", ["{,}", r"\,"])
def test_a_separator_names_its_style(separator):
    assert separator in sc.formula("gpt2").latex("steps", numbers=separator)


def test_percentages_are_rounded_on_exact_fractions():
    assert percent(1, 3) == "33.33"
    assert percent(10**30 + 1, 3 * 10**30, 4) == "33.3333"


def test_the_entry_is_not_changed():
    sc.formula("bert").latex(symbols={"H": "d"})
    assert entry("H").latex == "H"


@pytest.mark.parametrize(
    ("paths", "latex"),
    [
        pytest.param(
            ["text_config.hidden_size", "vision_config.hidden_size", "vision_config.patch_size"],
            ["H", r"H_{\mathrm{v}}", "P"],
            id="the language model needs no mark, nor does a letter that one tower has alone",
        ),
        pytest.param(
            ["text_config.hidden_size", "vision_config.hidden_size", "projection_dim"],
            [r"H_{\mathrm{t}}", r"H_{\mathrm{v}}", "p"],
            id="towers that meet in a space of their own are equals",
        ),
        pytest.param(
            ["hidden_size", "text_config.hidden_size", "vision_config.hidden_size"],
            ["H", r"H_{\mathrm{t}}", r"H_{\mathrm{v}}"],
            id="the letter of the whole is the whole's",
        ),
        pytest.param(["channel_shrink_ratio"], ["r"], id="the only one of its kind needs no word"),
        pytest.param(
            ["conv_expansion_factor", "mlp_scale"],
            [r"r_{\mathrm{conv}}", r"r_{\mathrm{mlp}}"],
            id="two of a kind do",
        ),
        pytest.param(["embed_dim", "hidden_size"], ["H", "d"], id="two names of one letter"),
    ],
)
def test_as_little_below_a_letter_as_tells_it_from_others(paths, latex):
    assert [e.latex for e in assign(paths)] == latex
