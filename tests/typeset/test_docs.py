"""docs/typesetting.md says what is so: its commands are run, its Python is executed, its picture is drawn again."""

import re
from pathlib import Path

import pytest

import symcount as sc
from test_readme import agrees, blocks, run_console, run_python

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "typesetting.md").read_text(encoding="utf-8")
SESSIONS = [
    entry.partition("\n")[::2]
    for block in blocks("console", TEXT)
    for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
]


@pytest.mark.parametrize(("command", "output"), SESSIONS, ids=[command for command, _ in SESSIONS])
def test_commands_print_what_is_shown(command, output):
    got = run_console(command)
    assert agrees(output, got), got


def test_python_examples_give_what_is_printed():
    pytest.importorskip("transformers")
    examples = re.findall(r"^```python\n(.*?)^\n```$", TEXT, re.MULTILINE | re.DOTALL)
    run_python("\n".join(f"{example}\n" for example in examples), "typesetting.md")


def test_the_picture_is_of_these_numbers(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "again.svg"
    sc.shares(sc.formula("BertForMaskedLM"), "H", along=["I", "A"]).draw(path)
    labels = re.compile(r"<!-- (.*?) -->")
    assert labels.findall(path.read_text()) == labels.findall((DOCS / "bert-shares.svg").read_text())
