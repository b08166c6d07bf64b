"""The deliberate breakages of `tests/mutations.py` are still of the code as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutations import MUTATIONS

SOURCES = Path(__file__).parents[1] / "src" / "symcount"


@pytest.mark.parametrize("one", MUTATIONS, ids=lambda one: one.name)
def test_what_a_breakage_replaces_is_there_once(one):
    assert (SOURCES / one.file).read_text(encoding="utf-8").count(one.old) == 1
    assert one.old != one.new
