"""Totals as functions of their letters: exact, picklable, and clear about what they were given."""

import pickle
from decimal import Decimal
from fractions import Fraction
from inspect import signature

import numpy as np
import pytest

import symcount as sc
from symcount.errors import DomainError, MissingSymbolError, SymcountError, UnknownSymbolError

GPT2 = {"V": 50257, "L": 1024, "H": 768, "N": 12}


@pytest.mark.parametrize("vector", [False, True])
def test_a_compiled_function_pickles(vector):
    fast = sc.formula("gpt2").compile(vector=vector)
    again = pickle.loads(pickle.dumps(fast))
    assert again(**GPT2) == fast(**GPT2) == 124_439_808
    assert str(signature(again)) == "(V, L, H, N)"
    assert repr(again).endswith("as a function of V, L, H, N>")


@pytest.mark.parametrize("vector", [False, True])
@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"H": 768.0}, DomainError, "H"), ({"H": "768"}, DomainError, "H"), ({"X": 3}, UnknownSymbolError, "X"),
        ({"H": None}, SymcountError, "H"), ({"H": -768}, DomainError, "H"),
    ],
)  # fmt: skip
def test_a_compiled_function_names_its_argument(vector, changed, error, words):
    fast = sc.formula("gpt2").compile(vector=vector)
    if changed == {"H": -768} and not vector:
        assert fast(**{**GPT2, **changed}) == 12 * 12 * 768**2 + (12 * 13 + 50257 + 1024 + 2) * -768  # no domain
        changed = {"H": np.int64(-768)}
    with pytest.raises(error, match=words):
        fast(**{**GPT2, **changed})


@pytest.mark.parametrize("vector", [False, True])
def test_an_argument_that_is_left_out_is_named(vector):
    with pytest.raises(MissingSymbolError, match=r"no value for .*N"):
        sc.formula("gpt2").compile(vector=vector)(V=1, L=1, H=1)


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint16, np.uint64])
def test_integers_of_other_types_do_not_overflow(kind):
    sizes = {"V": 50257, "L": 1024, "H": 12288, "N": 96}
    assert sc.formula("gpt2").compile()(**{n: kind(x) for n, x in sizes.items()}) == sc.formula("gpt2").count(**sizes)


@pytest.mark.parametrize("ratio", [1.25, Fraction(5, 4), Decimal("1.25")])
def test_ratios_of_any_type_give_integers(ratio):
    count = sc.formula("MobileNetV1Model").compile()(C=3, depth_multiplier=ratio, min_depth=8)
    assert type(count) is int and count == sc.count("MobileNetV1Model", depth_multiplier=1.25)
