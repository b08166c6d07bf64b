"""Lists of numbers whose elements matter to no tensor: with an element for each layer, or of a certain length."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from symcount.atlas.codes import MISSING, mapped
from symcount.concolic.config.symbolic import build
from symcount.concolic.traces import Trace
from symcount.concolic.values.carriers import SymbolicInt
from symcount.core.paths import section_of
from symcount.derivation.formula import DerivedFormula
from symcount.survey.schema.alternatives import DICTS
from symcount.survey.schema.config_class import attribute_at
from symcount.survey.schema.patterns import depth_of, runs
from symcount.survey.schema.probe import Probe, signature
from symcount.survey.schema.work import Work

__all__ = ["by_layer", "computed", "numbers", "stages"]


def numbers(work: Work, path: str, current: Any, known: Mapping[Any, int], formula: DerivedFormula) -> None:
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
    elif all(isinstance(x, int | float) and not isinstance(x, bool) for x in current):
        _whole(work, path, formula)
    else:
        runs(work, path, current, formula)


def _whole(work: Work, path: str, formula: DerivedFormula) -> None:
    """The list that the config has at all of its layers."""
    whole = work.probe.trace({}, deep=True)
    full = attribute_at(work.probe.config({}), path)
    if whole is None or not isinstance(full, list | tuple):
        return
    others: list[list[Any]] = [[float(x) * 2 for x in full], [int(x) * 2 for x in full]]
    if all(isinstance(x, int) and x > 1 for x in full):
        others.append([int(x) - 1 for x in full])  # numbers of layers, of which there are not twice as many
    for other in others:
        one = work.probe.trace({path: other}, deep=True)
        if one is not None and signature(one) == signature(whole):
            if depth := depth_of(path, whole, formula, work):
                work.patterns[path] = {"depth": depth, "numbers": True}
            else:
                work.accept[path][f"numbers {len(other)}"] = 0
            return


def computed(work: Work, path: str, current: Any) -> None:
    """A list that the config's own code makes under a name that it does not declare: a file may say it once more."""
    if not isinstance(current, list | tuple) or not current:
        return
    rows = any(isinstance(x, list | tuple) for x in current)
    if rows:  # as it is before the model's code changes it
        current = attribute_at(build(work.probe.source({}), {}, ()).config, path)
    if not rows and (found := stages(work.probe, path, list(current))):
        work.patterns[path] = found
    elif all(isinstance(x, SymbolicInt) for x in current) or (rows and _filled_in(current)):
        work.each[path] = mapped(lambda x: x.node if isinstance(x, SymbolicInt) else x, current)
    elif all(isinstance(x, int | float | str) for x in current):
        whole = list(attribute_at(work.probe.config(work.probe.raw), path))
        if found := _of_a_kind(work.probe, path, whole):
            work.patterns[path] = found


def _filled_in(current: Any) -> bool:
    """Whether lists in lists have nothing but words and numbers, among them numbers of the config."""
    found: list[Any] = []
    mapped(found.append, current)
    return all(isinstance(x, int | str) for x in found) and any(isinstance(x, SymbolicInt) for x in found)


def _of_a_kind(probe: Probe, path: str, current: list[Any]) -> dict[str, Any]:
    """The pattern of a list of the layers of one kind, where another list says of which kind each layer is."""
    section = section_of(path)
    prefix = f"{section}." if section else ""
    own = attribute_at(probe.config(probe.raw), section)
    for name, kinds in vars(own).items():
        if not isinstance(kinds, list) or not all(isinstance(x, str) for x in kinds):
            continue
        for kind in dict.fromkeys(kinds):
            if current != [i for i, x in enumerate(kinds) if x == kind]:
                continue
            moved = kinds[1:] + kinds[:1]
            there = attribute_at(probe.try_config({prefix + name: moved}), path)
            one, whole = probe.trace({path: current}, deep=True), probe.trace({}, deep=True)
            alike = one is not None and whole is not None and signature(one) == signature(whole)
            if alike and there == [i for i, x in enumerate(moved) if x == kind]:
                return {"of": prefix + name, "kind": kind}
    return {}


