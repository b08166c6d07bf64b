"""Which solutions of several budgets make a ladder: every size rises, and the deviations are least together."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symcount.errors import BudgetError
from symcount.solver.solution import Solution
from symcount.solver.solutions import Solutions

__all__ = ["CANDIDATES", "chain"]

CANDIDATES = 2000
"""Configs of one budget among which a chain is sought."""


def chain(answers: Sequence[Solutions]) -> list[Solution]:
    """A solution for each budget, every size at least that of the one before, with the smallest sum of deviations.

    Raises:
        BudgetError: there is no such chain.
    """
    import numpy as np

    sizes = [*answers[0].ranges, *answers[0].space.rules.functions]
    costs: list[Fraction] = []
    chains: list[list[Solution]] = []
    for level, answer in enumerate(answers):
        candidates = list(answer.best)
        rows = np.array([[int(s.values[n]) for n in sizes] for s in candidates], dtype=object)
        if level == 0:
            found = [(abs(s.relative), [s]) for s in candidates]
        else:
            ends = np.array([[int(c[-1].values[n]) for n in sizes] for c in chains], dtype=object)
            found = []
            for solution, row in zip(candidates, rows, strict=True):
                fits = (ends <= row).all(axis=1)
                if fits.any():
                    first = int(fits.argmax())  # chains are in the order of their costs
                    found.append((costs[first] + abs(solution.relative), [*chains[first], solution]))
        if not found:
            cut = any(a.number > len(a) for a in answers)
            among = f", among the {CANDIDATES:,} nearest of each" if cut else ""
            below = answers[level - 1].budgets[0].target
            raise BudgetError(
                f"no chain of configs rises from {below:,} to {answer.budgets[0].target:,} in every size{among}; "
                "widen the tolerance"
            )
        found.sort(key=lambda item: item[0])
        costs, chains = [c for c, _ in found], [chain for _, chain in found]
    return chains[0]
