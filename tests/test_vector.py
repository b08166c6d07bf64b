"""Vectorised counts: the scalar form at every point, whatever is broadcast, and refused where 64 bits would not do."""

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sympy import Integer, Max, Min, Mod, ceiling, expand, floor

from symcount.core.notation import symbol
from symcount.errors import DomainError, StructureError, VectorOverflowError
from symcount.exact import tape as blocks
from symcount.exact.evaluate import Round, compile_scalar, function
from symcount.exact.horner import nested, operations
from symcount.exact.tape import Tape
from symcount.exact.vector import vector_function

H, A, N, L = map(symbol, "HANL")
SYMBOLS = (H, A, N, L)

atoms = st.sampled_from(SYMBOLS) | st.integers(-4, 9).map(Integer)


def combined(children):
    pair = st.tuples(children, children)
    divisor = st.sampled_from([H, A, Integer(2), A + 1])
    return st.one_of(
        pair.map(lambda ab: ab[0] + ab[1]),
        pair.map(lambda ab: ab[0] * ab[1]),
        pair.map(lambda ab: ab[0] - ab[1]),
        st.tuples(children, st.integers(0, 3)).map(lambda ab: ab[0] ** ab[1]),
        st.tuples(children, divisor).map(lambda ab: floor(ab[0] / ab[1])),
        st.tuples(children, divisor).map(lambda ab: ceiling(ab[0] / ab[1])),
        pair.map(lambda ab: Max(ab[0], ab[1])),
    )


expressions = st.recursive(atoms, combined, max_leaves=8)
shapes = st.sampled_from([(), (1,), (5,), (3, 1), (2, 1, 5), (2, 3, 5), (1, 3, 1)])


