"""Measuring one layout: which keys of a config matter to a model class, which values have which formula.

Everything starts from a base config. Each key that the construction reads, or that the config's own code uses, is
varied on its own; values that give the same tensors have one label. Keys with several labels are switches, the others
are free, which is confirmed beside every value of every switch. Each combination of labels that is answered has a
formula that was derived and certified there.
"""

from __future__ import annotations

import itertools
import json
import keyword
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sympy import Expr, Integer, Symbol

from symcount.arithmetic import HOLDS, as_written
from symcount.atlas.codec import encode
from symcount.atlas.keys import Keys
from symcount.atlas.probe import MISSING, ROPES, Probe, differs, ignored, reads, signature, uninitialised
from symcount.atlas.record import Check, Layout, StoredFormula
from symcount.atlas.schema import code
from symcount.atlas.trees import tree_to_json
from symcount.derive.api import derive
from symcount.derive.carriers import SymbolicInt
from symcount.derive.expression import Node, evaluate, free_symbols, to_sympy
from symcount.derive.points import holds
from symcount.derive.recording import Condition
from symcount.derive.result import DerivedFormula
from symcount.derive.sources import is_config
from symcount.derive.structure import model_conditions
from symcount.derive.trace import Trace
from symcount.errors import DerivationError, StructureError, SymcountError
from symcount.ledger import CONVENTIONS
from symcount.notation import assign

__all__ = ["Measured", "measure"]

_ENUMERATED = 4096  # combinations of switches among which the simplest are chosen
_MOST = 64  # combinations that are derived, if there is time
_EXPLORING = 8  # seconds of the processor for varying keys, whatever is left for combinations
_EXTENT = re.compile(r"(image|input|sample|spectrogram|img)_size$|_length$")
_COMPOSITE = 12  # combinations for a model with sub-configs


@dataclass
class Measured:
    """A layout with what is needed to check it.

    Attributes:
        layout: to be stored; its formulas refer to `trees`.
        trees: the formulas' trees as JSON.
        derived: the derived formula of each state's labels.
        samples: path of a check -> label -> a value with that label.
        probe: what was varied.
    """

    layout: Layout
    trees: list[list[Any]]
    derived: dict[str, DerivedFormula]
    samples: dict[str, dict[int, Any]]
    probe: Probe
    free: dict[str, list[Any]]

    def options(self, path: str) -> list[Any]:
        """Values without influence for a key that is no switch."""
        return self.free.get(path, [])


@dataclass
class _Work:
    probe: Probe
    activations: frozenset[str]
    deadline: float
    exploring: float
    rules: dict[str, Node] = field(default_factory=dict)
    nulls: dict[str, Node] = field(default_factory=dict)
    accept: dict[str, dict[str, int]] = field(default_factory=dict)
    samples: dict[str, dict[int, Any]] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    labels: int = 0
    words: dict[str, str] = field(default_factory=dict)
    fillers: dict[str, int] = field(default_factory=dict)
    extra: list[Condition] = field(default_factory=list)
    activation: set[str] = field(default_factory=set)
    patterns: dict[str, dict[str, Any]] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    equals: dict[str, Node] = field(default_factory=dict)


def measure(
    cls: Any, raw: dict[str, Any], types: dict[str, list[str]], activations: frozenset[str], *, seconds: float = 30,
    trials: int = 8, seed: int = 0,
) -> Measured:  # fmt: skip
    """Measure the layout of *cls* around the base config *raw*.

    Raises:
        DerivationError: the class cannot be built there, or has no closed form.
    """
    now = time.process_time()
    work = _Work(Probe(cls, raw), activations, now + seconds, now + max(seconds, _EXPLORING))
    base = work.probe.trace({})
    if base is None:
        raise DerivationError(f"{cls.__name__} cannot be built at {json.dumps(raw)}")
    _fill(work, base)
    base = work.probe.trace({})
    assert base is not None  # noqa: S101  # `_fill` leaves only givens at which it can be built
    first = _floored(work, derive(cls, config=work.probe.source({})))
    _shallow(work, first)
    base = work.probe.trace({}) or base
    _vary(work, base, first)
    _further(work, first)
    _beside_switches(work, base)
    formulas, states, derived, trees, at, branches = _combine(work, first, trials, seed)
    numbers, sections, checks = Keys(work, at, list(derived.values()), formulas).measured()
    layout = Layout(types, sections, numbers, checks, _switches(work), states, formulas, branches)
    free = {p: _values(work, p) for p in work.accept if len(set(work.accept[p].values())) == 1}
    return Measured(layout, trees, derived, work.samples, work.probe, free)


