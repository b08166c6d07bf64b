"""`solve`: the published numbers, rankings, budgets at once, nothing found, closed forms, size without end."""

from fractions import Fraction
from importlib import import_module

import numpy as np
import pytest
from sympy import Symbol, expand

import symcount as sc
from symcount.errors import (
    BudgetError,
    DomainError,
    ExpressionError,
    MissingSymbolError,
    UnknownSymbolError,
)
from symcount.solver.api import prepared, search_for
from symcount.solver.search import CHUNK, Search

GRID = {"H": "64..4096:64", "I": "64..16384:64", "N": "1..96"}
BERT = {"V": 30_522, "L": 512, "T": 2}


def whole_grid():
    H, I, N = np.meshgrid(range(64, 4097, 64), range(64, 16385, 64), range(1, 97), indexing="ij")
    counts = sc.formula("bert").compile(vector=True)(H=H, I=I, N=N, **BERT)
    return H.ravel(), I.ravel(), N.ravel(), counts.ravel()


def points(found):
    return {tuple(s.values[n] for n in found.ranges) for s in found}


def test_bert_of_110_million_has_197_configs():
    found = sc.solve("bert", "110M", tolerance="0.1%", free=GRID, limit=None, rank="distance")
    H, I, N, counts = whole_grid()
    hit = abs(counts - 110_000_000) <= 110_000
    assert (found.size, found.number, len(found)) == (1_572_864, 197, 197)
    assert points(found) == set(zip(H[hit].tolist(), I[hit].tolist(), N[hit].tolist(), strict=True))
    assert [str(c) for c in found.left_open] == ["A divides H"]
    assert found.defaults == BERT
    best = found.best[0]
    assert (best.count, best.deviation, best.aspect) == (110_000_704, 704, Fraction(160, 7))
    assert best.relative == Fraction(704, 110_000_000)


def test_cp_sat_and_numpy_find_the_same():
    pytest.importorskip("ortools")
    from benchmarks.solve_cost import side_by_side

    found = side_by_side(rounds=3)  # compares the sets
    assert found["solutions"] == 197
    assert found["cp_sat_over_search"] > 20  # 150 on a quiet machine


def test_a_given_number_of_heads_restricts():
    assert sc.solve("bert", "110M", tolerance="0.1%", free=GRID, fixed={"A": 12}).number == 60
    assert sc.solve("bert", "110M", tolerance="0.1%", free=GRID, fixed={"A": "H/64"}).number == 197


def test_a_large_grid_is_complete():
    found = sc.solve("bert", "110M", tolerance="0.1%", free="H=8..4096:8, I=8..16384:8, N=1..960")
    assert found.size == 512 * 2048 * 960 > 10**9
    count = sc.formula("bert").compile(vector=True)
    number = 0
    I = np.arange(8, 16385, 8)[:, None]
    N = np.arange(1, 961)[None, :]
    for H in range(8, 4097, 8):  # brute force, but where even the smallest model of this width is too large
        if count(H=H, I=8, N=1, **BERT) <= 110_110_000:
            number += int((abs(count(H=H, I=I, N=N, **BERT) - 110_000_000) <= 110_000).sum())
    assert found.number == number


def test_more_solutions_than_fit_a_chunk():
    free = {"V": "1..600", "H": "1..40", "N": "1..30"}
    found = sc.solve("gpt2", "100k", tolerance="40%", free=free, fixed={"L": 7}, limit=3)
    V, H, N = np.meshgrid(range(1, 601), range(1, 41), range(1, 31), indexing="ij")
    counts = sc.formula("gpt2").compile(vector=True)(V=V, H=H, N=N, L=7)
    hit = (counts >= 60_000) & (counts <= 140_000)
    assert found.number == hit.sum() > CHUNK
    assert [abs(s.deviation) for s in found] == sorted(abs(counts[hit] - 100_000).tolist())[:3]


def test_a_symbol_without_a_range_is_bounded_by_the_budget():
    found = sc.solve("bert", "110M", tolerance="0.1%", free="H=64..:64, I=64..:64, N", limit=None)
    closed = {"H": "64..8192:64", "I": "64..2000000:64", "N": "1..9000"}
    assert points(found) == points(sc.solve("bert", "110M", tolerance="0.1%", free=closed, limit=None))
    assert all(r.stop is not None for r in found.ranges.values())
    with pytest.raises(BudgetError, match=r"nothing bounds H \(hidden_size\) from above; give a range: H=FIRST..LAST"):
        sc.solve("bert", ">=110M", free="H, N=1..3")


