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
from symcount.atlas.plans import Place, Plan, marked, planned
from symcount.atlas.record import Layout
from symcount.atlas.speaker import Speaker, speaker
from symcount.core.paths import value_at
from symcount.diagnostics import Note, Teller, teller
from symcount.diagnostics.of_config import Worth
from symcount.diagnostics.of_release import of_counts, of_keys, refused
from symcount.ecosystem.files import is_of_library
from symcount.errors import SymcountError, UncoveredError
from symcount.foreign import guarded

__all__ = ["Recognition"]


class Result:
    """What is said of one config.

    Attributes:
        name: the class.
        totals: by convention.
        notes: remarks on them.
        release: of transformers that answered.
        text: as it was written last, if it was; of a stream's configs many are alike.
    """

    __slots__ = ("name", "notes", "release", "text", "totals")

    def __init__(self, name: str, totals: dict[str, int], notes: Sequence[Note], release: str) -> None:
        self.name = name
        self.totals = totals
        self.notes = notes
        self.release = release
        self.text = ""


_FIRST = 4 * 10**18
"""Marks begin here: below 2^63, and beyond any size."""
_NUMBER = re.compile(rb'"(\w+)"\s*:\s*(0|[1-9]\d{0,17})(?=[\s,}])')
_DIGITS = re.compile(rb"(?:0|[1-9]\d{0,17})(?!\d)")
_LONGEST = 2**20  # bytes of the lines that are learnt of one form
_FREE = 64  # numbers of a template
_ALIKE = 8  # templates that differ in nothing but digits
_MOST = 4000  # templates that are kept
_MOST_BYTES = 2**24  # of their texts
_RESULTS = 10_000  # that are kept
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
        self._number = self._bytes = 0
        self._results: dict[tuple[_Template, tuple[int, ...]], Result] = {}
        self._lines: dict[bytes, Result] = {}
        self._held = 0

    def keep(self, line: bytes, result: Result) -> Result:
        """The *result* of a line, which may come once more as it is: many checkpoints have the same config."""
        self._held += len(line)
        if self._held > _MOST_BYTES:
            self._lines.clear()
            self._held = len(line)
        self._lines[line] = result
        return result

    def counted(self, line: bytes) -> Result | None:
        """What is said of a config; `None` where it is not recognised, or is refused."""
        if (same := self._lines.get(line)) is not None:
            return same
        alike = self._templates.get(line.translate(None, b"0123456789"), [])
        for i, template in enumerate(alike):
            if template is None or (numbers := template.numbers(line)) is None:
                continue
            if i:  # the one that was met last is tried first
                alike.insert(0, alike.pop(i))
            key = (template, template.used(numbers))
            result = self._results.get(key)
            if result is None and (result := template.counted(numbers)) is not None:
                if len(self._results) >= _RESULTS:
                    self._results.clear()
                self._results[key] = result
            return result
        return None

    def learn(self, line: bytes, fields: Mapping[str, Any]) -> bool:
        """Keep how a line is counted, if one like it came before; whether it is known now."""
        form = line.translate(None, b"0123456789")
        if hash(form) not in self._seen:
            if len(self._seen) >= _SEEN:
                self._seen.clear()
            self._seen.add(hash(form))
            return False
        number = 1 + len(self._templates.get(form, ()))
        if number > _ALIKE or number * len(line) > _LONGEST:
            return False
        self._number += 1
        self._bytes += 2 * len(line)  # its form as well
        if self._number > _MOST or self._bytes > _MOST_BYTES:
            self._templates.clear()
            self._results.clear()
            self._number, self._bytes = 1, 2 * len(line)
        try:
            found = _template(line, fields, self._version)
        except SymcountError:  # told where it is counted
            found = None
        self._templates.setdefault(form, []).append(found)
        return found is not None


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
        self._used = sorted(set().union(*(plan.places for plan in plans.values() if isinstance(plan, Plan))))
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

    def used(self, numbers: Sequence[int]) -> tuple[int, ...]:
        """Those of the free *numbers* on which the count depends."""
        return tuple([numbers[place] for place in self._used])

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
        return Result(found.entry.name, totals, notes, speaks.release)

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


@guarded
def _template(line: bytes, fields: Mapping[str, Any], version: str) -> _Template | None:
    """The template of a config; `None` if there can be none.

    Raises:
        SymcountError: the config is not counted.
    """
    if not line.startswith(b"{") or b'"__float__"' in line or not fields.get("architectures"):
        return None
    speaks = speaker(fields, version)
    tell = None if speaks is None else teller(speaks.release)
    if speaks is None or tell is None or is_of_library(fields):
        return None
    counters = _counters(speaks, fields)
    where = _places(line, fields, tell, speaks)
    while True:
        marks = {_FIRST + i: place for i, place in enumerate(where)}
        with_marks = marked(fields, marks)
        plans: dict[str, Plan | str] = {}
        wrong: set[int] = set()
        for release, one in counters.items():
            if isinstance(one, str):
                plans[release] = one
            else:
                plans[release], deciding = planned(one, with_marks, marks)
                wrong |= deciding
        if not wrong:
            break
        where = {place: where[place] for mark, place in marks.items() if mark not in wrong}
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
    layouts = speaks.counter.layouts(speaks.counter.entry(fields), fields)
    others = {(path, key) for layout in layouts for path, _, keys, _ in tell.worth(fields, layout) for key in keys}
    sections: dict[str, Mapping[str, Any]] = {}
    for layout in layouts:
        for path, rules in layout.sections.items():
            own = value_at(fields, path)
            if isinstance(own, dict):
                sections[path] = own
                pairs = [*rules.aliases.items(), ("num_labels", "id2label")]  # two spellings are compared
                others |= {(path, key) for pair in pairs if own.keys() >= set(pair) for key in pair}
    places = [
        (path, key)
        for path, own in sections.items()
        for key, value in own.items()
        if type(value) is int and value < _FIRST and (path, key) not in others
    ]
    keys = {key.encode() for _, key in places}
    spans = [found.span(2) for found in _NUMBER.finditer(line) if found[1] in keys]
    edges = [0, *(edge for span in spans for edge in span), len(line)]
    between = [line[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    marks = iter(range(_FIRST, _FIRST + len(spans)))
    numbered = json.loads(b"".join(text for part in between for text in (part, b"%d" % next(marks, 0)))[:-1])
    found: dict[Place, tuple[int, int]] = {}
    for path, key in places:
        mark = value_at(numbered, path)[key]
        if type(mark) is int and mark >= _FIRST:
            found[path, key] = spans[mark - _FIRST]
    return dict(sorted(found.items(), key=lambda item: item[1])[:_FREE])
