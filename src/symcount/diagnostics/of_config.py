"""The notes on a config that the atlas counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from symcount.atlas.counting import Counter, Found, counter
from symcount.atlas.record import Layout
from symcount.atlas.variant import Variant
from symcount.core.records import Record
from symcount.diagnostics.note import Note
from symcount.diagnostics.tied import TiedHead, tied_head
from symcount.diagnostics.verdicts import Doubt, SectionKeys, Verdict, Verdicts, sections_of
from symcount.diagnostics.words import words
from symcount.exact.arithmetic import Number as Value

__all__ = ["Case", "Teller", "Worth", "none_given", "of_section", "teller"]

_LONGEST = 200  # of a key that a note names
_DEEPEST = 3  # of the parts of a sub-config
_LABELS = frozenset({"num_labels"})
_TIED = "tie_word_embeddings"


class Case(Record):
    """A count on which there may be notes.

    Attributes:
        name: the class.
        values: the numbers that were used, by dotted config field.
        counts: whether the count depended on the value of a field.
        head: the tied head, if the model has one.
        total: the count, `unique`.
    """

    name: str
    values: Mapping[str, Value]
    counts: Callable[[str], bool]
    head: Callable[[], TiedHead | None]
    total: Callable[[], int]


class Worth(NamedTuple):
    """Keys of a section that may be worth a note.

    Attributes:
        path: of the section.
        own: what it says.
        keys: those keys.
        verdicts: what is known of its keys.
    """

    path: str
    own: Mapping[str, Any]
    keys: list[str]
    verdicts: Verdicts


class Teller:
    """Tells what is to be said beside the counts of one atlas."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._known: dict[int, tuple[Layout, list[tuple[str, list[str], Verdicts]]]] = {}
        self._heads: dict[int, tuple[Variant, TiedHead | None]] = {}

    def notes(self, fields: Mapping[str, Any], found: Found) -> list[Note]:
        """The notes on a config that was read as *found*."""
        return self.told(fields, found, self.worth(fields, found.layout))

    def worth(self, fields: Mapping[str, Any], layout: Layout) -> list[Worth]:
        """The keys of a config that may be worth a note, by their section; of most configs there are none."""
        known: list[Worth] = []
        for path, parts, verdicts in self._sections(layout):
            own: Any = fields
            for part in parts:
                own = own.get(part) if isinstance(own, dict) else None
            if not isinstance(own, Mapping) or own.keys() <= verdicts.clean:
                continue
            if keys := [key for key in own if verdicts[key] is not None]:
                known.append(Worth(path, own, keys, verdicts))
        return known

    def told(self, fields: Mapping[str, Any], found: Found, worth: Iterable[Worth]) -> list[Note]:
        """The notes on a config that was read as *found*, in which these keys may be *worth* one."""
        notes: list[Note] = []
        for path, own, keys, verdicts in worth:
            notes += of_section(path, own, keys, verdicts, fields, self._case(found))
        if len(found.reading.stated) < 2 and found.reading.stated <= _LABELS:
            notes += none_given(found.entry.name, found.layout.numbers)
        return notes

    def sections(self, layout: Layout) -> dict[str, Verdicts]:
        """What is known of the keys of a layout, by section."""
        return {path: verdicts for path, _, verdicts in self._sections(layout)}

    def _sections(self, layout: Layout) -> list[tuple[str, list[str], Verdicts]]:
        known = self._known.get(id(layout))
        if known is None:  # the layout is kept, so that no other has its id
            made = [(path, path.split(".") if path else [], Verdicts(s)) for path, s in sections_of(layout).items()]
            known = self._known[id(layout)] = layout, made
        return known[1]

    def _case(self, found: Found) -> Case:
        return Case(
            found.entry.name,
            found.reading.values,
            lambda path: path in found.variant.paths or path in found.layout.switches,
            lambda: self._head(found),
            lambda: self._counter.totals(found)["unique"],
        )

    def _head(self, found: Found) -> TiedHead | None:
        known = self._heads.get(id(found.variant))
        if known is None:  # the same: it is kept
            head = tied_head(self._counter.atlas, found.entry, found.variant)
            known = self._heads[id(found.variant)] = found.variant, head
        return known[1]


def none_given(name: str, sizes: Iterable[str]) -> Iterator[Note]:
    """The note on a config that gives none of the *sizes*, of which there may be none."""
    if set(sizes) - _LABELS:
        yield Note(f"none of the sizes of {name} is given; all have their defaults", doubtful=True)


