"""Values of the symbols that are not free: numbers, rules in other symbols, defaults, and what may stay open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sympy import Expr, Integer, Max, Min, Mod, Rational, Symbol, ceiling, floor

from symcount.core.domain import Condition, relation
from symcount.core.notation import symbol
from symcount.core.values import exact, title
from symcount.errors import ExpressionError, MissingSymbolError
from symcount.exact.evaluate import Number, Round, compile_scalar
from symcount.expressions.conditions import Stated
from symcount.formulas.formula import Formula
from symcount.solver.ranges import Range

__all__ = ["ROUNDINGS", "Rules", "parts_of_ratios"]

ROUNDINGS = (floor, ceiling, Round, Mod, Min, Max)
"""What is no polynomial of what it is made of."""


def parts_of_ratios(ranges: Mapping[str, Range]) -> dict[Symbol, Expr]:
    """By the symbol of each free ratio, what it is in parts: `n/10` for one that runs in tenths."""
    return {symbol(n, rational=True): symbol(n) / r.parts for n, r in ranges.items() if r.parts}


def _rebuilt(expression: Expr, args: Sequence[Expr]) -> Expr:
    """*expression* of other arguments; of which one is the largest is decided for numbers only, as it takes long."""
    if isinstance(expression, Max | Min) and not all(a.is_number for a in args):
        return expression.func(*args, evaluate=False)
    return expression.func(*args)


@dataclass
class Rules:
    """How every symbol gets its value at a point of the grid.

    Attributes:
        formula: whose symbols.
        free: what the grid runs over, by letter.
        fixed: numbers, by letter.
        functions: rules in other symbols, by letter.
        defaulted: the letters whose number is a default of the model.
        open: symbols that do not enter what is asked for and can always be chosen so that the domain admits them.
    """

    formula: Formula
    free: Mapping[str, Range]
    fixed: dict[str, Number] = field(default_factory=dict)
    functions: dict[str, Expr] = field(default_factory=dict)
    defaulted: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)
    _in_free: dict[Symbol, Expr] = field(default_factory=dict)
    _parts: dict[Expr, Expr] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        formula: Formula,
        ranges: Mapping[str, Range],
        given: Mapping[str, Number | Expr],
        defaults: Mapping[str, Number],
        asked: Iterable[Expr],
    ) -> Rules:
        """Decide on a value or rule for every symbol that is needed.

        Raises:
            MissingSymbolError: a symbol has neither.
            ExpressionError: a rule needs itself.
            DomainError: a number below its symbol's minimum.
        """
        rules = cls(formula, dict(ranges))
        for letter, value in given.items():
            if isinstance(value, Expr) and value.free_symbols:
                rules.functions[letter] = value
            else:
                number = Fraction(int(value.p), int(value.q)) if isinstance(value, Rational) else value
                whole = isinstance(number, Fraction) and number.denominator == 1
                rules.fixed[letter] = exact(formula.notation[letter], int(number) if whole else number)
        for expression in asked:
            rules._need(expression, defaults)
        for letter in list(rules.functions):
            rules._need(rules.functions[letter], defaults)
        rules.open = rules._may_stay_open()
        for condition in formula.domain:
            if not {s.name for s in condition.symbols} & rules.open:
                rules._need(condition.left, defaults)
                rules._need(condition.right, defaults)
        for letter in rules.functions:
            rules._resolve(letter, ())
        return rules

    def _known(self, letter: str) -> bool:
        return letter in self.free or letter in self.fixed or letter in self.functions

    def has(self, condition: Condition | Stated) -> bool:
        """Whether every symbol of *condition* has a value or a range."""
        return all(self._known(s.name) for s in condition.symbols)

    def _need(self, expression: Expr, defaults: Mapping[str, Number]) -> None:
        for letter in sorted(s.name for s in expression.free_symbols if isinstance(s, Symbol)):
            if self._known(letter):
                continue
            entry = self.formula.notation[letter]
            if letter in defaults:
                self.fixed[letter] = exact(entry, defaults[letter])
                self.defaulted.add(letter)
            elif letter in self.formula.filled:
                self.functions[letter] = self.formula.filled[letter]
                self._need(self.formula.filled[letter], defaults)
            else:
                raise MissingSymbolError(
                    f"no value for {title(entry)}: fix it ({letter}=…), make it free, or give a rule in other symbols"
                )

    def _may_stay_open(self) -> set[str]:
        """Unknown symbols that only divide something: one of them, or all, may always be 1."""
        unknown = {s.name for c in self.formula.domain for s in c.symbols if not self._known(s.name)}
        unknown = {n for n in unknown if self.formula.notation[n].minimum <= 1}
        while True:
            bound = {
                s.name
                for c in self.formula.domain
                for s in c.symbols
                if s.name in unknown
                and not (c.relation == "divides" and isinstance(c.left, Symbol) and c.left.name in unknown)
            }
            if not bound:
                return unknown
            unknown -= bound

    def _resolve(self, letter: str, above: tuple[str, ...]) -> Expr:
        """The rule of *letter* in free symbols and ratios."""
        key = self.formula.notation[letter].symbol
        if key in self._in_free:
            return self._in_free[key]
        if letter in above:
            chain = " → ".join([*above[above.index(letter) :], letter])
            raise ExpressionError(f"the rule for {letter} needs itself: {chain}; fix one of them or make it free")
        rule = self.functions[letter]
        inner = {s: self._resolve(s.name, (*above, letter)) for s in rule.free_symbols if s.name in self.functions}
        whole = {s: v for s, v in self._integers().items() if s in rule.free_symbols}
        self._in_free[key] = rule.subs({**inner, **whole}, simultaneous=True)
        return self._in_free[key]

    def _integers(self) -> dict[Symbol, Expr]:
        notation = self.formula.notation
        return {notation[n].symbol: Integer(v) for n, v in self.fixed.items() if not notation[n].rational}

    @property
    def known(self) -> set[str]:
        """The letters that have a number or a rule."""
        return {*self.fixed, *self.functions}

    def in_free(self, letter: str) -> Expr:
        """The rule of *letter* in free symbols and ratios."""
        return self._in_free[self.formula.notation[letter].symbol]

    def ratios(self) -> dict[Symbol, Expr]:
        """The ratios (`mlp_ratio`), which stay symbols until floors have been set apart.

        A fixed one becomes its number, a free one the number of its parts over how many parts one has.
        """
        fixed = {
            symbol(n, rational=True): Rational(Fraction(v))
            for n, v in self.fixed.items()
            if self.formula.notation[n].rational
        }
        return {**fixed, **parts_of_ratios(self.free)}

    def exact(self, point: Mapping[str, int]) -> dict[str, Number]:
        """The numbers of the free symbols at a point of the grid, where a ratio is given in parts."""
        return {n: self.free[n].number(x) for n, x in point.items()}

    def applied(self, condition: Condition) -> Condition:
        """*condition* in the free symbols (and ratios)."""
        return condition.mapped(self.apply)

    def apply(self, expression: Expr) -> Expr:
        """*expression* in the free symbols (and ratios); what depends on neither is a number."""
        known = {**self._in_free, **self._integers()}
        return self._applied(expression, known) if known.keys() & expression.free_symbols else expression

    def _applied(self, expression: Expr, known: Mapping[Symbol, Expr]) -> Expr:
        """One step of `apply`: from the inside out, each part once; roundings of numbers are numbers at once."""
        if isinstance(expression, Symbol):
            return known.get(expression, expression)
        if not expression.args:
            return expression
        found = self._parts.get(expression)
        if found is None:
            args = [self._applied(a, known) for a in expression.args]
            same = all(a is b for a, b in zip(args, expression.args, strict=True))
            found = expression if same else _rebuilt(expression, args)
            if isinstance(found, ROUNDINGS) and not {s.name for s in found.free_symbols} & self.free.keys():
                # of ratios, rounded as the model does
                found = Rational(Fraction(compile_scalar(found)(self.fixed)))
            self._parts[expression] = found
        return found

    def conditions(self) -> list[Stated]:
        """The formula's domain without open conditions, and that every rule gives an admissible number."""
        closed = [Stated.of(c) for c in self.formula.domain if not {s.name for s in c.symbols} & self.open]
        for letter, rule in self.functions.items():
            entry = self.formula.notation[letter]
            if not entry.rational:
                closed.append(Stated.of(relation(1, "divides", rule), f"that {letter} = {rule} is an integer"))
            closed.append(Stated.of(relation(rule, ">=", entry.minimum), f"{letter} = {rule} ≥ {entry.minimum}"))
        return closed

    @property
    def left_open(self) -> tuple[Condition, ...]:
        """The conditions of the domain that open symbols can be chosen to fulfil."""
        return tuple(c for c in self.formula.domain if {s.name for s in c.symbols} & self.open)

    def at(self, point: Mapping[str, int]) -> dict[str, Any]:
        """Every known symbol's value at a point of the grid, by letter, in the notation's order."""
        known: dict[str, Number] = {**self.fixed, **self.exact(point)}
        for letter in self.functions:
            known[letter] = compile_scalar(self._in_free[self.formula.notation[letter].symbol])(known)
        return {e.letter: known[e.letter] for e in self.formula.notation if e.letter in known}
