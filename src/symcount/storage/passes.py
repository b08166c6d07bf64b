"""What a model's forward pass holds and does, in the letters of its parameters: its cache, and its operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from symcount.core.notation import Entry, canonical
from symcount.formulas.formula import Formula
from symcount.formulas.quantities import quantity

__all__ = ["done", "held", "in_letters_of"]


def held(
    formula: Formula, batch: int, length: int, dtype: str, fields: Mapping[str, Any], further: Mapping[str, int]
) -> Formula:
    """The bytes of the cache after *length* tokens.

    Args:
        formula: of the model's parameters, or of an adapter's, which changes no cache.
        batch: sequences.
        length: tokens of each.
        dtype: of the model.
        fields: of its config.
        further: numbers of fields that the parameters do not depend on.

    Raises:
        SymcountError: see `symcount.cache`.
        UnknownSymbolError: the cache does not depend on what is *further* either.
    """
    whole = getattr(formula, "of", None) or formula
    config = {**fields, **_named(whole)}
    found = whole.cache(batch, length, dtype=dtype, config=config)
    return in_letters_of(whole, found, config if fields else None, further)


def done(formula: Formula, fields: Mapping[str, Any], length: int, further: Mapping[str, int]) -> Formula:
    """The operations of a forward and a backward pass over *length* tokens.

    Raises:
        SymcountError: see `symcount.flops`.
        UnknownSymbolError: see `held`.
    """
    whole = getattr(formula, "of", None) or formula
    config = {**fields, **_named(whole)}
    found = whole.flops(1, length, config=config).training()
    return in_letters_of(whole, found, config if fields else None, further)


def _named(formula: Formula) -> dict[str, Any]:
    """A config that says of which class it is."""
    known = {n: v for n, v in formula.options.items() if isinstance(v, bool | int)}
    return {**known, "architectures": [formula.name], "model_type": formula.model_type}


def in_letters_of(
    formula: Formula, other: Formula, config: Any = None, further: Mapping[str, int] | None = None
) -> Formula:
    """Another formula of the model in the letters of that of its parameters; letters beyond those keep their values.

    Args:
        formula: of the model's parameters.
        other: derived by itself: of its cache, or of its operations.
        config: whose values the further letters have; by default the model's defaults.
        further: values of these by config field.

    Raises:
        UnknownSymbolError: the other formula has no such field.
    """
    given = {other.notation[name].letter: value for name, value in (further or {}).items()}
    numbers = {**other.defaults, **({} if config is None else other.bound(config)), **given}
    letters = {canonical(e.field): e for e in formula.notation}
    changed: dict[Any, Any] = {}
    own: dict[Entry, Any] = {}
    for e in other.notation:
        if (mine := letters.get(canonical(e.field))) is not None:
            changed[e.symbol] = mine.symbol
        else:
            free = e if e.letter not in formula.notation else replace(e, letter=f"{e.letter}_beside")
            changed[e.symbol] = free.symbol
            own[free] = numbers.get(e.letter)

    def change(size: Any) -> Any:
        return size.xreplace(changed)

    conditions = (c.mapped(change) for c in other.conditions)
    made = quantity(formula, other.tree.mapped(change), other.unit, other.sign, own)
    return replace(made, conditions=(*formula.conditions, *conditions))
