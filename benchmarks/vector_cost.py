"""Totals of BERT by the million: `compile(vector=True)` beside NumPy, numexpr and a fused loop of numba.

Each gets the same arrays of int64 and gives the same array. symcount finds the largest and smallest value of each array
first, and refuses what could leave 64 bits; the others compute whatever comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sympy import lambdify

import symcount as sc
from benchmarks.harness import Row, interleaved, run, series

FIXED = {"V": 30_522, "L": 512, "T": 2}
FORMULA = sc.formula("BertForMaskedLM")


def horner(H: Any, I: Any, N: Any, V: int, L: int, T: int) -> Any:
    return H * (H + (V + L + T + 5)) + V + N * (H * (4 * H + 2 * I + 9) + I)


def fused(H: Any, I: Any, N: Any, V: int, L: int, T: int) -> Any:
    """What numba compiles for arrays of one length."""
    out = np.empty(H.shape[0], np.int64)
    for i in range(H.shape[0]):
        out[i] = H[i] * (H[i] + (V + L + T + 5)) + V + N[i] * (H[i] * (4 * H[i] + 2 * I[i] + 9) + I[i])
    return out


def flat(number: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {n: rng.integers(1, top, number) for n, top in (("H", 4096), ("I", 16_384), ("N", 96))}


def grid(scale: int) -> dict[str, np.ndarray]:
    axes = np.ix_(np.arange(1, 64 * scale), np.arange(1, 256), np.arange(1, 96))
    return dict(zip("HIN", axes, strict=True))


def methods(sizes: dict[str, np.ndarray], all_of_them: bool = True) -> dict[str, Callable[[], Any]]:
    letters = [*sizes, *FIXED]
    values = {**sizes, **FIXED}
    fast = FORMULA.compile(vector=True)
    plain = lambdify([FORMULA.notation[n].symbol for n in letters], FORMULA.expanded(), "numpy")
    found = {
        "symcount": lambda: fast(**values),
        "Horner's form in NumPy, by hand": lambda: horner(**values),
        "`lambdify` of the expanded total": lambda: plain(*(values[n] for n in letters)),
    }
    if not all_of_them:
        return found
    try:
        import numexpr

        numexpr.set_num_threads(1)
        text = "H * (H + c) + V + N * (H * (4 * H + 2 * I + 9) + I)"
        names = {**sizes, "c": sum(FIXED.values()) + 5, "V": FIXED["V"]}
        found["numexpr, one thread"] = lambda: numexpr.evaluate(text, local_dict=names)
    except ImportError:
        pass
    try:
        import numba

        loop = numba.njit(fused) if sizes["H"].ndim == 1 else numba.vectorize(nopython=True)(horner)
        found["a fused loop of numba"] = lambda: loop(sizes["H"], sizes["I"], sizes["N"], *FIXED.values())
    except ImportError:
        pass
    return found


TARGETS = {"Horner's form in NumPy, by hand": 1.0, "a fused loop of numba": 1 / 3}


def rows(quick: bool) -> Iterator[Row]:
    works = [("1,000 totals, three arrays", flat(1000))]
    if not quick:
        works += [(f"{n:,} totals, three arrays", flat(n)) for n in (1_000_000, 10_000_000)]
        works += [("a grid of 63 × 255 × 95, broadcast", grid(1))]
    for work, sizes in works:
        actions = methods(sizes)
        expected = actions["Horner's form in NumPy, by hand"]()
        for name, action in actions.items():
            assert np.array_equal(action(), expected), name
        times = interleaved(actions, 1 if quick else 11)
        for name, took in times.items():
            if name != "symcount":
                target = TARGETS.get(name) if expected.size > 1000 else None
                yield Row("vector", work, name, times["symcount"], took, target)


def growth(quick: bool) -> Iterator[str]:
    """Totals a second over the number of totals."""
    lines = []
    for number in (10, 1000) if quick else (10, 1000, 10_000, 100_000, 1_000_000, 10_000_000):
        times = interleaved(methods(flat(number), all_of_them=False), 1 if quick else 5)
        rates = [f"{number / took / 1e6:.3g}" for took in times.values()]
        lines.append((number, *rates))
    heads = ("totals", "symcount", "Horner by hand", "`lambdify`")
    yield series("Vector evaluation: millions of totals a second", heads, lines)


if __name__ == "__main__":
    run(rows, growth)
