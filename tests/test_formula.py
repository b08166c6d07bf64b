"""What can be done with a total: published numbers, algebra, compiled functions, and the words of refusals."""

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, expand

import symcount as sc
from symcount.core.notation import Notation, entry
from symcount.errors import (
    ConfigError,
    ConventionError,
    DomainError,
    MissingSymbolError,
    SymcountError,
    UnknownSymbolError,
    VectorOverflowError,
)
from symcount.exact.evaluate import integer_value
from symcount.formulas.formula import Formula
from symcount.layers import Conv1d, Linear

V, L, H, I, N, T, A, K, D = map(sc.symbol, "VLHINTAKD")
BERT = {"V": 30_000, "L": 512, "H": 768, "I": 3072, "N": 12, "T": 2, "A": 12}


def gpt2(hidden, layers, heads):
    return {"n_embd": hidden, "n_layer": layers, "n_head": heads, "vocab_size": 50_257, "n_positions": 1024}


def llama(vocabulary, hidden, feed_forward, layers, heads, key_value_heads=None):
    values = {"V": vocabulary, "H": hidden, "I": feed_forward, "N": layers, "A": heads}
    return values if key_value_heads is None else values | {"K": key_value_heads}


def bert(**values):
    return {"V": 30_522, "L": 512, "T": 2} | values


PUBLISHED = [
    ("BERT-base", "BertModel", bert(H=768, I=3072, N=12, A=12), 109_482_240),
    ("BERT-large", "BertModel", bert(H=1024, I=4096, N=24, A=16), 335_141_888),
    ("GPT-2", "GPT2LMHeadModel", gpt2(768, 12, 12), 124_439_808),
    ("GPT-2 medium", "GPT2LMHeadModel", gpt2(1024, 24, 16), 354_823_168),
    ("GPT-2 large", "GPT2LMHeadModel", gpt2(1280, 36, 20), 774_030_080),
    ("GPT-2 XL", "GPT2LMHeadModel", gpt2(1600, 48, 25), 1_557_611_200),
    ("LLaMA 7B", "LlamaForCausalLM", llama(32_000, 4096, 11_008, 32, 32), 6_738_415_616),
    ("LLaMA 13B", "LlamaForCausalLM", llama(32_000, 5120, 13_824, 40, 40), 13_015_864_320),
    ("LLaMA 33B", "LlamaForCausalLM", llama(32_000, 6656, 17_920, 60, 52), 32_528_943_616),
    ("LLaMA 65B", "LlamaForCausalLM", llama(32_000, 8192, 22_016, 80, 64), 65_285_660_672),
    ("Llama-2-70B", "LlamaForCausalLM", llama(32_000, 8192, 28_672, 80, 64, 8), 68_976_648_192),
    ("Llama-3-8B", "LlamaForCausalLM", llama(128_256, 4096, 14_336, 32, 32, 8), 8_030_261_248),
    ("Llama-3-70B", "LlamaForCausalLM", llama(128_256, 8192, 28_672, 80, 64, 8), 70_553_706_496),
    ("Llama-3.1-405B", "LlamaForCausalLM", llama(128_256, 16_384, 53_248, 126, 128, 8), 405_853_388_800),
]


@pytest.mark.parametrize(("model", "name", "sizes", "total"), PUBLISHED, ids=[p[0] for p in PUBLISHED])
def test_published_totals(model, name, sizes, total):
    assert sc.formula(name).count(**sizes) == total


def test_the_articles_model_under_each_convention():
    f = sc.formula("BertForMaskedLM")
    counts = {c: f.count(**BERT, convention=c) for c in sc.CONVENTIONS}
    assert counts["unique"] == counts["active"] == counts["trainable"] == 109_112_880
    assert counts["per_layer"] == 132_152_880
    # Kaplan's N: no input tables, no projection onto the vocabulary (nor its bias)
    assert counts["non_embedding"] == 109_112_880 - (30_000 + 512 + 2) * 768 - 30_000
    assert f.difference("per_layer", "unique") == V * H
    assert f.difference("unique", "unique") == 0


def test_gpt2_is_its_published_closed_form():
    published = N * (12 * H**2 + 13 * H) + V * H + L * H + 2 * H
    assert expand(sc.formula("GPT2LMHeadModel").total - published) == 0
    assert expand(sc.formula("gpt2").total - published) == 0


# ------------------------------------------------------------------ algebra


