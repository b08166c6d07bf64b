"""Varying one key at a time: which values leave the tensors as they are, and which have others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from symcount.atlas.codes import MISSING
from symcount.concolic.config.config_source import is_config
from symcount.concolic.traces import Trace
from symcount.concolic.values.carriers import SymbolicFloat, SymbolicInt
from symcount.concolic.values.predicates import holds
from symcount.core.paths import section_of
from symcount.derivation.formula import DerivedFormula
from symcount.derivation.structure import model_conditions
from symcount.exact.arithmetic import HOLDS
from symcount.survey.schema.alternatives import DICTS, alternatives
from symcount.survey.schema.config_class import attribute
from symcount.survey.schema.lists import computed, numbers
from symcount.survey.schema.patterns import guessed, layers
from symcount.survey.schema.probe import signature
from symcount.survey.schema.work import Work, coded_values, key_of

__all__ = ["further", "vary"]


def vary(work: Work, base: Trace, formula: DerivedFormula, at: Mapping[str, Any] | None = None) -> None:
    """Vary every key that the construction reads and that was not varied yet, beside the changes *at*."""
    known = {signature(base): 0}
    for path, current in _candidates(work, base):
        if path in work.accept:
            continue
        owner = work.probe.declared(path)
        default = work.probe.default(path) if owner is not None else MISSING
        accept = work.accept.setdefault(path, {})
        samples = work.samples.setdefault(path, {0: MISSING})
        if owner is None:
            accept["absent"] = 0
            if isinstance(current, SymbolicInt | SymbolicFloat):
                work.equals[path] = current.node
            elif current is MISSING and (node := guessed(work, path, base, at or {})) is not None:
                work.equals[path] = node
            elif current is not MISSING and (current is None or isinstance(current, bool | str | int | float)):
                accept[key_of(current)] = 0
            else:
                computed(work, path, current)
        else:
            accept[key_of(default)] = 0
            numbers(work, path, current, known, formula)
        if isinstance(current, list | tuple) and current and all(isinstance(x, str) for x in current):
            layers(work, path, current, formula)
        for value in alternatives(work.probe, path, current, work.activations):
            _try(work, path, value, known, accept, samples, at or {})
        if all(accept.get(key_of(d)) == 0 for d in DICTS):
            accept["dict"] = 0
        if _activates(work, accept, current if owner is None else default):
            work.activation.add(path)


def _activates(work: Work, accept: Mapping[str, int], usual: Any) -> bool:
    """Whether a key names an activation function, and another one leaves the tensors as they are."""
    others = [accept.get(f"'{a}") == 0 for a in ("relu", "gelu") if a != usual]
    if isinstance(usual, str) and usual in work.activations:
        return any(others)
    return usual is MISSING and all(others)


def further(work: Work, formula: DerivedFormula) -> None:
    """What is read only beside another value of a key, of whatever influence that value is by itself."""
    _in_pairs(work)
    done: set[tuple[str, str]] = set()
    while fresh := [(p, *c) for p in list(work.accept) for c in coded_values(work, p) if (p, c[0]) not in done]:
        for path, said, value in fresh:
            done.add((path, said))
            if not work.exploring and not _leads_nowhere(work, {path: value}):
                work.accept[path].pop(said, None)  # several values may have one code
                continue
            there = work.probe.trace({path: value})
            if there is not None:
                vary(work, there, formula, {path: value})
                _again(work, there, {path: value})


def _leads_nowhere(work: Work, changes: dict[str, Any]) -> bool:
    """Whether the model was traced at *changes*, and reads nothing there that was not varied yet."""
    there = work.probe.trace(changes) if work.probe.knows(changes) else None
    return there is not None and all(path in work.accept for path, _ in _candidates(work, there))


def _in_pairs(work: Work) -> None:
    """Values of two keys of which a config must have both or none: they are switches, and told together only."""
    for (path, values), (other, others) in itertools.combinations(list(work.failed.items()), 2):
        for value, beside in itertools.product(values, others):
            if work.probe.trace({path: value, other: beside}) is None:
                continue
            for key, said in ((path, value), (other, beside)):
                if key_of(said) not in work.accept[key]:
                    work.labels += 1
                    work.accept[key][key_of(said)] = work.labels
                    work.samples[key][work.labels] = said


def _again(work: Work, there: Trace, at: dict[str, Any]) -> None:
    """Values with which the model could not be built beside the defaults: cross-attention, of a decoder only."""
    for path, values in list(work.failed.items()):
        for value in values[:]:
            both = work.probe.trace({**at, path: value}) if path not in at else None
            if both is not None:
                values.remove(value)
                for beside, other in at.items():  # which has to be told from its default then
                    if work.accept[beside].get(key_of(other)) == 0:
                        work.labels += 1
                        work.accept[beside][key_of(other)] = work.labels
                        work.samples[beside][work.labels] = other
                _try(work, path, value, {signature(there): 0}, work.accept[path], work.samples[path], at)


def _try(
    work: Work, path: str, value: Any, known: dict[Any, int], accept: dict[str, int], samples: dict[int, Any],
    at: Mapping[str, Any],
) -> None:  # fmt: skip
    number = isinstance(value, int | float) and not isinstance(value, bool)
    sides = [at, _halved(at)] if isinstance(value, float) and at else [at]
    tries = (value, 4, 64, 2, 1, 16) if number and isinstance(value, int) else (value,)
    for tried, beside in itertools.product(tries, sides):
        one = work.probe.trace({**beside, path: tried})
        if one is not None:
            break
    else:
        if isinstance(value, bool) and work.probe.declared(path):  # it may need another key beside it
            work.failed.setdefault(path, []).append(value)
        return
    found = signature(one)
    if found not in known:
        work.labels += 1
        known[found] = work.labels
    label = known[found]
    accept.setdefault(key_of(tried), label)
    samples.setdefault(label, tried)
    if number and label == 0:
        work.fillers[path] = tried
        work.extra += [
            c for c in model_conditions(one)
            if path in c.symbols and c.relation in HOLDS and holds(c, one.symbols)
        ]  # fmt: skip


def _halved(at: Mapping[str, Any]) -> dict[str, Any]:
    """Rotary embeddings with half as many factors, as a head of which only a part is rotated has."""
    return {
        path: {k: x[: len(x) // 2] if isinstance(x, list) else x for k, x in value.items()}
        if isinstance(value, dict) else value
        for path, value in at.items()
    }  # fmt: skip


def _candidates(work: Work, base: Trace) -> Iterator[tuple[str, Any]]:  # noqa: PLR0912  # where keys may come from
    """Keys that are no numbers of the formula: what the construction reads, and what the config's own code uses."""
    probe, symbols = work.probe, base.symbols
    lists: set[str] = {name.partition("[")[0] for name in symbols if "[" in name}
    seen: set[str] = set()

    def wanted(path: str) -> bool:
        fresh = path not in seen and path not in symbols and not probe.ignored(path) and path not in probe.instances
        fresh = fresh and section_of(path) in probe.parts  # a sub-config that another value brings along is not
        seen.add(path)
        return fresh

    for path, value in probe.reads(base):
        owner = probe.declared(path)
        if path in work.rules:
            continue
        if path in symbols and owner is not None and path not in work.nulls and path not in seen:
            if "n" in owner.types.get(path.rpartition(".")[2], ""):
                seen.add(path)
                yield path, value
            continue
        if is_config(value) or not wanted(path) or path in work.rules:
            continue
        if path in lists:
            if path not in work.lengths:
                work.lengths[path] = len(value)
            continue
        if isinstance(value, SymbolicInt | float) and probe.declared(path) is not None:
            continue
        yield path, value
    for path in sorted(base.absent_reads):
        if wanted(path):
            yield path, MISSING
    for section, owner in probe.parts.items():
        for key in owner.types:
            path = f"{section}.{key}" if section else key
            if key not in owner.mentioned:
                continue
            default = owner.defaults.get(key)
            if path in work.rules:
                continue
            if path in symbols and "n" in owner.types[key] and path not in work.nulls and path not in seen:
                yield path, default
            elif path in lists:  # the config's own code may count its elements
                current = attribute(probe.instances[section], key, default)
                if isinstance(current, list | tuple):
                    work.lengths.setdefault(path, len(current))
            elif wanted(path):
                yield path, attribute(probe.instances[section], key, default)
    for section, owner in probe.parts.items():
        path = f"{section}.rope_scaling" if section else "rope_scaling"
        if "rope_parameters" in owner.types and wanted(path):
            yield path, MISSING
