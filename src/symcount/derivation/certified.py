"""A certificate: what was checked when a formula was compared with real models at random points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Certificate"]

NAMED = 12  # fields that are listed in words


@dataclass(frozen=True)
class Certificate:
    """What was checked.

    Attributes:
        name: the model class.
        passed: number of random points at which every tensor agreed, beside the config that was asked for.
        seed: of the random points.
        varied: fields that took more than one value.
        held: fields that the class reads, numbers and others, which had one value at all points.
        bound: the probability that a wrong formula would have passed is at most this.
        redrawn: points that transformers itself refused, replaced by others.
    """

    name: str
    passed: int
    seed: int
    varied: tuple[str, ...]
    bound: Fraction
    redrawn: int = 0
    held: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.name}: exact at this config and at {self.passed} random points (seed {self.seed}), "
            f"{len(self.varied)} fields varied; a wrong formula passes with probability at most {float(self.bound):.2g}"
            f"\nvaried: {_listed(self.varied)}\nheld at their values: {_listed(self.held)}"
        )


def _listed(names: Sequence[str]) -> str:
    more = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join([*names[:NAMED], *more]) or "none"
