"""Entries extended in processes of their own: what fails stays as it is, and what is known is not done again."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from symcount.atlas.store import Atlas, default_path
from symcount.cli import run
from symcount.config.releases import release_of
from symcount.errors import ConfigError
from symcount.survey import extensions
from symcount.survey.rows import versions

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")


@pytest.fixture(scope="module")
def row():
    rows = extensions.entries(Atlas(default_path()), release_of(versions()), "flags")
    return next(row for row in rows if row["class"] == "ViTModel")


def test_an_entry_is_extended_once_and_read_from_the_journal_then(row, tmp_path, monkeypatch):
    journal = tmp_path / "flags.jsonl"
    (made,) = extensions.extensions([row], journal, default_path(), "flags")
    assert made["before"] == row
    assert (made["class"], made["notes"]) == ("ViTModel", [])
    assert len(made["trees"]) == len({f["tree"] for layout in made["layouts"] for f in layout["formulas"]})
    monkeypatch.setattr(extensions, "answers", lambda *_: (one for one in ()))
    assert [*extensions.extensions([row], journal, default_path(), "flags")] == [made]
    assert [*extensions.extensions([row], journal, default_path(), "extended")] == []  # another way is another work


def test_what_takes_too_long_stays_as_it_is(row, tmp_path):
    (kept,) = extensions.extensions([row], tmp_path / "late.jsonl", default_path(), "extended", timeout=0.05)
    assert (kept["layouts"], kept["trees"], kept["notes"]) == (row["layouts"], row["trees"], ["took more than 0.05 s"])


def test_a_journal_of_something_else_is_refused(row, tmp_path):
    journal = tmp_path / "other.jsonl"
    journal.write_text('{"something": "else"}\n')
    with pytest.raises(ConfigError, match="extended entries"):
        next(extensions.extensions([row], journal, default_path(), "flags"))


def test_of_two_ways_one_is_asked_for(capsys):
    assert run(["atlas", "extend", "--flags", "--insisting"]) == 2
    assert capsys.readouterr().err.strip() == (
        "error: flags and what a release insists on are looked at one after the other: give one of the two"
    )