def test_no_size_is_too_large():
    """Where 64 bits do not do, Python's integers take over: the same answer as for a small model, scaled."""
    big = 10**15
    fixed = {"V": 3 * big, "L": big, "T": 2 * big}
    target = sc.formula("bert").count(H=64, I=big, N=5, **fixed)
    found = sc.solve(
        "bert", target, tolerance=0, free={"H": "1..99", "I": f"{big - 5}..{big + 5}", "N": "1..9"}, fixed=fixed
    )
    assert (64, big, 5) in points(found)
    assert all(s.count == target for s in found)
    target = sc.formula("gpt2").count(H=10**20, V=1, L=1, N=1)
    one = sc.solve("gpt2", target, tolerance="1000", free="H", fixed={"V": 1, "L": 1, "N": 1})
    assert points(one) == {(10**20,)}


def test_one_unknown_of_any_size_is_found_by_halving():
    target = sc.formula("gpt2").count(H=123_456_789, V=50_257, L=1024, N=12)
    found = sc.solve("gpt2", target, tolerance=0, free="H")
    assert points(found) == {(123_456_789,)}
    assert found.closed_form.value == "123,456,789"
    [near] = found.neighbours
    assert (near.below.values["H"], near.above.values["H"]) == (123_456_788, 123_456_790)


RANKS = {
    "distance": lambda v, c: abs(c - 110_000_000),
    "aspect=40": lambda v, c: abs(Fraction(v["H"], v["N"]) - 40),
    "aspect=62.5": lambda v, c: abs(Fraction(v["H"], v["N"]) - Fraction(125, 2)),
    "reference": lambda v, c: sum(abs(Fraction(v[n], r) - 1) for n, r in (("H", 768), ("I", 3072), ("N", 12))),
    "round": lambda v, c: sum(v[n] % 128 != 0 for n in "HI"),
    "round=256": lambda v, c: sum(v[n] % 256 != 0 for n in "HI"),
    "abs(I/H - 4)": lambda v, c: abs(Fraction(v["I"], v["H"]) - 4),
    "-N": lambda v, c: -v["N"],
    "I/H": lambda v, c: Fraction(v["I"], v["H"]),
    "H/(N - 7.5)": lambda v, c: Fraction(2 * v["H"], 2 * v["N"] - 15),
}


@pytest.mark.parametrize("rank", [*RANKS, ("round", "aspect=40"), ("round=256", "-N", "distance")], ids=str)
def test_ranking(rank):
    ranks = [rank] if isinstance(rank, str) else list(rank)
    arguments = {"tolerance": "0.1%", "free": GRID, "rank": rank, "reference": {"H": 768, "I": 3072, "N": 12}}
    everything = sc.solve("bert", "110M", **arguments, limit=None)

    def key(s):
        v = s.values
        return [*(RANKS[r](v, s.count) for r in ranks), abs(s.deviation), v["H"], v["I"], v["N"]]

    keys = [key(s) for s in everything]
    assert keys == sorted(keys)
    first = sc.solve("bert", "110M", **arguments, limit=7)
    assert (first.number, first.best) == (197, everything.best[:7])


def test_the_best_are_kept_while_chunks_come_in(monkeypatch):
    for name in ("ranking", "search"):
        monkeypatch.setattr(import_module(f"symcount.solver.{name}"), "CHUNK", 8)
    for rank in ("aspect=40", "distance"):
        arguments = {"tolerance": "0.1%", "free": GRID, "rank": rank}
        assert (
            sc.solve("bert", "110M", **arguments, limit=2).best
            == sc.solve("bert", "110M", **arguments, limit=None).best[:2]
        )


@pytest.mark.parametrize(
    ("rank", "words"),
    [
        ("aspec", "expected shape, distance, aspect, reference, round or an expression. Did you mean aspect, shape?"),
        ("aspect", "expected shape, distance, aspect=80, reference"),
        ("aspect=H", "expected a number"),
        ("round=0", "expected shape, distance, aspect=80"),
        ("reference", "no reference config is given"),
        ([], "expected one or more of"),
        ("H.x", "attribute access"),
    ],
)
def test_no_ranking(rank, words):
    with pytest.raises(ExpressionError) as caught:
        sc.solve("bert", "110M", free=GRID, rank=rank)
    assert words in str(caught.value)


def test_a_ranking_that_divides_by_zero_says_where():
    with pytest.raises(ExpressionError, match=r"has no value at H = \d+, I = \d+, N = 10"):
        sc.solve("bert", "110M", tolerance="0.1%", free=GRID, rank="H/(N - 10)")


