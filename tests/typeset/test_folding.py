"""Sums, names and common factors: what is printed is the total, whatever it was made shorter by."""

import random
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sympy import Add, Integer, Max, Mul, Rational, expand, floor

import symcount as sc
from reading import read_as, unfolded
from symcount.atlas.counting import counter
from symcount.core.domain import divides, minimal
from symcount.core.notation import Entry, Notation, letters, symbol
from symcount.exact.evaluate import compile_scalar
from symcount.typeset.factors import factored
from symcount.typeset.naming import name_roundings
from symcount.typeset.styles import form, leading_error
from symcount.typeset.terms import Group, Sum
from symcount.typeset.unify import INDEX, Lists, at, unified
from symcount.typeset.wherelist import with_names

TRIAL = dict(
    line.split("\t")
    for line in (Path(__file__).parent / "trial.tsv").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)
H, N, R = letters("H N R")
h = [symbol(f"h_{i}") for i in range(8)]
c = [symbol(f"c_{i}") for i in range(8)]


SIZES = st.sampled_from([H, N, R, h[0]])


def lists():
    entries = {s: ("h", (i,)) for i, s in enumerate(h)} | {s: ("c", (i,)) for i, s in enumerate(c)}
    return Lists(entries, {"strides": tuple(map(Rational, (8, 5, 4, 2)))}, [H])


SUMS = {
    "SwinModel": (
        r"CP^2H + 3H + \sum_{i=0}^3 N_i(A_i(2w - 1)^2 + 4H_i^2 + 2H_i\lfloor rH_i\rfloor + 9H_i"
        r" + \lfloor rH_i\rfloor) + \sum_{i=0}^2(8H_i^2 + 8H_i) + 2H_3,\quad H_i = 2^iH"
    ),
    "ConvNextModel": (
        r"CP^2h_0 + 3h_0 + \sum_{i=0}^3 N_i(8h_i^2 + 58h_i) + \sum_{i=1}^3(4h_{i-1}h_i + 2h_{i-1} + h_i) + 2h_3"
    ),
    "Wav2Vec2ForCTC": (
        r"W_0c_0 + H + 2c_0 + \sum_{i=1}^6 W_ic_{i-1}c_i + Hc_6 + H^2k/g + 2c_6 + 4H + k"
        r" + N(4H^2 + 2HI + 9H + I) + VH + V"
    ),
    "EncodecModel": (
        r"\sum_{i=0}^3(8F_i^2r_i + 2F_i^2k_{\mathrm{res}}/q + 2F_i^2 + 13F_i + 2F_i^2/q"
        r" + 4F_i/q) + CkF + Hk_{\mathrm{last}}F_4 + HkF_4 + Ck_{\mathrm{last}}F + 32F_4^2 + 36F_4"
        r" + 2H + 2C,\quad F_i = 2^iF,\quad r = (2, 4, 5, 8)"
    ),
    "ResNetModel": (
        r"49CZ + Zh_0 + 2Z + \sum_{i=0}^3(N_i(9b_i^2 + h_ib_i + 4b_i + 2h_i) + h_ib_i(N_i - 1) + 2h_i)"
        r" + Zh_0/4 + \sum_{i=1}^3(h_{i-1}h_i + h_{i-1}b_i),\quad b_i = h_i/4"
    ),
}


NAMED = ("Glm4MoeForCausalLM", "Qwen3NextForCausalLM", "CLIPModel", "NemotronHModel")


@pytest.mark.parametrize("name", SUMS)
def test_stages_and_lists_are_sums(name):
    assert sc.formula(name).latex() == SUMS[name]


@pytest.mark.parametrize("name", TRIAL)
def test_expected_latex_of_twenty_models(name):
    assert sc.formula(name).latex() == TRIAL[name]


@pytest.mark.parametrize("style", ["grouped", "annotated"])
@pytest.mark.parametrize(
    "name", [*SUMS, "DacModel", "Glm4MoeForCausalLM", "Qwen3NextForCausalLM", "CLIPModel", "NemotronHModel"]
)
def test_sums_and_names_read_back_as_the_total(name, style):
    f = sc.formula(name)
    assert expand(read_as(f.latex(style, width="3.3in"), f.notation) - f.total) == 0