# ------------------------------------------------------------------ numbers that the config fills in


def _fill(work: _Work, base: Trace) -> None:
    """Give every number that the config computes where it is left out, so that it is a symbol; keep the rules."""
    probe = work.probe
    for path, value in base.config_reads.items():
        if not isinstance(value, SymbolicInt) or ignored(path):
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
    for path in list(base.symbols):
        owner = probe.declared(path)
        key = path.rpartition(".")[2]
        if owner is None or path in work.rules or "n" not in owner.types.get(key, "") or ignored(path):
            continue
        at_null = probe.trace({path: None})
        value = at_null.config_reads.get(path) if at_null is not None else None
        if isinstance(value, SymbolicInt):
            explicit, left = probe.try_config({path: int(value)}), probe.try_config({path: None})
            if explicit is not None and left is not None and not differs(explicit, left):
                work.nulls[path] = value.node


def _floored(work: _Work, formula: DerivedFormula) -> DerivedFormula:
    """The formula with `⌊R/P⌋` where that is what the model takes: an image need not consist of whole patches.

    By default it does, so that the division looks exact; the base config is moved to a size at which it is not.
    """
    probe, before = work.probe, dict(work.probe.givens)
    for c in formula.asked:
        name = c.right.args[0] if c.right.op == "sym" else ""
        if c.relation == "divides" and c.exact and c.left.op == "sym" and _EXTENT.search(name) and probe.declared(name):
            probe.givens[name] = int(formula.base[name]) + 1
            if probe.trace({}) is None:
                probe.givens = dict(before)
    if probe.givens == before:
        return formula
    try:
        return derive(probe.cls, config=probe.source({}))
    except SymcountError:
        probe.givens = before
        return formula


def _shallow(work: _Work, formula: DerivedFormula) -> None:
    """Trace with few layers, where there is no pattern of layers that needs more to be seen."""
    least = 3 if not formula.selectors else 3 + max((int(formula.base[n]) for n in formula.selectors), default=0)
    depths = {n: min(int(formula.base[n]), least) for n in formula.depths if "[" not in n}
    full = work.probe.trace({})
    work.probe.shallow = depths
    few = work.probe.trace({})
    if full is None or few is None or {p.name for p in few.parameters} != {p.name for p in full.parameters}:
        work.probe.shallow = {}


# ------------------------------------------------------------------ one key at a time


def _vary(work: _Work, base: Trace, formula: DerivedFormula, at: Mapping[str, Any] | None = None) -> None:
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
            elif current is not MISSING and (current is None or isinstance(current, bool | str | int | float)):
                accept[_code(current)] = 0
        else:
            accept[_code(default)] = 0
            _floats(work, path, current, known)
        if isinstance(current, list | tuple) and current and all(isinstance(x, str) for x in current):
            _layers(work, path, current, base, formula)
        for value in work.probe.alternatives(path, current, work.activations):
            _try(work, path, value, known, accept, samples, at or {})
        usual = current if owner is None else default
        if (
            isinstance(usual, str)
            and usual in work.activations
            and any(accept.get(f"'{a}") == 0 for a in ("relu", "gelu") if a != usual)
        ):
            work.activation.add(path)


def _further(work: _Work, formula: DerivedFormula) -> None:
    """What is read only beside another value of a key, of whatever influence that value is by itself."""
    done: set[tuple[str, str]] = set()
    while fresh := [(p, v) for p in list(work.accept) for v in _values(work, p) if (p, _code(v)) not in done]:
        for path, value in fresh:
            if time.process_time() > work.exploring:  # what it leads to is not known
                del work.accept[path][_code(value)]
                continue
            done.add((path, _code(value)))
            there = work.probe.trace({path: value})
            if there is not None:
                _vary(work, there, formula, {path: value})


def _floats(work: _Work, path: str, current: Any, known: Mapping[Any, int]) -> None:
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
        others: list[list[Any]] = [[float(x) * 2 for x in current], [int(x) * 2 for x in current]]
        for other in others:
            one = work.probe.trace({path: other})
            if one is not None and known.get(signature(one)) == 0:
                work.accept[path][f"numbers {len(other)}"] = 0
                break


