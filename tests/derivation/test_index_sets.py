"""Layers whose kind no question of the code explains: lists that were cut, sorted, overwritten or put together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.errors import SymcountError  # noqa: E402


@dataclass
class Sizes:
    """A few layers, by default."""

    width: int = 8
    num_layers: int = 6
    period: int = 3


def overwritten(c):
    kinds = ["wide" if (i + 1) % 4 == 0 else "plain" for i in range(c.num_layers)]
    kinds[-1] = "wide"
    return kinds


def cut(c):
    return ["wide" if i in {2, 3, 4} else "plain" for i in range(c.num_layers + 2)][: c.num_layers]


def put_together(c):
    return ["plain", "wide", *("wide" if i % c.period == 1 else "plain" for i in range(c.num_layers - 2))]


def repeated(c):
    return ["wide"] * 2 + ["plain"] * (c.num_layers - 2)


def ordered(c):
    return sorted(["wide" if i % 3 == 0 else "plain" for i in range(c.num_layers)])


def carried(c):
    kinds, now = [], "wide"
    for _ in range(c.num_layers):
        kinds.append(now)
        now = "plain"
    return kinds


def only_the_last_two(c):
    return ["plain"] * (c.num_layers - 2) + ["wide"] * 2


LISTS = [overwritten, cut, put_together, repeated, ordered, carried, only_the_last_two]
DEPTHS = (3, 4, 5, 6, 7, 8, 11, 12, 13, 24, 25, 40, 61)


def model(kinds, by_index):
    """Layers of these kinds, made by their index or by the elements of the list."""

    class Model(nn.Module):
        def __init__(self, c):
            super().__init__()
            every, wide = kinds(c), {"wide": 3 * c.width, "plain": c.width}
            if by_index:
                self.layers = nn.ModuleList([nn.Linear(c.width, wide[every[i]]) for i in range(c.num_layers)])
            else:
                self.layers = nn.ModuleList([nn.Linear(c.width, wide[kind]) for kind in every])

    return Model


def real(cls, config):
    with torch.device("meta"):
        return sum(p.numel() for p in cls(config).parameters())


@pytest.mark.parametrize("by_index", [True, False], ids=["by index", "by element"])
@pytest.mark.parametrize("kinds", LISTS, ids=lambda f: f.__name__)
def test_it_is_counted_or_refused_at_every_depth(kinds, by_index):
    cls = model(kinds, by_index)
    formula = sc.derive(cls, config=Sizes())
    refused = []
    for depth in DEPTHS:
        config = replace(Sizes(), num_layers=depth)
        try:
            found = formula.count(config)
        except SymcountError:
            refused.append(depth)
        else:
            assert found == real(cls, config), depth
    # models that have not even the last of the wide layers; and where they are moves with the number of layers
    assert refused == {cut: [3, 4], ordered: [d for d in DEPTHS if d != Sizes.num_layers]}.get(kinds, [])
    assert formula.certify(3).passed == 3


def test_a_hypothesis_is_told_from_another_by_a_run_and_not_by_its_looks():
    """Of six layers the first and every seventh are the same."""
    cls = model(lambda c: ["wide" if i in {0, 7, 14, 21, 28, 35} else "plain" for i in range(c.num_layers)], True)
    formula = sc.derive(cls, config=Sizes())
    for depth in (2, 7, 8, 20, 22, 40):
        config = replace(Sizes(), num_layers=depth)
        try:
            assert formula.count(config) == real(cls, config)
        except SymcountError:
            assert depth > 8  # not where the runs were


COUNTED = {
    "two periods": lambda i, j: i % 2 == 0 and i % 3 == 0,
    "one of two periods": lambda i, j: i % 3 == 1 or i % 5 == 2,
    "one loop each": lambda i, j: i % 2 == 0 and j < 2,
    "one loop or the other": lambda i, j: i == 0 or j == 1,
}


@pytest.mark.parametrize("chosen", COUNTED.values(), ids=COUNTED)
def test_what_is_asked_of_two_loops_or_twice_of_one_has_a_closed_form(chosen):
    class Model(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.layers = nn.ModuleList(
                nn.ModuleList(nn.Linear(c.width, 3 if chosen(i, j) else 5) for j in range(c.period))
                for i in range(c.num_layers)
            )

    formula = sc.derive(Model, config=Sizes())
    assert not formula.pinned
    for depth, period in ((1, 3), (2, 3), (6, 4), (7, 3), (15, 3), (31, 5), (40, 2)):
        config = replace(Sizes(), num_layers=depth, period=period)
        try:
            assert formula.count(config) == real(Model, config)
        except SymcountError:
            assert min(depth, period) < 3
