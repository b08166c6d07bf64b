"""The stages of a derivation, each frozen: what is to be observed, what was seen, and what follows from it.

A :class:`Plan` says what is observed and which fields stay concrete. The runs of the constructor give
:class:`Evidence`, and that :class:`Hypotheses`, all that a formula is made of, or a verdict, which gives the next plan:
keep some fields concrete (:class:`Pin`), count others as numbers of things (:class:`Discover`), let lists follow a
number of layers (:class:`Follow`, :class:`Bound`), explain one more run (:class:`Consider`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from symcount.concolic.config.config_source import ConfigSource
from symcount.concolic.config.symbolic import Number
from symcount.concolic.traces import Trace
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.derivation.journal import Journal
from symcount.derivation.progressions import Series
from symcount.derivation.rows import Row, Rows, collect
from symcount.derivation.structure import (
    COUNTING,
    bounds,
    depth_fields,
    divisions_in,
    model_conditions,
    shape_nodes,
    shape_symbols,
)
from symcount.errors import DerivationError

__all__ = ["Bound", "Consider", "Discover", "Evidence", "Follow", "Hypotheses", "Pin", "Plan", "Verdict"]


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be observed.

    Attributes:
        cls: the model class.
        source: its config.
        base: every numeric config field with its default, as far as it is known.
        pinned: fields kept concrete, with their values.
        discovered: depth fields found by their effect: changing them changes the names of the parameters.
        least: depths of which a list that keeps its value names a layer, with the number of layers up to the last one.
        observed, guards: runs that hold with what is pinned, that of the default first; what is true in them alone.
        suppose: whether sets of indices may be supposed of which the code asked nothing.
        journal: what happened so far.
    """

    cls: type
    source: ConfigSource
    base: Mapping[str, Number] = field(default_factory=dict)
    pinned: Mapping[str, Number] = field(default_factory=dict)
    discovered: tuple[str, ...] = ()
    least: Mapping[str, int] = field(default_factory=dict)
    observed: tuple[Trace, ...] = ()
    guards: tuple[Condition, ...] = ()
    suppose: bool = True
    journal: Journal = field(default_factory=Journal, repr=False)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the runs showed.

    Attributes:
        plan: what was to be observed.
        base: every numeric config field with its default.
        default: the run at the default config.
        traces: the runs that can be compared with one another.
        structural: fields that decide the structure.
        guards: conditions on structural fields that choose another model (`num_sparse_layers > 0`), not single layers.
        insisted: what the libraries asked by default, where moving the other fields was refused: it stays so.
        least: depths that cannot be less than that.
    """

    plan: Plan
    base: Mapping[str, Number]
    default: Trace
    traces: tuple[Trace, ...] = ()
    structural: tuple[str, ...] = ()
    guards: tuple[Condition, ...] = ()
    insisted: tuple[Condition, ...] = ()
    least: Mapping[str, int] = field(default_factory=dict)

    @property
    def pinned(self) -> Mapping[str, Number]:
        """Fields kept concrete, with their values."""
        return self.plan.pinned

    @property
    def journal(self) -> Journal:
        """What happened so far."""
        return self.plan.journal

    @cached_property
    def rows(self) -> Rows:
        """The rows of all runs under common templates."""
        return collect(self.traces)

    @cached_property
    def quotients(self) -> frozenset[tuple[Node, Node]]:
        """Divisor and dividend of every quotient in a size."""
        return frozenset((c.left, c.right) for c in divisions_in(shape_nodes(self.traces)))

    @cached_property
    def smallest(self) -> Trace:
        """The run with the fewest parameters."""
        return min(self.traces, key=lambda t: len(t.parameters))

    def with_traces(self, traces: Sequence[Trace]) -> Evidence:
        """The evidence of other runs."""
        return replace(self, traces=tuple(traces))

    def point(self, one: Trace) -> dict[str, int]:
        """The structural fields of one run, and the numbers of things that the code computed from them."""
        point = {name: int(one.symbols[name]) for name in self.structural}
        for text, node in bounds(self.traces, self.structural).items():
            try:
                value = ex.evaluate(node, one.symbols)
            except DerivationError:  # a quotient that is none here: not a number that every run has
                continue
            if isinstance(value, int):
                point[text] = value
        return point

    @cached_property
    def asked(self) -> list[Condition]:
        """Everything that the model's own code asked in any run, and that is so by default."""
        traces = (self.default, *self.traces)
        met = {(c.relation, c.left, c.right): c for t in traces for c in model_conditions(t)}
        return [c for c in met.values() if holds(c, self.base)]

    @cached_property
    def free(self) -> list[str]:
        """Integer fields that may take other values without being part of the structure; not the tokens' numbers."""
        taken = {*self.structural, *self.pinned}
        return [n for n, v in self.base.items() if isinstance(v, int) and n not in taken and not n.endswith("token_id")]

    @cached_property
    def unfollowed(self) -> list[str]:
        """Ratios and rates that the model reads, and that are in no size and no number of things by default."""
        known = {*self.pinned, *shape_symbols([self.default])}.union(
            *(ex.free_symbols(use.node) for use in self.default.structural if use.kind in COUNTING)
        )
        read = self.default.config_reads
        return [
            n
            for n, v in self.base.items()
            if isinstance(v, float) and v >= 0 and n.partition("[")[0] in read and n not in known
        ]

    @cached_property
    def depths(self) -> list[str]:
        """Fields that are numbers of things, in the default run or by their effect."""
        found = dict.fromkeys([*depth_fields(self.default), *self.plan.discovered])
        return [n for n in found if n not in self.pinned]


