"""The few verbs most people need: `formula`, `count`, `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from symcount.architectures import find
from symcount.configs import Config, looks_like_path, read
from symcount.errors import ConfigError
from symcount.formula import Formula

if TYPE_CHECKING:
    from symcount.verify import Report

__all__ = ["count", "formula", "verify"]


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
    if isinstance(source, str | Path | dict | Config) or hasattr(source, "to_dict"):
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


def verify(source: Any, config: Any = None, /, *, device: str = "meta", **values: Any) -> Report:
    """Build the real model with transformers, and compare it with the formula in every tensor and every total.

    Args:
        source: as for `formula`. Of a config that is given as *source*, the model is built.
        config: a `config.json` path or dict, or a transformers config; by default the class's own. Where *source* is
            a name, the config chooses the options.
        device: `meta`, which allocates nothing, or `cpu`.
        values: letters or config fields that differ from the config.

    Raises:
        DependencyError: torch or transformers is missing: `pip install "symcount[hf]"`.
        SymcountError: see `formula` and `symcount.verify.verify`.
    """
    from symcount.verify import verify as run

    if config is None and _is_config(source):
        config = read(source)
    if config is not None and not isinstance(source, Formula):
        stated = read(config)
        named = source if isinstance(source, str | type) and not _is_config(source) else None
        architecture = (
            stated.architecture() if named is None else find(named if isinstance(named, str) else named.__name__)
        )
        return run(architecture.formula(**stated.options_for(architecture)), config, device=device, **values)
    return run(formula(source), config, device=device, **values)


def _is_config(source: Any) -> bool:
    return not isinstance(source, Formula | type) and not (isinstance(source, str) and not looks_like_path(source))
