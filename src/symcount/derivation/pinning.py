"""Which fields to keep concrete where the structure, or a shape, was not understood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from symcount.concolic.config.symbolic import Number
from symcount.concolic.traces import Trace
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.derivation.evidence import Discover, Evidence, Hypotheses, Pin
from symcount.derivation.kind_detection import INDICES
from symcount.derivation.list_lengths import length_of
from symcount.derivation.rows import collect
from symcount.derivation.runs import possible
from symcount.derivation.sensitivity import changing, signature
from symcount.derivation.structure import (
    COUNTING,
    MAX_SELECTOR,
    bounds,
    depth_fields,
    likely_depths,
    list_lengths,
    shape_symbols,
)
from symcount.derivation.suspicions import followed_in

#: Why a field is kept concrete.
UNEXPLAINED: Final = "its effect was not explained"

__all__ = [
    "UNEXPLAINED",
    "culprits",
    "explained",
    "lengths",
    "lost",
    "named",
    "negative",
    "ratios",
    "rigid_fields",
    "stage_numbers",
    "switches",
    "transcendental",
    "unmoved",
]


def lengths(e: Evidence, *, refused: bool) -> list[str]:
    """Structural fields that say how long the config's lists are (`num_stages`): alone they cannot change.

    That a list is as long as there are layers may be a coincidence, the more so where there is one of each.

    Args:
        e: what the runs showed.
        refused: whether those count of which another value is refused: lists may be made to follow them.
    """
    found = []
    depths = tuple(e.depths)
    e = replace(e, structural=depths, traces=(e.default,))
    for name in stage_numbers(e):
        value = int(e.base[name])
        other = possible(e, [{**e.default.symbols, name: value - 1 if value > 1 else value + 1}])
        if (other is None and refused) or (other is not None and not explained(e, e.default, other)):
            found.append(name)
    return found


def stage_numbers(e: Evidence) -> list[str]:
    """Structural fields that are as large as the config's lists beside them are long."""
    lists = list_lengths(e.base)
    return [n for n in e.structural if not n.endswith("]") and (n.rpartition(".")[0], int(e.base[n])) in lists]


def rigid_fields(e: Evidence, traces: Sequence[Trace]) -> list[str]:
    """Structural fields that cannot be changed alone, in the smallest of *traces*: there is no such model then."""
    first = min(traces, key=lambda t: len(t.parameters))
    rigid = []
    for name in e.structural:
        nearby = [{**first.symbols, name: first.symbols[name] + step} for step in (1, -1, 2)]
        if possible(e, nearby) is None:
            rigid.append(name)
    return rigid


def ratios(e: Evidence, traces: Sequence[Trace]) -> list[str]:
    """Ratios that by themselves say how many things there are, as `round(3 * depth_mult)` does: no trace moves them."""
    found: set[str] = set()
    for one in traces:
        for use in one.structural:
            names = free_symbols(use.node)
            if use.kind in COUNTING and all(isinstance(e.base.get(n), float) for n in names):
                found |= names
    return sorted(found)


def negative(e: Evidence) -> list[str]:
    """Fields with a negative default that the code compares: minus one stands for "the last" or "none".

    Another value is another rule.
    """
    asked = [n for c in e.asked for n in c.symbols]
    return [n for n in dict.fromkeys(asked) if e.base[n] < 0 and not n.endswith("token_id")]


def unmoved(e: Evidence) -> list[str]:
    """Structural fields that had one value in all runs: nothing is known about any other.

    If some of them are no numbers of layers in themselves, it may be these that let no run be compared.
    """
    still = [n for n in e.structural if all(t.symbols[n] == e.base[n] for t in e.traces)]
    plain = {*depth_fields(e.default), *likely_depths(e.base)}
    return [n for n in still if n not in plain] or still


