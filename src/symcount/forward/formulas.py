"""Formulas of a forward pass: in the letters B and S of its input beside the model's own, for all that formulas do."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from sympy import Expr, Integer, Mul, Symbol, cancel

from symcount.config.config import read
from symcount.core.domain import Condition, relation
from symcount.core.letters import assign
from symcount.core.notation import Entry, Notation, canonical
from symcount.core.tree import Block, Parameter
from symcount.derivation.formula import DerivedFormula
from symcount.errors import DomainError
from symcount.formulas.formula import Formula
from symcount.forward.held import DTYPE, KIND, MARK
from symcount.forward.inputs import BATCH, LENGTH, SIDE, SIZES, SOURCE
from symcount.storage.dtypes import dtype as dtype_of

if TYPE_CHECKING:
    from symcount.derivation.certificate import Certificate

__all__ = ["CacheFormula", "ForwardFormula", "OperationsFormula", "cache_formula", "operations_formula"]

#: Letters of the sizes of the input.
_INPUT = {
    BATCH: Entry("B", BATCH, "B", "sequences in a batch"),
    LENGTH: Entry("S", LENGTH, "S", "tokens of a sequence"),
    SIDE: Entry("R", SIDE, "R", "height and width of an image"),
    SOURCE: Entry("S_src", SOURCE, r"S_{\mathrm{src}}", "tokens of the encoder's input"),
}


@dataclass(frozen=True, repr=False)
class ForwardFormula(Formula):
    """The closed form of what a forward pass holds or does.

    Attributes:
        derived: the same as it was derived, with the names that the certificate compares.
        sizes: config fields of the sizes of the input -> their letters.
    """

    derived: DerivedFormula | None = field(default=None, repr=False, compare=False)
    sizes: Mapping[str, str] = field(default_factory=dict)

    __hash__ = Formula.__hash__

    @property
    def whole(self) -> DerivedFormula:
        """The formula as it was derived."""
        assert self.derived is not None  # noqa: S101  # set where it is made
        return self.derived

    def bound(self, config: Any) -> dict[str, Any]:
        """Values by letter for *config*, without the sizes of the input; see `Formula.bound`.

        Raises:
            ConfigError, OptionError: it cannot be read, or the formula does not hold for it.
        """
        if hasattr(config, "to_diff_dict"):
            given = copy.copy(config)
            for name, value in SIZES.items():
                setattr(given, name, value)
        else:
            fields = read(config).fields
            given = {**fields, **{n: SIZES[n] for n in self.sizes}, **self._decoding(fields)} if fields else fields
        values = self.whole.bound(given)
        by_field = {e.field: values[e.letter] for e in self.whole.notation if e.letter in values}
        return {e.letter: by_field[e.field] for e in self.notation if e.field in by_field and e.field not in SIZES}

    def _decoding(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        asked = self.whole.source.kwargs if self.whole.source is not None else {}
        return {"is_decoder": True} if asked.get("is_decoder") is True and "is_decoder" not in fields else {}

    def at(self, **sizes: Any) -> Self:
        """The formula at a batch, length or source that is given: a number, or another letter's name.

        Raises:
            DomainError: it is no positive number.
        """
        changed: dict[Symbol, Expr] = {}
        notation = list(self.notation)
        for name, given in sizes.items():
            letter = self.sizes.get(name)
            if letter is None or given is None or given == letter:
                continue
            item = self.notation[letter]
            if isinstance(given, str):
                other = replace(item, letter=given, latex=given if len(given) == 1 else rf"\mathrm{{{given}}}")
                changed[item.symbol] = other.symbol
                notation[notation.index(item)] = other
            elif isinstance(given, int) and not isinstance(given, bool) and given > 0:
                changed[item.symbol] = Integer(given)
                notation.remove(item)
            else:
                raise DomainError(f"{name}: expected a positive number or a letter, got {given!r}")
        made: Self = _exchanged(self, changed, Notation(tuple(notation)))
        for condition in made.domain:
            if not condition.symbols and not condition.holds({}):
                raise DomainError(f"outside the formula's domain: {condition} is required")
        return made


def _exchanged(formula: Any, changed: Mapping[Symbol, Expr], notation: Notation) -> Any:
    if not changed:
        return formula

    def change(size: Expr) -> Expr:
        return size.xreplace(dict(changed))

    conditions = tuple(Condition(c.relation, change(c.left), change(c.right)) for c in formula.conditions)
    defaults = {letter: value for letter, value in formula.defaults.items() if letter in notation}
    return replace(
        formula, tree=formula.tree.mapped(change), notation=notation, conditions=conditions, defaults=defaults
    )


@dataclass(frozen=True, repr=False)
class CacheFormula(ForwardFormula):
    """The elements that a model's own cache holds after S tokens of each of B sequences.

    Attributes:
        dtypes: of the tensors that have one of their own, by path; the others have the model's.
    """

    dtypes: Mapping[str, str] = field(default_factory=dict)

    __hash__ = Formula.__hash__

    def bytes(self, dtype: Any = DTYPE) -> CacheFormula:  # type: ignore[override]  # of a cache there are no parts
        """The bytes that the cache holds where the model is in *dtype*: a tensor has the size of an element beside.

        Recurrent states may be in fp32 whatever the model is in; see `dtypes`.

        Raises:
            OptionError: no such type.
        """
        own = dtype_of(dtype)

        def sized(block: Block, path: str) -> Block:
            parameters = []
            for p in block.parameters:
                found = self.dtypes.get(f"{path}.{p.name}" if path else p.name)
                size = (own if found is None else dtype_of(found)).size
                parameters.append(replace(p, shape=(*p.shape, Integer(size)) if size > 1 else p.shape))
            children = (sized(c, ".".join(x for x in (path, c.name) if x)) for c in block.children)
            return replace(block, parameters=tuple(parameters), children=tuple(children))

        return replace(self, tree=sized(self.tree, self.tree.name), unit="bytes of the cache")

    def certify(self, trials: int = 8, seed: int = 0) -> Certificate:
        """Compare the formula with the caches of *trials* real models at random points, tensor by tensor.

        Raises:
            VerificationError: they disagree.
            DerivationError: not enough points could be built.
        """
        return self.whole.certify(trials, seed)


def cache_formula(derived: DerivedFormula) -> CacheFormula:
    """The formula of a cache, of that of the model whose parameters its tensors are."""
    dtypes: dict[str, str] = {}

    def cleaned(block: Block, path: str) -> list[Block]:
        """The block; for a layer of a list one of each class."""
        parameters = []
        for p in block.parameters:
            name, _, dtype = p.name.partition(MARK)
            if dtype:
                dtypes[f"{path}.{name}" if path else name] = dtype
            parameters.append(replace(p, name=name, alias_of=None))
        children: list[Block] = []
        layers: list[Block] = []
        for child in block.children:
            if child.name.startswith(KIND):
                layers += [
                    replace(one, name=block.name, kind=child.kind, repeat=block.repeat * one.repeat)
                    for one in cleaned(child.named(""), path)
                ]
            else:
                children += cleaned(child, f"{path}.{child.name}" if path else child.name)
        own = replace(block, parameters=tuple(parameters), children=tuple(children))
        return layers + ([own] if parameters or children or not layers else [])

    (tree,) = cleaned(derived.tree, derived.tree.name)
    made: CacheFormula = _lettered(CacheFormula, derived, tree)
    return replace(made, dtypes=dtypes, unit="elements of the cache", sign="C")


@dataclass(frozen=True, repr=False)
class OperationsFormula(ForwardFormula):
    """The operations of a forward pass over S tokens of each of B sequences; see `symcount.forward.operations`.

    Attributes:
        noted: the tree with what is known of each operation in its name; see `symcount.forward.worked`.
    """

    noted: Block | None = field(default=None, repr=False, compare=False)

    __hash__ = Formula.__hash__

    def backward(self, *, causal: bool = False) -> OperationsFormula:
        """The operations of the backward pass: a product for each operand of which a gradient is needed."""
        return self._with(lambda gradients: gradients, causal=causal)

    def training(self, *, checkpointing: bool = False, causal: bool = False) -> OperationsFormula:
        """Those of a forward and a backward pass; with *checkpointing* the layers' forward pass is done twice."""
        return self._with(lambda gradients: 1 + gradients, causal=causal, again=checkpointing)

    def causal(self) -> OperationsFormula:
        """With half of a causal attention: of S·S pairs of tokens the S(S + 1)/2 that are not masked."""
        return self._with(lambda _: 1, causal=True)

    def per_token(self) -> Expr:
        """The operations for one token."""
        sizes = [self.notation[self.sizes[n]].symbol for n in (BATCH, LENGTH) if self.sizes.get(n, n) in self.notation]
        return cancel(self.total / Mul(*sizes))

    def _with(self, times: Callable[[int], int], *, causal: bool = False, again: bool = False) -> OperationsFormula:
        assert self.noted is not None  # noqa: S101  # set where it is made
        return replace(self, tree=_worked(self.noted, times, causal=causal, again=again))

    def certify(self, trials: int = 8, seed: int = 0) -> int:
        """Compare the formula with an independent count of the operations that ran, module by module.

        Returns:
            The number of random points at which they agree.

        Raises:
            VerificationError: they disagree.
            DerivationError: not enough points could be built.
        """
        from symcount.forward.certificate import certify_operations

        return certify_operations(self, trials, seed)


