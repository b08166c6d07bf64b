"""The rungs of a ladder: budgets with their configs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sympy import Expr

from symcount.formulas.formula import Formula
from symcount.solver.budget import Budget
from symcount.solver.notebook import shown
from symcount.solver.solution import Solution
from symcount.solver.writing import write_configs

__all__ = ["Ladder", "Rung"]


@dataclass(frozen=True)
class Rung:
    """One budget and the config for it.

    Attributes:
        budget: the window of counts.
        solution: the config.
        tokens: to train it on: 20 for each parameter by default, as compute-optimal models are; 0 where none are told.
            Source: Hoffmann et al. 2022, https://arxiv.org/abs/2203.15556, table 3.
    """

    budget: Budget
    solution: Solution
    tokens: int = 0

    @property
    def label(self) -> str:
        """The budget as people write it: `110M`, and `1e21` of operations."""
        if self.budget.target >= 10**16:
            return _powered(self.budget.target)
        for scale, suffix in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")):
            if self.budget.target >= scale:
                whole, rest = divmod(1000 * self.budget.target, 1000 * scale)
                if rest % scale == 0:
                    return f"{whole}{f'.{rest // scale:03}'.rstrip('0') if rest else ''}{suffix}"
                break  # nobody calls it 1011781.632K
        return _about(self.budget.target) if self.budget.low == self.budget.high else str(self.budget.target)


def _powered(count: int) -> str:
    """A count of operations as a power of ten.

    >>> _powered(10**21), _powered(15 * 10**20), _powered(10**16 + 1)
    ('1e21', '1.5e21', '10000000000000001')
    """
    digits = str(count).rstrip("0")
    if len(digits) > 3:
        return str(count)
    return f"{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{len(str(count)) - 1}"


def _about(count: int) -> str:
    """An exact count in three digits: `124M`."""
    for scale, suffix in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= scale:
            digits = 2 if count < 10 * scale else 1 if count < 100 * scale else 0
            whole = f"{count / scale:.{digits}f}"
            return f"{whole.rstrip('0').rstrip('.') if digits else whole}{suffix}"
    return str(count)


@dataclass(frozen=True, repr=False)
class Ladder:
    """Rungs in the order of their budgets.

    Attributes:
        formula: whose configs they are.
        rungs: the configs.
        rules: how the sizes that are not free follow from the others, by letter.
        defaults: values of the model's own, by letter.
    """

    formula: Formula
    rungs: tuple[Rung, ...]
    rules: Mapping[str, Expr]
    defaults: Mapping[str, Any]

    def __iter__(self) -> Iterator[Rung]:
        return iter(self.rungs)

    def __len__(self) -> int:
        return len(self.rungs)

    def __repr__(self) -> str:
        return f"<Ladder of {self.formula.name}: {', '.join(f'{r.label}: {r.solution.count:,}' for r in self.rungs)}>"

    def _repr_html_(self) -> str:
        made = ", ".join(f"{n} = {rule}" for n, rule in self.rules.items())
        heading = f"Ladder of {self.formula.name}{f', where {made}' if made else ''}"
        own = set(self.rungs[0].solution.values) - set(self.defaults) if self.rungs else set()
        letters = [e.letter for e in self.formula.notation if e.letter in own]
        return shown(heading, ((rung.label, rung.solution) for rung in self.rungs), letters, len(self.rungs))

    def configs(self) -> dict[str, dict[str, Any]]:
        """The content of each rung's `config.json`, by label.

        Raises:
            ConfigError: the formula is not of a model of transformers, or a field is part of a list.
        """
        return {rung.label: rung.solution.config() for rung in self.rungs}

    def write(self, directory: str | Path, *, check: bool = True, overwrite: bool = False) -> tuple[Path, ...]:
        """Write `<model type>-<budget>/config.json` for every rung; all of them or none.

        Args:
            directory: where; it is made if it is not there.
            check: build each config with transformers on the meta device first, and compare every tensor.
            overwrite: whether files that are there may be replaced.

        Raises:
            DependencyError: *check* without torch and transformers.
            VerificationError: a real model has another count.
            ConfigError: a file is there, or cannot be written, or see `configs`.
        """
        solutions = {rung.label: rung.solution for rung in self.rungs}
        return write_configs(solutions, Path(directory), check=check, overwrite=overwrite)
