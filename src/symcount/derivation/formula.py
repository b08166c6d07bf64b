"""From a derivation to a `Formula`: letters for fields, SymPy for nodes, the domain, the options."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any, Protocol, cast

from sympy import Expr, Integer, Symbol

from symcount.concolic.config.config_source import ConfigSource
from symcount.concolic.config.symbolic import own_defaults
from symcount.concolic.traces import Trace
from symcount.concolic.values.expression import Node, free_symbols, to_sympy
from symcount.concolic.values.path import Condition as TracedCondition
from symcount.concolic.values.predicates import holds
from symcount.concolic.values.rewriting import floored
from symcount.core.domain import Condition, minimal
from symcount.core.letters import assign
from symcount.core.notation import Entry, Notation
from symcount.core.summation import free_index
from symcount.core.values import exact
from symcount.derivation.assembly import Assembly
from symcount.derivation.catalogue import check_catalogued
from symcount.derivation.certified import Certificate
from symcount.derivation.domains import asked, domain, related
from symcount.derivation.evidence import Hypotheses
from symcount.derivation.losses import lost_at
from symcount.derivation.structure import shape_symbols
from symcount.derivation.sums import INDEX, items, sizes_there_are
from symcount.errors import DomainError, OptionError, SymcountError
from symcount.foreign import guarded
from symcount.formulas.binding import Binding
from symcount.formulas.formula import Formula

__all__ = ["DerivedFormula", "formula_of", "idle"]

_EXPERTS = re.compile(r"(^|\.)(moe_)?(num|n)_(\w+_)?experts$|(^|\.)moe_num_experts$")
_PER_TOKEN = re.compile(
    r"(^|\.)(num_(selected_)?experts_per_tok(en)?|(moe_|expert_|router_)?top_?k(_experts)?|moe_k|num_selected_experts)$"
)


class Certifying(Binding, Protocol):
    """The rules of a derived formula, which can also be compared with real models at random points."""

    def certify(self, formula: DerivedFormula, trials: int, seed: int) -> Certificate:
        """See `DerivedFormula.certify`."""
        ...


@dataclass(frozen=True, repr=False)
class DerivedFormula(Formula):
    """A formula that was derived from the model's own code.

    Attributes:
        cls: the model class.
        source: the config class and the arguments for which it was derived.
        base: every numeric config field with its default, by dotted path.
        forward: conditions that only a forward pass needs, not the count.
        asked: every condition that the model's own code asked and that held at all traces.
        structural: fields that decide the structure.
        depths: those of them that are numbers of layers.
        least: depths that cannot be less than they are by default.
        default: the trace at the default config.
        story: how it was derived, a line each: runs of the constructor and what each decided.
        requested: the config that it was derived for, as its own class reads it; `None` where *source* says it all.
        rounded: makes the formula that has floors where this one has quotients, and so holds where they leave a
            remainder; `None` if there is none such.
    """

    cls: type = field(kw_only=True)
    source: ConfigSource = field(kw_only=True)
    base: Mapping[str, Any] = field(default_factory=dict)
    forward: tuple[Condition, ...] = ()
    asked: tuple[TracedCondition, ...] = ()
    structural: tuple[str, ...] = ()
    depths: tuple[str, ...] = ()
    least: Mapping[str, int] = field(default_factory=dict)
    default: Trace = field(kw_only=True, repr=False, compare=False)
    story: tuple[str, ...] = field(default=(), repr=False, compare=False)
    requested: Any = field(default=None, repr=False, compare=False)
    rounded: Callable[[], DerivedFormula] | None = field(default=None, repr=False, compare=False)

    __hash__ = Formula.__hash__

    @guarded
    def count(self, config: Any = None, /, *, convention: str = "unique", **values: Any) -> int:
        """The exact number of parameters; see `Formula.count`.

        Where the model's code rounds a quotient that is exact by default (`width // 2`), the formula has the quotient;
        at sizes that leave a remainder, the same formula with the floor counts.

        Raises:
            UnknownSymbolError, MissingSymbolError, DomainError, ConfigError, OptionError: as `Formula.count`.
        """
        try:
            return super().count(config, convention=convention, **values)
        except (DomainError, OptionError):
            if self.rounded is None:
                raise
            known: list[DerivedFormula] = self.__dict__.setdefault("_rounded", [])
            if not known:
                known.append(self.rounded())
            with suppress(SymcountError):
                # of a config a real model tells; of values beside it, what the code asked
                at = known[0].bound(config) if config is not None else {}
                if not values or known[0]._asks_nothing_else({**at, **values}):
                    return known[0].count(config, convention=convention, **values)
            raise

    @property
    def held(self) -> Mapping[str, Any]:
        """What the model's code reads; see `Formula.held`."""
        return {**self.options, **self.default.config_reads, **self.pinned}

    def _asks_nothing_else(self, values: Mapping[str, Any]) -> bool:
        """Whether what the model's code asked has the same answers at *values*, by letter or field, as by default."""
        at = {**self.base, **{self.notation[name].field: value for name, value in values.items()}}
        return all(holds(c, at) for c in self.asked if holds(c, self.base))

    @property
    def made_of(self) -> tuple[str, ...]:
        """The version of transformers whose class it is of; none for a class of one's own."""
        its_own = self.cls.__module__.partition(".")[0] != "transformers"
        return () if its_own else (f"transformers {version('transformers')}",)

    def runs_text(self) -> str:
        """Where a forward pass runs, which no count asks: `runs only where K divides A`; empty if anywhere."""
        return f"runs only where {' and '.join(map(str, self.forward))}" if self.forward else ""

    def certify(self, trials: int = 8, seed: int = 0) -> Certificate:
        """Compare the formula with *trials* real models at random points of its domain, tensor by tensor.

        Raises:
            VerificationError: they disagree; the message has the smallest failing change of fields.
            DerivationError: not enough points could be built.
        """
        return cast("Certifying", self.binding).certify(self, trials, seed)

    def lost_at(self, name: str) -> str:
        """The line of the model's code at which a field that is kept at its value loses its expression.

        It is found by running the constructor at another value; empty if the field is not kept, or nothing shows.
        """
        known: dict[str, str] = self.__dict__.setdefault("_lost", {})  # each takes several runs of the constructor
        if name in self.pinned and name not in known:
            known[name] = lost_at(self.cls, self.source, self.base, self.pinned, name)
        return known.get(name, "")

    @property
    def selectors(self) -> tuple[str, ...]:
        """Structural fields that choose between kinds of layers."""
        return tuple(name for name in self.structural if name not in self.depths)