def test_rules_conditions_and_config_fields():
    found = sc.solve(
        "LlamaForCausalLM",
        "7B",
        tolerance="20%",
        free={"hidden_size": range(1024, 8193, 128), "N": "8..96"},
        fixed={"I": "round_to(8*H/3, 256)", "A": "H/128", "K": "A/4"},
        where=["H % A == 0", "64 <= H/N <= 160", "N % 4 == 0"],
        limit=None,
    )
    wanted = {}
    for H in range(1024, 8193, 128):
        for N in range(8, 97, 4):
            A = H // 128
            if A % 4 or not 64 * N <= H <= 160 * N:
                continue
            I = (2 * 8 * H + 3 * 256) // (2 * 3 * 256) * 256
            count = sc.count("LlamaForCausalLM", H=H, I=I, N=N, A=A, K=A // 4)
            if abs(count - 7 * 10**9) <= 1_400_000_000:
                wanted[H, N] = count
    assert {tuple(s.values[n] for n in "HN"): s.count for s in found} == wanted
    assert len(wanted) > 3
    for s in found:
        assert s.values["D"] == 128
        assert sc.count("LlamaForCausalLM", **s.values) == s.count


def test_total_and_active_at_once():
    f = sc.derive("MixtralForCausalLM")
    found = sc.solve(
        f,
        {"unique": "47B", "active": "13B"},
        tolerance="1%",
        free={"E": "2..16", "k": "1..4", "I": "7168..16384:1024", "N": "24..40:4"},
        limit=None,
    )
    published = {"E": 8, "k": 2, "I": 14336, "N": 32}
    assert published in [{n: s.values[n] for n in published} for s in found]
    for s in found:
        assert s.counts == {c: f.count(**s.values, convention=c) for c in ("unique", "active")}
        assert abs(s.counts["unique"] - 47 * 10**9) <= 470_000_000
        assert abs(s.counts["active"] - 13 * 10**9) <= 130_000_000
    alone = sc.solve(f, "47B", tolerance="1%", free=dict(found.space.ranges))
    assert alone.number > found.number


def test_non_embedding():
    found = sc.solve("gpt2", "85M", convention="non_embedding", tolerance="0.1%", free="N, H=64..:64")
    assert (768, 12) in {(s.values["H"], s.values["N"]) for s in found}


# ---------------------------------------------------------------- nothing found


def test_the_nearest_below_and_above():
    *_, counts = whole_grid()
    assert (abs(counts - 110_000_000) > 100).all()
    found = sc.solve("bert", "110M", tolerance=100, free=GRID)
    [near] = found.neighbours
    assert found.number == 0
    assert near.below.count == counts[counts < 110_000_000].max()
    assert near.above.count == counts[counts > 110_000_000].min()
    assert found.best == ()


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ("10k", r"out of reach: the smallest admissible config has [\d,]+ parameters \(H = 64, I = 64, N = 1\)"),
        ("10T", r"out of reach: the largest admissible config has [\d,]+ parameters \(H = 4,096, I = 16,384, N = 96\)"),
    ],
)
def test_out_of_reach(budget, words):
    with pytest.raises(BudgetError, match=words):
        sc.solve("bert", budget, free=GRID)


@pytest.mark.parametrize(
    ("where", "named"),
    [
        (["H < 100", "N > 3", "H > 200"], "H < 100 and H > 200"),
        (["H % 64 == 1"], "H % 64 == 1"),
        (["N == 3", "I >= 64", "N % 2 == 0"], "N == 3 and N % 2 == 0"),
        (["H/N > 100000"], "H/N > 100000"),
    ],
)
@pytest.mark.parametrize("free", [GRID, {"H": "64..:64", "I": "64..:64", "N": None}], ids=["closed", "open"])
def test_contradictory_conditions(where, named, free):
    if where == ["H/N > 100000"] and free is not GRID:
        assert sc.solve("bert", "10T", tolerance="90%", free="H=64..:64, N", where=where).number > 0
        return
    with pytest.raises(DomainError, match=r"contradictory: no config with .*, whatever its count") as caught:
        sc.solve("bert", "110M", free=free, where=where)
    assert f"fulfils {named}, " in str(caught.value)


