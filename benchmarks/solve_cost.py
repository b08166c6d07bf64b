"""What it costs to find every config of a budget: symcount, NumPy brute force and OR-tools CP-SAT, side by side.

    python -m benchmarks.solve_cost

BERT's base model (V = 30,522, L = 512, T = 2, with pooler), 110M ± 0.1%. In one run and in turns, so that load hits
all; the median of the rounds counts. Every method gives all solutions; the sets are compared and must be equal.

- symcount: the search on a prepared problem, planning included (`search`), and the whole of `sc.solve` with reading
  what is asked, algebra and ranking (`call`).
- NumPy: the vectorised count on the whole grid and a comparison.
- CP-SAT: the same problem in its own words, tight domains, one worker, all solutions; building the model is not counted
  (`build` is shown beside it).

And three things that a long answer or a winding formula costs: a rank by an expression, a table, nested roundings.
"""

from __future__ import annotations

import io
import statistics
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from fractions import Fraction
from itertools import product

import numpy as np
from ortools.sat.python import cp_model
from sympy import Rational

import symcount as sc
from benchmarks.harness import Row, interleaved, run, seconds, series
from symcount.cli.output import show, stream, table
from symcount.exact.evaluate import compile_scalar
from symcount.solver.api import search_for
from symcount.solver.search import Search
from symcount.solver.solution import Solution

TARGET, SLACK = 110_000_000, 110_000
FIXED = {"V": 30_522, "L": 512, "T": 2}
FORMULA = sc.formula("bert")
NESTED = [
    ("BitModel", "hidden_sizes_0", range(64, 257, 64)),
    ("AlignModel", "N_text", range(1, 5)),
    ("EfficientNetModel", "num_block_repeats_1", range(1, 5)),
]


def timed(action: Callable) -> tuple[float, object]:
    results = []
    return seconds(lambda: results.append(action())), results[0]


def prepared(ranges: dict[str, range]) -> Callable:
    """The search of symcount, on a problem that is put together already: plan, search, points."""
    ready = search_for(FORMULA, None, TARGET, tolerance=SLACK, free=ranges, fixed=FIXED)

    def search() -> list[dict]:
        return list(Search(ready.space, ready.budgets).chunks())

    return search


def points(chunks: list[dict]) -> set[tuple[int, ...]]:
    return {row for c in chunks for row in zip(*(c[n].tolist() for n in "HIN"), strict=True)}


def brute_force(ranges: dict[str, range]) -> Callable:
    count = FORMULA.compile(vector=True)
    axes = [np.arange(r.start, r.stop, r.step) for r in (ranges[n] for n in "HIN")]

    def search() -> np.ndarray:
        H, I, N = axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :]
        return np.argwhere(abs(count(H=H, I=I, N=N, **FIXED) - TARGET) <= SLACK)

    return search


class Collector(cp_model.CpSolverSolutionCallback):
    def __init__(self, variables: list) -> None:
        super().__init__()
        self.variables = variables
        self.found: list[tuple[int, ...]] = []

    def on_solution_callback(self) -> None:
        self.found.append(tuple(self.value(v) for v in self.variables))


