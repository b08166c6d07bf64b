"""The entries of an atlas, extended one by one in processes that may hang, die or be killed.

As a program (`python -m symcount.survey.extensions`) this reads requests from standard input, one JSON object a line,
and answers each with one; see `symcount.survey.workers`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from symcount.atlas.record import Entry
from symcount.survey import journal as journals
from symcount.survey.workers import Candidate, Service, answers, serve

if TYPE_CHECKING:
    from symcount.atlas.record import Layout
    from symcount.atlas.store import Atlas

__all__ = ["WAYS", "entries", "extensions"]

Row = dict[str, Any]
Change = Callable[["Entry", frozenset[str], int], tuple[list["Layout"], list[str], list[list[Any]]]]

#: What is done to entries: everything, flags alone, or what an older release insists on.
WAYS: Final = ("extended", "flags", "insisting")


def extensions(
    rows: Sequence[Mapping[str, Any]], journal: Path, atlas: Path, way: str, *, jobs: int = 1, timeout: float = 300.0
) -> Generator[Row, None, None]:
    """Entries as they are made, each with the row *before*; where one takes too long or fails, it stays as it is.

    Each is a line of the *journal* as soon as it is known, so that what was interrupted goes on where it stopped.

    Args:
        rows: of the entries.
        journal: of this change, and of the same release of transformers.
        atlas: the file that has them.
        way: one of `WAYS`.
        jobs: processes.
        timeout: seconds for one entry.

    Raises:
        ConfigError: the journal cannot be read or written, or is something else.
    """
    known = {row["key"]: row for row in journals.read(journal, _read, "extended entries")}
    keys = {_key(row, way): row for row in rows}
    yield from ({**row, **known[key], "before": row} for key, row in keys.items() if key in known)
    pending = {(str(row["class"]), str(row["model_type"])): key for key, row in keys.items() if key not in known}

    def kept(candidate: Candidate, late: bool, said: str) -> Row:  # noqa: ARG001  # late or dead, it is the same here
        row = keys[pending[candidate.name, candidate.model_type]]
        return {"class": candidate.name, "model_type": candidate.model_type, "layouts": row["layouts"],
                "trees": row["trees"], "notes": [said]}  # fmt: skip

    service: Service[Row] = Service(
        "symcount.survey.extensions", {"atlas": str(atlas), "way": way}, timeout, dict, kept
    )
    chosen = [Candidate(name, model_type, False) for name, model_type in pending]
    with closing(answers(service, chosen, jobs)) as found:
        for answer in found:
            key = pending[answer["class"], answer["model_type"]]
            line = {"key": key, **{name: answer[name] for name in ("layouts", "trees", "notes")}}
            journals.append(journal, line)
            yield {**keys[key], **line, "before": keys[key]}


def _key(row: Mapping[str, Any], way: str) -> str:
    return hashlib.sha256(json.dumps([row["class"], row["model_type"], row["layouts"], way]).encode()).hexdigest()


def _read(row: Any) -> Row:
    return {"key": str(row["key"]), **{name: list(row[name]) for name in ("layouts", "trees", "notes")}}


def entries(atlas: Atlas, release: str, way: str) -> list[Row]:
    """The entries that are looked at: those that a *release* has of its own, or all if it is what it insists on."""
    from symcount.atlas import layers

    here = atlas.at(release)
    if way != "insisting":
        return [*layers.rows_of(here)]
    return [*next(t for t in layers.stored(atlas) if t.versions == here.versions).rows.values()]


def extend(name: str, model_type: str, base: bool, *, atlas: str, way: str) -> Row:  # noqa: ARG001  # as asked
    """The entry of a class, extended; see `extensions`."""
    rows, activations = _known(atlas, way)
    row = rows[name, model_type]
    entry = Entry.from_json({"name": name, "model_type": model_type, "layouts": row["layouts"]})
    found: Row = {"class": name, "model_type": model_type}
    try:
        layouts, notes, more = _change(way)(entry, activations, len(row["trees"]))
    except Exception as error:  # noqa: BLE001  # whatever transformers raises, the entry stays as it is
        return {**found, "layouts": row["layouts"], "trees": row["trees"], "notes": [repr(error)[:300]]}
    items = [layout.to_json() for layout in layouts]
    return {**found, "layouts": items, "trees": [*row["trees"], *more], "notes": notes}


def _change(way: str) -> Change:
    from symcount.survey.schema.extending import extended, insisted

    changes: Mapping[str, Change] = MappingProxyType(
        {"extended": extended, "flags": partial(extended, flags=True), "insisting": insisted}
    )
    return changes[way]


@cache
def _known(path: str, way: str) -> tuple[dict[tuple[str, str], Row], frozenset[str]]:
    from symcount.atlas.store import Atlas
    from symcount.config.releases import release_of
    from symcount.survey.rows import versions

    atlas, release = Atlas(Path(path)), release_of(versions())
    rows = {(row["class"], row["model_type"]): row for row in entries(atlas, release, way)}
    return rows, atlas.at(release).activations


def _ready() -> Row:
    import transformers  # noqa: F401  # before a class's time counts

    return {}


if __name__ == "__main__":
    serve(extend, _ready)
