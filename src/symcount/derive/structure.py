"""Which fields decide the structure of a model, and the small depths at which it is traced.

Depth fields are found, not listed: they are the symbols that a trace saw used up as a number of things (`range(n)`,
`[x] * n`), and the *selectors* with which the code chooses between kinds of layers (`i < first_k_dense_replace`,
`i % period == offset`). Names only serve as a hint where to start small, which saves time.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import gcd
from types import MappingProxyType
from typing import Any

from symcount.derive import expression as ex
from symcount.derive.configs import Number
from symcount.derive.expression import Node, free_symbols
from symcount.derive.recording import Condition
from symcount.derive.trace import Trace, once_a_trace
from symcount.notation import smallest

__all__ = [
    "bounds",
    "composite_periods",
    "depth_fields",
    "depth_points",
    "divisions_in",
    "floored",
    "likely_depths",
    "list_lengths",
    "min_depth",
    "model_conditions",
    "named_layers",
    "ordered",
    "scaled_down",
    "selector_points",
    "selectors",
    "shape_nodes",
    "shape_symbols",
    "steady",
]

_LIKELY = re.compile(
    r"(^|\.)((num|n)_((?!experts|attention_heads)\w+_)?(layers?|blocks?)|n_?layers?|(\w+_)?depths?(\[\d+\])?|(\w+_)?layers"
    r"|(\w+_)?num_(\w+_)?(layers|blocks)(\[\d+\])?)$"
)


COUNTING = ("range", "repeat")  # uses of a number that make as many things
MANY = 4  # depths, beyond which each is kept small
HUGE = 512  # a rate of samples that a number of layers is computed from: a small one makes thousands of layers
MAX_SELECTOR = 64  # a field that picks layers is not larger than the number of layers


def likely_depths(symbols: Mapping[str, Number]) -> list[str]:
    """Fields whose name says depth.

    >>> likely_depths({"num_hidden_layers": 12, "depths[1]": 2, "hidden_size": 8, "vision_config.n_layer": 3})
    ['num_hidden_layers', 'depths[1]', 'vision_config.n_layer']
    """
    return [name for name, value in symbols.items() if isinstance(value, int) and _LIKELY.search(name)]


def depth_points(fields: Sequence[str], base: Mapping[str, Number], start: int = 2) -> dict[str, Number]:
    """Small depths at which a multiplicity tells which depth it is: no two move by the same amount.

    A field that is zero by default stays zero: what it would switch on is another model.

    >>> depth_points(["encoder_layers", "decoder_layers"], {"encoder_layers": 2, "decoder_layers": 6})
    {'encoder_layers': 3, 'decoder_layers': 2}
    """
    chosen: dict[str, Number] = {}
    moves: set[Number] = set()
    for name in fields:
        default = base[name]
        if not default:
            chosen[name] = default
            continue
        free = (v for v in range(start, start + 7) if v != default and v - default not in moves)
        chosen[name] = next(free, start + (start == default))
        moves.add(chosen[name] - default)
    return chosen


def scaled_down(fields: Sequence[str], base: Mapping[str, Number]) -> list[dict[str, Number]]:
    """Small depths in the same proportion as by default, where one has to be the sum or a multiple of others.

    >>> scaled_down(["num_layers", "repeats"], {"num_layers": 24, "repeats": 12})
    [{'num_layers': 4, 'repeats': 2}, {'num_layers': 2, 'repeats': 1}]
    """
    common = gcd(*(int(base[name]) for name in fields))
    return [{n: int(base[n]) // common * part for n in fields} for part in (2, 1) if fields and part < common]


@once_a_trace
def depth_fields(trace: Trace) -> list[str]:
    """Symbols that were used up as a number of things during *trace*, without those that are only a part of another."""
    found: dict[str, None] = {}
    parts: set[str] = set()
    for use in trace.structural:
        if use.kind not in COUNTING:
            continue
        names = sorted(n for n in free_symbols(use.node) if isinstance(trace.symbols.get(n), int))
        found.update(dict.fromkeys(names))
        if len(names) > 1 and {"min", "max", "sub"} & _operators(use.node):  # `min(first_k, n)`: a part of a depth
            parts |= {n for n in names if trace.symbols[n] < max(trace.symbols[m] for m in names)}
    return [name for name in found if name not in parts]


def bounds(traces: Iterable[Trace], fields: Collection[str]) -> dict[str, Node]:
    """Numbers of things that are computed from *fields* (`ceil(depth_coefficient * repeats[0])`), by their text."""
    found: dict[str, Node] = {}
    for one in traces:
        for use in one.structural:
            if use.kind in COUNTING and use.node.op not in ("sym", "const") and free_symbols(use.node) & set(fields):
                node = floored(use.node)  # where it was seen a division may have had no remainder
                found.setdefault(str(node), node)
    return found


def composite_periods(traces: Iterable[Trace]) -> list[Node]:
    """Periods with which a running index was compared, where they are computed: `i % (n // k) == 0`."""
    found: dict[Node, None] = {}
    for one in traces:
        for condition in model_conditions(one):
            sides = [n for n in (condition.left, condition.right) if n.op == "mod" and n.args[0].op == "const"]
            found.update(dict.fromkeys(n.args[1] for n in sides))
            if condition.relation.endswith("divides") and condition.right.op == "const":
                found.setdefault(condition.left)
    found = {floored(node): None for node in found if node.integral}
    return [node for node in found if node.op not in ("sym", "const")]


def floored(node: Node) -> Node:
    """*node* with `//` for the divisions that had no remainder where it was seen."""
    if node.op in ("sym", "const"):
        return node
    args = [floored(a) if isinstance(a, Node) else a for a in node.args]
    if node.op in ("exact_div", "floordiv"):
        return ex.floordiv(*args)
    rebuild = {"max": ex.maximum, "min": ex.minimum, "add": ex.add, "sub": ex.sub, "mul": ex.mul}.get(node.op)
    return rebuild(*args) if rebuild else node


def _operators(node: Node) -> set[str]:
    if node.op in ("sym", "const"):
        return set()
    return {node.op}.union(*(_operators(a) for a in node.args if isinstance(a, Node)))


def shape_nodes(traces: Iterable[Trace]) -> set[Node]:
    """The expressions of all dimensions of all parameters."""
    return set().union(*map(_dimensions, traces))


@once_a_trace
def _dimensions(trace: Trace) -> frozenset[Node]:
    return frozenset(dim for p in trace.parameters for dim in p.shape if isinstance(dim, Node))


@once_a_trace
def _sized_by(trace: Trace) -> frozenset[str]:
    memo: dict[Node, frozenset[str]] = {}
    return frozenset(name for node in _dimensions(trace) for name in free_symbols(node, memo))


def shape_symbols(traces: Iterable[Trace]) -> set[str]:
    """Symbols that occur in some parameter's shape."""
    return set().union(*map(_sized_by, traces))


