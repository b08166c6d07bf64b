"""The ends of ranges that are open: where even the smallest model is beyond the budget.

An inequality `g ≥ 0` ends a range where g falls in it. To see that, every symbol is counted from the first number that
it can have, so that `N·X − 3·X` becomes `N'·X`, and what is no polynomial by a polynomial that is never less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import comb

from sympy import Add, Expr, Max, Mul, Poly, PolynomialError, Pow, Rational, Symbol, ceiling, floor

from symcount.core.values import title
from symcount.errors import BudgetError, DomainError
from symcount.exact.evaluate import Number, compile_scalar
from symcount.solver.atoms import Atom
from symcount.solver.constraints import Inequality
from symcount.solver.polynomial import Monomial, Polynomial, bound, variables
from symcount.solver.ranges import Range
from symcount.solver.space import Space

__all__ = ["bounded"]

_FAR = 1 << 40  # an end beyond which a range is as good as open
_STEPS = 64  # numbers of a range that are tried for the first one that a condition admits
Bound = Mapping[Monomial, Fraction]


def bounded(space: Space, inequalities: Sequence[Inequality]) -> dict[str, Range]:
    """The ranges of *space*, open ones closed by what the inequalities leave possible.

    Raises:
        BudgetError: nothing bounds one of them.
    """
    ranges = {
        n: replace(r, stop=None) if (r.stop or 0) > _FAR and not r.members else r for n, r in space.ranges.items()
    }
    waiting = [name for name, r in ranges.items() if r.stop is None]
    if not waiting:
        return ranges
    starts = {name: _first(name, r, space.atoms, inequalities) for name, r in ranges.items()}
    falling = [f for g in inequalities if (f := _from_starts(g.polynomial, starts, space.atoms)) is not None]
    while waiting:
        for name in waiting:
            stops = [s for g in falling if (s := _largest(g, name, ranges, starts)) is not None]
            if stops:
                r = ranges[name]
                stop = max(min([*stops, *([end] if (end := space.ranges[name].stop) is not None else [])]), r.start)
                ranges[name] = Range(r.start, r.start + (stop - r.start) // r.step * r.step, r.step)
                break
        else:
            name = next((n for n in waiting if space.ranges[n].stop is not None), "")
            if name:
                ranges[name] = space.ranges[name]
                waiting.remove(name)
                continue
            entry = space.formula.notation[waiting[0]]
            rules = {n for n, rule in space.rules.functions.items() if entry.symbol in rule.free_symbols}
            said = ", ".join(f"{n} = {space.rules.functions[n]}" for n in space.rules.functions if n in rules)
            raise BudgetError(
                f"nothing bounds {title(entry)} from above{f' beside {said}' if said else ''}; "
                f"give a range: {entry.letter}=FIRST..LAST"
            )
        waiting.remove(name)
    return ranges


def _first(name: str, r: Range, atoms: Mapping[str, Atom], inequalities: Sequence[Inequality]) -> int:
    """The first number of a range that every condition on it alone admits, as far as a few steps show it."""
    start = r.start
    for g in inequalities:
        names = variables(g.polynomial)
        own = {n for n in names if n not in atoms}.union(*(atoms[n].names for n in names if n in atoms))
        if own != {name}:
            continue
        for x in range(start, start + _STEPS * r.step, r.step):
            if r.stop is not None and x > r.stop:
                break
            if _at(g.polynomial, name, x, atoms):
                start = x
                break
    return start


def _at(g: Polynomial, name: str, x: int, atoms: Mapping[str, Atom]) -> bool:
    values: dict[str, Number] = {name: x}
    try:
        for n in variables(g) - {name}:
            values[n] = compile_scalar(atoms[n].expression)({**atoms[n].numbers, name: atoms[n].ranges[name].number(x)})
    except (DomainError, ZeroDivisionError):
        return False
    total: Number = 0
    for monomial, coefficient in g.items():
        term: Number = coefficient
        for n, power in monomial:
            term *= values[n] ** power
        total += term
    return total >= 0


def _from_starts(g: Polynomial, starts: Mapping[str, int], atoms: Mapping[str, Atom]) -> Bound | None:
    """A polynomial that is nowhere less than *g*, in the free symbols counted from their starts."""
    total: dict[Monomial, Fraction] = {}
    least = {n: _least(atoms[n], starts) for n in variables(g) if n in atoms}
    from_least = {**starts, **{n: low for n, low in least.items() if low is not None}}
    for monomial, coefficient in _shifted({m: Fraction(c) for m, c in g.items()}, from_least).items():
        inner = [(atoms[n], power) for n, power in monomial if n in atoms]
        outer: Bound = {tuple(item for item in monomial if item[0] not in atoms): coefficient}
        signs = [least[atom.name] is not None or _nonnegative(atom.in_parts, starts, atom.numbers) for atom, _ in inner]
        if coefficient < 0 and inner:
            if not all(signs):
                return None
            continue  # at most 0
        for atom, power in inner:
            above = _above(atom.in_parts, starts, atom.numbers)
            if above is None or not (all(signs) or (len(inner) == 1 and power == 1)):
                return None
            above = {**above, (): above.get((), Fraction(0)) - (least[atom.name] or 0)}
            if len(inner) > 1 or power > 1:
                above = {m: c for m, c in above.items() if c > 0}
            for _ in range(power):
                outer = _product(outer, above)
        for m, c in outer.items():
            total[m] = total.get(m, Fraction(0)) + c
    return {m: c for m, c in total.items() if c}


def _least(atom: Atom, starts: Mapping[str, int]) -> int | None:
    """The value of a floor or ceiling at the starts, where it is the least: what it rounds only grows."""
    expression = atom.in_parts
    if not isinstance(expression, floor | ceiling):
        return None
    inside = _polynomial(expression.args[0], starts, atom.numbers)
    if inside is None or any(c < 0 for m, c in inside.items() if m):
        return None
    value = inside.get((), Fraction(0))
    return value.__floor__() if isinstance(atom.expression, floor) else value.__ceil__()


def _shifted(g: Bound, starts: Mapping[str, int]) -> Bound:
    """*g* with every free symbol x replaced by start + x.

    >>> _shifted({(("H", 1), ("N", 1)): 1, (("H", 1),): -3}, {"N": 3, "H": 0})
    {(('H', 1), ('N', 1)): 1}
    """
    total: dict[Monomial, Fraction] = {}
    for monomial, coefficient in g.items():
        parts: dict[Monomial, Fraction] = {(): coefficient}
        for name, power in monomial:
            start = starts.get(name, 0)
            powers = {k: comb(power, k) * start ** (power - k) for k in range(power + 1)}
            parts = {
                (*m, (name, k)) if k else m: c * times for m, c in parts.items() for k, times in powers.items() if times
            }
        for m, c in parts.items():
            total[m] = total.get(m, 0) + c
    return {m: c for m, c in total.items() if c}


def _product(one: Bound, other: Bound) -> Bound:
    total: dict[Monomial, Fraction] = {}
    for m, c in one.items():
        for n, d in other.items():
            powers = dict(m)
            for name, power in n:
                powers[name] = powers.get(name, 0) + power
            key = tuple(sorted(powers.items()))
            total[key] = total.get(key, Fraction(0)) + c * d
    return total


def _above(expression: Expr, starts: Mapping[str, int], numbers: Mapping[str, Number]) -> Bound | None:
    """A polynomial that is nowhere less than a floor, a ceiling or a maximum, counted from the starts."""
    if isinstance(expression, Max):
        parts = [_above(a, starts, numbers) for a in expression.args]
        total: dict[Monomial, Fraction] = {}
        for part in parts:
            if part is None:
                return None
            for m, c in part.items():
                total[m] = total.get(m, Fraction(0)) + max(c, Fraction(0))
        return total
    rounded = isinstance(expression, floor | ceiling)
    found = _polynomial(expression.args[0] if rounded else expression, starts, numbers)
    if found is None or not rounded:
        return found
    more = 1 if isinstance(expression, ceiling) or numbers else 0  # where a ratio is in it, floats round
    return {**found, (): found.get((), Fraction(0)) + more}


def _polynomial(expression: Expr, starts: Mapping[str, int], numbers: Mapping[str, Number]) -> Bound | None:
    """*expression* as a polynomial counted from the starts; `None` if it is none."""
    known = {
        s: Rational(Fraction(numbers[s.name]))
        for s in expression.free_symbols
        if isinstance(s, Symbol) and s.name in numbers
    }
    applied = expression.xreplace(known)
    symbols = sorted(applied.free_symbols, key=str)
    if not symbols:
        return {(): Fraction(int(applied.p), int(applied.q))} if isinstance(applied, Rational) else None
    try:
        terms = Poly(applied, *symbols).terms()
    except PolynomialError:
        return None
    if not all(isinstance(c, Rational) for _, c in terms):
        return None
    names = [s.name for s in symbols]
    plain = {
        tuple((n, p) for n, p in zip(names, powers, strict=True) if p): Fraction(int(c.p), int(c.q))
        for powers, c in terms
    }
    return _shifted(plain, starts)


def _nonnegative(expression: Expr, starts: Mapping[str, int], numbers: Mapping[str, Number]) -> bool:
    """Whether *expression* is seen to be nowhere negative from the starts on, wherever it has a value."""
    if isinstance(expression, floor | ceiling | Max | Mul):
        test = any if isinstance(expression, Max) else all
        return test(_nonnegative(a, starts, numbers) for a in expression.args)
    if isinstance(expression, Pow):
        return _nonnegative(expression.base, starts, numbers)
    found = _polynomial(expression, starts, numbers)
    if found is None:
        return isinstance(expression, Add) and all(_nonnegative(a, starts, numbers) for a in expression.args)
    return all(c >= 0 for c in found.values())


def _largest(g: Bound, name: str, ranges: Mapping[str, Range], starts: Mapping[str, int]) -> int | None:
    """The largest value of *name* with which *g* can be ≥ 0, where *g* says so."""
    grow = [m for m, c in g.items() if c > 0 and m]
    if any(n == name or ranges[n].stop is None for m in grow for n, _ in m):
        return None
    box = {n: (0, max(0, r.stop - starts[n]) if r.stop is not None else 0) for n, r in ranges.items() if n != name}
    limit = bound(g, box, upper=True)  # type: ignore[arg-type]  # fractions are as good as integers here
    if all(c >= 0 or not m for m, c in limit.items()):
        return None

    def at(x: int) -> Fraction:
        return sum((Fraction(c) * x ** (m[0][1] if m else 0) for m, c in limit.items()), Fraction(0))

    if at(0) < 0:
        return starts[name]
    low, high = 0, 1
    while at(high) >= 0:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle) >= 0 else (low, middle)
    return starts[name] + low
