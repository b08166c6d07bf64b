"""A stored formula, compiled: whether it holds for the numbers of a config, and its totals in every convention."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

from symcount.atlas.codes import identifiers
from symcount.atlas.compiled import compiled
from symcount.atlas.record import Layout, StoredFormula
from symcount.errors import DomainError, UncoveredError
from symcount.exact.arithmetic import HOLDS, WORDS
from symcount.exact.arithmetic import Number as Value

__all__ = ["CONVENTIONS", "Variant"]

CONVENTIONS = ("unique", "per_layer", "non_embedding", "active", "trainable")
Numbers = Callable[[Mapping[str, Value]], tuple[Value, ...]]


def _numbers(paths: Sequence[str]) -> Numbers:
    """From the values by path to those at *paths*."""
    if len(paths) > 1:
        return itemgetter(*paths)
    return lambda values: tuple(values[path] for path in paths)


class Variant:
    """A stored formula, compiled."""

    def __init__(self, layout: Layout, formula: StoredFormula) -> None:
        self.formula = formula
        self.letters = [str(letter[0]) for letter in formula.letters]
        self.paths = [str(letter[1]) for letter in formula.letters]
        counted = identifiers(formula.totals["unique"])
        self.ratios = [str(letter[1]) for letter in formula.letters if letter[6] and letter[0] in counted]
        made = [path for path in self.paths if path in layout.numbers and layout.numbers[path].rule]
        self.sizes = [path for path in made if self.letters[self.paths.index(path)] in counted]
        asked = {n for _, left, right in formula.asked for text in (left, right) for n in identifiers(text)}
        self.names = [n.name for n in layout.numbers.values() if n.name in asked]
        self.asked_paths = [path for path, n in layout.numbers.items() if n.name in asked]

    @cached_property
    def domain(self) -> Callable[..., tuple[Any, ...]]:
        """Both sides of each condition in the letters."""
        return compiled([t for _, left, right in self.formula.domain for t in (left, right)], self.letters)

    @cached_property
    def asked(self) -> Callable[..., tuple[Any, ...]]:
        """Both sides of each condition in the names."""
        return compiled([t for _, left, right in self.formula.asked for t in (left, right)], self.names)

    @cached_property
    def totals(self) -> Callable[..., tuple[Any, ...]]:
        """The different totals; of most formulas only the conditions are ever asked."""
        return compiled(list(self._texts), self.letters)

    @cached_property
    def _numbers(self) -> Numbers:
        return _numbers(self.paths)

    @cached_property
    def _texts(self) -> dict[str, int]:
        """The different totals, each with its place: those of most conventions are the same."""
        found = self.formula.totals
        return {text: i for i, text in enumerate(dict.fromkeys(found.get(c, found["unique"]) for c in CONVENTIONS))}

    @cached_property
    def _places(self) -> list[int]:
        """For each convention the place of its total."""
        found = self.formula.totals
        return [self._texts[found.get(c, found["unique"])] for c in CONVENTIONS]

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether every condition holds, without a word about which one does not."""
        try:
            for path in self.ratios:
                if values[path] <= 0:
                    return False
            for path in self.sizes:
                if values[path] < 0:
                    return False
            for relations, function, numbers in self._conditions:
                sides = iter(function(*numbers(values)))
                for holds in relations:
                    if not holds(next(sides), next(sides)):
                        return False
        except (ZeroDivisionError, DomainError, OverflowError):  # floating point has a largest number
            return False
        return True

    @cached_property
    def _conditions(self) -> list[tuple[list[Callable[[Value, Value], bool]], Callable[..., Any], Numbers]]:
        found = []
        if self.formula.domain:
            found.append(([HOLDS[c[0]] for c in self.formula.domain], self.domain, _numbers(self.paths)))
        if self.formula.asked:
            found.append(([HOLDS[c[0]] for c in self.formula.asked], self.asked, _numbers(self.asked_paths)))
        return found

    def check(self, values: Mapping[str, Value]) -> None:
        """Raise unless every condition holds."""
        for path in self.ratios:
            if values[path] <= 0:  # the conditions were simplified in the knowledge that it is positive
                raise UncoveredError(f"outside the formula's domain: {path} = 0; give a positive number")
        for path in self.sizes:
            if values[path] < 0:  # so often is nothing repeated
                raise UncoveredError(f"outside the formula's domain: {path} = {values[path]}; give 0 or more")
        for conditions, function, names, paths in (
            (self.formula.domain, self.domain, self.letters, self.paths),
            (self.formula.asked, self.asked, self.names, self.asked_paths),
        ):
            if not conditions:
                continue
            try:
                sides = function(*[values[path] for path in paths])
            except (ZeroDivisionError, DomainError):
                raise UncoveredError("outside the formula's domain: a division by zero") from None
            except OverflowError:
                raise UncoveredError("outside the formula's domain: numbers beyond those of floating point") from None
            for i, (relation, left, right) in enumerate(conditions):
                if not HOLDS[relation](sides[2 * i], sides[2 * i + 1]):
                    from symcount.atlas.codec import readable

                    said = f"{readable(left)} {WORDS[relation]} {readable(right)}"
                    used = [
                        (n, p) for n, p in zip(names, paths, strict=True) if n in identifiers(left) | identifiers(right)
                    ]
                    at = ", ".join(f"{n if n == p else f'{n} ({p})'} = {values[p]}" for n, p in used)
                    raise UncoveredError(f"outside the formula's domain: {said} is required, but {at}")

    def count(self, values: Mapping[str, Value]) -> dict[str, int]:
        """The totals by convention; whether the conditions hold is the business of `check`."""
        try:
            numbers = self.totals(*self._numbers(values))
        except (ZeroDivisionError, DomainError):
            raise UncoveredError("outside the formula's domain: a division by zero") from None
        except OverflowError:
            raise UncoveredError("outside the formula's domain: numbers beyond those of floating point") from None
        for number in numbers:
            if not isinstance(number, int):
                raise UncoveredError(f"outside the formula's domain: the total would be {number}")
        return dict(zip(CONVENTIONS, (numbers[place] for place in self._places), strict=True))
