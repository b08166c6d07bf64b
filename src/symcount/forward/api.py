"""`cache`: the closed form of what a model's own cache holds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from symcount.derive.arranging import arrangements, with_arrangements
from symcount.derive.configs import ConfigSource
from symcount.derive.derivation import Derivation
from symcount.derive.engine import derive_class
from symcount.derive.resolve import resolve, shortened
from symcount.derive.result import formula_of
from symcount.errors import DerivationError
from symcount.forward.formulas import CacheFormula
from symcount.forward.held import holder
from symcount.forward.inputs import BATCH, LENGTH, SIZES, SOURCE
from symcount.foreign import guarded

__all__ = ["cache"]


@guarded
def cache(source: Any, /, *, config: Any = None, **options: Any) -> CacheFormula:
    cls, found, name, model_type = resolve(source, options, config)
    derivation = _derived(cls, _with_sizes(cls, found))
    return formula_of(derivation, name, model_type)


def _with_sizes(cls: type, source: ConfigSource) -> ConfigSource:
    sizes = {n: v for n, v in SIZES.items() if n != SOURCE or _translates(source)}
    kwargs = {**source.kwargs, **sizes}
    if not _translates(source) and hasattr(source.cls, "is_decoder") and "is_decoder" not in kwargs:
        kwargs["is_decoder"] = True  # a decoder that is made of an encoder's layers says so in its config
    return ConfigSource(source.cls, kwargs)


def _translates(source: ConfigSource) -> bool:
    return bool(source.kwargs.get("is_encoder_decoder", getattr(source.cls, "is_encoder_decoder", False)))


def _derived(cls: type, source: ConfigSource) -> Derivation:
    """The derivation of the cache of *cls* with the lists of the kinds of layers as numbers, if only these matter."""
    held = holder(cls)
    try:
        if arranged := arrangements(held, source):
            with suppress(DerivationError):
                return derive_class(held, with_arrangements(source, arranged))
        return derive_class(held, source)
    except DerivationError as error:
        cause = error.__cause__
        if isinstance(cause, DerivationError):
            raise cause from None
        if cause is not None:
            raise DerivationError(f"{cls.__name__}: its cache cannot be followed: {shortened(cause)}") from cause
        raise
