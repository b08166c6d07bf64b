"""`import symcount` beside `import sympy`, as processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.harness import Row, processes, run


def rows(quick: bool) -> Iterator[Row]:
    commands = {name: [sys.executable, "-c", f"import {name}"] for name in ("symcount", "sympy")}
    times, _ = processes(commands, 1 if quick else 11)
    yield Row("import", "a process that imports it", "`import sympy`", times["symcount"], times["sympy"])


if __name__ == "__main__":
    run(rows)
