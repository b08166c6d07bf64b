"""Varying one key at a time: which values leave the tensors as they are, and which have others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from symcount.arithmetic import HOLDS
from symcount.atlas.patterns import depth_of, guessed, layers, listed
from symcount.atlas.probe import DICTS, MISSING, ignored, reads, signature
from symcount.atlas.work import Work, free_values, key_of, switches, values_of
from symcount.derive.carriers import SymbolicInt
from symcount.derive.expression import evaluate, free_symbols
from symcount.derive.points import holds
from symcount.derive.recording import Condition
from symcount.derive.result import DerivedFormula
from symcount.derive.sources import is_config
from symcount.derive.structure import model_conditions
from symcount.derive.trace import Trace

__all__ = ["beside_numbers", "beside_switches", "beyond", "by_layer", "further", "promoted", "vary"]


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
            if isinstance(current, SymbolicInt):
                work.equals[path] = current.node
            elif current is MISSING and (node := guessed(work, path, base, at or {})) is not None:
                work.equals[path] = node
            elif current is not MISSING and (current is None or isinstance(current, bool | str | int | float)):
                accept[key_of(current)] = 0
        else:
            accept[key_of(default)] = 0
            _floats(work, path, current, known, formula)
        if isinstance(current, list | tuple) and current and all(isinstance(x, str) for x in current):
            layers(work, path, current, base, formula)
        for value in work.probe.alternatives(path, current, work.activations):
            _try(work, path, value, known, accept, samples, at or {})
        if all(accept.get(key_of(d)) == 0 for d in DICTS):
            accept["dict"] = 0
        usual = current if owner is None else default
        if isinstance(usual, str) and usual in work.activations:
            if any(accept.get(f"'{a}") == 0 for a in ("relu", "gelu") if a != usual):
                work.activation.add(path)
        elif usual is MISSING and all(accept.get(f"'{a}") == 0 for a in ("relu", "gelu")):
            work.activation.add(path)


def further(work: Work, formula: DerivedFormula) -> None:
    """What is read only beside another value of a key, of whatever influence that value is by itself."""
    done: set[tuple[str, str]] = set()
    while fresh := [(p, v) for p in list(work.accept) for v in values_of(work, p) if (p, key_of(v)) not in done]:
        for path, value in fresh:
            if not work.exploring:  # what it leads to is not known
                work.accept[path].pop(key_of(value), None)  # several values may have one key
                continue
            done.add((path, key_of(value)))
            there = work.probe.trace({path: value})
            if there is not None:
                vary(work, there, formula, {path: value})
                _again(work, there, {path: value})


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


def _floats(work: Work, path: str, current: Any, known: Mapping[Any, int], formula: DerivedFormula) -> None:
    """A list of numbers whose elements have no influence: any list of that length."""
    if not isinstance(current, list | tuple) or not current:
        owner = work.probe.declared(path)
        if owner is not None and "l" in owner.types.get(path.rpartition(".")[2], "") and not current:
            some = [work.probe.trace({path: other}) for other in ([0], [1], [0, 1, 2])]
            if all(one is not None and known.get(signature(one)) == 0 for one in some):
                work.accept[path]["numbers"] = 0
        return
    if all(isinstance(x, list | tuple) and x and all(isinstance(y, int | float) for y in x) for x in current):
        one = work.probe.trace({path: [[int(y) * 2 for y in x] for x in current][:1]})
        if one is not None and known.get(signature(one)) == 0:
            work.accept[path]["rows"] = 0
        else:
            listed(work, path, [list(x) for x in current], work.probe.trace({}))
    elif all(isinstance(x, int | float) and not isinstance(x, bool) for x in current):
        whole = work.probe.trace({}, deep=True)
        full = work.probe.config({})
        for part in path.split("."):
            full = getattr(full, part, None)
        if whole is None or not isinstance(full, list | tuple):
            return
        others: list[list[Any]] = [[float(x) * 2 for x in full], [int(x) * 2 for x in full]]
        for other in others:
            one = work.probe.trace({path: other}, deep=True)
            if one is not None and signature(one) == signature(whole):
                if depth := depth_of(path, whole, formula, work):
                    work.patterns[path] = {"depth": depth, "numbers": True}
                else:
                    work.accept[path][f"numbers {len(other)}"] = 0
                return
        if key_of(list(full)) not in work.accept[path]:
            listed(work, path, list(full), whole)


def by_layer(work: Work, base: Trace, formula: DerivedFormula) -> None:
    """Numbers that may be given for each layer instead, where that leaves the tensors as they are."""
    whole = work.probe.trace({}, deep=True)
    for path, value in base.symbols.items():
        owner = work.probe.declared(path)
        if owner is None or "l" not in owner.types.get(path.rpartition(".")[2], "") or not isinstance(value, int):
            continue
        for depth in formula.depths:
            if "[" in depth or depth.rpartition(".")[0] != path.rpartition(".")[0] or whole is None:
                continue
            number = int(whole.symbols[depth])
            several = [[int(value)] * number, [int(value) * (1 + i % 2) for i in range(number)]]
            traces = [work.probe.trace({path: one}, deep=True) for one in several]
            if all(one is not None and signature(one) == signature(whole) for one in traces):
                work.accept[path], work.samples[path] = {"#": 0}, {0: MISSING}
                work.patterns[path] = {"depth": depth, "numbers": True}
                break


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
            if path in free_symbols(c.left) | free_symbols(c.right) and c.relation in HOLDS and holds(c, one.symbols)
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
        fresh = path not in seen and path not in symbols and not ignored(path) and path not in probe.instances
        seen.add(path)
        return fresh

    for path, value in reads([base]):
        owner = probe.declared(path)
        if path in work.rules:
            continue
        if path in symbols and owner is not None and path not in work.nulls and not ignored(path) and path not in seen:
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
            elif path not in lists and wanted(path) and path not in work.rules:
                yield path, getattr(probe.instances[section], key, default)
    for section, owner in probe.parts.items():
        path = f"{section}.rope_scaling" if section else "rope_scaling"
        if "rope_parameters" in owner.types and wanted(path):
            yield path, MISSING


def promoted(work: Work, path: str, at: dict[str, Any], own: tuple[Any, ...]) -> bool:
    """Whether values of a free key have an influence beside *at*; each of them gets the label of its tensors there."""
    known: dict[Any, int] = {own: 0}
    accept = work.accept[path]
    for value in values_of(work, path):
        if accept.get(key_of(value)) != 0:
            continue
        both = work.probe.trace({**at, path: value})
        if both is None:
            continue
        if signature(both) not in known:
            work.labels += 1
            known[signature(both)] = work.labels
            work.samples[path][work.labels] = value
        accept[key_of(value)] = known[signature(both)]
    if len(known) > 1:
        work.activation.discard(path)
        work.fillers.pop(path, None)
    return len(known) > 1


def beside_switches(work: Work, base: Trace) -> None:
    """A key without influence by default may have one beside another value of a switch; then it is one itself."""
    for _ in range(4):
        more = False
        for switch in switches(work):
            for label, value in list(work.samples[switch].items()):
                if not label:
                    continue
                if not work.exploring:  # what else matters beside it is not known
                    work.accept[switch] = {k: n for k, n in work.accept[switch].items() if n != label}
                    continue
                there = work.probe.trace({switch: value})
                if there is None:
                    continue
                own = signature(there)
                free = {path: other for path, other in free_values(work).items() if path != switch}
                together = work.probe.trace({**free, switch: value})
                alike = together is not None and signature(together) == own
                for path in free:
                    if path not in work.activation and not (alike and len(values_of(work, path)) == 1):
                        more |= promoted(work, path, {switch: value}, own)
        if not more:
            break
    own = signature(base)
    joint: dict[str, Any] = {}
    for path, other in free_values(work).items():
        one = work.probe.trace({**joint, path: other})
        if one is not None and signature(one) == own:
            joint[path] = other
        elif one is not None:  # it has an influence beside others
            default = work.probe.default(path) if work.probe.declared(path) is not None else MISSING
            work.accept[path] = {k: v for k, v in work.accept[path].items() if k in (key_of(default), "absent")}
            work.activation.discard(path)


_BRANCHING = ("==", "!=", "<", "<=", ">", ">=")


def beyond(work: Work, condition: Condition, formula: DerivedFormula) -> Iterator[dict[str, Any]]:
    """Changes of one number after which *condition* does not hold any more."""
    names = free_symbols(condition.left) | free_symbols(condition.right)
    if condition.relation not in _BRANCHING or not names <= formula.base.keys():
        return
    for name in sorted(names):
        value = formula.base[name]
        if not isinstance(value, int) or name in formula.structural:
            continue
        limits = [
            int(evaluate(side, formula.base)) for side in (condition.left, condition.right)
            if name not in free_symbols(side)
        ]  # fmt: skip
        tries = (*limits, *(n + 1 for n in limits), value * 2, value // 2, *(2 * n for n in limits))
        for other in dict.fromkeys(tries):
            if other > 0 and not holds(condition, {**formula.base, name: other}):
                stem, bracket, rest = name.partition("[")
                if not bracket:
                    yield {name: other}
                    continue
                index = int(rest.partition("]")[0])
                elements = work.probe.default(stem)
                if isinstance(elements, list) and index < len(elements) and rest.endswith("]") and "[" not in rest:
                    now = [formula.base.get(f"{stem}[{i}]", x) for i, x in enumerate(elements)]
                    yield {stem: [other if i == index else x for i, x in enumerate(now)]}


def beside_numbers(work: Work, base: Trace, formula: DerivedFormula) -> None:
    """A key without influence by default may have one where the model takes another branch at other numbers."""
    own = signature(base)
    for c in formula.asked:
        for moved in beyond(work, c, formula):
            there = work.probe.trace(moved)
            if there is None or signature(there) == own or not work.exploring:
                continue
            free = free_values(work)
            together = work.probe.trace({**moved, **free})
            if together is None or signature(together) != signature(there):
                for path in free:
                    if path not in work.activation:
                        promoted(work, path, moved, signature(there))
            break
