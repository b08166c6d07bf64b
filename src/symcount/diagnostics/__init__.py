"""What is told beside a number that is right: it may not be that of the checkpoint, or not the one that was meant."""

from symcount.diagnostics.note import Note, refuse
from symcount.diagnostics.of_config import Teller, teller
from symcount.diagnostics.of_release import notes_on_release

__all__ = ["Note", "Teller", "notes_on_release", "refuse", "teller"]
