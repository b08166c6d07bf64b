"""Which fields decide the structure of a model, and the small depths at which it is traced.

Depth fields are found, not listed: they are the symbols that a trace saw used up as a number of things (`range(n)`,
`[x] * n`), and the *selectors* with which the code chooses between kinds of layers (`i < first_k_dense_replace`,
`i % period == offset`). Names only serve as a hint where to start small, which saves time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import gcd

from symcount.concolic.config.symbolic import Number
from symcount.concolic.traces import Trace, once_a_trace
from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.path import Condition
from symcount.concolic.values.rewriting import floored

__all__ = [
    "bounds",
    "depth_fields",
    "depth_points",
    "divisions_in",
    "is_model_code",
    "likely_depths",
    "list_lengths",
    "min_depth",
    "model_conditions",
    "scaled_down",
    "shape_nodes",
    "shape_symbols",
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
    """Small depths at which a multiplicity tells which depth it is: no two move by the same amount, up or down.

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
        free = (v for v in range(start, start + 7) if v != default and abs(v - default) not in moves)
        chosen[name] = next(free, start + (start == default))
        moves.add(abs(chosen[name] - default))
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
    return [c for c in trace.conditions if is_model_code(c.module) or _padding(c)]


def _padding(condition: Condition) -> bool:
    """Whether a token's number is compared with a size: an embedding insists that its padding row exists."""
    return condition.left.op == "sym" and condition.left.args[0].endswith("token_id") and condition.right.op == "sym"


def is_model_code(module: str) -> bool:
    """Whether the code of a module is that of a model or its config, rather than of a library."""
    if module.startswith("transformers.integrations.heterogeneity"):  # a layer's own value is dropped where it equals
        return True  # the global one, and then another field is in the shape
    library = ("torch", "huggingface_hub", "transformers.configuration_utils", "transformers.generation")
    general = (
        "transformers.modeling_rope_utils",
        "transformers.utils",
        "transformers.integrations",
        "transformers.modeling_utils",
        "transformers.cache_utils",
        "transformers.masking_utils",
    )
    return not module.startswith((*library, *general))


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


def min_depth(number: int, low: int) -> int:
    """The least depth that is tried where there are that many depths: many stages of many layers take long."""
    return low if number <= MANY else min(low, 2)