def test_a_condition_on_fixed_numbers_alone():
    with pytest.raises(DomainError, match="V < 100 never holds: V = 30522"):
        sc.solve("bert", "110M", free=GRID, where="V < 100")
    with pytest.raises(DomainError, match="A divides H never holds: A = 12, H = 100"):
        sc.solve("bert", "110M", free="N", fixed={"H": 100, "A": 12})


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"free": "Q=1..3"}, UnknownSymbolError, "unknown symbol 'Q'"),
        ({"free": "H=1..3, hidden_size"}, ExpressionError, r"H \(hidden_size\) is free twice"),
        ({"free": "H", "fixed": {"H": 3}}, ExpressionError, r"H \(hidden_size\) is free and fixed"),
        ({"free": ""}, ExpressionError, "expected NAME or NAME=RANGE"),
        ({"free": {}}, ExpressionError, "nothing is free"),
        ({"free": "H="}, ExpressionError, "expected NAME or NAME=RANGE"),
        ({"free": {3: "1..4"}}, ExpressionError, "expected the name of a symbol"),
        ({"free": "H=9..3"}, ExpressionError, "reversed"),
        ({"free": "H", "fixed": {"I": "4*I"}}, ExpressionError, "the rule for I needs itself: I → I"),
        ({"free": "H", "fixed": {"I": "A", "A": "I"}}, ExpressionError, "needs itself"),
        ({"free": "H", "fixed": {"I": "4*Q"}}, UnknownSymbolError, "unknown symbol 'Q'"),
        ({"free": "H", "fixed": {"I": 0}}, DomainError, "expected an integer of at least 1, got 0"),
        ({"free": "H", "fixed": {"I": "1/2"}}, DomainError, "expected an integer of at least 1"),
        ({"free": "H", "fixed": {"I": 3.5}}, DomainError, "expected an integer of at least 1"),
        ({"free": "H", "fixed": {"I": [3]}}, ExpressionError, "expected a number or a rule"),
        ({"free": "H", "fixed": {"I": "3", "intermediate_size": "4"}}, DomainError, "given twice"),
        ({"free": "H", "limit": 0}, ExpressionError, "limit 0: expected at least 1"),
        ({"free": "H", "where": "H"}, ExpressionError, "is not a condition"),
        ({"free": "H", "tolerance": "much"}, BudgetError, "tolerance 'much'"),
    ],
    ids=str,
)
def test_mistakes(arguments, error, words):
    with pytest.raises(error, match=words):
        sc.solve("bert", "110M", **arguments)


def test_a_symbol_without_any_value():
    f = sc.formula("bert")
    bare = sc.Formula(f.tree, f.notation)
    with pytest.raises(MissingSymbolError, match=r"no value for I \(intermediate_size\): fix it \(I=…\), make it free"):
        sc.solve(bare, "110M", free="H, N")


# ---------------------------------------------------------------- one unknown


@pytest.mark.parametrize(
    ("model", "free", "fixed", "latex"),
    [
        ("gpt2", "H", {}, r"H = \frac{-(13N + V + L + 2) + \sqrt{(13N + V + L + 2)^2 + 48NP}}{24N}"),
        ("gpt2", "N", {}, r"N = \frac{P - (VH + LH + 2H)}{12H^2 + 13H}"),
        ("bert", "I", {}, None),
        ("bert", "H", {"I": "4*H", "A": "H/64"}, None),
        ("LlamaForCausalLM", "H", {"I": "8*H/3", "A": "H/128"}, None),
        ("LlamaForCausalLM", "K", {}, None),
    ],
)
def test_the_closed_form_is_the_inverse(model, free, fixed, latex):
    budget = 6 * 10**9 if free == "K" else 10**9
    found = sc.solve(model, budget, free=free, fixed=fixed)
    closed = found.closed_form
    if latex:
        assert closed.latex() == latex
    # put into the total it gives the budget, as symbols
    formula = found.space.formula
    total = formula.total
    for _ in range(3):
        total = total.subs({formula.notation[n].symbol: r for n, r in found.space.rules.functions.items()})
    P = Symbol("P", integer=True, positive=True)
    assert expand(total.subs(closed.symbol, closed.expression) - P).simplify() == 0
    below, above = found.neighbours[0].below, found.neighbours[0].above
    value = float(closed.value.replace(",", ""))
    if above is None:
        assert below.values[free] <= value
    else:
        assert below.values[free] <= value <= above.values[free]
        assert below.count < budget < above.count


def test_no_closed_form_where_it_rounds_or_has_a_high_degree():
    assert sc.solve("bert", "110M", free="H=64..:64", fixed={"I": "round_to(8*H/3, 64)"}).closed_form is None
    assert sc.solve("bert", "110M", free="H=1..400", fixed={"I": "H**2"}).closed_form is None


# ---------------------------------------------------------------- watched and interrupted


def test_progress_ends_at_one_and_an_interrupted_search_says_what_it_has():
    search = search_for(*prepared("bert", {}), "110M", tolerance="0.1%", free=GRID)
    assert list(search.steps())[-1] <= 1
    assert search.progress == pytest.approx(1)
    assert search.result().complete
    part = search_for(
        *prepared("gpt2", {}), "100k", tolerance="40%", free={"V": "1..600", "H": "1..40", "N": "1..30"}, fixed={"L": 7}
    )
    next(part.steps())
    answer = part.result()
    assert not answer.complete
    assert 0 < answer.number == part.found
    assert all(60_000 <= s.count <= 140_000 for s in answer)


def test_chunks_stream_every_solution_once():
    ready = search_for(*prepared("bert", {}), "110M", tolerance="0.1%", free=GRID)
    rows = [
        row
        for c in Search(ready.space, ready.budgets).chunks()
        for row in zip(*(c[n].tolist() for n in "HIN"), strict=True)
    ]
    assert len(rows) == len(set(rows)) == 197
