"""A sample of a long table is tested in every run; the others are marked `slow`."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def sampled(items: Iterable[Any], step: int = 1, kept: Collection[Any] | None = None) -> list[Any]:
    """Parameters of a test: every *step*-th of the items, or the *kept* ones, in every run, the others as slow ones."""
    every = list(items)
    chosen = every[::step] if kept is None else [x for x in every if x in kept]
    return [
        pytest.param(*(x if isinstance(x, tuple) else (x,)), marks=() if x in chosen else pytest.mark.slow)
        for x in every
    ]
