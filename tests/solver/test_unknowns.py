"""Conditions of every form, and unknowns that are no integers: against every point of the grid."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import pytest
import torch

import symcount as sc
from symcount.core.notation import Entry
from symcount.errors import DomainError, ExpressionError
from symcount.solver.ranges import read_range

GRID = {"H": range(64, 1025, 64), "N": range(1, 25)}
ALTERNATIVES = [
    ("H % 128 == 0 or N == 12", lambda H, N: H % 128 == 0 or N == 12),
    ("H in (640, 768)", lambda H, N: H in (640, 768)),
    ("H not in [640, 768] and N > 3", lambda H, N: H not in (640, 768) and N > 3),
    ("not (H != 768 or N > 20)", lambda H, N: not (H != 768 or N > 20)),
    ("not 2 < N < 20", lambda H, N: not 2 < N < 20),
    ("(H > 512 and N < 12) or (H <= 512 and not N % 6 == 0)", lambda H, N: N < 12 if H > 512 else N % 6 != 0),
    ("H/(N - 4) > 60 or N == 4", lambda H, N: N == 4 or H / (N - 4) > 60),
    ("P % 3 == 0 or H/N in (64, 128)", None),
    ("V > 3 or H > 10**6", lambda H, N: True),
    (lambda v: v["H"] % 192 == 0, lambda H, N: H % 192 == 0),
    ([lambda v: v["N"] > 6, "H >= 512"], lambda H, N: N > 6 and H >= 512),
]


@pytest.mark.parametrize(("where", "wanted"), ALTERNATIVES, ids=lambda v: str(v)[:40] if isinstance(v, str) else "")
def test_conditions_choose_what_they_say(where, wanted):
    found = sc.solve("gpt2", ">=1", free=GRID, where=where, limit=None, rank="distance")
    got = {(s.values["H"], s.values["N"]): s.count for s in found}
    count = sc.formula("gpt2").compile()
    points = {(H, N): count(V=50257, L=1024, H=H, N=N) for H, N in product(*GRID.values())}
    if wanted is None:
        chosen = {p for p, total in points.items() if total % 3 == 0 or p[0] in (64 * p[1], 128 * p[1])}
    else:
        chosen = {p for p in points if wanted(*p)}
    assert got == {p: points[p] for p in chosen}


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        ("V < 3 or L < 4", DomainError, "V < 3 or L < 4 never holds: L = 1024, V = 50257"),
        (lambda v: v["X"], ExpressionError, r"where <lambda>: at \{.*\}: KeyError: 'X'"),
        (3, ExpressionError, "where 3: expected a condition such as"),
        (["H > 3", None], ExpressionError, "where None: expected a condition such as"),
        ("H in (3, 5)", DomainError, r"contradictory: no config with .* fulfils H in \(3, 5\)"),
        (lambda v: False, DomainError, "contradictory: no config with .* fulfils <lambda>"),
        (" or ".join(f"H == {i} and N in (1, 2, 3)" for i in range(12)), None, ""),
        (
            "(" + ") and (".join(["H in (1,2,3,4,5)"] * 4) + ") or N == 1",
            ExpressionError,
            "cases; at most 256 are read",
        ),
    ],
    ids=range(8),
)
def test_conditions_that_leave_nothing(where, error, words):
    if error is None:
        with pytest.raises(DomainError, match="contradictory"):
            sc.solve("gpt2", "124M", free=GRID, where=where)
        return
    with pytest.raises(error, match=words):
        sc.solve("gpt2", "124M", free=GRID, where=where)


# ---------------------------------------------------------------- ratios


RATIO = Entry("w", "width_coefficient", "w", "width multiplier", rational=True)


@pytest.mark.parametrize(
    ("given", "numbers", "said"),
    [
        ("1..2:0.1", [Fraction(i, 10) for i in range(10, 21)], "1..2:0.1"),
        ("1, 1.1, 1.4", [Fraction(1), Fraction(11, 10), Fraction(14, 10)], "1, 1.1, 1.4"),
        ([0.5, 1, Fraction(1, 3)], [Fraction(1, 3), Fraction(1, 2), Fraction(1)], "2/6, 0.5, 1"),
        (1.5, [Fraction(3, 2)], "1.5..1.5:0.5"),
        ("0.25..1:0.25, 1.4", [Fraction(i, 20) for i in (5, 10, 15, 20, 28)], "0.25, 0.5, 0.75, 1, 1.4"),
    ],
    ids=str,
)
def test_ratios_are_exact(given, numbers, said):
    found = read_range(RATIO, given)
    assert [found.number(i) for i in range(found.start, found.stop + 1) if i in found] == numbers
    assert str(found) == said


@pytest.mark.parametrize(
    "wrong", [None, "1..2", "1..:0.1", "2..1:0.1", "1..2:0", "x", "0", "0..1:0.5", [], "1..2:0.00001"]
)
def test_what_is_no_set_of_ratios_is_refused(wrong):
    with pytest.raises(ExpressionError, match=r"width_coefficient.* is a ratio: give its numbers"):
        read_range(RATIO, wrong)


def test_ratios_as_unknowns():
    """EfficientNet's family: width and depth grow by ratios, rounded inside the formula."""
    widths, depths = [1.0, 1.2], [1.0, 1.1, 1.4]
    found = sc.solve(
        "EfficientNetModel", ">=1", free={"width_coefficient": widths, "depth_coefficient": depths}, limit=None,
        where="width_coefficient <= depth_coefficient",
    )  # fmt: skip
    got = {(s.values["width_coefficient"], s.values["depth_coefficient"]): s.count for s in found}
    exact = {x: Fraction(str(x)) for x in (*widths, *depths)}
    assert got == {
        (exact[w], exact[d]): sc.count("EfficientNetModel", width_coefficient=w, depth_coefficient=d)
        for w, d in product(widths, depths)
        if w <= d
    }
    config = found[0].config()
    assert config["kernel_sizes"] == [3, 3, 5, 3, 5, 5, 3] and config["expand_ratios"] == [1, 6, 6, 6, 6, 6, 6]