def test_the_reader_sees_a_wrong_sum():
    f = sc.formula("SwinModel")
    for right, wrong in (("sum_{i=0}^2", "sum_{i=0}^3"), ("2^iH", "3^iH"), ("2H_3", "2H_2")):
        assert expand(read_as(f.latex().replace(right, wrong), f.notation) - f.total) != 0
    assert unfolded(r"\sum_{i=1}^2 H_i,\quad H_i = H/2^i") == r"(((\frac{H}{2^{1}}))+((\frac{H}{2^{2}})))"


INDEXED = st.sampled_from(
    [
        lambda i: h[i],
        lambda i: h[i - 1],
        lambda i: 3 * c[i] * h[i],
        lambda i: c[i + 1] + h[i],
        lambda i: 5 * 2**i * H,
        lambda i: H / Integer(2) ** i,
        lambda i: (2 * i + 1) * N,
        lambda i: floor(R * 2**i * H),
        lambda _: H,
        lambda i: Integer(4) ** i,
        lambda i: 2 * [2, 4, 5, 8][i - 1] * N,
        lambda i: [7, 1, 3, 3][i - 1] * N,  # nothing in common
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(INDEXED, min_size=1, max_size=3), st.sampled_from([Mul, Add]), st.integers(0, 2))
@example([lambda i: c[i + 1] + h[i], lambda i: 5 * 2**i * H], Mul, 0)
def test_what_expressions_have_in_common_is_each_of_them_at_its_index(made, combined, start):
    items = [combined(*(one(i) for one in made)) for i in range(1, 5)]
    known = lists()
    common = unified(items, start, known)
    if common is not None:
        found = [common.xreplace(at(common, start + n, known)) for n in range(len(items))]
        # expanded: SymPy multiplies a number into a sum, and only into one that stands alone with it
        assert [expand(one - item) for one, item in zip(found, items, strict=True)] == [0] * 4


@pytest.mark.parametrize(
    ("items", "common"),
    [
        ([h[0], h[1], h[2]], "h__500"),
        ([h[2], h[1], h[0]], None),
        ([h[0], c[1], h[2]], None),
        ([H, 2 * H, 4 * H], "H__p1"),
        ([N, 3 * N, 5 * N], "N*(2*index__ + 1)"),
        ([Integer(16), Integer(10), Integer(8), Integer(4)], "2*strides__d"),
        ([H, 2 * H, 5 * H], None),
    ],
)
def test_what_an_index_may_stand_for(items, common):
    found = unified(items, 0, lists())
    assert (None if found is None else str(found)) == common
    assert INDEX.name == "index__"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.lists(SIZES, min_size=1)), min_size=1))
def test_factors_out_of_brackets_change_nothing(terms):
    total = Add(*(Mul(-n if minus else n, *factors) for n, minus, factors in terms))
    assert expand(factored(total) - total) == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([1, 2, 4, 8, 3]), st.sampled_from([H, 2 * H, 4 * H, 3 * H, N])), max_size=6),
    st.integers(1, 100),
    st.integers(1, 100),
)
def test_a_reduced_domain_holds_where_the_whole_one_does(given_conditions, width, depth):
    conditions = [divides(a, b) for a, b in given_conditions]
    values = {"H": width, "N": depth}
    assert all(c.holds(values) for c in conditions) == all(c.holds(values) for c in minimal(conditions))


def test_named_roundings_are_what_they_were():
    q = symbol("q")
    widths = [Max(q, q * floor((n * H + q) / q)) for n in (16, 24, 32, 64)]
    expressions = [widths[0] * widths[1], 3 * widths[2], Max(1, floor(widths[3] / 4)), H]
    named, originals, definitions = name_roundings(expressions, [r"\rho"])
    assert len(definitions) == 1
    assert [a.xreplace(originals) for a in named] == expressions
    assert all(not e.atoms(Max) for e in named[:2])


