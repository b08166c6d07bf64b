"""The answer: all solutions, the best of them in full; or that there is none, and what comes nearest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from symcount.core.domain import Condition
from symcount.errors import DependencyError
from symcount.solver.budget import Budget
from symcount.solver.closed import ClosedForm
from symcount.solver.notebook import shown
from symcount.solver.ranges import Range
from symcount.solver.solution import Solution
from symcount.solver.space import Space
from symcount.solver.writing import write_configs

__all__ = ["Neighbours", "Solution", "Solutions"]


@dataclass(frozen=True)
class Neighbours:
    """The configs with the nearest counts below and above a budget's window, all else admissible."""

    budget: Budget
    below: Solution | None
    above: Solution | None


@dataclass(frozen=True, repr=False)
class Solutions:
    """What a search found. It is the sequence of the best solutions, in order: `found[0]`, `len(found)`, a loop.

    Attributes:
        spaces: what was searched: one space for each formula that the class may have there.
        budgets: the windows of counts.
        ranges: of the free symbols, open ones as far as the budget reaches.
        number: how many solutions there are.
        best: the first of them by rank.
        complete: whether the whole space was searched; false after an interrupt.
        neighbours: where there is no solution, what comes nearest, for each budget; with one free symbol always, and
            measured from the number that was asked for.
        closed_form: with one free symbol, its closed form, where there is one.
    """

    spaces: tuple[Space, ...]
    budgets: tuple[Budget, ...]
    ranges: Mapping[str, Range]
    number: int
    best: Sequence[Solution]
    complete: bool = True
    neighbours: tuple[Neighbours, ...] = ()
    closed_form: ClosedForm | None = None

    def __iter__(self) -> Iterator[Solution]:
        return iter(self.best)

    def __len__(self) -> int:
        return len(self.best)

    @overload
    def __getitem__(self, index: int) -> Solution: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Solution]: ...
    def __getitem__(self, index: int | slice) -> Solution | Sequence[Solution]:
        return self.best[index]

    def __repr__(self) -> str:
        first = f"; the first: {self.best[0].to_dict()}" if len(self.best) else ""
        return f"<{self._heading()}{first}>"

    def _repr_html_(self) -> str:
        return shown(self._heading(), (("", solution) for solution in self.best), list(self.ranges), self.number)

    def _heading(self) -> str:
        asked = ", ".join(f"{b.convention} {b}" for b in self.budgets)
        return f"{self.number:,} of {self.size:,} configs of {self.space.formula.name} with {asked}"

    def config(self, index: int = 0) -> dict[str, Any]:
        """The content of the `config.json` of a solution; see `Solution.config`."""
        return self.best[index].config()

    def to_dicts(self) -> list[dict[str, Any]]:
        """A row for each solution, see `Solution.to_dict`.

        >>> import symcount as sc
        >>> sc.solve("gpt2", "124M", free="H=64..:64").to_dicts()[0]["parameters"]
        124439808
        """
        return [solution.to_dict() for solution in self.best]

    def to_frame(self) -> Any:
        """The same as a DataFrame of pandas.

        Raises:
            DependencyError: pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError:
            raise DependencyError("a DataFrame needs pandas: pip install pandas; or take to_dicts()") from None
        return DataFrame(self.to_dicts())

    def write(self, directory: str | Path, *, check: bool = True, overwrite: bool = False) -> tuple[Path, ...]:
        """Write `<model type>-<sizes>/config.json` for every solution that is given in full; see `Ladder.write`.

        Raises:
            ConfigError, DependencyError, VerificationError: see `Ladder.write`.
        """
        labelled: dict[str, Solution] = {}
        for s in self.best:
            label = "-".join(f"{n}{_written(s.values[n])}" for n in self.ranges)
            labelled[f"{label}-{len(labelled) + 1}" if label in labelled else label] = s
        return write_configs(labelled, Path(directory), check=check, overwrite=overwrite)

    @property
    def space(self) -> Space:
        """The space of the formula of the usual case."""
        return self.spaces[0]

    @property
    def conditions(self) -> tuple[str, ...]:
        """What every config that was looked at fulfils, beyond the ranges: nothing is said of others."""
        return tuple(c for c in self.space.cuts if all(c in space.cuts for space in self.spaces[1:]))

    @property
    def cases(self) -> tuple[tuple[str, ...], ...]:
        """What tells the formulas of the class apart, where there are several: the conditions of each."""
        if len(self.spaces) == 1 or self.patterns:
            return ()
        common = set(self.conditions)
        return tuple(tuple(c for c in space.cuts if c not in common) for space in self.spaces)

    @property
    def patterns(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """The patterns of layers that were searched, by the field of the list."""
        found: dict[str, dict[tuple[str, ...], None]] = {}
        for space in self.spaces:
            for path, pattern in space.lists.items():
                found.setdefault(path, {})[pattern] = None
        return {path: tuple(patterns) for path, patterns in found.items()}

    @property
    def size(self) -> int:
        """The number of points of the grid."""
        total = max((len(patterns) for patterns in self.patterns.values()), default=1)
        for r in self.ranges.values():
            total *= r.size or 0
        return total

    @property
    def left_open(self) -> tuple[Condition, ...]:
        """Conditions on symbols that do not enter the count and were not given: they can always be fulfilled."""
        return self.space.rules.left_open

    @property
    def defaults(self) -> dict[str, Any]:
        """Values that are the model's defaults, by letter."""
        rules = self.space.rules
        letters = [e.letter for e in self.space.formula.notation if e.letter in rules.defaulted]
        return {letter: rules.fixed[letter] for letter in letters}


def _written(value: Any) -> str:
    return str(value if isinstance(value, int) else float(value))  # in the name of a file