@pytest.mark.parametrize("rank", ["depth_multiplier", "-depth_multiplier", "reference", "distance", "shape"])
def test_ratios_rank_as_the_numbers_they_are(rank):
    found = sc.solve(
        "MobileNetV1Model", "4M", tolerance="90%", free="depth_multiplier=1..2:0.25", rank=rank, limit=None,
        reference={"depth_multiplier": 1.5},
    )  # fmt: skip
    values = [s.values["depth_multiplier"] for s in found]
    key = {
        "depth_multiplier": lambda x: x, "-depth_multiplier": lambda x: -x,
        "reference": lambda x: (abs(x - Fraction(3, 2)), abs(counts[x] - 3_000_000)),
    }.get(rank, lambda x: abs(counts[x] - 3_000_000))  # fmt: skip
    counts = {s.values["depth_multiplier"]: s.count for s in found}
    assert len(values) > 2
    if rank != "shape":
        assert values == sorted(values, key=key)


# ---------------------------------------------------------------- patterns of layers

PATTERNS = [
    ("Lfm2ForCausalLM", "layer_types", ["conv conv full_attention", "conv"], {"N": "6..9", "H": [512, 1024]}),
    ("Qwen3NextForCausalLM", "layer_types", [["linear_attention"] * 3 + ["full_attention"]], {"N": [4, 5, 12]}),
    ("Zamba2ForCausalLM", "layers_block_type", ["mamba mamba hybrid"], {"num_hidden_layers": "6..8"}),
    ("NemotronHForCausalLM", "layers_block_type", ["mamba mlp attention mlp"], {"num_hidden_layers": [6, 9]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "field", "patterns", "free"), PATTERNS, ids=[p[0] for p in PATTERNS])
def test_patterns_of_layers_as_unknowns(name, field, patterns, free):
    found = sc.solve(name, ">=1", free={**free, field: patterns}, limit=None, rank="distance")
    wanted = [tuple(p.split()) if isinstance(p, str) else tuple(p) for p in patterns]
    assert found.patterns == {field: tuple(wanted)}
    assert found.number == len(found) == found.size
    seen = set()
    for solution in found:
        config = solution.config()
        layers = config["num_hidden_layers"]
        seen.add(tuple(config[field][: len(wanted[0])]))
        assert tuple(config[field]) in {tuple(p[i % len(p)] for i in range(layers)) for p in wanted}
        assert sc.count(config) == solution.count
    assert len(seen) == len(wanted)


def test_patterns_in_words():
    found = sc.solve("Lfm2ForCausalLM", ">=1", free="layer_types=conv conv full_attention, conv, N=6, H=512,1024")
    assert (found.number, len(found.patterns["layer_types"])) == (4, 2)
    assert found.to_dicts()[0]["layer_types"] == list(found[0].lists["layer_types"])
    with pytest.raises(ExpressionError, match="layer_types: the count of GPT2Model does not depend on how many"):
        sc.solve("gpt2", "124M", free="layer_types=a b, N")
    with pytest.raises(ExpressionError, match="at most 64 patterns of at most 256 layers of 6 kinds"):
        sc.solve("Lfm2ForCausalLM", "1B", free={"layer_types": ["a b c d e f g"], "N": None})
    with pytest.raises(ExpressionError, match="a_types and b_types are patterns of layers; one list is searched"):
        sc.solve("Lfm2ForCausalLM", "1B", free={"a_types": ["conv"], "b_types": ["conv"]})


# ---------------------------------------------------------------- configs that come back


def test_a_given_config_keeps_what_the_search_says_nothing_of():
    given = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 512, "num_hidden_layers": 4,
        "num_attention_heads": 8, "num_key_value_heads": 2, "intermediate_size": 1024, "vocab_size": 1000,
        "rope_theta": 500_000.0, "layer_types": ["full_attention"] * 4, "max_position_embeddings": 4096,
    }  # fmt: skip
    found = sc.solve(given, ">=1", free="N=3, H=512,1024", limit=None)
    for solution in found:
        config = solution.config()
        assert config["rope_theta"] == 500_000.0 and config["max_position_embeddings"] == 4096
        assert "layer_types" not in config and config["num_hidden_layers"] == 3
        assert sc.count(config) == solution.count
    assert sc.solve(given, ">=1", free="N=4").config(0)["layer_types"] == given["layer_types"]