@dataclass(frozen=True, eq=False)
class Hypotheses:
    """What a formula is made of.

    Attributes:
        evidence: what the runs showed.
        times: row -> multiplicity, in the depth fields.
        series: row whose shape has the index of a loop -> the iterations in which its parameters are made.
        classes: template path -> class of the module there.
        assumed: conditions on fields that decide the structure, on which these numbers rely.
        conditions: what the model's own code asked, true in every run.
        rounded: quotients (divisor, dividend) that are exact by default, of which the code takes the floor elsewhere.
        forward: quotients that only the forward pass has, and that are exact by default.
        switches: conditions on fields outside every shape that turn parts of the model on or off.
        dispensable: numbers of layers of a kind that may be zero.
        most: depths that cannot be more, since a field that keeps its value says which layer is the last of a kind.
        supposed: whether they rest on sets of indices of which the code asked nothing.
        checked: quotients rounded here of which the code asks whether they are exact.
    """

    evidence: Evidence
    times: Mapping[Row, Node]
    classes: Mapping[tuple[str, ...], type]
    assumed: tuple[Condition, ...]
    conditions: tuple[Condition, ...] = ()
    rounded: frozenset[tuple[Node, Node]] = frozenset()
    forward: tuple[Condition, ...] = ()
    switches: tuple[Condition, ...] = ()
    dispensable: frozenset[str] = frozenset()
    most: Mapping[str, int] = field(default_factory=dict)
    supposed: bool = False
    checked: tuple[Condition, ...] = ()
    series: Mapping[Row, Sequence[Series]] = field(default_factory=dict)

    def counts(self, one: Trace) -> bool:
        """Whether they count the model of a run, row by row."""
        found = collect([*self.evidence.traces, one]).counts
        known, at = self.times, one.symbols
        return found.keys() <= known.keys() and all(ex.value_at(known[row], at) == found[row][-1] for row in known)


@dataclass(frozen=True, eq=False)
class Pin:
    """Some fields are to stay concrete.

    Attributes:
        fields: their names.
        why: what was seen of them.
        observed: runs that are still good then.
        guards: what is true in those, since the others were left out.
    """

    fields: tuple[str, ...]
    why: str
    observed: tuple[Trace, ...] = ()
    guards: tuple[Condition, ...] = ()

    def next(self, evidence: Evidence) -> Plan:
        """The plan with these fields as plain numbers."""
        pinned = {name: evidence.base[name] for name in self.fields}
        for name, value in pinned.items():
            evidence.journal.note(f"kept concrete: {name} = {value}; {self.why}")
        plan = evidence.plan
        return replace(plan, base=evidence.base, pinned={**plan.pinned, **pinned}, observed=self.observed,
                       guards=self.guards)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Discover:
    """Some fields change how many modules there are, though no loop was seen to count to them."""

    fields: tuple[str, ...]

    def next(self, evidence: Evidence) -> Plan:
        """The plan in which they are numbers of things."""
        plan = evidence.plan
        discovered = (*plan.discovered, *self.fields)
        return replace(plan, base=evidence.base, discovered=discovered, observed=(), guards=())


@dataclass(frozen=True, eq=False)
class Bound:
    """Some depths stay above the last layer that a list names, instead of keeping their value."""

    least: Mapping[str, int]

    def next(self, evidence: Evidence) -> Plan:
        """The plan with these least depths."""
        plan = evidence.plan
        return replace(plan, base=evidence.base, least={**plan.least, **self.least}, observed=(), guards=())


@dataclass(frozen=True, eq=False)
class Follow:
    """Lists with an element for each layer are to follow the number of layers."""

    source: ConfigSource
    base: Mapping[str, Number]

    def next(self, evidence: Evidence) -> Plan:
        """The plan with a config that does so."""
        return replace(evidence.plan, source=self.source, base=self.base, observed=(), guards=())


@dataclass(frozen=True, eq=False)
class Consider:
    """Some runs are to be explained, that of the default first."""

    runs: tuple[Trace, ...]

    def next(self, evidence: Evidence) -> Plan:
        """The plan with these runs."""
        return replace(evidence.plan, base=evidence.base, observed=self.runs, guards=())


Verdict = Pin | Discover | Bound | Follow | Consider
