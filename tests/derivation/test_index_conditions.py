"""Branches on the index of a layer and on the number of layers: seen in one run, on whatever side the default is.

Every member of every kind is counted exactly at each number of layers, or refused; never wrongly.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.errors import ConfigError, DomainError, OptionError  # noqa: E402


@dataclass
class Sizes:
    """A few layers, by default."""

    width: int = 8
    num_layers: int = 4
    first: int = 1
    period: int = 2


DEPTHS = (*range(1, 14), 16, 17, 20, 21, 23, 24, 25, 26, 31, 32, 33, 40, 47, 48, 49, 64, 96)
Choice = Callable[[int, Sizes], bool]
Switch = Callable[[Sizes], bool]


def wider_where(chosen: Choice) -> type[nn.Module]:
    """Layers of which the *chosen* are wider."""

    class Model(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.layers = nn.ModuleList(
                [nn.Linear(c.width, (4 if chosen(i, c) else 1) * c.width) for i in range(c.num_layers)]
            )
            self.norm = nn.LayerNorm(c.width)

    return Model


def with_part_if(there: Switch) -> type[nn.Module]:
    """Layers, and one more part of the model if it is *there*."""

    class Model(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(c.width, c.width) for _ in range(c.num_layers)])
            if there(c):
                self.adapter = nn.Linear(c.width, 3)

    return Model


def counted(cls: type[nn.Module], depths=DEPTHS, **changed: int) -> list[int]:
    """The numbers of layers at which the formula counts the model; where it does, it is right."""
    formula = sc.derive(cls, config=Sizes())
    found = []
    for n in depths:
        config = replace(Sizes(), num_layers=n, **changed)
        try:
            number = formula.count(config)
        except (DomainError, OptionError):
            continue
        with torch.device("meta"):
            real = sum(p.numel() for p in cls(config).parameters())
        assert number == real, (n, changed, str(formula.total), formula.domain_text())
        found.append(n)
    return found


PERIODIC: dict[str, Choice] = {
    "(i + 1) % 8 == 0": lambda i, c: (i + 1) % 8 == 0,
    "i % 8 == 7": lambda i, c: i % 8 == 7,
    "i % 5 == 4": lambda i, c: i % 5 == 4,
    "not (i + 3) % 11": lambda i, c: not (i + 3) % 11,
    "i % 6 != 5": lambda i, c: i % 6 != 5,
    "(i - 5) % 7 == 0": lambda i, c: (i - 5) % 7 == 0,
    "i % 10 == 9": lambda i, c: i % 10 == 9,
    "(c.num_layers - i) % 9 == 0": lambda i, c: (c.num_layers - i) % 9 == 0,
    "divmod(i, 6)[1] == 5": lambda i, c: divmod(i, 6)[1] == 5,
    "bool(i) and i % 12 == 0": lambda i, c: bool(i) and i % 12 == 0,
    "i % (4 * c.period) == 7": lambda i, c: i % (4 * c.period) == 7,
}
FROM_AN_INDEX: dict[str, Choice] = {
    "i >= 20": lambda i, c: i >= 20,
    "i > 6": lambda i, c: i > 6,
    "20 <= i": lambda i, c: 20 <= i,  # noqa: SIM300
    "not i < 9": lambda i, c: not i < 9,
    "i + 1 > 16": lambda i, c: i + 1 > 16,
    "i - 12 >= 0": lambda i, c: i - 12 >= 0,
    "5 <= i < 9": lambda i, c: 5 <= i < 9,
    "i >= 4 * c.period": lambda i, c: i >= 4 * c.period,
    "i > c.first + 10": lambda i, c: i > c.first + 10,
    "i in range(6, 10)": lambda i, c: i in range(6, 10),
}
LISTED: dict[str, Choice] = {
    "i in [5, 11, 17, 23]": lambda i, c: i in [5, 11, 17, 23],
    "i in (7, 9)": lambda i, c: i in (7, 9),
    "i in {5, 11, 17, 23}": lambda i, c: i in {5, 11, 17, 23},
    "i == 12": lambda i, c: i == 12,
    "i == 6 or i == 30": lambda i, c: i == 6 or i == 30,
    "i not in [8]": lambda i, c: i not in [8],  # noqa: FURB171
    "i in set([6, 7])": lambda i, c: i in set([6, 7]),  # noqa: C405
    "{9: True}.get(i, False)": lambda i, c: {9: True}.get(i, False),
    "i in frozenset((4, 5, 6))": lambda i, c: i in frozenset((4, 5, 6)),
    "any(i == k for k in (5, 25))": lambda i, c: any(i == k for k in (5, 25)),
    "[4, 8].count(i)": lambda i, c: bool([4, 8].count(i)),
}
FROM_A_DEPTH: dict[str, Switch] = {
    "c.num_layers >= 24": lambda c: c.num_layers >= 24,
    "c.num_layers > 12": lambda c: c.num_layers > 12,
    "not c.num_layers < 32": lambda c: not c.num_layers < 32,
    "24 <= c.num_layers": lambda c: 24 <= c.num_layers,  # noqa: SIM300
    "c.num_layers - 16 > 0": lambda c: c.num_layers - 16 > 0,
    "c.num_layers * 2 >= 40": lambda c: c.num_layers * 2 >= 40,
    "c.num_layers // 8 >= 2": lambda c: c.num_layers // 8 >= 2,
    "8 <= c.num_layers <= 16": lambda c: 8 <= c.num_layers <= 16,
    "c.num_layers < 3": lambda c: c.num_layers < 3,
    "max(c.num_layers, 12) > 12": lambda c: max(c.num_layers, 12) > 12,
}
AT_A_DEPTH: dict[str, Switch] = {
    "c.num_layers == 12": lambda c: c.num_layers == 12,
    "c.num_layers in (24, 48)": lambda c: c.num_layers in (24, 48),
    "c.num_layers in [12, 16]": lambda c: c.num_layers in [12, 16],
    "c.num_layers != 4": lambda c: c.num_layers != 4,
    "not c.num_layers - 9": lambda c: not c.num_layers - 9,
    "c.num_layers == 4": lambda c: c.num_layers == 4,
    "c.num_layers + 1 == 13": lambda c: c.num_layers + 1 == 13,
    "c.num_layers == 3 * 8": lambda c: c.num_layers == 3 * 8,
    "c.num_layers - 7 == 0": lambda c: c.num_layers - 7 == 0,
    "12 == c.num_layers": lambda c: 12 == c.num_layers,  # noqa: SIM300
}


@pytest.mark.parametrize("chosen", PERIODIC.values(), ids=PERIODIC)
def test_layers_that_come_again(chosen):
    assert counted(wider_where(chosen)) == list(DEPTHS)


@pytest.mark.parametrize("chosen", FROM_AN_INDEX.values(), ids=FROM_AN_INDEX)
def test_layers_from_an_index_on(chosen):
    assert counted(wider_where(chosen)) == list(DEPTHS)


@pytest.mark.parametrize("chosen", LISTED.values(), ids=LISTED)
def test_layers_that_are_listed(chosen):
    assert counted(wider_where(chosen)) == list(DEPTHS)


def test_layers_that_no_rule_counts_are_refused_beyond_what_was_seen():
    assert 4 in counted(wider_where(lambda i, c: max(i, 8) > 8))
    assert 4 in counted(wider_where(lambda i, c: i * i > 50))
    assert 4 in counted(wider_where(lambda i, c: i % 7 > 4))


FAR_AWAY: dict[str, Choice] = {
    "i < 300": lambda i, c: i < 300,
    "i == 300": lambda i, c: i == 300,
    "i == 200 * k": lambda i, c: i == 200 * c.period,
    "i == 100 * width": lambda i, c: i == 100 * c.width,
    "i in (300, 301)": lambda i, c: i in (300, 301),
    "i > 0 and i % 200 == 0": lambda i, c: i > 0 and i % 200 == 0,
    "i % 200 == 0 and i > 0": lambda i, c: i % 200 == 0 and i > 0,
    "i == n - 1 and i > 200": lambda i, c: i == c.num_layers - 1 and i > 200,
    "i % 2 or i > 200": lambda i, c: i % 2 == 0 or i > 200,
    "200 <= i < 210": lambda i, c: 200 <= i < 210,
    "i % 300 == 299": lambda i, c: i % 300 == 299,
    "(i + 1) % 500 == 0": lambda i, c: (i + 1) % 500 == 0,
    "i // 150 % 2": lambda i, c: i // 150 % 2 == 1,
    "i % (40 * k) == 35 * k": lambda i, c: i % (40 * c.period) == 35 * c.period,
    "i * i < 90000 * k": lambda i, c: i * i < 90_000 * c.period,
    "i // 3 < 60 * k": lambda i, c: i // 3 < 60 * c.period,
    "i < 30 * width": lambda i, c: i < 30 * c.width,
    "i - 150 > k": lambda i, c: i - 150 > c.period,
    "i * 0.01 < k": lambda i, c: i * 0.01 < c.period,
    "the root of i": lambda i, c: (0.5 * i) ** 0.5 < 9 * c.period,
    "the logarithm of i": lambda i, c: math.log(i + 1) < 3 * c.period,
    "the sine of i": lambda i, c: math.sin(i) > 0.99999,
    "divmod": lambda i, c: divmod(i, 100 * c.period)[0] > 1,
    "i >> 8": lambda i, c: i >> 8 > 0,
    "i & 256": lambda i, c: bool(i & 256),
    "i ^ 256": lambda i, c: i ^ 256 < 10,
    "a set": lambda i, c: i in set([300, 301]),  # noqa: C405  # a literal one is asked otherwise
    "a table": lambda i, c: {300: True}.get(i, False),
    "hash": lambda i, c: hash(i) > 200,
    "round": lambda i, c: round(i / 200) > c.period,
}


@pytest.mark.parametrize("chosen", FAR_AWAY.values(), ids=FAR_AWAY)
def test_what_only_models_of_very_many_layers_have_is_counted_or_refused(chosen):
    """No model of so many layers is built for a derivation: the condition says how far the formula holds."""
    cls = wider_where(chosen)
    formula = sc.derive(cls, config=Sizes())
    places = [Sizes(w, n, period=p) for w in (2, 8) for n in (1, 4, 90, 250, 300, 302, 400, 1000) for p in (1, 2, 3)]
    answered = []
    for c in places:
        try:
            found = formula.count(c)
        except (OptionError, DomainError):
            continue
        with torch.device("meta"):
            assert found == sum(p.numel() for p in cls(c).parameters()), (c, formula.total, formula.domain_text())
        answered.append(c.num_layers)
    assert {4, 90} <= set(answered)


def test_a_number_behind_a_function_around_the_class_is_the_models_own(tmp_path, monkeypatch):
    (tmp_path / "chosen_layers.py").write_text("def wide(i, c):\n    return 0.5 * i < c.period\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    chosen = __import__("chosen_layers").wide
    assert counted(wider_where(chosen)) == list(DEPTHS)


def test_what_is_looked_up_is_known_as_far_as_it_was_tried():
    formula = sc.derive(wider_where(lambda i, c: hash(i) % 7 == 3), config=Sizes())
    assert formula.count(Sizes()) == 8 * 8 * (3 + 4) + 8 * (3 + 4) + 16
    with pytest.raises((OptionError, DomainError)):
        formula.count(Sizes(num_layers=131))  # more of the set may lie there


@pytest.mark.parametrize("there", FROM_A_DEPTH.values(), ids=FROM_A_DEPTH)
def test_a_part_from_a_number_of_layers_on(there):
    found = counted(with_part_if(there))
    alike = [n for n in DEPTHS if there(Sizes(num_layers=n)) == there(Sizes())]
    assert found == alike[: len(found)]
    assert len(found) >= min(len(alike), 5)


@pytest.mark.parametrize("there", AT_A_DEPTH.values(), ids=AT_A_DEPTH)
def test_a_part_at_a_number_of_layers(there):
    found = counted(with_part_if(there))
    assert 4 in found
    assert all(there(Sizes(num_layers=n)) == there(Sizes()) for n in found)


@pytest.mark.parametrize(
    "chosen",
    [
        lambda i, c: i < c.first,
        lambda i, c: i % c.period == c.period - 1,
        lambda i, c: i >= c.first and (i + 1) % c.period == 0,
        lambda i, c: i < c.first or i == c.num_layers - 1,
        lambda i, c: i == c.first,
        lambda i, c: c.num_layers - i <= c.first,
    ],
)
def test_a_field_chooses_the_layers(chosen):
    cls = wider_where(chosen)
    for first, period in ((1, 2), (2, 3), (3, 1), (2, 5)):
        assert len(counted(cls, first=first, period=period)) > 20


def adding(number_of_layers: Callable[[nn.ModuleList, Sizes], None]) -> type[nn.Module]:
    """Layers that a function adds."""

    class Model(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.layers = nn.ModuleList()
            number_of_layers(self.layers, c)

    return Model


def as_long_as_there_are_few(layers, c):
    while len(layers) < c.num_layers:
        layers.append(nn.Linear(c.width, c.width))


def with_a_counter(layers, c):
    i = 0
    while i < c.num_layers:
        layers.append(nn.Linear(c.width, (1 + i % 2) * c.width))
        i += 1


def backwards(layers, c):
    left = c.num_layers
    while left:
        layers.append(nn.Linear(c.width, c.width))
        left -= 1


def until_there_are_enough(layers, c):
    for i in range(100):
        if i >= c.num_layers:
            break
        layers.append(nn.Linear(c.width, c.width))


def until_there_are_enough_of_many(layers, c):
    for i in range(1000):
        if i >= c.num_layers:
            break
        layers.append(nn.Linear(c.width, c.width))


def one_inside_the_other(layers, c):
    def add(left):
        if left > 0:
            layers.append(nn.Linear(c.width, c.width))
            add(left - 1)

    add(c.num_layers)


def with_a_tool(layers, c):
    for _ in itertools.islice(itertools.count(), c.num_layers):
        layers.append(nn.Linear(c.width, c.width))


def again_and_again(layers, c):
    for _ in itertools.repeat(None, c.num_layers):
        layers.append(nn.Linear(c.width, c.width))


def from_two_lists(layers, c):
    for width, more in zip([c.width] * c.num_layers, [2 * c.width for _ in range(c.num_layers)], strict=True):
        layers.append(nn.Linear(width, more))


def in_a_cycle(layers, c):
    for _, times in zip(range(c.num_layers), itertools.cycle([1, 2, 3]), strict=False):
        layers.append(nn.Linear(c.width, times * c.width))


def mapped(layers, c):
    layers.extend(map(lambda _: nn.Linear(c.width, c.width), range(c.num_layers)))  # noqa: C417


WITHOUT_A_RANGE = [
    (as_long_as_there_are_few, True), (with_a_counter, True), (backwards, False), (until_there_are_enough, False),
    (until_there_are_enough_of_many, True), (one_inside_the_other, False), (with_a_tool, True),
    (again_and_again, True), (from_two_lists, True), (in_a_cycle, True), (mapped, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("number_of_layers", "free"), WITHOUT_A_RANGE, ids=lambda value: getattr(value, "__name__", "")
)
def test_layers_that_no_loop_over_a_range_adds_are_counted_or_refused(number_of_layers, free):
    cls = adding(number_of_layers)
    formula = sc.derive(cls, config=Sizes())
    assert ("num_layers" not in formula.pinned) is free
    for number in (1, 2, 3, 4, 7, 40, 99, 100, 101, 129, 1001):
        try:
            found = formula.count(Sizes(8, number))
        except (OptionError, DomainError, ConfigError):  # of so many, some cannot even be built
            assert number != 4
            continue
        with torch.device("meta"):
            assert found == sum(p.numel() for p in cls(Sizes(8, number)).parameters()), (number, formula.total)