def divisions_in(nodes: Iterable[Node]) -> list[Condition]:
    """For every integer division inside *nodes*, the condition that it has no remainder."""
    found: dict[tuple[Node, Node], Condition] = {}
    stack, seen = list(nodes), set()
    while stack:
        node = stack.pop()
        if node in seen or node.op in ("sym", "const"):
            continue
        seen.add(node)
        if node.op in ("exact_div", "floordiv"):
            dividend, divisor = node.args
            found.setdefault((divisor, dividend), Condition("divides", divisor, dividend, "", exact=True))
        stack.extend(node.args)
    return list(found.values())


@once_a_trace
def model_conditions(trace: Trace) -> list[Condition]:
    """What the model's or its config's own code asked; torch's and the hub's checks are left out."""
    return [c for c in trace.conditions if _own(c.module) or _padding(c)]


def _padding(condition: Condition) -> bool:
    """Whether a token's number is compared with a size: an embedding insists that its padding row exists."""
    return condition.left.op == "sym" and condition.left.args[0].endswith("token_id") and condition.right.op == "sym"


def _own(module: str) -> bool:
    if module.startswith("transformers.integrations.heterogeneity"):  # a layer's own value is dropped where it equals
        return True  # the global one, and then another field is in the shape
    library = ("torch", "huggingface_hub", "transformers.configuration_utils", "transformers.generation")
    general = (
        "transformers.modeling_rope_utils",
        "transformers.utils",
        "transformers.integrations",
        "transformers.modeling_utils",
    )
    return not module.startswith((*library, *general))


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
        for name in free_symbols(left) | free_symbols(right):
            constants.setdefault(name, set()).update(n if n.op == "const" else n.args[0] for n in indices)
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
    """Symbols that are only asked whether they equal the same few numbers, without zero, at other *depths* as well.

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


def list_lengths(symbols: Iterable[str]) -> dict[tuple[str, int], list[str]]:
    """The lengths of the config's lists of numbers: (sub-config, length) -> names of the lists.

    >>> list_lengths(["depths[0]", "depths[1]", "vision_config.strides[0]", "hidden_size"])
    {('', 2): ['depths'], ('vision_config', 1): ['vision_config.strides']}
    """
    lengths: dict[str, int] = {}
    for name in symbols:
        if name.endswith("]"):
            stem = name.rpartition("[")[0]
            lengths[stem] = lengths.get(stem, 0) + 1
    found: dict[tuple[str, int], list[str]] = {}
    for stem, length in lengths.items():
        found.setdefault((stem.rpartition(".")[0], length), []).append(stem)
    return found


def selector_points(
    fields: Sequence[str],
    depths: Sequence[str],
    first: Trace,
    rng: random.Random,
    low: int = 4,
    least: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, Number]:
    """Values for depths (from *low* up, or from what is the *least* of them) and small ones for selectors.

    Selectors that the code compares with each other keep their order: an offset stays below its period, for instance.
    What holds by default is taken to be meant.
    """
    base = first.symbols
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
        if ordered(drawn, fields, depths, first):
            break
    return drawn


def ordered(values: Mapping[str, Number], fields: Sequence[str], depths: Sequence[str], first: Trace) -> bool:
    """Whether the selectors *fields* that the code compares are in the same order as by default, and below a depth."""
    base = first.symbols
    return all(
        (values[a] < values[b]) == (base[a] < base[b]) and (values[a] > values[b]) == (base[a] > base[b])
        for a, b in _compared(fields, first) | named_layers(fields, depths, base)
    )


def min_depth(number: int, low: int) -> int:
    """The least depth that is tried where there are that many depths: many stages of many layers take long."""
    return low if number <= MANY else min(low, 2)


def named_layers(fields: Iterable[str], depths: Iterable[str], base: Mapping[str, Number]) -> set[tuple[str, str]]:
    """Pairs of a selector and the depth that it stays below, as it does by default: it names a layer that exists.

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
    found = {free_symbols(c.left) | free_symbols(c.right) for c in model_conditions(trace)}
    return frozenset(names for names in found if len(names) > 1)
