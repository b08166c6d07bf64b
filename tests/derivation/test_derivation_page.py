"""docs/derivation.md shows what a derivation does."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

PAGE = Path(__file__).parents[2] / "docs" / "derivation.md"


def test_the_examples_of_the_page_give_what_is_printed():
    examples = re.findall(r"^```python\n(.*?)^\n```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(f"{e}\n" for e in examples), {}, PAGE.name, PAGE.name, 0)
    report = []
    failures, attempted = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=report.append)
    assert attempted > 10
    assert not failures, "".join(report)


def test_the_page_names_modules_that_there_are():
    text = PAGE.read_text(encoding="utf-8")
    named = [path.rstrip(".").split(".") for path in re.findall(r"`(symcount\.derivation[\w.]+)`", text)]
    assert len(named) > 4
    missing = [path for path in named if not PAGE.parents[1].joinpath("src", *path).with_suffix(".py").exists()]
    assert not missing