def sample():
    names = counter().atlas.names
    return names[7::150]


@pytest.mark.parametrize("name", sample())
def test_printed_forms_are_the_total_and_leading_terms_lead(name):
    try:
        f = sc.formula(name)
    except sc.SymcountError:
        pytest.skip("no formula at the defaults")
    setting = f.setting()
    generator = random.Random(name)
    for style in ("grouped", "compact"):
        shown = compile_scalar(setting.value(form(setting, style)))
        for _ in range(2):
            at_point = {
                e.letter: Fraction(generator.randint(3, 99), 8) if e.rational else generator.randint(3, 999)
                for e in f.notation
            }
            assert shown(at_point) == compile_scalar(f.total)(at_point)
    looks = [e.latex.replace(r"\mathrm", "").replace("{", "").replace("}", "") for e in f.notation]
    assert len(set(looks)) == len(looks)
    assert "(2)" not in f.latex("annotated")
    if (found := leading_error(setting)) is not None:
        assert abs(found[1]) <= Fraction(1, 5)
        assert len(setting.latex(found[0])) < len(f.latex())
    assert "begin{document}" in f.typeset("tex", "steps")


def test_what_only_occurs_together_has_a_name_of_its_own():
    latex = sc.formula("NemotronHModel").latex()
    assert latex.endswith(r",\quad d = D_{\mathrm{m}}A_{\mathrm{m}}")
    assert r"D_{\mathrm{m}}" not in latex.partition(r",\quad")[0]
    assert "n = " not in sc.formula("Lfm3Model").latex()  # once is not often enough


LONG = [symbol(name) for name in ("a_long", "b_long", "c_long", "d_long")]
A_LONG, B_LONG, C_LONG, D_LONG = LONG
TERMS = st.sampled_from(
    [
        A_LONG * B_LONG**2,
        3 * A_LONG**2 * B_LONG**4,
        A_LONG * B_LONG**2 * C_LONG,
        5 * C_LONG / D_LONG,
        C_LONG**2 / D_LONG**2,
        floor(C_LONG / 4) * A_LONG,
        (A_LONG + B_LONG + C_LONG) ** 2,
        7 * (A_LONG + B_LONG + C_LONG) * D_LONG,
        (A_LONG + B_LONG + C_LONG) * floor((A_LONG + B_LONG + C_LONG) / 2),
        D_LONG,
    ]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(TERMS, min_size=1, max_size=9), st.lists(TERMS, max_size=6))
def test_names_with_what_they_mean_put_in_are_the_formula_as_it_was(outer, inner):
    signs = Notation(tuple(Entry(s.name, s.name, rf"{s.name[0]}_{{\mathrm{{long}}}}", "") for s in LONG))
    given_sum = Sum([*outer, Group(N, Sum(inner))])
    (shown,), names = with_names([given_sum], set(LONG), ["n", "m", "u", "v", "w", "x"], signs)
    meanings = {s: meaning for s, (_, meaning) in names.items()}
    assert expand(shown.value().xreplace(meanings) - given_sum.value()) == 0
    assert all(meaning.free_symbols <= set(LONG) for meaning in meanings.values())


def test_a_name_that_saves_nothing_is_not_given():
    signs = Notation(tuple(Entry(s.name, s.name, s.name[0], "") for s in LONG))
    terms = [A_LONG * B_LONG, 2 * A_LONG * B_LONG * C_LONG, 3 * A_LONG * B_LONG * D_LONG]
    assert with_names([Sum(terms)], set(LONG), ["n", "d"], signs)[1] == {}


def test_a_list_of_ratios_keeps_the_floor_of_each():
    """An entry that stands for ratios is no whole number, so that `floor(r * H)` is not `r * H`."""
    formula = sc.formula("CvtModel")
    assert r"2H_i\lfloor r_iH_i\rfloor" in formula.latex()
    setting = formula.setting()
    values = {e.letter: Fraction(7, 3) if e.rational else 11 for e in formula.notation}
    shown = compile_scalar(setting.value(form(setting, "grouped")))
    assert shown(values) == compile_scalar(formula.total)(values)
