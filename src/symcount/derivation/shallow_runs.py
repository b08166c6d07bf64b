"""Derivation from a single run: a model of few layers, where that run answers every question by construction.

In a model whose layers are all alike, each made in an iteration of a loop over a field, one run of two layers shows
every tensor, its size as an expression, and that nothing was asked of an index. More runs would only show again what is
known. It is so only where nothing can have been lost on the way to a plain number: every number in a size, and of
things that no loop made, must be one that the code is written with, and none may be the value of a field that the code
read and that no expression has. Anything else is observed in several runs (`symcount.derivation.pipeline`); and so is
what is not the code of transformers, whose constructors keep expressions where those of others may do anything.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping

from symcount.concolic.config.config_source import construct, fields_in, walk
from symcount.concolic.config.symbolic import Number, config_classes
from symcount.concolic.observe import trace
from symcount.concolic.python.constants import numbers_written
from symcount.concolic.traces import Trace
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.predicates import Predicate, holds
from symcount.core.paths import path_of
from symcount.derivation.closed_forms import count_iterations
from symcount.derivation.counting import Assumptions
from symcount.derivation.elements import arranged_in
from symcount.derivation.evidence import Evidence, Hypotheses, Plan
from symcount.derivation.multiplicity import tables
from symcount.derivation.pinning import lost, negative, ratios, transcendental
from symcount.derivation.questions import questions
from symcount.derivation.rows import Row
from symcount.derivation.second_run import moved_run
from symcount.derivation.selectors import selectors
from symcount.derivation.sensitivity import signature, unseen
from symcount.derivation.structure import depth_fields, depth_points, likely_depths, model_conditions, shape_symbols
from symcount.errors import DerivationError

__all__ = ["from_shallow_runs"]

_COMMON = 4  # numbers up to this are those of every code: three of query, key and value; four times the width
_NUMBERED = re.compile(r"\.(\d+)(?=\.|\Z)")


def from_shallow_runs(plan: Plan, rng: random.Random) -> Hypotheses | None:
    """The hypotheses that runs of few layers prove; `None` if the default config has to be observed as well."""
    library = plan.cls.__module__.startswith("transformers.") and plan.source.cls.__module__.startswith("transformers.")
    fresh = not (plan.pinned or plan.discovered or plan.observed or plan.least or plan.guards)
    if not library or not fresh or any(True for _ in arranged_in(plan.source)):
        return None
    usual, lists = _depths(plan)
    few = depth_points(list(usual), usual)
    if not few or any("[" in name or not usual[name] for name in few):
        return None
    try:
        one = trace(plan.cls, plan.source, values={**plan.base, **few})
    except DerivationError:
        return None
    plan.journal.note(f"run: {', '.join(f'{n} = {v}' for n, v in few.items())}; {len(one.parameters)} parameters")
    base = {**one.symbols, **plan.base, **{n: v for n, v in usual.items() if n not in plan.base}}
    e = Evidence(plan, base, one, (one,), tuple(depth_fields(one)), lists=lists)
    if not _counted(e, few) or not _alike(e):
        return None
    written = _written(e)
    sure = e if written else _confirmed(e, few, rng)
    if sure is None:
        return None
    found = _proved(sure) if not _questions(e) else _searched(sure, rng)
    return None if found is None or (not written and unseen(found)) else found


def _counted(e: Evidence, few: Mapping[str, Number]) -> bool:
    """Whether all fields that were moved are numbers of layers, or are not even read."""
    idle = few.keys() - set(e.structural)
    nodes = [side for c in e.default.conditions for side in (c.left, c.right)]
    nodes += [side for c in e.default.predicates for side in (c.left, c.right)]
    nodes += [use.node for use in e.default.structural]
    said = shape_symbols([e.default]).union(*map(free_symbols, nodes))
    return few.keys() >= set(e.structural) and not idle & (said | e.default.config_reads.keys())


def _questions(e: Evidence) -> list[Predicate]:
    """What was asked of indices and of numbers of layers."""
    fields = {*e.structural, *(loop.name for loop in e.default.loops)}
    return [p for p in questions(e.default) if p.symbols & fields]


def _confirmed(e: Evidence, few: Mapping[str, Number], rng: random.Random) -> Evidence | None:
    """With a run at which as much else as possible is moved, if it has the same rows."""
    two = moved_run(e, few, rng)
    return e.with_traces((e.default, two)) if two is not None and signature(two) == signature(e.default) else None


def _searched(e: Evidence, rng: random.Random) -> Hypotheses | None:
    """The hypotheses, if other runs of few layers show that the answers to all questions make no difference."""
    found = count_iterations(e, rng)
    if not isinstance(found, Hypotheses) or found.supposed or found.assumed or found.series or found.evidence.guards:
        return None
    e = found.evidence
    used = frozenset[str]().union(*map(free_symbols, found.times.values()))
    plain = all(times.op in ("const", "sym") for times in found.times.values())
    return found if plain and used.issuperset(e.structural) and not transcendental(e) and not lost(e) else None


def _depths(plan: Plan) -> tuple[dict[str, Number], dict[str, int]]:
    """The fields of the config that are numbers of layers by their name; and how long its lists are."""
    found: dict[str, Number] = {}
    lists: dict[str, int] = {}
    for path, instance in walk(construct(plan.source)):
        for name, value in fields_in(instance).items():
            if isinstance(value, list | tuple):
                lists[path_of(path, name)] = len(value)
                found |= {path_of(path, f"{name}[{i}]"): n for i, n in enumerate(value) if type(n) is int}
            elif type(value) is int:
                found[path_of(path, name)] = value
    return {name: plan.base.get(name, found[name]) for name in likely_depths(found)}, lists


def _alike(e: Evidence) -> bool:
    """Whether what the run asked of fields is answered at the defaults as in it, and no number was lost."""
    one, fields = e.default, set(e.structural)
    return not (
        one.hashed
        or any(holds(c, e.base) != holds(c, one.symbols) for c in model_conditions(one))
        or selectors(one, e.structural, shape_symbols([one]))
        or ratios(e, [one])
        or negative(e)
        or any(use.kind in ("log", "data") for use in one.structural)
        or any(p.general for p in one.parameters)
        or any(p.symbols <= fields for p in _questions(e))
    )


def _written(e: Evidence) -> bool:
    """Whether all numbers in sizes, and of things outside of loops, are the code's own and of no field."""
    one = e.default
    written = numbers_written({*(m.cls for m in one.modules), *config_classes(e.plan.source)})
    nodes = {dim for p in one.parameters for dim in p.shape}
    nodes |= {side for c in model_conditions(one) for side in (c.left, c.right)}
    nodes |= {use.node for use in one.structural} | {bound for loop in one.loops for bound in loop.bounds}
    followed = shape_symbols([one]).union(*(free_symbols(n) for n in nodes if isinstance(n, Node)))
    read = one.config_reads
    lost_ones = {
        abs(v)
        for n, v in one.symbols.items()
        if n not in followed and n.partition("[")[0] in read and not n.endswith("token_id")
    }
    sizes, numbers = set(_constants(nodes)), _counts(one)
    return all(abs(n) in written or abs(n) <= _COMMON for n in {*sizes, *numbers}) and not lost_ones & {
        abs(n) for n in (*sizes, *numbers) if abs(n) > 1
    }