def _try(
    work: _Work, path: str, value: Any, known: dict[Any, int], accept: dict[str, int], samples: dict[int, Any],
    at: Mapping[str, Any],
) -> None:  # fmt: skip
    number = isinstance(value, int | float) and not isinstance(value, bool)
    for tried in (value, 4, 64, 2, 1, 16) if number and isinstance(value, int) else (value,):
        one = work.probe.trace({**at, path: tried})
        if one is not None:
            break
    else:
        return
    found = signature(one)
    if found not in known:
        work.labels += 1
        known[found] = work.labels
    label = known[found]
    accept.setdefault(_code(tried), label)
    samples.setdefault(label, tried)
    if number and label == 0:
        work.fillers[path] = tried
        work.extra += [
            c for c in model_conditions(one)
            if path in free_symbols(c.left) | free_symbols(c.right) and c.relation in HOLDS and holds(c, one.symbols)
        ]  # fmt: skip


def _candidates(work: _Work, base: Trace) -> Iterator[tuple[str, Any]]:  # noqa: PLR0912  # where keys may come from
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


def _code(value: Any) -> str:
    """The code under which `schema.Reader` looks a value up."""
    if value is MISSING:
        return "absent"
    if isinstance(value, list | tuple) and value:
        return "=" + json.dumps(value, sort_keys=True, default=str)
    if isinstance(value, dict) and value and not code(value).startswith("rope"):
        return "=" + json.dumps(value, sort_keys=True, default=str)
    return code(value)


def _layers(work: _Work, path: str, current: Any, base: Trace, formula: DerivedFormula) -> None:
    """A list with one string for each layer: which kinds may stand anywhere, or which pattern it has by default."""
    probe, section = work.probe, path.rpartition(".")[0]
    kinds = sorted(set(map(str, current)) | ({"full_attention", "sliding_attention"} if "types" in path else set()))
    whole = probe.trace({}, deep=True)
    current = _list_at(probe, path, {})
    if whole is None or current is None:
        return
    own = signature(whole)
    depths = [d for d in whole.symbols if d in formula.structural and whole.symbols[d] == len(current)
              and d.rpartition(".")[0] == section]  # fmt: skip
    same = []
    for one in kinds:
        uniform = probe.trace({path: [one] * len(current)}, deep=True)
        if uniform is not None and signature(uniform) == own:
            same.append(one)
    explicit = probe.trace({path: current}, deep=True)
    if not depths or explicit is None or signature(explicit) != own:
        return
    if set(map(str, current)) <= set(same):
        work.patterns[path] = {"depth": depths[0], "kinds": same}
    elif (period := _period(probe, path, depths[0])) is not None:
        work.patterns[path] = {"depth": depths[0], "period": period, "same": _influences(probe, path, base, depths[0])}


def _list_at(probe: Probe, path: str, changes: Mapping[str, Any]) -> list[str] | None:
    config = probe.try_config(changes)
    for part in path.split("."):
        config = getattr(config, part, None)
    return [str(x) for x in config] if isinstance(config, list | tuple) else None


def _period(probe: Probe, path: str, depth: str) -> list[str] | None:
    """The pattern that the default list repeats at all depths, if it does."""
    lists = {n: _list_at(probe, path, {depth: n}) for n in range(1, 41)}
    longest = lists[40]
    if longest is None:
        return None
    for size in range(1, 13):
        period = longest[:size]
        if all(x is None or x == [period[i % size] for i in range(n)] for n, x in lists.items()):
            return period
    return None


def _influences(probe: Probe, path: str, base: Trace, depth: str) -> dict[str, Any]:
    """The other numbers on which the default list depends, with their defaults."""
    section = path.rpartition(".")[0]
    own = _list_at(probe, path, {})
    found = {}
    for name, value in base.symbols.items():
        if name != depth and isinstance(value, int) and name.rpartition(".")[0] == section and "[" not in name:
            other = _list_at(probe, path, {name: value + 1})
            if other is not None and other != own:
                found[name] = value
    return found


# ------------------------------------------------------------------ several keys at a time


def _switches(work: _Work) -> list[str]:
    return [path for path, accept in work.accept.items() if len(set(accept.values())) > 1]


def _free(work: _Work) -> dict[str, Any]:
    """For each key without influence, a value other than its default."""
    found = {}
    for path, accept in work.accept.items():
        if len(set(accept.values())) == 1:
            others = [v for v in _values(work, path) if accept.get(_code(v)) == 0]
            if others:
                found[path] = others[0]
    return found


