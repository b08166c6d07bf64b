"""How all benchmarks measure: in turns, in one run, medians; and what they print: one row for each comparison.

Times are processor times, of the process or of its children: another program that wants the same processor makes a
measurement longer to wait for, but hardly changes it. Everything that is compared runs on one thread.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("sympy", "numpy", "numba", "numexpr", "torch", "transformers", "torchinfo", "ortools")
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1", "NUMEXPR_NUM_THREADS": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One comparison: `ours` and `theirs` in seconds for the same work; the goal is a ratio of at least `target`."""

    benchmark: str
    work: str
    beside: str
    ours: float
    theirs: float
    target: float | None = None

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours


def seconds(action: Callable[[], object]) -> float:
    """Processor time of *action* in this process."""
    start = time.process_time()
    action()
    return time.process_time() - start


def interleaved(actions: Mapping[str, Callable[[], object]], rounds: int, least: float = 0.02) -> dict[str, float]:
    """The median time of each action, all of them in turns; short ones are repeated for *least* seconds a turn."""
    repeats = {}
    for name, action in actions.items():
        action()  # what is loaded, compiled or remembered at the first time does not count
        repeats[name] = max(1, int(least / max(seconds(action), 1e-7)))
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            number = range(repeats[name])
            times[name].append(seconds(lambda action=action, number=number: [action() for _ in number]) / len(number))
    return {name: statistics.median(column) for name, column in times.items()}


def process(command: list[str]) -> tuple[float, str]:
    """Processor time of *command*, user's and system's, and what it prints."""

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    start = used()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **ENVIRONMENT})
    return used() - start, done.stdout


def processes(commands: Mapping[str, list[str]], rounds: int) -> tuple[dict[str, float], dict[str, str]]:
    """The median time of each command, all of them in turns, and what each printed last."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    printed = {}
    for _ in range(rounds):
        for name, command in commands.items():
            took, printed[name] = process(command)
            times[name].append(took)
    return {name: statistics.median(column) for name, column in times.items()}, printed


def machine() -> str:
    """The processor, Python and the packages, in a line."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    processors = f"{next(models, platform.processor())}, {platform.machine()}, {os.cpu_count()} processors"
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return f"{processors}; Python {platform.python_version()}, {', '.join(found)}"


def duration(value: float) -> str:
    """Seconds with three digits and a fitting unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def factor(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(rows: Iterable[Row]) -> str:
    """The rows in Markdown."""
    lines = [
        "| benchmark | work | beside | symcount | the other | ratio | target |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        goal = "" if row.target is None else f"≥ {factor(row.target)} {'✓' if row.ratio >= row.target else '✗'}"
        lines.append(
            f"| {row.benchmark} | {row.work} | {row.beside} | {duration(row.ours)} | {duration(row.theirs)} | "
            f"{factor(row.ratio)} | {goal} |"
        )
    return "\n".join(lines)


def series(title: str, heads: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A table of how a cost grows, in Markdown."""
    lines = [f"### {title}", "", "| " + " | ".join(heads) + " |", "|" + "---:|" * len(heads)]
    lines += ["| " + " | ".join(f"{c:,}" if isinstance(c, int) else str(c) for c in row) + " |" for row in rows]
    return "\n".join(lines)


def run(rows: Callable[[bool], Iterable[Row]], growth: Callable[[bool], Iterable[str]] | None = None) -> None:
    """The main program of one benchmark: its table, and how its costs grow."""
    parser = argparse.ArgumentParser(description="One benchmark; python -m benchmarks has all of them in one table.")
    parser.add_argument("--quick", action="store_true", help="small and once: to see that it runs, not how fast")
    quick = parser.parse_args().quick
    os.environ.update(ENVIRONMENT)
    print(machine(), table(rows(quick)), *(growth(quick) if growth else ()), sep="\n\n")
