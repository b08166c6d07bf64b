"""A `Formula`: what can be done with the closed form of a model's parameter count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal, Unpack

from sympy import Add, Derivative, Expr, Subs, Symbol, cancel, collect, expand, factor

from symcount.domain import Condition, minimal
from symcount.errors import ConventionError, DomainError, StructureError, near
from symcount.evaluate import function, integer_value
from symcount.foreign import guarded
from symcount.ledger import Convention, Ledger, Row, check_convention
from symcount.notation import Notation
from symcount.parts import Breakdown, Part
from symcount.showing import Shown
from symcount.substitution import Substitution
from symcount.tree import Block
from symcount.typeset.latex import set_symbols
from symcount.typeset.leading import leading_terms
from symcount.typeset.measure import em
from symcount.typeset.numbers import check_numbers
from symcount.typeset.presets import with_symbols
from symcount.typeset.setting import Look, Setting, check_look, checked_label, checked_lhs
from symcount.typeset.targets import render
from symcount.values import by_letter, check_domain, resolve
from symcount.vector import vector_function

__all__ = ["Formula", "Part"]


@dataclass(frozen=True, repr=False)
class Formula(Substitution, Shown):
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

    @guarded
    def difference(self, first: str, second: str) -> Expr:
        """`total_as(first) - total_as(second)`, expanded: what two conventions disagree about."""
        return expand(self.total_as(first) - self.total_as(second))

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

    @guarded
    def values(self, given: Mapping[str, Any], convention: str = "unique") -> dict[str, Any]:
        """Exact values by letter from *given* (letters, config fields or aliases), checked against the domain.

        Raises:
            UnknownSymbolError, MissingSymbolError, DomainError: see `symcount.values`.
        """
        needed = [s for s in self.total_as(convention).free_symbols if isinstance(s, Symbol)]
        values = resolve(self.notation, given, self.filled, needed)
        check_domain(self.notation, self.domain, values)
        return values

    @guarded
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
            values = {**self.bound(config), **by_letter(self.notation, values)}
        return integer_value(self.total_as(convention), self.values(values, convention))

    def bound(self, config: Any) -> dict[str, Any]:
        """Values by letter for a config in any form that `count` takes: its own, or the model's defaults.

        Raises:
            ConfigError, OptionError: the config cannot be read, or the formula does not cover it.
        """
        from symcount.configs import read  # a config is read by the model's rules, not by the formula's

        return read(config).values_for(self)

    def given(
        self,
        config: Any = None,
        beside: Collection[str] = (),  # noqa: ARG002  # read where configs have parts
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
        return self.bound({} if config is None else config)

    @guarded
    def compile(self, *, vector: bool = False, convention: str = "unique") -> Callable[..., Any]:
        """A fast function of the letters, as keywords.

        Args:
            vector: take NumPy integer arrays (broadcast together) and return an int64 array; inputs whose count
                could leave 64 bits are refused before anything is computed. Otherwise Python integers of any size.
            convention: what counts.

        Neither form checks the domain; `count` does.

        >>> import symcount as sc
        >>> fast = sc.formula("gpt2").compile()
        >>> fast(V=50257, L=1024, H=768, N=12)
        124439808
        """
        total = self.total_as(convention)
        names = [e.letter for e in self.notation if e.symbol in total.free_symbols]
        if vector:
            return vector_function(total, {n: self.notation[n].minimum for n in names})
        return function(total, names)

    # ---------------------------------------------------------------- algebra

    @guarded
    def expanded(self, convention: str = "unique") -> Expr:
        """The total multiplied out."""
        return expand(self.total_as(convention))

    @guarded
    def simplified(self, convention: str = "unique") -> Expr:
        """The total with common factors cancelled and terms merged."""
        return cancel(expand(self.total_as(convention)))

    @guarded
    def collected(self, symbol: str, convention: str = "unique") -> Expr:
        """The total as a polynomial in one symbol."""
        return collect(self.expanded(convention), self.symbol(symbol))

    @guarded
    def factored(self, convention: str = "unique") -> Expr:
        """The total as a product where it is one."""
        return factor(self.total_as(convention))

    @guarded
    def diff(self, symbol: str | Symbol, convention: str = "unique") -> Expr:
        """The partial derivative of the total with respect to *symbol*.

        Raises:
            DomainError: the total is rounded in *symbol*, so it has none.
        """
        found = self.total_as(convention).diff(self.symbol(symbol))
        if found.has(Derivative, Subs):
            letter = self.symbol(symbol).name
            raise DomainError(
                f"the total rounds in {letter} and has no derivative; ask for a difference: step({letter!r})"
            )
        return found

    @guarded
    def step(self, symbol: str | Symbol, by: int = 1, convention: str = "unique") -> Expr:
        """The finite difference: what *by* more of *symbol* costs. For a depth: the price of a layer."""
        total, s = self.total_as(convention), self.symbol(symbol)
        return expand(total.subs(s, s + by) - total)

    @guarded
    def elasticity(self, symbol: str | Symbol, convention: str = "unique") -> Expr:
        """`x/P · dP/dx`: by how many percent the total grows when *symbol* grows by one percent."""
        s = self.symbol(symbol)
        return cancel(s * self.diff(s, convention) / self.total_as(convention))

    @guarded
    def leading(self, *symbols: str, convention: str = "unique") -> Expr:
        """The terms of highest degree: what is left of the total in a very large model.

        Args:
            symbols: the symbols that grow; by default widths and depths.
            convention: what counts.

        >>> import symcount as sc
        >>> sc.formula("gpt2").leading()
        12*H**2*N
        >>> sc.formula("LlamaModel").leading()
        H*N*(2*D*(A + K) + 3*I)
        """
        grow = [self.symbol(s) for s in symbols] or [e.symbol for e in self.notation if e.scales]
        return leading_terms(self.total_as(convention), grow)

    # ---------------------------------------------------------------- reading

    @guarded
    def breakdown(
        self, depth: int | None = None, *, by: Literal["path", "kind"] = "path", convention: str = "unique"
    ) -> Breakdown:
        """The total by path, cut after *depth* names (`None`: every layer), or by layer type. Parts sum to the total.

        Raises:
            ConventionError: no such convention, or *by* is neither `path` nor `kind`.
        """
        checked = check_convention(convention)
        if by == "kind":
            found = [Part(kind, kind, e) for kind, e in self.ledger.by_kind(checked).items() if e != 0]
            return Breakdown(found, self, by, checked)
        if by != "path":
            raise ConventionError(f"breakdown by {by!r}: expected path or kind.{near(str(by), ['path', 'kind'])}")
        kinds: dict[str, str] = {}
        for path, item in self.tree.walk():
            kinds.setdefault(path, item.kind)
        parts = self.ledger.by_path(depth, checked)
        return Breakdown((Part(path, kinds[path], e) for path, e in parts.items() if e != 0), self, "path", checked)

    @guarded
    def subtotal(self, pattern: str = "*", *, kind: str | None = None, convention: str = "unique") -> Part:
        """The part of the total that lies in the tensors whose path matches *pattern*.

        Args:
            pattern: a shell-style pattern for the full path of a tensor, as in `bert.encoder.*.weight`.
            kind: only tensors of layers of this type, e.g. `Linear`.
            convention: what counts.

        Raises:
            StructureError: the model has no such tensor.

        >>> import symcount as sc
        >>> sc.formula("bert").subtotal("embeddings.*", kind="Embedding").expression
        H*L + H*T + H*V
        """
        rows = self.ledger.select(pattern, kind)
        if not rows:
            known = ", ".join(self.ledger.by_kind())
            raise StructureError(
                f"no tensor matches {pattern!r}{f' in a {kind}' if kind else ''}; layer types: {known}"
            )
        checked = check_convention(convention)
        return Part(pattern, kind or "", Add(*(self.ledger.counted(row, checked) * row.size for row in rows)))

    def latex(self, style: str = "grouped", **look: Unpack[Look]) -> str:
        r"""The total in LaTeX, in the order of the model, the layers as `N(…)`.

        Args:
            style: `grouped`, `compact`, `expanded`, `annotated`, `steps`, `table`, `leading` or `notation`; see
                `symcount.typeset.styles`.
            look: convention, letters, numbers, sizes and width; see `symcount.typeset.setting.Look`.

        Raises:
            NotationError: no such style, preset or way to write numbers, or two symbols would be typeset alike.
            ConventionError, MissingSymbolError, DomainError: as for `total_as` and `count`.

        >>> import symcount as sc
        >>> print(sc.formula("gpt2").latex(symbols={"H": "d", "V": r"\nu"}))
        \nu d + Ld + N(12d^2 + 13d) + 2d
        """
        return self.typeset("latex", style, **look)

    @guarded
    def typeset(self, to: str = "latex", style: str = "grouped", **look: Unpack[Look]) -> str:
        """The total in *style* as LaTeX, a whole document, Markdown, HTML, text …; see `symcount.typeset.targets`.

        Raises:
            NotationError: see `latex`; or no such target.
        """
        return render(self.setting(**look), style, to)

    @guarded
    def setting(self, **look: Unpack[Look]) -> Setting:
        """What a printer needs to know: this formula, and how it is to look.

        Raises:
            NotationError, ConventionError, UnknownSymbolError: see `latex`.
        """
        check_look(look)
        convention, width = check_convention(look.get("convention", "unique")), look.get("width")
        defaults = {letter: value for letter, value in self.defaults.items() if letter in self.notation}
        given = by_letter(self.notation, look.get("values") or {})
        return Setting(
            self.name or self.tree.kind,
            self.model_type,
            self.tree,
            self.ledger,
            convention,
            with_symbols(self.notation, look.get("notation"), look.get("symbols")),
            self.domain,
            options=self.deciding,
            pinned=getattr(self, "pinned", {}),  # a derived formula may hold at one value of a field only
            sizes=lambda: self.values({**defaults, **given}, convention),
            numbers=check_numbers(look.get("numbers", "comma")),
            width=None if width is None else em(width),
            equation=look.get("lhs") is not None or look.get("label") is not None,
            lhs=checked_lhs(look.get("lhs")),
            label=checked_label(look.get("label")),
            prefix=look.get("prefix"),
            unit=self.unit,
            sign=self.sign,
        )

    @property
    def deciding(self) -> Mapping[str, Any]:
        """Those of the options at whose other value the formula is another one."""
        return self.options

    def domain_text(self) -> str:
        """The domain in words: `valid when A divides H`."""
        return "valid when " + " and ".join(map(str, self.domain)) if self.domain else "valid for all positive integers"

    @guarded
    def set_symbols(self, expression: Expr) -> str:
        """Typeset any expression in this formula's notation."""
        return set_symbols(expression, self.notation)

    @guarded
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
    ) -> Formula:
        """The bytes of the weights, of their gradients, or of what an optimizer keeps, as a formula.

        Args:
            dtype: of the weights: `bfloat16`, `float32`, `fp16`, … What is trained in another type says so itself.
            part: `weights`, `gradients`, `optimizer`, `master` (copies in fp32), `step` (what a step takes besides for
                a while) or `training`: all but the last together.
            optimizer: see `symcount.storage.optimizers`: `adamw`, `sgd_momentum`, `adafactor`, `muon`, `adamw_8bit`, …
            master: whether the optimizer works on copies of the weights in fp32.
            kept: whether what transformers keeps in fp32 when it loads a model in half precision stays so; otherwise
                everything is in *dtype*, as after `model.to(dtype)`.
            quantization: a config's `quantization_config`; see `symcount.storage.quantizers`.
            page: each tensor takes a multiple of so many bytes: 512 of torch's CUDA allocator.

        Raises:
            OptionError: no such type, part, optimizer or quantisation.

        >>> import symcount as sc
        >>> f = sc.formula("gpt2").bytes("bf16")
        >>> f.count(V=50257, L=1024, H=768, N=12), f.diff("N")
        (248879616, 24*H**2 + 26*H)
        """
        from symcount.storage.formulas import Storage, bytes_of

        return bytes_of(self, part, Storage(dtype, optimizer, master, kept, quantization, page))

    def renamed(self, name: str) -> Formula:
        """The same formula under another name."""
        return replace(self, name=name)

    def __str__(self) -> str:
        return f"{self.name or self.tree.kind} = {self.total}"
