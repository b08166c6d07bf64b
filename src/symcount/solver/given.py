"""What a search is given: free symbols, numbers and rules for others, conditions, a reference config."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sympy import Expr

from symcount.core.notation import Entry
from symcount.core.values import by_letter, exact, resolve, title
from symcount.errors import DomainError, ExpressionError, UnknownSymbolError
from symcount.expressions.reader import read_expression
from symcount.formulas.formula import Formula
from symcount.lookup import formula as formula_of
from symcount.solver.cases import declared
from symcount.solver.patterns import Pattern, read_patterns
from symcount.solver.ranges import Range, read_range
from symcount.solver.space import Where

__all__ = ["Conditions", "named", "read_free", "read_given", "read_items", "read_reference", "read_where"]

Conditions = Where | Iterable[Where]
"""One condition, or several: texts, and functions of a config's values by letter."""


def read_where(where: Any) -> list[Where]:
    """The conditions that are given, one by one.

    Raises:
        ExpressionError: neither a text nor a function, nor several of them.
    """
    found = [where] if isinstance(where, str) or callable(where) or not isinstance(where, Iterable) else list(where)
    for item in found:
        if not isinstance(item, str) and not callable(item):
            raise ExpressionError(
                f"where {item!r:.60}: expected a condition such as 'H % A == 0', or a function of the values by letter"
            )
    return found


def read_items(formula: Formula, free: Any) -> tuple[list[tuple[str, Any]], dict[str, list[Pattern]]]:
    """The free symbols as they are given, names and ranges; and apart from them lists of kinds with their patterns.

    Raises:
        ExpressionError: none, or not of the form NAME=RANGE.
    """
    items: list[tuple[str, Any]] = []
    if isinstance(free, Mapping):
        items = list(free.items())
    else:
        texts = [free] if isinstance(free, str) else free
        for text in (part for item in texts for part in _parts(formula, str(item))):
            name, sign, value = (part.strip() for part in text.partition("="))
            if not name or (sign and not value):
                raise ExpressionError(f"free {text!r:.80}: expected NAME or NAME=RANGE, such as H=256..4096:64")
            items.append((name, value if sign else None))
    if not items:
        raise ExpressionError("nothing is free: name an unknown with its range, such as H=256..4096:64")
    lists: dict[str, list[Pattern]] = {}
    for name, value in items:
        if isinstance(name, str) and name not in formula.notation and (patterns := read_patterns(value)):
            lists[name] = patterns
    return [(name, value) for name, value in items if name not in lists], lists


def read_free(formula: Formula, items: Iterable[tuple[str, Any]]) -> dict[str, Range]:
    """The free symbols with their ranges, in the notation's order.

    Raises:
        ExpressionError: one twice, or a range that cannot be read.
        UnknownSymbolError: a name that the formula does not have.
    """
    found: dict[str, Range] = {}
    for name, value in items:
        entry = named(formula, name, "free")
        if entry.letter in found:
            raise ExpressionError(f"{title(entry)} is free twice; give one range")
        found[entry.letter] = read_range(entry, value)
    return {e.letter: found[e.letter] for e in formula.notation if e.letter in found}


def _parts(formula: Formula, text: str) -> list[str]:
    """The items of `H=64,128,768, N`: what is no name of a symbol goes on with the values of the one before."""
    found: list[str] = []
    for part in (p.strip() for p in text.split(",")):
        words = part not in formula.notation and "=" not in part
        if found and (part[:1].isdigit() or (words and read_patterns(found[-1].partition("=")[2]))):
            found[-1] += f",{part}"
        else:
            found.append(part)
    return found


def named(formula: Formula, name: Any, role: str) -> Entry:
    """The entry called *name*.

    Raises:
        ExpressionError: it is no text.
        UnknownSymbolError: the formula has no such symbol.
    """
    if not isinstance(name, str):
        raise ExpressionError(f"{role} {name!r:.80}: expected the name of a symbol")
    try:
        return formula.notation[name]
    except UnknownSymbolError:
        if field := declared(formula, name):
            said = name if name == field else f"{name} ({field})"
            raise UnknownSymbolError(f"{said} does not change the count of {formula.name}; leave it out") from None
        raise


def read_given(formula: Formula, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and rules of symbols that are not free, by letter.

    Raises:
        ExpressionError, UnknownSymbolError: a rule that cannot be read, or a name that the formula does not have.
        DomainError: one quantity is given twice.
    """
    given: dict[str, Any] = {}
    for name, value in fixed.items():
        entry = named(formula, name, "fixed")
        if isinstance(value, str):
            rule: Any = read_expression(value, formula.notation)
        elif isinstance(value, int | float | Fraction | Decimal | Expr) or hasattr(value, "__index__"):
            rule = value
        else:
            raise ExpressionError(f"{title(entry)}: expected a number or a rule such as 4*H, got {value!r:.80}")
        if entry.letter in given and given[entry.letter] != rule:
            raise DomainError(f"{title(entry)} is given twice: {given[entry.letter]} and {rule}; give it once")
        given[entry.letter] = rule
    return given


def read_reference(formula: Formula, reference: Any) -> dict[str, Any] | None:
    """The values of a reference config, by letter; `None` where there is none."""
    if reference is None:
        return None
    given = reference
    if not (isinstance(reference, Mapping) and all(name in formula.notation for name in reference)):
        own = formula_of(reference)  # its numbers may choose another formula of the class
        own = own if own.name == formula.name else formula
        known = resolve(own.notation, own.bound(reference), own.filled, ())
        fields = {own.notation[letter].field: value for letter, value in known.items()}
        given = {name: value for name, value in fields.items() if name in formula.notation}
    return {n: exact(formula.notation[n], value) for n, value in by_letter(formula.notation, given).items()}
