"""Expressions as text: what comes back is what went in, and nothing else is read."""

import ast
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Add, Max, Min, Mod, ceiling, floor

from symcount.atlas.codec import encode, readable, to_sympy
from symcount.atlas.compiled import compiled
from symcount.core.notation import letters, symbol
from symcount.errors import StructureError
from symcount.exact.evaluate import Round, compile_scalar

V, H, N = letters("V H N")
NAMES = ["H", "N", "V"]
SYMBOLS = {name: symbol(name) for name in NAMES}

EXPRESSIONS = [
    V * H + N * (12 * H**2 + 13 * H),
    H / N,
    (V * H + 3) / (2 * N),
    floor(H / N) + floor((V + 3) / 4),
    ceiling(H / (2 * N)),
    Mod(V, N) * H,
    Min(H, N * 2, V) - Max(1, H - N),
    Round(V / (4 * N)),
    2**N + H,
    -H + N - 7,
    sum(H**i * N for i in range(9)),
]

numbers = st.fixed_dictionaries({name: st.integers(1, 300) for name in NAMES})


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
@settings(deadline=None, max_examples=30)
@given(values=numbers)
def test_text_has_the_value_of_the_expression(expression, values):
    (value,) = compiled([encode(expression)], NAMES)(*(values[n] for n in NAMES))
    assert value == compile_scalar(expression)(values)


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
@settings(deadline=None, max_examples=30)
@given(values=numbers)
def test_text_is_read_back_as_an_expression_of_the_same_value(expression, values):
    again = to_sympy(encode(expression), SYMBOLS)
    at = {SYMBOLS[name]: value for name, value in values.items()}
    assert again.subs(at) == expression.subs(at)


def test_a_fraction_stays_exact():
    assert compiled([encode(H / N)], ["H", "N"])(7, 2) == (Fraction(7, 2),)


def test_a_sum_of_thousands_of_terms_is_no_deep_tree():
    expression = Add(*(symbol(f"x{i}") for i in range(5000)))
    text = encode(expression)
    names = [f"x{i}" for i in range(5000)]
    assert compiled([text], names)(*range(5000)) == (sum(range(5000)),)
    assert to_sympy(text, {n: symbol(n) for n in names}) == expression


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "open('/etc/passwd')",
        "H.__class__",
        "[H]",
        "H if H else N",
        "lambda: 1",
        "'x' * 10",
        "1.5 * H",
        "True",
        "H / N",
        "H ** N",
        "H << N",
        "_floor(*H)",
        "_floor(H, N, x=1)",
        "Q",
        "H +",
        "(" * 500 + "H" + ")" * 500,
        "H\x00",
        "H := 3",
    ],
)
def test_nothing_else_is_a_stored_expression(text):
    with pytest.raises(StructureError, match="stored expression"):
        compiled([text], NAMES)
    with pytest.raises(StructureError, match="stored expression"):
        to_sympy(text, SYMBOLS)


@pytest.mark.parametrize("text", ["_floor(H)", "_float(H)"])
def test_helpers_that_are_given_something_else_are_none(text):
    with pytest.raises(StructureError, match="stored expression"):  # a function made of it fails when it is called
        to_sympy(text, SYMBOLS)


@pytest.mark.parametrize(
    "text", ["(H)(N)", "_floor (H, N)(H)", "_floor", "_floor(H, N) / 2", "* H", "1_0", "H.N", "1e3"]
)
def test_signs_and_words_that_no_formula_has(text):
    with pytest.raises(StructureError, match="stored expression"):
        compiled([text], NAMES)


def test_code_of_a_stored_expression_reaches_no_builtins():
    function = compiled(["_floor(H, N) + _min(H, N)"], NAMES)
    assert function.__globals__["__builtins__"] == {}
    assert set(function.__code__.co_names) <= set(function.__globals__)


def test_conditions_are_readable():
    assert readable("_divide(H + 1, N)") == "((H + 1)/N)"
    assert isinstance(ast.parse(readable("_floor(H, 8) * _max(N, 1)")), ast.Module)
