"""Building the atlas: every class of transformers' auto mappings, in processes that may hang, die or be killed.

Each class is one line of a journal beside the atlas, written the moment it is known, so that an interrupted build is
continued where it stopped. The atlas itself is written once, at the end, at once or not at all.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from symcount.atlas import store
from symcount.atlas.record import Entry, Layout
from symcount.atlas.trees import Pool
from symcount.atlas.work import EFFORT
from symcount.derive.examine import versions
from symcount.derive.pool import Candidate, Service, answers
from symcount.errors import ConfigError

__all__ = ["assemble", "build", "journal_of", "read_journal"]

Row = dict[str, Any]


def journal_of(output: Path) -> Path:
    """Where the rows of a build are kept."""
    return output.with_name(f"{output.name}.jsonl")


def read_journal(path: Path) -> dict[str, Row]:
    """The rows of a journal by class, the last one of each; a line that was cut off is left out.

    Raises:
        ConfigError: the file cannot be read, or is something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from None
    rows = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows[str(row["class"])] = row
        except (ValueError, KeyError, TypeError):
            if number == len(lines):
                break  # the process was killed while it wrote
            raise ConfigError(f"{path}: line {number} is not a row of a build; give another file") from None
    return rows


def build(
    chosen: Iterable[Candidate], journal: Path, *, jobs: int = 1, timeout: float = 600.0, effort: int = EFFORT,
    trials: int = 8, resume: bool = True,
) -> Generator[Row, None, None]:  # fmt: skip
    """Measure the *chosen* classes in parallel processes, and yield a row for each as it becomes known.

    Closing the iterator ends the processes.

    Raises:
        ConfigError: the journal cannot be read or written, or is something else.
    """
    known = read_journal(journal) if resume else {}
    if not resume:
        journal.unlink(missing_ok=True)
    pending = []
    for candidate in chosen:
        row = known.get(candidate.name)
        if row is not None and row.get("versions") == versions() and "layouts" in row:
            yield row
        else:
            pending.append(candidate)

    def lost(candidate: Candidate, late: bool, said: str) -> Row:  # noqa: ARG001  # late or dead, it is the same here
        return {"class": candidate.name, "model_type": candidate.model_type, "base": candidate.base, "reason": said}

    terms = {"effort": effort, "trials": trials}
    service: Service[Row] = Service("symcount.atlas.examine", terms, timeout, dict, lost)
    with closing(answers(service, pending, jobs)) as rows:
        for answer in rows:
            row = {**answer, "versions": versions()}
            _append(journal, row)
            yield row


def _append(path: Path, row: Row) -> None:
    """Add a line in a single write."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, (json.dumps(row) + "\n").encode("utf-8"))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None


def assemble(rows: Iterable[Row], output: Path, activations: Iterable[str], bases: Mapping[str, str]) -> dict[str, Any]:
    """Write the atlas of the rows that have layouts; what it has.

    Raises:
        ConfigError: it cannot be written.
    """
    families: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.get("layouts"):
            families[row["said"]].append(row)
    summary = {"classes": 0, "base models": 0, "formulas": 0, "points": 0, "configs": 0}
    packed = []
    for model_type in sorted(families):
        pool = Pool()
        entries: dict[str, Any] = {}
        for row in sorted(families[model_type], key=lambda r: str(r["class"])):
            numbers = [pool.add(tree) for tree in row["trees"]]
            layouts = json.loads(json.dumps(row["layouts"]))
            for layout in layouts:
                for formula in layout["formulas"]:
                    formula["tree"] = numbers[formula["tree"]]
                    summary["points"] += formula["points"]
                summary["formulas"] += len(layout["formulas"])
                summary["configs"] += layout.get("configs", 0)
            entry = Entry(row["class"], model_type, row["base"], row["effort"], [Layout.from_json(x) for x in layouts])
            entries[row["class"]] = entry.to_json()
            summary["classes"] += 1
            summary["base models"] += row["base"]
        packed.append((model_type, entries, pool.to_json()))
    store.write(output, packed, bases, activations, versions(), summary)
    return summary
