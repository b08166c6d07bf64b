"""What a style works with: the model, in whose letters, at which sizes, how wide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypedDict

from sympy import Expr

from symcount.domain import Condition
from symcount.errors import NotationError, near
from symcount.evaluate import Number, integer_value
from symcount.ledger import Convention, Ledger, Row
from symcount.notation import Notation, escape
from symcount.tree import Block
from symcount.typeset.folding import Family, Folding, fold, lists_of
from symcount.typeset.latex import joined, set_symbols, terms_of
from symcount.typeset.numbers import digits
from symcount.typeset.outline import Section, outline
from symcount.typeset.terms import Series, Sum, arrange

__all__ = ["Look", "Setting", "check_look"]


class Look(TypedDict, total=False):
    r"""How a formula is to look; every part has a default.

    Attributes:
        convention: what counts (`unique`).
        notation: a preset of letters (`default`): see `symcount.typeset.presets`.
        symbols: LaTeX for single symbols, by letter or config field, e.g. `{"H": r"d_{\mathrm{model}}"}`.
        numbers: `comma`, `thin`, `siunitx` or `none`; see `symcount.typeset.numbers`.
        values: sizes by letter or config field; those left out have the model's defaults.
        width: a TeX length (`3.3in`), at which long formulas are broken; `None` breaks nothing.
    """

    convention: str
    notation: str | None
    symbols: Mapping[str, str] | None
    numbers: str
    values: Mapping[str, Any] | None
    width: str | None


def check_look(look: Mapping[str, object]) -> None:
    """Refuse a part of a look that there is not.

    Raises:
        NotationError: the message lists those that there are.
    """
    known = list(Look.__annotations__)
    for name in look:
        if name not in known:
            raise NotationError(f"{name}: expected one of {', '.join(known)}.{near(name, known)}")


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
        options: config options for which it holds.
        sizes: gives the exact sizes by letter; called only by what shows numbers.
        numbers: the style of numbers.
        width: of a line in em.
        equation: whether a formula is shown with its left-hand side, `P = …`.
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
    numbers: str = "comma"
    width: float | None = None
    equation: bool = False
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
        return outline(self.tree, self.ledger, self.convention)

    @cached_property
    def folding(self) -> Folding:
        """What repeats with another size, where a sum of it is shorter, or shows numbers that would be multiplied out."""
        rows = [(row, self.ledger.counted(row, self.convention)) for row in self.ledger]
        found = fold(rows, lists_of(self.notation, self.pinned))
        if not found.families:
            return found
        shown = any(place.kind == "number" for place in found.lists.places.values())
        folded = replace(self, folded=found)
        plain = replace(self, folded=Folding())
        return found if shown or folded.length < plain.length else Folding()

    @cached_property
    def length(self) -> int:
        """How long the formula is, with what is said below it."""
        shown = joined([t.text for t in terms_of(self.arranged, self.letters)])
        return len(shown) + sum(map(len, self.definitions))

    @cached_property
    def arranged(self) -> Sum:
        """The total in the order of the model; what repeats with another size is a sum."""
        used = self.folding if self.folded is None else self.folded
        sums: dict[tuple[int, int], list[Family]] = {}
        for family in used.families:
            sums.setdefault((family.start, len(family.rows)), []).append(family)
        begins = {id(f[0].rows[0]): used.series(f) for f in sums.values()}

        def folded(row: Row) -> list[Series] | None:
            return begins.get(id(row), []) if id(row) in used.by_row else None

        return arrange(self.tree, self.ledger, self.convention, folded, used.single)

    def value(self, arranged: Sum) -> Expr:
        """What a sum of the formula is, in its own symbols."""
        used = self.folding if self.folded is None else self.folded
        return arranged.value().xreplace(dict(used.levels))

    @cached_property
    def letters(self) -> Notation:
        """The symbols of the formula, and those of its sums."""
        used = self.folding if self.folded is None else self.folded
        return used.symbols(self.notation, self.index)

    @cached_property
    def definitions(self) -> tuple[str, ...]:
        """What is said below the formula."""
        used = self.folding if self.folded is None else self.folded
        return used.definitions(self.notation, self.index)

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
        return Notation(
            tuple(
                replace(e, latex=digits(self.values[e.letter], self.numbers)) if e.letter in self.values else e
                for e in self.notation
            )
        )

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """The domain in LaTeX, a condition an item."""
        fields = ((escape(name), escape(str(value))) for name, value in self.pinned.items())
        pinned = (rf"\mathrm{{{name}}} = \text{{{value}}}" for name, value in fields)
        return (*(c.latex(self.latex) for c in self.domain), *pinned)

    @property
    def symbol(self) -> str:
        r"""The sign of the total: `P`, or `\mathcal{P}` where P is a size of the model."""
        return r"\mathcal{P}" if any(e.latex == "P" for e in self.used) else "P"

    def at(self, expression: Expr) -> int:
        """The exact number that *expression* is at the sizes."""
        return integer_value(expression, self.values)

    def count(self, number: Number) -> str:
        """A number in LaTeX."""
        return digits(number, self.numbers)

    def latex(self, expression: Expr) -> str:
        """An expression in LaTeX."""
        return set_symbols(expression, self.notation)
