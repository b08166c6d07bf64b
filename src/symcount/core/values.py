"""Numbers for symbols: what may be given, how it is named, and what the config's own rules fill in.

Values are exact: integers, or for a ratio (`mlp_ratio`) the decimal number as written. Nothing is rounded.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sympy import Expr, Symbol

from symcount.core.domain import Condition
from symcount.core.notation import Entry, Notation
from symcount.errors import DomainError, MissingSymbolError
from symcount.exact.evaluate import Number, as_written, compile_scalar

__all__ = ["by_letter", "check_domain", "exact", "resolve", "title"]


def title(entry: Entry) -> str:
    """How an entry is called in a message: `H (hidden_size)`."""
    return entry.letter if entry.letter == entry.field else f"{entry.letter} ({entry.field})"


def exact(entry: Entry, value: Any) -> Number:
    """Return *value* as an exact number admissible for *entry*.

    Integers of any type that implements `__index__` are taken (NumPy's too), booleans and floats are not.

    >>> from symcount.core.notation import entry
    >>> exact(entry("H"), 768)
    768
    >>> exact(entry("H"), 768.0)
    Traceback (most recent call last):
    ...
    symcount.errors.DomainError: H (hidden_size): expected an integer of at least 1, got 768.0; write it without a point

    Raises:
        DomainError: not an integer, or smaller than the entry's minimum.
    """
    if entry.rational:
        return _ratio(entry, value)
    wanted = f"{title(entry)}: expected an integer of at least {entry.minimum}, got"
    if isinstance(value, bool | str | bytes):
        raise DomainError(f"{wanted} {value!r}; give a number")
    try:
        number = operator.index(value)
    except TypeError:
        integral = isinstance(value, float) and value == value // 1
        raise DomainError(f"{wanted} {value!r}{'; write it without a point' if integral else ''}") from None
    if number < entry.minimum:
        raise DomainError(f"{wanted} {number}")
    return number


def _ratio(entry: Entry, value: Any) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction | Decimal):
        raise DomainError(f"{title(entry)}: expected a positive number, got {value!r}")
    try:
        number = as_written(value) if isinstance(value, float) else Fraction(value)
    except (ValueError, OverflowError):
        raise DomainError(f"{title(entry)}: expected a positive number, got {value!r}") from None
    if number < 0 or (number == 0 and entry.minimum > 0):
        raise DomainError(f"{title(entry)}: expected a positive number, got {value}")
    return number


def by_letter(notation: Notation, given: Mapping[str, Any]) -> dict[str, Any]:
    """*given*, by letter, config field or alias, by letter.

    >>> from symcount.core.notation import entry
    >>> by_letter(Notation((entry("H"),)), {"n_embd": 768, "H": 1024})
    Traceback (most recent call last):
    ...
    symcount.errors.DomainError: H (hidden_size) is given twice: 768 and 1024; give it once

    Raises:
        UnknownSymbolError: a name that the notation does not have.
        DomainError: one quantity is given twice with two values.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        item = notation[name]
        if item.letter in found and found[item.letter] != value:
            raise DomainError(f"{title(item)} is given twice: {found[item.letter]} and {value}; give it once")
        found[item.letter] = value
    return found


def resolve(
    notation: Notation, given: Mapping[str, Any], filled: Mapping[str, Expr], needed: Iterable[Symbol]
) -> dict[str, Number]:
    """Turn *given* (by letter, config field or alias) into exact numbers by letter.

    Args:
        notation: the formula's symbols.
        given: the caller's values.
        filled: the config's own rules for fields left out (`head_dim` = H/A).
        needed: symbols that must have a value in the end.

    Raises:
        UnknownSymbolError: a name the formula does not have.
        MissingSymbolError: a needed symbol has no value and no rule.
        DomainError: a value is not admissible, or one quantity is given twice with two values.
    """
    values = {letter: exact(notation[letter], value) for letter, value in by_letter(notation, given).items()}
    waiting = {letter: rule for letter, rule in filled.items() if letter not in values}
    ready: Mapping[str, Expr] = waiting
    while waiting and ready:  # one may be filled in from another that is filled in
        ready = {n: r for n, r in waiting.items() if {s.name for s in r.free_symbols} <= values.keys()}
        for letter, rule in ready.items():
            values[letter] = _filled(notation, letter, rule, values)
            del waiting[letter]
    missing = [notation[s] for s in sorted(needed, key=str) if s.name not in values]
    if missing:
        names = ", ".join(title(e) for e in missing)
        them = "it" if len(missing) == 1 else "them"
        raise MissingSymbolError(f"no value for {names}: give {them} by letter or field")
    return values


def _filled(notation: Notation, letter: str, rule: Expr, values: Mapping[str, Number]) -> Number:
    number = compile_scalar(rule)(values)
    if isinstance(number, Fraction) and not notation[letter].rational:
        at = ", ".join(f"{title(notation[s])} = {values[s.name]}" for s in sorted(rule.free_symbols, key=str))
        raise DomainError(f"outside the formula's domain: {letter} = {rule} must be an integer, but {at}")
    return number  # type: ignore[no-any-return]  # compiled from an expression


def check_domain(notation: Notation, domain: Iterable[Condition], values: Mapping[str, Number]) -> None:
    """Check every condition all of whose symbols have a value.

    Conditions on symbols that do not enter the count and were not given are left open: the count is the same for
    every admissible value of them.

    Raises:
        DomainError: a condition does not hold.
    """
    for condition in domain:
        if all(s.name in values for s in condition.symbols):
            condition.require(values, lambda s: title(notation[s]))