def _values(work: _Work, path: str) -> list[Any]:
    """The values other than the default that were accepted."""
    found: list[Any] = []
    words: dict[str, Any] = {"true": True, "false": False, "null": None, "[]": []}
    default = _code(work.probe.default(path) if work.probe.declared(path) is not None else MISSING)
    for key in work.accept[path]:
        if key in {default, "absent"}:
            continue
        if key in words:
            found.append(words[key])
        elif key.startswith("'"):
            found.append(key[1:])
        elif key == "#":
            found.append(
                work.fillers.get(path, next((v for v in work.samples[path].values() if isinstance(v, int)), 8))
            )
        elif key.startswith("="):
            found.append(json.loads(key[1:]))
        elif key.startswith("rope "):
            found += [dict(r) for r in ROPES if r.get("rope_type", r.get("type")) == key[5:]]
    return found


def _promoted(work: _Work, path: str, at: dict[str, Any], own: tuple[Any, ...]) -> bool:
    """Whether values of a free key have an influence beside *at*; each of them gets the label of its tensors there."""
    known: dict[Any, int] = {own: 0}
    accept = work.accept[path]
    for value in _values(work, path):
        if accept.get(_code(value)) != 0:
            continue
        both = work.probe.trace({**at, path: value})
        if both is None:
            continue
        if signature(both) not in known:
            work.labels += 1
            known[signature(both)] = work.labels
            work.samples[path][work.labels] = value
        accept[_code(value)] = known[signature(both)]
    if len(known) > 1:
        work.activation.discard(path)
        work.fillers.pop(path, None)
    return len(known) > 1


def _beside_switches(work: _Work, base: Trace) -> None:
    """A key without influence by default may have one beside another value of a switch; then it is one itself."""
    for _ in range(4):
        promoted = False
        for switch in _switches(work):
            for label, value in list(work.samples[switch].items()):
                if not label:
                    continue
                if time.process_time() > work.exploring:  # what else matters beside it is not known
                    work.accept[switch] = {k: n for k, n in work.accept[switch].items() if n != label}
                    continue
                there = work.probe.trace({switch: value})
                if there is None:
                    continue
                own = signature(there)
                free = {path: other for path, other in _free(work).items() if path != switch}
                together = work.probe.trace({**free, switch: value})
                alike = together is not None and signature(together) == own
                for path in free:
                    if path not in work.activation and not (alike and len(_values(work, path)) == 1):
                        promoted |= _promoted(work, path, {switch: value}, own)
        if not promoted:
            break
    own = signature(base)
    joint: dict[str, Any] = {}
    for path, other in _free(work).items():
        one = work.probe.trace({**joint, path: other})
        if one is not None and signature(one) == own:
            joint[path] = other
        elif one is not None:  # it has an influence beside others
            default = work.probe.default(path) if work.probe.declared(path) is not None else MISSING
            work.accept[path] = {k: v for k, v in work.accept[path].items() if k in (_code(default), "absent")}
            work.activation.discard(path)


def _combinations(work: _Work) -> list[dict[str, int]]:
    """Combinations of labels, the simplest first: no more than can be derived in the time there is.

    Keys that no config class declares (`getattr(config, "head_dim", …)`) are rare, so they come one at a time.
    """
    switches = _switches(work)
    labels = [sorted(set(work.accept[s].values())) for s in switches]
    rare = [work.probe.declared(s) is None for s in switches]

    def cost(chosen: tuple[int, ...]) -> tuple[int, int]:
        unusual = sum(bool(n) for n, r in zip(chosen, rare, strict=True) if r)
        return sum(map(bool, chosen)) + 2 * max(0, unusual - 1), unusual

    most = _COMPOSITE + len(switches) if len(work.probe.parts) > 1 else _MOST
    size = 1
    for options in labels:
        size *= len(options)
    if size > _ENUMERATED:  # each label alone, and each pair
        zero = (0,) * len(switches)
        single = [(i, n) for i, options in enumerate(labels) for n in options if n]
        sets = [(), *((s,) for s in single), *(p for p in itertools.combinations(single, 2) if p[0][0] != p[1][0])]
        every = [tuple(dict(chosen).get(i, 0) for i in range(len(zero))) for chosen in sets]
    else:
        every = list(itertools.product(*labels))
    every.sort(key=cost)
    return [dict(zip(switches, chosen, strict=True)) for chosen in every[:most]]


