"""A `Formula`: what can be done with the closed form of a model's parameter count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from sympy import Expr, Symbol

from symcount import compiled
from symcount.algebra import Algebra
from symcount.binding import Binding, ByField
from symcount.domain import Condition, minimal
from symcount.evaluate import integer_value
from symcount.foreign import guarded_methods
from symcount.ledger import Convention, Ledger, Row, check_convention
from symcount.notation import Notation
from symcount.partition import Partitioned
from symcount.showing import Shown
from symcount.tree import Block
from symcount.values import by_letter, check_domain, resolve

if TYPE_CHECKING:
    from symcount.forward.formulas import CacheFormula, OperationsFormula

__all__ = ["Formula"]


@guarded_methods
@dataclass(frozen=True, repr=False)
class Formula(Algebra, Partitioned, Shown):
    """The closed form of a model's parameter count, with everything needed to read, use and check it.

    Immutable. Obtain one from `symcount.formula("bert")`, or from a tree of layers:

    >>> from symcount.layers import Linear
    >>> from symcount.notation import Notation, entry
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
            UnknownSymbolError, MissingSymbolError, DomainError: see `symcount.values`.
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
        if config is not None:
            config, values = self.binding.changed(self, config, by_letter(self.notation, values))
            values = {**self.bound(config), **values}
        return integer_value(self.total_as(convention), self.values(values, convention))

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

    def cache(
        self, batch: int | str = "B", length: int | str = "S", *, dtype: Any = None, config: Any = None
    ) -> CacheFormula:
        """What the model's own cache holds after *length* tokens of each of *batch* sequences; see `symcount.cache`.

        Args:
            batch: a number, or the letter for it.
            length: the same, of tokens.
            dtype: of the model: then its bytes; by default its elements.
            config: in any form, where it has numbers that the parameters do not depend on (`sliding_window`).

        Raises:
            SymcountError: see `symcount.cache`.
        """
        from symcount.forward.api import cache  # it derives formulas, and is above them

        found = cache(self if config is None else config, batch=batch, length=length)
        return found if dtype is None else found.bytes(dtype)

    def flops(self, batch: int | str = "B", length: int | str = "S", *, config: Any = None) -> OperationsFormula:
        """The operations of a forward pass over *length* tokens of each of *batch* sequences; see `symcount.flops`.

        Raises:
            SymcountError: see `symcount.flops`.
        """
        from symcount.forward.api import flops  # the same

        return flops(self if config is None else config, batch=batch, length=length)

    def bytes(
        self,
        dtype: Any = "bfloat16",
        part: str = "weights",
        *,
        optimizer: str = "adamw",
        master: bool = False,
        kept: bool = True,
        quantization: Mapping[str, Any] | None = None,
        page: int = 1,
        values: Mapping[str, Any] | None = None,
    ) -> Formula:
        """The bytes of the weights, of their gradients, or of what an optimizer keeps, as a formula.

        Args:
            dtype: of the weights: `bfloat16`, `float32`, `fp16`, … What is trained in another type says so itself.
            part: `weights`, `gradients`, `optimizer`, `master` (copies in fp32), `step` (what a step takes besides for
                a while) or `training`: all but the last together.
            optimizer: see `symcount.storage.optimizers`: `adamw`, `sgd_momentum`, `adafactor`, `muon`, `adamw_8bit`, …
            master: whether the optimizer works on copies of the weights in fp32.
            kept: whether what transformers keeps in fp32 when it loads a model in half precision stays so; otherwise
                everything is in *dtype*, as after `model.to(dtype)`. Adapters are in fp32 too, as PEFT makes them.
            quantization: a config's `quantization_config`; see `symcount.storage.quantizers`.
            page: each tensor takes a multiple of so many bytes: 512 of torch's CUDA allocator.
            values: sizes by letter, where layers are named by their index; by default the model's defaults.

        Raises:
            OptionError: no such type, part, optimizer or quantisation.

        >>> import symcount as sc
        >>> f = sc.formula("gpt2").bytes("bf16")
        >>> f.count(V=50257, L=1024, H=768, N=12), f.diff("N")
        (248879616, 24*H**2 + 26*H)
        """
        from symcount.storage.formulas import Storage, bytes_of

        return bytes_of(self, part, Storage(dtype, optimizer, master, kept, quantization, page, values))

    def lora(self, rank: int = 8, targets: Any = None, **options: Any) -> Formula:
        """The model with LoRA, whose rank is a letter; the convention `trainable` counts the adapter alone.

        Args:
            rank: the value of that letter.
            targets: the names of the modules that are adapted, a pattern, or `all-linear`; by default PEFT's own.
            options: further fields of PEFT's `LoraConfig`: `use_dora`, `rank_pattern`, `modules_to_save`,
                `target_parameters`, …

        Raises:
            ConfigError, OptionError, StructureError: see `adapter`.

        >>> import symcount as sc
        >>> f = sc.formula("LlamaForCausalLM").lora(8)
        >>> print(f.latex(convention="trainable"))
        N(ADr + KDr + 2Hr)
        >>> f.count({}, convention="trainable"), f.count({}, convention="trainable", r=16)
        (4194304, 8388608)
        """
        return self.adapter("lora", **{"r": rank, "target_modules": targets, **options})

    def adapter(self, method: str, *, values: Mapping[str, Any] | None = None, **options: Any) -> Formula:
        r"""The model with an adapter of PEFT, whose rank, or the size that takes its place, is a letter.

        Args:
            method: `lora`, `adalora`, `vera`, `loha`, `lokr`, `ia3`, `oft`, `boft`, `prefix_tuning`, `prompt_tuning` or
                `p_tuning`; see `symcount.adapters.methods` and `prompts`.
            values: sizes by letter, where divisors of a size are needed, or layers are named by their index; by default
                the model's defaults.
            options: fields of the method's config in PEFT, such as `r` and `target_modules`, with PEFT's defaults.

        Raises:
            ConfigError: an option is malformed.
            OptionError: a method or option that is not known, or PEFT has no default targets for the model.
            StructureError: nothing is adapted.

        >>> import symcount as sc
        >>> f = sc.formula("LlamaForCausalLM").adapter("oft", target_modules=["q_proj"])
        >>> print(f.latex(convention="trainable"))
        N(Hb/2 - H/2)
        """
        from symcount.adapters.adapting import applied

        return applied(self, method, options, values)

    def shard(
        self, ranks: int, scheme: str = "fsdp2", *, rank: int = 0, plan: Mapping[str, str] | None = None
    ) -> Formula:
        """The parameters that one of several ranks holds, whose number is a letter; `bytes` of it are that rank's.

        Args:
            ranks: the value of that letter.
            scheme: `fsdp2` (each parameter by rows), `zero3` (each parameter flat, padded) or `tp`: the tensor
                parallelism of transformers.
            rank: which; with sizes that do not divide, the last ones hold less.
            plan: of `tp`: the style by the path of a module or parameter, with `*` for indices; by default the one that
                the model's class has in the transformers that is installed.

        Raises:
            OptionError: no such scheme or rank, or a model without a plan.
            DependencyError: the plan is to be read, and torch or transformers is missing.

        >>> import symcount as sc
        >>> f = sc.formula("gpt2").shard(8)
        >>> f.count({}), f.bytes("bf16").count({}), f.count({}, W=16)
        (15555648, 31111296, 7778208)
        """
        from symcount.sharding import shard_of

        return shard_of(self, ranks, scheme, rank, plan)

    def renamed(self, name: str) -> Formula:
        """The same formula under another name."""
        return replace(self, name=name)
