"""What an architecture is: a tree built from layers, and the rules by which its config gives the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Expr

from symcount.domain import Condition
from symcount.errors import OptionError, near
from symcount.formula import Formula
from symcount.notation import Notation, entry
from symcount.tree import Block

__all__ = ["GIVEN", "Architecture", "notation_of"]

GIVEN = "given"
"""The option value that stands for any number, of a config field that may also be `None`."""


def notation_of(fields: Mapping[str, str]) -> Notation:
    """The notation of an architecture whose config calls the letters' quantities *fields*.

    >>> notation_of({"H": "n_embd"})["H"].field
    'n_embd'
    """
    return Notation(tuple(replace(entry(letter), field=name) for letter, name in fields.items()))


@dataclass(frozen=True)
class Architecture:
    """A model class of transformers, composed by hand.

    Attributes:
        name: the class name, `BertForMaskedLM`.
        model_type: transformers' name of the family, `bert`.
        build: from option values to the tree, in the letters of *fields*.
        fields: letter -> config field.
        defaults: config field -> the config class's default (an integer).
        filled: letter -> rule by which the config class fills the field when it is left out or `None`.
        options: config option -> default; they change the structure. `None` with `GIVEN` as the other value for
            numbers that may be missing.
        arguments: constructor arguments that are not in the config -> default (`add_pooling_layer`).
        conditions: what the config class or the model's constructor demands beyond the layers' own conditions.
    """

    name: str
    model_type: str
    build: Callable[[Mapping[str, Any]], Block]
    fields: Mapping[str, str]
    defaults: Mapping[str, int]
    filled: Mapping[str, Expr] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()

    def formula(self, **options: Any) -> Formula:
        """The formula for these option values; options left out have their defaults.

        Raises:
            OptionError: an option that the architecture does not have, or not with this value.
        """
        known = {**self.options, **self.arguments}
        chosen = dict(known)
        for name, value in options.items():
            if name not in known:
                raise OptionError(
                    f"{self.name} has no option {name!r}: it has {', '.join(known) or 'none'}.{near(name, list(known))}"
                )
            chosen[name] = self._checked(name, value, known[name])
        tree = self.build(chosen)
        notation = notation_of(self.fields)
        used: set[Any] = set()
        for _, block in tree.walk():
            used |= block.repeat.free_symbols | block.active.free_symbols
            used |= {s for p in block.parameters for d in p.shape for s in d.free_symbols}
            used |= {s for c in block.conditions for s in c.symbols}
        used |= {s for c in self.conditions for s in c.symbols}
        used |= {s for letter, rule in self.filled.items() for s in rule.free_symbols if entry(letter).symbol in used}
        return Formula(
            tree,
            notation.restrict(used),
            self.name,
            self.model_type,
            options=chosen,
            defaults={letter: self.defaults[f] for letter, f in self.fields.items() if f in self.defaults},
            filled={letter: rule for letter, rule in self.filled.items() if entry(letter).symbol in used},
            conditions=self.conditions,
        )

    def _checked(self, name: str, value: Any, default: Any) -> Any:
        if default is None:  # a number that may be missing
            if value is None or value == GIVEN:
                return value
            if isinstance(value, int) and not isinstance(value, bool):
                return GIVEN
            raise OptionError(f"{name}: expected None or an integer, got {value!r}")
        if not isinstance(value, bool):
            raise OptionError(f"{name}: expected true or false, got {value!r}")
        return value