def stages(probe: Probe, path: str, current: list[Any]) -> dict[str, Any]:
    """The pattern of a list that names the stages of a backbone, or chooses some of them."""
    numbered = [f"stage{i}" if i else "stem" for i in range(len(current) + 1)]
    own = probe.trace({}, deep=True)  # stages may be layers

    def alike(changes: dict[str, Any]) -> bool:
        one = probe.trace(changes, deep=True)
        return own is not None and one is not None and signature(one) == signature(own)

    if current == numbered[:-1]:
        return {"numbered": ["stem", "stage"]} if alike({path: numbered}) else {}
    numbers = [int(x[5:]) if isinstance(x, str) and re.fullmatch(r"stage\d+", x) else x for x in current]
    numbers = [int(x) if isinstance(x, SymbolicInt) else x for x in numbers]
    if not path.rpartition(".")[2].startswith("out_") or not all(type(x) is int and x > 1 for x in numbers):
        return {}
    before = [f"stage{x - 1}" if isinstance(old, str) else x - 1 for x, old in zip(numbers, current, strict=True)]
    current = [old if isinstance(old, str) else x for x, old in zip(numbers, current, strict=True)]
    stem = path.rpartition("out_")[0]
    twin = {f"{stem}{k}": MISSING for k in ("out_features", "out_indices") if f"{stem}{k}" != path}
    if not alike({**twin, path: before}):
        return {}
    other = before[:1] if len(before) > 1 else [*before, *current]
    return {"stages": 0 if alike({**twin, path: other}) else len(current)}


def by_layer(work: Work, base: Trace, formula: DerivedFormula) -> None:
    """Numbers that may be given for each layer instead, where that leaves the tensors as they are."""
    whole = work.probe.trace({}, deep=True)
    for path, value in base.symbols.items():
        owner, key = work.probe.declared(path), path.rpartition(".")[2]
        if owner is None or "l" not in owner.types.get(key, "") or not isinstance(value, int):
            continue
        known = work.accept.get(path)
        null = _same(base, work.probe.trace({path: None})) if known is None else known.get("null") == 0
        none = {"null": 0} if null and "n" in owner.types[key] else {}
        short = [work.probe.trace({path: one}) for one in ([int(value)], [int(value), 2 * int(value)])]
        if all(_same(base, one) for one in short):
            accepted = {**none, "#": 0, "numbers": 0}  # `eos_token_id` may be several
            objects = [{"height": int(value), "width": 2 * int(value)}, *DICTS] if "d" in owner.types[key] else []
            if objects and all(_same(base, work.probe.trace({path: one})) for one in objects):
                accepted["dict"] = 0
            work.accept[path], work.samples[path] = accepted, {0: MISSING}
            continue
        sides = [work.probe.trace({path: one}) for one in ([int(value), 2 * int(value)], [2 * int(value), int(value)])]
        if all(_same(base, one) for one in sides):
            work.accept[path], work.samples[path] = {**none, "#": 0, "numbers 2": 0}, {0: MISSING}  # height and width
            continue
        for depth in formula.depths:
            if "[" in depth or section_of(depth) != section_of(path) or whole is None:
                continue
            number = int(whole.symbols[depth])
            several = [[int(value)] * number, [int(value) * (1 + i % 2) for i in range(number)]]
            traces = [work.probe.trace({path: one}, deep=True) for one in several]
            if all(_same(whole, one) for one in traces):
                work.accept[path], work.samples[path] = {**none, "#": 0}, {0: MISSING}
                work.patterns[path] = {"depth": depth, "numbers": True}
                break


def _same(base: Trace, one: Trace | None) -> bool:
    return one is not None and signature(one) == signature(base)
