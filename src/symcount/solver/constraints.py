"""Conditions as the search decides by them: inequalities of polynomials, and what is checked row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sympy import Expr, Integer

from symcount.core.domain import Condition, minimal, relation
from symcount.errors import DomainError
from symcount.expressions.conditions import Stated
from symcount.solver.algebra import Algebra, Quotient
from symcount.solver.polynomial import Polynomial, combine, variables

__all__ = ["Check", "Constraints", "Inequality"]


@dataclass(frozen=True)
class Inequality:
    """`polynomial ≥ 0`."""

    polynomial: Polynomial


@dataclass(frozen=True)
class Check:
    """What is checked in rows: one of these, or that one group of *alternatives* passes as a whole.

    Attributes:
        names: the free letters that must have values.
        quotient: what must be an integer.
        sides: polynomials that must not be negative.
        condition: a condition of any other kind.
        alternatives: groups of checks.
    """

    names: frozenset[str]
    quotient: Quotient | None = None
    sides: tuple[Polynomial, ...] = ()
    condition: Condition | None = None
    alternatives: tuple[tuple[Check, ...], ...] = ()

    def polynomials(self) -> Iterator[Polynomial]:
        """All polynomials in it."""
        if self.quotient is not None:
            yield from (self.quotient.top, self.quotient.bottom)
        yield from self.sides
        for group in self.alternatives:
            for check in group:
                yield from check.polynomials()


@dataclass
class Constraints:
    """The conditions of one space.

    Attributes:
        algebra: its polynomials.
        inequalities: what narrows ranges.
        tests: what is checked in rows.
    """

    algebra: Algebra
    inequalities: list[Inequality] = field(default_factory=list)
    tests: list[Check] = field(default_factory=list)

    @classmethod
    def of(cls, algebra: Algebra, stated: Iterable[Stated]) -> Constraints:
        """Those of conditions.

        Raises:
            DomainError: the values alone violate one.
        """
        found = cls(algebra)
        for item in stated:
            if item.condition is None:
                found._any_of(item)
            elif (checks := found._checks(item.condition)) is None:
                _never(algebra, item)
            else:
                found._take(checks)
        return found

    def _take(self, checks: list[Check]) -> None:
        for check in checks:
            self.inequalities += [Inequality(side) for side in check.sides]
            if not check.sides:
                self.tests.append(check)

    def _any_of(self, stated: Stated) -> None:
        groups: list[tuple[Check, ...]] = []
        for group in stated.alternatives:
            each = [self._checks(c) for c in group]
            if None not in each:
                groups.append(tuple(check for checks in each for check in checks or ()))
        if not groups:
            _never(self.algebra, stated)
        if not all(groups):
            return  # one of them always holds
        names = frozenset(n for group in groups for check in group for n in check.names)
        self.tests.append(Check(names, alternatives=tuple(groups)))
        for bound in _hull(stated):
            self._take(self._checks(bound) or [])

    def _checks(self, condition: Condition) -> list[Check] | None:
        """What *condition* comes to: nothing where it always holds, `None` where it never does."""
        rules, ranges = self.algebra.rules, self.algebra.ranges
        applied = rules.applied(condition)
        names = frozenset(self.algebra.names_of(applied.left) | self.algebra.names_of(applied.right))
        if not names:
            return [] if _holds(applied, self.algebra) else None
        positive = all(ranges[n].start > 0 for n in names)  # which SymPy takes for granted
        if positive and not minimal([applied]):
            return []
        how = applied.relation
        if how == "divides":
            sure = positive and applied.left.is_positive is True
            quotient = self.algebra.quotient(condition.right / condition.left) if sure else None
            return [Check(names, quotient) if quotient else Check(names, condition=applied)]
        comparable = how not in ("!=", "not divides")
        found = self.algebra.quotient(condition.right - condition.left) if comparable else None
        if found is None:
            return [Check(names, condition=applied)]
        up, down = found.top, combine((-1, found.top))  # the sign of p/q is that of p
        atoms = self.algebra.atoms
        whole = all(atoms[n].whole for n in variables(up) if n in atoms)
        if how in ("<", ">") and not whole:
            return [Check(names, condition=applied)]
        less: Polynomial = {(): -1}  # of integers: a < b is b - a - 1 ≥ 0
        sides = {
            "<=": (up,), ">=": (down,), "==": (up, down),
            "<": (combine((1, up), (1, less)),), ">": (combine((1, down), (1, less)),),
        }[how]  # fmt: skip
        return [Check(names, sides=sides)]


def _holds(applied: Condition, algebra: Algebra) -> bool:
    try:
        return applied.holds(algebra.rules.fixed)
    except (DomainError, ZeroDivisionError):
        return False


def _never(algebra: Algebra, stated: Stated) -> None:
    """Say that a condition never holds.

    Raises:
        DomainError: always.
    """
    known = {s.name: algebra.rules.apply(s) for s in stated.symbols}
    given = ", ".join(f"{name} = {value}" for name, value in sorted(known.items()))
    raise DomainError(f"{stated} never holds{f': {given}' if given else ''}")


def _hull(stated: Stated) -> list[Condition]:
    """From where to where something lies that is to be one of several numbers."""
    values: list[Expr] = []
    lefts = set()
    for group in stated.alternatives:
        same = next((c for c in group if c.relation == "==" and isinstance(c.right, Integer)), None)
        if same is None:
            return []
        lefts.add(same.left)
        values.append(same.right)
    if len(lefts) != 1:
        return []
    [left] = lefts
    return [relation(left, ">=", min(values)), relation(left, "<=", max(values))]