@dataclass
class _At:
    """The names of numbers, shared by rules and conditions of a layout."""

    names: dict[str, str]
    symbols: dict[str, Symbol]

    def text(self, node: Node) -> str:
        """A rule or one side of a condition as text.

        Raises:
            StructureError: there is no exact rule for it.
        """
        expression: Expr = to_sympy(node, self.symbols)
        return encode(expression)


def _names(work: _Work, formulas: Iterable[DerivedFormula]) -> _At:
    base: dict[str, Any] = {}
    for formula in formulas:
        base.update(formula.base)
    for path, filler in work.fillers.items():
        base.setdefault(path, filler)
    names = {e.field: e.letter + "_" if keyword.iskeyword(e.letter) else e.letter for e in assign(base)}
    symbols = {
        path: Symbol(name, rational=True) if isinstance(base[path], float) else Symbol(name, integer=True)
        for path, name in names.items()
    }
    return _At(names, symbols)


def _combine(
    work: _Work, first: DerivedFormula, trials: int, seed: int
) -> tuple[list[StoredFormula], dict[str, int], dict[str, DerivedFormula], list[list[Any]], _At, dict[str, list[int]]]:
    """Derive a formula for every combination of labels that is answered."""
    free = _free(work)
    switches = _switches(work)
    found: list[tuple[DerivedFormula, dict[str, Any], int]] = []
    states: dict[str, int] = {}
    derived: dict[str, DerivedFormula] = {}
    known: dict[Any, int] = {}
    for labels in _combinations(work):
        changes = {s: work.samples[s][n] for s, n in labels.items() if n}
        key = ",".join(str(labels[s]) for s in switches)
        if changes and time.process_time() > work.deadline:
            break
        own = work.probe.trace(changes)
        flipped = work.probe.trace({**changes, **{k: v for k, v in free.items() if k not in changes}})
        if own is None or (changes and flipped is not None and signature(flipped) != signature(own)):
            continue
        if signature(own) in known:
            states[key] = known[signature(own)]
            continue
        try:
            formula = derive(work.probe.cls, config=work.probe.source(changes)) if changes else first
            with uninitialised():
                points = formula.certify(trials, seed).passed
        except SymcountError:
            if not changes:
                raise
            continue
        known[signature(own)] = states[key] = len(found)
        derived[key] = formula
        found.append((formula, changes, points))
    branches: dict[str, list[int]] = {}
    for key, number in list(states.items()):
        if key in derived:
            for formula, points, moved in _branches(work, found[number][0], found[number][1], trials, seed):
                branches.setdefault(str(number), []).append(len(found))
                derived[f"{key}!{len(found)}"] = formula
                found.append((formula, {**found[number][1], **moved}, points))
    at = _names(work, [f for f, _, _ in found])
    stored, trees = [], []
    for number, (formula, changes, points) in enumerate(found):
        stored.append(_stored(work, formula, changes, at, number, points, seed))
        trees.append(tree_to_json(formula.tree))
    return stored, states, derived, trees, at, branches


_BRANCHING = ("==", "!=", "<", "<=", ">", ">=")


def _branches(
    work: _Work, formula: DerivedFormula, changes: Mapping[str, Any], trials: int, seed: int
) -> Iterator[tuple[DerivedFormula, int, dict[str, Any]]]:
    """Formulas beyond the end of a domain, where the model takes another branch at other numbers."""
    probe, seen = work.probe, {signature(t) for t in [probe_trace(work, changes)] if t is not None}
    for c in formula.asked:
        names = free_symbols(c.left) | free_symbols(c.right)
        if c.relation not in _BRANCHING or not names <= formula.base.keys() or time.process_time() > work.deadline:
            continue
        for moved in _beyond(work, c, names, formula):
            there = probe_trace(work, {**changes, **moved})
            if there is None or signature(there) in seen:
                continue
            seen.add(signature(there))
            free = {k: v for k, v in _free(work).items() if k not in changes}
            flipped = probe_trace(work, {**changes, **moved, **free})
            if flipped is not None and signature(flipped) != signature(there):
                continue  # a key without influence has one beyond
            try:
                other = derive(probe.cls, config=probe.source({**changes, **moved}))
                with uninitialised():
                    points = other.certify(trials, seed).passed
            except SymcountError:
                continue
            if any(not holds(d, formula.base) for d in other.asked):
                yield other, points, moved
            break


def probe_trace(work: _Work, changes: Mapping[str, Any]) -> Trace | None:
    """The trace at the model's own depths: a moved number is part of the config."""
    return work.probe.trace(changes, deep=True)