def _worked(noted: Block, times: Callable[[int], int], *, causal: bool, again: bool, inside: bool = False) -> Block:
    """The tree of what counts of *noted*: each operation so many *times* as the gradients that it needs say."""
    inside = inside or "*" in noted.name
    parameters: dict[str, Parameter] = {}
    for p in noted.parameters:
        name, _, mark = p.name.partition(MARK)
        number, half = int(mark.rstrip("c")), mark.endswith("c")
        factor = times(number) + (1 if again and inside else 0)
        if not factor:
            continue
        shape = (p.shape[0] * factor, *p.shape[1:])
        if half and causal:
            shape = (*shape[:-2], (shape[-2] + 1) / 2, shape[-1])
        while name in parameters:  # several that differ only in what is marked
            name += "_"
        parameters[name] = replace(p, name=name, shape=shape, alias_of=None)
    children = (_worked(c, times, causal=causal, again=again, inside=inside) for c in noted.children)
    return replace(noted, parameters=tuple(parameters.values()), children=tuple(children))


def operations_formula(derived: DerivedFormula) -> OperationsFormula:
    """The formula of operations, of that of the model whose parameters they are."""
    made: OperationsFormula = _lettered(OperationsFormula, derived, derived.tree)
    plain = _worked(made.tree, lambda _: 1, causal=False, again=False)
    return replace(made, tree=plain, noted=made.tree, unit="operations", sign="F")


