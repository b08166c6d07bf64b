"""Sub-configs: where a config has them, and when one that is given says what is made of it where it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symcount.atlas.codes import MISSING, word
from symcount.atlas.record import Section
from symcount.errors import ConfigError, UncoveredError

__all__ = ["section_in"]

#: What a saved file says of how it came about.
_ORIGIN = frozenset({"transformers_version", "dtype", "torch_dtype", "architectures", "_name_or_path"})


def section_in(
    section: str, rules: Section, given: Mapping[str, Mapping[str, Any] | None], fields: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """What a config has in a *section*, by the sections that it is in; `None` if it is left out.

    Raises:
        ConfigError: it is no object.
        UncoveredError: the stored formulas are for configs that have it, or for others.
    """
    if not section:
        return fields
    parent, _, key = section.rpartition(".")
    outer = given[parent]
    own = None if outer is None else outer.get(key, MISSING)
    if outer is not None and rules.instead and outer.get(rules.instead) is not None:
        own = outer[rules.instead]
    if own is None and outer is not None and not rules.null:
        raise UncoveredError(f"{section} = null is outside the stored formulas; leave it out")
    if own is MISSING and rules.flat and outer is not None:
        return outer
    if own is MISSING or own is None:
        if rules.optional == "given":
            raise UncoveredError(f"{section} is left out, but the stored formulas are for configs that have it")
        return None
    if not isinstance(own, dict):
        raise ConfigError(f"{section}: expected an object, got {word(own)}")
    if rules.meant and _is_meant(rules, own):
        return None
    if rules.stated and own.get("model_type") is None:
        raise UncoveredError(f"{section} without model_type is outside the stored formulas; give one")
    if rules.optional == "absent":
        raise UncoveredError(f"{section} is given, but the stored formulas are for configs that leave it out")
    return own


def _is_meant(rules: Section, own: Mapping[str, Any]) -> bool:
    """Whether a sub-config says what is made of it where it is left out."""
    said = {key: value for key, value in own.items() if key not in _ORIGIN}
    return said.keys() >= set(rules.own) and all(rules.meant.get(k, MISSING) == v for k, v in said.items())
