"""All benchmarks in one table: `python -m benchmarks [--quick] [--only NAME] [--write FILE]`."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import os
import sys
from pathlib import Path

from benchmarks.harness import ENVIRONMENT, Row, machine, table

NAMES = ("import", "evaluate", "vector", "count", "derive", "solve", "checkpoint")
INTRODUCTION = """# Results

`python -m benchmarks --write benchmarks/RESULTS.md`, {date}. {machine}.

A ratio is the other's time over symcount's, both measured in turns in the same run, medians of several rounds; times
are processor times on one thread. `accelerate estimate-memory` is not among the others: it takes names of repositories
on the hub only, and asks the hub for them.
"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and once: to see that it runs, not how fast")
    parser.add_argument("--only", choices=NAMES, action="append", help="one benchmark; may be repeated")
    parser.add_argument("--write", metavar="FILE", type=Path, help="write the table and how the costs grow into a file")
    options = parser.parse_args(arguments)
    os.environ.update(ENVIRONMENT)  # before NumPy is loaded: one thread for everything
    rows: list[Row] = []
    growth: list[str] = []
    for name in options.only or NAMES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            module = importlib.import_module(f"benchmarks.{name}_cost")
            rows += module.rows(options.quick)
            growth += module.growth(options.quick) if hasattr(module, "growth") else []
        except ModuleNotFoundError as error:
            print(f"{name}: left out, {error.name} is not installed", file=sys.stderr)
    head = INTRODUCTION.format(date=dt.datetime.now(dt.UTC).date(), machine=machine())
    text = "\n".join([head, table(rows), "", "## How the costs grow", "", "\n\n".join(growth), ""])
    print(text)
    if options.write:
        options.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
