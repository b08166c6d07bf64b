"""What a user writes: budgets, ranges, expressions; and every way of writing them wrong."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from sympy import Max, floor

import symcount as sc
from symcount.core.notation import entry
from symcount.errors import BudgetError, ConventionError, ExpressionError, UnknownSymbolError
from symcount.exact.evaluate import compile_scalar
from symcount.expressions.conditions import read_conditions
from symcount.expressions.reader import read_expression
from symcount.solver.budget import Budget, read_budget, read_budgets, read_count
from symcount.solver.ranges import Range, read_range

NOTATION = sc.formula("llama").notation


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("110M", 110_000_000), ("1.3B", 1_300_000_000), ("110_000_000", 110_000_000), ("110,000,000", 110_000_000),
        ("0.5k", 500), ("2T", 2 * 10**12),
        ("7 b", 7 * 10**9), ("1.5G", 1_500_000_000), (12, 12), ("1.000001M", 1_000_001),
    ],
)  # fmt: skip
def test_counts(text, count):
    assert read_count(text) == count


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "M",
        "1.5",
        "-3M",
        "0",
        0,
        -5,
        1.5,
        True,
        None,
        "1e-6",
        "1e999",
        float("inf"),
        "130M..100M",
        "110 MB",
        "1.2.3M",
        "1,00M",
        "9" * 100,
        "1_M",
    ],
)
def test_no_counts(wrong):
    with pytest.raises(BudgetError, match="expected a whole number of parameters, such as 110M"):
        read_count(wrong)


@pytest.mark.parametrize(
    ("budget", "tolerance", "low", "high"),
    [
        ("110M", None, 108_900_000, 111_100_000),
        ("110M", "0.1%", 109_890_000, 110_110_000),
        ("110M ± 0.1%", None, 109_890_000, 110_110_000),
        ("110M +- 500k", "9%", 109_500_000, 110_500_000),
        ("110M", 0, 110_000_000, 110_000_000),
        ("110M", "-1%", 108_900_000, 110_000_000),
        ("110M", "+500_000", 110_000_000, 110_500_000),
        ("1001", "0.1%", 1000, 1002),  # 999.999 to 1002.001: whole numbers inside
        ("<=7B", None, 1, 7 * 10**9),
        ("at most 7B", "1%", 6_930_000_000, 7 * 10**9),
        (">= 7B", None, 7 * 10**9, None),
        ("at least 7B", "1%", 7 * 10**9, 7_070_000_000),
        (10, "500%", 1, 60),
    ],
)
def test_windows(budget, tolerance, low, high):
    found = read_budget(budget, tolerance)
    assert (found.low, found.high) == (low, high)


def test_several_budgets():
    found = read_budgets({"unique": "47B", "active": "13B ± 2%"}, "1%")
    assert [(b.convention, b.low) for b in found] == [("unique", 46_530_000_000), ("active", 12_740_000_000)]
    assert read_budgets({"unique": 10, "active": 5}, {"active": 0})[1] == Budget("active", 5, 5, 5)


@pytest.mark.parametrize(
    ("budget", "tolerance", "window"),
    [
        (np.int64(124_000_000), None, (122_760_000, 125_240_000)),
        (124e6, 0.01, (122_760_000, 125_240_000)),
        (np.float64(1.3e9), np.float64(0.01), (1_287_000_000, 1_313_000_000)),
        ("1e9", "0.01", (990_000_000, 1_010_000_000)),
        ("1.5E3k", 0, (1_500_000, 1_500_000)),
        ("~124M", None, (122_760_000, 125_240_000)),
        ("about 124M", "2%", (121_520_000, 126_480_000)),
        ("100M..130M", None, (100_000_000, 130_000_000)),
        ((1e8, "130M"), None, (100_000_000, 130_000_000)),
        (Decimal("1e6"), 1e3, (999_000, 1_001_000)),
    ],
    ids=str,
)
def test_numbers_as_people_and_tables_write_them(budget, tolerance, window):
    found = read_budget(budget, tolerance)
    assert (found.low, found.high) == window
    assert all(type(number) is int for number in (found.low, found.high, found.target))


def test_a_budget_from_where_to_where_has_no_tolerance():
    assert str(read_budget("100M..130M")) == "100,000,000 to 130,000,000"
    with pytest.raises(BudgetError, match="says from where to where; leave the tolerance out"):
        read_budget("100M..130M", "1%")


@pytest.mark.parametrize("wrong", ["a lot", "1e-3", -0.1, True, -1, "1%%", "%", "±", "1" * 80])
def test_no_tolerance(wrong):
    with pytest.raises(BudgetError, match=r"tolerance .*: expected a share such as 0.1%"):
        read_budget("110M", wrong)


def test_a_budget_of_an_unknown_convention():
    with pytest.raises(ConventionError, match="unique"):
        read_budgets({"activ": "1B"})
    with pytest.raises(BudgetError, match="no budget"):
        read_budgets({})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("256..4096:64", Range(256, 4096, 64)), ("1..96", Range(1, 96)), ("100..190:64", Range(100, 164, 64)),
        ("64..:64", Range(64, None, 64)), ("..8", Range(1, 8)), ("12", Range(12, 12)), (12, Range(12, 12)),
        (None, Range(1, None)), (range(64, 4097, 64), Range(64, 4096, 64)), (range(5, 0, -2), Range(1, 5, 2)),
        ("1_000..2_000", Range(1000, 2000)), (Range(2, 9, 3), Range(2, 8, 3)),
    ],
)  # fmt: skip
def test_ranges(value, expected):
    assert read_range(entry("H"), value) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("4096..256", "reversed: 4096 > 256"), ("1..9:0", "the step is zero"), (range(5, 5), "the range is empty"),
        ("0..9", "expected a range from 1 upwards"), ("a..b", "expected FIRST..LAST"), ("", "expected FIRST..LAST"),
        ("..", "expected FIRST..LAST"),
        ("1..9:-1", "expected FIRST..LAST"), ("1...9", "expected FIRST..LAST"), (True, "expected FIRST..LAST"),
        (1.5, "expected FIRST..LAST"), ("-3..9", "expected FIRST..LAST"), ("1..9:", "expected FIRST..LAST"),
    ],
)  # fmt: skip
def test_no_ranges(value, words):
    if value == "..":
        assert read_range(entry("H"), value) == Range(1, None)
        return
    with pytest.raises(ExpressionError, match=r"H \(hidden_size\): ") as caught:
        read_range(entry("H"), value)
    assert words in str(caught.value)


H, N, A, K, D = (NOTATION[n].symbol for n in "HNAKD")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("4*H", 4 * H), ("hidden_size/64", H / 64), ("H//5", floor(H / 5)), ("H**2 - 3", H**2 - 3), ("-(+H)", -H),
        ("0.1*H", H / 10), ("max(H, N, 3)", Max(H, N, 3)), ("H % 7", H - 7 * floor(H / 7)), (" H ", H), ("(H)", H),
    ],
)  # fmt: skip
def test_expressions(text, expression):
    assert read_expression(text, NOTATION) == expression


@pytest.mark.parametrize("number", range(1, 200, 7))
def test_functions_compute_what_they_say(number):
    def value(text):
        return compile_scalar(read_expression(text, NOTATION))({"H": number, "N": 3})

    assert value("floor(H/6)") == number // 6
    assert value("ceil(H/6)") == -(-number // 6)
    assert value("H % 6") == number % 6
    assert value("abs(H - 50)") == abs(number - 50)
    assert value("min(H/3, 20)") == min(Fraction(number, 3), 20)
    nearest = min(range(0, 800, 16), key=lambda m: (abs(m - Fraction(8 * number, 3)), -m))
    assert value("round_to(8*H/3, 16)") == nearest


WRONG = [
    ("H.__class__", "attribute access is not allowed"),
    ("__import__('os').system('true')", "cannot be called in an expression"),
    ("__import__('os')", "__import__ cannot be called"),
    ("eval('1')", "eval cannot be called"),
    ("(lambda: 1)()", "cannot be called"),
    ("lambda: 1", "lambda is not allowed"),
    ("H[0]", "indexing is not allowed"),
    ("[H for H in H]", "is not allowed"),
    ("'text'", "is not allowed"),
    ("True", "is not allowed"),
    ("1j", "is not allowed"),
    ("H if N else A", "if is not allowed"),
    ("not H", "not inside an expression is not allowed"),
    ("H and N", "is not allowed"),
    ("~H", "is not allowed"),
    ("H << 2", "is not allowed"),
    ("f'{H}'", "is not allowed"),
    ("(H := 3)", "assignment is not allowed"),
    ("9**9**9", "exponent"),
    ("(9**8)**8", "exponent"),
    ("H**-1", "exponent"),
    ("2**H", "exponent"),
    ("H/0", "division by zero"),
    ("H/(N-N)", "division by zero"),
    ("H % 0", "division by zero"),
    ("round_to(H, 0)", "multiple of zero"),
    ("round_to(H)", "round_to takes 2 arguments"),
    ("floor(H, 2)", "floor takes 1 argument"),
    ("min()", "at least one argument"),
    ("floor(x=H)", "floor takes 1 argument"),
    ("H +", "is not an expression"),
    ("A=H/128", "'A=H/128' is not an expression; equal is ==: 'A==H/128'"),
    ("H; N", "is not an expression"),
    ("import os", "is not an expression"),
    ("", "expected an expression"),
    ("(" * 400, "is not an expression"),
    ("H" + "+H" * 400, "expected at most 500"),
    ("1e999", "is not allowed"),
]


@pytest.mark.parametrize(("text", "words"), WRONG, ids=lambda v: v[:30])
def test_no_expressions(text, words):
    with pytest.raises(ExpressionError) as caught:
        read_expression(text, NOTATION)
    assert words in str(caught.value)


def test_an_unknown_symbol_is_named_with_the_expression():
    with pytest.raises(
        UnknownSymbolError, match=r"'4\*hiden_size': unknown symbol 'hiden_size'.*Did you mean hidden_size"
    ):
        read_expression("4*hiden_size", NOTATION)


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("H % A == 0", ["A divides H"]), ("16 <= H/N <= 128", ["16 ≤ H/N", "H/N ≤ 128"]),
        ("H > N and N != 3", ["H > N", "N ≠ 3"]), ("H == 4*N", ["H = 4*N"]),
    ],
)  # fmt: skip
def test_conditions(text, conditions):
    assert [str(c.condition) for c in read_conditions(text, NOTATION)] == conditions


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("H", "is not a condition"), ("H or N", "is not a condition"), ("not H", "is not a condition"),
        ("H in N", "expected values after in"), ("H in ()", "expected values after in"),
        ("H is N", "expected a comparison by one of"),
        ("H < 3 or N", "is not a condition"), ("(H < 3) + 1 > 2", "a comparison inside an expression"),
        ("H.x == 3", "attribute access"), ("", "expected an expression"),
    ],
)  # fmt: skip
def test_no_conditions(text, words):
    with pytest.raises(ExpressionError) as caught:
        read_conditions(text, NOTATION)
    assert words in str(caught.value)
