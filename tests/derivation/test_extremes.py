"""Maxima and minima as SymPy has them are what the code computed, at any sizes."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Symbol

import symcount as sc
from symcount.concolic.values import expression as ex
from symcount.exact.evaluate import compile_scalar

NAMES = ("x", "t", "p")
LETTERS = {name: Symbol(name, positive=True, integer=True) for name in NAMES}


def pairs(inner):
    both = st.tuples(inner, inner)
    made = [ex.add, ex.mul, ex.floordiv, ex.div, ex.maximum, ex.minimum]
    return st.one_of([both.map(lambda ab, make=make: make(*ab)) for make in made])


NODES = st.recursive(
    st.sampled_from([*map(ex.symbol, NAMES), ex.const(1), ex.const(2)]),
    lambda inner: st.one_of(pairs(inner), st.tuples(inner, inner).map(lambda ab: ex.ceil(ex.div(*ab)))),
    max_leaves=6,
)


KINDS = (ex.minimum, ex.maximum, lambda a, b: ex.absolute(ex.sub(a, b)))


@settings(max_examples=150, deadline=None)
@given(NODES, NODES, st.sampled_from(KINDS), st.lists(st.tuples(*[st.integers(1, 40)] * 3), min_size=6, max_size=6))
def test_an_extreme_has_the_value_of_the_code(a, b, kind, points):
    node = kind(a, b)
    try:
        value = compile_scalar(ex.to_sympy(node, LETTERS))
    except ValueError:  # something is divided by 1 // 2
        assume(False)
    for numbers in points:
        at = dict(zip(NAMES, numbers, strict=True))
        expected = ex.value_at(node, at)
        if expected is not None:
            assert Fraction(value(at)) == expected, (str(node), at)


def test_a_size_divided_by_a_rounded_number():
    torch = pytest.importorskip("torch")

    class Pooled(torch.nn.Module):
        """Each table is as long as the larger of two sizes, of which the second is never the larger one."""

        def __init__(self, size=12, stride=4, ratio=2, width=8):
            super().__init__()
            for name, each in (("a", max(1, stride // ratio)), ("b", max(stride, ratio))):
                setattr(self, name, torch.nn.Parameter(torch.empty(max(size, size // each), width)))

    f = sc.derive(Pooled)
    for size, stride, ratio in ((32, 8, 8), (32, 8, 4), (12, 4, 2), (60, 6, 3)):
        assert f.count({"size": size, "stride": stride, "ratio": ratio}) == 2 * size * 8


def test_a_distance_has_a_rule_everywhere():
    torch = pytest.importorskip("torch")

    class Distances(torch.nn.Module):
        def __init__(self, width=8, other=24, layers=8):
            super().__init__()
            self.one = torch.nn.Linear(width, abs(width - other))
            self.layers = torch.nn.ModuleList([torch.nn.Linear(width, abs(i - 3) + 1) for i in range(layers)])

    f = sc.derive(Distances)
    assert not f.pinned
    for width, other, layers in ((8, 24, 8), (24, 8, 2), (9, 5, 4), (30, 31, 1)):
        expected = (width + 1) * (abs(width - other) + sum(abs(i - 3) + 1 for i in range(layers)))
        assert f.count({"width": width, "other": other, "layers": layers}) == expected
