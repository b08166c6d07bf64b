"""docs/memory.md says what is so: its Python is executed."""

from pathlib import Path

from test_readme import blocks, run_python

TEXT = (Path(__file__).parents[2] / "docs" / "memory.md").read_text(encoding="utf-8")


def test_python_examples_give_what_is_printed():
    run_python("\n".join(blocks("python", TEXT)), "docs/memory.md")
