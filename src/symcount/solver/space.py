"""What is searched: a formula, its free symbols with their ranges, rules for the others, and conditions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from operator import or_
from typing import Any

from sympy import Expr

from symcount.core.domain import Condition, minimal
from symcount.errors import DomainError, ExpressionError
from symcount.exact.evaluate import Number, compile_scalar
from symcount.expressions.conditions import Stated, read_conditions
from symcount.formulas.formula import Formula
from symcount.solver.algebra import Algebra, Quotient
from symcount.solver.atoms import Atom
from symcount.solver.cases import Case, disjoint
from symcount.solver.constraints import Check, Constraints, Inequality
from symcount.solver.ranges import Range
from symcount.solver.rowwise import holds
from symcount.solver.rules import Rules
from symcount.solver.totals import totals_of

__all__ = ["Space", "Where"]

Where = str | Callable[[Mapping[str, Any]], Any]
"""A condition as it is given: text, or a function of a config's values by letter."""


@dataclass
class Space:
    """The configs among which a budget is sought.

    Attributes:
        formula: what counts.
        ranges: the free symbols, by letter.
        rules: the values of the others: numbers, or functions of the free symbols.
        stated: conditions beyond the formula's domain.
        called: conditions that are functions of the values.
        earlier: the formulas that come before this one, with the values of their other symbols: a point that lies in
            one of their domains is theirs.
        beside: fields of the config that the search was given.
        lists: lists of kinds of layers, by field, as patterns that repeat.
        depth: the letter of the number of layers of these lists.
    """

    formula: Formula
    ranges: Mapping[str, Range]
    rules: Rules
    stated: tuple[Stated, ...] = ()
    called: tuple[Callable[[Mapping[str, Any]], Any], ...] = ()
    earlier: tuple[Case, ...] = ()
    beside: Mapping[str, Any] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    depth: str = ""
    algebra: Algebra = field(init=False)
    _constraints: Constraints = field(init=False)

    def __post_init__(self) -> None:
        self.algebra = Algebra(self.rules, self.ranges)
        self._constraints = Constraints.of(self.algebra, (*self.rules.conditions(), *self.stated))

    @classmethod
    def of(
        cls,
        formula: Formula,
        ranges: Mapping[str, Range],
        given: Mapping[str, Number | Expr],
        defaults: Mapping[str, Number],
        where: Iterable[Where] = (),
        conventions: Iterable[str] = ("unique",),
        also: Iterable[Expr] = (),
        demanded: Iterable[Stated] = (),
        earlier: Iterable[Case] = (),
    ) -> Space:
        """Put a space together.

        Args:
            formula: what counts.
            ranges: the free symbols, by letter.
            given: values and rules of other symbols, by letter.
            defaults: values of symbols for which nothing else is said.
            where: conditions, see `symcount.expressions.conditions`, and functions of the values.
            conventions: those whose totals are asked for.
            also: further expressions that will be asked for.
            demanded: what a model needs to run: it counts where its symbols are asked for, free or given.
            earlier: see the attribute.

        Raises:
            MissingSymbolError: a symbol has no value.
            ExpressionError, UnknownSymbolError: a condition or rule that cannot be read, or that needs itself.
            DomainError: the values alone violate a condition.
        """
        called = tuple(w for w in where if callable(w))
        texts = [w for w in where if not callable(w)]
        stated = tuple(c for text in texts for c in read_conditions(text, formula.notation, totals_of(formula)))
        asked = [formula.total_as(c) for c in conventions]
        asked += [side for s in stated for side in s.sides] + list(also)
        named = {*ranges, *given}
        demands = [s for s in demanded if named & {x.name for x in s.symbols}]
        asked += [side for s in demands for side in s.sides]
        rules = Rules.of(formula, ranges, given, defaults, asked)
        stated += tuple(s for s in demanded if s in demands or rules.has(s))
        apart = tuple(case for case in earlier if not disjoint(case[0].domain, formula.domain))
        return cls(formula, dict(ranges), rules, stated, called, apart)

    def changed(self, ranges: Mapping[str, Range] | None = None, without: Iterable[int] = ()) -> Space:
        """The same space with other ranges, or without some of its stated conditions, by index."""
        left_out = set(without)
        kept = tuple(s for i, s in enumerate(self.stated) if i not in left_out)
        return replace(self, ranges=dict(ranges or self.ranges), stated=kept)

    @property
    def inequalities(self) -> list[Inequality]:
        """Conditions that narrow ranges."""
        return self._constraints.inequalities

    @property
    def tests(self) -> list[Check]:
        """Conditions that are checked in rows."""
        return self._constraints.tests

    @property
    def atoms(self) -> Mapping[str, Atom]:
        """Parts of what was asked for so far that are no polynomials, by name."""
        return self.algebra.atoms

    @property
    def cuts(self) -> tuple[str, ...]:
        """Conditions that the formula and what its model needs to run add: in words, without those that always hold."""
        own = [Stated.of(c) for c in self.formula.domain if not {s.name for s in c.symbols} & self.rules.open]
        own += [s for s in self.stated if s.implied]
        return tuple(dict.fromkeys(s.text for s in own if any(self._may_fail(c) for c in s.conditions)))

    def _may_fail(self, condition: Condition) -> bool:
        applied = self.rules.applied(condition)
        return bool(minimal([applied]) and self.letters_in(condition))

    def letters_in(self, condition: Condition) -> set[str]:
        """The free letters on which *condition* depends."""
        applied = self.rules.applied(condition)
        return self.algebra.names_of(applied.left) | self.algebra.names_of(applied.right)

    def quotient(self, expression: Expr) -> Quotient | None:
        """See `Algebra.quotient`."""
        return self.algebra.quotient(expression)

    def total(self, convention: str) -> Quotient:
        """The total under *convention*."""
        return self.algebra.total(self.formula.total_as(convention))

    # ---------------------------------------------------------------- single points

    def elsewhere(self, columns: Mapping[str, Any]) -> Any:
        """Which rows lie in the domain of an earlier formula; conditions on what has no value are left open."""
        return reduce(or_, (self._in(case, columns) for case in self.earlier), False)

    def _in(self, case: Case, columns: Mapping[str, Any]) -> Any:
        formula, defaults = case
        numbers = {**defaults, **self.rules.fixed}
        known = {*numbers, *self.ranges}
        mask: Any = True
        for condition in formula.domain:
            sides = [self.rules.apply(side) for side in (condition.left, condition.right)]
            for _ in formula.filled:  # one may be filled in from another that is filled in
                sides = [side.xreplace(self._filled(formula, side, known)) for side in sides]
            if all(s.name in known for side in sides for s in side.free_symbols):
                mask = mask & holds(Condition(condition.relation, *sides), columns, numbers, self.ranges)
        return mask

    def _filled(self, formula: Formula, side: Expr, known: Collection[str]) -> dict[Any, Expr]:
        missing = [s for s in side.free_symbols if s.name not in known and s.name in formula.filled]
        return {s: self.rules.apply(formula.filled[s.name]) for s in missing}

    def passes(self, point: Mapping[str, int]) -> bool:
        """Whether a point passes the conditions that are functions.

        Raises:
            ExpressionError: such a function fails.
        """
        values = self.rules.at(point)
        for function in self.called:
            try:
                if not function(values):
                    return False
            except Exception as error:  # it is the caller's code
                name = getattr(function, "__name__", "a function")
                raise ExpressionError(f"where {name}: at {values}: {type(error).__name__}: {error}") from error
        return True

    def lists_at(self, values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        """The lists of kinds at the values of a config."""
        number = int(values[self.depth]) if self.lists else 0
        return {path: tuple(kinds[i % len(kinds)] for i in range(number)) for path, kinds in self.lists.items()}

    def values(self, point: Mapping[str, int]) -> dict[str, Any]:
        """Every known symbol's value at a point of the grid, by letter."""
        return self.rules.at(point)

    def number(self, expression: Expr, point: Mapping[str, int]) -> Number:
        """The exact value of *expression* at a point.

        Raises:
            ExpressionError: it divides by zero there.
        """
        values = self.rules.exact(point)
        try:
            value = compile_scalar(self.rules.apply(expression))({**self.rules.fixed, **values})
        except (DomainError, ZeroDivisionError):
            at = ", ".join(f"{k} = {v}" for k, v in values.items())
            raise ExpressionError(f"{expression} has no value at {at}") from None
        return Fraction(value)