@given(
    st.fixed_dictionaries({n: st.integers(2, 200) for n in "VLHINT"}),
    st.sampled_from("VLHINT"),
    st.sampled_from(["unique", "per_layer", "non_embedding"]),
)
@settings(max_examples=60, deadline=None)
def test_derivative_is_the_symmetric_difference_of_a_quadratic(values, letter, convention):
    f = sc.formula("BertForPreTraining")
    up, down = ({**values, letter: values[letter] + step, "A": 1} for step in (1, -1))
    slope = Fraction(f.count(**up, convention=convention) - f.count(**down, convention=convention), 2)
    assert integer_value(f.diff(letter, convention), values) == slope


@given(
    st.fixed_dictionaries({n: st.integers(1, 200) for n in "VLHINT"}),
    st.sampled_from(["V", "max_position_embeddings", "H", "I", "num_hidden_layers", "T"]),
    st.integers(1, 5),
)
@settings(max_examples=60, deadline=None)
def test_step_is_the_difference_of_two_counts(values, name, by):
    f = sc.formula("BertForMaskedLM")
    letter = f.notation[name].letter
    more = {**values, letter: values[letter] + by}
    assert integer_value(f.step(name, by), values) == f.count(**more, A=1) - f.count(**values, A=1)


def test_one_more_layer_of_bert():
    assert sc.formula("bert").step("N") == 4 * H**2 + 2 * H * I + 9 * H + I
    assert sc.formula("bert").diff("A") == 0


@pytest.mark.parametrize("letter", list("VHIN"))
def test_elasticity_is_the_relative_slope(letter):
    f = sc.formula("BertForMaskedLM")
    values = {n: v for n, v in BERT.items() if n != "A"}
    exact = f.elasticity(letter).subs({f.notation[n].symbol: v for n, v in values.items()})
    up, down = ({**values, letter: values[letter] + step, "A": 1} for step in (1, -1))
    slope = Fraction(f.count(**up) - f.count(**down), 2)
    expected = slope * values[letter] / f.count(**BERT)
    assert exact == Rational(expected.numerator, expected.denominator)


@pytest.mark.parametrize(
    ("name", "symbols", "expected"),
    [
        ("bert", [], N * (4 * H**2 + 2 * H * I)),
        ("gpt2", [], 12 * N * H**2),
        ("LlamaForCausalLM", [], N * H * (2 * D * (A + K) + 3 * I)),  # the size of a head is fixed
        ("gpt2", ["V"], V * H),
        ("gpt2", ["H"], 12 * N * H**2),
        ("gpt2", ["V", "H"], 12 * N * H**2 + V * H),
    ],
)
def test_leading_terms(name, symbols, expected):
    assert expand(sc.formula(name).leading(*symbols) - expected) == 0


@pytest.mark.parametrize("name", ["BertForPreTraining", "GPT2LMHeadModel", "LlamaForCausalLM"])
@pytest.mark.parametrize("convention", sc.CONVENTIONS)
def test_every_form_is_the_same_polynomial(name, convention):
    f = sc.formula(name)
    total = expand(f.total_as(convention))
    for form in (f.expanded, f.simplified, f.factored, lambda c: f.collected("H", c)):
        assert expand(form(convention) - total) == 0


def test_substitution_is_simultaneous_and_by_any_name():
    f = sc.formula("bert")
    assert expand(f.substitute(I=4 * H) - f.total.subs(I, 4 * H)) == 0
    swapped = f.substitute(V=L, max_position_embeddings=V)
    assert expand(swapped - f.total) == 0


@pytest.mark.parametrize("by", ["path", "kind"])
@pytest.mark.parametrize("convention", sc.CONVENTIONS)
def test_parts_sum_to_the_total(by, convention):
    f = sc.formula("BertForMaskedLM")
    for depth in (None, 0, 1, 2, 3, 9):
        parts = f.breakdown(depth, by=by, convention=convention)
        assert expand(sum(p.expression for p in parts) - f.total_as(convention)) == 0
        assert sum(p.count(BERT) for p in parts) == f.count(**BERT, convention=convention)
        assert len({p.label for p in parts}) == len(parts)


def test_breakdown_names_the_modules():
    parts = {p.label: (p.kind, p.count(BERT)) for p in sc.formula("BertForMaskedLM").breakdown(2)}
    assert parts["bert.embeddings"] == ("BertEmbeddings", 23_436_288)
    assert parts["bert.encoder"] == ("BertEncoder", 85_054_464)


def test_equal_formulas_are_equal_and_immutable():
    f = sc.formula("bert")
    with pytest.raises(AttributeError):
        f.name = "other"
    assert f.renamed("Mine").name == "Mine"
    assert f.renamed("Mine").total == f.total
    assert sc.formula(f) is f
    assert str(f).startswith("BertModel = ")


# ------------------------------------------------------------------ compiled


def by_hand(V, L, H, I, N, T):
    """`BertForMaskedLM` in plain Python, as it stands in the paper."""
    return V * H + L * H + T * H + 2 * H + N * (4 * H * H + 2 * H * I + 9 * H + I) + H * H + 3 * H + V


