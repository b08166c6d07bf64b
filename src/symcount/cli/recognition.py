"""Configs of a stream that differ from one before only in whole numbers: they are recognised by their text.

The text of a config becomes a `Template`: what stands between its free numbers, and a plan of how these are read.
Another line that has the same between its numbers is not parsed: its numbers go through the plan, which makes the
checks that depend on them. Whatever is not recognised, or is refused, is read as if there were no templates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from symcount.atlas.counting import Counter, counter
from symcount.atlas.plans import Place, Plan, blocked, marked, planned
from symcount.atlas.record import Layout
from symcount.atlas.speaker import Speaker, speaker
from symcount.core.paths import value_at
from symcount.diagnostics import Note, Teller, teller
from symcount.diagnostics.of_config import Worth
from symcount.diagnostics.of_release import of_counts, of_keys, refused
from symcount.ecosystem.files import is_of_library
from symcount.errors import SymcountError, UncoveredError

__all__ = ["Recognition"]

Result = tuple[str, dict[str, int], list[Note], str]

_FIRST = 4 * 10**18
"""Marks begin here: below 2^63, and beyond any size."""
_NUMBER = re.compile(rb"(?<=[\s:,\[])(?:0|[1-9]\d{0,17})(?=[\s,}\]])")
_DIGITS = re.compile(rb"(?:0|[1-9]\d{0,17})(?!\d)")
_LONGEST = 2**16  # of a line that is learnt
_FREE = 64  # numbers of a template
_ALIKE = 8  # templates that differ in nothing but digits
_MOST = 4000  # templates that are kept
_SEEN = 100_000  # lines that are remembered by a number


class Recognition:
    """Counts the lines of a stream that are like earlier ones, in bounded memory.

    Args:
        version: see `speaker`.
    """

    def __init__(self, version: str = "") -> None:
        self._version = version
        self._templates: dict[bytes, list[_Template | None]] = {}
        self._seen: set[int] = set()
        self._number = 0

    def counted(self, line: bytes) -> Result | None:
        """Class, counts, notes and release of a config; `None` where it is not recognised, or is refused."""
        for template in self._templates.get(line.translate(None, b"0123456789"), ()):
            if template is not None and (numbers := template.numbers(line)) is not None:
                return template.counted(numbers)
        return None

    def learn(self, line: bytes, fields: Mapping[str, Any]) -> None:
        """Keep how a line was counted, if one like it came before."""
        form = line.translate(None, b"0123456789")
        if hash(form) not in self._seen:
            if len(self._seen) >= _SEEN:
                self._seen.clear()
            self._seen.add(hash(form))
            return
        known = self._templates.setdefault(form, [])
        if len(known) >= _ALIKE:
            return
        if self._number >= _MOST:
            self._templates.clear()
            self._number, known = 0, self._templates.setdefault(form, [])
        self._number += 1
        known.append(_template(line, fields, self._version))


class _Template:
    """The text of a config with places for its free numbers.

    Args:
        between: what stands between these.
        plans: how they are read, by release.
        fields: the config.
        speaks: the release that answers.
        tell: of its notes.
    """

    def __init__(
        self,
        between: Sequence[bytes],
        plans: Mapping[str, Plan | str],
        fields: Mapping[str, Any],
        speaks: Speaker,
        tell: Teller,
    ) -> None:
        self._first, *self._between = between
        self._plans = plans
        own = plans[speaks.release]
        assert isinstance(own, Plan)  # noqa: S101  # it counted the config
        self._plan = own
        self._fields = fields
        self._speaks = speaks
        self._teller = tell
        self._layouts: dict[int, tuple[Layout, list[Worth], list[Note] | None]] = {}

    def numbers(self, line: bytes) -> list[int] | None:
        """The free numbers of a line; `None` if it is another one."""
        if not line.startswith(self._first):
            return None
        at, numbers = len(self._first), []
        for text in self._between:
            digits = _DIGITS.match(line, at)
            if digits is None:
                return None
            numbers.append(int(digits[0]))
            at = digits.end()
            if not line.startswith(text, at):
                return None
            at += len(text)
        return numbers if at == len(line) else None

    def counted(self, numbers: Sequence[int]) -> Result | None:
        """See `Recognition.counted`."""
        speaks = self._speaks
        try:
            found = self._plan.found(numbers)
            if found is None:
                return None
            totals = speaks.counter.totals(found)
        except SymcountError:
            return None
        known = self._layouts.get(id(found.layout))
        if known is None:
            worth = self._teller.worth(self._fields, found.layout)
            differs = bool(speaks.counter.atlas.differing(found.entry.name, found.entry.model_type))
            keys = list(of_keys(speaks, self._fields, found)) if differs else None
            known = self._layouts[id(found.layout)] = found.layout, worth, keys
        _, worth, keys = known
        notes = self._teller.told(self._fields, found, worth)
        if keys is not None:
            notes += of_counts(speaks, found, totals["unique"], lambda release: self._elsewhere(release, numbers))
            notes += keys
        return found.entry.name, totals, notes, speaks.release

    def _elsewhere(self, release: str, numbers: Sequence[int]) -> str:
        plan = self._plans[release]
        if isinstance(plan, str):
            return plan
        found = plan.found(numbers)
        if found is None:  # what no layout covers
            return refused(UncoveredError())
        try:
            return f"{found.variant.count(found.reading.values)['unique']:,}"
        except SymcountError as error:
            return refused(error)


def _template(line: bytes, fields: Mapping[str, Any], version: str) -> _Template | None:
    """The template of a config that was counted; `None` if there can be none."""
    if len(line) > _LONGEST or not line.startswith(b"{") or b'"__float__"' in line or not fields.get("architectures"):
        return None
    try:
        speaks = speaker(fields, version)
        tell = None if speaks is None else teller(speaks.release)
        if speaks is None or tell is None or is_of_library(fields):
            return None
        counters = _counters(speaks, fields)
        where = _places(line, fields, tell, speaks)
        while True:
            marks = {place: _FIRST + i for i, place in enumerate(where)}
            with_marks = marked(fields, marks)
            wrong = set().union(
                *(blocked(one, with_marks, marks) for one in counters.values() if isinstance(one, Counter))
            )
            if not wrong:
                break
            where = {place: span for place, span in where.items() if place not in wrong}
        numbers = {mark: i for i, mark in enumerate(marks.values())}
        plans = {
            release: planned(one, with_marks, numbers) if isinstance(one, Counter) else one
            for release, one in counters.items()
        }
    except SymcountError:
        return None
    if not where:
        return None
    edges = [0, *(edge for span in where.values() for edge in span), len(line)]
    between = [line[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return _Template(between, plans, fields, speaks, tell)


def _counters(speaks: Speaker, fields: Mapping[str, Any]) -> dict[str, Counter | str]:
    """The releases that are asked for a class, each with its counter, or why it has none."""
    whole = speaks.counter.atlas
    entry = speaks.counter.entry(fields)
    changes = whole.differing(entry.name, entry.model_type)
    found: dict[str, Counter | str] = {speaks.release: speaks.counter}
    for release in {whole.releases[0], *changes} - {speaks.release} if changes else ():
        one = counter(release)
        assert one is not None  # noqa: S101  # the release is one of the atlas
        try:
            one.layouts(one.entry(fields), fields)
            found[release] = one
        except SymcountError as error:  # by names: the numbers are not asked
            found[release] = refused(error)
    return found


def _places(line: bytes, fields: Mapping[str, Any], tell: Teller, speaks: Speaker) -> dict[Place, tuple[int, int]]:
    """The whole numbers of a config and its sub-configs, without those of notes, and where they stand in its text."""
    spans = [found.span() for found in _NUMBER.finditer(line)]
    edges = [0, *(edge for span in spans for edge in span), len(line)]
    between = [line[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    numbers = iter(range(_FIRST, _FIRST + len(spans)))
    numbered = json.loads(b"".join(text for part in between for text in (part, b"%d" % next(numbers, 0)))[:-1])
    found: dict[Place, tuple[int, int]] = {}
    layouts = speaks.counter.layouts(speaks.counter.entry(fields), fields)
    others = {(path, key) for layout in layouts for path, _, keys, _ in tell.worth(fields, layout) for key in keys}
    for layout in layouts:  # what is given in two spellings is compared
        for path, rules in layout.sections.items():
            pairs = [*rules.aliases.items(), ("num_labels", "id2label")]
            own = value_at(fields, path)
            if isinstance(own, dict):
                others |= {(path, key) for pair in pairs if own.keys() >= set(pair) for key in pair}
    for section in dict.fromkeys(path for layout in layouts for path in layout.sections):
        own, real = (value_at(one, section) for one in (numbered, fields))
        if not isinstance(own, dict) or not isinstance(real, dict):
            continue
        for key, value in own.items():
            if (
                type(value) is int
                and value >= _FIRST
                and type(real.get(key)) is int
                and real[key] < _FIRST
                and (section, key) not in others
            ):
                found[section, key] = spans[value - _FIRST]
    return dict(sorted(found.items(), key=lambda item: item[1])[:_FREE])
