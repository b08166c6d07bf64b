"""The numbers of a config, read off the shapes of a file: what a config would have to say for the file to be its model.

Every row of the ledger says what its shapes are in symbols, and how many tensors there are of it; a file says both in
numbers. Each such equation with one unknown gives a number. Where only products are known (heads times their size), the
config's own number, its rule or the class's default is taken, if the product comes out right with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from sympy import Expr, Symbol

from symcount.checkpoints.loading import Loading
from symcount.checkpoints.logical import LogicalTensor
from symcount.checkpoints.renames import rename
from symcount.core.values import check_domain
from symcount.errors import DomainError
from symcount.exact.evaluate import compile_scalar
from symcount.formulas.formula import Formula
from symcount.verification.matching import template

__all__ = ["Numbers", "read_off"]

Equation = tuple[Expr, int, frozenset[str]]
Origin = Literal["shape", "config", "rule", "default", "free"]
_LARGEST = 2**40  # of a number of a config
_TRIED = 4096  # factors of a product


@dataclass(frozen=True)
class Numbers:
    """The numbers of a formula, and where each of them is from.

    Attributes:
        values: by letter.
        origins: by letter: the file's shapes, the config, a rule by which the config class fills it, its default,
            or `free`: one of several with the same shapes.
        contradicted: by letter: what the config says instead.
    """

    values: Mapping[str, Any]
    origins: Mapping[str, Origin]
    contradicted: Mapping[str, Any]


def read_off(
    formula: Formula, tensors: Iterable[LogicalTensor], loading: Loading, stated: Mapping[str, Any]
) -> Numbers:
    """The numbers at which *formula* has the shapes of a file.

    Args:
        formula: of the class, with the options of its config.
        tensors: of the file, put together from their packed parts.
        loading: how transformers renames them.
        stated: by letter, what the config says.
    """
    equations = _equations(formula, tensors, loading)
    found = _solved(equations, {})
    origins: dict[str, Origin] = dict.fromkeys(found, "shape")
    for letter in [e.letter for e in formula.notation]:
        if letter in found:
            continue
        for value, origin in _supposed(formula, letter, stated, found, equations):
            trial = _solved(equations, {**found, letter: value})
            if _consistent(equations, trial) and _admitted(formula, trial):
                origins[letter] = origin
                origins |= dict.fromkeys(trial.keys() - origins.keys(), "shape")
                found = trial
                break
    contradicted = {k: v for k, v in stated.items() if k in found and found[k] != v}
    return Numbers(found, origins, contradicted)


def _supposed(
    formula: Formula, letter: str, stated: Mapping[str, Any], found: Mapping[str, Any], equations: Sequence[Equation]
) -> Iterator[tuple[Any, Origin]]:
    """What a letter may be that shapes alone do not give, the likeliest first."""
    if letter in stated:
        yield stated[letter], "config"
    rule = formula.filled.get(letter)
    if rule is not None and all(s.name in found for s in rule.free_symbols):
        yield compile_scalar(rule)(found), "rule"
    default = formula.defaults.get(letter)
    if default is not None:
        yield default, "default"
    for _, number, names in equations:  # a factor of a product: any that divides it
        if letter in names - found.keys():
            least = formula.notation[letter].minimum
            yield from ((n, "free") for n in range(max(least, 1), min(number, _TRIED) + 1) if number % n == 0)
    yield max(1, formula.notation[letter].minimum), "free"


def _admitted(formula: Formula, values: Mapping[str, Any]) -> bool:
    """Whether every condition of the formula holds of which all numbers are known."""
    try:
        check_domain(formula.notation, formula.domain, values)
    except DomainError:
        return False
    return all(values.get(e.letter, e.minimum) >= e.minimum for e in formula.notation)


def _equations(formula: Formula, tensors: Iterable[LogicalTensor], loading: Loading) -> list[Equation]:
    """Expressions of the formula, each with the number that the file has for it."""
    rows: dict[str, list[Any]] = defaultdict(list)
    for row in formula.ledger:
        rows[template(row.tensor)].append(row)
    buffers = frozenset(loading.buffers)

    def known(name: str) -> bool:
        return (path := template(name)) in rows or path in buffers

    shapes: dict[str, list[tuple[int, ...] | None]] = defaultdict(list)
    for tensor in rename(loading, tensors, known, lambda _: None):
        shapes[template(tensor.name)].append(tensor.shape)
    equations: dict[tuple[Expr, int], None] = {}
    for path, several in rows.items():
        there = shapes.get(path)
        if not there or any(row.alias_of for row in several):
            continue
        if "*" in path:
            equations[sum((row.number for row in several[1:]), several[0].number), len(there)] = None
        first, *others = set(there)
        if (
            len(several) == 1
            and not several[0].indices
            and first is not None
            and not others
            and len(first) == len(several[0].shape)
        ):
            equations |= dict.fromkeys(zip(several[0].shape, first, strict=True))
    return [(e, n, frozenset(s.name for s in e.free_symbols)) for e, n in equations if isinstance(e, Expr)]


def _solved(equations: Sequence[Equation], start: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from *start*: the only unknown of an equation, over and over."""
    found = dict(start)
    again = True
    while again:
        again = False
        for expression, number, names in equations:
            unknown = names - found.keys()
            if len(unknown) != 1:
                continue
            (letter,) = unknown
            value = _root(expression, number, letter, found)
            if value is not None:
                found[letter], again = value, True
    return found


def _root(expression: Expr, number: int, letter: str, values: Mapping[str, Any]) -> int | None:
    """The integer for *letter* at which *expression*, which grows with it, is *number*."""
    if expression == Symbol(letter, integer=True, positive=True):
        return number
    function = compile_scalar(expression)

    def at(value: int) -> Any:
        try:
            return function({**values, letter: value})
        except (DomainError, ZeroDivisionError):
            return None

    low, high = 0, 1
    while (there := at(high)) is not None and there < number and high < _LARGEST:
        low, high = high, 2 * high
    while low + 1 < high:
        middle = (low + high) // 2
        there = at(middle)
        if there is None:
            return None
        low, high = (middle, high) if there < number else (low, middle)
    return next((v for v in (high, low) if at(v) == number), None)


def _consistent(equations: Sequence[Equation], values: Mapping[str, Any]) -> bool:
    """Whether every equation holds of which all numbers are known."""
    for expression, number, names in equations:
        if len(names - values.keys()) == 1 and names & values.keys():
            return False  # its only unknown has no integer value
        if names <= values.keys():
            try:
                there = compile_scalar(expression)(values)
            except (DomainError, ZeroDivisionError):
                return False
            if not (isinstance(there, int | Fraction) and there == number):
                return False
    return True