@dataclass
class Sizes:
    num_channels: int = 3
    hidden_size: int = 32
    depth: int = 4
    ratio: float = 2.0
    bias: bool = True


class Tower(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        size = config.hidden_size
        self.stem = torch.nn.Conv2d(config.num_channels, size, 7)
        layers = (torch.nn.Linear(size, int(size * config.ratio), bias=config.bias) for _ in range(config.depth))
        self.body = torch.nn.Sequential(*layers)


def test_configs_of_classes_of_ones_own(tmp_path):
    found = sc.solve(sc.derive(Tower, config=Sizes()), "1M", free="H=64..512:64, depth, ratio=1,1.5", limit=3)
    for i, solution in enumerate(found):
        real = Tower(Sizes(**found.config(i)))
        assert sum(p.numel() for p in real.parameters()) == solution.count
    files = found.write(tmp_path)
    assert len(files) == 3 and all(file.parent.name.startswith("tower-H") for file in files)


def test_several_budgets_rank_by_all_of_them():
    budgets = {"unique": 47_000_000_000, "active": 13_000_000_000}
    found = sc.solve(
        "MixtralForCausalLM", budgets, tolerance="6%", free="E=2..64, k=1..8, I=1024..16384:1024", rank="distance"
    )
    missed = [sum(Fraction(abs(s.counts[c] - b), b) for c, b in budgets.items()) for s in found]
    assert len(missed) > 2 and missed == sorted(missed)
    assert [abs(s.deviation) for s in found] != sorted(abs(s.deviation) for s in found)
