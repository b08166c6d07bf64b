"""The base of a layout: numbers that the config fills in become symbols, images need no whole number of patches.

And numbers at which a trace takes less time, where these are as good.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sympy import Max, Min, Mod, ceiling, floor

from symcount.atlas.codes import MISSING
from symcount.atlas.record import Section
from symcount.concolic.traces import Trace
from symcount.concolic.values.carriers import SymbolicInt
from symcount.concolic.values.expression import Node, evaluate, free_symbols, symbol
from symcount.concolic.values.predicates import holds
from symcount.core.paths import section_of
from symcount.derivation.api import derive
from symcount.derivation.formula import DerivedFormula
from symcount.derivation.structure import model_conditions
from symcount.errors import SymcountError
from symcount.survey.schema.config_class import attribute_at
from symcount.survey.schema.probe import Probe, differs, signature
from symcount.survey.schema.work import Work

__all__ = ["computed_keys", "fill", "floored", "refusing", "shallow", "small"]

_FEW = 8  # things of which a table may have as many without taking long
_EXTENT = re.compile(r"(image|input|sample|spectrogram|img)_size$|_length$")


def fill(work: Work, base: Trace) -> None:
    """Give every number that the config computes where it is left out, so that it is a symbol; keep the rules."""
    probe = work.probe
    for path, value in base.config_reads.items():
        if not isinstance(value, SymbolicInt) or probe.ignored(path):
            continue
        owner = probe.declared(path)
        key = path.rpartition(".")[2]
        default = probe.default(path) if owner is not None else MISSING
        if not (default is None or isinstance(default, str)) or owner is None or "i" not in owner.types.get(key, ""):
            continue
        explicit = probe.try_config({path: int(value)})
        if explicit is None or differs(explicit, probe.config(probe.raw)):
            continue
        probe.givens[path] = int(value)
        if probe.trace({}) is None:
            del probe.givens[path]
            continue
        work.rules[path] = value.node
        if default is None:
            work.nulls[path] = value.node
        else:
            work.words[path] = default
    _chained(work)
    _stands_for(work, base)
    for path in list(base.symbols):
        owner = probe.declared(path)
        key = path.rpartition(".")[2]
        if owner is None or path in work.rules or "n" not in owner.types.get(key, "") or probe.ignored(path):
            continue
        at_null = probe.trace({path: None})
        value = at_null.config_reads.get(path) if at_null is not None else None
        if value is None and (other := _copied(probe, path, base)):
            work.nulls[path] = symbol(other)
        elif isinstance(value, SymbolicInt):
            explicit, left = probe.try_config({path: int(value)}), probe.try_config({path: None})
            if explicit is not None and left is not None and not differs(explicit, left):
                work.nulls[path] = value.node


def computed_keys(work: Work, base: Trace) -> dict[str, int]:
    """Keys that the config computes where they are left out, and that change it where they are given: key -> number.

    The number that a config saves under such a key is not the one that it was computed from at the same key: HrmText
    saves how many layers there are in all as `num_hidden_layers`, beside `num_layers_per_stack`, from which they are
    counted then. So the key has a formula of its own, in which the other number does not occur, or is refused.
    """
    probe, found = work.probe, {}
    for path, value in base.config_reads.items():
        owner = probe.declared(path)
        if owner is None or path in work.rules or path in work.nulls or path in work.sames or probe.ignored(path):
            continue
        if not isinstance(value, SymbolicInt) or value.node == symbol(path) or path in base.symbols:
            continue
        moved = [probe.trace({path: other}) for other in (2 * int(value), int(value))]
        if any(one is None or signature(one) != signature(base) for one in moved):
            found[path] = int(value)
    return found


def refusing(sections: dict[str, Section], paths: Iterable[str]) -> dict[str, Section]:
    """*sections* that refuse the keys at *paths*."""
    found = dict(sections)
    for path in paths:
        section, _, key = path.rpartition(".")
        found[section] = found[section].changed(refused=sorted({*found[section].refused, key}))
    return found


def _chained(work: Work) -> None:
    """Let a rule say what a number is beside the others that are filled in: two times the one, whatever that is."""
    probe = work.probe
    for path, before in list(work.rules.items()):
        given = probe.givens.pop(path)
        one = probe.trace({})
        probe.givens[path] = given
        value = one.config_reads.get(path) if one is not None else None
        others = free_symbols(value.node) & work.rules.keys() if isinstance(value, SymbolicInt) else frozenset()
        if not isinstance(value, SymbolicInt) or any(path in free_symbols(work.rules[name]) for name in others):
            continue
        work.rules[path] = value.node
        if work.nulls.get(path) is before:
            work.nulls[path] = value.node


def _stands_for(work: Work, base: Trace) -> None:
    """Numbers less than zero that the config replaces by another: `-1` is the last layer, and a file may say which."""
    probe = work.probe
    for path, value in base.config_reads.items():
        default = probe.default(path) if probe.declared(path) is not None else MISSING
        if type(default) is not int or default >= 0 or not isinstance(value, SymbolicInt) or probe.ignored(path):
            continue
        node = value.node
        names = free_symbols(node)
        if not names or path in names or not all(isinstance(probe.default(n), int) for n in names):
            continue
        moved = ({}, *({n: 2 * int(probe.default(n))} for n in names))
        if all(_replaced(probe, path, node, {**dict.fromkeys(names), **sizes}) for sizes in moved):
            work.sames[path] = node


def _replaced(probe: Probe, path: str, node: Node, sizes: dict[str, Any]) -> bool:
    """Whether the config is the same where the number at *path* says what *node* is at *sizes* or the usual ones."""
    sizes = {n: probe.default(n) if v is None else v for n, v in sizes.items()}
    left, given = (probe.try_config({**sizes, **more}) for more in ({}, {path: int(evaluate(node, sizes))}))
    return left is not None and given is not None and not differs(left, given)


def _copied(probe: Probe, path: str, base: Trace) -> str:
    """The number that the config copies into one that is null and that the construction does not read by default."""
    section = section_of(path)

    def at(changes: dict[str, Any]) -> Any:
        return attribute_at(probe.try_config({path: None, **changes}), path)

    value = at({})
    for name, number in base.symbols.items():
        same = type(value) is int and number == value and name != path and section_of(name) == section
        if same and "[" not in name and at({name: 2 * number}) == 2 * number:
            return name
    return ""


def small(work: Work, formula: DerivedFormula) -> DerivedFormula:
    """The formula derived at less of what only fills tables that are no tensors: images of fewer pixels, fewer frames.

    Such a number counts nothing, but the model's code makes as many things at each trace. It is halved as long as the
    tensors are the same and the same conditions are asked with the same answers.
    """
    probe, before = work.probe, dict(work.probe.givens)
    counted = {e.field for e in formula.notation if e.symbol in formula.total.free_symbols}
    full = probe.trace({})
    for name in formula.structural:
        value = formula.base[name]
        if name in counted or "[" in name or name in before or not probe.declared(name) or not isinstance(value, int):
            continue
        while full is not None and value > _FEW:
            known, value = dict(probe.givens), value // 2
            probe.givens[name] = value
            one = probe.trace({})
            if one is None or signature(one) != signature(full) or _answers(one) != _answers(full):
                probe.givens = known
                break
    if probe.givens == before:
        return formula
    try:
        return derive(probe.cls, config=probe.source({}))
    except SymcountError:
        probe.givens = before
        return formula


def _answers(one: Trace) -> set[tuple[Any, ...]]:
    """What the model's own code asked, as it turned out."""
    return {(c.relation, c.left, c.right, c.exact) for c in model_conditions(one)}


