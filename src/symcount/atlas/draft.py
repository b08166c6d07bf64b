"""A stored formula in letters, before its tree is read: what it holds for, and what follows from what."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

from sympy import Expr, Rational

from symcount.atlas.codec import to_sympy
from symcount.atlas.codes import identifiers
from symcount.atlas.compiled import compiled
from symcount.atlas.record import Entry, Layout, Number, StoredFormula
from symcount.atlas.schema import Reading
from symcount.core.domain import Condition, minimal, relation
from symcount.core.letters import assign, lettered
from symcount.core.notation import Entry as Letter
from symcount.core.notation import Notation
from symcount.exact.arithmetic import HOLDS

__all__ = ["Draft"]


class Draft:
    """A stored formula in letters, before its tree is read: fields that are *known* keep theirs."""

    def __init__(
        self, entry: Entry, layout: Layout, reading: Reading, stored: StoredFormula, known: Mapping[str, str]
    ) -> None:
        self.entry, self.layout, self.reading, self.stored = entry, layout, reading, stored
        taken = set(known.values())
        letters = {own: known.get(path) or (f"{own}_" if own in taken else own) for own, path, *_ in stored.letters}
        notation = Notation(tuple(Letter(letters[own], *rest) for own, *rest in stored.letters))
        self.symbols = {own: notation[letters[own]].symbol for own in letters}
        texts = {e.field: reading.filled.get(e.field) or _rule(layout.numbers[e.field]) for e in notation}
        self.notation = lettered(_with_sources(notation, layout, texts.values()))
        self.paths = {n.name: path for path, n in layout.numbers.items()}
        self.names: dict[str, Expr] = {}
        for e in self.notation:
            self.names[layout.numbers[e.field].name] = e.symbol
        self.filled = {
            e.letter: self._expression(texts[e.field]) for e in self.notation if identifiers(texts.get(e.field, ""))
        }

    @property
    def defaults(self) -> dict[str, Any]:
        """What the config gives, or has by default: nothing that follows from others."""
        following = self.filled.keys() & {e.letter for e in self.notation if e.field in self.reading.filled}
        return {e.letter: self.reading.values[e.field] for e in self.notation if e.letter not in following}

    @cached_property
    def domain(self) -> tuple[Condition, ...]:
        """The conditions of the formula itself."""
        return tuple(
            relation(to_sympy(left, self.symbols), how, to_sympy(right, self.symbols))
            for how, left, right in self.stored.domain
        )

    @cached_property
    def asked(self) -> tuple[Condition, ...]:
        """What else the model's code asked, of all numbers of the config."""
        return minimal(
            relation(self._expression(left), how, self._expression(right)) for how, left, right in self.stored.asked
        )

    def _expression(self, text: str) -> Expr:
        """A text in the names of the layout's numbers, in letters: other numbers are what the config makes of them."""
        for name in identifiers(text):
            if name not in self.names:
                path = self.paths[name]
                rule = self.reading.filled.get(path, "")
                value = _number(self.reading.values[path])
                self.names[name] = self._expression(rule) if identifiers(rule) else value
        return to_sympy(text, self.names)

    def possible(self, beside: Collection[str]) -> bool:
        """Whether no condition fails at the numbers of the config that will not be others; it takes no SymPy."""
        fixed = {n: v for n, v in self.defaults.items() if n not in beside}
        own = {name: fixed[s.name] for name, s in self.symbols.items() if s.name in fixed}
        moved = {e.field for e in self.notation if e.letter not in fixed} | self.reading.filled.keys()
        named = {n: self.reading.values[path] for n, path in self.paths.items() if path not in moved}
        return all(
            _holds(condition, values)
            for conditions, values in ((self.stored.domain, own), (self.stored.asked, named))
            for condition in conditions
        )


def _holds(condition: list[str], values: Mapping[str, Any]) -> bool:
    """Whether a stored condition holds, as far as all that it speaks of is known."""
    how, left, right = condition
    names, sides = _sides(left, right)
    if not names or not values.keys() >= set(names):
        return True
    try:
        return HOLDS[how](*sides(*(values[n] for n in names)))
    except ZeroDivisionError:
        return False


@lru_cache(maxsize=4096)
def _sides(left: str, right: str) -> tuple[Sequence[str], Callable[..., tuple[Any, ...]]]:
    """The names in the two sides of a condition, and the function of these that gives both values."""
    names = sorted(identifiers(left) | identifiers(right))
    return names, compiled([left, right], names)


def _number(value: Any) -> Rational:
    exact = Fraction(value)
    return Rational(exact.numerator, exact.denominator)


def _rule(number: Number) -> str:
    """Text of a number that has no default of its own, where it is left out."""
    return number.rule if number.given is None else ""


def _with_sources(notation: Notation, layout: Layout, texts: Iterable[str]) -> Notation:
    """*notation*, and the numbers from which the config fills others in and that the formula itself does not have."""
    entries, fields = list(notation), {e.field for e in notation}
    taken = {e.letter for e in notation}
    needed = set().union(*map(identifiers, texts))
    for path, number in layout.numbers.items():
        if number.name in needed and path not in fields:
            (entry,) = assign([path])
            letter = next(n for n in (entry.letter, number.name, f"{number.name}_") if n not in taken)
            entries.append(replace(entry, letter=letter, rational=number.ratio, minimum=number.minimum or 0))
            taken.add(letter)
            needed |= identifiers(number.rule if number.given is None else "")
    return Notation(tuple(entries))