def formula_of(h: Hypotheses, name: str, model_type: str, binding: Binding) -> DerivedFormula:
    """The formula of a derivation.

    Raises:
        DerivationError: a catalogued layer has other parameters than the catalogue says.
        DomainError: a size of the config is none.
    """
    notation = _notation(h)
    letters = {e.field: e.symbol for e in notation}
    numbered = {**letters, INDEX: free_index({e.letter for e in notation})}
    memo: dict[Node, Any] = {}

    def convert(dim: Node | int) -> Expr:
        if not isinstance(dim, Node):
            return Integer(dim)
        return to_sympy(floored(dim, h.rounded) if h.rounded else dim, numbered, memo)

    first = h.evidence.traces[0]
    assembly = Assembly(
        h.classes,
        convert,
        head=_template(first.output_embeddings, h),
        inputs=_template(first.input_embeddings, h),
        active=_active(h, letters),
    )
    tree = assembly.tree(items(h, numbered[INDEX], convert))
    if h.evidence.plan.cls.__module__.startswith("transformers."):  # elsewhere a name may mean anything
        check_catalogued(tree)
    return DerivedFormula(
        tree,
        notation,
        name,
        model_type,
        options=_options(h),
        defaults={e.letter: h.evidence.base[e.field] for e in notation},
        conditions=minimal([*domain(h, letters, convert), *sizes_there_are(h, numbered, convert)]),
        origin="derived",
        cls=h.evidence.plan.cls,
        source=h.evidence.plan.source,
        pinned=dict(h.evidence.pinned),
        base=dict(h.evidence.base),
        forward=minimal(related(h.forward, letters, convert)),
        asked=(*h.evidence.guards, *h.evidence.insisted, *asked(h), *h.checked),
        structural=tuple(h.evidence.structural),
        depths=tuple(n for n in h.evidence.structural if n in h.evidence.depths),
        least=dict(h.evidence.least),
        default=h.evidence.default,
        story=tuple(h.evidence.journal.story),
        binding=binding,
    )


