"""The notes on what other releases of transformers make of a config that the atlas counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from symcount.atlas.counting import Found, counter
from symcount.atlas.record import Layout
from symcount.atlas.speaker import Speaker
from symcount.config.releases import number
from symcount.diagnostics.note import Note
from symcount.diagnostics.verdicts import SectionKeys, sections_of
from symcount.errors import SymcountError, UnknownModelError

__all__ = ["notes_on_release", "of_counts", "of_keys", "refused"]

_LONGEST = 200  # of a key that a note names


def notes_on_release(speaks: Speaker, fields: Mapping[str, Any], found: Found, total: int) -> list[Note]:
    """What other releases say of a config, where it is something else; nothing of most configs.

    Args:
        speaks: the release that counted it.
        fields: the config.
        found: what it was read as.
        total: the count, `unique`.
    """
    if not speaks.counter.atlas.differing(found.entry.name, found.entry.model_type):
        return []
    return [
        *of_counts(speaks, found, total, lambda release: _counted(release, fields)),
        *of_keys(speaks, fields, found),
    ]


def of_counts(speaks: Speaker, found: Found, total: int, counted: Callable[[str], str]) -> Iterator[Note]:
    """The note on what the other releases count, which *counted* says in words for those that have something else."""
    whole = speaks.counter.atlas
    changes = whole.differing(found.entry.name, found.entry.model_type)
    said: dict[str, str] = {}
    for release, before in zip(whole.releases, ["", *whole.releases], strict=False):
        said[release] = counted(release) if release in changes or not before else said[before]
    own = f"{total:,}"
    others = []
    for text, group in groupby(whole.releases, lambda release: said[release]):
        releases = list(group)
        if text != own:
            others.append(f"{releases[0]}{f' to {releases[-1]}' * (len(releases) > 1)}: {text}")
    if others:
        yield Note(f"counted as of transformers {speaks.release}, which {speaks.why}; {'; '.join(others)}")


def _counted(release: str, fields: Mapping[str, Any]) -> str:
    found = counter(release)
    assert found is not None  # noqa: S101  # the release is one of the atlas
    try:
        return f"{found.count(fields)[1]['unique']:,}"
    except SymcountError as error:
        return refused(error)


def refused(error: SymcountError) -> str:
    """In words that a release refuses a config."""
    return "no such class" if isinstance(error, UnknownModelError) else "not covered"


def of_keys(speaks: Speaker, fields: Mapping[str, Any], found: Found) -> Iterator[Note]:
    """The keys of a config that the release does not read, but another one does."""
    whole = speaks.counter.atlas
    changes = whole.differing(found.entry.name, found.entry.model_type)
    own = sections_of(found.layout)
    told = set()
    for release in sorted({whole.releases[0], *changes} - {speaks.release}, key=number, reverse=True):
        entry = whole.at(release).find(found.entry.name, found.entry.model_type)
        layouts = entry.layouts[:1] if entry is not None else []
        checks = {path for layout in layouts for path in layout.checks}
        for path, known in _sections(layouts).items():
            section: Any = fields
            for part in path.split(".") if path else ():
                section = section.get(part) if isinstance(section, Mapping) else None
            if path not in own or not isinstance(section, Mapping):
                continue
            for key in section:
                said = f"{path}.{key}" if path else str(key)
                if (
                    (known.counts(key) or said in checks)
                    and not own[path].knows(key)
                    and said not in told
                    and len(said) <= _LONGEST
                ):
                    told.add(said)
                    yield Note(f"{said} is not read by {found.entry.name} of transformers {speaks.release}; "
                               f"that of {release} reads it")  # fmt: skip


def _sections(layouts: list[Layout]) -> Mapping[str, SectionKeys]:
    return sections_of(layouts[0]) if layouts else {}
