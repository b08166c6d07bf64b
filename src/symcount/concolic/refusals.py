"""Refusals: why there is no run of a class at some values, where more is to be said than that there is none."""

from __future__ import annotations

from symcount.errors import DerivationError

__all__ = ["ConfigRefusedError", "TooManyTensorsError"]


class ConfigRefusedError(DerivationError):
    """The config class refuses the values, so that the model's constructor is never called."""


class TooManyTensorsError(DerivationError):
    """The model has more tensors than are looked at."""
