"""A sample of many cases for every run; the rest runs with `-m slow`."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

__all__ = ["sampled"]


def sampled(cases: Iterable[Sequence[Any]], every: int, first: int = 0) -> list[Any]:
    """*cases* as parameters, of which all but each *every*-th are slow."""
    return [
        pytest.param(*case, marks=() if i % every == first else pytest.mark.slow) for i, case in enumerate(cases)
    ]  # fmt: skip
