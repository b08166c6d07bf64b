"""Layers that are chosen in a way for which there is no closed form: how many there are is the number of a set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
from sympy import Sum  # noqa: E402
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.concolic.values import expression as ex  # noqa: E402
from symcount.concolic.values.expression import Node  # noqa: E402
from symcount.concolic.values.path import Loop  # noqa: E402
from symcount.concolic.values.predicates import Predicate  # noqa: E402
from symcount.core.notation import symbol  # noqa: E402
from symcount.core.summation import index_symbol, summed  # noqa: E402
from symcount.derivation.counted_sets import counted_set  # noqa: E402
from symcount.derivation.tables import Table  # noqa: E402
from symcount.errors import StructureError  # noqa: E402
from symcount.exact.evaluate import integer_value  # noqa: E402
from symcount.exact.indicators import Differs, Divides, Equals, Leaves, Less  # noqa: E402
from symcount.typeset.latex import set_symbols  # noqa: E402
from symcount.typeset.plain import set_plain  # noqa: E402


@dataclass
class Sizes:
    """A few layers, by default."""

    width: int = 5
    layers: int = 9
    step: int = 2
    period: int = 5


Choice = Callable[[int, Sizes], bool]
Nested = Callable[[int, int, Sizes], bool]

CHOSEN: dict[str, Choice] = {
    "squares by a field": lambda i, c: i * i % c.period == 1,
    "spread evenly": lambda i, c: (i + 1) * c.step // c.layers > i * c.step // c.layers,
    "multiples of both": lambda i, c: i % c.step == 0 and i % c.period == 0,
    "multiples of neither": lambda i, c: i % c.step != 0 and i % c.period != 0,
    "triangular numbers": lambda i, c: i * (i + 1) // 2 % 3 == 0,
    "squares below": lambda i, c: i * i < c.layers,
    "the divisors of the depth": lambda i, c: c.layers % (i + 1) == 0,
    "a walk through all": lambda i, c: i * c.step % (c.layers + 1) < c.period,
    "cubes": lambda i, c: i**3 > 10 * c.period,
    "two fields in turns": lambda i, c: i % (c.step + c.period) < c.step and i * i > c.step,
}
PAIRS: dict[str, tuple[Callable[[int, Sizes], int], Nested]] = {
    "a chequerboard": (lambda i, c: c.period, lambda i, j, c: (i + j) % 2 == 0),
    "diagonals": (lambda i, c: c.period, lambda i, j, c: (i + j) % c.step == 0),
    "products": (lambda i, c: c.period, lambda i, j, c: i * j % 3 == 1),
    "a half of a square": (lambda i, c: c.period, lambda i, j, c: j < i),
    "every second below": (lambda i, c: i, lambda i, j, c: j % 2 == 0),
    "so far from the diagonal": (lambda i, c: i, lambda i, j, c: (i - j) % c.step == 0),
    "beside the diagonal": (lambda i, c: i, lambda i, j, c: j == i - 1),
    "the first of the rest": (lambda i, c: c.layers - i, lambda i, j, c: j == 0),
}


def wider_where(chosen: Choice) -> type[nn.Module]:
    class Model(nn.Module):
        def __init__(self, c: Sizes) -> None:
            super().__init__()
            self.layers = nn.ModuleList(
                nn.Linear(c.width, (4 if chosen(i, c) else 1) * c.width) for i in range(c.layers)
            )

    return Model


def pairs_wider_where(number: Callable[[int, Sizes], int], chosen: Nested) -> type[nn.Module]:
    class Model(nn.Module):
        def __init__(self, c: Sizes) -> None:
            super().__init__()
            self.stages = nn.ModuleList(
                nn.ModuleList(nn.Linear(c.width, (4 if chosen(i, j, c) else 1) * c.width) for j in range(number(i, c)))
                for i in range(c.layers)
            )

    return Model


MODELS = {
    **{name: wider_where(chosen) for name, chosen in CHOSEN.items()},
    **{name: pairs_wider_where(*pair) for name, pair in PAIRS.items()},
}
PLACES = [
    Sizes(w, *s) for w, s in zip((3, 8) * 60, product((1, 2, 7, 10, 24, 40), (1, 2, 3, 7), (2, 3, 7)), strict=False)
]


def real(cls: Any, c: Sizes) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in cls(c).parameters())


@pytest.mark.parametrize("name", MODELS)
def test_it_is_counted_at_any_depth(name: str) -> None:
    f = sc.derive(MODELS[name], config=Sizes())
    assert not f.pinned
    assert f.total.has(Sum)
    answered = 0
    for c in PLACES:
        try:
            found = f.count(c)
        except sc.SymcountError:
            continue
        answered += 1
        assert found == real(MODELS[name], c), (c, f.total)
    assert answered >= 0.75 * len(PLACES)  # a condition may be asked of a field beside the index
    assert f.certify(3).passed == 3


def test_it_reads_as_a_set_in_every_form() -> None:
    f = sc.derive(MODELS["multiples of both"], config=Sizes())
    step, period = (f.notation[name].latex for name in ("step", "period"))
    chosen = rf"\#\{{0 \leq i < N : {period} \mid i,\,{step} \mid i\}}"
    assert f.latex() == f"{chosen}(4d^2 + 4d) + (N - {chosen})(d^2 + d)"
    assert f.typeset("text").startswith("#{0 ≤ i < N : c_period ∣ i, c_step ∣ i}(4d² + 4d)")
    assert r"\# {" in f.typeset("typst")
    assert "∣" in f.typeset("mathml")
    with pytest.raises(StructureError, match="a sum without a closed form has no code; count with the formula"):
        f.code("javascript")


I, J, N, P = index_symbol(), index_symbol("j"), symbol("N"), symbol("P")


@pytest.mark.parametrize(
    ("term", "latex", "plain", "at"),
    [
        (Less(I**2, N), r"\#\{0 \leq i < N : i^2 < N\}", "#{i < N : i² < N}", lambda i, n, p: i * i < n),
        (Equals(I * P % 7, 3), r"\#\{0 \leq i < N : (Pi \bmod 7) = 3\}", None, lambda i, n, p: i * p % 7 == 3),
        (Differs(I * P % 7, 3), r"\#\{0 \leq i < N : (Pi \bmod 7) \neq 3\}", None, lambda i, n, p: i * p % 7 != 3),
        (Divides(P, I**2 + 1), r"\#\{0 \leq i < N : P \mid i^2 + 1\}", None, lambda i, n, p: (i * i + 1) % p == 0),
        (Leaves(P, I**2), r"\#\{0 \leq i < N : P \nmid i^2\}", "#{i < N : P does not divide i²}",
         lambda i, n, p: i * i % p != 0),
    ],
)  # fmt: skip
def test_each_relation_is_counted_and_shown(term, latex, plain, at) -> None:
    from symcount.core.notation import Notation, entry

    total = summed(term, I, N)
    assert set_symbols(total, Notation((entry("N"), entry("P")))) == latex
    if plain is not None:
        assert set_plain(total) == plain
    for n, p in product(range(1, 30), range(1, 9)):
        assert integer_value(total, {"N": n, "P": p}) == sum(at(i, n, p) for i in range(n))


NODES = st.recursive(
    st.sampled_from([ex.symbol(name) for name in ("#0", "#1", "n", "k")]) | st.integers(1, 9).map(ex.const),
    lambda inner: st.builds(
        lambda op, a, b: op(a, b), st.sampled_from([ex.add, ex.mul, ex.minimum, ex.maximum, ex.sub]), inner, inner
    )
    | st.builds(lambda op, a, b: op(a, ex.const(b)), st.sampled_from([ex.mod, ex.floordiv]), inner, st.integers(2, 7)),
    max_leaves=4,
)  # fmt: skip
PREDICATES = st.builds(Predicate, st.sampled_from(["<", "<=", "=="]), NODES, NODES) | st.builds(
    Predicate, st.just("divides"), st.integers(1, 7).map(ex.const), NODES
)


@given(st.lists(PREDICATES, min_size=1, max_size=3, unique_by=str), st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_a_set_has_as_many_elements_as_its_table_says(predicates: list[Predicate], numbers: list[int]) -> None:
    n, k = ex.symbol("n"), ex.symbol("k")
    outer = Loop("#0", "outer", (ex.const(0), n, ex.const(1)), ())
    inner = Loop("#1", "inner", (ex.const(0), ex.add(ex.symbol("#0"), k), ex.const(1)), (outer,))
    truths = product((True, False), repeat=len(predicates))
    table = Table((outer, inner), tuple(predicates), dict(zip(truths, numbers, strict=False)))
    node = counted_set(table)
    assert isinstance(node, Node)
    letters = {"n": symbol("N"), "k": symbol("K")}
    total = ex.to_sympy(node, letters)
    for a, b in ((1, 1), (4, 2), (7, 3)):
        expected = table.number({"n": a, "k": b})
        assert ex.evaluate(node, {"n": a, "k": b}) == expected
        assert integer_value(total, {"N": a, "K": b}) == expected


def test_what_no_set_says_is_none() -> None:
    i, n = ex.symbol("#0"), ex.symbol("n")
    loop = Loop("#0", "here", (ex.const(0), n, ex.const(1)), ())
    root = Predicate("<", ex.power(i, ex.const(ex.exact(0.5))), n)
    assert counted_set(Table((loop,), (root,), {(True,): 1, (False,): 0})) is None
    square = Predicate("<", ex.mul(i, i), n)
    assert counted_set(Table((loop,), (square,), {(True,): 1, (None,): 0})) is None
    assert counted_set(Table((loop,), (square,), {(True,): 1, (False,): 0}, tried=4)) is None