def transcendental(e: Evidence) -> list[str]:
    """Fields inside a logarithm or a common divisor in a shape or a condition: no polynomial with floors says those."""
    stack = [dim for row in e.rows.counts for dim in row.shape if isinstance(dim, Node)]
    stack += [side for c in e.asked for side in (c.left, c.right)]
    stack += bounds(e.traces, e.structural).values()
    seen: set[Node] = set()
    found: set[str] = set()
    while stack:
        node = stack.pop()
        if node in seen or node.op in ("sym", "const"):
            continue
        seen.add(node)
        if node.op in ("log", "gcd") or (node.op == "pow" and not node.integral):
            found |= free_symbols(node)
        stack.extend(a for a in node.args if isinstance(a, Node))
    for loop in (loop for one in e.traces for loop in reversed(one.loops) if loop.name in found):
        found |= free_symbols(loop.bounds[0]) | free_symbols(loop.bounds[1])
    return sorted(n for n in found if n in e.base)


def lost(e: Evidence) -> bool:
    """Whether a name has one number for a dimension in some traces and another in others: an expression was lost.

    Its multiplicity could be explained all the same, if the explanation is complicated enough.
    """
    groups: dict[tuple[Any, ...], list[list[int]]] = {}
    for row, counts in e.rows.counts.items():
        shape = tuple(dim if isinstance(dim, Node) else None for dim in row.shape)
        groups.setdefault((row.path, row.name, row.alias, shape), []).append(counts)
    several = [counts for counts in groups.values() if len(counts) > 1]
    return any(all(sum(c > 0 for c in column) <= 1 for column in zip(*counts, strict=True)) for counts in several)


def culprits(e: Evidence) -> Pin | Discover:
    """The fields whose change alone turns rows into other rows are to be kept concrete.

    A field that changes even the names of the parameters is a depth that nothing else gave away (layers made by
    torch's own code); it becomes a culprit only if that does not help.
    """
    start = e.smallest
    free = {*e.free, *e.unfollowed}
    sizes = [n for n in start.symbols if n in free or n in e.structural]
    found: list[str] = []
    discovered = list(e.plan.discovered)
    for name, other in changing(e, start, [n for n in sizes if n not in e.structural]):
        renamed = {p.path for p in other.parameters} != {p.path for p in start.parameters}
        if renamed and start.symbols[name] <= MAX_SELECTOR:
            discovered.append(name)
        else:
            found.append(name)
    if new := tuple(n for n in discovered if n not in {*e.structural, *e.pinned, *e.plan.discovered}):
        return Discover(new)
    if found:  # sizes that were lost on the way
        return Pin(tuple(found), UNEXPLAINED)
    depths = set(e.depths)
    choosing = [n for n in sizes if n in e.structural and n not in depths]
    for kind in (choosing, [n for n in sizes if n in depths]):  # where it is what chooses, the depth may become clear
        changed = [item for n in kind for item in changing(e, start, [n])]
        if found := [n for n, other in changed if not explained(e, start, other)]:
            return Pin(tuple(found), UNEXPLAINED)
    if found := _differing(e, start):
        return Pin(tuple(found), UNEXPLAINED)
    return Pin(tuple([n for n in e.structural if n not in depths] or e.structural), UNEXPLAINED)


def _differing(e: Evidence, start: Trace) -> list[str]:
    """The fields without an expression whose value in another run changes the rows, where none nearby does."""
    lost_ones = [n for n in start.symbols if n not in e.structural and n not in followed_in(e)]
    for other in (one for one in e.traces if one is not start):

        def there(name: str, _: Number, other: Trace = other) -> Number:
            return other.symbols[name]

        names = [n for n in lost_ones if n in other.symbols]
        if found := [name for name, _ in changing(e, start, names, (there,))]:
            return found
    return []


