"""Classes of one's own, each with one thing that real models do, against what torch builds of them at other sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, gcd, isqrt
from typing import Any

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.errors import DerivationError, SymcountError  # noqa: E402


@dataclass
class Sizes:
    """Sizes with the defaults of a small transformer."""

    width: int = 24
    heads: int = 4
    layers: int = 3
    extra: int = 10
    ratio: float = 2.5


OTHERS = (Sizes(30, 5, 5, 7), Sizes(12, 3, 1, 40, 1.5), Sizes(96, 12, 8, 96, 4.0))


def real(cls, config):
    with torch.device("meta"):
        return sum(p.numel() for p in cls(config).parameters())


def built(make: Callable[[nn.Module, Any], None]) -> type[nn.Module]:
    """A class whose constructor runs *make*."""

    class Own(nn.Module):
        def __init__(self, config):
            super().__init__()
            make(self, config)

    return Own


def sizes_of_tensors(model, c):
    model.a = nn.Linear(c.width, c.extra)
    model.b = nn.Parameter(torch.empty(model.a.weight.shape[1], model.a.weight.size(0)))
    model.c = nn.Parameter(torch.empty(model.b.numel()))
    model.d = nn.Parameter(torch.empty(model.a.weight.size()))
    model.e = nn.Parameter(data=torch.empty(model.b.size(dim=-1), 2))


def old_constructors(model, c):
    model.a = nn.Parameter(torch.Tensor(c.width, c.extra))
    model.b = nn.Parameter(torch.FloatTensor(c.extra, 2))
    model.c = nn.Parameter(torch.Tensor([1.0, 2.0]))


def numpy_functions(model, c):
    model.a = nn.Parameter(torch.empty(int(np.prod([c.width, c.extra]))))
    model.b = nn.Parameter(torch.empty(int(np.sum((c.width, c.extra)))))
    model.c = nn.Parameter(torch.empty(int(np.max([c.width, 5])), int(np.min([c.width, 300]))))
    model.d = nn.Parameter(torch.empty(int(np.ceil(c.width / 5)), int(np.floor(c.width / 7))))
    model.e = nn.Parameter(torch.empty(int(np.prod([2, 3], axis=0))))


def names_of_math(model, c):
    model.a = nn.Linear(c.extra, ceil(c.width / 7))
    model.b = nn.Linear(int(c.width * c.ratio), 2)
    model.c = nn.Linear(math.floor(c.extra / 3), 1, bias=False)


def gates(model, c):
    model.a = nn.GRU(c.width, c.extra, num_layers=2, bidirectional=True)
    model.b = nn.MultiheadAttention(c.width, c.heads)
    model.c = nn.Conv1d(c.width, 2 * c.width, 3, groups=c.width)
    model.d = nn.Bilinear(c.width, c.extra, 3)


def tables(model, c):
    model.layers = nn.ModuleDict({f"at_{i}": nn.Linear(c.width, c.width) for i in range(c.layers)})
    model.tail = nn.ParameterList([nn.Parameter(torch.empty(c.extra)) for _ in range(c.layers + 2)])
    model.frozen = nn.Embedding(c.extra, c.width)
    model.frozen.weight.requires_grad = False


def shared(model, c):
    model.embedding = nn.Embedding(c.extra, c.width)
    model.head = nn.Linear(c.width, c.extra, bias=False)
    model.head.weight = model.embedding.weight
    block = nn.Linear(c.width, c.width)
    model.layers = nn.ModuleList([block] * c.layers)


def nested_loops(model, c):
    model.stages = nn.ModuleList(
        nn.ModuleList(nn.Linear(c.width, c.width) for _ in range(c.heads)) for _ in range(c.layers)
    )


def a_triangle(model, c):
    model.pairs = nn.ModuleList(nn.Linear(c.width, 3) for i in range(c.layers) for _ in range(i + 1))


def every_second(model, c):
    for i in range(c.layers):
        model.add_module(f"layer{i}", nn.Linear(c.width, c.width) if i % 2 else nn.LayerNorm(c.width))


def what_the_config_asks(model, c):
    if c.width % c.heads != 0:
        raise ValueError("heads must divide width")
    if c.extra >= 4 * c.width:
        raise ValueError("too many extras")
    model.a = nn.Linear(c.width, c.width // c.heads)
    model.b = nn.Linear(c.extra, c.heads)


COUNTED = {f.__name__.replace("_", " "): f for f in (
    sizes_of_tensors, old_constructors, numpy_functions, names_of_math, gates, tables, shared, nested_loops, a_triangle,
    every_second, what_the_config_asks)}  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
def test_it_is_counted_at_any_size(name):
    cls = built(COUNTED[name])
    f = sc.derive(cls, config=Sizes())
    assert not f.pinned
    for config in (Sizes(), *OTHERS):
        assert f.count(config) == real(cls, config), (config, f.total, f.domain_text())
    assert f.certify(trials=3).passed == 3


def the_last_is_special(model, c):
    model.layers = nn.ModuleList(
        nn.Linear(c.width, c.width if i < c.layers - 1 else c.extra, bias=i > 0) for i in range(c.layers)
    )


def at_least_six(model, c):
    if c.layers < 6:
        raise ValueError("too few layers")
    model.layers = nn.ModuleList(nn.Linear(c.width, c.width if i else c.extra) for i in range(c.layers))


def stages(model, c):
    model.stages = nn.ModuleList(nn.Linear(c.width * 2**i, c.width * 2 ** (i + 1)) for i in range(c.layers))


def common_divisors(model, c):
    model.a = nn.Linear(gcd(c.width, c.heads), c.extra)


def roots(model, c):
    model.a = nn.Linear(isqrt(c.width), c.extra)
    model.b = nn.Linear(int(math.sqrt(c.heads)), c.extra)


def levels(model, c):
    model.a = nn.ModuleList(nn.Linear(c.extra, 1) for _ in range(int(math.log2(c.width))))


def bytes_of_a_number(model, c):
    model.a = nn.Linear((c.width.bit_length() + 7) // 8, c.extra)


def remainders(model, c):
    model.a = nn.Linear(c.width % 5 + 1, c.extra % c.heads + 1)


def a_table_of_primes(model, c):
    primes = [n for n in range(2, c.layers + 20) if all(n % m for m in range(2, n))]
    model.a = nn.ModuleList(nn.Linear(c.width, 1) for _ in primes)


CLEVER = {f.__name__.replace("_", " "): f for f in (
    the_last_is_special, at_least_six, stages, common_divisors, roots, levels, bytes_of_a_number, remainders,
    a_table_of_primes)}  # fmt: skip
DEEP = (
    *OTHERS, *(Sizes(layers=n) for n in (1, 2, 4, 7, 9, 13)), *(Sizes(width=w, heads=4) for w in (60, 64, 400)),
    Sizes(12, 3, 7, 11), Sizes(24, 4, 8, 30),
)  # fmt: skip


@pytest.mark.parametrize("name", CLEVER)
def test_it_is_counted_or_refused(name):
    cls = built(CLEVER[name])
    default = Sizes(layers=6 if name == "at least six" else 3)
    try:
        f = sc.derive(cls, config=default)
    except DerivationError:
        return
    assert f.count(default) == real(cls, default)
    for config in DEEP:
        try:
            counted, built_here = f.count(config), real(cls, config)
        except (SymcountError, ValueError):  # refused, or there is no such model
            continue
        assert counted == built_here, (config, f.total, f.domain_text())
