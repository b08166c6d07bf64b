"""Fields by which the code takes an element of a list, which a list does not ask anything: `WIDTHS[config.size]`.

Every member is counted exactly at each position, or refused.
"""

from __future__ import annotations

import itertools
import operator
from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.concolic.python.constants import positions  # noqa: E402
from symcount.errors import DomainError, OptionError  # noqa: E402

WIDTHS = (40, 60)
MORE = [40, 60, 80, 100]


@dataclass
class Sizes:
    """One of a few sizes, by its number."""

    width: int = 8
    layers: int = 5
    size: int = 1


class Plain(nn.Module):
    """The element itself."""

    def __init__(self, c):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(c.width, WIDTHS[c.size]) for _ in range(c.layers)])


class Named(nn.Module):
    """With the number under another name."""

    def __init__(self, c):
        super().__init__()
        number = c.size
        self.layers = nn.ModuleList([nn.Linear(c.width, MORE[number]) for _ in range(c.layers)])


class Kept(nn.Module):
    """With the number kept by the model, for another method."""

    def __init__(self, c):
        super().__init__()
        self.chosen = c.size
        self.layers = nn.ModuleList([self.layer(c) for _ in range(c.layers)])

    def layer(self, c):
        """One layer."""
        return nn.Linear(c.width, WIDTHS[self.chosen])


class FromTheEnd(nn.Module):
    """Counted from the end."""

    def __init__(self, c):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(c.width, MORE[-c.size]) for _ in range(c.layers)])


class Part(nn.Module):
    """A part of a list."""

    def __init__(self, c):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(c.width, width) for width in MORE[: c.size] for _ in range(c.layers)])


class Without(nn.Module):
    """A list without its first elements."""

    def __init__(self, c):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(c.width, width) for width in MORE[c.size :] for _ in range(c.layers)])


class InSteps(nn.Module):
    """Every so-manieth element."""

    def __init__(self, c):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(c.width, w) for w in MORE[:: c.size or 1] for _ in range(c.layers)])


class Computed(nn.Module):
    """An element at a computed place."""

    def __init__(self, c):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(c.width, MORE[c.size // 2 + c.size % 2]) for _ in range(c.layers)])


class Text(nn.Module):
    """A letter of a text."""

    def __init__(self, c):
        super().__init__()
        kind = "ab"[c.size]
        self.layers = nn.ModuleList([nn.Linear(c.width, 40 if kind == "a" else 60) for _ in range(c.layers)])


class Table(nn.Module):
    """The value of a key."""

    def __init__(self, c):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(c.width, {0: 40, 1: 60}[c.size]) for _ in range(c.layers)])


class Taken(nn.Module):
    """An element taken out."""

    def __init__(self, c):
        super().__init__()
        widths = [40, 60]
        self.layers = nn.ModuleList([nn.Linear(c.width, widths[int(c.size)]) for _ in range(c.layers)])


class Popped(nn.Module):
    """An element that a list gives away."""

    def __init__(self, c):
        super().__init__()
        widths = [40, 60]
        width = widths.pop(c.size)
        self.layers = nn.ModuleList([nn.Linear(c.width, width) for _ in range(c.layers)])


class Getter(nn.Module):
    """An element that a function takes."""

    def __init__(self, c):
        super().__init__()
        width = operator.itemgetter(c.size)(WIDTHS)
        self.layers = nn.ModuleList([nn.Linear(c.width, width) for _ in range(c.layers)])


class First(nn.Module):
    """As many elements as a tool takes."""

    def __init__(self, c):
        super().__init__()
        widths = list(itertools.islice(MORE, c.size))
        self.layers = nn.ModuleList([nn.Linear(c.width, width) for width in widths for _ in range(c.layers)])


class Bits(nn.Module):
    """A bit of the number."""

    def __init__(self, c):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(c.width, 60 if c.size & 2 else 40) for _ in range(c.layers)])


CLASSES = (
    Plain, Named, Kept, FromTheEnd, Part, Without, InSteps, Computed, Text, Table, Taken, Popped, Getter, First, Bits,
)  # fmt: skip


@pytest.mark.parametrize("usual", [0, 1])
@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_each_position_is_counted_or_refused(cls, usual):
    formula = sc.derive(cls, config=Sizes(size=usual))
    answered = []
    for number in range(4):
        for layers in (1, 5, 9):
            config = Sizes(12, layers, number)
            try:
                with torch.device("meta"):
                    expected = sum(p.numel() for p in cls(config).parameters())
            except IndexError:
                continue
            except KeyError:
                continue
            try:
                found = formula.count(config)
            except (OptionError, DomainError):
                continue
            assert found == expected, (config, formula.total, formula.domain_text())
            answered.append((number, layers))
    assert (usual, 5) in answered


def test_names_of_positions():
    assert {"size", "chosen"} <= positions([Plain, Kept])
    assert {"size", "number"} <= positions([Named])
    assert all("size" in positions([cls]) for cls in (Part, Without, InSteps, FromTheEnd, Text))
    assert "size" not in positions([nn.Linear])
