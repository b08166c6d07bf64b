"""Symbolic numbers compute what plain numbers compute, and their expressions evaluate to the same."""

from __future__ import annotations

import copy
import json
import math
import pickle
import random
from fractions import Fraction

import numpy as np
import pytest

from symcount.concolic.python.builtins import BUILTINS, MATH
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import evaluate, free_symbols, to_sympy
from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt
from symcount.concolic.values.path import STATE, Recorder
from symcount.errors import DerivationError


@pytest.fixture
def recorder():
    STATE.recorder = Recorder()
    yield STATE.recorder
    STATE.recorder = None


def conditions(recorder):
    return [str(condition) for condition in recorder.conditions.values()]


def sym(name, value):
    return (SymbolicFloat if isinstance(value, float) else SymbolicInt).field(name, value)


BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "divmod": lambda a, b: divmod(a, b)[0],
    "min": lambda a, b: BUILTINS["min"](a, b),
    "max": lambda a, b: BUILTINS["max"]([a, b]),
    "int(/)": lambda a, b: BUILTINS["int"](a / b),
    "ceil(/)": lambda a, b: math.ceil(a / b),
    "floor(/)": lambda a, b: math.floor(a / b),
    "round(/)": lambda a, b: round(a / b),
    "gcd": lambda a, b: MATH["gcd"](a, b),
}
PLAIN = BINARY | {
    "min": min, "max": max, "int(/)": lambda a, b: int(a / b), "gcd": math.gcd,
}  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("side", ["both", "left", "right"])
def test_every_operation_agrees_with_plain_numbers_and_with_its_expression(name, side):
    draw = random.Random(f"{name} {side}")
    for _ in range(200):
        a, b = draw.randint(1, 4096), draw.randint(1, 64)
        x = sym("a", a) if side != "right" else a
        y = sym("b", b) if side != "left" else b
        result, plain = BINARY[name](x, y), PLAIN[name](a, b)
        assert result == plain
        assert isinstance(result, type(plain))
        if isinstance(result, SymbolicInt | SymbolicFloat):
            assert float(evaluate(result.node, {"a": a, "b": b})) == pytest.approx(float(plain))
        else:
            assert plain in (0, 1)  # x % 1, x // x: the expression itself is constant


@pytest.mark.parametrize("value", [-7, 0, 1, 16, 48])
def test_unary_operations(value):
    x = sym("a", value)
    for function in (lambda v: -v, lambda v: +v, abs, round, math.ceil, math.floor, lambda v: v**2, lambda v: v << 3):
        assert function(x) == function(value)
        assert evaluate(function(x).node, {"a": value}) == function(value)


@pytest.mark.parametrize("value", [-2.5, -0.1, 0.7, 2.5, 4.0])
def test_rounding_of_floats(value):
    x = sym("r", value)
    for function, plain in ((BUILTINS["int"], int), (math.ceil, math.ceil), (math.floor, math.floor), (round, round)):
        result = function(x * 10 + 1)
        assert result == plain(value * 10 + 1)
        assert evaluate(result.node, {"r": value}) == result


def test_it_is_an_int_everywhere():
    x = sym("hidden_size", 768)
    assert isinstance(x, int)
    assert (x, hash(x), {768: "found"}[x]) == (768, hash(768), "found")
    assert f"{x} {x:,} {x!r}" == "768 768 768"
    assert json.dumps({"x": x, "y": sym("r", 0.5)}) == '{"x": 768, "y": 0.5}'
    assert list(range(1000))[x] == 768
    assert copy.deepcopy([x])[0] is x
    assert copy.copy(x) is x
    assert sum([x, x]).node is (x + x).node
    assert math.prod([x, 2]).node is (x * 2).node


def test_pickle_keeps_the_expression_identical():
    x = sym("hidden_size", 768) // sym("heads", 12)
    y = sym("mlp_ratio", 2.5) * 3
    assert pickle.loads(pickle.dumps(x)).node is x.node
    assert pickle.loads(pickle.dumps(y)).node is y.node