def floored(work: Work, formula: DerivedFormula) -> DerivedFormula:
    """The formula with `⌊R/P⌋` where that is what the model takes: an image need not consist of whole patches.

    Nor is a size that the code divides by a number (`int(2 * I / 3)`) always a multiple of it. By default it is, so
    that the division looks exact; the base config is moved to a size at which it is not.
    """
    probe, before = work.probe, dict(work.probe.givens)
    for c in formula.asked:
        name = next(iter(names)) if len(names := free_symbols(c.right)) == 1 else ""
        stem, bracket, rest = name.partition("[")
        patches = c.left.op == "sym" and c.right.op == "sym" and _EXTENT.search(stem)
        if c.relation != "divides" or not c.exact or not (patches or c.left.op == "const"):
            continue
        if not probe.declared(stem) or holds(c, {**formula.base, name: formula.base[name] + 1}):
            continue
        known = dict(probe.givens)
        more = int(formula.base[name]) + 1
        if bracket:
            elements = probe.givens.get(stem, probe.default(stem))
            probe.givens[stem] = [more if f"{i}]" == rest else x for i, x in enumerate(elements)]
        else:
            probe.givens[stem] = more
        if probe.trace({}) is None:
            probe.givens = known
    if probe.givens == before:
        return formula
    moved: DerivedFormula | None
    try:
        moved = derive(probe.cls, config=probe.source({}))
    except SymcountError:
        moved = None
    if moved is not None and all(formula.base.get(n, v) == v for n, v in moved.pinned.items()):
        values = {**moved.base, **formula.base}
        if all(holds(c, values) for c in moved.asked):
            return moved
    probe.givens = before  # there the model takes another branch
    return formula


def shallow(work: Work, formula: DerivedFormula) -> None:
    """Trace with few layers, where there is no pattern of layers that needs more to be seen."""
    if _patterned(formula):
        return
    least = 3 if not formula.selectors else 3 + max((int(formula.base[n]) for n in formula.selectors), default=0)
    depths = {n: min(int(formula.base[n]), least) for n in formula.depths if "[" not in n}
    full = work.probe.trace({})
    work.probe.shallow = depths
    few = work.probe.trace({})
    if full is None or few is None or {p.name for p in few.parameters} != {p.name for p in full.parameters}:
        work.probe.shallow = {}


def _patterned(formula: DerivedFormula) -> bool:
    """Whether a number of layers stands in the total other than as a factor: every fourth one is of another kind."""
    depths = {e.symbol for e in formula.notation if e.field in formula.structural}
    return any(part.free_symbols & depths for part in formula.total.atoms(floor, ceiling, Mod, Min, Max))
