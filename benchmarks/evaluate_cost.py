"""One number from a formula: the compiled function and `Formula.count` beside SymPy and handwritten Python.

Every method evaluates the same points, a new one each time: SymPy remembers what it has substituted before.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from sympy import lambdify

import symcount as sc
from benchmarks.harness import Row, interleaved, run

POINTS = 200


def handwritten(V: int, L: int, H: int, I: int, N: int, T: int) -> int:
    return H * (H + V + L + T + 5) + V + N * (H * (4 * H + 2 * I + 9) + I)


def rows(quick: bool) -> Iterator[Row]:
    formula = sc.formula("BertForMaskedLM")
    total = formula.total
    letters = [s.name for s in formula.symbols if s in total.free_symbols]
    symbols = [formula.notation[n].symbol for n in letters]
    rng = random.Random(0)

    def fresh() -> list[dict[str, int]]:
        return [{n: 12 * rng.randint(1, 10**6) for n in letters} for _ in range(POINTS)]

    def over(function: Callable[[dict[str, int]], object]) -> Callable[[], object]:
        return lambda: [function(point) for point in fixed]

    fixed = fresh()
    compiled, numeric = formula.compile(), lambdify(symbols, total, "math")
    actions = {
        "compiled": over(lambda p: compiled(**p)),
        "count": over(lambda p: formula.count(**p)),
        "lambdify": over(lambda p: numeric(*p.values())),
        "handwritten": over(lambda p: handwritten(**p)),
        "subs": lambda: [total.subs({s: p[s.name] for s in symbols}) for p in fresh()],
    }
    point = fixed[0]
    expected = handwritten(**point)
    assert compiled(**point) == formula.count(**point) == numeric(*(point[n] for n in letters)) == expected
    assert total.subs({s: point[s.name] for s in symbols}) == expected
    times = {name: took / POINTS for name, took in interleaved(actions, 1 if quick else 9).items()}
    for name, beside, target in (("subs", "`subs` of SymPy", 500.0), ("lambdify", "`lambdify`", None),
                                 ("handwritten", "a handwritten function", None)):  # fmt: skip
        yield Row("scalar", "`compile()`, one total of BERT", beside, times["compiled"], times[name], target)
    yield Row("scalar", "`count(**values)`, domain checked", "`subs` of SymPy", times["count"], times["subs"])


if __name__ == "__main__":
    run(rows)
