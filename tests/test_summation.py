"""Sums over an index: the closed form, added up one by one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Add, Integer, Max, Min, Mod, Mul, Sum, floor

from symcount.atlas.trees import Pool, tree_from, tree_to_json
from symcount.code.integers import quotient
from symcount.core.instances import instances
from symcount.core.ledger import Ledger
from symcount.core.notation import symbol
from symcount.core.summation import closed, free_index, index_symbol, summed
from symcount.core.tree import Block, Index, Parameter
from symcount.errors import StructureError
from symcount.exact.evaluate import compile_scalar, integer_value
from symcount.exact.vector import vector_function

I = index_symbol()
N, H, A, G = map(symbol, "NHAG")

CLOSED = [
    H + G * I, (H + G * I) * (H + G * (I + 1)), I * (I + 1) / 2, (I + 1) ** 3 * H, H * 2**I, H**2 * 2**I * 2 ** (I + 1),
    3**I * I + I**2, H * 2 ** (N - I - 1), Min(2**I, 8) * H, Min(2**I, 8) * Min(2 ** (I + 1), 8) * H, Min(H + G * I, A),
    Max(H - G * I, A), Max(H - G * I, A) ** 2, H * 2 ** floor(I / 2), H * (1 + Mod(I, 3)), floor((I + 1) / 2) ** 2 * H,
]  # fmt: skip
OPEN = [floor(I * A / N), Min(A, H * 2**I), floor(H / 2**I), H * G**I, H * G**I + I]
VALUES = st.fixed_dictionaries({name: st.integers(1, 40) for name in "HAG"} | {"N": st.integers(0, 12)})


def one_by_one(term, values):
    return sum(compile_scalar(term)({**values, "i": n}) for n in range(values["N"]))


@pytest.mark.parametrize("term", CLOSED, ids=str)
def test_a_closed_form_has_no_index(term):
    assert not summed(term, I, N).has(Sum)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([*CLOSED, *OPEN]), VALUES)
def test_a_sum_is_its_terms_added_up(term, values):
    assert integer_value(summed(term, I, N), values) == one_by_one(term, values)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-3, 5), st.integers(0, 3), st.sampled_from([1, 1, 2, 3])), min_size=1, max_size=4),
    st.integers(1, 9), st.integers(0, 9),
)  # fmt: skip
def test_polynomials_times_powers_have_a_closed_form(terms, size, number):
    term = Add(*(Mul(c, H, I**power, Integer(ratio) ** I) for c, power, ratio in terms))
    found = closed(term, I, N)
    assert found is not None
    values = {"H": size, "N": number}
    assert integer_value(found, values) == one_by_one(term, values)


def test_what_has_no_closed_form_keeps_what_has_one_apart():
    assert summed(H + floor(I * A / N), I, N) == H * N + Sum(floor(A * I / N), (I, 0, N - 1))


def test_an_index_has_a_free_letter():
    assert free_index({"i", "j", "N"}).name == "k"


def layers(*shape, number=N):
    return Block("*", "Linear", (Parameter("weight", shape), Parameter("bias", (H,))), index=Index(I, number))


def test_a_row_with_an_index_is_one_tensor_a_module():
    weight, bias = Ledger.of(Block("", "Model", children=(layers(H, H + I),)))
    assert list(instances(weight, {"H": 4, "N": 3})) == [((4, 4), 1), ((4, 5), 1), ((4, 6), 1)]
    assert list(instances(bias, {"H": 4, "N": 3})) == [((4,), 3)]
    assert (weight.number, bias.repeat, bias.size) == (N, N, H)


def test_repeats_inside_a_module_with_an_index_are_counted():
    inner = Block("0", "Stage", children=(Block("*", "Linear", (Parameter("weight", (H * 2**I,)),), repeat=A),))
    model = Block("", "Model", children=(Block("*", "Stages", children=(inner,), index=Index(I, N)),))
    (row,) = Ledger.of(model)
    assert integer_value(row.total, {"H": 5, "A": 3, "N": 4}) == 3 * 5 * (1 + 2 + 4 + 8)
    assert integer_value(row.number, {"H": 5, "A": 3, "N": 4}) == 12


def test_a_sum_without_a_closed_form_is_refused_for_arrays():
    with pytest.raises(StructureError, match="a sum without a closed form has no form for arrays"):
        vector_function(summed(floor(I * A / N), I, N), {"A": 1, "N": 1})


def test_a_sum_without_a_closed_form_has_no_code():
    with pytest.raises(StructureError, match="a sum without a closed form has no code"):
        quotient(summed(floor(I * A / N), I, N))


def test_a_letter_may_have_the_name_of_an_index():
    letter = symbol("i")
    found = summed(floor(letter * I / N), I, N)
    assert integer_value(found, {"i": 5, "N": 4}) == 0 + 1 + 2 + 3
    weight, _ = Ledger.of(Block("", "Model", children=(layers(letter, H + I),)))
    assert list(instances(weight, {"i": 7, "H": 4, "N": 2})) == [((7, 4), 1), ((7, 5), 1)]


def test_a_stored_tree_keeps_its_index():
    tree = Block("", "Model", children=(layers(H, H * 2**I),))
    pool = Pool()
    number = pool.add(tree_to_json(tree))
    assert tree_from(pool.to_json(), number, {"H": H, "N": N}) == tree
