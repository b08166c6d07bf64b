"""Numbers whose expression is lost on the way: a formula says them, keeps them at their value, or is refused."""

from __future__ import annotations

import itertools
import json
import math
import sys
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.errors import DerivationError, VerificationError  # noqa: E402


@dataclass
class Sizes:
    """Sizes and ratios."""

    width: int = 20
    layers: int = 3
    ratio: float = 4.0
    rate: float = 0.5
    extra: int = 6
    depths: tuple[int, ...] = (2, 3)


def built(make):
    class Own(nn.Module):
        def __init__(self, config):
            super().__init__()
            make(self, config)

    return Own


def of_rows(rows):
    """A class with some layers and a table that has as many rows as *rows* says."""

    def make(model, c):
        model.layers = nn.ModuleList(nn.Linear(c.width, c.width) for _ in range(c.layers))
        model.table = nn.Linear(c.width, rows(c), bias=False)

    return built(make)


def real(cls, config):
    with torch.device("meta"):
        return sum(p.numel() for p in cls(config).parameters())


LOST = {
    "round to a digit": lambda c: int(round(c.ratio, 1) * 10),
    "an array": lambda c: int((np.array([c.ratio, 1.0]) * c.width)[0]),
    "an array's sum": lambda c: int(np.asarray([c.ratio] * 2).sum() * c.width),
    "float32": lambda c: int(np.float32(c.ratio) * c.width),
    "int64": lambda c: int(np.int64(c.ratio * c.width)),
    "mean": lambda c: int(np.mean([c.ratio, 2.0]) * c.width),
    "clip": lambda c: int(np.clip(c.ratio, 1, 8) * c.width),
    "power of NumPy": lambda c: int(np.power(c.ratio, 2)),
    "linspace": lambda c: int(np.linspace(1, c.ratio, 3)[1] * 10),
    "linspace of torch": lambda c: int(torch.linspace(1, c.ratio, 3, device="cpu")[1].item() * 10),
    "a tensor": lambda c: int(torch.tensor(c.ratio, device="cpu") * c.width),
    "a fraction": lambda c: int(Fraction(c.ratio) * c.width),
    "a decimal": lambda c: int(Decimal(c.ratio) * c.width),
    "a text": lambda c: int(float(str(c.ratio)) * c.width),
    "a formatted text": lambda c: int(float(f"{c.ratio:.2f}") * c.width),
    "JSON": lambda c: int(json.loads(json.dumps(c.ratio)) * c.width),
    "numerator": lambda c: c.ratio.as_integer_ratio()[0],
    "hexadecimal": lambda c: int(float.fromhex(c.ratio.hex()) * c.width),
    "pow": lambda c: int(math.pow(c.ratio, 2)),
    "exp": lambda c: int(math.exp(c.ratio)),
    "hypot": lambda c: int(math.hypot(c.ratio, 3.0)),
    "fsum": lambda c: int(math.fsum([c.ratio, c.ratio])),
    "modf": lambda c: int(math.modf(c.ratio)[1]) + 1,
    "ldexp": lambda c: int(math.ldexp(c.ratio, 2)),
    "copysign": lambda c: int(math.copysign(c.ratio, 1) * c.width),
    "is_integer": lambda c: 5 if c.ratio.is_integer() else 7,
    "isclose here": lambda c: 5 if math.isclose(c.ratio, 4.0) else 7,
    "isclose elsewhere": lambda c: 7 if math.isclose(c.ratio, 2.0) else 5,
    "a bound": lambda c: 5 if c.ratio > 8 else 7,
    "a bound of float32": lambda c: 5 if np.float32(c.ratio) > 8 else 7,
    "a rate": lambda c: int(round(c.rate, 2) * c.width),
    "a rate in a table": lambda c: {0.5: 3, 0.25: 4}.get(c.rate, 9),
    "a rate's text": lambda c: 3 if str(c.rate) == "0.5" else 9,
    "an integer's text": lambda c: int(f"{c.extra}0"),
    "an integer as float32": lambda c: int(np.float32(c.extra) * 2),
    "a range of NumPy": lambda c: int(np.arange(c.extra).sum()) + 1,
}
ELSEWHERE = (
    *(Sizes(ratio=r, rate=q) for r in (1.5, 2.0, 2.5, 3.0, 8.5, 16.0) for q in (0.1, 0.25, 0.5)),
    Sizes(32, 2, 3.0), Sizes(10, 5, 6.0, extra=12),
)  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_a_lost_number_is_said_or_kept(name):
    cls = of_rows(LOST[name])
    f = sc.derive(cls, config=Sizes())
    assert f.count(Sizes()) == real(cls, Sizes())
    for config in ELSEWHERE:
        try:
            found = f.count(config)
        except sc.SymcountError:
            continue
        assert found == real(cls, config), (config, f.total, f.domain_text())
    assert f.certify(3).passed == 3


