"""Sizes that a file or a caller states: integers of at least one, and nothing that would have to be rounded."""

from __future__ import annotations

from symcount.errors import ConfigError

__all__ = ["size_of"]


def size_of(value: object, what: str) -> int:
    """*value*, which is to be an integer of at least 1; *what* names it in the message.

    >>> size_of(48, "in_features")
    48
    >>> size_of(48.5, "in_features")
    Traceback (most recent call last):
    ...
    symcount.errors.ConfigError: in_features: expected an integer of at least 1, got 48.5

    Raises:
        ConfigError: it is something else.
    """
    if type(value) is not int or value < 1:  # a boolean is none
        raise ConfigError(f"{what}: expected an integer of at least 1, got {value!r:.80}")
    return value
