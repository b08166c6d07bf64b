"""What is known of a class while its formula is being derived."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from symcount.derive import expression as ex
from symcount.derive.configs import ConfigSource, Number
from symcount.derive.expression import Node
from symcount.derive.points import holds
from symcount.derive.recording import Condition
from symcount.derive.structure import COUNTING, bounds, depth_fields, model_conditions, shape_symbols
from symcount.derive.templates import Row, Rows
from symcount.derive.trace import Trace
from symcount.errors import DerivationError

__all__ = ["Derivation"]


@dataclass
class Derivation:
    """What the traces of one class showed: rows with their multiplicities, and on what that relies.

    Attributes:
        cls: the model class.
        source: its config.
        base: every numeric config field with its default.
        default: the trace at the default config.
        traces: the traces taken.
        rows: the rows, with class names of the modules.
        times: row -> multiplicity as an expression in the depth fields.
        structural: fields that decide the structure.
        pinned: fields kept concrete, with their values.
        conditions: what the model's own code asked, true at every trace.
        discovered: depth fields found by their effect: changing them changes the names of the parameters.
        switches: conditions on fields outside every shape that turn parts of the model on or off.
        guards: conditions on structural fields that choose another model (`num_sparse_layers > 0`), not single layers.
        rigid: lists with an element for each layer that cannot follow the number of layers.
        held: selectors that do not move, since transformers refuses one value after the other.
        least: depths that cannot be less than they are by default, or than a list that keeps its value says.
        most: depths that cannot be more, since a field that keeps its value says which layer is the last of a kind.
        existing: pairs of a selector and the number of layers of which it must name one.
        named: depths of which a list that keeps its value names a layer, with the number of layers up to the last one.
        refused: for each way to move the fields outside the structure, how often in a row transformers refused it.
        dispensable: numbers of layers of a kind that may be zero.
        insisted: what the libraries asked by default, where moving the other fields was refused: it stays so.
        kept: traces of the last round that hold with what was pinned since, that of the default first.
        harmless: values of fields that no trace moved, or in a logarithm, that were seen to change no parameter.
        reached: depths with numbers of layers at which the formula was tried, beyond those of the traces.
        shallow: traces put aside because they are too shallow to show what the model does in general.
    """

    cls: type
    source: ConfigSource
    base: dict[str, Number] = field(default_factory=dict)
    default: Trace | None = None
    traces: list[Trace] = field(default_factory=list)
    rows: Rows = field(default_factory=lambda: Rows({}, {}))
    times: dict[Row, Node] = field(default_factory=dict)
    structural: list[str] = field(default_factory=list)
    pinned: dict[str, Number] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)
    shallow: list[Trace] = field(default_factory=list)
    reached: set[tuple[str, Number]] = field(default_factory=set)
    discovered: list[str] = field(default_factory=list)
    switches: list[Condition] = field(default_factory=list)
    guards: list[Condition] = field(default_factory=list)
    least: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    existing: set[tuple[str, str]] = field(default_factory=set)
    named: dict[str, int] = field(default_factory=dict)
    rigid: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    insisted: list[Condition] = field(default_factory=list)
    kept: list[Trace] = field(default_factory=list)
    harmless: dict[str, set[Number]] = field(default_factory=dict)
    dispensable: frozenset[str] = frozenset()
    refused: Counter[int] = field(default_factory=Counter)

    def points(self) -> list[dict[str, int]]:
        """For each trace, the structural fields and the numbers of things that the model's code computed from them."""
        return [self.point(t) for t in self.traces]

    def point(self, one: Trace) -> dict[str, int]:
        """The structural fields of one trace, and what was computed from them."""
        point = {name: int(one.symbols[name]) for name in self.structural}
        for text, node in bounds(self.traces, self.structural).items():
            try:
                value = ex.evaluate(node, one.symbols)
            except DerivationError:  # a quotient that is none here: not a number that every trace has
                continue
            if isinstance(value, int):
                point[text] = value
        return point

    def asked(self) -> list[Condition]:
        """Everything that the model's own code asked in any trace, and that is so by default."""
        return [c for c in self.met() if holds(c, self.base)]

    def met(self) -> list[Condition]:
        """Everything that the model's own code asked, as it turned out in any trace."""
        traces = [self.default, *self.traces] if self.default else self.traces
        return list({(c.relation, c.left, c.right): c for t in traces for c in model_conditions(t)}.values())

    def free(self) -> list[str]:
        """Integer fields that may take other values without being part of the structure; not the tokens' numbers."""
        taken = {*self.structural, *self.pinned}
        return [n for n, v in self.base.items() if isinstance(v, int) and n not in taken and not n.endswith("token_id")]

    def unfollowed(self) -> list[str]:
        """Ratios and rates that the model reads, and that are in no size and no number of things by default."""
        if self.default is None:
            return []
        known = {*self.pinned, *shape_symbols([self.default])}.union(
            *(ex.free_symbols(use.node) for use in self.default.structural if use.kind in COUNTING)
        )
        read = self.default.config_reads
        return [
            n
            for n, v in self.base.items()
            if isinstance(v, float) and v >= 0 and n.partition("[")[0] in read and n not in known
        ]

    def depths(self) -> list[str]:
        """Fields that are numbers of things, in the default trace or by their effect."""
        found = depth_fields(self.default) if self.default else []
        return [n for n in dict.fromkeys([*found, *self.discovered]) if n not in self.pinned]
