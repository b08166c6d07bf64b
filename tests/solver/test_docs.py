"""docs/solving.md says what is so: its Python is executed and its console sessions are run."""

from pathlib import Path

import pytest

from test_readme import agrees, blocks, run_console, run_python, sessions

PAGE = (Path(__file__).parents[2] / "docs" / "solving.md").read_text(encoding="utf-8")


def test_python_examples():
    pytest.importorskip("transformers")
    run_python("\n".join(blocks("python", PAGE)), "solving.md")


@pytest.mark.parametrize(("command", "output"), list(sessions(PAGE)), ids=[c for c, _ in sessions(PAGE)])
def test_console_sessions(command, output):
    got = run_console(command)
    assert agrees(output, got), got
