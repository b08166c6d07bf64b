"""How a derived formula reads a config: by the model's own config class, and against the real model where in doubt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from symcount.derivation.binding import bind, realise
from symcount.derivation.certificate import certify
from symcount.derivation.certified import Certificate
from symcount.derivation.formula import DerivedFormula
from symcount.foreign import guarded
from symcount.formulas.binding import Lettered

__all__ = ["Derived"]


@dataclass(frozen=True)
class Derived:
    """The rules of the model's own code: the binding of a formula that was derived from it."""

    @guarded
    def bound(self, formula: Lettered, config: Any) -> dict[str, Any]:
        """Values by letter for *config*, read by the model's own config class; see `Binding.bound`.

        Raises:
            ConfigError: it cannot be read, or belongs to another model.
            OptionError: the formula does not hold for it.
        """
        return bind(_derived(formula), config)

    def given(self, formula: Lettered, config: Any, beside: Collection[str]) -> dict[str, Any]:  # noqa: ARG002  # the protocol's
        """See `Binding.given`: the config class fills in what is left out."""
        return self.bound(formula, {} if config is None else config)

    def changed(self, formula: Lettered, config: Any, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:  # noqa: ARG002  # the protocol's
        """See `Binding.changed`: the config as it is."""
        return config, dict(values)

    @guarded
    def real_model(
        self, formula: Lettered, config: Any, changed: Mapping[str, Any], device: str
    ) -> tuple[dict[str, Any], Any] | None:
        """Values by letter, and the real model there: that of *config*, with single fields (or letters) *changed*.

        Raises:
            ConfigError, OptionError: see `bound`; or the real class cannot be built.
        """
        return realise(_derived(formula), config, changed, device)

    def certify(self, formula: DerivedFormula, trials: int, seed: int) -> Certificate:
        """See `DerivedFormula.certify`."""
        return certify(formula, trials, seed)


def _derived(formula: Lettered) -> DerivedFormula:
    assert isinstance(formula, DerivedFormula)  # noqa: S101  # only such a formula has this binding
    return formula
