"""What a style works with: the model, in whose letters, at which sizes, how wide."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from sympy import Add, Expr, Integer, Symbol
from sympy.core.function import AppliedUndef

from symcount.core.coining import subscripted
from symcount.core.domain import Condition
from symcount.core.ledger import Convention, Ledger, Row
from symcount.core.notation import Entry, Notation, escape
from symcount.core.towers import towers
from symcount.core.tree import Block
from symcount.exact.evaluate import Number, integer_value
from symcount.typeset.arrangement import arrange
from symcount.typeset.families import Family
from symcount.typeset.folding import Folding, fold, lists_of
from symcount.typeset.latex import set_symbols, terms_of
from symcount.typeset.naming import ARGUMENT
from symcount.typeset.numbers import digits
from symcount.typeset.outline import Section, outline
from symcount.typeset.terms import Group, Series, Sum, is_option, shared_by_kinds
from symcount.typeset.wherelist import with_names

__all__ = ["Setting"]


_LETTERS = ("D", "n", "m", "u", "v", "a", "b", "d", "w")  # for what occurs more than once
_FUNCTIONS = (r"\rho", r"\varphi", r"\psi")
_TERM = 4  # signs that a term is worth
_UNSEEN = re.compile(r"\\(?:mathrm|left|right|quad)|[{}\s]|\\,")
_COMMAND = re.compile(r"\\[A-Za-z]+")


@dataclass(frozen=True)
class Setting:
    """Everything a style needs to know.

    Attributes:
        name: the model's class.
        model_type: its family.
        tree, ledger, convention: what is counted.
        notation: its symbols, as they are to be typeset.
        domain: the conditions under which the formula holds.
        pinned: config fields of which it holds at one value only.
        options: config options at whose other value the formula is another one.
        made: the packages that it was made of, with their versions.
        sizes: gives the exact sizes by letter; called only by what shows numbers.
        numbers: the style of numbers.
        width: of a line in em.
        equation: whether a formula is shown with its left-hand side, `P = …`.
        lhs: LaTeX of that side, instead of `P`.
        label: of the equation.
        prefix: what the names of macros begin with.
        unit: what is counted, in words.
        sign: the letter of totals.
        folded: what is folded into sums; by default what makes the formula shorter.
    """

    name: str
    model_type: str
    tree: Block
    ledger: Ledger
    convention: Convention
    notation: Notation
    domain: tuple[Condition, ...]
    sizes: Callable[[], Mapping[str, Number]]
    pinned: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    made: tuple[str, ...] = ()
    numbers: str = "comma"
    width: float | None = None
    equation: bool = False
    lhs: str | None = None
    label: str | None = None
    prefix: str | None = None
    unit: str = "parameters"
    sign: str = "P"
    folded: Folding | None = None

    @cached_property
    def values(self) -> Mapping[str, Number]:
        """The sizes by letter."""
        return self.sizes()

    @cached_property
    def total(self) -> Expr:
        """The closed form."""
        return self.ledger.total(self.convention)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The model's outline."""
        return outline(self.tree, self.ledger, self.convention, self.folding)

    @cached_property
    def folding(self) -> Folding:
        """What repeats with another size, where a sum is shorter, or shows numbers that would be multiplied out."""
        rows = [(row, self.ledger.counted(row, self.convention)) for row in self.ledger]
        free = [letter for letter in _FUNCTIONS if all(e.latex != letter for e in self.notation)]
        found = fold(rows, lists_of(self.notation, self.pinned), free)
        if not found.families and not found.named:
            return Folding()
        named = Folding(shapes=found.shapes, originals=found.originals, named=found.named)
        if any(place.kind == "number" for place in found.lists.places.values()):
            return found
        return min((found, named, Folding()), key=lambda f: replace(self, folded=f).length)

    @cached_property
    def length(self) -> int:
        """How long the formula is to read, with what is said below it: its signs, and some more for each term."""
        shown = terms_of(self.arranged, self.letters)
        terms = sum(len(t.body) or 1 for t in shown)
        signs = _UNSEEN.sub("", "".join([t.text for t in shown] + [*self.definitions, *self.names]))
        return len(_COMMAND.sub("#", signs)) + _TERM * terms

    @cached_property
    def arranged(self) -> Sum:
        """The total in the order of the model: what repeats with another size is a sum, a tower stands for itself."""
        return Sum([Group(Integer(1), part) for _, part in self.parts]) if len(self.parts) > 1 else self.parts[0][1]

    @cached_property
    def parts(self) -> tuple[tuple[str, Sum], ...]:
        """The total of each sub-config, by its name, and what belongs to none or several (`""`)."""
        return self._named[0]

    @cached_property
    def _named(self) -> tuple[tuple[tuple[str, Sum], ...], Mapping[Symbol, tuple[str, Expr]]]:
        """The parts with names for roundings that occur more than once, and these names."""
        parts = self._unnamed
        free = [x for x in _LETTERS if all(not e.latex.startswith(x) for e in self._signs) and x != self.index]
        sums, names = with_names([part for _, part in parts], {e.symbol for e in self.notation}, free, self._signs)
        return tuple((name, made) for (name, _), made in zip(parts, sums, strict=True)), names

    @property
    def _unnamed(self) -> tuple[tuple[str, Sum], ...]:
        fields = {e.symbol: e.field.rpartition(".")[0] for e in self.notation}
        found: dict[str, set[int]] = {}
        for row in self.ledger:
            if self.ledger.counted(row, self.convention) != 0:
                of = {fields.get(s, "") for s in row.total.free_symbols if isinstance(s, Symbol)} - {""}
                found.setdefault(of.pop() if len(of) == 1 else "", set()).add(id(row))
        if len(found) < 2:
            return (("", self._part(None)),)
        ordered = sorted(found.items(), key=lambda item: item[0] == "")
        return tuple((name, self._part(rows)) for name, rows in ordered)

    def _part(self, rows: set[int] | None) -> Sum:
        """The total of *rows*, by identity, or of all."""
        used = self.folding if self.folded is None else self.folded
        sums: dict[tuple[int, int], list[Family]] = {}
        for family in used.families:
            if rows is None or id(family.rows[0]) in rows:
                sums.setdefault((family.start, len(family.rows)), []).append(family)
        begins = {id(f[0].rows[0]): used.series(f) for f in sums.values()}

        def folded(row: Row) -> list[Series] | None:
            if id(row) in used.by_row:
                return begins.get(id(row), [])
            return None if rows is None or id(row) in rows else []

        found = arrange(self.tree, self.ledger, self.convention, folded, used.single)
        return shared_by_kinds(found, {symbol: kinds for symbol, (_, kinds) in self.kinds.items()})

    @cached_property
    def kinds(self) -> Mapping[Symbol, tuple[str, tuple[Symbol, ...]]]:
        """For each list of kinds of layers: a symbol for the number of all, its LaTeX, the numbers of each kind."""
        lists: dict[str, list[Entry]] = {}
        for e in self.notation:
            name, mark, kind = e.field.partition("#")
            if mark and kind != "names" and e.symbol in self.total.free_symbols:
                lists.setdefault(name, []).append(e)
        marks = towers(e.field for e in self.notation)
        found = {}
        for name, entries in lists.items():
            latex = subscripted("N", [marks[entries[0].field.rpartition(".")[0]]])
            if len(entries) > 1 and all(e.latex != latex for e in self.notation):
                made = Symbol(f"N__{name.replace('.', '_')}", integer=True, positive=True)
                found[made] = latex, tuple(e.symbol for e in entries)
        return found

    @property
    def meanings(self) -> dict[Expr, Expr]:
        """What the symbols and names in the formula that are no sizes of the model mean."""
        used = self.folding if self.folded is None else self.folded
        sums = {s: Add(*kinds) for s, (_, kinds) in self.kinds.items()}
        return {**used.meanings, **sums, **{s: meaning for s, (_, meaning) in self._named[1].items()}}

    def value(self, arranged: Sum) -> Expr:
        """What a sum of the formula is, in the model's symbols."""
        return self.plain(arranged.value())

    def plain(self, expression: Expr) -> Expr:
        """*expression* with what its names mean."""
        found = expression.xreplace(self.meanings)
        names = dict((self.folding if self.folded is None else self.folded).named)
        while names and (left := found.atoms(AppliedUndef)):  # at an index it may have arguments of its own
            found = found.xreplace({e: names[e.func].xreplace({ARGUMENT: e.args[0]}) for e in left if e.func in names})
        return found

    @cached_property
    def letters(self) -> Notation:
        """The symbols of the formula, those of its sums, and what has a name."""
        return Notation((*self._signs, *(Entry(s.name, s.name, x, "") for s, (x, _) in self._named[1].items())))

    @cached_property
    def _signs(self) -> Notation:
        used = self.folding if self.folded is None else self.folded
        kinds = (Entry(s.name, s.name, latex, "") for s, (latex, _) in self.kinds.items())
        return Notation((*used.symbols(self.notation, self.index), *kinds))

    @cached_property
    def definitions(self) -> tuple[str, ...]:
        """What is said below the formula."""
        used = self.folding if self.folded is None else self.folded
        return used.definitions(self.notation, self.index)

    @cached_property
    def names(self) -> tuple[str, ...]:
        r"""What is said below the formula in the order of the model besides: `n = \lfloor N/4 \rfloor`."""
        shown = set().union(*(part.value().free_symbols for _, part in self.parts)) if self.kinds else set()
        sums = (
            f"{latex} = {' + '.join(self.notation[k].latex for k in kinds)}"
            for s, (latex, kinds) in self.kinds.items()
            if s in shown
        )
        return (*sums, *(f"{latex} = {self.latex(meaning)}" for latex, meaning in self._named[1].values()))

    @property
    def index(self) -> str:
        """The letter of an index: one that no size has."""
        return next(x for x in "ijmnl" if all(e.latex != x for e in self.notation))

    @cached_property
    def used(self) -> Notation:
        """The symbols of the total and of the conditions on it."""
        symbols = set(self.total.free_symbols).union(*(c.symbols for c in self.domain))
        return self.notation.restrict(symbols)

    @cached_property
    def in_numbers(self) -> Notation:
        """The same symbols, each typeset as its size."""
        used = self.folding if self.folded is None else self.folded
        levels = ((s.name, self.at(value)) for s, value in used.levels.items() if value.free_symbols <= self.sized)
        known = {**self.values, **dict(levels)}
        return Notation(
            tuple(
                replace(e, latex=digits(known[e.letter], self.numbers)) if e.letter in known else e
                for e in self.letters
            )
        )

    @property
    def sized(self) -> set[Symbol]:
        """The symbols that have a size."""
        return {e.symbol for e in self.notation if e.letter in self.values}

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """The domain in LaTeX, a condition an item."""
        fields = ((escape(name), escape(str(value))) for name, value in self.pinned.items())
        pinned = (rf"\mathrm{{{name}}} = \text{{{value}}}" for name, value in fields)
        sizes = (c for c in self.domain if not any(map(is_option, c.symbols)))  # that an option is 0 or 1 is known
        return (*(c.latex(self.latex) for c in sizes), *pinned)

    @property
    def symbol(self) -> str:
        r"""The sign of the total: `P`, or `\mathcal{P}` where P is a size of the model; `P_{\mathrm{active}}`."""
        return rf"{self.letter}_{{\mathrm{{active}}}}" if self.convention == "active" else self.letter

    @property
    def letter(self) -> str:
        """The letter of totals."""
        taken = any(e.latex == self.sign or e.latex.startswith(f"{self.sign}_") for e in self.used)
        return rf"\mathcal{{{self.sign}}}" if taken else self.sign

    @property
    def left(self) -> str:
        """The left-hand side of the whole."""
        return self.lhs or self.symbol

    def at(self, expression: Expr) -> int:
        """The exact number that *expression* is at the sizes."""
        return integer_value(self.plain(expression), self.values)

    def count(self, number: Number) -> str:
        """A number in LaTeX."""
        return digits(number, self.numbers)

    def latex(self, expression: Expr) -> str:
        """An expression in LaTeX."""
        return set_symbols(expression, self.notation)
