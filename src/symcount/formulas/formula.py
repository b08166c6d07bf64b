"""A `Formula`: what can be done with the closed form of a model's parameter count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal

from sympy import Expr, Symbol

from symcount.core.domain import Condition, minimal
from symcount.core.ledger import Convention, Ledger, Row, check_convention
from symcount.core.notation import Notation
from symcount.core.tree import Block
from symcount.core.values import by_letter, check_domain, resolve
from symcount.errors import UnknownSymbolError
from symcount.exact.evaluate import integer_value
from symcount.foreign import guarded_methods
from symcount.formulas import compiled
from symcount.formulas.algebra import Algebra
from symcount.formulas.binding import Binding, ByField
from symcount.formulas.partition import Partitioned
from symcount.formulas.showing import Shown
from symcount.formulas.usage import Used

__all__ = ["Formula"]


@guarded_methods
@dataclass(frozen=True, repr=False)
class Formula(Algebra, Partitioned, Shown, Used):
    """The closed form of a model's parameter count, with everything needed to read, use and check it.

    Immutable. Obtain one from `symcount.formula("bert")`, or from a tree of layers:

    >>> from symcount.layers import Linear
    >>> from symcount.core.notation import Notation, entry
    >>> f = Formula(Linear(entry("H").symbol, entry("I").symbol), Notation((entry("H"), entry("I"))))
    >>> f.total
    H*I + I
    >>> f.count(H=768, intermediate_size=3072)
    2362368
    >>> f.diff("H"), f.step("H"), f.elasticity("H")
    (I, I, H/(H + 1))

    Attributes:
        tree: the model.
        notation: its symbols.
        name: class name, e.g. `BertForMaskedLM`.
        model_type: transformers' model type, e.g. `bert`.
        options: config options (not integers) for which the formula holds.
        defaults: values of the model's default config, by letter.
        filled: rules by which the config fills fields that are left out, by letter (`D`: `H/A`).
        conditions: conditions beyond those that the tree's blocks carry.
        origin: `composed` by hand or `derived` from the model's code.
        unit: what is counted, in words: `parameters`.
        sign: the letter of totals in LaTeX.
        binding: the rules by which it reads a config.
        pinned: config fields that it holds at one value of.
        measures: totals of other things than parameters, in the same letters, by name: `memory`.
    """

    tree: Block
    notation: Notation
    name: str = ""
    model_type: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    filled: Mapping[str, Expr] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    origin: Literal["composed", "derived"] = "composed"
    unit: str = "parameters"
    sign: str = "P"
    binding: Binding = field(default=ByField(), repr=False, compare=False)
    pinned: Mapping[str, Any] = field(default_factory=dict)
    measures: Mapping[str, Callable[[Formula], Expr]] = field(default_factory=dict, repr=False, compare=False)

    def __hash__(self) -> int:
        return hash((self.name, self.model_type, self.tree))  # the mappings beside them have none

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: self.__dict__[f.name] for f in fields(self)}  # what follows from them is worked out again

    @cached_property
    def ledger(self) -> Ledger:
        """Every parameter name with its symbolic shape."""
        return Ledger.of(self.tree)

    @cached_property
    def domain(self) -> tuple[Condition, ...]:
        """The conditions under which the formula holds (besides: every symbol is a positive integer)."""
        return minimal((*self.ledger.conditions, *self.conditions))

    @property
    def total(self) -> Expr:
        """The total under the convention `unique`: what the model stores."""
        return self.total_as("unique")

    def total_as(self, convention: str = "unique") -> Expr:
        """The total under *convention* (`unique`, `per_layer`, `non_embedding`, `active`, `trainable`).

        Raises:
            ConventionError: no such convention.
        """
        if convention in self.measures:
            known: dict[str, Expr] = self.__dict__.setdefault("_measured", {})
            if convention not in known:
                known[convention] = self.measures[convention](self)
            return known[convention]
        return self._total(check_convention(convention))

    def _total(self, convention: Convention) -> Expr:
        cache: dict[str, Expr] = self.__dict__.setdefault("_totals", {})
        if convention not in cache:
            cache[convention] = self.ledger.total(convention)
        return cache[convention]

    @property
    def shared(self) -> tuple[tuple[Row, Row], ...]:
        """Tied tensors: pairs (row, row whose tensor it uses)."""
        return self.ledger.shared

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """The symbols of the totals and of the domain, in the notation's order."""
        used: set[Any] = set().union(*(self._total(c).free_symbols for c in ("unique", "per_layer", "active")))
        for condition in self.domain:
            used |= condition.symbols
        return tuple(e.symbol for e in self.notation if e.symbol in used)

    # ---------------------------------------------------------------- numbers

    def values(self, given: Mapping[str, Any], convention: str = "unique") -> dict[str, Any]:
        """Exact values by letter from *given* (letters, config fields or aliases), checked against the domain.

        Raises:
            UnknownSymbolError, MissingSymbolError, DomainError: see `symcount.core.values`.
        """
        needed = [s for s in self.total_as(convention).free_symbols if isinstance(s, Symbol)]
        values = resolve(self.notation, given, self.filled, needed)
        check_domain(self.notation, self.domain, values)
        return values

    def count(self, config: Any = None, /, *, convention: str = "unique", **values: Any) -> int:
        """The exact number of parameters.

        Args:
            config: a transformers config, a dict in the form of a `config.json`, or a path to one; fields it leaves
                out have the model's defaults. Or nothing, and every symbol by keyword:
            values: by letter or config field name.
            convention: what counts.

        Raises:
            UnknownSymbolError: a name that the formula does not have.
            MissingSymbolError: a symbol without a value.
            DomainError: a value outside the domain, or two values for one symbol.
            ConfigError, OptionError: a config that the formula does not cover.
        """
        check_convention(convention)
        self._check_held(values)
        if config is not None:
            config, values = self.binding.changed(self, config, by_letter(self.notation, values))
            values = {**self.bound(config), **values}
        return integer_value(self.total_as(convention), self.values(values, convention))

    @property
    def held(self) -> Mapping[str, Any]:
        """The config fields without a letter that are known to matter, with the values for which the formula holds."""
        return self.options

    def _check_held(self, names: Collection[str]) -> None:
        for name in names:
            if name not in self.notation and name in self.held:
                verb = "derive" if self.origin == "derived" else "formula"
                model = repr(self.name) if self.model_type else self.name  # a class of one's own has no other name
                raise UnknownSymbolError(
                    f"the formula of {self.name} holds for {name} = {self.held[name]!r:.80} and has no letter for it; "
                    f"make one of its own: symcount.{verb}({model}, {name}=...)"
                )

    def bound(self, config: Any) -> dict[str, Any]:
        """Values by letter for a config in any form that `count` takes: its own, or the model's defaults.

        Raises:
            ConfigError, OptionError: the config cannot be read, or the formula does not cover it.
        """
        return self.binding.bound(self, config)

    def given(
        self,
        config: Any = None,
        beside: Collection[str] = (),
    ) -> dict[str, Any]:
        """Values by letter that a config states, or that are constants of its class: none that it fills in from others.

        What is not there follows from the others by `filled`, whatever they will be: `head_dim` from H and A.

        Args:
            config: in any form that `count` takes; nothing stands for the model's defaults.
            beside: letters that will have other values than the config's. Where a sub-config is given in part, its
                class's own defaults apply, not those of a sub-config that is left out.

        Raises:
            ConfigError, OptionError: see `bound`.
        """
        return self.binding.given(self, config, beside)

    def compile(self, *, vector: bool = False, convention: str = "unique") -> Callable[..., Any]:
        """A fast function of the letters, as keywords.

        Args:
            vector: take NumPy integer arrays (broadcast together) and return an int64 array; inputs whose count
                could leave 64 bits are refused before anything is computed. Otherwise Python integers of any size.
            convention: what counts.

        Neither form checks the domain; `count` does. Both pickle, and name the letter of an argument that is none.

        >>> import symcount as sc
        >>> fast = sc.formula("gpt2").compile()
        >>> fast(V=50257, L=1024, H=768, N=12)
        124439808
        """
        total = self.total_as(convention)
        entries = tuple(e for e in self.notation if e.symbol in total.free_symbols)
        return compiled.vector(total, entries) if vector else compiled.scalar(total, entries)

    def renamed(self, name: str) -> Formula:
        """The same formula under another name."""
        return replace(self, name=name)
