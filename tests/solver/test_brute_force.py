"""Against brute force: every point of a small grid, counted one by one by the formula itself."""

from dataclasses import dataclass, field
from functools import cache
from itertools import product

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sympy import Max, floor

import symcount as sc
from symcount import Formula, Notation, layers, stack
from symcount.core.domain import relation
from symcount.core.notation import entry, letters
from symcount.core.tree import Block, Parameter, block
from symcount.errors import BudgetError, DomainError

# rules and conditions as a user writes them, and the same once more in Python
RULES = {
    "I": [
        ("4*H", lambda v: 4 * v["H"]),
        ("round_to(8*H/3, 16)", lambda v: 16 * ((16 * v["H"] + 48) // 96)),
        ("max(H, 3*N)", lambda v: max(v["H"], 3 * v["N"])),
        ("H*N - 7", lambda v: v["H"] * v["N"] - 7),
        ("H/3", lambda v: v["H"] / 3),
        ("ceil(H/3)", lambda v: -(-v["H"] // 3)),
    ],
    "A": [
        ("H/8", lambda v: v["H"] / 8),
        ("H // 5", lambda v: v["H"] // 5),
        ("min(H, 4)", lambda v: min(v["H"], 4)),
    ],
    "K": [("A", lambda v: v["A"]), ("A/2", lambda v: v["A"] / 2)],
}
CONDITIONS = [
    ("H % A == 0", lambda v: v["A"] and v["H"] % v["A"] == 0, "HA"),
    ("16 <= H/N", lambda v: v["H"] >= 16 * v["N"], "HN"),
    ("H/N < 9", lambda v: v["H"] < 9 * v["N"], "HN"),
    ("N % 4 != 3", lambda v: v["N"] % 4 != 3, "N"),
    ("I >= 2*H and I <= 6*H", lambda v: 2 * v["H"] <= v["I"] <= 6 * v["H"], "HI"),
    ("H != 12", lambda v: v["H"] != 12, "H"),
    ("abs(H - 20) > 3", lambda v: abs(v["H"] - 20) > 3, "H"),
    ("H % 8 == N % 3", lambda v: v["H"] % 8 == v["N"] % 3, "HN"),
    ("H/(N - 3) >= 2", lambda v: v["N"] != 3 and v["H"] / (v["N"] - 3) >= 2, "HN"),
    ("N**2 <= H", lambda v: v["N"] ** 2 <= v["H"], "HN"),
]
FIXED = {
    "V": 97, "L": 11, "H": 24, "I": 40, "N": 4, "T": 2, "A": 4, "K": 2, "D": 6, "E": 4, "k": 2, "S": 1, "M": 12, "d": 1,
    "Y": 3,
}  # fmt: skip


def handmade():
    """A mixture of experts behind a floor, a maximum and a condition with a sum: nothing that is in transformers."""
    V, H, I, N, E, k = letters("V H I N E k")
    experts = Block(
        "experts", "Experts", (Parameter("weight", (E, H, I)),), active=k / E, conditions=(relation(k, "<=", E),)
    )
    narrow = block("Narrow", down=layers.Linear(H, floor((H + 3) / 4)), norm=layers.LayerNorm(H))
    model = block(
        "Own",
        embed=layers.Embedding(V, H),
        layers=stack(N, block("Layer", experts=experts, router=layers.Linear(H, E, bias=False))),
        others=stack(floor(N / 3), narrow),
        last=layers.Linear(Max(H, I), 3),
    )
    return Formula(model, Notation(tuple(entry(n) for n in "VHINEk")), "Own")


@cache
def formula(name):
    if name == "own":
        return handmade()
    if name.startswith("derived "):
        pytest.importorskip("transformers")
        return sc.derive(name.removeprefix("derived "))
    return sc.formula(name)


NAMES = [
    "bert", "BertForMaskedLM", "gpt2", "GPT2LMHeadModel", "llama", "LlamaForCausalLM", "own", "own",
    "derived MixtralForCausalLM", "derived DeepseekV3Model", "derived GPT2LMHeadModel",
]  # fmt: skip


@dataclass
class Problem:
    name: str
    convention: str
    ranges: dict
    fixed: dict
    rules: dict = field(default_factory=dict)
    where: list = field(default_factory=list)
    runnable: bool = True

    @property
    def formula(self):
        return formula(self.name)

    def points(self):
        """Every admissible point with its count."""
        for point in product(*self.ranges.values()):
            values = {**self.fixed, **dict(zip(self.ranges, point, strict=True))}
            for letter, (_, rule) in self.rules.items():
                values[letter] = rule(values)
                if values[letter] != int(values[letter]) or values[letter] < 1:
                    break
                values[letter] = int(values[letter])
            else:
                if all(holds(values) for _, holds, _ in self.where) and (not self.runnable or runs(values)):
                    try:
                        self.formula.values(values, self.convention)  # a derived formula counts beyond its domain
                        yield point, self.formula.count(**values, convention=self.convention)
                    except DomainError:
                        continue


def runs(values):
    """Whether there are as many heads for each key-value head, and enough experts."""
    return ("K" not in values or values["A"] % values["K"] == 0) and values.get("k", 1) <= values.get("E", 1)


@st.composite
def problems(draw):
    name = draw(st.sampled_from(NAMES))
    f = formula(name)
    symbols = [e.letter for e in f.notation]
    known = {n: FIXED.get(n, f.defaults.get(n, 3)) for n in symbols if not (n in f.filled and draw(st.booleans()))}
    candidates = [n for n in symbols if n in "HINAKEVMdk" and n in known]
    free = draw(st.lists(st.sampled_from(candidates), min_size=1, max_size=3, unique=True))
    ranges = {}
    for letter in free:
        start = draw(st.integers(entry(letter).minimum, 9))
        step = draw(st.sampled_from([1, 1, 2, 4, 8]))
        ranges[letter] = range(start, start + step * draw(st.integers(1, 14)), step)
    fixed = {n: v for n, v in known.items() if n not in ranges}
    problem = Problem(name, draw(st.sampled_from(["unique", "per_layer", "non_embedding", "active"])), ranges, fixed)
    problem.runnable = draw(st.booleans())
    for letter in ("I", "A", "K"):
        if letter in fixed and draw(st.integers(0, 2)) == 0:
            rule = draw(st.sampled_from(RULES[letter]))
            needs = {n for n in "HNA" if n in rule[0].replace("max", "").replace("min", "")}
            if needs <= known.keys():
                problem.rules[letter] = rule
                del fixed[letter]
    for condition in draw(st.lists(st.sampled_from(CONDITIONS), max_size=2, unique_by=lambda c: c[0])):
        if set(condition[2]) <= known.keys():
            problem.where.append(condition)
    return problem


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(problems(), st.data())
def test_the_solutions_are_those_of_brute_force(problem, data):
    everything = list(problem.points())
    counts = sorted({count for _, count in everything})
    target = data.draw(st.sampled_from(counts) if counts else st.integers(1, 10**5))
    target = max(1, target + data.draw(st.sampled_from([0, 0, 1, -1, 37])))
    tolerance = data.draw(st.sampled_from([0, 5, "1%", "20%", "-10%", "+10%"]))
    arguments = {
        "free": problem.ranges,
        "fixed": {**problem.fixed, **{n: text for n, (text, _) in problem.rules.items()}},
        "where": [text for text, _, _ in problem.where],
        "convention": problem.convention,
        "tolerance": tolerance,
        "limit": None,
        "runnable": problem.runnable,
        "rank": "distance",
    }
    low, high = window(target, tolerance)
    wanted = {point: count for point, count in everything if low <= count <= high}
    below = max((c for c in counts if c < low), default=None)
    above = min((c for c in counts if c > high), default=None)
    try:
        found = sc.solve(problem.formula, target, **arguments)
    except (BudgetError, DomainError) as caught:
        error = caught
    else:
        error = None
    if isinstance(error, BudgetError):
        assert "out of reach" in str(error)
        assert not wanted
        assert (below is None) != (above is None)
        assert f"{below or above:,}" in str(error)
        return
    if error is not None:
        assert any(words in str(error) for words in ("contradictory", "never holds", "not searched"))
        assert not everything
        return
    got = {tuple(s.values[n] for n in problem.ranges): s.count for s in found}
    assert got == wanted
    assert found.number == len(found) == len(wanted)
    deviations = [abs(s.deviation) for s in found]
    assert deviations == sorted(deviations)
    if not wanted and len(problem.ranges) > 1:
        [near] = found.neighbours
        assert (near.below and near.below.count, near.above and near.above.count) == (below, above)


def window(target, tolerance):
    if isinstance(tolerance, int):
        return target - tolerance, target + tolerance
    hundredths = int(tolerance.strip("+-%")) * target
    down, up = target - hundredths // 100, target + hundredths // 100
    return (target if tolerance[0] == "+" else down), (target if tolerance[0] == "-" else up)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(problems(), st.data())
def test_two_budgets_at_once(problem, data):
    other = data.draw(st.sampled_from(["active", "non_embedding", "per_layer", "unique"]))
    assume(other != problem.convention)
    first = dict(problem.points())
    problem2 = Problem(
        problem.name, other, problem.ranges, problem.fixed, problem.rules, problem.where, problem.runnable
    )
    second = dict(problem2.points())
    assume(first)
    point = data.draw(st.sampled_from(sorted(first)))
    budgets = {problem.convention: first[point], other: max(1, second[point])}
    wanted = {
        p
        for p in first
        if window(first[point], "20%")[0] <= first[p] <= window(first[point], "20%")[1]
        and window(budgets[other], "20%")[0] <= second[p] <= window(budgets[other], "20%")[1]
    }
    assume(wanted)
    found = sc.solve(
        problem.formula,
        budgets,
        free=problem.ranges,
        fixed={**problem.fixed, **{n: text for n, (text, _) in problem.rules.items()}},
        where=[text for text, _, _ in problem.where],
        tolerance="20%",
        limit=None,
        runnable=problem.runnable,
    )
    assert {tuple(s.values[n] for n in problem.ranges) for s in found} == wanted
    for s in found:
        assert s.counts == {problem.convention: first[tuple(s.values[n] for n in problem.ranges)],
                            other: second[tuple(s.values[n] for n in problem.ranges)]}  # fmt: skip


H_N = {"H": range(1, 41), "N": range(1, 13)}
EXHAUSTIVE = [
    ("H/N < 9", lambda H, N: H < 9 * N),
    ("H/N <= 9", lambda H, N: H <= 9 * N),
    ("H/N > 3", lambda H, N: H > 3 * N),
    ("H/N >= 3", lambda H, N: H >= 3 * N),
    ("H == 3*N", lambda H, N: H == 3 * N),
    ("H != 3*N", lambda H, N: H != 3 * N),
    ("(N - 4)*H >= 10", lambda H, N: (N - 4) * H >= 10),
    ("(N - 4)*(H - 20) < 5", lambda H, N: (N - 4) * (H - 20) < 5),
    ("(H - 20)//3 * N >= -30", lambda H, N: (H - 20) // 3 * N >= -30),
    ("(N - 7)//2 * H < (H - 11)//4 * N", lambda H, N: (N - 7) // 2 * H < (H - 11) // 4 * N),
    ("H % N == 0", lambda H, N: H % N == 0),
    ("H % (N - 3) == 0", lambda H, N: N != 3 and H % (N - 3) == 0),
    ("(H + N) % 5 == 0", lambda H, N: (H + N) % 5 == 0),
    ("H/2 + N/3 == 10", lambda H, N: 3 * H + 2 * N == 60),
    ("max(H/3, N) > 7", lambda H, N: max(H, 3 * N) > 21),
    ("max(H, N)/3 < 7", lambda H, N: max(H, N) < 21),
    ("N**2 < H and H < N**3", lambda H, N: N**2 < H < N**3),
]


@pytest.mark.parametrize(("text", "holds"), EXHAUSTIVE, ids=lambda v: v if isinstance(v, str) else "")
def test_every_condition_on_every_point(text, holds):
    found = sc.solve("bert", ">=1", free=H_N, where=text, limit=None)
    assert {(s.values["H"], s.values["N"]) for s in found} == {p for p in product(*H_N.values()) if holds(*p)}


def test_a_rule_that_takes_something_away():
    """A floor that may be negative times symbols that are not known yet: their largest values bound nothing."""
    f = formula("bert")
    fixed = {"V": 3, "L": 2, "T": 1}
    counts = {p: f.count(H=p[0], N=p[1], I=40 + (p[0] - 90) // 3, **fixed) for p in product(*H_N.values())}
    for target in sorted(counts.values())[::9]:
        found = sc.solve(f, target, tolerance="3%", free=H_N, fixed={**fixed, "I": "40 + (H - 90)//3"}, limit=None)
        low, high = window(target, "3%")
        wanted = {p: c for p, c in counts.items() if low <= c <= high}
        assert {(s.values["H"], s.values["N"]): s.count for s in found} == wanted


def test_a_negative_coefficient_and_a_symbol_that_may_be_nothing():
    """Dense layers first: `d` may be 0, and more of it makes the model smaller."""
    H, I, N, E, d = letters("H I N E d")
    dense = block("Dense", mlp=layers.Linear(H, I))
    sparse = block("Sparse", mlp=Block("", "Experts", (Parameter("weight", (E, H, I)),)))
    tree = block("Own", dense=stack(d, dense), sparse=stack(N - d, sparse)).given(relation(N, ">=", d))
    f = Formula(tree, Notation(tuple(entry(n) for n in "HINEd")), "Own")
    ranges = {"H": range(1, 9), "N": range(1, 7), "d": range(7), "E": range(1, 5)}
    counts = {}
    for H, N, d, E in product(*ranges.values()):
        if d <= N:
            counts[H, N, d, E] = f.count(H=H, N=N, d=d, E=E, I=5)
    for target in (20, 60, 100, 175, 300, 480):
        found = sc.solve(f, target, tolerance="10%", free=ranges, fixed={"I": 5}, limit=None)
        low, high = window(target, "10%")
        assert {tuple(s.values[n] for n in "HNdE"): s.count for s in found} == {
            p: c for p, c in counts.items() if low <= c <= high
        }