def cp_sat_model(ranges: dict[str, range]) -> tuple:
    """The count in CP-SAT's words, in multiples of the steps: products are variables of their own."""
    V, L, T = FIXED["V"], FIXED["L"], FIXED["T"]
    model = cp_model.CpModel()
    steps = {n: r.step for n, r in ranges.items()}
    tops = {n: r[-1] // r.step for n, r in ranges.items()}
    h, i, n = (model.new_int_var(ranges[k][0] // steps[k], tops[k], k) for k in "HIN")
    sh, si, sn = (steps[k] for k in "HIN")
    hh = model.new_int_var(1, tops["H"] ** 2, "hh")
    hi = model.new_int_var(1, tops["H"] * tops["I"], "hi")
    model.add_multiplication_equality(hh, [h, h])
    model.add_multiplication_equality(hi, [h, i])
    largest = 4 * sh * sh * tops["H"] ** 2 + 2 * sh * si * tops["H"] * tops["I"] + 9 * sh * tops["H"] + si * tops["I"]
    layer = model.new_int_var(1, largest, "layer")
    model.add(layer == 4 * sh * sh * hh + 2 * sh * si * hi + 9 * sh * h + si * i)
    layers = model.new_int_var(1, TARGET + SLACK, "layers")
    model.add_multiplication_equality(layers, [n, layer])
    total = sn * layers + sh * sh * hh + (V + L + T + 3) * sh * h
    model.add_linear_constraint(total, TARGET - SLACK, TARGET + SLACK)
    return model, [h, i, n], [sh, si, sn]


def cp_sat(ranges: dict[str, range]) -> tuple[float, float, set]:
    build, (model, variables, steps) = timed(lambda: cp_sat_model(ranges))
    solver = cp_model.CpSolver()
    solver.parameters.enumerate_all_solutions = True
    solver.parameters.num_workers = 1
    collector = Collector(variables)
    took, status = timed(lambda: solver.solve(model, collector))
    assert status == cp_model.OPTIMAL  # with all solutions: the search is complete
    return build, took, {tuple(v * s for v, s in zip(row, steps, strict=True)) for row in collector.found}


def side_by_side(rounds: int) -> dict:
    ranges = {"H": range(64, 4097, 64), "I": range(64, 16385, 64), "N": range(1, 97)}
    ours, numpy_search = prepared(ranges), brute_force(ranges)
    times: dict[str, list[float]] = {name: [] for name in ("search", "call", "numpy", "cp_sat", "build")}
    for _ in range(rounds):
        took, chunks = timed(ours)
        times["search"].append(took)
        took, answer = timed(lambda: sc.solve(FORMULA, TARGET, tolerance=SLACK, free=ranges, fixed=FIXED))
        times["call"].append(took)
        took, places = timed(numpy_search)
        times["numpy"].append(took)
        build, took, theirs = cp_sat(ranges)
        times["build"].append(build)
        times["cp_sat"].append(took)
    found = points(chunks)
    brute = {tuple(ranges[n][int(p)] for n, p in zip("HIN", place, strict=True)) for place in places}
    assert found == brute == theirs
    assert answer.number == len(found) == 197
    medians = {name: statistics.median(column) for name, column in times.items()}
    return {
        "points": 64 * 256 * 96,
        "solutions": len(found),
        **medians,
        "cp_sat_over_search": medians["cp_sat"] / medians["search"],
    }


def rows(quick: bool) -> Iterator[Row]:
    found = side_by_side(1 if quick else 15)
    work = f"{found['solutions']} configs of {found['points']:,}: "
    for part, name in (("search", "the search"), ("call", "all of `sc.solve`")):
        for other, beside in (("cp_sat", "CP-SAT, solving only"), ("numpy", "NumPy, the whole grid")):
            yield Row("solve", work + name, beside, found[part], found[other])
    yield ranked(quick)
    yield tabulated(quick)
    for name, letter, numbers in NESTED[:1] if quick else NESTED:
        yield nested(name, letter, numbers[:1] if quick else numbers)


def ranked(quick: bool) -> Row:
    """Solutions in the order of an expression: in vectors, and by the compiled function, row by row."""
    arguments = {"free": "H=1..1736, N", "rank": "abs(H/N - 64)", "tolerance": "0.1%" if quick else "1%"}
    f = sc.formula("gpt2")
    everything = sc.solve(f, "124M", **{**arguments, "rank": "distance"}, limit=None)
    points = [(s.values["H"], s.values["N"]) for s in everything]
    score = f.read("abs(H/N - 64)")
    value = compile_scalar(score)

    def one_by_one() -> list[tuple[int, int]]:
        return sorted(points, key=lambda p: value({"H": p[0], "N": p[1]}))[:10]

    times = interleaved({"ours": lambda: sc.solve(f, "124M", **arguments), "theirs": one_by_one}, 1 if quick else 5)
    first = sc.solve(f, "124M", **arguments)[0].values
    assert value(first) == value(dict(zip("HN", one_by_one()[0], strict=True)))
    work = f"search, and rank {len(points):,} configs by an expression"
    return Row("solve", work, "the ranking alone, row by row", times["ours"], times["theirs"])


def tabulated(quick: bool) -> Row:
    """A long table: streamed, and laid out in memory by rich."""
    found = sc.solve("gpt2", "124M", free="H, N", limit=200 if quick else 20_000, rank="distance")
    letters = ["H", "N"]

    def cells(s: Solution) -> tuple[str, ...]:
        return (*(f"{s.values[n]:,}" for n in letters), f"{s.count:,}")

    def streamed() -> None:
        with redirect_stdout(io.StringIO()):
            stream([*letters, "parameters"], found.best, cells)

    def laid_out() -> None:
        with redirect_stdout(io.StringIO()):
            show(table(*((n, "right") for n in [*letters, "parameters"])), [cells(s) for s in found.best])

    times = interleaved({"ours": streamed, "theirs": laid_out}, 1 if quick else 3)
    return Row("solve", f"a table of {len(found):,} rows", "rich's table of them all", times["ours"], times["theirs"])


def nested(name: str, letter: str, numbers: range) -> Row:
    """A formula of nested roundings: the whole of `sc.solve` beside substituting in SymPy at the same points."""
    f = sc.formula(name)
    given = f.values(f.bound({}))
    known = {e.symbol: Rational(Fraction(given[e.letter])) for e in f.notation if e.letter in given}

    def substituted() -> list[int]:
        return [int(f.total.subs({**known, f.symbol(letter): x})) for x in numbers]

    took, found = timed(lambda: sc.solve(f, ">=1", free={letter: numbers}, limit=None))
    beside, expected = timed(substituted)
    assert sorted(s.count for s in found) == sorted(expected)
    return Row("solve", f"{name}, {len(numbers)} points", "`subs` of SymPy", took, beside)


def growth(quick: bool) -> Iterator[str]:
    """How the time grows with the grid: the same window, finer and wider ranges."""
    found = []
    for step, height in product((64,) if quick else (64, 16, 4, 1), (96, 960)):
        ranges = {"H": range(step, 4097, step), "I": range(step, 16385, step), "N": range(1, height + 1)}
        search = prepared(ranges)
        times = [timed(search) for _ in range(1 if quick else 5)]
        number = len(ranges["H"]) * len(ranges["I"]) * len(ranges["N"])
        solutions = sum(len(c["H"]) for c in times[0][1])
        found.append((number, solutions, f"{1000 * statistics.median(s for s, _ in times):.3g}"))
    yield series("Solving, by the size of the grid", ("points", "solutions", "milliseconds"), sorted(found))


if __name__ == "__main__":
    run(rows, growth)
