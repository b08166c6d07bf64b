"""Exact evaluation, against SymPy's own substitution: another road to the same number."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Float, Integer, Max, Min, Mod, Rational, Symbol, ceiling, floor, sqrt

from symcount.core.notation import symbol
from symcount.errors import DomainError, StructureError
from symcount.exact.evaluate import Round, compile_scalar, function, integer_value

H, A, N, L = map(symbol, "HANL")
SYMBOLS = (H, A, N, L)

atoms = st.sampled_from(SYMBOLS) | st.integers(-4, 9).map(Integer)


def combined(children):
    pair = st.tuples(children, children)
    divisor = st.sampled_from([H, A, Integer(2), Integer(3), A + 1])
    return st.one_of(
        pair.map(lambda ab: ab[0] + ab[1]),
        pair.map(lambda ab: ab[0] * ab[1]),
        pair.map(lambda ab: ab[0] - ab[1]),
        st.tuples(children, st.integers(0, 3)).map(lambda ab: ab[0] ** ab[1]),
        st.tuples(children, divisor).map(lambda ab: ab[0] / ab[1]),
        st.tuples(children, divisor).map(lambda ab: floor(ab[0] / ab[1])),
        st.tuples(children, divisor).map(lambda ab: ceiling(ab[0] / ab[1])),
    )


expressions = st.recursive(atoms, combined, max_leaves=6)
points = st.fixed_dictionaries({s.name: st.integers(1, 40) for s in SYMBOLS})


def by_sympy(expression, values):
    return expression.subs({s: values[s.name] for s in SYMBOLS}, simultaneous=True)


@given(expressions, points)
@settings(max_examples=200, deadline=None)
def test_value_is_sympys_value_and_exact(expression, values):
    expected = by_sympy(expression, values)
    assume(expected.is_Rational)  # not a division by zero
    try:
        value = compile_scalar(expression)(values)
    except StructureError:
        assume(False)  # a nested fraction that has no integer rule is refused, which is as good
    assert type(value) in (int, Fraction)
    assert value == Fraction(int(expected.p), int(expected.q))
    if expected.is_Integer:
        assert integer_value(expression, values) == int(expected)
    else:
        with pytest.raises(DomainError, match="is not an integer at"):
            integer_value(expression, values)


@given(points)
@settings(max_examples=50, deadline=None)
def test_minimum_maximum_remainder(values):
    for expression in (Min(H, A, N + 3), Max(H, A * N), Mod(H, A), Mod(H * N, A + 1), N - Min(N, L)):
        assert compile_scalar(expression)(values) == int(by_sympy(expression, values))


def test_a_remainder_of_a_quotient():
    assert compile_scalar(N + Mod(-H / A, N))({"H": 35, "A": 5, "N": 4}) == 5


@given(expressions, points)
@settings(max_examples=100, deadline=None)
def test_compiled_function_is_exact_or_refuses(expression, values):
    expected = by_sympy(expression, values)
    assume(expected.is_Rational)
    names = [s.name for s in SYMBOLS]
    try:
        compiled = function(expression, names)
    except StructureError:
        assume(False)
    if expected.is_Integer:
        assert compiled(*(values[n] for n in names)) == int(expected)
    else:
        with pytest.raises(DomainError, match="is not an integer at H = "):
            compiled(*(values[n] for n in names))


def test_integers_have_any_size():
    values = {"H": 10**30 + 1, "A": 7}
    assert integer_value(H**2 * A + 1, values) == (10**30 + 1) ** 2 * 7 + 1
    assert function(H**2 * A + 1, ["H", "A"])(10**30 + 1, 7) == (10**30 + 1) ** 2 * 7 + 1


def test_powers_of_two_by_a_symbol():
    assert integer_value(2**N, {"N": 70}) == 2**70
    assert integer_value(3 * 2 ** (N - L), {"N": 5, "L": 2}) == 24
    with pytest.raises(DomainError, match="is not an integer"):
        integer_value(4 * 2 ** (N - L), {"N": 1, "L": 2})


def test_division_by_zero_is_refused_in_words():
    with pytest.raises(DomainError, match="divides by zero"):
        compile_scalar(H / (A - 2))({"H": 4, "A": 2})


@pytest.mark.parametrize("expression", [sqrt(H), Float(0.5) * H, H ** Rational(1, 2), Symbol("x") ** sqrt(2)])
def test_what_is_no_integer_operation_is_refused(expression):
    with pytest.raises(StructureError, match=r"no exact integer rule|is a fraction inside"):
        compile_scalar(expression)


def test_a_rounded_number_inside_a_quotient_by_a_ratio():
    """`int(round(h / m) * m / b)`, as RegNet makes its widths: it is compared with a float."""
    b = symbol("b", rational=True)
    groups = floor(H * b)
    expression = floor(Round(groups / Min(16, groups)) * Min(16, groups) / (b * Min(3, groups)))
    for ratio, size in ((Fraction(1, 2), 72), (Fraction(7, 4), 31), (1, 56)):
        inner = int(size * ratio)
        expected = Fraction(round(Fraction(inner, min(16, inner))) * min(16, inner)) / (ratio * min(3, inner))
        assert compile_scalar(expression)({"H": size, b.name: ratio}) == expected.__floor__()