def named(e: Evidence, concrete: Sequence[str]) -> dict[str, int]:
    """Those of the depths *concrete* that need not keep their value if there are as many layers as a list names.

    Where `global_attn_indexes = [2, 5, 8, 11]` keeps its value, there are `N - 4` other layers from twelve layers on.
    """
    found: dict[str, int] = {}
    for name in e.pinned:
        stem, bracket, _ = name.partition("[")
        if bracket and INDICES.search(stem):
            section, last = stem.rpartition(".")[0], int(e.base[name])
            for depth in concrete:
                if depth.rpartition(".")[0] == section and not depth.endswith("]") and last < e.base[depth]:
                    found[depth] = max(found.get(depth, 0), last + 1)
    depths = set(e.depths)
    return {depth: least for depth, least in found.items() if depth in depths and depth not in e.plan.least}


def switches(h: Hypotheses) -> list[Condition]:
    """Conditions on fields that are in no shape, which nevertheless decide about parameters (`type_vocab_size > 0`).

    Each such field is tried on the other side of its conditions: if the parameters stay the same, it does not matter.
    """
    e = h.evidence
    known = shape_symbols(e.traces) | set(e.structural)
    divisors = {c.left.args[0] for c in h.conditions if c.relation == "divides" and c.left.op == "sym"}
    about: dict[str, list[Condition]] = {}
    for condition in h.conditions:
        names = condition.symbols - known
        if condition.relation in ("!=", ">") and condition.right is ex.const(0) and names <= divisors:
            continue  # zero divides nothing
        if condition.relation == "==" and _multiplied(condition.left) is _multiplied(condition.right):
            continue  # `H / A * A == H` says once more that A divides H
        if condition.relation not in ("ieee", "divides") and not any(n.endswith("token_id") for n in names):
            for name in names:
                about.setdefault(name, []).append(condition)
    start = e.smallest
    sides = {name: other for name, conditions in about.items() if (other := _other_side(conditions, name, start))}
    flips = {name: other for name, other in sides.items() if other[name] not in e.journal.harmless.get(name, ())}
    if not flips:
        return []
    reference = signature(start)
    if len(flips) > 1:  # nearly always none of them matters, which one trace shows
        together = possible(e, [{**start.symbols, **{name: values[name] for name, values in flips.items()}}])
        if together is not None and signature(together) == reference:
            return []
    found: dict[Condition, None] = {}
    for name, other in flips.items():
        if found.keys() >= set(about[name]):
            continue
        flipped = possible(e, [other])
        if flipped is None or signature(flipped) != reference:
            found.update(dict.fromkeys(about[name]))
    return list(found)


def _multiplied(node: Node) -> Node:
    """The dividend, of an exact quotient times its divisor."""
    if node.op == "mul":
        for quotient, factor in (node.args, node.args[::-1]):
            if quotient.op == "exact_div" and quotient.args[1] is factor:
                return _multiplied(quotient.args[0])
    return node


def _other_side(conditions: Sequence[Condition], name: str, start: Trace) -> dict[str, Number] | None:
    """Values at which as many of *conditions* as possible do not hold, with one field changed; none if all hold."""
    value = start.symbols[name]
    best: tuple[int, dict[str, Number] | None] = (0, None)
    met = (side.args[0] for c in conditions for side in (c.left, c.right) if side.op == "const")
    beside = [n + step for n in met if isinstance(n, int) for step in (0, 1, -1) if n + step >= 0]
    for candidate in (0, 1, value + 1, value - 1, value * 2, *beside):
        changed = {**start.symbols, name: type(value)(candidate)}
        broken = sum(not holds(c, changed) for c in conditions)
        if broken > best[0]:
            best = (broken, changed)
    return best[1]


def explained(e: Evidence, start: Trace, other: Trace) -> bool:
    """Whether the rows of two traces that differ in one depth have multiplicities that can be fitted."""
    rows = collect([start, other])
    points = [e.point(t) for t in (start, other)]
    for row in rows.counts:
        for level in rows.factors(row):
            known = [(count, point) for count, point in zip(level, points, strict=True) if count is not None]
            if length_of([c for c, _ in known], [p for _, p in known], e.structural) is None:
                return False
    return True
