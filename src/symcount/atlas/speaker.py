"""Which release of transformers answers for a config: classes and their config classes differ from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from symcount.atlas.counting import Counter, counter
from symcount.atlas.record import Entry
from symcount.atlas.store import atlas
from symcount.config.releases import installed, number
from symcount.errors import ConfigError, SymcountError, UncoveredError, UnknownModelError

__all__ = ["Speaker", "speaker"]


class Speaker(NamedTuple):
    """A release that answers, and why.

    Attributes:
        counter: of that release.
        wanted: the version that it speaks for, which may be one that is not stored.
        reason: why that one, in words.
    """

    counter: Counter
    wanted: str
    reason: str

    @property
    def release(self) -> str:
        """The release."""
        return self.counter.atlas.release

    @property
    def why(self) -> str:
        """The reason in words, and how near the release is to the version that was wanted."""
        if number(self.wanted) == number(self.release):
            return self.reason
        releases = self.counter.atlas.releases
        if number(self.wanted) < number(releases[0]):
            near = "the oldest that is stored"
        elif self.release == releases[-1]:
            near = "the newest that is stored"
        else:
            near = "the last one before it that is stored"
        return f"is {near}; {self.wanted} {self.reason}"


def speaker(fields: Mapping[str, Any], version: str = "", *, exactly: bool = False) -> Speaker | None:
    """The release that answers for a config; `None` where there is no atlas.

    That is the one that is asked for. Else the one that is installed; where none is, and the class is not the same in
    all, the one that the file names in `transformers_version`; else the newest. Of a version between two releases the
    earlier one answers. A class that the installed release does not have is answered for by the next one that does.

    Args:
        fields: of the config.
        version: that is asked for.
        exactly: whether the installed version is not to be answered for by another one that may differ.

    Raises:
        ConfigError: *version* is none.
        UncoveredError: *exactly*, and only another one could answer.
        UnknownModelError: the release that is asked for does not have the class, but others do.
    """
    newest = atlas()
    if newest is None:
        return None
    if version:
        return _asked(_spoken(version, "is asked for"), fields)
    if here := installed():
        found = _spoken(here, "is installed")
    else:
        found = _spoken(newest.release, "is the newest that is stored")
        stated = fields.get("transformers_version")
        if isinstance(stated, str) and _differs(found.counter, fields):
            with suppress(ConfigError):  # it may be no version
                found = _spoken(stated, "is what the file names")
    if exactly and number(found.wanted) != number(found.release) and _differs(found.counter, fields):
        raise UncoveredError(f"transformers {found.wanted} is installed, of which no formulas are stored")
    return _having(found, fields)


def _spoken(version: str, reason: str) -> Speaker:
    found = counter(version)
    assert found is not None  # noqa: S101  # there is an atlas
    return Speaker(found, version, reason)


def _entry(found: Counter, fields: Mapping[str, Any]) -> Entry | None:
    try:
        return found.entry(fields)
    except SymcountError:  # told where it is counted
        return None


def _differs(found: Counter, fields: Mapping[str, Any]) -> bool:
    """Whether the class of a config is not the same in all releases."""
    entry = _entry(found, fields)
    return entry is not None and bool(found.atlas.differing(entry.name, entry.model_type))


def _others(found: Speaker, fields: Mapping[str, Any]) -> list[Speaker]:
    """The other releases that have the class of a config, the next newer one first, then the older ones."""
    releases = found.counter.atlas.releases
    at = releases.index(found.release)
    others = (_spoken(release, "") for release in (*releases[at + 1 :], *reversed(releases[:at])))
    return [one for one in others if _entry(one.counter, fields) is not None]


def _lacks(found: Speaker, fields: Mapping[str, Any]) -> bool:
    try:
        found.counter.entry(fields)
    except UnknownModelError:
        return True
    except SymcountError:  # told where it is counted
        return False
    return False


def _asked(found: Speaker, fields: Mapping[str, Any]) -> Speaker:
    if _lacks(found, fields) and (others := _others(found, fields)):
        entry = _entry(others[0].counter, fields)
        have = sorted((one.release for one in others), key=number)
        raise UnknownModelError(
            f"transformers {found.release} has no {entry.name if entry is not None else 'such class'}; "
            f"{_listed(have)} {'have' if len(have) > 1 else 'has'} it"
        )
    return found


def _having(found: Speaker, fields: Mapping[str, Any]) -> Speaker:
    if not _lacks(found, fields) or not (others := _others(found, fields)):
        return found
    return others[0]._replace(reason=f"has the class; {found.wanted}, which {found.reason}, does not")


def _listed(releases: list[str]) -> str:
    return " and ".join((", ".join(releases[:-1]), releases[-1])) if len(releases) > 1 else releases[0]
