"""Formulas of a forward pass: in the letters B and S of its input beside the model's own, for all that formulas do."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, Unpack

from sympy import Expr, Integer, Symbol

from symcount.config.config import read
from symcount.core.domain import Condition, relation
from symcount.core.letters import assign
from symcount.core.notation import POSITIONS, Entry, Notation, canonical
from symcount.core.tree import Block
from symcount.core.values import by_letter
from symcount.derivation.formula import DerivedFormula
from symcount.errors import DomainError
from symcount.formulas.formula import Formula
from symcount.forward.inputs import BATCH, CHOICES, LENGTH, SIDE, SIZES, SOURCE
from symcount.typeset.look import Look
from symcount.typeset.setting import Setting

__all__ = ["ForwardFormula", "lettered"]

_TOKENS = 1024  # of a text of a model that has any number of positions

#: Letters of the sizes of the input.
_INPUT = {
    BATCH: Entry("B", BATCH, "B", "sequences in a batch"),
    LENGTH: Entry("S", LENGTH, "S", "tokens of a sequence"),
    CHOICES: Entry("C", CHOICES, "C", "choices of a question"),
    SIDE: Entry("R", SIDE, "R", "height and width of an image"),
    SOURCE: Entry("S_src", SOURCE, r"S_{\mathrm{src}}", "tokens of the encoder's input"),
}


@dataclass(frozen=True, repr=False)
class ForwardFormula(Formula):
    """The closed form of what a forward pass holds or does.

    Attributes:
        derived: the same as it was derived, with the names that the certificate compares.
        sizes: config fields of the sizes of the input -> their letters.
        numbers: of these sizes those that are given as numbers.
    """

    derived: DerivedFormula | None = field(default=None, repr=False, compare=False)
    sizes: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)

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
                setattr(given, name, self.whole.pinned.get(name, value))
        else:
            fields = read(config).fields
            sizes = {n: self.whole.pinned.get(n, SIZES[n]) for n in self.sizes}
            given = {**fields, **sizes, **self._decoding(fields)} if fields else fields
        values = self.whole.bound(given)
        by_field = {e.field: values[e.letter] for e in self.whole.notation if e.letter in values}
        return {e.letter: by_field[e.field] for e in self.notation if e.field in by_field and e.field not in SIZES}

    def setting(self, **look: Unpack[Look]) -> Setting:
        """What a printer needs to know; sizes of the input that are not given are those of `usual`."""
        asked = look.get("values")
        look["values"] = {**self.usual, **by_letter(self.notation, asked or {})}
        return super().setting(**look)

    @property
    def usual(self) -> dict[str, int]:
        """The sizes of the input at which numbers are shown: one sequence, as long as there are positions."""
        places = [e for e in self.notation if canonical(e.field.rpartition(".")[2]) in POSITIONS]
        tokens = min((self.defaults[e.letter] for e in places if e.letter in self.defaults), default=_TOKENS)
        sizes = {BATCH: 1, LENGTH: tokens, SOURCE: tokens, SIDE: SIZES[SIDE], CHOICES: SIZES[CHOICES]}
        return {
            letter: self.pinned.get(name, sizes[name]) for name, letter in self.sizes.items() if letter in self.notation
        }

    def _decoding(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        asked = self.whole.source.kwargs if self.whole.source is not None else {}
        return {"is_decoder": True} if asked.get("is_decoder") is True and "is_decoder" not in fields else {}

    def at(self, **sizes: Any) -> Self:
        """The formula at a batch, length or source that is given: a number, or another letter's name.

        Raises:
            DomainError: it is no positive number.
        """
        changed: dict[Symbol, Expr] = {}
        notation, letters, numbers = list(self.notation), dict(self.sizes), dict(self.numbers)
        for name, given in sizes.items():
            letter = self.sizes.get(name)
            if letter is None or given is None or given == letter or numbers.get(name) == given:
                continue
            if name in numbers:
                raise DomainError(f"{name}: the formula is that of {numbers[name]:,} already, got {given!r}")
            item = self.notation[letter]
            if isinstance(given, str):
                other = replace(item, letter=given, latex=given if len(given) == 1 else rf"\mathrm{{{given}}}")
                changed[item.symbol] = other.symbol
                notation[notation.index(item)] = other
                letters[name] = given
            elif isinstance(given, int) and not isinstance(given, bool) and given > 0:
                if self.pinned.get(name, given) != given:
                    raise DomainError(f"{name}: the formula holds for {self.pinned[name]} only, got {given}; "
                                      f"derive it at that size: {name}={given}")  # fmt: skip
                changed[item.symbol] = Integer(given)
                numbers[name] = given
                notation.remove(item)
            else:
                raise DomainError(f"{name}: expected a positive number or a letter, got {given!r}")
        made: Self = _exchanged(self, changed, Notation(tuple(notation)), sizes=letters, numbers=numbers)
        for condition in made.domain:
            if not condition.symbols and not condition.holds({}):
                raise DomainError(f"outside the formula's domain: {condition} is required")
        return made


def _exchanged(formula: Any, changed: Mapping[Symbol, Expr], notation: Notation, **fields: Any) -> Any:
    if not changed:
        return formula

    def change(size: Expr) -> Expr:
        return size.xreplace(dict(changed))

    conditions = tuple(c.mapped(change) for c in formula.conditions)
    defaults = {letter: value for letter, value in formula.defaults.items() if letter in notation}
    trees = {n: tree.mapped(change) for n in ("tree", "noted") if (tree := getattr(formula, n, None)) is not None}
    return replace(formula, **trees, notation=notation, conditions=conditions, defaults=defaults, **fields)


def lettered(kind: type[Any], derived: DerivedFormula, tree: Block) -> Any:
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
    stated = {*derived.base, *derived.pinned}
    for name in (n for n in _INPUT if n in stated and n not in sizes):  # it may be given: it does not matter,
        if _INPUT[name].letter not in {e.letter for e in entries}:
            entries.append(_INPUT[name])
            sizes[name] = _INPUT[name].letter
    kept = [relation(_INPUT[n].symbol, "==", derived.pinned[n]) for n in sizes if n in derived.pinned]  # or it stays
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
            *(c.mapped(change) for c in derived.conditions),
            *(c for _, c in limits),
            *kept,
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
        if kind not in POSITIONS or name not in reads or name.startswith(("vision", "audio", "image")):
            continue
        if LENGTH not in sizes or derived.base[name] < SIZES[LENGTH]:
            continue
        known = [e for e in entries if e.field == name]
        item = known[0] if known else next(iter(assign([name])))
        if not known and item.letter in {e.letter for e in (*entries, *(e for e, _ in found))}:
            item = replace(item, letter=_identifier(name))
        found.append((item, relation(_INPUT[LENGTH].symbol, "<=", item.symbol)))
    return found


def _identifier(path: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in path)