def test_equal_code_paths_give_the_same_node():
    h = sym("h", 8)
    assert (4 * h).node is (h * 4).node
    assert (h + 1 + 1).node is (2 + h).node
    assert (h * 1).node is h.node is (h + 0).node is (h // 1).node


def test_floor_division_records_divisibility_only_where_it_holds(recorder):
    h, a = sym("h", 768), sym("a", 12)
    assert (h // a).node.op == "exact_div"
    assert (h // 100).node.op == "floordiv"
    assert BUILTINS["int"](h / a).node.op == "exact_div"
    assert conditions(recorder) == ["a divides h"]
    assert all(condition.module == __name__ for condition in recorder.conditions.values())


def test_remainders_record_divisibility_when_asked_about(recorder):
    h, a = sym("h", 768), sym("a", 12)
    remainder = h % a
    assert conditions(recorder) == []
    if remainder != 0:
        raise AssertionError
    assert not h % 128
    assert h % 5
    assert 3 % sym("period", 4) == 3
    assert conditions(recorder) == ["a divides h", "128 divides h", "5 not divides h", "(3 % period) == 3"]


def test_comparisons_record_what_held(recorder):
    n, k = sym("n", 12), sym("k", 3)
    assert [i for i in range(5) if i < k] == [0, 1, 2]
    assert n in (6, 12)
    assert not n <= k
    assert (n == "x", n == None) == (False, False)  # noqa: E711
    assert bool(n)
    assert conditions(recorder) == [
        "k > 0", "k > 1", "k > 2", "k <= 3", "k <= 4", "n != 6", "n == 12", "n > k", "n != 0",
    ]  # fmt: skip


def test_structural_uses(recorder):
    n = sym("n", 3)
    items = list(BUILTINS["range"](n))
    assert items == [0, 1, 2]
    assert all(i.node.indexed for i in items)
    assert [0] * n == [0, 0, 0] == n * [0]
    assert [(use.kind, str(use.node)) for use in recorder.structural.values()] == [("range", "n"), ("repeat", "n")]


def test_where_floating_point_and_exact_arithmetic_differ_the_concrete_value_rules(recorder):
    x = BUILTINS["int"](sym("r", 0.29) * sym("n", 100))
    assert x == int(0.29 * 100) == 28
    assert type(x) is int
    assert conditions(recorder) == ["floor((r * n)) ieee 28"]


def test_without_a_trace_nothing_is_recorded():
    assert STATE.recorder is None
    assert sym("h", 4) < 5


def test_special_floats_and_foreign_operands():
    h = sym("h", 4)
    assert h < float("inf")
    assert h * float("inf") == float("inf")
    assert type(h + float("nan")) is float
    assert "ab" * sym("n", 2) == "abab"
    with pytest.raises(TypeError):
        h + "x"
    with pytest.raises(ZeroDivisionError):
        h // 0
    assert h**0.5 == 2.0
    assert evaluate((h**0.5).node, {"h": 4}) == 2
    assert pow(h, 2, 3) == 1


def test_results_that_no_formula_contains_are_plain():
    f = sym("f", -8.0)
    assert type(f**0.5) is complex
    tiny = sym("f", 0.1) + 0.2 - 0.3  # not zero in floating point, zero exactly
    assert (type(1 / tiny), 1 / tiny) == (float, 1 / (0.1 + 0.2 - 0.3))
    assert type(round(sym("f", 2.345), 1)) is float
    with pytest.raises(TypeError):
        sym("h", 4) << 1.5
    with pytest.raises(TypeError):
        divmod("x", sym("h", 4))


def test_shifts_are_products_and_quotients_by_powers_of_two():
    h = sym("h", 20)
    for shifted, plain in ((h << 2, 20 << 2), (h >> 2, 20 >> 2), (1 << h, 1 << 20), (h << sym("a", 3), 20 << 3)):
        assert shifted == plain == evaluate(shifted.node, {"h": 20, "a": 3})
    assert evaluate((h >> 2).node, {"h": 12}) == 3
    assert evaluate((1 << h).node, {"h": 5}) == 32


@pytest.mark.parametrize("value", [1, 2, 3, 63, 64, 65, 1000])
def test_bits(value):
    h = sym("h", value)
    assert h.bit_length() == value.bit_length() == evaluate(h.bit_length().node, {"h": value})
    assert (h.bit_count(), str(h), f"{h:>6}", repr([h])) == (value.bit_count(), str(value), f"{value:>6}", f"[{value}]")
    assert sym("h", 0).bit_length() == 0


def test_what_cannot_be_computed_of_constants_stays_an_expression():
    undefined = ex.div(ex.const(1), ex.const(0))
    assert str(undefined) == "(1 / 0)"
    assert ex.value_at(undefined, {}) is None
    assert ex.value_at(ex.symbol("h"), {"h": 3}) == 3


def test_simple_cases_are_no_operations():
    h, n = ex.symbol("h"), ex.symbol("n")
    one, zero = ex.const(1), ex.const(0)
    for same in (ex.minimum(h, h), ex.maximum(h, h), ex.gcd(h, h), ex.floordiv(h, one), ex.exact_div(h, one),
                 ex.div(h, one), ex.power(h, one), ex.floor(h), ex.ceil(h), ex.round_half_even(h)):  # fmt: skip
        assert same is h
    for unit in (ex.div(h, h), ex.exact_div(h, h), ex.floordiv(h, h), ex.power(h, zero)):
        assert unit is one
    for nothing in (ex.mod(h, one), ex.mod(h, h)):
        assert nothing is zero
    assert ex.log(ex.const(8), ex.const(2)) is ex.const(3.0)
    assert ex.absolute(ex.const(-3)) is ex.const(3)
    assert ex.ceil(ex.const(Fraction(7, 2))) is ex.const(4)
    assert not ex.div(h, n).integral


@pytest.mark.parametrize(
    ("node", "value"),
    [
        (ex.power(ex.symbol("h"), ex.const(-1)), Fraction(1, 16)),
        (ex.power(ex.symbol("h"), ex.const(Fraction(1, 4))), 2.0),
        (ex.power(ex.symbol("h"), ex.const(Fraction(1, 2))), 4),
        (ex.div(ex.log(ex.symbol("h"), ex.const(2)), ex.const(2)), 2.0),
        (ex.log(ex.symbol("h"), ex.const(4)), 2.0),
        (ex.mul(ex.symbol("r", integral=False), ex.symbol("h")), 40),
    ],
    ids=str,
)
def test_roots_and_logarithms_are_evaluated(node, value):
    assert evaluate(node, {"h": 16, "r": 2.5}) == value


def test_whole_results_of_roots_and_logarithms_are_integers_whoever_came_first():
    """`log2(2**60)` is a float: no integer of that size, made later anywhere, may become one by it."""
    number = 2**60 + 2**20
    first = ex.const(float(number))
    assert ex.const(number) is first is ex.const(Fraction(number))
    assert (first.args, type(first.args[0]), first.integral) == ((number,), int, True)
    assert ex.log(ex.const(2**60), ex.const(2)).args == (60,) and type(ex.const(60).args[0]) is int
    half, inexact = ex.const(Fraction(1, 2**9)), ex.const(1 / 2**9)
    assert half is not inexact and [type(node.args[0]) for node in (half, inexact)] == [Fraction, float]
    assert ex.const(1 / 2**11) is not ex.const(Fraction(1, 2**11)) and ex.const(1 / 2**11) is ex.const(1 / 2**11)


def test_copies_are_the_number_itself():
    h, r = sym("h", 4), sym("r", 1.5)
    for number in (h, r, h.node, r.node):
        assert copy.copy(number) is number
        assert copy.deepcopy([number])[0] is number
    again = pickle.loads(pickle.dumps(r * 2))  # our own
    assert (again, again.node, again.exact) == (3.0, (r * 2).node, 3)
    assert +r is r
    assert bool(r)


@pytest.mark.parametrize("name", BUILTINS)
def test_shadows_are_transparent_for_plain_values(name):
    shadow, original = BUILTINS[name], __builtins__[name]
    cases = {"int": [(), ("7",), ("ff", 16), (3.9,), (True,)], "float": [(), ("1.5",), (2,)],
             "range": [(3,), (1, 9, 2)], "min": [(3, 1), ([2, 1],)], "max": [(3, 1), ([2, 1],)]}  # fmt: skip
    for args in cases[name]:
        assert shadow(*args) == original(*args)
        assert type(shadow(*args)) is type(original(*args))
    if isinstance(original, type):
        assert shadow == original
        assert original == shadow
        assert hash(shadow) == hash(original)
        assert isinstance(original(1), shadow)
        assert not isinstance("x", shadow)
        assert issubclass(original, shadow)
        assert (shadow | None) == (original | None)
    else:
        assert shadow([], default=5) == 5
        assert shadow("abc", key=ord) == original("abc", key=ord)


def test_shadow_of_int_has_the_attributes_of_int():
    assert BUILTINS["int"].from_bytes(b"\x01\x00", "big") == 256
    assert str(BUILTINS["int"]) == "<class 'int'>"
    assert (None | BUILTINS["int"]) == int | None


def test_shadows_keep_what_they_can():
    h, r = sym("h", 20), sym("r", 2.5)
    assert BUILTINS["float"](r) is r
    assert BUILTINS["float"](h).node is h.node
    assert BUILTINS["min"](h, math.inf) is h  # no formula has an infinity in it
    assert BUILTINS["max"]([h, -math.inf]) is h
    with pytest.raises(TypeError):
        BUILTINS["max"](h, "x")
    assert MATH["log"](h) == math.log(20)
    assert MATH["log2"](h).node is ex.log(h.node, ex.const(2))
    assert evaluate(MATH["log"](h, 5).node, {"h": 25}) == pytest.approx(2)
    assert type(MATH["sqrt"](16)) is float


def test_exact_reads_what_a_person_wrote():
    assert ex.exact(0.1) == Fraction(1, 10)
    assert ex.exact(8960 / 1536) == Fraction(35, 6)
    assert ex.exact(1e-12) == Fraction(1, 10**12)


def test_evaluate_refuses_what_is_not_defined():
    node = (sym("h", 768) // sym("a", 12)).node
    with pytest.raises(DerivationError, match="7 does not divide 768"):
        evaluate(node, {"h": 768, "a": 7})
    with pytest.raises(DerivationError, match="no value for 'a'"):
        evaluate(node, {"h": 768})


def test_numpy_scalars_do_not_swallow_expressions():
    np = pytest.importorskip("numpy")
    h = sym("h", 24)
    assert (h / np.int64(4)).node is (h / 4).node
    assert (h // np.int64(4)).node is (h // 4).node
    assert (h * np.ones(2)).tolist() == [24.0, 24.0]


def test_to_sympy_agrees_with_evaluate():
    sympy = pytest.importorskip("sympy")
    h, a, r = sym("h", 100), sym("a", 8), sym("r", 2.5)
    symbols = {name: sympy.Symbol(name, positive=True, integer=name != "r") for name in ("h", "a", "r")}
    values = {"h": 100, "a": 8, "r": 2.5}
    results = [h + a, h - a, h * a, h / a, h // a, h // 4, h % a, h**2, -h, abs(a - h), BUILTINS["min"](h, a),
               BUILTINS["max"](h, 7), math.floor(h * r), math.ceil(h / a), round(h / 7), MATH["sqrt"](h)]  # fmt: skip
    for result in results:
        expected = evaluate(result.node, values)
        found = to_sympy(result.node, symbols).subs({symbols[k]: sympy.Rational(str(v)) for k, v in values.items()})
        assert found == sympy.Rational(str(expected)), result.node
    assert free_symbols((h * r + 1).node) == {"h", "r"}


def test_the_place_of_a_tensor_is_not_that_of_one_that_is_gone(recorder):
    """Identities are given again as soon as an object is gone."""
    for _ in range(100):
        recorder.place(object(), ("somewhere",))
    assert [recorder.place_of(object()) for _ in range(100)] == [()] * 100
    thing = object()
    recorder.place(thing, ("here",))
    recorder.place(thing, ("elsewhere",), anew=False)
    assert recorder.place_of(thing) == ("here",)


def test_a_quotient_by_a_plain_number_is_lazy_and_exact():
    n = sym("n", 7)
    for below in (0.1, 2.5, np.float64(0.1)):
        quotient = n / below
        assert float(quotient) == 7 / float(below)
        assert "node" not in vars(quotient)
        assert evaluate(quotient.node, {"n": 7}) == Fraction(7) / Fraction(str(float(below))) == quotient.exact
    with pytest.raises(ZeroDivisionError):
        n / 0.0
    assert n / math.inf == 0.0
