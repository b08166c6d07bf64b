"""A file against a formula, tensor by tensor: there, missing, beyond what the formula has, or of another shape."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, Literal

from symcount.checkpoints.explain import explain, predictors
from symcount.checkpoints.header import shown
from symcount.checkpoints.loading import Loading
from symcount.checkpoints.logical import LogicalTensor
from symcount.checkpoints.renames import rename
from symcount.core.instances import instances
from symcount.core.ledger import CONVENTIONS, Ledger, Row
from symcount.exact.evaluate import integer_value
from symcount.verification.matching import INDEX, Tensor, match_shapes, pattern, template

__all__ = ["Entry", "Status", "Total", "account", "totals"]

Status = Literal["there", "tied", "missing", "shape", "beyond"]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of the file or of the formula.

    Attributes:
        name: as the model has it; with `*` where it cannot be said which layers lack it.
        status: `there`; `tied`: not written because another name has it; `missing`; of another `shape`; `beyond` what
            the formula has.
        reason: in words why; empty for what is there.
        difference: whether the file is, for this tensor, not what the formula says.
        row: the formula's row.
        expected: the formula's shape.
        actual: the file's shape; `None` where it has no such tensor.
        times: how many tensors are meant.
        stored: how the file has it.
    """

    name: str
    status: Status
    reason: str = ""
    difference: bool = False
    row: Row | None = field(default=None, repr=False)
    expected: Shape | None = None
    actual: Shape | None = None
    times: int = 1
    stored: LogicalTensor | None = field(default=None, repr=False)

    def __str__(self) -> str:
        often = f" ({self.times} times)" if self.times > 1 else ""
        return f"{shown(self.name)}{often}: {self.status}{f', {self.reason}' if self.reason else ''}"


@dataclass(frozen=True)
class Total:
    """One convention: the formula's number, the file's, and the bytes that the file spends on it."""

    convention: str
    formula: int
    file: int
    size: int

    @property
    def equal(self) -> bool:
        """Whether the numbers agree."""
        return self.formula == self.file


def account(
    ledger: Ledger, values: Mapping[str, Any], tensors: Iterable[LogicalTensor], loading: Loading,
    absent: Mapping[str, str],
) -> tuple[Entry, ...]:  # fmt: skip
    """Every tensor of the file, in its order, then what only the formula has.

    Args:
        ledger: of the formula.
        values: by letter.
        tensors: of the file, put together from their packed parts.
        loading: how transformers renames them.
        absent: names that the file's index promises -> the shard that is not there.
    """
    shapes: dict[str, set[Shape]] = defaultdict(set)
    depths: dict[str, Counter[str]] = defaultdict(Counter)
    for row in ledger.rows:
        shapes[template(row.tensor)] |= {shape for shape, _ in instances(row, values)}
        path, star, _ = row.tensor.rpartition(".*.")
        if star and "*" not in path:
            depths[path][row.tensor] += integer_value(row.number, values)
    buffers = frozenset(loading.buffers)
    parts = [p for path in shapes if "*" in INDEX.sub("", path.replace(".*", "")) and (p := pattern(path))]

    def known(name: str) -> bool:
        return (path := template(name)) in shapes or path in buffers or any(p.fullmatch(name) for p in parts)

    def shape_of(name: str) -> Shape | None:
        found = shapes.get(template(name), ())
        return next(iter(found)) if len(found) == 1 else None

    renamed = rename(loading, tensors, known, shape_of)
    twice = _twice(renamed)
    stored = {t.name: t for t in renamed if id(t) not in twice}
    actual = {name: _shape(t, shapes.get(template(name), ())) for name, t in stored.items()}
    matched = match_shapes(ledger.rows, values, actual, "file")
    deepest = {path: max(numbers.values()) for path, numbers in depths.items()}
    promised = {_promised(name, loading, known, shape_of): file for name, file in absent.items()}
    judge = _Judge(
        ledger, stored, loading, deepest, promised, {id(t.row) for t in matched if t.row and t.actual is not None}
    )
    entries = [e for tensor in matched for e in judge.entries(tensor)]
    return (*entries, *(_second(t) for t in renamed if id(t) in twice))


def _twice(tensors: Sequence[LogicalTensor]) -> set[int]:
    """Which tensors have the name of one before them."""
    seen: set[str] = set()
    found = set()
    for tensor in tensors:
        if tensor.name in seen:
            found.add(id(tensor))
        seen.add(tensor.name)
    return found


def _second(tensor: LogicalTensor) -> Entry:
    reason = f"the file has it a second time, as {shown(tensor.sources[0])}"
    return Entry(tensor.name, "beyond", reason, True, actual=tensor.shape or (tensor.most,), stored=tensor)


def _shape(tensor: LogicalTensor, wanted: Iterable[Shape]) -> Shape:
    """The shape of what is stored; of what is packed, the model's where the number of elements is right."""
    if tensor.shape is not None and not tensor.loose:
        return tensor.shape
    return next((s for s in wanted if tensor.fits(s)), tensor.shape or (tensor.most,))


