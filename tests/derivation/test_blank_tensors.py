"""What is made in place of torch has the size and the type of what torch makes."""

import itertools

import pytest

torch = pytest.importorskip("torch")

from symcount.concolic.tensors.mode import Tracker, tracing_mode  # noqa: E402

KINDS = [torch.float32, torch.int64, torch.uint8, torch.bool]
NAMES = ["add", "sub", "mul", "div", "pow", "floor_divide", "__rsub__", "__rtruediv__", "__floordiv__", "__rpow__"]
SIZES = [(), (2, 3)]


def look(call):
    """Size, type and gradient of what a call makes, or that it is refused."""
    try:
        made = call()
    except (RuntimeError, TypeError, IndexError) as error:
        return type(error)
    return made.shape, made.dtype, made.requires_grad, made.is_contiguous(), made.device


def same(call):
    with torch.device("meta"):
        wanted = look(call)
    with tracing_mode(Tracker()):
        assert look(call) == wanted
    return wanted


@pytest.mark.parametrize("name", NAMES)
def test_arithmetic(name):
    for kind, size in itertools.product(KINDS, SIZES):
        for number in (2, 0.5, True):
            same(lambda size=size, kind=kind, number=number: getattr(torch.empty(size, dtype=kind), name)(number))
        for other, shape in itertools.product(KINDS, SIZES):
            same(
                lambda size=size, kind=kind, other=other, shape=shape: getattr(torch.empty(size, dtype=kind), name)(
                    torch.empty(shape, dtype=other)
                )
            )


@pytest.mark.parametrize("function", [torch.tril, torch.triu])
def test_triangles(function):
    for kind, size in itertools.product(KINDS, SIZES):
        same(lambda size=size, kind=kind: function(torch.empty(size, dtype=kind)))
        same(lambda size=size, kind=kind: function(torch.empty(size, dtype=kind), diagonal=1))
        same(lambda size=size, kind=kind: function(torch.empty(size, dtype=kind).transpose(0, -1) if size else 1, 2))


@pytest.mark.parametrize("dim", [-1, 0, 1, 2])
def test_norms(dim):
    for grad in (True, False):
        assert same(lambda grad=grad: torch.norm_except_dim(torch.empty(4, 3, requires_grad=grad), 2, dim))
        with torch.no_grad():
            same(lambda grad=grad: torch.norm_except_dim(torch.empty(4, 3, 2, requires_grad=grad), 2, dim))
    assert same(lambda: torch.norm_except_dim(torch.empty(4, 3), 2, 0))[0] == (4, 1)