def _beyond(
    work: _Work, condition: Condition, names: Iterable[str], formula: DerivedFormula
) -> Iterator[dict[str, Any]]:
    """Changes of one number after which *condition* does not hold any more."""
    for name in sorted(names):
        value = formula.base[name]
        if not isinstance(value, int) or name in formula.structural:
            continue
        limits = [
            int(evaluate(side, formula.base)) for side in (condition.left, condition.right)
            if name not in free_symbols(side)
        ]  # fmt: skip
        for other in (*limits, *(n + 1 for n in limits), value * 2, value // 2, *(2 * n for n in limits)):
            if other > 0 and not holds(condition, {**formula.base, name: other}):
                stem, bracket, rest = name.partition("[")
                if not bracket:
                    yield {name: other}
                    continue
                index = int(rest.partition("]")[0])
                elements = work.probe.default(stem)
                if isinstance(elements, list) and index < len(elements) and rest.endswith("]") and "[" not in rest:
                    yield {stem: [other if i == index else x for i, x in enumerate(elements)]}


def _stored(
    work: _Work, formula: DerivedFormula, changes: Mapping[str, Any], at: _At, tree: int, points: int, seed: int
) -> StoredFormula:
    letters = [[e.letter, e.field, e.latex, e.meaning, e.minimum, e.scales, e.rational] for e in formula.notation]
    totals: dict[str, str] = {}
    for convention in CONVENTIONS:
        text = encode(formula.total_as(convention))
        if convention == "unique" or text != totals["unique"]:
            totals[convention] = text
    domain = [[c.relation, encode(c.left), encode(c.right)] for c in formula.domain]
    return StoredFormula(
        letters,
        totals,
        domain,
        list(_asked(work, formula, changes, at)),
        tree,
        {k: v for k, v in formula.options.items() if v is None or isinstance(v, bool)},
        dict(formula.pinned),
        points,
        seed,
    )


def _asked(work: _Work, formula: DerivedFormula, changes: Mapping[str, Any], at: _At) -> Iterator[list[str]]:
    """What the model's own code asked, unless another answer leaves its tensors as they are; and what is pinned."""
    letters = {e.field for e in formula.notation}
    pinned = dict(formula.pinned)
    own = work.probe.trace(changes)
    seen: set[tuple[str, str, str]] = set()
    done = {(c.relation, c.left, c.right) for c in formula.domain}
    own_letters = {e.field: e.symbol for e in formula.notation}
    for c in (*formula.asked, *work.extra):
        names = free_symbols(c.left) | free_symbols(c.right)
        if c.relation not in HOLDS or not names or not names <= at.names.keys() or c.left is c.right:
            continue
        if names <= letters and (c.relation, to_sympy(c.left, own_letters), to_sympy(c.right, own_letters)) in done:
            continue
        if not names <= letters and own is not None and _void(work, c, names - letters, formula, changes, own):
            continue
        try:
            item = (c.relation, at.text(c.left), at.text(c.right))
        except (StructureError, KeyError, TypeError):
            pinned.update({n: formula.base[n] for n in names if n in formula.base})
            continue
        if item not in seen:
            seen.add(item)
            yield list(item)
    for path, value in pinned.items():
        if path in at.names:
            exact = as_written(value) if isinstance(value, float) else Fraction(value)
            yield ["==", at.names[path], encode(Integer(exact.numerator) / Integer(exact.denominator))]


def _void(
    work: _Work, condition: Condition, names: Iterable[str], formula: DerivedFormula, changes: Mapping[str, Any],
    own: Trace,
) -> bool:  # fmt: skip
    """Whether the model has the same tensors where *condition* does not hold."""
    values = {**formula.base, **work.fillers, **own.symbols}
    for name in names:
        value = work.fillers.get(name, values.get(name))
        if value is None:
            continue
        tries: list[Any] = [0.0, 0.5, 1.0, value * 2] if isinstance(value, float) else [0, 1, 2, value + 1, value * 2]
        for side in (condition.left, condition.right):  # just beyond what it is compared with
            if name not in free_symbols(side) and not isinstance(value, float):
                limit = int(evaluate(side, values))
                tries += [limit, limit + 1, max(limit - 1, 0)]
        for other in tries:
            if not holds(condition, {**values, name: other}):
                given = name in work.fillers and name not in own.symbols
                one = work.probe.trace({**changes, name: other} if given else changes, {} if given else {name: other})
                if one is not None:
                    return signature(one) == signature(own)
    return False
