"""What is searched: a formula, its free symbols with their ranges, rules for the others, and conditions.

Everything that the search decides by is brought to polynomials with integer coefficients in the free symbols: a total
`p/q`, an inequality `g ≥ 0`. What is no polynomial (a floor, a maximum) becomes an *atom*, a variable whose column
is computed by the one evaluator of formulas as soon as its own symbols have values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sympy import Expr, Pow, Rational, Symbol, ceiling, floor, fraction, together

from symcount.domain import Condition, minimal
from symcount.errors import DomainError, ExpressionError
from symcount.evaluate import Number, compile_scalar
from symcount.formula import Formula
from symcount.solve.atoms import Atom
from symcount.solve.cases import disjoint
from symcount.solve.expressions import Stated, read_conditions, totals_of
from symcount.solve.polynomial import Polynomial, combine, from_sympy, variables
from symcount.solve.ranges import Range
from symcount.solve.rules import ROUNDINGS, Rules

__all__ = ["Check", "Inequality", "Quotient", "Space"]


@dataclass(frozen=True)
class Quotient:
    """`top / bottom`, the bottom positive."""

    top: Polynomial
    bottom: Polynomial

    @property
    def whole(self) -> bool:
        """Whether there is nothing to divide by."""
        return self.bottom == {(): 1}


@dataclass(frozen=True)
class Inequality:
    """`polynomial ≥ 0`."""

    polynomial: Polynomial


@dataclass(frozen=True)
class Check:
    """What is checked point by point: that *quotient* is an integer, or a condition of any other kind."""

    names: frozenset[str]
    quotient: Quotient | None = None
    condition: Condition | None = None


@dataclass
class Space:
    """The configs among which a budget is sought.

    Attributes:
        formula: what counts.
        ranges: the free symbols, by letter.
        rules: the values of the others: numbers, or functions of the free symbols.
        stated: conditions beyond the formula's domain.
        earlier: domains of the formulas that come before this one: what lies in one of them is theirs.
    """

    formula: Formula
    ranges: Mapping[str, Range]
    rules: Rules
    stated: tuple[Stated, ...] = ()
    earlier: tuple[tuple[Condition, ...], ...] = ()
    atoms: dict[str, Atom] = field(default_factory=dict)
    inequalities: list[Inequality] = field(default_factory=list)
    tests: list[Check] = field(default_factory=list)
    _names: dict[Expr, Symbol] = field(default_factory=dict)
    _quotients: dict[Expr, Quotient | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        formula: Formula,
        ranges: Mapping[str, Range],
        given: Mapping[str, Number | Expr],
        defaults: Mapping[str, Number],
        where: Iterable[str] = (),
        conventions: Iterable[str] = ("unique",),
        also: Iterable[Expr] = (),
        demanded: Iterable[Stated] = (),
        earlier: Iterable[tuple[Condition, ...]] = (),
    ) -> Space:
        """Put a space together.

        Args:
            formula: what counts.
            ranges: the free symbols, by letter.
            given: values and rules of other symbols, by letter.
            defaults: values of symbols for which nothing else is said.
            where: conditions, see `symcount.solve.expressions`.
            conventions: those whose totals are asked for.
            also: further expressions that will be asked for.
            demanded: what a model needs to run: it counts where its symbols are asked for, free or given.
            earlier: see the attribute.

        Raises:
            MissingSymbolError: a symbol has no value.
            ExpressionError, UnknownSymbolError: a condition or rule that cannot be read, or that needs itself.
            DomainError: the values alone violate a condition.
        """
        stated = tuple(c for text in where for c in read_conditions(text, formula.notation, totals_of(formula)))
        asked = [formula.total_as(c) for c in conventions]
        asked += [e for s in stated for e in (s.condition.left, s.condition.right)] + list(also)
        named = {*ranges, *given}
        demands = [s for s in demanded if named & {x.name for x in s.condition.symbols}]
        asked += [e for s in demands for e in (s.condition.left, s.condition.right)]
        rules = Rules.of(formula, ranges, given, defaults, asked)
        stated += tuple(s for s in demanded if s in demands or rules.has(s.condition))
        apart = tuple(d for d in earlier if not disjoint(d, formula.domain))
        space = cls(formula, dict(ranges), rules, stated, apart)
        space._constrain()
        return space

    def changed(self, ranges: Mapping[str, Range] | None = None, without: Iterable[int] = ()) -> Space:
        """The same space with other ranges, or without some of its stated conditions, by index."""
        left_out = set(without)
        kept = tuple(s for i, s in enumerate(self.stated) if i not in left_out)
        space = Space(self.formula, dict(ranges or self.ranges), self.rules, kept, self.earlier)
        space._constrain()
        return space

    def _constrain(self) -> None:
        for item in (*self.rules.conditions(), *self.stated):
            self._add(item.condition, item.text)

    @property
    def cuts(self) -> tuple[str, ...]:
        """Conditions that the formula and what its model needs to run add: in words, without those that always hold."""
        own = [Stated(c, str(c)) for c in self.formula.domain if not {s.name for s in c.symbols} & self.rules.open]
        own += [s for s in self.stated if s.implied]
        return tuple(dict.fromkeys(s.text for s in own if self._may_fail(s.condition)))

    def _may_fail(self, condition: Condition) -> bool:
        applied = Condition(condition.relation, self.rules.apply(condition.left), self.rules.apply(condition.right))
        return bool(minimal([applied]) and self.names_of(applied.left) | self.names_of(applied.right))

    # ---------------------------------------------------------------- from expressions to polynomials

    def quotient(self, expression: Expr) -> Quotient | None:
        """*expression* as a quotient of polynomials, `None` where its denominator may vanish or be negative."""
        if expression not in self._quotients:
            self._quotients[expression] = self._quotient(self.rules.apply(expression))
        return self._quotients[expression]

    def total(self, convention: str) -> Quotient:
        """The total under *convention*."""
        expression = self.formula.total_as(convention)
        found = self.quotient(expression)
        if found is None:  # no polynomial helps: an atom as a whole
            name = self._atom(self.rules.apply(expression)).name
            found = self._quotients[expression] = Quotient({((name, 1),): 1}, {(): 1})
        return found

    def _quotient(self, expression: Expr) -> Quotient | None:
        top, bottom = fraction(together(self._without_atoms(expression).xreplace(self.rules.ratios())))
        below = from_sympy(bottom.expand())
        if all(c < 0 for c in below.values()):
            top, below = -top, combine((-1, below))
        names = variables(below)
        if not below or any(c < 0 for c in below.values()) or not self._positive(below):
            return None
        if any(name in self.atoms and not self.atoms[name].nonnegative for name in names):
            return None
        return Quotient(from_sympy(top.expand()), below)

    def _positive(self, polynomial: Polynomial) -> bool:
        """Whether some term of *polynomial*, whose coefficients are positive, cannot vanish."""
        return any(all(n in self.ranges and self.ranges[n].start > 0 for n, _ in monomial) for monomial in polynomial)

    def _without_atoms(self, expression: Expr) -> Expr:
        symbolic = isinstance(expression, Pow) and not expression.exp.is_Integer
        if isinstance(expression, ROUNDINGS) or symbolic:
            if self.names_of(expression):
                if isinstance(expression, floor) and expression.args[0].could_extract_minus_sign():
                    return -self._atom(ceiling(-expression.args[0]))  # which is not negative
                return self._atom(expression)
            number = Fraction(compile_scalar(expression)(self.rules.fixed))
            return Rational(number.numerator, number.denominator)
        if not expression.args:
            return expression
        return expression.func(*(self._without_atoms(a) for a in expression.args))

    def _atom(self, expression: Expr) -> Symbol:
        if expression not in self._names:
            name = f"_{len(self._names)}"
            self._names[expression] = Symbol(name, real=True)
            self.atoms[name] = Atom.of(name, expression, self.ranges, self.rules.fixed)
        return self._names[expression]

    # ---------------------------------------------------------------- conditions

    def _add(self, condition: Condition, text: str) -> None:
        applied = Condition(condition.relation, self.rules.apply(condition.left), self.rules.apply(condition.right))
        names = self.names_of(applied.left) | self.names_of(applied.right)
        positive = all(self.ranges[n].start > 0 for n in names)  # which SymPy takes for granted
        if positive and not minimal([applied]):
            return
        if not names:
            self._require(applied, condition, text)
            return
        how = applied.relation
        if how == "divides":
            sure = positive and applied.left.is_positive is True
            quotient = self.quotient(condition.right / condition.left) if sure else None
            self.tests.append(
                Check(frozenset(names), quotient) if quotient else Check(frozenset(names), condition=applied)
            )
            return
        found = None if how == "!=" else self.quotient(condition.right - condition.left)
        if found is None:
            self.tests.append(Check(frozenset(names), condition=applied))
            return
        up, down = found.top, combine((-1, found.top))  # the sign of p/q is that of p
        whole = all(self.atoms[n].whole for n in variables(up) if n in self.atoms)
        if how in ("<", ">") and not whole:
            self.tests.append(Check(frozenset(names), condition=applied))
            return
        less: Polynomial = {(): -1}  # of integers: a < b is b - a - 1 ≥ 0
        sides = {
            "<=": [up], ">=": [down], "==": [up, down],
            "<": [combine((1, up), (1, less))], ">": [combine((1, down), (1, less))],
        }[how]  # fmt: skip
        self.inequalities += [Inequality(side) for side in sides]

    def _require(self, applied: Condition, condition: Condition, text: str) -> None:
        try:
            holds = applied.holds(self.rules.fixed)
        except ZeroDivisionError:
            holds = False
        if not holds:
            known = {s.name: self.rules.apply(s) for s in condition.symbols}
            given = ", ".join(f"{name} = {value}" for name, value in sorted(known.items()))
            raise DomainError(f"{text} never holds{f': {given}' if given else ''}")

    def names_of(self, expression: Expr) -> set[str]:
        """The free letters on which *expression*, after the rules are applied, depends."""
        return {s.name for s in expression.free_symbols if isinstance(s, Symbol) and s.name in self.ranges}

    # ---------------------------------------------------------------- single points

    def belongs_earlier(self, point: Mapping[str, int]) -> bool:
        """Whether a formula that comes before this one holds at a point, and counts it."""
        if not self.earlier:
            return False
        values = self.rules.at(point)
        return any(
            all(c.holds(values) for c in d if {s.name for s in c.symbols} <= values.keys()) for d in self.earlier
        )

    def values(self, point: Mapping[str, int]) -> dict[str, Any]:
        """Every known symbol's value at a point of the grid, by letter."""
        return self.rules.at(point)

    def number(self, expression: Expr, point: Mapping[str, int]) -> Number:
        """The exact value of *expression* at a point.

        Raises:
            ExpressionError: it divides by zero there.
        """
        try:
            value = compile_scalar(self.rules.apply(expression))({**self.rules.fixed, **point})
        except (DomainError, ZeroDivisionError):
            at = ", ".join(f"{k} = {v}" for k, v in point.items())
            raise ExpressionError(f"{expression} has no value at {at}") from None
        return Fraction(value)