@pytest.fixture(autouse=True, scope="module", params=[4, 1 << 15])
def block(request):
    """Blocks of four elements have every border case in small arrays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", request.param)
        yield


@given(expressions, st.tuples(shapes, shapes, shapes, shapes), st.integers(0, 10**6))
@settings(max_examples=150, deadline=None)
def test_every_element_is_the_scalar_value(block, expression, chosen, seed):
    rng = np.random.default_rng(seed)
    arrays = {s.name: rng.integers(1, 40, shape) for s, shape in zip(SYMBOLS, chosen, strict=True)}
    try:
        counts = vector_function(expression, dict.fromkeys("HANL", 1))(**arrays)
    except (StructureError, VectorOverflowError):  # 8*H**12 has no room in 64 bits
        assume(False)
    assert counts.dtype == np.int64
    assert counts.shape == np.broadcast_shapes(*chosen)
    scalar = compile_scalar(expression)
    points = np.broadcast_arrays(*(arrays[s.name] for s in SYMBOLS))
    for place in np.ndindex(counts.shape):
        values = {s.name: int(p[place]) for s, p in zip(SYMBOLS, points, strict=True)}
        assert counts[place] == scalar(values)


@given(expressions)
@example((H**2 + H) ** 2)
@settings(max_examples=200, deadline=None)
def test_nesting_changes_the_form_only(block, expression):
    form = nested(expression)
    assert expand(form - expression) == 0
    assert operations(form) <= operations(expression)


def test_nesting_saves_operations():
    total = H * L + H * A + 5 * H + N * (4 * H**2 + 2 * H * L + 9 * H + L) + H**2
    assert operations(total) == 17
    assert operations(nested(total)) == 12


def test_what_is_smaller_than_the_result_is_computed_once(monkeypatch):
    """On a grid the part without N is computed for a plane of it, in no block."""
    sizes = []

    def counting(first, *rest):
        sizes.append(np.broadcast_shapes(*(np.shape(a) for a in (first, *rest))))
        return first

    monkeypatch.setattr(blocks, "BLOCK", 1000)
    tape = Tape(N * Max(H, L) + A, {"_max": counting})
    out = np.empty((4, 5, 6), dtype=np.int64)
    axes = {"H": np.full((4, 1, 1), 3), "L": np.ones((1, 5, 1), dtype=int), "N": np.arange(6), "A": np.array(7)}
    tape.play(axes, out)
    assert sizes == [(4, 5, 1)]
    assert (out == 3 * np.arange(6) + 7).all()


def test_inputs_are_left_as_they_are():
    arrays = {n: np.arange(1, 20) for n in "HANL"}
    fast = vector_function(H * (H + A) * N + L * (H + 1), dict.fromkeys("HANL", 1))
    assert fast(**arrays).tolist() == fast(**arrays).tolist()
    assert all((a == np.arange(1, 20)).all() for a in arrays.values())


@pytest.mark.parametrize("view", [lambda a: a[::2], lambda a: a[::-1], lambda a: a.reshape(4, 6).T, np.asfortranarray])
def test_any_layout_in_memory_will_do(view):
    base = np.arange(1, 25)
    fast = vector_function(H * (3 * H + A), {"H": 1, "A": 1})
    h, a = view(base), view(base[::-1].copy())
    assert (fast(H=h, A=a) == h * (3 * h + a)).all()


def test_the_point_that_does_not_divide_is_named():
    fast = vector_function(H**2 / A, {"H": 1, "A": 1})
    assert fast(H=[4, 6, 6], A=[2, 3, 9]).tolist() == [8, 12, 4]
    with pytest.raises(DomainError, match=r"is not an integer at A = 3, H = 7$"):
        fast(H=[3, 6, 6, 6, 6, 7], A=3)


def test_division_by_zero_is_refused():
    fast = vector_function(H / (A - N), dict.fromkeys("HAN", 1))
    with pytest.raises(DomainError, match="divides by zero"):
        fast(H=[4, 4], A=[3, 2], N=2)


def test_shapes_that_do_not_fit_are_named():
    fast = vector_function(H * A, {"H": 1, "A": 1})
    with pytest.raises(DomainError, match=r"H has shape \(2,\), A has shape \(3,\)"):
        fast(H=[1, 2], A=[1, 2, 3])


# ------------------------------------------------------------------ 64 bits


def test_a_bound_is_one_of_each_value_alone():
    fast = vector_function(H * A, {"H": 1, "A": 1})
    with pytest.raises(VectorOverflowError, match=r"at H = 4,294,967,296, A = 4,294,967,296"):
        fast(H=[2**32, 1], A=[1, 2**32])  # no count is too large, but that is not known before they are computed


@pytest.mark.parametrize("place", [0, 3, 4, 11])
def test_the_largest_value_counts_wherever_it_is(place):
    h = np.ones(12, dtype=np.int64)
    h[place] = 2**32
    fast = vector_function(H**2 - A, {"H": 1, "A": 1})
    with pytest.raises(VectorOverflowError):
        fast(H=h, A=1)
    h[place] = 0
    with pytest.raises(DomainError, match="H: expected integers of at least 1, got 0"):
        fast(H=h, A=1)


def test_a_power_is_bounded_where_its_exponent_is_largest():
    fast = vector_function(2 ** (N - L), {"N": 1, "L": 1})
    assert fast(N=[62, 5], L=[1, 5]).tolist() == [2**61, 1]
    with pytest.raises(VectorOverflowError):
        fast(N=[70, 70], L=[1, 70])


def test_a_denominator_is_bounded_too():
    fast = vector_function(H / (A * N), dict.fromkeys("HAN", 1))
    with pytest.raises(VectorOverflowError):
        fast(H=[6], A=[2**32], N=[2**32])


def test_so_is_one_inside_a_floor():
    fast = vector_function(floor(H / (A * N)), dict.fromkeys("HAN", 1))
    with pytest.raises(VectorOverflowError):
        fast(H=[6], A=[2**32], N=[2**32])


def test_a_factor_of_zero_hides_no_overflow():
    fast = vector_function(N * floor(H * A / 2), {"H": 1, "A": 1, "N": 0})
    with pytest.raises(VectorOverflowError):
        fast(H=[2**40], A=[2**40], N=[0])


@given(st.lists(st.integers(1, 2**63 - 1), min_size=4, max_size=4), expressions)
@settings(max_examples=150, deadline=None)
def test_large_values_are_exact_or_refused(block, values, expression):
    given_values = dict(zip("HANL", values, strict=True))
    try:
        exact = compile_scalar(expression)(given_values)
        count = vector_function(expression, dict.fromkeys("HANL", 1))(
            **{n: np.array([v]) for n, v in given_values.items()}
        )
    except (StructureError, VectorOverflowError):
        return
    assert count.tolist() == [exact]


def test_remainders_and_powers_of_two():
    expression = Mod(H, A) + Min(H, A) * 2**N
    fast = vector_function(expression, dict.fromkeys("HAN", 1))
    arrays = {"H": np.arange(1, 30), "A": np.arange(30, 1, -1), "N": np.array(3)}
    scalar = function(expression, ["H", "A", "N"])
    assert fast(**arrays).tolist() == [scalar(h, a, 3) for h, a in zip(range(1, 30), range(30, 1, -1), strict=True)]


def test_a_fraction_inside_a_function_is_refused():
    fast = vector_function(Round(H / 4) + N, {"H": 1, "N": 1})
    assert fast(H=[8, 12], N=1).tolist() == [3, 4]
    with pytest.raises(DomainError, match=r"a fraction inside .* use the scalar form"):
        fast(H=[8, 9], N=1)


def test_a_ratio_may_be_an_integer():
    mlp_ratio = symbol("mlp_ratio", rational=True)
    fast = vector_function(floor(H * mlp_ratio) + N, {"H": 1, "mlp_ratio": 0, "N": 1})
    assert fast(H=[8, 9], mlp_ratio=4, N=[1, 2]).tolist() == [33, 38]
