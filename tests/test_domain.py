"""Conditions: what they say, when they hold, and which of them are worth saying."""

from itertools import product

import pytest

from symcount.core.domain import divides, minimal, relation
from symcount.core.notation import Notation, entry, symbol
from symcount.errors import DomainError, StructureError
from symcount.typeset.latex import set_symbols

H, A, N = map(symbol, "HAN")
GRID = [{"H": h, "A": a, "N": n} for h, a, n in product(range(1, 9), repeat=3)]

CASES = [
    (divides(A, H), lambda h, a, n: h % a == 0, "A divides H", r"A \mid H"),
    (divides(2, H), lambda h, a, n: h % 2 == 0, "2 divides H", r"2 \mid H"),
    (divides(2 * A, H * N), lambda h, a, n: (h * n) % (2 * a) == 0, "2*A divides H*N", r"2A \mid NH"),
    (divides(A, H / N), lambda h, a, n: h % (a * n) == 0, "A divides H/N", r"A \mid H/N"),
    (relation(A, "==", H), lambda h, a, n: a == h, "A = H", "A = H"),
    (relation(A, "!=", H), lambda h, a, n: a != h, "A ≠ H", r"A \neq H"),
    (relation(A, "<", H), lambda h, a, n: a < h, "A < H", "A < H"),
    (relation(A, "<=", H), lambda h, a, n: a <= h, "A ≤ H", r"A \leq H"),
    (relation(A, ">", H - 2), lambda h, a, n: a > h - 2, "A > H - 2", "A > H - 2"),
    (relation(A, ">=", 3), lambda h, a, n: a >= 3, "A ≥ 3", r"A \geq 3"),
]


@pytest.mark.parametrize(("condition", "python", "words", "latex"), CASES, ids=[c[2] for c in CASES])
def test_condition_means_what_it_says(condition, python, words, latex):
    notation = Notation(tuple(entry(letter) for letter in "NHA"))
    assert str(condition) == words
    assert condition.latex(lambda e: set_symbols(e, notation)) == latex
    for values in GRID:
        assert condition.holds(values) == python(values["H"], values["A"], values["N"]), values


def test_zero_divides_nothing():
    assert not divides(A, H).holds({"A": 0, "H": 4})


def test_requirement_names_condition_and_values():
    with pytest.raises(DomainError, match=r"A divides H is required, but A = 5, H = 12$"):
        divides(A, H).require({"A": 5, "H": 12})
    divides(A, H).require({"A": 4, "H": 12})


def test_unknown_relation():
    with pytest.raises(StructureError, match="'<>': expected one of divides"):
        relation(A, "<>", H)


ALWAYS = [divides(1, H), divides(A, 3 * A * H), relation(H, ">", 0), relation(H, ">=", 1), relation(0, "<", A * H)]
ALWAYS += [relation(H, "==", H), relation(H + 1, "!=", 0), relation(-H, "<=", 0), relation(H, ">=", 0)]
SOMETIMES = [divides(A, H), divides(2, H), relation(A, "<=", H), relation(H, "!=", 3), relation(H, ">", 1)]


@pytest.mark.parametrize("condition", ALWAYS, ids=str)
def test_what_always_holds_is_not_said(condition):
    assert all(condition.holds(values) for values in GRID)
    assert minimal([condition]) == ()


@pytest.mark.parametrize("condition", SOMETIMES, ids=str)
def test_what_may_fail_is_kept_once(condition):
    assert not all(condition.holds(values) for values in GRID)
    assert minimal([condition, condition]) == (condition,)
