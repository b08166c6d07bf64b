"""The pages of memory and of forward passes say what is so: their Python is executed."""

from pathlib import Path

import pytest

from test_readme import blocks, run_python

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["memory.md", "worked-example.md", pytest.param("forward.md", marks=pytest.mark.slow)])
def test_python_examples_give_what_is_printed(page):
    if page != "memory.md":
        pytest.importorskip("transformers")
    run_python("\n".join(blocks("python", (DOCS / page).read_text(encoding="utf-8"))), f"docs/{page}")