@given(st.fixed_dictionaries({n: st.integers(1, 10**25) for n in "VLHINT"}))
@settings(max_examples=100, deadline=None)
def test_scalar_function_has_integers_of_any_size(values):
    f = sc.formula("BertForMaskedLM")
    assert f.compile()(**values) == by_hand(**values) == f.count(**values, A=1)


def test_scalar_function_beyond_64_bits():
    values = dict.fromkeys("VLHINT", 2**40)
    assert by_hand(**values) > 2**63
    assert sc.formula("BertForMaskedLM").compile()(**values) == by_hand(**values)


def test_vector_function_is_the_scalar_one_at_every_point():
    fast = sc.formula("BertForMaskedLM").compile(vector=True)
    rng = np.random.default_rng(0)
    values = {n: rng.integers(1, 5000, 200) for n in "VLHINT"}
    counts = fast(**values)
    assert counts.dtype == np.int64
    assert counts.tolist() == [by_hand(**{n: int(a[i]) for n, a in values.items()}) for i in range(200)]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_vector_function_computes_in_64_bits_whatever_comes_in(dtype):
    fast = sc.formula("BertForMaskedLM").compile(vector=True)
    values = {n: np.array([100, 7], dtype=dtype) for n in "VLHINT"}
    assert fast(**values).tolist() == [by_hand(*[100] * 6), by_hand(*[7] * 6)]


def test_vector_function_broadcasts():
    fast = sc.formula("gpt2").compile(vector=True)
    counts = fast(V=50_257, L=1024, H=np.array([768, 1024])[:, None], N=np.array([12, 24]))
    assert counts.shape == (2, 2)
    assert counts[0, 0] == 124_439_808
    assert counts[1, 1] == 354_823_168


def test_vector_function_takes_empty_arrays():
    fast = sc.formula("gpt2").compile(vector=True)
    assert fast(V=1, L=1, H=np.array([], dtype=int), N=1).shape == (0,)


def test_vector_function_refuses_before_it_would_wrap_around():
    f = Formula(Linear(H, I, bias=False), Notation((entry("H"), entry("I"))))
    fast = f.compile(vector=True)
    assert fast(H=2**31, I=2**32 - 1) == 2**31 * (2**32 - 1)
    with pytest.raises(VectorOverflowError, match=r"could exceed 64 bits at H = 2,147,483,648, I = 4,294,967,296"):
        fast(H=[1, 2**31], I=2**32)
    with pytest.raises(VectorOverflowError, match="beyond 64 bits"):
        fast(H=[2**64], I=1)
    assert f.compile()(H=2**31, I=2**32) == 2**63


def test_vector_function_with_a_division_is_exact_or_refuses():
    f = Formula(Conv1d(H, H, 2, groups=3, bias=False), Notation((entry("H"),)))
    fast = f.compile(vector=True)
    assert fast(H=np.array([3, 6, 9])).tolist() == [6, 24, 54]
    with pytest.raises(DomainError, match="is not an integer at"):
        fast(H=np.array([3, 4]))


@pytest.mark.parametrize("vector", [False, True])
def test_compiled_functions_want_every_letter_and_no_other(vector):
    fast = sc.formula("gpt2").compile(vector=vector)
    with pytest.raises((MissingSymbolError, TypeError)):
        fast(V=1, L=1, H=1)
    with pytest.raises((UnknownSymbolError, TypeError)):
        fast(V=1, L=1, H=1, N=1, Q=1)


@pytest.mark.parametrize("bad", [[1.5], [True], ["a"], [0], [-3]])
def test_vector_function_takes_positive_integers_only(bad):
    fast = sc.formula("gpt2").compile(vector=True)
    with pytest.raises(DomainError, match="H: expected"):
        fast(V=1, L=1, H=np.array(bad), N=1)


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        (
            {"H": 770},
            DomainError,
            r"A divides H is required, but A \(num_attention_heads\) = 12, H \(hidden_size\) = 770",
        ),
        ({"H": 0}, DomainError, r"H \(hidden_size\): expected an integer of at least 1, got 0"),
        ({"N": -1}, DomainError, r"N \(num_hidden_layers\): expected an integer of at least 1, got -1"),
        ({"H": 768.0}, DomainError, "got 768.0; write it without a point"),
        ({"H": 768.5}, DomainError, r"got 768\.5$"),
        ({"H": "768"}, DomainError, "got '768'; give a number"),
        ({"H": True}, DomainError, "got True; give a number"),
        ({"H": None}, DomainError, "got None"),
        ({"H": float("nan")}, DomainError, "got nan"),
        ({"H": float("inf")}, DomainError, "got inf"),
        ({"hidden_size": 512}, DomainError, r"H \(hidden_size\) is given twice: 768 and 512; give it once"),
        ({"hiden_size": 768}, UnknownSymbolError, "'hiden_size'.*Did you mean hidden_size"),
        ({"E": 8}, UnknownSymbolError, r"unknown symbol 'E': this formula has V \(vocab_size\)"),
    ],
)
def test_bad_values_are_refused_in_words(values, error, words):
    with pytest.raises(error, match=words):
        sc.formula("BertForMaskedLM").count(**{**BERT, **values})