def of_section(
    path: str,
    own: Mapping[str, Any],
    worth: Iterable[str],
    verdicts: Verdicts,
    fields: Mapping[str, Any],
    case: Case,
) -> Iterator[Note]:
    """The notes on those keys of a section that may be worth one.

    Args:
        path: of the section, empty for the config itself.
        own: what the section says.
        worth: keys of it.
        verdicts: what is known of its keys.
        fields: the whole config.
        case: what was counted.
    """
    predicted: list[str] = []
    for key in worth:
        verdict, value = verdicts[key], own[key]
        assert verdict is not None  # noqa: S101  # only these are *worth* a look
        said = f"{path}.{key}" if path else key
        if len(said) > _LONGEST:
            continue
        if verdict.doubt is Doubt.TIED:
            if value is False and not case.counts(said) and (not path or fields.get(_TIED) is None):
                yield from _tied(said, path, case)
        elif verdict.doubt is Doubt.PACKED:
            if isinstance(value, dict) and value:
                yield Note(packed(said, value))
        elif verdict.doubt is Doubt.PREDICTED:
            if type(value) is int and value > 0 and not case.counts(said):
                predicted.append(f"{said} = {value!s:.20}")
        elif verdict.doubt is Doubt.UNREAD:
            if isinstance(value, dict) and describes_a_model(value):
                yield Note(f"{said} is not read by {case.name}: a part that it describes is not counted")
        elif value is not None:
            yield from doubt(said, value, verdict, own, verdicts.section, case)
    if predicted:
        yield Note(
            f"{predicted[0]}: the checkpoint may have layers of multi-token prediction beside those of the model; "
            "transformers does not build them, and they are not counted"
        )


def _tied(said: str, path: str, case: Case) -> Iterator[Note]:
    head = case.head()
    if head is None or ((path or head.within) and path != head.section):
        return
    total = case.total() + head.size(case.values)
    yield Note(
        f"{said} = false is not followed: transformers ties {head.name} to {head.owner} when it builds the model; "
        f"a checkpoint that has both is loaded with {total:,} parameters"
        f"{'' if head.within else f': -o {_TIED}=false'}"
    )


def doubt(
    said: str, value: Any, verdict: Verdict, own: Mapping[str, Any], section: SectionKeys, case: Case
) -> Iterator[Note]:
    """The note on a key that the class does not know, and that may stand for one that it does."""
    if verdict.doubt is Doubt.FOREIGN:
        spellings = {target for alias, target in section.aliases.items() if alias in own}
        left = [size for size in verdict.meant if size not in own and size not in spellings]
        if len(left) < len(verdict.meant) or any(
            same(value, case.values.get(p)) for s in left for p in section.sizes[s]
        ):
            return  # the size is given, or is the same by default
        meant = left[0]
        reason = f"{case.name} spells it {meant}"
    else:
        meant = verdict.meant[0]
        reason = f"{meant} may be meant"
    at = [case.values[p] for p in section.sizes.get(meant, ()) if p in case.values]
    yield Note(f"{said} is not read: {reason}{f', which is {at[0]} here' if len(at) == 1 else ''}", doubtful=True)


def same(stated: Any, value: Value | None) -> bool:
    """Whether a value of a config is the number that was used."""
    return type(stated) in {int, float} and value is not None and stated == value


def describes_a_model(value: Mapping[str, Any], depth: int = _DEEPEST) -> bool:
    """Whether an object is the config of a model: it says a width or a depth, or has parts that do."""
    known = words()
    if any(known.meaning(key) & {"hidden_size", "num_hidden_layers"} for key in value):
        return True
    return depth > 0 and any(isinstance(part, dict) and describes_a_model(part, depth - 1) for part in value.values())


def packed(said: str, value: Mapping[str, Any]) -> str:
    """The note on a quantised checkpoint."""
    method = value.get("quant_method", value.get("quant_algo", value.get("format")))
    bits = value.get("bits", value.get("w_bit"))
    kind = " ".join(str(x) for x in (method, f"{bits} bits" if type(bits) is int else None) if isinstance(x, str))
    return (
        f"{said}{f' ({kind:.60})' if kind else ''}: the model is counted as it is computed with, unpacked; "
        "the checkpoint has quantised weights and their scales"
    )


def teller(version: str = "") -> Teller | None:
    """The teller of the shipped atlas for a version of transformers, `None` where there is none; see `counter`."""
    found = counter(version)
    return None if found is None else _teller_of(found)


@cache
def _teller_of(found: Counter) -> Teller:
    return Teller(found)
