"""What changed in transformers since an atlas was built: classes of which it has no entry, or another one.

Each class is one line of a journal, written the moment it is known, so that it is continued where it stopped.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from symcount.survey import journal as journals
from symcount.survey.build import key_of, read_journal
from symcount.survey.rows import versions
from symcount.survey.workers import Candidate, Service, answers

__all__ = ["changes"]

Row = dict[str, Any]


def changes(
    chosen: Iterable[Candidate], atlas: Path, journal: Path, *, jobs: int = 1, timeout: float = 120.0
) -> Generator[Row, None, None]:
    """Compare the *chosen* classes with an atlas, and yield a row for each; see `comparing.compared`.

    Closing the iterator ends the processes.

    Raises:
        ConfigError: the journal cannot be read or written, or is something else.
    """
    known = read_journal(journal)
    pending = []
    for candidate in chosen:
        row = known.get(key_of(candidate.name, candidate.model_type))
        if row is not None and row.get("versions") == versions() and row.get("atlas") == str(atlas):
            yield row
        else:
            pending.append(candidate)

    def lost(candidate: Candidate, late: bool, said: str) -> Row:  # noqa: ARG001  # late or dead, it is the same here
        return {"class": candidate.name, "model_type": candidate.model_type, "status": "other", "reason": said}

    service: Service[Row] = Service("symcount.survey.comparing", {"path": str(atlas)}, timeout, dict, lost)
    with closing(answers(service, pending, jobs)) as rows:
        for answer in rows:
            row = {**answer, "versions": versions(), "atlas": str(atlas)}
            journals.append(journal, row)
            yield row
