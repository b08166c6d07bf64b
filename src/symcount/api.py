"""The few verbs most people need: `formula`, `count`, `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symcount.architectures import find
from symcount.configs import looks_like_path, read
from symcount.errors import ConfigError
from symcount.formula import Formula

__all__ = ["count", "formula"]


def formula(source: Any, /, **options: Any) -> Formula:
    """The closed form of a model.

    Args:
        source: a class name (`BertForMaskedLM`), a model type (`bert`: its base model), a path to a `config.json`,
            a dict of its form, a transformers config, or a transformers class.
        options: structural options, e.g. `tie_word_embeddings=False`; a config chooses its own.

    Raises:
        UnknownModelError: no such model.
        ConfigError: a config that cannot be read.
        OptionError: an option that the model does not have.

    >>> import symcount as sc
    >>> sc.formula("gpt2").expanded()
    12*H**2*N + H*L + 13*H*N + H*V + 2*H
    """
    if isinstance(source, Formula):
        return source
    if isinstance(source, type):
        return find(source.__name__).formula(**options)
    if isinstance(source, str) and not looks_like_path(source):
        return find(source).formula(**options)
    if isinstance(source, str | Path | dict) or hasattr(source, "to_dict"):
        config = read(source)
        architecture = config.architecture()
        return architecture.formula(**{**config.options_for(architecture), **options})
    raise ConfigError(f"expected a model's name, a config or a class, got {type(source).__name__}")


def count(source: Any, /, *, convention: str = "unique", **values: Any) -> int:
    """The exact number of parameters of the model that *source* describes; fields left out have their defaults.

    Args:
        source: as for `formula`.
        convention: `unique`, `per_layer`, `non_embedding`, `active` or `trainable`.
        values: letters or config fields that differ from *source*.

    Raises:
        SymcountError: see `formula` and `Formula.count`.

    >>> import symcount as sc
    >>> sc.count("BertForMaskedLM", V=30_000), sc.count("BertForMaskedLM", V=30_000, convention="per_layer")
    (109112880, 132152880)
    """
    described = formula(source)
    is_config = not isinstance(source, Formula | type) and not (isinstance(source, str) and not looks_like_path(source))
    config: Any = read(source) if is_config else {}
    return described.count(config, convention=convention, **values)