@pytest.mark.parametrize("name", LOST)
def test_a_formula_that_drops_it_does_not_pass(name):
    rows = LOST[name](Sizes())
    formula = sc.derive(of_rows(lambda _: rows), config=Sizes())
    with pytest.raises(VerificationError, match="formula and model disagree at "):
        replace(formula, cls=of_rows(LOST[name])).certify(16)


def ones(number):
    return nn.ModuleList(nn.Linear(2, 1) for _ in range(number))


COUNTED = {
    "linspace of NumPy": lambda c: np.linspace(0, 0.1, sum(c.depths)),
    "linspace of torch": lambda c: torch.linspace(0, 0.1, sum(c.depths)),
    "zeros of torch": lambda c: torch.zeros(sum(c.depths)),
    "cumsum of torch": lambda c: torch.cumsum(torch.ones(sum(c.depths)), 0),
    "zeros of NumPy": lambda c: np.zeros(sum(c.depths)),
    "arange of NumPy": lambda c: np.arange(sum(c.depths)),
    "cumsum of NumPy": lambda c: range(int(np.cumsum(c.depths)[-1])),
    "a slice": lambda c: [0] * 1000 and list(range(1000))[: sum(c.depths)],
    "islice": lambda c: itertools.islice(itertools.count(), c.layers),
    "repeat": lambda c: itertools.repeat(0, c.layers),
    "accumulate": lambda c: itertools.chain(*map(range, itertools.accumulate(c.depths))),
    "split of torch": lambda c: torch.zeros(c.layers).split(1),
    "split of NumPy": lambda c: np.split(np.zeros(c.layers), c.layers),
    "a text": lambda c: "x" * c.layers,
    "bytes": lambda c: bytes(c.layers),
    "pairs": lambda c: range(math.comb(c.layers, 2)),
}


@pytest.mark.parametrize("name", COUNTED)
def test_what_is_gone_through_is_counted_or_kept(name):
    def make(model, c):
        model.layers = nn.ModuleList(nn.Linear(c.width, c.width) for _ in COUNTED[name](c))

    cls = built(make)
    f = sc.derive(cls, config=Sizes())
    assert f.count(Sizes()) == real(cls, Sizes())
    for layers, first, second in itertools.product((1, 2, 5, 13, 40), (1, 4, 6), (1, 4, 9)):
        config = Sizes(7, layers, depths=(first, second))
        try:
            found = f.count(config)
        except sc.SymcountError:
            continue
        assert found == real(cls, config), (config, f.total, f.domain_text())


@pytest.mark.parametrize("name", ["linspace of NumPy", "linspace of torch", "zeros of torch", "cumsum of torch"])
def test_schedules_have_a_closed_form(name):
    def make(model, c):
        model.layers = nn.ModuleList(nn.Linear(c.width, c.width) for _ in COUNTED[name](c))

    f = sc.derive(built(make), config=Sizes())
    assert not f.pinned
    assert f.count(Sizes(10, depths=(4, 4))) == 880


PARTS = {
    "parts.py": """
from torch import nn
from numbers_of_parts import hidden

class Mlp(nn.Module):
    def __init__(self, width, ratio):
        super().__init__()
        self.up = nn.Linear(width, int(width * ratio))
        self.down = nn.Linear(hidden(width, ratio), width)
""",
    "numbers_of_parts.py": """
def hidden(width, ratio):
    return int(0.5 * ratio * width) + 1
""",
    "late_parts.py": """
from torch import nn

class Late(nn.Module):
    def __init__(self, width, ratio):
        super().__init__()
        self.up = nn.Linear(width, int(width * ratio))
""",
    "whole_model.py": """
from torch import nn
import parts

class Whole(nn.Module):
    def __init__(self, config):
        super().__init__()
        from late_parts import Late
        self.blocks = nn.ModuleList(parts.Mlp(config.width, config.ratio) for _ in range(config.layers))
        self.late = Late(config.width, config.ratio)
""",
}


def test_modules_that_are_no_package_are_one_model(tmp_path, monkeypatch):
    for name, text in PARTS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    whole = __import__("whole_model").Whole
    f = sc.derive(whole, config=Sizes())
    assert not f.pinned
    for config in (Sizes(), Sizes(96, 5, 3.0), Sizes(32, 2, 2.5)):
        assert f.count(config) == real(whole, config)


@pytest.mark.parametrize("kind", ["LazyLinear", "LazyConv2d", "LazyBatchNorm1d"])
def test_a_layer_without_a_size_is_told_with_the_remedy(kind):
    def make(model, c):
        model.first = getattr(nn, kind)(*[c.width, 3][: {"LazyLinear": 1, "LazyConv2d": 2}.get(kind, 0)])

    plain = kind.removeprefix("Lazy")
    with pytest.raises(
        DerivationError, match=rf"first \({kind}\) has no size for \w+ before a forward pass; .*{plain}"
    ):
        sc.derive(built(make), config=Sizes())
