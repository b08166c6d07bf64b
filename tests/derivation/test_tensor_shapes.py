"""Parameters made by chains of tensor operations: the closed form counts what the same code makes at other sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.errors import SymcountError  # noqa: E402


@dataclass
class Sizes:
    """Two sizes, the first even."""

    width: int = 6
    rank: int = 4


OTHERS = [Sizes(10, 3), Sizes(14, 9), Sizes(8, 2)]

CHAINS = {
    "view -1": lambda w, r: torch.empty(w, r).view(-1),
    "view of two, one inferred": lambda w, r: torch.empty(2, w, r).view(w, -1),
    "reshape by keyword": lambda w, r: torch.empty(w, r).reshape(shape=(r, w)),
    "view of the same kind": lambda w, r: torch.empty(w, r).view(torch.float32),
    "view_as": lambda w, r: torch.empty(w * r).view_as(torch.empty(r, w)),
    "expand_as": lambda w, r: torch.empty(1, r).expand_as(torch.empty(w, r)).clone(),
    "expand -1": lambda w, r: torch.empty(w, 1).expand(-1, r).clone(),
    "repeat": lambda w, r: torch.empty(w).repeat(r, 2),
    "repeat_interleave": lambda w, r: torch.empty(w, r).repeat_interleave(3),
    "repeat_interleave of a dimension": lambda w, r: torch.empty(w, r).repeat_interleave(repeats=r, dim=1),
    "unsqueeze": lambda w, r: torch.empty(w, r).unsqueeze(-1).unsqueeze(dim=0),
    "squeeze": lambda w, r: torch.empty(1, w, 1, r).squeeze(),
    "squeeze of one": lambda w, r: torch.empty(1, w, r).squeeze(0),
    "squeeze of two": lambda w, r: torch.empty(1, w, 1, r).squeeze(dim=(0, 2)),
    "transpose": lambda w, r: torch.empty(w, r).transpose(0, 1)[:, :3],
    "transpose by keyword": lambda w, r: torch.empty(w, r).transpose(dim0=0, dim1=1)[:r],
    "t and T": lambda w, r: torch.empty(w, r).t().T,
    "mT": lambda w, r: torch.empty(2, w, r).mT[:, :r],
    "permute": lambda w, r: torch.empty(w, 2, r).permute(2, 0, 1),
    "flatten": lambda w, r: torch.empty(w, 2, r).flatten(1),
    "movedim": lambda w, r: torch.empty(w, 2, r).movedim(0, -1)[..., : w // 2],
    "index an element": lambda w, r: torch.empty(w, r, 3)[0],
    "index a new axis": lambda w, r: torch.empty(w, r)[None, ..., None],
    "slice to": lambda w, r: torch.empty(w, 5)[: w // 2],
    "slice from": lambda w, r: torch.empty(w, 5)[1:],
    "slice less": lambda w, r: torch.empty(w, 5)[1:-1],
    "slice in steps": lambda w, r: torch.empty(w, 5)[::2],
    "slice of another": lambda w, r: torch.empty(w, r)[:, r - 1 :],
    "cat": lambda w, r: torch.cat([torch.empty(w, r), torch.empty(2, r)], dim=0),
    "stack": lambda w, r: torch.stack([torch.empty(w, r)] * 3),
    "stack at the end": lambda w, r: torch.stack([torch.empty(w, r)] * 2, dim=-1),
    "split": lambda w, r: torch.empty(w, r).split(w // 2)[0],
    "chunk": lambda w, r: torch.empty(w, r).chunk(2)[1],
    "arange": lambda w, r: torch.arange(w, dtype=torch.float32),
    "arange from": lambda w, r: torch.arange(2, w + r, dtype=torch.float32),
    "arange in steps": lambda w, r: torch.arange(start=0, end=w, step=2).float(),
    "linspace": lambda w, r: torch.linspace(0, 1, w),
    "linspace by keyword": lambda w, r: torch.linspace(start=0, end=1, steps=w * r),
    "eye": lambda w, r: torch.eye(w),
    "eye of two": lambda w, r: torch.eye(n=w, m=r),
    "zeros by keyword": lambda w, r: torch.zeros(size=(w, r)),
    "full": lambda w, r: torch.full((w, r), 0.5),
    "normal": lambda w, r: torch.normal(0.0, 1.0, size=(w, r)),
    "normal of tensors": lambda w, r: torch.normal(torch.zeros(w, 1), torch.ones(r)),
    "randint": lambda w, r: torch.randint(0, 5, (w, r)).float(),
    "new_zeros": lambda w, r: torch.empty(1).new_zeros(w, r),
    "new_full": lambda w, r: torch.empty(1).new_full((w, r), 1.0),
    "ones_like": lambda w, r: torch.ones_like(torch.empty(w, r)),
    "elementwise": lambda w, r: (torch.empty(w, 1) * 2 + torch.empty(r)).exp().clamp(min=0),
    "where": lambda w, r: torch.where(torch.empty(w, r) > 0, torch.zeros(r), torch.ones(w, 1)),
    "sum over a dimension": lambda w, r: torch.empty(w, r).sum(0),
    "mean that keeps it": lambda w, r: torch.empty(w, r).mean(dim=-1, keepdim=True),
    "sum over all": lambda w, r: torch.empty(w, r).sum() * torch.ones(w),
    "outer": lambda w, r: torch.outer(torch.empty(w), torch.empty(r)),
    "matmul": lambda w, r: torch.empty(w, 3) @ torch.empty(3, r),
    "tril": lambda w, r: torch.ones(w, w).tril(),
}


KEPT = {"view of the same kind", "movedim", "split", "chunk"}  # operations without a rule: their sizes stay as they are


def model(chain):
    class Model(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.weight = nn.Parameter(chain(config.width, config.rank))
            self.out = nn.Linear(config.width, config.rank)

    return Model


@pytest.mark.parametrize("name", CHAINS)
def test_the_shape_of_a_chain(name):
    cls = model(CHAINS[name])
    f = sc.derive(cls, config=Sizes())
    if name in KEPT:
        assert f.pinned
        with pytest.raises(SymcountError):
            f.count(OTHERS[0])
        return
    for sizes in [Sizes(), *OTHERS]:
        with torch.device("meta"):
            real = sum(p.numel() for p in cls(sizes).parameters())
        assert f.count({}, width=sizes.width, rank=sizes.rank) == real, sizes


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("content", lambda w, r: torch.empty(len([i for i in range(w) if i % 3]), r)),
        ("nonzero", lambda w, r: torch.ones(w, r, device="cpu").nonzero().float()),
        ("a mask", lambda w, r: torch.ones(w, r, device="cpu")[torch.arange(w, device="cpu") > 1]),
        ("bits", lambda w, r: torch.empty(2 ** (w.bit_length()), r)),
        ("ones among the bits", lambda w, r: torch.empty(w.bit_count(), r)),
        ("digits", lambda w, r: torch.empty(len(str(w)), r)),
        ("digits of a sum", lambda w, r: torch.empty(len(f"{w + r}"), r)),
        ("digits of a list", lambda w, r: torch.empty(len(str([w])), r)),
    ],
)
def test_what_shows_no_closed_form_is_right_or_refused(name, chain):
    cls = model(chain)
    try:
        f = sc.derive(cls, config=Sizes())
    except SymcountError:
        return
    for sizes in [Sizes(), *OTHERS, Sizes(30, 5), Sizes(100, 7)]:
        with torch.device("meta"):
            real = sum(p.numel() for p in cls(sizes).parameters())
        try:
            counted = f.count(replace(sizes))
        except SymcountError:
            continue
        assert counted == real, (name, sizes, f.total)


QUICK = {
    "sizes": lambda n: torch.empty(n, 3),
    "a size": lambda n: torch.zeros((n, 2)),
    "half": lambda n: torch.ones(n, dtype=torch.float16),
    "no size": lambda n: torch.empty(()),
    "an empty one": lambda n: torch.rand(0, n),
    "count": lambda n: torch.arange(n),
    "count in steps": lambda n: torch.arange(1, n, 2),
    "count down": lambda n: torch.arange(n, 0, -2),
    "count with a type": lambda n: torch.arange(0, n, 2, dtype=torch.int32),
    "count of nothing": lambda n: torch.arange(0),
    "frequencies": lambda n: 1.0 / (10_000 ** (torch.arange(0, n, 2, dtype=torch.int64).float() / n)),
    "integers divided": lambda n: torch.arange(n) / n,
    "twice a part of a matrix": lambda n: torch.empty(n, 4)[:, :3] * 2,
    "double": lambda n: torch.empty(n, dtype=torch.float64) - 1,
    "a complex number": lambda n: torch.empty(n) * 1j,
}


@pytest.mark.parametrize("make", QUICK.values(), ids=QUICK)
def test_what_is_made_without_torch_is_what_torch_makes(make):
    with torch.device("meta"):
        real = make(6)

    class Maker(nn.Module):
        def __init__(self, config):
            super().__init__()
            made.append(make(config.width))

    made: list[torch.Tensor] = []
    sc.derive(Maker, config=Sizes())
    assert (made[0].shape, made[0].dtype, made[0].device) == (real.shape, real.dtype, real.device)
    assert (made[0].stride(), made[0].requires_grad) == (real.stride(), real.requires_grad)


def test_tensors_of_one_size_are_parameters_of_their_own():
    class Two(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.a = nn.Parameter(torch.empty(config.width))
            self.b = nn.Parameter(torch.empty(config.width))
            self.c = self.a

    assert sc.derive(Two, config=Sizes()).count(width=6) == 12
