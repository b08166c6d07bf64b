"""What it costs to find every config of a budget: symcount, NumPy brute force and OR-tools CP-SAT, side by side.

    python benchmarks/solve_cost.py            # all three tables
    python benchmarks/solve_cost.py --json     # one JSON object a line

BERT's base model (V = 30,522, L = 512, T = 2, with pooler), 110M ± 0.1%. In one run and in turns, so that load hits
all; the median of the rounds counts. Every method gives all solutions, and they are compared: the sets must be equal.

- symcount: the search on a prepared problem, planning included (`search`), and the whole of `sc.solve` with reading
  what is asked, algebra and ranking (`call`).
- NumPy: the vectorised count on the whole grid and a comparison.
- CP-SAT: the same problem in its own words, tight domains, one worker, all solutions; building the model is not counted
  (`build` is shown beside it).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import product

import numpy as np
from ortools.sat.python import cp_model

import symcount as sc
from symcount.solve.api import hunt
from symcount.solve.search import Search

TARGET, SLACK = 110_000_000, 110_000
FIXED = {"V": 30_522, "L": 512, "T": 2}
FORMULA = sc.formula("bert")


def timed(action: Callable) -> tuple[float, object]:
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def prepared(ranges: dict[str, range]) -> Callable:
    """The search of symcount, on a problem that is put together already: plan, search, points."""
    ready = hunt(FORMULA, TARGET, tolerance=SLACK, free=ranges, fixed=FIXED)

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
    seconds, status = timed(lambda: solver.solve(model, collector))
    assert status == cp_model.OPTIMAL  # with all solutions: the search is complete
    return build, seconds, {tuple(v * s for v, s in zip(row, steps, strict=True)) for row in collector.found}


def side_by_side(rounds: int) -> dict:
    ranges = {"H": range(64, 4097, 64), "I": range(64, 16385, 64), "N": range(1, 97)}
    ours, numpy_search = prepared(ranges), brute_force(ranges)
    times: dict[str, list[float]] = {name: [] for name in ("search", "call", "numpy", "cp_sat", "build")}
    for _ in range(rounds):
        seconds, chunks = timed(ours)
        times["search"].append(seconds)
        seconds, answer = timed(lambda: sc.solve(FORMULA, TARGET, tolerance=SLACK, free=ranges, fixed=FIXED))
        times["call"].append(seconds)
        seconds, places = timed(numpy_search)
        times["numpy"].append(seconds)
        build, seconds, theirs = cp_sat(ranges)
        times["build"].append(build)
        times["cp_sat"].append(seconds)
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
        "cp_sat_over_call": medians["cp_sat"] / medians["call"],
        "numpy_over_search": medians["numpy"] / medians["search"],
    }


def growth(rounds: int) -> list[dict]:
    """How the time grows with the grid: the same window, finer and wider ranges."""
    rows = []
    for step, height in product((64, 16, 4, 1), (96, 960)):
        ranges = {"H": range(step, 4097, step), "I": range(step, 16385, step), "N": range(1, height + 1)}
        search = prepared(ranges)
        seconds = [timed(search) for _ in range(rounds)]
        rows.append({
            "points": len(ranges["H"]) * len(ranges["I"]) * len(ranges["N"]),
            "solutions": sum(len(c["H"]) for c in seconds[0][1]),
            "seconds": statistics.median(s for s, _ in seconds),
        })  # fmt: skip
    return sorted(rows, key=lambda row: row["points"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    first, rows = side_by_side(arguments.rounds), growth(min(5, arguments.rounds))
    machine = {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "versions": {name: version(name) for name in ("numpy", "ortools", "sympy")},
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
    if arguments.json:
        for item in (first, *rows, machine):
            print(json.dumps(item))
        return
    print(f"{first['points']:,} points, {first['solutions']} solutions, the same with all three methods\n")
    for name, label in (
        ("search", "symcount, plan and search"), ("call", "symcount, the whole of sc.solve"),
        ("numpy", "NumPy brute force"), ("cp_sat", "CP-SAT, solving"), ("build", "CP-SAT, building the model"),
    ):  # fmt: skip
        print(f"{label:34} {1000 * first[name]:10.3f} ms")
    print(f"\nCP-SAT over search: {first['cp_sat_over_search']:.0f}; over all: {first['cp_sat_over_call']:.1f}")
    print(f"NumPy over search: {first['numpy_over_search']:.0f}\n")
    print(f"{'points':>18} {'solutions':>12} {'seconds':>10}")
    for row in rows:
        print(f"{row['points']:18,} {row['solutions']:12,} {row['seconds']:10.4f}")
    for key, value in machine.items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    sys.exit(main())