def _lettered(kind: type[Any], derived: DerivedFormula, tree: Block) -> Any:
    """A formula of the *kind* with the letters of the sizes of the input."""
    present = [_INPUT[e.field] for e in derived.notation if e.field in _INPUT]
    taken = {e.letter for e in present} | {e.latex for e in present}
    entries, changed, sizes = [], {}, {}
    for item in derived.notation:
        other = item
        if item.field in _INPUT:
            other = _INPUT[item.field]
            sizes[item.field] = other.letter
        elif {item.letter, item.latex} & taken:
            other = replace(item, letter=_identifier(item.field), latex=rf"{item.latex}'")
        if other is not item:
            changed[item.symbol] = other.symbol
        entries.append(other)
    for name in (n for n in _INPUT if n in derived.base and n not in sizes):  # it may be given, and does not matter
        if _INPUT[name].letter not in {e.letter for e in entries}:
            entries.append(_INPUT[name])
            sizes[name] = _INPUT[name].letter
    entries.sort(key=lambda e: e.field not in _INPUT)
    limits = _limits(derived, entries, sizes)
    entries += [e for e, _ in limits if e not in entries]

    def change(size: Expr) -> Expr:
        return size.xreplace(changed)

    return kind(
        tree.mapped(change),
        Notation(tuple(entries)),
        derived.name,
        derived.model_type,
        options=derived.options,
        defaults={e.letter: derived.base[e.field] for e in entries if e.field not in _INPUT},
        conditions=(
            *(Condition(c.relation, change(c.left), change(c.right)) for c in derived.conditions),
            *(c for _, c in limits),
        ),
        origin="derived",
        pinned=derived.pinned,
        derived=derived,
        sizes=sizes,
    )


def _limits(
    derived: DerivedFormula, entries: Sequence[Entry], sizes: Mapping[str, str]
) -> list[tuple[Entry, Condition]]:
    """That a text is no longer than the positions that the model says it has, where it reads that number."""
    reads = derived.default.config_reads if derived.default is not None else {}
    found: list[tuple[Entry, Condition]] = []
    for name in derived.base:
        kind = canonical(name.rpartition(".")[2])
        if kind not in _POSITIONS or name not in reads or name.startswith(("vision", "audio", "image")):
            continue
        if LENGTH not in sizes or derived.base[name] < SIZES[LENGTH]:
            continue
        known = [e for e in entries if e.field == name]
        item = known[0] if known else next(iter(assign([name])))
        if not known and item.letter in {e.letter for e in (*entries, *(e for e, _ in found))}:
            item = replace(item, letter=_identifier(name))
        found.append((item, relation(_INPUT[LENGTH].symbol, "<=", item.symbol)))
    return found


#: Fields that say how long a text may be.
_POSITIONS = ("max_position_embeddings", "max_target_positions")


def _identifier(path: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in path)
