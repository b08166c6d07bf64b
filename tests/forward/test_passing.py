"""Results that are made from sizes and types alone: as torch makes them, wherever they are made at all."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch.nn import functional

from symcount.concolic.tensors.mode import _flowing
from symcount.concolic.tensors.passing import passing, written

BF16, FP32, INT = torch.bfloat16, torch.float32, torch.int64
SIZES = [(2, 3, 4), (3, 4), (1, 4), (4,), (), (2, 3, 5)]
TYPES = [BF16, FP32, INT, torch.bool]


def meta(size, dtype=BF16):
    return torch.empty(size, dtype=dtype, device="meta")


def compared(function, *args, **kwargs):
    """Whether a result is made; it must be torch's."""
    made = passing()[function](args, kwargs)
    if made is None:
        return False
    real = function(*args, **kwargs)
    assert (made.shape, made.dtype, made.device) == (real.shape, real.dtype, real.device), (function, args, kwargs)
    return True


@pytest.mark.parametrize("name", ["add", "__mul__", "__rsub__", "__truediv__"])
def test_two_tensors_have_their_common_type_and_size(name):
    function = getattr(torch.Tensor, name)
    made = [compared(function, meta(a, s), meta(b, t)) for a, b in product(SIZES, SIZES) if _fit(a, b)
            for s, t in product(TYPES[:3], TYPES[:3])]  # fmt: skip
    made += [compared(function, meta((2, 3), t), number) for t in TYPES[:3] for number in (2, 0.5, True)]
    assert 0.5 < sum(made) / len(made) < 1  # of integers torch makes the result


def _fit(a, b):
    try:
        torch.broadcast_shapes(a, b)
    except RuntimeError:
        return False
    return True


CALLS = [
    (functional.linear, (meta((2, 3, 4)), meta((5, 4)), meta((5,))), {}, True),
    (functional.linear, (meta((2, 3, 4)), meta((5, 4))), {"bias": None}, True),
    (functional.linear, (meta((2, 3, 4)), meta((5, 3))), {}, False),
    (functional.linear, (meta((2, 3, 4)), meta((5, 4), FP32)), {}, False),
    (torch.matmul, (meta((2, 1, 3, 4)), meta((5, 4, 6))), {}, True),
    (torch.matmul, (meta((3, 4)), meta((4,))), {}, False),
    (torch.bmm, (meta((2, 3, 4)), meta((2, 4, 6))), {}, True),
    (functional.scaled_dot_product_attention, (meta((2, 4, 3, 8)), meta((2, 4, 5, 8)), meta((2, 4, 5, 6))), {}, True),
    (functional.scaled_dot_product_attention, (meta((2, 4, 3, 8)), meta((2, 4, 5, 8)), meta((2, 4, 5, 8))),
     {"attn_mask": meta((1, 1, 3, 5), torch.bool), "is_causal": False}, True),
    (torch.cat, ([meta((2, 3)), meta((2, 4))],), {"dim": -1}, True),
    (torch.cat, ([meta((2, 3)), meta((2, 3), FP32)], 0), {}, False),
    (torch.cat, ((meta((2, 3)), meta((2, 4))), 0), {}, False),
    (torch.Tensor.neg, (meta((2, 3)),), {}, True),
    (torch.sigmoid, (meta((2, 3), INT),), {}, False),
    (torch._C._nn.gelu, (meta((2, 3)),), {"approximate": "tanh"}, True),
    (torch.add, (meta((2, 3)), meta((2, 3))), {"alpha": 2}, False),
    (functional.layer_norm, (meta((2, 3)), (3,), meta((3,)), meta((3,))), {"eps": 1e-5}, True),
    (functional.rms_norm, (meta((2, 3)), (3,)), {}, True),
    (functional.layer_norm, (meta((2, 3)), (3,), meta((3,), FP32)), {}, False),
    (functional.softmax, (meta((2, 3)),), {"dim": -1, "dtype": FP32}, True),
    (torch.Tensor.softmax, (meta((2, 3)), -1), {}, True),
    (torch.softmax, (meta((2, 3), INT), -1), {"dtype": FP32}, False),
    (torch.Tensor.mean, (meta((2, 3)), -1), {"keepdim": True}, True),
    (torch.mean, (meta((2, 3)),), {"dim": -1}, True),
    (torch.Tensor.mean, (meta((2, 3)), 0), {}, False),
    (torch.Tensor.pow, (meta((2, 3)), 2), {}, True),
    (torch.pow, (2, meta((2, 3))), {}, False),
    (torch.mul, (meta((2, 3)), meta((2, 4))), {}, False),
    (torch.mul, (torch.ones(2), torch.ones(2)), {}, False),
]  # fmt: skip


@pytest.mark.parametrize(("function", "args", "kwargs", "made"), CALLS)
def test_a_result_is_that_of_torch_or_none(function, args, kwargs, made):
    if made:
        assert compared(function, *args, **kwargs)
    else:
        assert passing()[function](args, kwargs) is None


def test_a_gradient_of_a_result_is_needed_where_torch_needs_one():
    weight, plain = meta((4, 4)).requires_grad_(), meta((4, 4))
    for function, args in ((torch.Tensor.add, (plain, weight)), (torch.Tensor.mul, (weight, 2)),
                           (functional.linear, (plain, weight)), (torch.cat, ([plain, weight],)),
                           (torch.matmul, (plain, plain)), (torch.sigmoid, (weight,))):  # fmt: skip
        assert passing()[function](args, {}).requires_grad == function(*args).requires_grad
        with torch.no_grad():
            assert not passing()[function](args, {}).requires_grad


def test_what_is_written_into_a_result_needs_no_history():
    made = passing()[torch.Tensor.mul]((meta((4, 4)).requires_grad_(), 2), {})
    part = made[0]
    for into in (made, part):
        with pytest.raises(RuntimeError, match="leaf"):
            into.add_(1)
        assert written(torch.Tensor.add_, (into, 1))
        assert written(torch.Tensor.__iadd__, (into, 1))
        for plain in (torch.Tensor.add, torch.Tensor.__add__, torch.Tensor.__getitem__, torch.Tensor.view):
            assert not written(plain, (into, 1))
    assert not written(torch.Tensor.add_, (meta((4, 4)), 1))
    assert not written(torch.Tensor.add_, (torch.nn.Parameter(meta((4, 4))), 1))


def test_what_is_assigned_into_a_result_is_assigned_once():
    made = passing()[torch.Tensor.mul]((meta((4, 4)).requires_grad_(), 2), {})
    assert _flowing(torch.Tensor.__setitem__, (made, 0, meta((4,))), {}) is made
    assert _flowing(torch.Tensor.add_, (made[0], 1), {}).shape == (4,)
    assert _flowing(torch.Tensor.transpose, (made, 0, 1), {}) is None
