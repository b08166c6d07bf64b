"""A slice of the fuzzing with a fixed seed; `python tests/fuzz.py` does as much as it is given time for."""

import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from fuzzing import words
from fuzzing.entries import _formula
from symcount.errors import SymcountError
from symcount.expressions.conditions import read_conditions
from symcount.expressions.reader import read_expression

SCRIPT = Path(__file__).with_name("fuzz.py")
QUICK = ["expressions", "conditions", "budgets", "Formula.count", "compile(vector", "LaTeX"]


def fuzzed(*arguments):
    done = subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (total,) = re.findall(r"^([\d,]+) inputs, 0 defects$", done.stdout, re.MULTILINE)
    return int(total.replace(",", ""))


def test_texts_and_values():
    assert fuzzed("--inputs", "12", *(a for name in QUICK for a in ("--entry", name))) > 1000


def test_configs_and_files():
    chosen = ["--entry", "config, stored", "--entry", "count FILE", "--entry", "solve()"]
    assert fuzzed("--inputs", "3", "--check", "0", *chosen) > 250


def test_the_same_number_is_the_same_input():
    assert [words.expression(Random(f"0/{i}")) for i in range(50)] == [
        words.expression(Random(f"0/{i}")) for i in range(50)
    ]


@pytest.mark.parametrize("text", words.ABSURD, ids=lambda text: text[:20])
def test_absurd_expressions_are_read_or_refused_at_once(text):
    for read in (read_expression, read_conditions):
        with suppress(SymcountError):
            read(text, _formula().notation)


@pytest.mark.parametrize(
    ("text", "words_of_it"),
    [
        ("9**9**9", "a power needs a number from 0 to 8 as exponent"),
        ("+".join(["H"] * 10_000), "an expression of 19999 characters; expected at most 500"),
        ("1" * 10**6, "an expression of 1000000 characters"),
        ("abs(" * 30 + "H-7" + ")" * 30, "30 functions, // or % inside one another; at most 4 are read"),
        ("H" + "%7" * 100, "100 functions, // or % inside one another"),
    ],
)
def test_what_is_too_large_is_told(text, words_of_it):
    with pytest.raises(SymcountError) as caught:
        read_expression(text, _formula().notation)
    assert words_of_it in str(caught.value)
