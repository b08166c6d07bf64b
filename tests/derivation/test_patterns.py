"""Patterns of layers that the code has in a table and reads by a remainder: `PATTERN[i % 5]`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402


@dataclass
class Sizes:
    """A few layers, by default."""

    width: int = 8
    num_layers: int = 6
    shift: int = 2


PATTERN = ("wide", "plain", "wide", "none", "plain")
WIDTHS = [3, 5, 5, 7, 3, 3, 9]
DEPTHS = (1, 2, 4, 5, 6, 9, 10, 11, 24, 53, 96, 131, 400)


def overwritten(n):
    kinds = [PATTERN[i % len(PATTERN)] for i in range(n)]
    kinds[-1] = "none"
    return kinds


KINDS = {
    "of the code": lambda n: [PATTERN[i % len(PATTERN)] for i in range(n)],
    "from another place on": lambda n: [PATTERN[(i + 3) % 5] for i in range(n)],
    "of truths": lambda n: ["wide" if (0, 1, 1, 0, 1, 0)[i % 6] else "plain" for i in range(n)],
    "of a text": lambda n: [{"M": "wide", "*": "plain", "-": "none"}["MM*-M*-"[i % 7]] for i in range(n)],
    "by divmod": lambda n: [PATTERN[divmod(i, 5)[1]] for i in range(n)],
    "of two tables": lambda n: [PATTERN[i % 3] if PATTERN[i % 5] != "none" else "none" for i in range(n)],
    "of a slice": lambda n: [PATTERN[1:4][i % 3] for i in range(n)],
    "overwritten at the end": overwritten,
}  # fmt: skip


def kinds_of(kinds) -> type[nn.Module]:
    class Model(nn.Module):
        def __init__(self, c):
            super().__init__()
            found = kinds(c.num_layers)
            made = {
                "wide": lambda: nn.Linear(c.width, 3 * c.width),
                "plain": lambda: nn.Linear(c.width, c.width),
                "none": nn.Identity,
            }
            self.layers = nn.ModuleList([made[found[i]]() for i in range(c.num_layers)])

    return Model


class Widths(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(c.width, WIDTHS[i % 7]) for i in range(c.num_layers)])


class Nested(nn.Module):
    """Two loops, of which each has a pattern of its own."""

    def __init__(self, c):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.ModuleList(nn.Linear(c.width, WIDTHS[j % 7]) for j in range(c.shift)) for i in range(c.num_layers)
        )


@pytest.mark.parametrize("cls", [*map(kinds_of, KINDS.values()), Widths, Nested], ids=[*KINDS, "of widths", "nested"])
def test_a_pattern_is_counted_at_every_depth(cls):
    formula = sc.derive(cls, config=Sizes())
    for n in DEPTHS:
        config = replace(Sizes(), num_layers=n)
        with torch.device("meta"):
            real = sum(p.numel() for p in cls(config).parameters())
        assert formula.count(config) == real, (n, str(formula.total), formula.domain_text())


def test_a_table_longer_than_the_default_is_seen_whole():
    """At three layers four kinds of seven were never asked for: a deeper run shows them."""
    formula = sc.derive(Widths, config=replace(Sizes(), num_layers=3))
    assert formula.count(replace(Sizes(), num_layers=14)) == 2 * sum(9 * w for w in WIDTHS)


def test_lara_mini_has_a_pattern_of_five():
    pytest.importorskip("transformers.models.lara_mini")
    formula = sc.derive("LaraMiniModel")
    assert "num_hidden_layers" not in formula.pinned
    assert formula.certify(4).passed == 4