def test_missing_values_are_named():
    with pytest.raises(MissingSymbolError, match=r"no value for N \(num_hidden_layers\): give it by letter or field"):
        sc.formula("BertForMaskedLM").count(**{n: v for n, v in BERT.items() if n != "N"})
    with pytest.raises(MissingSymbolError, match=r"no value for H \(hidden_size\), I .*: give them"):
        sc.formula("BertForMaskedLM").count(V=1, L=1, T=1, N=1)


def test_the_same_quantity_given_twice_with_one_value_is_fine():
    assert sc.formula("BertForMaskedLM").count(**BERT, hidden_size=768) == 109_112_880


def test_numpy_integers_are_integers():
    values = {n: np.int32(v) for n, v in BERT.items()}
    count = sc.formula("BertForMaskedLM").count(**values)
    assert count == 109_112_880
    assert type(count) is int


def test_a_symbol_outside_the_count_may_be_left_out_but_is_checked_if_given():
    f = sc.formula("BertForMaskedLM")
    without = {n: v for n, v in BERT.items() if n != "A"}
    assert f.count(**without) == 109_112_880
    with pytest.raises(DomainError, match="A divides H"):
        f.count(**without, A=7)


def test_llama_fills_what_its_config_fills():
    f = sc.formula("LlamaForCausalLM")
    sizes = {"V": 100, "H": 24, "I": 50, "N": 2, "A": 4}
    assert f.count(**sizes) == f.count(**sizes, K=4, D=6)
    assert f.count(**sizes, K=2) == f.count(**sizes) - 2 * 2 * 24 * 6 * 2
    with pytest.raises(DomainError, match="D = H/A must be an integer"):
        f.count(**{**sizes, "A": 5})
    with pytest.raises(DomainError, match="2 divides D is required"):
        f.count(**{**sizes, "A": 8})


@pytest.mark.parametrize("ask", ["total_as", "expanded", "simplified", "factored", "count"])
def test_unknown_conventions_are_refused(ask):
    method = getattr(sc.formula("bert"), ask)
    arguments = {"convention": "all"} if ask == "count" else {}
    with pytest.raises(ConventionError, match="'all': expected one of unique"):
        method(**arguments) if arguments else method("all")


def test_other_refusals():
    f = sc.formula("bert")
    with pytest.raises(ConventionError, match="breakdown by 'layer': expected path or kind"):
        f.breakdown(by="layer")
    with pytest.raises(UnknownSymbolError, match="'Q'"):
        f.diff("Q")
    with pytest.raises(ConfigError, match="expected a model's name, a config or a class, got int"):
        sc.formula(3)
    with pytest.raises(SymcountError):
        sc.formula("")


def test_domain_in_words():
    assert sc.formula("bert").domain_text() == "valid when A divides H"
    assert Formula(Linear(H, I), Notation((entry("H"), entry("I")))).domain_text() == "valid for all positive integers"


def test_symbols_are_those_of_totals_and_domain_in_the_notations_order():
    assert sc.formula("BertForMaskedLM").symbols == (V, L, H, I, N, T, A)
    assert sc.formula("GPT2Model").symbols == (V, L, H, N, A)


def test_random_points_of_bert_against_the_paper():
    rng = random.Random(7)
    f = sc.formula("BertForMaskedLM")
    for _ in range(50):
        values = {n: rng.randint(1, 10_000) for n in "VLHINT"}
        assert f.count(**values, A=1) == by_hand(**values)


def test_an_option_given_as_a_number_is_told_with_the_formula_that_has_it():
    with pytest.raises(UnknownSymbolError) as caught:
        sc.formula("BertForMaskedLM").count(tie_word_embeddings=False)
    assert str(caught.value) == (
        "the formula of BertForMaskedLM holds for tie_word_embeddings = True and has no letter for it; "
        "make one of its own: symcount.formula('BertForMaskedLM', tie_word_embeddings=...)"
    )
    assert sc.formula("BertForMaskedLM", tie_word_embeddings=False).count({}) > sc.formula("BertForMaskedLM").count({})
