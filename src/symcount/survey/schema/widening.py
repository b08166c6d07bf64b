"""Conditions that a formula was derived in the knowledge of, and does not need: what it says holds without them.

The code of a model asks how many heads share a key (`A // K`), or takes half of a kernel for its padding, so that a
formula has the condition that K divides A, or that the kernel is odd. The number of parameters may be the same
polynomial anyway. It is compared with real models, in every convention, where the condition does not hold: at its own
numbers on either side of what they are compared with, and beside other numbers that are drawn at random.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

from symcount.atlas.codes import identifiers
from symcount.atlas.record import Layout, StoredFormula
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.core.paths import value_at
from symcount.errors import SymcountError
from symcount.survey.schema.probe import Probe, changed, real_model
from symcount.survey.schema.samples import changes_of
from symcount.verification.real_model import totals

__all__ = ["widened"]

_AGREEING: Final = 6  # real models that must agree where a condition does not hold
_FEWER: Final = 3  # beside other options, where it is not needed beside the usual ones
_BUILT: Final = 12  # real models that are tried for a condition
_NONE: Final = 5  # so many configs without a model: there is none beyond the condition
_DRAWN: Final = 120  # configs that are read for it, beside those with one other number
_PARTS: Final = ((1, 2), (1, 3), (1, 4), (3, 4), (5, 4), (3, 2), (2, 1), (5, 2), (3, 1), (7, 2), (5, 1))
_RELATIONS: Final = ("divides", "not divides", "<", "<=", ">", ">=")
_TOGETHER: Final = 12  # real models beyond several conditions at once
_LARGEST: Final = 100_000

Condition = tuple[str, list[str]]


def widened(layout: Layout, probe: Probe, activations: frozenset[str]) -> Layout:
    """*layout* whose formulas have no condition that they do not need, as far as real models say so."""
    work, formulas = _Widening(layout, probe, activations), list(layout.formulas)
    for key, numbers in layout.states.items():
        if (at := changes_of(layout, key)) is not None:
            formulas[numbers[0]] = work.wider(formulas[numbers[0]], at)
    return layout.changed(formulas=formulas)


class _Widening:
    """The formulas of one layout, each compared with real models beyond its conditions."""

    def __init__(self, layout: Layout, probe: Probe, activations: frozenset[str]) -> None:
        self.layout, self.probe = layout, probe
        self.reader = Reader(layout, activations)
        self.names = {number.name: path for path, number in layout.numbers.items()}
        self.known: dict[str, bool] = {}  # conditions by their text, and whether a formula needs them
        self.random = random.Random(0)

    def wider(self, formula: StoredFormula, at: Mapping[str, Any]) -> StoredFormula:
        """*formula* of the options *at* without the conditions that it does not need."""
        found = formula
        dropped: dict[str, None] = {}
        for condition in [*self._conditions(formula)][::-1]:  # 2 divides what 4 divides: that comes first
            paths, fewer, said = self._paths(formula, condition), _without(found, condition), str(condition)
            if self.known.get(said, False):
                continue
            enough = self._agrees(found, fewer, at, paths, _FEWER if said in self.known else _AGREEING)
            self.known[said] = not enough
            if enough:
                found = fewer
                dropped.update(dict.fromkeys(paths))
        if found is formula or self._agrees(formula, found, at, list(dropped), _TOGETHER // 2, _TOGETHER):
            return found
        return formula

    def _conditions(self, formula: StoredFormula) -> Iterator[Condition]:
        """The conditions of a formula that may not be needed."""
        for where, conditions in (("domain", formula.domain), ("asked", formula.asked)):
            yield from ((where, said) for said in conditions if said[0] in _RELATIONS)

    def _paths(self, formula: StoredFormula, condition: Condition) -> list[str]:
        """The paths of the numbers in a condition."""
        where, (_, *sides) = condition
        names = {letter: path for letter, path, *_ in formula.letters} if where == "domain" else self.names
        return sorted({names[name] for side in sides for name in identifiers(side) if name in names})

    def _agrees(
        self, formula: StoredFormula, wider: StoredFormula, at: Mapping[str, Any], paths: list[str],
        wanted: int, most: int = _BUILT,
    ) -> bool:  # fmt: skip
        """Whether real models are as *wider* says where *formula* has a condition that does not hold."""
        before, after, built = Variant(self.layout, formula), Variant(self.layout, wider), 0
        agreeing: list[dict[str, Any]] = []
        for raw in self._configs(at, paths):
            try:
                values = self.reader.read(raw).values
                if before.holds(values) or not after.holds(values):
                    continue
                ours = after.count(values)
            except SymcountError:
                continue
            if built == most or len(agreeing) == wanted or (built == _NONE and not agreeing):
                break
            built += 1
            model = real_model(self.probe.cls, self.probe.config_class, raw)
            if model is None:
                continue
            theirs = totals(model)
            if any(n is not None and n != ours[convention] for convention, n in theirs.items()):
                return False
            agreeing.append({path: values[path] for path in paths})
        return len(agreeing) == wanted and any(one != agreeing[0] for one in agreeing)

    def _configs(self, at: Mapping[str, Any], paths: list[str]) -> Iterator[dict[str, Any]]:
        """Configs with another number at one of *paths*, and with others beside it."""
        raw, rng = changed(self.probe.raw, at), self.random
        try:
            usual = self.reader.read(raw).values
        except SymcountError:
            return
        own = [p for p in paths if type(usual.get(p)) is int]
        sizes = [p for p, n in usual.items() if type(n) is int and 1 < n < _LARGEST]
        near = {int(usual[p]) + more for p in own for more in (-1, 0, 1)}
        tries: dict[str, list[int]] = {}
        for path in own:
            n = int(usual[path])
            several = {*range(1, 9), *range(n - 1, n + 4), *(n * a // b for a, b in _PARTS), *near}
            tries[path] = sorted(m for m in several if 0 < m != n)
        one = [{path: m} for path, several in tries.items() for m in several]
        rng.shuffle(one)
        for turn in range(2 * _DRAWN if own else 0):
            changes = one.pop() if one and turn % 2 else {}
            if not changes:
                path = own[turn // 2 % len(own)]
                changes[path] = rng.choice(tries[path])
                for other in rng.sample(sizes, min(1 + turn // 2 % 2, len(sizes))):
                    m = int(usual[other])
                    changes.setdefault(other, rng.choice([m + 1, 2 * m, max(1, m // 2), 3 * m]))
            yield changed(raw, dict(self._whole(raw, usual, changes)))

    def _whole(
        self, raw: Mapping[str, Any], usual: Mapping[str, Any], changes: Mapping[str, int]
    ) -> Iterator[tuple[str, Any]]:
        """Changes of elements as changes of their lists."""
        for path, number in changes.items():
            stem, bracket, rest = path.partition("[")
            if not bracket:
                yield path, number
                continue
            several = value_at(raw, stem, self.probe.default(stem))
            if rest.count("]") == 1 and isinstance(several, list):
                said = [changes.get(name := f"{stem}[{i}]", usual.get(name, x)) for i, x in enumerate(several)]
                yield stem, said


def _without(formula: StoredFormula, condition: Condition) -> StoredFormula:
    where, said = condition
    return formula.changed(**{where: [c for c in getattr(formula, where) if c != said]})