def _notation(h: Hypotheses) -> Notation:
    sizes = shape_symbols(h.evidence.traces)
    used = set(sizes)
    for times in h.times.values():
        used |= free_symbols(times)
    used |= {n for row in h.times for dim in row.shape if isinstance(dim, Node) for n in free_symbols(dim)}
    used |= {n for n in h.evidence.base if _PER_TOKEN.search(n) and any(_EXPERTS.search(u) for u in used)}
    used |= set(h.evidence.structural).union(*(condition.symbols for condition in h.evidence.guards))
    for condition in h.switches:
        if condition.relation in (">", "!=") and condition.right.op == "const" and condition.right.args[0] == 0:
            continue  # every symbol is positive
        used |= condition.symbols
    for condition in h.conditions:
        names = condition.symbols
        if names & used and condition.relation in ("divides", "=="):
            used |= names
    return Notation(
        tuple(_bounded(e, h, e.field in sizes) for e in assign(name for name in h.evidence.base if name in used))
    )


def _bounded(entry: Entry, h: Hypotheses, size: bool) -> Entry:
    """*entry* with the least number that its field may be: what it is where the formula was derived.

    A size is positive, unless the model's own config has less by default. Of a kind of layers there may be none, if the
    formula was seen to hold then.

    Raises:
        DomainError: the formula was asked for at a size below that.
    """
    if entry.field in h.dispensable:
        return replace(entry, minimum=0)
    value = h.evidence.base[entry.field]
    if isinstance(value, float):
        return replace(entry, rational=True, minimum=min(entry.minimum, int(value)))
    if value >= entry.minimum:
        return entry
    least = own_defaults(h.evidence.plan.source).get(entry.field, entry.minimum) if size else value
    bounded = replace(entry, minimum=min(entry.minimum, int(least)))
    exact(bounded, value)
    return bounded


def _active(h: Hypotheses, letters: Mapping[str, Symbol]) -> dict[Expr, Expr]:
    """Share of the experts that one token uses, by the symbol of their number (both of one sub-config)."""
    shares: dict[Expr, Expr] = {}
    for name, symbol in letters.items():
        if not _EXPERTS.search(name):
            continue
        scope = name.rpartition(".")[0]
        chosen = [other for other in letters if _PER_TOKEN.search(other) and other.rpartition(".")[0] == scope]
        if chosen:
            shares[symbol] = letters[chosen[0]] / symbol
    return shares


def _template(path: str | None, h: Hypotheses) -> tuple[str, ...] | None:
    """The template of a concrete module path of the first trace."""
    if path is None:
        return None
    parts = tuple(path.split("."))
    for template in h.classes:
        if len(template) == len(parts) and all(
            t == p or ("*" in t and re.fullmatch(re.escape(t).replace(r"\*", r"\d+"), p))
            for t, p in zip(template, parts, strict=True)
        ):
            return template
    return None


_IDLE = ("_attn_implementation", "_experts_implementation", "use_cache", "return_dict", "name_or_path",
         "output_attentions", "output_hidden_states", "gradient_checkpointing")  # fmt: skip


def idle(name: str) -> bool:
    """Whether a field says how a model is run, not what it is."""
    last = name.rpartition(".")[2]
    return last in _IDLE or last.startswith(("_", "base_model_"))


def _options(h: Hypotheses) -> dict[str, Any]:
    """Booleans and missing values that the construction read: the formula holds for these."""
    options: dict[str, Any] = {}
    for one in h.evidence.traces:
        for name, value in one.config_reads.items():
            if (value is None or isinstance(value, bool)) and not idle(name):
                options.setdefault(name, value)
    return options
