"""Other quantities of a model than its parameters, as formulas in the same letters: bytes, operations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from symcount.formula import Formula
from symcount.tree import Block

__all__ = ["Quantity", "quantity"]


@dataclass(frozen=True, repr=False)
class Quantity(Formula):
    """The closed form of something else that a model has than parameters; a config is read as for those.

    Attributes:
        of: the formula of the model's parameters.
    """

    of: Formula | None = field(default=None, repr=False)

    __hash__ = Formula.__hash__

    def bound(self, config: Any) -> dict[str, Any]:
        """Values by letter for a config; see `Formula.bound`."""
        return {**self.defaults, **self._model.bound(config)}

    def given(self, config: Any = None, beside: Collection[str] = ()) -> dict[str, Any]:
        """Values by letter that a config states; see `Formula.given`."""
        return {**self.defaults, **self._model.given(config, [name for name in beside if name in self._model.notation])}

    def domain_text(self) -> str:
        """The domain in words; see `Formula.domain_text`."""
        return self._model.domain_text() if self.conditions == self._model.conditions else super().domain_text()

    @property
    def deciding(self) -> Mapping[str, Any]:
        """Those of the options at whose other value the formula is another one."""
        return self._model.deciding

    @property
    def pinned(self) -> Mapping[str, Any]:
        """Config fields of which the formula holds at one value only."""
        found: Mapping[str, Any] = getattr(self._model, "pinned", {})
        return found

    @property
    def _model(self) -> Formula:
        assert self.of is not None  # noqa: S101  # set by `quantity`
        return self.of


def quantity(of: Formula, tree: Block, unit: str, sign: str) -> Quantity:
    """The quantity of the model of *of* that *tree* sums to.

    Args:
        of: the formula of its parameters.
        tree: whose tensors have as many elements as there are units.
        unit: in words, of several: `bytes`.
        sign: its letter in LaTeX.
    """
    whole = of.of if isinstance(of, Quantity) and of.of is not None else of
    defaults = {letter: value for letter, value in of.defaults.items() if letter in of.notation}
    made = Quantity(
        tree, of.notation, of.name, of.model_type, options=of.options, defaults=defaults, filled=of.filled,
        conditions=of.conditions, origin=of.origin, of=whole,
    )  # fmt: skip
    return replace(made, unit=unit, sign=sign)
