"""How many iterations satisfy some predicates: the closed forms beside counting one by one."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from symcount.concolic.values import expression as ex
from symcount.concolic.values.path import Loop
from symcount.concolic.values.predicates import Predicate, holds
from symcount.derivation.counting import Assumptions, count

I, N, K, P = ex.symbol("#0"), ex.symbol("layers"), ex.symbol("k"), ex.symbol("p")
numbers = st.integers(0, 7).map(ex.const)
small = st.integers(1, 6).map(ex.const)
indices = st.one_of(
    st.just(I), st.builds(ex.add, st.just(I), numbers), st.builds(ex.mul, st.integers(2, 3).map(ex.const), st.just(I))
)
periods = st.one_of(small, st.just(P))
values = st.one_of(numbers, st.just(K), st.just(N), st.builds(ex.sub, st.just(N), st.just(K)))
near = st.builds(lambda a, b: ex.absolute(ex.sub(a, b)), st.just(I), values)
remainders = st.builds(ex.mod, st.one_of(indices, st.builds(ex.mul, indices, indices)), periods)
quotients = st.builds(ex.floordiv, st.one_of(st.just(I), st.builds(ex.add, st.just(I), numbers)), periods)
sides = st.one_of(indices, near, remainders, quotients, st.builds(ex.mod, quotients, periods))
predicates = st.one_of(
    st.builds(Predicate, st.sampled_from(["<", "<=", "=="]), sides, values),
    st.builds(Predicate, st.sampled_from(["<", "<="]), values, sides),
    st.builds(Predicate, st.just("divides"), periods, st.one_of(indices, quotients)),
)
fields = st.fixed_dictionaries({"layers": st.integers(1, 24), "k": st.integers(0, 12), "p": st.integers(1, 6)})
REMAINDER = Predicate("<", ex.mod(I, P), ex.const(2))
HALF = Predicate("<=", N, ex.mul(ex.const(2), I))


@settings(max_examples=800, deadline=None)
@given(
    st.dictionaries(predicates, st.booleans(), min_size=1, max_size=3), fields, st.lists(fields, max_size=2),
    st.lists(fields, min_size=8, max_size=8),
)  # fmt: skip
@example({REMAINDER: True, HALF: False}, {"layers": 12, "k": 3, "p": 3}, [], [{"layers": 23, "k": 3, "p": 5}] * 8)
def test_a_closed_form_has_the_number_of_iterations_wherever_its_assumptions_hold(asked, default, others, places):
    asked = {p: truth for p, truth in asked.items() if "#0" in p.symbols}
    loop = Loop("#0", "test", (ex.const(0), N, ex.const(1)), ())
    assumed = Assumptions(default, others)
    found = count(loop, asked, assumed)
    if found is None:
        return
    for place in (default, *others, *places):
        if not all(holds(c, place) for c in assumed.taken):
            assert place is not default
            continue
        truths = [[p.holds({**place, "#0": i}) for p in asked] for i in range(place["layers"])]
        one_by_one = sum(truth == list(asked.values()) for truth in truths)
        assert ex.evaluate(found, place) == one_by_one, (str(found), place)


CLOSED = {
    "half": (Predicate("<=", N, ex.mul(ex.const(2), I)), "(layers - ((layers + 1) // 2))"),
    "squares": (Predicate("==", ex.mod(ex.mul(I, I), ex.const(3)), ex.const(1)), "(layers - ((layers + 2) // 3))"),
    "every other block": (
        Predicate("divides", ex.const(2), ex.floordiv(I, ex.const(3))),
        "((3 * (layers // 6)) + min((layers - (6 * (layers // 6))), 3))",
    ),
    "near": (Predicate("<", ex.absolute(ex.sub(I, K)), P), "((k + p) - ((k - p) + 1))"),
}


@pytest.mark.parametrize(("predicate", "expected"), CLOSED.values(), ids=CLOSED)
def test_closed_forms(predicate, expected):
    loop = Loop("#0", "test", (ex.const(0), N, ex.const(1)), ())
    assert str(count(loop, {predicate: True}, Assumptions({"layers": 12, "k": 5, "p": 3}))) == expected
