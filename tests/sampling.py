"""A sample of a long table is tested in every run; the others are marked `slow`."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest

__all__ = ["sampled"]


def sampled(cases: Iterable[Any], every: int = 1, first: int = 0, *, kept: Collection[Any] | None = None) -> list[Any]:
    """*cases* as parameters: each *every*-th from the *first*, or the *kept* ones, always, the others as slow ones.

    A case of several parameters is a tuple.
    """
    found = list(cases)
    chosen = [i % every == first for i in range(len(found))] if kept is None else [case in kept for case in found]
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=() if one else pytest.mark.slow)
        for case, one in zip(found, chosen, strict=True)
    ]
