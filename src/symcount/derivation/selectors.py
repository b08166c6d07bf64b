"""Selectors: fields that choose between kinds of layers (`i < first_dense`, `i % period`), and values to try them at.

`i < first_k_dense_replace`, `i % period == offset`: such a field is no number of things, but it meets the running index
of a layer, which shows as many constants that it is compared with.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from symcount.concolic.config.symbolic import Number
from symcount.concolic.traces import Trace, once_a_trace
from symcount.concolic.values.expression import free_symbols
from symcount.core.notation import smallest
from symcount.derivation.structure import (
    COUNTING,
    HUGE,
    MANY,
    MAX_SELECTOR,
    is_model_code,
    min_depth,
    model_conditions,
)

__all__ = ["named_layers", "ordered", "selector_points", "selectors", "steady"]


def selectors(trace: Trace, depths: Collection[str], in_shapes: Collection[str]) -> list[str]:
    """Integer symbols outside every shape that the model's code compared with a running index.

    They choose between kinds of layers: `1 < first_k_dense_replace`, `3 % period == offset`. An index shows as several
    constants that one symbol is compared with; a single constant is a switch (`pool_size > 1`).
    """
    constants: dict[str, set[Any]] = {}
    for use in trace.structural:  # a part of a depth, see depth_fields
        if use.kind in COUNTING:
            constants.update({name: {0, 1} for name in free_symbols(use.node)})
    for condition in model_conditions(trace):
        left, right = condition.left, condition.right
        indices = [n for n in (left, right) if n.op == "const" or (n.op == "mod" and n.args[0].op == "const")]
        if not indices:
            continue
        for name in condition.symbols:
            constants.setdefault(name, set()).update(n if n.op == "const" else n.args[0] for n in indices)
    for condition in trace.predicates:
        if (condition.left.indexed or condition.right.indexed) and is_model_code(condition.module):
            constants.update({n: {0, 1} for n in condition.symbols})
    return [
        name
        for name, value in trace.symbols.items()
        if len(constants.get(name, ())) > 1
        and isinstance(value, int)
        and value <= MAX_SELECTOR
        and name not in depths
        and name not in in_shapes
        and not name.endswith("token_id")
    ]


def steady(traces: Sequence[Trace], depths: Sequence[str]) -> set[str]:
    """Fields that are compared with the same few numbers at every depth: switches, which no layer index meets.

    A running index begins at zero, and goes further where there are more layers: these are switches (`stride == 2`).
    """
    if len(traces) < 2 or any(len({t.symbols[n] for t in traces}) == 1 for n in depths):
        return set()
    found: dict[str, list[set[Any]]] = {}
    others: set[str] = set()
    for index, one in enumerate(traces):
        for condition in model_conditions(one):
            side, constant = condition.left, condition.right
            if side.op == "const":
                side, constant = constant, side
            if side.op == "sym" and constant.op == "const" and condition.relation in ("==", "!="):
                found.setdefault(side.args[0], [set() for _ in traces])[index].add(constant.args[0])
            else:
                others |= free_symbols(side) | free_symbols(constant)
        others.update(name for use in one.structural for name in free_symbols(use.node))
    return {n for n, sets in found.items() if n not in others and 0 not in sets[0] and all(s == sets[0] for s in sets)}


def selector_points(
    fields: Sequence[str],
    depths: Sequence[str],
    base: Mapping[str, Number],
    first: Trace,
    rng: random.Random,
    low: int = 4,
    least: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, Number]:
    """A random probe: depths from *low* up (or from their *least*), and small values for selectors.

    Selectors that the code compares with each other keep their order: an offset stays below its period, for instance.
    What holds by default, at *base*, is taken to be meant.
    """
    low = min_depth(len(depths), low)
    span = 8 if len(depths) <= MANY else 3
    for _ in range(200):
        lists = len(fields) - len({name.partition("[")[0] for name in fields})
        drawn: dict[str, Number] = {n: base[n] for n in depths}
        for name in depths:
            if base[name] > HUGE:
                drawn[name] = int(base[name]) * rng.randint(1, 4)
            elif base[name]:
                drawn[name] = max(low, least.get(name, low)) + rng.randint(0, span) + lists + bool(lists)
        for name in fields:
            smallest_one = 0 if base[name] == 0 or (smallest(name) == 0 and rng.random() < 0.15) else 1
            drawn[name] = rng.randint(smallest_one, max(smallest_one, min(4 + lists, int(base[name]) + 2)))
        if ordered(drawn, fields, depths, base, first):
            break
    return drawn


def ordered(
    values: Mapping[str, Number], fields: Sequence[str], depths: Sequence[str], base: Mapping[str, Number], first: Trace
) -> bool:
    """Whether the selectors *fields* that the code compares are in the same order as at *base*, and below a depth."""
    return all(
        (values[a] < values[b]) == (base[a] < base[b]) and (values[a] > values[b]) == (base[a] > base[b])
        for a, b in _compared(fields, first) | named_layers(fields, depths, base)
    )


def named_layers(fields: Iterable[str], depths: Iterable[str], base: Mapping[str, Number]) -> set[tuple[str, str]]:
    """Pairs (selector, depth) in which the selector names an existing layer, as it does by default.

    >>> named_layers(["first_k_dense"], ["num_layers"], {"first_k_dense": 3, "num_layers": 61})
    {('first_k_dense', 'num_layers')}
    """
    depths = [d for d in depths if not d.endswith("]")]
    return {
        (name, depth)
        for name in fields
        for depth in depths
        if base[name] < base[depth] and name.rpartition(".")[0] == depth.rpartition(".")[0]
    }


def _compared(fields: Sequence[str], first: Trace) -> set[tuple[str, str]]:
    """Pairs of selectors that occur in one condition, or are elements of one list."""
    lists = {name: name.partition("[")[0] for name in fields if "[" in name}
    pairs = {(a, b) for a in lists for b in lists if a < b and lists[a] == lists[b]}
    wanted = frozenset(fields)
    for together in _asked_together(first):
        names = together & wanted
        pairs |= {(a, b) for a in names for b in names if a < b}
    return pairs


@once_a_trace
def _asked_together(trace: Trace) -> frozenset[frozenset[str]]:
    """The fields of each condition that has several."""
    found = {c.symbols for c in model_conditions(trace)}
    return frozenset(names for names in found if len(names) > 1)
