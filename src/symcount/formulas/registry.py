"""The registry of what higher packages make of a formula, by name; each is loaded when it is first needed.

`symcount` registers them, so that no formula has to know where its bytes, its cache or its adapters are made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["made_by", "register"]

_LOADERS: dict[str, Callable[[], Any]] = {}


def register(name: str, loader: Callable[[], Any]) -> None:
    """Let *loader* give what makes the formula that is called *name*."""
    _LOADERS[name] = loader


def made_by(name: str) -> Any:
    """What makes the formula that is called *name*.

    Raises:
        LookupError: nobody has registered it.
    """
    return _LOADERS[name]()
