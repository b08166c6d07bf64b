"""The benchmarks run and print their table; how fast anything is, is not asserted here."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.harness import Row, duration, factor, interleaved, table

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["import", "evaluate", "vector", "count", "solve", "checkpoint"])
def test_a_quick_run_makes_a_table(name, tmp_path):
    if name == "solve":
        pytest.importorskip("ortools")
    written = tmp_path / "RESULTS.md"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", name, "--write", str(written)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ)
    text = written.read_text(encoding="utf-8")
    assert done.stdout == text + "\n"
    rows = re.findall(r"^\| (\w+) \| .* \| [\d,.]+ \|[^|]*\|$", text, re.MULTILINE)
    assert rows
    assert re.search(r"\d{4}-\d\d-\d\d\..*Python 3.*sympy 1.*numpy 2", text)


def test_a_row_says_whether_its_target_is_met():
    rows = [Row("b", "work", "other", 0.002, 0.001, 1.0), Row("b", "work", "other", 0.001, 2.5, 500.0)]
    met, missed = (line.split(" | ")[-3:] for line in reversed(table(rows).splitlines()[2:]))
    assert met == ["2.5 s", "2,500", "≥ 500 ✓ |"]
    assert missed == ["1 ms", "0.5", "≥ 1 ✗ |"]


def test_everything_is_measured_in_turns():
    order = []
    times = interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2, least=0)
    assert "".join(order) == "aabb" + "abab"
    assert set(times) == {"a", "b"}


@pytest.mark.parametrize(("value", "text"), [(2.0, "2 s"), (0.0123, "12.3 ms"), (4.5e-5, "45 µs"), (3e-7, "300 ns")])
def test_durations(value, text):
    assert duration(value) == text


def test_factors():
    assert [factor(v) for v in (0.0421, 1.4, 14.23, 4988.4)] == ["0.0421", "1.4", "14.2", "4,988"]
