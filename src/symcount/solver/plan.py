"""In which order the symbols get their values, and what is known at each step about the ranges of the next.

The last symbol is the one that the algebra eliminates: every inequality is affine in it, so its range follows by
integer division. Before each step the other symbols' ranges are a box, and each inequality `g ≥ 0` is replaced by an
upper bound of `g` over the box, which loses no solution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from symcount.solver.atoms import Atom
from symcount.solver.constraints import Check, Inequality
from symcount.solver.polynomial import Polynomial, bound, degree_in, split, variables
from symcount.solver.ranges import Range
from symcount.solver.space import Space

__all__ = ["Affine", "Level", "Monotone", "make_plan"]

_MANY = 64  # numbers beyond which a monotone bound is looked for by halving rather than by trying all


@dataclass(frozen=True)
class Affine:
    """`slope · x + rest ≥ 0`; *sign* is the slope's where it is known, else 0."""

    slope: Polynomial
    rest: Polynomial
    sign: Literal[-1, 0, 1]


@dataclass(frozen=True)
class Monotone:
    """`polynomial ≥ 0`, which rises (or falls) in x."""

    polynomial: Polynomial
    rises: bool


@dataclass
class Level:
    """One step: the symbol *name* gets its values.

    Attributes:
        name: the letter.
        range: its range.
        affine: what bounds it by a division.
        monotone: what bounds it by halving.
        atoms: atoms that have a value after this step.
        filters: upper bounds that must not be negative after it.
        tests: what can be checked after it.
    """

    name: str
    range: Range
    affine: list[Affine] = field(default_factory=list)
    monotone: list[Monotone] = field(default_factory=list)
    atoms: list[Atom] = field(default_factory=list)
    filters: list[Polynomial] = field(default_factory=list)
    tests: list[Check] = field(default_factory=list)


def make_plan(space: Space, inequalities: Sequence[Inequality], ranges: Mapping[str, Range]) -> list[Level]:
    """The steps of the search."""
    used = [variables(g.polynomial) for g in inequalities]
    used += [variables(p) for t in space.tests for p in t.polynomials()]
    atoms = {name: atom for name, atom in space.atoms.items() if any(name in names for names in used)}
    order = _order(atoms, inequalities, ranges)
    levels = [Level(name, ranges[name]) for name in order]
    position = {name: i for i, name in enumerate(order)}
    for name, atom in atoms.items():
        position[name] = max((position[n] for n in atom.names), default=0)
        levels[position[name]].atoms.append(atom)
    for test in space.tests:
        levels[max(position[n] for n in test.names)].tests.append(test)
    for inequality in inequalities:
        _place(inequality.polynomial, levels, position, space, ranges)
    return levels


def _order(atoms: Mapping[str, Atom], inequalities: Sequence[Inequality], ranges: Mapping[str, Range]) -> list[str]:
    """Symbols inside atoms and those with powers first, the longest range in which everything is affine last."""
    inside = {n for atom in atoms.values() for n in atom.names}
    sizes = {name: r.size or 1 for name, r in ranges.items()}

    def key(name: str) -> tuple[bool, bool, int]:
        powers = any(degree_in(g.polynomial, name) > 1 for g in inequalities)
        bounds = any(degree_in(g.polynomial, name) for g in inequalities)
        return name not in inside, bounds and not powers, sizes[name]

    return sorted(ranges, key=key)


def _place(
    g: Polynomial, levels: Sequence[Level], position: Mapping[str, int], space: Space, ranges: Mapping[str, Range]
) -> None:
    """Say at which levels *g* ≥ 0 narrows a range or drops a row; the last of them decides it exactly."""
    names = variables(g)
    if not names:
        if g.get((), 0) < 0:
            levels[0].filters.append(g)
        return
    last = max(position[n] for n in names)
    for i, level in enumerate(levels[: last + 1]):
        after = {n: (ranges[n].start, ranges[n].stop or 0) for n in names if n in ranges and position[n] > i}
        unready = any(n in space.atoms and position[n] > i for n in names)
        if unready or not _signed(g, after, space.atoms):
            continue
        x = level.name
        within_atoms = any(n in space.atoms and x in space.atoms[n].names for n in names)
        power = degree_in(g, x)
        reduced = bound(g, after, upper=True)
        if power == 1 and not within_atoms:
            parts = split(reduced, x)
            slope, rest = parts.get(1, {}), parts.get(0, {})
            level.affine.append(Affine(slope, rest, _sign(slope, space.atoms, ranges)))
            continue
        if power > 1 and not within_atoms and (level.range.size or 0) > _MANY:
            signs = {c > 0 for m, c in reduced.items() if any(n == x for n, _ in m)}
            signed = _signed(reduced, {x: (0, 0)}, space.atoms)
            if len(signs) == 1 and signed:
                level.monotone.append(Monotone(reduced, signs.pop()))
        if power or i == last:
            level.filters.append(reduced)


def _signed(g: Polynomial, box: Mapping[str, tuple[int, int]], atoms: Mapping[str, Atom]) -> bool:
    """Whether every term with a variable of *box* has a sign, so that the box bounds it."""
    return not any(
        any(n in box for n, _ in m) and any(n in atoms and not atoms[n].nonnegative for n, _ in m) for m in g
    )


def _sign(slope: Polynomial, atoms: Mapping[str, Atom], ranges: Mapping[str, Range]) -> Literal[-1, 0, 1]:
    """The sign of a polynomial that cannot vanish; 0 if it may, or if its sign is not clear."""
    strict = any(all(n in ranges and ranges[n].start > 0 for n, _ in m) for m in slope)
    if not strict or any(n in atoms and not atoms[n].nonnegative for n in variables(slope)):
        return 0
    signs = {c > 0 for c in slope.values()}
    return 0 if len(signs) != 1 else 1 if signs.pop() else -1