def _constants(nodes: Iterable[Node | int]) -> Iterator[Number]:
    stack, seen = list(nodes), set[Node]()
    while stack:
        node = stack.pop()
        if not isinstance(node, Node):
            yield node
        elif node.op == "const":
            yield node.args[0]
        elif node.op not in ("sym", "index") and node not in seen:
            seen.add(node)
            stack += [a for a in node.args if isinstance(a, Node)]


def _counts(one: Trace) -> set[int]:
    """How many elements lists have that no loop made."""
    members: dict[str, set[str]] = {}
    for p in (p for p in one.parameters if not p.iterations):
        for found in _NUMBERED.finditer(p.path):
            members.setdefault(p.path[: found.start()], set()).add(found[1])
    return {len(several) for several in members.values()}


def _proved(e: Evidence) -> Hypotheses | None:
    """The hypotheses, if every row is made in all iterations of its loops."""
    found = tables(e.rows, e.traces, e.structural, suppose=False)
    if found is None or transcendental(e) or lost(e):
        return None
    loops, assumed = set(e.default.loops), Assumptions(e.base, [])
    times: dict[Row, Node] = {}
    for row, parts in found.items():
        if any(len(part) != 1 or part[0].predicates or not loops.issuperset(part[0].loops) for part in parts):
            return None
        numbers = [part[0].closed(assumed) for part in parts]
        total: Node = ex.const(0)
        for number in numbers:
            if number is None:
                return None
            total = ex.add(total, number)
        times[row] = total
        if assumed.taken or ex.value_at(total, e.default.symbols) != e.rows.counts[row][0]:
            return None
    used = frozenset[str]().union(*map(free_symbols, times.values()))
    if not used.issuperset(e.structural):
        return None
    e.journal.note("multiplicities: every layer is made alike, in a loop over its field")
    return Hypotheses(e, times, e.rows.classes, ())
