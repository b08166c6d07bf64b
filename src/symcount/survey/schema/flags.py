"""Flags that were not reached when a layout was measured, each alone, beside the defaults.

How much of a class is explored is bounded. A flag of the config that has an influence by itself (a bias of a linear
map) is added to a layout as a switch, with a formula of its own, where nothing else is read beside it, and no key that
has no influence by default has one there. One that has none, nor beside a value of any switch, is admitted.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

from symcount.atlas.codes import MISSING, identifiers
from symcount.atlas.record import Layout, StoredFormula
from symcount.atlas.schema import Reader
from symcount.atlas.trees import tree_to_json
from symcount.atlas.variant import Variant
from symcount.concolic.traces import Trace
from symcount.core.paths import value_at
from symcount.derivation.api import derive
from symcount.errors import SymcountError
from symcount.survey.schema.asking import At
from symcount.survey.schema.check import count
from symcount.survey.schema.combining import stored
from symcount.survey.schema.layer_rules import rules_of
from symcount.survey.schema.probe import Probe, changed, real_total, signature, uninitialised
from symcount.survey.schema.samples import samples_of
from symcount.survey.schema.work import Work, key_of

__all__ = ["with_flags"]

_MOST: Final = 8  # flags of one layout
_POINTS: Final = 4  # random points at which a formula must agree with the real model
_CONFIGS: Final = 6  # random configs with the flag


def with_flags(
    layout: Layout, probe: Probe, activations: frozenset[str], trees: int = 0
) -> tuple[Layout, list[list[Any]]]:
    """*layout* with further flags as switches, and the trees of their formulas, which are numbered from *trees* on."""
    found, more = layout, list[list[Any]]()
    own = probe.trace({})
    for path, value in _missing(layout, probe) if own is not None else ():
        if len(more) == _MOST:
            break
        if _is_idle(found, probe, path, value):
            check = found.checks[path]
            idle = check.changed(accept={**check.accept, key_of(value): 0})
            found = found.changed(checks={**found.checks, path: idle})
            continue
        made = _formula(found, probe, activations, own, {path: value}, trees + len(more))
        if made is None:
            continue
        wider = _switched(found, path, value, made[0])
        if _agrees(wider, probe, activations, {path: value}):
            found = wider
            more.append(made[1])
    return found, more


def _missing(layout: Layout, probe: Probe) -> Iterator[tuple[str, bool]]:
    """Flags of which only the default is known, with their other value."""
    file = rules_of(probe).file
    for path, check in layout.checks.items():
        value = value_at(file, path, MISSING)
        one_label = set(check.accept.values()) <= {0}
        if type(value) is bool and one_label and key_of(not value) not in check.accept and check.given is value:
            yield path, not value


def _is_idle(layout: Layout, probe: Probe, path: str, value: bool) -> bool:
    """Whether a flag has no part in any tensor, beside the defaults, each value of a switch, and other numbers."""
    for switch in ("", *layout.switches):
        samples = [{switch: x} for n, x in samples_of(layout.checks[switch]) if n] if switch else [{}]
        for beside in samples:
            usual, moved = (probe.trace({**beside, **more}) for more in ({}, {path: value}))
            if usual is not None and (moved is None or signature(moved) != signature(usual)):
                return False
    asked = {n for f in layout.formulas for _, *sides in f.asked for side in sides for n in identifiers(side)}
    for name, number in layout.numbers.items():  # at other numbers the model may take another branch
        if type(number.given) is not int or "[" in name or "#" in name or number.name not in asked:
            continue
        for n in (0, 1, number.given + 1, 2 * number.given):
            raws = [changed(probe.raw, {name: n, path: flag}) for flag in (not value, value)]
            one, other = (real_total(probe.cls, probe.config_class, raw) for raw in raws)
            if one != other:
                return False
    return True


def _formula(
    layout: Layout, probe: Probe, activations: frozenset[str], own: Trace | None, changes: Mapping[str, bool], tree: int
) -> tuple[StoredFormula, list[Any]] | None:
    """The formula with a flag and its tree, `None` if there is none, or the flag has no influence or more than one."""
    there = probe.trace(changes)
    if there is None or own is None or signature(there) == signature(own) or _reads_more(layout, probe, own, there):
        return None
    if not _alone(layout, probe, changes, there):
        return None
    try:
        formula = derive(probe.cls, config=probe.source(changes))
        with uninitialised():
            points = formula.certify(_POINTS, 0).passed
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
    return kept, tree_to_json(formula.tree)


def _reads_more(layout: Layout, probe: Probe, own: Trace, there: Trace) -> bool:
    """Whether the construction reads keys beside a flag that it does not read by default."""
    before = {*(path for path, _ in probe.reads(own)), *own.absent_reads, *own.symbols}
    after = {*(path for path, _ in probe.reads(there)), *there.absent_reads, *there.symbols}
    return any(
        path not in layout.checks and path not in layout.numbers and path not in probe.instances
        and not probe.ignored(path) and "[" not in path
        for path in after - before
    )  # fmt: skip


def _alone(layout: Layout, probe: Probe, changes: Mapping[str, bool], there: Trace) -> bool:
    """Whether the keys without influence have none beside a flag: all are changed at once, to each of their values."""
    values = {
        path: several
        for path, check in layout.checks.items()
        if path not in changes and path not in layout.switches and not check.activation
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


def _switched(layout: Layout, path: str, value: bool, formula: StoredFormula) -> Layout:
    """*layout* with a flag as its last switch, and a formula for its other value beside the defaults."""
    check = layout.checks[path]
    states = {
        ",".join([*(key.split(",") if layout.switches else []), "0"]): list(n) for key, n in layout.states.items()
    }
    states[",".join(["0"] * len(layout.switches) + ["1"])] = [len(layout.formulas)]
    checks = {**layout.checks, path: check.changed(accept={**check.accept, key_of(value): 1})}
    return layout.changed(
        checks=checks, switches=[*layout.switches, path], states=states, formulas=[*layout.formulas, formula]
    )


def _agrees(layout: Layout, probe: Probe, activations: frozenset[str], changes: Mapping[str, bool]) -> bool:
    """Whether random configs with the flag are counted as transformers does."""
    reader, variants = Reader(layout, activations), [Variant(layout, f) for f in layout.formulas]
    rng, compared = random.Random(0), 0
    sizes = {p: n.given for p, n in layout.numbers.items() if type(n.given) is int and n.given > 1 and "[" not in p}
    for turn in range(4 * _CONFIGS):
        moved = {p: rng.choice((2 * sizes[p], max(1, sizes[p] // 2))) for p in rng.sample(sorted(sizes), min(turn, 2))}
        raw = changed(probe.raw, {**changes, **moved})
        try:
            ours = count(variants, reader.read(raw))
        except SymcountError:
            continue
        theirs = real_total(probe.cls, probe.config_class, raw)
        if theirs is not None and ours != theirs:
            return False
        compared += theirs is not None
        if compared == _CONFIGS:
            return True
    return compared > 0
