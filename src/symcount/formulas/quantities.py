"""Other quantities of a model than its parameters, as formulas in the same letters: bytes, operations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from symcount.core.notation import Entry, Notation
from symcount.core.tree import Block
from symcount.errors import OptionError
from symcount.formulas.binding import Lettered
from symcount.formulas.formula import Formula

__all__ = ["OfModel", "Quantity", "quantity"]


@dataclass(frozen=True)
class OfModel:
    """A binding that reads a config as another formula of the model does; letters of one's own keep their values.

    Attributes:
        of: the formula of the model's parameters.
    """

    of: Formula

    def bound(self, formula: Lettered, config: Any) -> dict[str, Any]:
        """See `symcount.formulas.binding.Binding.bound`."""
        return {**self._own(formula), **self.of.bound(config)}

    def given(self, formula: Lettered, config: Any, beside: Collection[str]) -> dict[str, Any]:
        """See `symcount.formulas.binding.Binding.given`."""
        return {**self._own(formula), **self.of.given(config, [name for name in beside if name in self.of.notation])}

    def changed(self, formula: Lettered, config: Any, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:  # noqa: ARG002  # the protocol's
        """See `symcount.formulas.binding.Binding.changed`."""
        known = {letter: value for letter, value in values.items() if letter in self.of.notation}
        found, rest = self.of.binding.changed(self.of, config, known)
        return found, {**rest, **{letter: value for letter, value in values.items() if letter not in known}}

    def real_model(
        self, formula: Lettered, config: Any, changed: Mapping[str, Any], device: str  # noqa: ARG002  # the protocol's
    ) -> tuple[dict[str, Any], Any] | None:  # fmt: skip
        """See `symcount.formulas.binding.Binding.real_model`: there is no model whose parameters these are."""
        raise OptionError(f"{formula.name}: only the formula of its parameters is compared with the real model")

    def _own(self, formula: Lettered) -> dict[str, Any]:
        return {letter: value for letter, value in formula.defaults.items() if letter not in self.of.notation}


@dataclass(frozen=True, repr=False)
class Quantity(Formula):
    """The closed form of something else that a model has than parameters; a config is read as for those.

    Attributes:
        of: the formula of the model's parameters.
    """

    of: Formula | None = field(default=None, repr=False)

    __hash__ = Formula.__hash__

    @property
    def deciding(self) -> Mapping[str, Any]:
        """Those of the options at whose other value the formula is another one."""
        return self.options if self.of is None else self.of.deciding


def quantity(
    of: Formula,
    tree: Block,
    unit: str,
    sign: str,
    letters: Mapping[Entry, int] | None = None,
    name: str | None = None,
) -> Quantity:
    """The quantity of the model of *of* that *tree* sums to.

    Args:
        of: the formula of its parameters.
        tree: whose tensors have as many elements as there are units.
        unit: in words, of several: `bytes`.
        sign: its letter in LaTeX.
        letters: those that the model does not have, with their values.
        name: of the formula; by default the model's.
    """
    own = letters or {}
    defaults = {letter: value for letter, value in of.defaults.items() if letter in of.notation}
    return Quantity(
        tree,
        Notation((*own, *of.notation)) if own else of.notation,
        of.name if name is None else name,
        of.model_type,
        options=of.options,
        defaults={**defaults, **{e.letter: value for e, value in own.items()}},
        filled=of.filled,
        conditions=of.conditions,
        origin=of.origin,
        unit=unit,
        sign=sign,
        binding=OfModel(of),
        pinned=of.pinned,
        of=of,
    )
