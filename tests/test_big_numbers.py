"""Counts beyond 64 bits: exact where integers have any size, refused where they have 64 bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symcount as sc
from symcount.atlas.counting import counter
from symcount.errors import SymcountError, VectorOverflowError

LIMIT = 2**63 - 1
F = sc.formula("gpt2")
big = st.integers(1, 10**60)


def by_hand(V, L, H, N):
    return N * (12 * H * H + 13 * H) + V * H + L * H + 2 * H


@given(V=big, L=big, H=big, N=big)
def test_scalar_counts_are_exact_at_any_size(V, L, H, N):
    exact = by_hand(V, L, H, N)
    assert F.compile()(V=V, L=L, H=H, N=N) == exact
    assert F.count(V=V, L=L, H=H, N=N) == exact
    assert sum(p.count({"V": V, "L": L, "H": H, "N": N}) for p in F.breakdown()) == exact


@given(st.integers(1, 2**33), st.integers(1, 2**33), st.integers(1, 2**33), st.integers(1, 2**33))
def test_vector_counts_are_exact_or_refused(V, L, H, N):
    exact = by_hand(V, L, H, N)
    arrays = {k: np.array([v, 1]) for k, v in {"V": V, "L": L, "H": H, "N": N}.items()}
    try:
        found = F.compile(vector=True)(**arrays)
    except VectorOverflowError:
        assert exact > LIMIT // 4  # refused by a bound that is not far off
        return
    assert [int(x) for x in found] == [exact, by_hand(1, 1, 1, 1)]


def test_the_last_count_that_fits_is_given_and_the_next_refused():
    embedding = sc.formula("LlamaModel")
    fast = embedding.compile(vector=True)
    rest = {"H": 1, "I": 1, "N": 1, "A": 1, "K": 1, "D": 1}
    base = embedding.compile()(V=1, **rest) - 1
    assert int(fast(V=LIMIT - base, **rest)) == LIMIT
    with pytest.raises(VectorOverflowError, match=r"could exceed 64 bits at .*; use the scalar form"):
        fast(V=LIMIT - base + 1, **rest)
    assert embedding.compile()(V=LIMIT - base + 1, **rest) == LIMIT + 1


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.uint8, np.uint32, np.uint64])
def test_narrow_arrays_do_not_wrap(dtype):
    arrays = {k: np.array([100, 120], dtype=dtype) for k in "VLHN"}
    assert [int(x) for x in F.compile(vector=True)(**arrays)] == [by_hand(*[n] * 4) for n in (100, 120)]


def test_unsigned_values_beyond_64_bits_are_refused():
    with pytest.raises(VectorOverflowError):
        F.compile(vector=True)(V=np.array([2**64 - 1], dtype=np.uint64), L=1, H=1, N=1)
    with pytest.raises(VectorOverflowError, match="beyond 64 bits"):
        F.compile(vector=True)(V=np.array([2**70], dtype=object), L=1, H=1, N=1)


def test_arrays_that_do_not_go_together_are_refused():
    with pytest.raises(SymcountError, match=r"shapes that do not go together: .*H \(3,\)"):
        F.compile(vector=True)(V=np.array([1, 2]), L=1, H=np.array([1, 2, 3]), N=1)


def test_the_search_for_a_budget_is_exact_beyond_64_bits():
    target = by_hand(50257, 1024, 2**24, 2**20)
    assert target > LIMIT
    found = sc.solve(
        "gpt2",
        target,
        tolerance=0,
        free={"H": f"{2**24 - 64}..{2**24 + 64}", "N": f"{2**20}..{2**20 + 9}"},
        fixed={"A": 1},
    )
    assert {(s.values["H"], s.values["N"]) for s in found} == {(2**24, 2**20)}
    assert found.best[0].count == target


@pytest.mark.parametrize("rank", ["distance", f"round={10**30}", "aspect=80", f"abs(H-{10**30})"])
def test_a_budget_beyond_64_bits_is_compared_with_small_counts(rank):
    found = sc.solve("gpt2", f"<={10**25}", free="H=64..128:64, N=1..2", fixed={"A": 1}, rank=rank)
    assert found.number == 4
    assert {s.count for s in found} == {by_hand(50257, 1024, H, N) for H in (64, 128) for N in (1, 2)}


def test_a_config_of_absurd_numbers_is_counted_exactly_or_refused():
    config = {"model_type": "gpt2", "architectures": ["GPT2Model"], "vocab_size": 10**18, "n_embd": 10**6, "n_head": 1}
    assert sc.count(config) == by_hand(10**18, 1024, 10**6, 12)
    with pytest.raises(SymcountError, match=r"at most 2\^63 - 1, the largest size of a tensor"):
        counter().count({**config, "vocab_size": 2**63})
