"""Sensitivity: which fields change the parameters although no expression shows it; each is changed, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from symcount.concolic.config.symbolic import Number
from symcount.concolic.traces import Trace, once_a_trace
from symcount.concolic.values.expression import free_symbols
from symcount.concolic.values.predicates import holds
from symcount.derivation.evidence import Evidence, Hypotheses
from symcount.derivation.rows import collect
from symcount.derivation.runs import possible
from symcount.derivation.structure import MAX_SELECTOR, shape_symbols
from symcount.derivation.suspicions import all_followed, followed_in, taken_by

__all__ = ["changing", "doubtful", "forced", "signature", "suspects", "unseen"]


Change = Callable[[str, Any], Number]
_CHANGES: tuple[Change, ...] = (
    lambda _, v: 2 * v,
    lambda _, v: v + (1 if isinstance(v, int) else 0.5),
    lambda _, v: max(1, v // 2) if isinstance(v, int) else v / 2,
)


def changing(
    e: Evidence, start: Trace, names: Sequence[str], changes: Sequence[Change] = _CHANGES
) -> list[tuple[str, Trace]]:
    """The fields among *names* whose change changes the rows, each with the run that shows it (bisection)."""
    return [(name, other) for name, other in _mattering(e, start, names, changes) if other is not None]


def _mattering(
    e: Evidence, start: Trace, names: Sequence[str], changes: Sequence[Change]
) -> Iterator[tuple[str, Trace | None]]:
    """The same, and the fields that cannot be changed alone, without a run."""
    moved = [{**start.symbols, **{n: change(n, start.symbols[n]) for n in names}} for change in changes]
    elsewhere = [values for values in moved if values != start.symbols]
    if not elsewhere:
        return
    other = possible(e, elsewhere)
    if other is not None and signature(other) == signature(start):
        rest = [n for n in names if other.symbols[n] == start.symbols[n]]  # a half of one is one
        for name in set(names).difference(rest):
            e.journal.harmless.setdefault(name, set()).add(other.symbols[name])
        yield from _mattering(e, start, rest, changes)
    elif len(names) == 1:
        yield names[0], other
    else:
        half = len(names) // 2
        yield from _mattering(e, start, names[:half], changes)
        yield from _mattering(e, start, names[half:], changes)


_BESIDE: tuple[Change, ...] = (lambda _, v: v - 1, lambda _, v: v + 1, lambda _, v: 0 * v)


def unseen(h: Hypotheses) -> list[str]:
    """Fields that the model reads and that change the parameters, though they had one value in all runs."""
    e = h.evidence
    start, read = e.smallest, e.default.config_reads
    if all_followed(e):
        return _idle(h, start)
    still = [
        n
        for n in e.free
        if e.base[n] > 0 and n.partition("[")[0] in read and all(t.symbols.get(n) == e.base[n] for t in e.traces)
    ]
    asked = set().union(*(c.symbols for c in h.conditions))
    still += [n for n in e.unfollowed if n not in asked and all(t.symbols.get(n) == e.base[n] for t in e.traces)]
    still = [n for n in still if n not in e.journal.harmless]
    found = [name for name, _ in changing(e, start, still)] or _positions(e, start)
    return found or _idle(h, start) or _thresholds(e, start)


def _positions(e: Evidence, start: Trace) -> list[str]:
    """Fields by which the code takes an element of a list: those beside it, and the first, may be other ones."""
    found: list[str] = []
    names = [n for n in taken_by(e) if n in start.symbols and n not in e.structural]
    for change in _BESIDE if names else ():
        found += [name for name, _ in changing(e, start, [n for n in names if n not in found], (change,))]
    return found


def forced(e: Evidence) -> list[str]:
    """Fields that change the parameters and that the model compares with a number, so that no run ever moves them.

    They are found before anything is fitted, which need not be done twice then.
    """
    read, free = e.default.config_reads, set(e.free)
    equal = [c.left.args[0] for c in e.asked if c.relation == "==" and c.left.op == "sym" and c.right.op == "const"]
    names = [n for n in dict.fromkeys(equal) if n in free and e.base[n] > 0 and n.partition("[")[0] in read]
    names = [n for n in names if n not in e.journal.harmless]
    start = e.smallest
    return [name for name, _ in changing(e, start, names)]


def _idle(h: Hypotheses, start: Trace) -> list[str]:
    """Depths that no multiplicity uses, although a larger value adds modules.

    `range(num_feature_levels - 3)` is empty at the default of three, and below it.
    """
    e = h.evidence
    used: set[str] = set().union(*(free_symbols(times) for times in set(h.times.values())))
    idle = [n for n in e.depths if n in e.structural and n not in used]
    hard = [c for c in e.asked if c.relation == "divides"]

    def more(name: str, _: Number) -> int:
        least = int(e.base[name]) + min(int(e.base[name]), MAX_SELECTOR) + 2
        near = range(least, least + MAX_SELECTOR)
        about = [c for c in hard if name in c.symbols and holds(c, start.symbols)]
        return next((v for v in near if all(holds(c, {**start.symbols, name: v}) for c in about)), least)

    return [name for name, _ in changing(e, start, idle, (more,))]


def _thresholds(e: Evidence, start: Trace) -> list[str]:
    """Fields of a user's own model that are in no shape and that matter far from their default: `np.float32(r) > 8`.

    Where there is no such model far from the default, nearer values are tried; a ratio or rate for which there is none
    nearby may matter as well.
    """
    if e.plan.cls.__module__.startswith("transformers."):
        return []
    read = e.default.config_reads
    sizes = shape_symbols(e.traces)
    fields = (*e.free, *e.unfollowed)
    quiet = [n for n in fields if n.partition("[")[0] in read and n not in sizes and n in start.symbols]
    never = set(e.unfollowed)
    for ways in (_UPWARDS, _DOWNWARDS):
        untried = quiet
        for change in ways:
            if found := [name for name, _ in changing(e, start, untried, (change,))]:
                return found
            untried = [n for n in untried if change(n, start.symbols[n]) not in e.journal.harmless.get(n, ())]
        never &= set(untried)
    return [n for n in quiet if n in never]


def _up(times: float, _: str, v: Number) -> Number:
    if isinstance(v, int):
        return int(times * v) + 1
    return times * v + 0.5 if v > 1 and times > 2 else times * v if v > 1 else 1 - (1 - v) / (2 * times)


def _down(times: float, _: str, v: Number) -> Number:
    return max(1, int(v / times)) if isinstance(v, int) else v / times


_UPWARDS, _DOWNWARDS = ([partial(way, times) for times in (8, 2, 1.25, 1.1)] for way in (_up, _down))


_FAR: tuple[Change, ...] = (
    lambda _, v: v / 4 if isinstance(v, float) else v * 4,
    lambda _, v: v / 16 if isinstance(v, float) else max(1, v // 4),
    lambda _, v: max(1, v // 16) if isinstance(v, int) else v * 4 if v > 1 else (1 + v) / 2,
)


def _flipped(bit: int, _: str, v: Number) -> Number:
    return int(v) ^ (1 << bit) if isinstance(v, int) else v


_FLIPS: tuple[Change, ...] = tuple(partial(_flipped, bit) for bit in range(12))


def doubtful(e: Evidence, traces: Sequence[Trace], kind: str = "log") -> list[str]:
    """Fields inside a logarithm, or whose bits were asked for, outside the known structure."""
    used = [free_symbols(use.node) for t in traces for use in t.structural if use.kind == kind]
    return sorted(set().union(*used) - {*e.pinned, *e.structural, *e.journal.harmless})


def suspects(e: Evidence) -> list[str]:
    """Fields inside a logarithm, or of bits, whose change alone changes the parameters; no expression says how."""
    found: dict[str, None] = {}
    for kind, changes in (("log", _FAR), ("bits", _FLIPS)):
        names = [n for n in doubtful(e, e.traces, kind) if kind == "log" or n not in followed_in(e)]
        for change in changes if names else ():
            still = [n for n in names if n not in found]
            tried = _mattering(e, e.smallest, still, (change,))  # there may be no model with other bits: a power of two
            found |= dict.fromkeys(name for name, other in tried if other is not None or kind == "log")
    return sorted(found)


@once_a_trace
def signature(one: Trace) -> frozenset[tuple[Any, ...]]:
    """The rows of one trace, each with its number."""
    return frozenset((r.path, r.name, r.shape, r.alias, *times) for r, times in collect([one]).counts.items())