def _promised(name: str, loading: Loading, known: Any, shape_of: Any) -> str:
    """The model's name of a tensor of which nothing but the name is known."""
    return rename(loading, [LogicalTensor(name, None, 0, 0, 0, (name,), "")], known, shape_of)[0].name


class _Judge:
    """Turns what was matched into entries; looks, for what is missing, at what else is there."""

    def __init__(
        self, ledger: Ledger, stored: Mapping[str, LogicalTensor], loading: Loading, depths: Mapping[str, int],
        promised: Mapping[str, str], found: set[int],
    ) -> None:  # fmt: skip
        self._stored, self._loading, self._depths, self._promised = stored, loading, depths, promised
        self._found = found
        self._holders = ledger.holders

    @cached_property
    def _predicting(self) -> set[str]:
        return predictors(self._stored, self._depths)

    @cached_property
    def _indices(self) -> Mapping[str, Mapping[str, set[str]]]:
        """List -> the rest of the path -> the indices at which the file has it."""
        found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for name in self._stored:
            for match in re.finditer(r"\.(\d+)(?=\.)", name):
                found[name[: match.start()]][name[match.end() :]].add(match[1])
        return found

    def entries(self, tensor: Tensor) -> list[Entry]:
        row = tensor.row
        if row is None:
            assert tensor.actual is not None  # noqa: S101  # it is in one of the two
            reason, harmless = explain(tensor.name, self._loading, self._depths, self._predicting)
            stored = self._stored[tensor.name]
            return [Entry(tensor.name, "beyond", reason, not harmless, None, None, tensor.actual, 1, stored)]
        if tensor.actual is not None:
            status: Status = "shape" if tensor.difference else "there"
            stored = self._stored[tensor.name]
            return [
                Entry(tensor.name, status, tensor.difference, bool(tensor.difference), row, tensor.expected,
                      tensor.actual, 1, stored)
            ]  # fmt: skip
        if written := self._written(row):
            return [Entry(tensor.name, "tied", f"stored as {written}", False, row, tensor.expected, None, tensor.times)]
        return self._missing(tensor, row)

    def _written(self, row: Row) -> str:
        """The name under which the file has the tensor of *row*, where that is another one."""
        for holder in self._holders.get(row.alias_of or row.tensor, ()):
            if holder is not row and id(holder) in self._found:
                return holder.tensor
        return ""

    def _missing(self, tensor: Tensor, row: Row) -> list[Entry]:
        """One entry for each layer that lacks it, where it can be said which ones these are."""
        names = self._lacking(tensor.name, tensor.times)
        times = 1 if names != [tensor.name] else tensor.times
        found = []
        for name in names:
            file = self._promised.get(name)
            reason = f"its shard {file} is not there" if file else "the formula has it and the file does not"
            found.append(Entry(name, "missing", reason, True, row, tensor.expected, None, times))
        return found

    def _lacking(self, name: str, times: int) -> list[str]:
        if name.count("*") != 1:
            return [name]
        path, _, rest = name.partition(".*.")
        at = self._indices.get(path, {})
        everywhere = set().union(*at.values()) if at else set()
        everywhere |= {str(i) for i in range(self._depths.get(path, 0))}
        candidates = [i for i in everywhere - at.get(f".{rest}", set()) if i.isdecimal()]
        if len(candidates) != times:
            return [name]
        return [f"{path}.{i}.{rest}" for i in sorted(candidates, key=int)]


def totals(ledger: Ledger, values: Mapping[str, Any], entries: Iterable[Entry]) -> dict[str, Total]:
    """By convention: what the formula says, what the file has of it, and in how many bytes."""
    elements: Counter[int] = Counter()  # by identity: a row has many expressions to hash
    sizes: Counter[int] = Counter()
    for entry in entries:
        if entry.row is None:
            continue
        if entry.actual is not None and entry.stored is not None:
            elements[id(entry.row)] += prod(entry.actual)
            sizes[id(entry.row)] += entry.stored.size
        elif entry.status == "tied":
            elements[id(entry.row)] += prod(entry.expected or ()) * entry.times
    for row in ledger.rows:
        if row.alias_of is None and elements[id(row)] and not sizes[id(row)]:  # written under another of its names
            sizes[id(row)] = next((n for h in ledger.holders[row.tensor] if (n := sizes[id(h)])), 0)
    found: dict[str, Total] = {}
    for convention in CONVENTIONS:
        formula = integer_value(ledger.total(convention), values)
        file = size = 0
        for row in ledger.rows:
            repeat = integer_value(row.repeat, values)
            if not repeat or not elements[id(row)]:
                continue
            counted = ledger.counted(row, convention)
            share = 1, 1
            if counted != row.repeat:
                share = integer_value(counted * row.size, values), repeat * integer_value(row.size, values)
            file += elements[id(row)] * share[0] // share[1]
            size += sizes[id(row)] * share[0] // share[1]
        found[convention] = Total(convention, formula, file, size)
    return found
