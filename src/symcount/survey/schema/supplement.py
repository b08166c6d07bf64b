"""A further formula of a layout: derived where a config differs from its base in little, certified, and compared.

How much of a class is explored when its layout is measured is bounded. What a flag or a number changes is added later
where nothing else is read beside it, and no key that has no influence by default has one there.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from symcount.atlas.codes import MISSING, identifiers
from symcount.atlas.record import Layout, StoredFormula
from symcount.atlas.schema import Reader
from symcount.atlas.trees import tree_to_json
from symcount.atlas.variant import Variant
from symcount.concolic.traces import Trace
from symcount.core.paths import path_of, value_at
from symcount.derivation.api import derive
from symcount.errors import SymcountError
from symcount.survey.schema.asking import At
from symcount.survey.schema.check import count
from symcount.survey.schema.combining import stored
from symcount.survey.schema.config_class import attribute
from symcount.survey.schema.layer_rules import rules_of
from symcount.survey.schema.probe import Probe, changed, real_total, signature, uninitialised
from symcount.survey.schema.samples import samples_of
from symcount.survey.schema.saved import made
from symcount.survey.schema.work import Work

__all__ = ["agrees", "formula_at", "formula_of"]

_POINTS: Final = 4  # random points at which a formula must agree with the real model
_USUAL: Final = 8  # the same, of the formula of the defaults
_SUM: Final = "_sum("
_CONFIGS: Final = 12  # random configs with the changes


def formula_at(
    layout: Layout, probe: Probe, activations: frozenset[str], changes: Mapping[str, Any], tree: int
) -> tuple[StoredFormula, list[Any]] | None:
    """The formula at *changes*, and its tree, which gets the number *tree*.

    `None` if there is none, or what is changed has no influence, or more than one. A number that the config fills in
    where it is left out (`head_dim`) is given, as it was when the layout was measured: a file may say another one.
    """
    with _given(layout, probe, changes):
        own, there = probe.trace({}), probe.trace(changes)
        if there is None or own is None or signature(there) == signature(own) or _reads_more(layout, probe, own, there):
            return None
        alone = _alone(layout, probe, changes, there) and not _hears(layout, probe, changes)
        return _derived(layout, probe, activations, changes, tree, _POINTS) if alone else None


def formula_of(
    layout: Layout, probe: Probe, activations: frozenset[str], changes: Mapping[str, Any], tree: int
) -> tuple[StoredFormula, list[Any]] | None:
    """The formula at *changes* which a layout has already, derived anew; see `formula_at`."""
    with _given(layout, probe, changes):
        return None if probe.trace(changes) is None else _derived(layout, probe, activations, changes, tree, _USUAL)


@contextmanager
def _given(layout: Layout, probe: Probe, changes: Mapping[str, Any]) -> Iterator[None]:
    before, probe.givens = probe.givens, {p: n for p, n in _filled_in(layout, probe).items() if p not in changes}
    try:
        yield
    finally:
        probe.givens = before


def _filled_in(layout: Layout, probe: Probe) -> dict[str, int]:
    """The numbers of a layout that have no default of their own, with what the config fills in for them."""
    rules = rules_of(probe)
    return {
        path: value
        for path, number in layout.numbers.items()
        if number.given is None and not {"[", "#"} & set(path) and type(value := rules.value(path, {})) is int
    }  # fmt: skip


def _derived(
    layout: Layout, probe: Probe, activations: frozenset[str], changes: Mapping[str, Any], tree: int, wanted: int
) -> tuple[StoredFormula, list[Any]] | None:
    try:
        formula = derive(probe.cls, config=probe.source(changes))
        with uninitialised():
            points = formula.certify(wanted, 0).passed
    except SymcountError:
        return None
    base: dict[str, Any] = dict(formula.base)
    names = {
        path: layout.numbers[path].name if path in layout.numbers else f"unknown_{i}" for i, path in enumerate(base)
    }
    at = At.named(names, base)
    kept = stored(Work(probe, activations, 0), formula, changes, at, tree, points, 0)
    used = {letter[1] for letter in kept.letters}
    asked = {name for _, *sides in kept.asked for side in sides for name in identifiers(side)}
    if not used <= layout.numbers.keys() or any(name.startswith("unknown_") for name in asked):
        return None
    tree_as_json = tree_to_json(formula.tree)
    if _SUM in json.dumps([tree_as_json, kept.to_json()]):  # which is no code that a count may run
        return None
    return kept, tree_as_json


def _reads_more(layout: Layout, probe: Probe, own: Trace, there: Trace) -> bool:
    """Whether the construction reads keys beside a flag that it does not read by default."""
    before = {*(path for path, _ in probe.reads(own)), *own.absent_reads, *own.symbols}
    after = {*(path for path, _ in probe.reads(there)), *there.absent_reads, *there.symbols}
    return any(
        path not in layout.checks and path not in layout.numbers and path not in probe.instances
        and not probe.ignored(path) and "[" not in path
        for path in after - before
    )  # fmt: skip


def _alone(layout: Layout, probe: Probe, changes: Mapping[str, Any], there: Trace) -> bool:
    """Whether the keys without influence have none beside a flag: all are changed at once, to each of their values."""
    values = {
        path: several
        for path, check in layout.checks.items()
        if path not in changes and path not in layout.switches and not check.activation
        and path not in layout.numbers  # its numbers are sizes of the formula
        and (several := [x for _, x in samples_of(check) if x != check.given])
    }  # fmt: skip
    for i in range(max(map(len, values.values()), default=0)):
        others = {path: several[i] for path, several in values.items() if i < len(several)}
        usual, moved = probe.trace(others), probe.trace({**others, **changes})
        if usual is None:  # together they are no model: each of them alone
            each = [(probe.trace({p: x}), probe.trace({p: x, **changes})) for p, x in others.items()]
            if any(one is not None and (both is None or signature(both) != signature(there)) for one, both in each):
                return False
        elif moved is None or signature(moved) != signature(there):
            return False
    return True


def _hears(layout: Layout, probe: Probe, changes: Mapping[str, Any]) -> bool:
    """Whether a key of which the layout asks nothing has an influence beside *changes*.

    What is read of a copy of a config is seen by no trace (`num_global_key_value_heads` of Gemma 4, by its layers).
    """
    kinds = {
        f"{section}.model_type": made(probe, {}, f"{section}.model_type")
        for section in layout.sections
        if section and value_at(probe.raw, section, MISSING) is MISSING
    }
    if MISSING in kinds.values():
        return True

    def total(more: Mapping[str, Any]) -> int | None:
        return real_total(probe.cls, probe.config_class, changed(probe.raw, {**kinds, **changes, **more}))

    others, own = _unasked(layout, probe), total({})
    together = total(others)
    if together is not None or not others:
        return together != own and bool(others)
    return any(total({path: value}) not in (own, None) for path, value in others.items())


def _unasked(layout: Layout, probe: Probe) -> dict[str, Any]:
    """Another value of each number and flag of which the layout asks nothing: declared, or taken by its code."""
    found: dict[str, Any] = {}
    for section, rules in layout.sections.items():
        instance = probe.instances.get(section)
        if instance is None:
            continue
        facts = probe.parts.get(section)
        consumed = {} if facts is None else {key: "" for key in facts.consumed if key not in rules.types}
        for key, kinds in {**rules.types, **consumed}.items():
            path = path_of(section, key)
            told = key in (*rules.refused, *rules.closed, *rules.aliases)
            if told or path in layout.checks or path in layout.numbers or probe.ignored(path) or key.endswith("_id"):
                continue
            value = attribute(instance, key)
            if isinstance(value, bool) or (value is None and "b" in kinds):
                found[path] = not value
            elif (type(value) is int and value > 0) or (value is None and ("i" in kinds or not kinds)):
                found[path] = 2 * (value or 1)
    return found


def agrees(layout: Layout, probe: Probe, activations: frozenset[str], changes: Mapping[str, Any]) -> bool:
    """Whether random configs with *changes* are counted as transformers does."""
    reader, variants = Reader(layout, activations), [Variant(layout, f) for f in layout.formulas]
    rng, compared = random.Random(0), 0
    filled = _filled_in(layout, probe)
    sizes = {p: n.given for p, n in layout.numbers.items() if type(n.given) is int and n.given > 1 and "[" not in p}
    sizes |= {p: n for p, n in filled.items() if n > 1}
    one = [{p: m} for p in sorted(filled.keys() & sizes.keys()) for m in (2 * sizes[p], max(1, sizes[p] // 2))]
    for turn in range(4 * _CONFIGS + len(one)):
        several = rng.sample(sorted(sizes), min(turn % 4, len(sizes)))
        moved = one.pop() if one else {p: rng.choice((2 * sizes[p], max(1, sizes[p] // 2))) for p in several}
        raw = changed(probe.raw, {**changes, **moved})
        try:
            ours = count(variants, reader.read(raw))
        except SymcountError:
            continue
        theirs = real_total(probe.cls, probe.config_class, raw)
        if theirs is not None and ours != theirs:
            return False
        compared += theirs is not None
        if compared >= _CONFIGS and not one:
            return True
    return compared > 0
