r"""Options inside a formula, as Iverson brackets: `(1 - [tied])VH` is VH where the head is not tied, and nothing else.

The formulas of both values of an option are laid over one another: what both have stays, what one has counts as often
as the bracket says, once or not at all.

The law: at 0 and at 1 the formula is that of the option, under every convention; it is checked each time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from sympy import Expr, Symbol, expand

from symcount.config.config import read
from symcount.core.domain import relation
from symcount.core.ledger import CONVENTIONS
from symcount.core.notation import Entry, Notation
from symcount.core.paths import with_value
from symcount.core.tree import Block
from symcount.errors import OptionError, SymcountError
from symcount.exact.evaluate import integer_value
from symcount.foreign import guarded
from symcount.formulas.binding import Lettered
from symcount.formulas.formula import Formula
from symcount.lookup import formula as formula_of
from symcount.typeset.terms import is_option

__all__ = ["OptionalFormula", "with_options"]

_MOST = 4  # options at once: each doubles the formulas that are compared
_SAID = {"tie_word_embeddings": "tied"}
_DROPPED = re.compile(r"^(?:use|add|with|is|has|enable)_")


@dataclass(frozen=True, repr=False)
class OptionalFormula(Formula):
    """A formula with options inside.

    Attributes:
        made_of: the packages that it was made of, with their versions.
    """

    made_of: tuple[str, ...] = ()

    __hash__ = Formula.__hash__

    def domain_text(self) -> str:
        """The domain in words, with the fields that are kept at one value, and without that an option is 0 or 1."""
        kept = [f"{name} = {value}" for name, value in self.pinned.items()]
        said = [str(c) for c in self.domain if not any(map(is_option, c.symbols))]
        return "valid when " + " and ".join([*said, *kept]) if said or kept else "valid for all positive integers"


@dataclass(frozen=True)
class Bracketed:
    """How a formula with the options *names* inside reads a config: as the formula that the config chooses does."""

    names: tuple[str, ...]

    def bound(self, formula: Lettered, config: Any) -> dict[str, Any]:
        """See `Binding.bound`.

        Raises:
            OptionError: another option is not as the formula holds for.
        """
        described = read(config)
        if not described.fields:
            return dict(formula.defaults)
        fields = {"model_type": formula.model_type, **described.fields, "architectures": [formula.name]}
        found = formula_of(fields)
        given = {**found.options, **found.deciding}
        bound = found.bound(fields)
        known = {e.field: bound[e.letter] for e in found.notation if e.letter in bound}
        known |= {name: int(given[name]) for name in self.names}
        here = {e.letter: known[e.field] for e in formula.notation if e.field in known}
        assert isinstance(formula, OptionalFormula)  # noqa: S101  # only such a formula has this binding
        for convention in CONVENTIONS:
            own, theirs = formula.values(here, convention), found.values(bound, convention)
            if integer_value(formula.total_as(convention), own) != integer_value(found.total_as(convention), theirs):
                other = [n for n, v in formula.options.items() if given.get(n, v) != v]
                raise OptionError(f"{described.source}: the formula holds for other values of {', '.join(other)}")
        return here

    def given(self, formula: Lettered, config: Any, beside: Collection[str]) -> dict[str, Any]:  # noqa: ARG002  # of a config in parts
        """See `Binding.given`."""
        return self.bound(formula, {} if config is None else config)

    def changed(self, formula: Lettered, config: Any, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """See `Binding.changed`: numbers and options become part of the config."""
        fields, rest = dict(read(config).fields), {}
        for name, value in values.items():
            entry = formula.notation[name]
            if "[" in entry.field or "#" in entry.field:
                rest[name] = value
            else:
                fields = with_value(fields, entry.field, bool(value) if entry.option else value)
        return fields, rest

    def real_model(
        self, formula: Lettered, config: Any, changed: Mapping[str, Any], device: str  # noqa: ARG002  # the protocol's
    ) -> tuple[dict[str, Any], Any] | None:  # fmt: skip
        """See `Binding.real_model`."""
        return None


@guarded
def with_options(model: Any, /, *names: str, **options: Any) -> OptionalFormula:
    r"""The formula of a model for both values of its boolean options, each 0 or 1 in an Iverson bracket.

    Args:
        model: as for `symcount.formula`.
        names: the options; by default all at whose other value the formula is known and another one.
        options: others, which have one value; as for `symcount.formula`.

    Raises:
        OptionError: an option that the model does not have, that is no boolean, or that changes more than which
            tensors there are; more than four of them.
        SymcountError: see `symcount.formula`.

    >>> f = with_options("LlamaForCausalLM", "tie_word_embeddings")
    >>> print(f.latex())
    VH + N(2HAD + 2HKD + 3HI + 2H) + H + (1 - [\mathrm{tied}])VH
    >>> sizes = dict(V=32000, H=4096, I=11008, N=32, A=32, K=32, D=128)
    >>> f.count(**sizes, tie_word_embeddings=0), f.count(**sizes, tie_word_embeddings=1)
    (6738415616, 6607343616)
    """
    base = formula_of(model, **options)
    given = {**base.options, **base.deciding}
    for name in names:
        if not isinstance(given.get(name), bool):
            known = ", ".join(n for n, v in given.items() if isinstance(v, bool))
            raise OptionError(f"{base.name} has no option {name!r} that is true or false: it has {known or 'none'}")
    chosen = names or tuple(_known(model, base, options))
    if len(chosen) > _MOST:
        raise OptionError(f"{base.name}: {len(chosen)} options at once; name at most {_MOST}: {', '.join(chosen)}")
    found = _laid(model, chosen, options)
    rest = {n: v for n, v in base.options.items() if n not in chosen}
    return OptionalFormula(
        found.tree,
        found.notation,
        base.name,
        base.model_type,
        rest,
        {**found.defaults, **{n: int(given[n]) for n in chosen}},
        found.filled,
        found.conditions,
        base.origin,
        binding=Bracketed(chosen),
        made_of=base.made_of,
        pinned=base.pinned,
    )


def _known(model: Any, base: Formula, options: Mapping[str, Any]) -> Iterator[str]:
    """The options that can be carried: another formula is known at the other value, and it differs in tensors only."""
    for name, value in base.deciding.items():
        if isinstance(value, bool) and name not in options:
            try:
                other = formula_of(model, **{**options, name: not value})
                if type(other) is type(base) and other.tree != base.tree:
                    _laid(model, (name,), options)
                    yield name
            except SymcountError:
                continue


def _laid(model: Any, names: Sequence[str], chosen: Mapping[str, Any]) -> Formula:
    """The formula with the options *names* inside, at the values of others that are *chosen*."""
    if not names:
        return formula_of(model, **chosen)
    name, *rest = names
    without, having = (_laid(model, rest, {**chosen, name: value}) for value in (False, True))
    return _over(without, having, _entry(name))


def _entry(name: str) -> Entry:
    last = name.rpartition(".")[2]
    words = _SAID.get(last) or r"\,".join(_DROPPED.sub("", last).split("_"))
    return Entry(
        re.sub(r"\W", "_", name), name, rf"[\mathrm{{{words}}}]", f"1 if {name} is true, else 0", 0, option=True
    )


def _over(without: Formula, having: Formula, entry: Entry) -> Formula:
    """Two formulas, at 0 and at 1 of an option, as one."""
    having = _lettered_as(without, having)
    if {str(c) for c in without.domain} != {str(c) for c in having.domain}:
        raise OptionError(f"{having.name}: {entry.field} changes for which sizes the formula holds, and stays outside")
    tree = _merged(without.tree, having.tree, entry.symbol)
    new = [e for e in having.notation if e.letter not in without.notation]
    made = Formula(
        Block("", having.tree.kind, children=tree) if len(tree) > 1 else tree[0],
        Notation((*without.notation, *new, entry)),
        having.name,
        having.model_type,
        having.options,
        {**having.defaults, **without.defaults},
        {**having.filled, **without.filled},
        (*without.conditions, relation(entry.symbol, "<=", 1)),
        having.origin,
    )
    for convention in CONVENTIONS:
        for value, one in ((0, without), (1, having)):
            at = made.total_as(convention).subs(entry.symbol, value)
            if expand(at - one.total_as(convention)) != 0:
                raise OptionError(f"{having.name}: {entry.field} changes what {convention} counts of a shared tensor")
    return made


def _lettered_as(one: Formula, other: Formula) -> Formula:
    """*other* with the letters of *one* for the same fields."""
    known = {e.field: e for e in one.notation}
    change: dict[Expr, Expr] = {}
    entries = []
    for e in other.notation:
        same = known.get(e.field, e)
        if same is e and e.letter in {k.letter for k in one.notation}:
            raise OptionError(f"{other.name}: {e.letter} is {e.field} with the option and another field without")
        entries.append(same)
        if same.symbol != e.symbol:
            change[e.symbol] = same.symbol
    if not change:
        return other

    def changed(e: Expr) -> Expr:
        return e.xreplace(change)

    conditions = tuple(c.mapped(changed) for c in other.conditions)
    return replace(other, tree=other.tree.mapped(changed), notation=Notation(tuple(entries)), conditions=conditions)


def _merged(without: Block, having: Block, option: Symbol) -> tuple[Block, ...]:
    """One block for both, or both, each as often as the option says."""
    if without == having:
        return (without,)
    if _frame(without) != _frame(having):
        return (_times(1 - option, without), _times(option, having))
    shared = tuple(p for p in having.parameters if p in without.parameters)
    children: list[Block] = []
    for factor, block in ((1 - option, without), (option, having)):
        if own := tuple(p for p in block.parameters if p not in shared):
            children.append(Block("", block.kind, own, repeat=factor))
    pairs = _aligned(without.children, having.children)
    for one, other in pairs:
        if one is None or other is None:
            left = other if one is None else one
            assert left is not None  # noqa: S101  # a pair has one of the two
            children.append(_times(option if one is None else 1 - option, left))
        else:
            children += _merged(one, other, option)
    return (replace(having, parameters=shared, children=tuple(children)),)


def _frame(block: Block) -> tuple[Any, ...]:
    return (block.name, block.kind, block.repeat, block.active, block.role, block.same_as, block.index)


def _times(factor: Expr, block: Block) -> Block:
    """*block* under its name, so often; around it is a block that has none."""
    return Block("", block.kind, children=(block,), repeat=factor)


def _aligned(without: Collection[Block], having: Collection[Block]) -> list[tuple[Block | None, Block | None]]:
    """The children of two blocks by name, those of one name in their order."""
    found: dict[str, list[list[Block]]] = defaultdict(lambda: [[], []])
    for side, blocks in enumerate((having, without)):
        for block in blocks:
            found[block.name][side].append(block)
    return [(one, other) for others, ones in found.values() for one, other in zip_longest(ones, others)]
