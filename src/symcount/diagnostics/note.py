"""A note, and what becomes of it where only a config that raises no doubt is wanted."""

from __future__ import annotations

from collections.abc import Iterable

from symcount.core.records import Record
from symcount.errors import DoubtfulError

__all__ = ["Note", "refuse"]


class Note(Record):
    """A remark on a count.

    Attributes:
        text: one line.
        doubtful: whether the config may mean something else than what was counted, which is an error where only
            configs that raise no doubt are wanted (`--strict`); otherwise the number is as meant, and the note says
            what it is not.
    """

    text: str
    doubtful: bool = False


def refuse(notes: Iterable[Note], source: str) -> None:
    """Raise if one of the *notes* says that the config may mean something else.

    Raises:
        DoubtfulError: it does.
    """
    said = "; ".join(note.text for note in notes if note.doubtful)
    if said:
        raise DoubtfulError(f"{source}: {said}")
