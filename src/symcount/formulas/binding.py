"""How a formula reads a config: the numbers that go into its letters.

A formula composed by hand, one derived from a model's code and one of the atlas read a config by different rules. Who
makes a formula gives it the rules, as its `binding`; a formula that says nothing reads each letter's field by its name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from symcount.config.config import read
from symcount.core.notation import ALIASES, Notation
from symcount.core.tree import Block
from symcount.errors import ConfigError

__all__ = ["Binding", "ByField", "Lettered"]


class Lettered(Protocol):
    """What a binding needs to know of a formula; see `symcount.formulas.formula.Formula`."""

    @property
    def name(self) -> str:
        """The class name."""
        ...

    @property
    def model_type(self) -> str:
        """Transformers' model type; empty where there is none."""
        ...

    @property
    def tree(self) -> Block:
        """The model."""
        ...

    @property
    def notation(self) -> Notation:
        """The letters, with the config fields that they stand for."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """Config options for which the formula holds."""
        ...

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Values of the model's default config, by letter."""
        ...

    @property
    def filled(self) -> Mapping[str, Any]:
        """Rules by which the config fills fields that are left out, by letter."""
        ...


class Binding(Protocol):
    """The rules by which a formula reads a config; without state of its own."""

    def bound(self, formula: Lettered, config: Any) -> dict[str, Any]:
        """Values by letter for a config in any form that `Formula.count` takes: its own, or the model's defaults.

        Raises:
            ConfigError, OptionError: it cannot be read, or the formula does not cover it.
        """
        ...

    def given(self, formula: Lettered, config: Any, beside: Collection[str]) -> dict[str, Any]:
        """Values by letter that a config states, or that are constants of its class; see `Formula.given`."""
        ...

    def changed(self, formula: Lettered, config: Any, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """A config with single numbers changed, and those of the numbers that are no fields of it."""
        ...

    def real_model(
        self, formula: Lettered, config: Any, changed: Mapping[str, Any], device: str
    ) -> tuple[dict[str, Any], Any] | None:
        """Values by letter and the real model there; `None` if it is built by its class's name."""
        ...


@dataclass(frozen=True)
class ByField:
    """Each letter is the number that the config has under the name of the letter's field, or under another spelling."""

    def bound(self, formula: Lettered, config: Any) -> dict[str, Any]:
        """See `Binding.bound`."""
        described = read(config)
        if formula.model_type and not described.is_of(formula.model_type):
            stated = described.model_type
            raise ConfigError(
                f"{described.source} is a config of {stated}, but the formula is of {formula.model_type}; "
                f"use its own formula: symcount.formula({stated!r})"
            )
        return described.numbers(formula.notation, ALIASES, formula.defaults, formula.filled, formula.options)

    def given(self, formula: Lettered, config: Any, beside: Collection[str]) -> dict[str, Any]:  # noqa: ARG002  # read where configs have parts
        """See `Binding.given`."""
        return self.bound(formula, {} if config is None else config)

    def changed(self, formula: Lettered, config: Any, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:  # noqa: ARG002  # the protocol's
        """See `Binding.changed`: the config as it is, since no field of it follows from another."""
        return config, dict(values)

    def real_model(
        self, formula: Lettered, config: Any, changed: Mapping[str, Any], device: str  # noqa: ARG002  # the protocol's
    ) -> tuple[dict[str, Any], Any] | None:  # fmt: skip
        """See `Binding.real_model`."""
        return None
