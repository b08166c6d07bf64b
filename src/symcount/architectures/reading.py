"""Which architecture a config belongs to."""

from __future__ import annotations

from symcount.architectures import Architecture, find
from symcount.config.config import Config
from symcount.config.filetypes import check_typed, nameless
from symcount.errors import UnknownModelError

__all__ = ["architecture_of"]


def architecture_of(config: Config) -> Architecture:
    """The architecture that a config belongs to.

    Raises:
        ConfigError: it says neither `architectures` nor `model_type`.
        UnknownModelError: it says one that is not known.
    """
    name = config.class_name or config.model_type
    if name is None:
        raise nameless(config.fields, config.source)
    if config.class_name is None:
        check_typed(config.fields, config.source)
    found = find(name)
    if not config.is_of(found.model_type):
        raise UnknownModelError(f"{found.name} as a model of {config.model_type} is not composed by hand")
    return found
