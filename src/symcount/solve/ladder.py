"""A ladder: one config for each of several budgets, of one family, every size monotone. For a scaling-law study."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from sympy import Expr

from symcount.configs import Config
from symcount.errors import BudgetError
from symcount.foreign import guarded
from symcount.formula import Formula
from symcount.solve.api import prepared, search_for
from symcount.solve.budget import Budget, read_budget
from symcount.solve.family import aspect_conditions, family
from symcount.solve.given import Conditions, read_where
from symcount.solve.notebook import shown
from symcount.solve.solution import Solution
from symcount.solve.solutions import Solutions
from symcount.solve.writing import write_configs

__all__ = ["Ladder", "Rung", "ladder", "ladder_of"]

_PARAMETERS = ("budgets", "aspect", "head_dim", "tolerance", "free", "fixed", "where", "convention", "runnable")
_CANDIDATES = 2000  # configs of one budget among which a chain is sought


@dataclass(frozen=True)
class Rung:
    """One budget and the config for it."""

    budget: Budget
    solution: Solution

    @property
    def label(self) -> str:
        """The budget as people write it: `110M`."""
        for scale, suffix in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")):
            if self.budget.target >= scale:
                whole, rest = divmod(1000 * self.budget.target, 1000 * scale)
                if rest % scale == 0:
                    return f"{whole}{f'.{rest // scale:03}'.rstrip('0') if rest else ''}{suffix}"
                break  # nobody calls it 1011781.632K
        return str(self.budget.target)


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


@guarded
def ladder(
    source: Any,
    /,
    budgets: str | Iterable[Any],
    *,
    aspect: Any = "64..128",
    head_dim: int = 64,
    tolerance: Any = "10%",
    free: Any = None,
    fixed: Mapping[str, Any] | None = None,
    where: Conditions = (),
    convention: str = "unique",
    runnable: bool = True,
    **options: Any,
) -> Ladder:
    """One config for each budget: each size at least that of the rung below, and together as near as can be.

    Unless said otherwise, the hidden size H is free in steps of the head size, and so is the number of layers N; the
    number of heads is `A = H/head_dim`, key-value heads and other layer sizes keep the ratio that they have in the
    model's default config, rounded to a multiple of the head size.

    Args:
        source: a formula, or whatever `symcount.formula` takes.
        budgets: rising numbers of parameters: `"10M,30M,100M"` or a list.
        aspect: admissible H/N: `"64..128"`, a pair, or `None` for any.
        head_dim: size of an attention head.
        tolerance: how far from its budget a rung may be.
        free: other free symbols or ranges, see `solve`.
        fixed: other numbers or rules, see `solve`.
        where: further conditions.
        convention: what the budgets count.
        runnable: only configs whose models run, see `solve`.
        options: structural options of the model.

    Raises:
        BudgetError: a budget that cannot be read or met, or no chain of configs rises from rung to rung.
        SymcountError: see `solve`.

    >>> import symcount as sc
    >>> for rung in sc.ladder("llama", "10M,100M,1B"):
    ...     print(rung.label, {n: rung.solution.values[n] for n in "HINA"}, rung.solution.count)
    10M {'H': 256, 'I': 704, 'N': 2, 'A': 4} 9798912
    100M {'H': 832, 'I': 2240, 'N': 9, 'A': 13} 101879232
    1B {'H': 1920, 'I': 5184, 'N': 21, 'A': 30} 998236800
    """
    formula, config = prepared(source, options, _PARAMETERS)
    return ladder_of(
        formula, config, budgets, aspect=aspect, head_dim=head_dim, tolerance=tolerance, free=free, fixed=fixed,
        where=where, convention=convention, runnable=runnable,
    )  # fmt: skip


def ladder_of(
    formula: Formula,
    config: Config | None,
    budgets: str | Iterable[Any],
    *,
    aspect: Any = "64..128",
    head_dim: int = 64,
    tolerance: Any = "10%",
    free: Any = None,
    fixed: Mapping[str, Any] | None = None,
    where: Conditions = (),
    convention: str = "unique",
    runnable: bool = True,
) -> Ladder:
    """The ladder for a class, by one of its formulas and its config; see `ladder` and `solve.api.search_for`."""
    texts = [t.strip() for t in budgets.split(",")] if isinstance(budgets, str) else list(budgets)
    windows = [read_budget(b, tolerance, convention) for b in texts]
    if not windows or any(a.target >= b.target for a, b in pairwise(windows)):
        raise BudgetError(
            f"budgets {', '.join(map(str, texts))}: expected one or more, each larger than the one before"
        )
    ranges, rules = family(formula, formula.given(config), head_dim, free, fixed or {})
    conditions = read_where(where)
    conditions += aspect_conditions(formula, aspect)
    answers = [
        search_for(
            formula, config, text, free=ranges, fixed=rules, where=conditions, tolerance=tolerance,
            convention=convention, limit=_CANDIDATES, rank="distance", runnable=runnable,
        ).run()
        for text in texts
    ]  # fmt: skip
    for answer in answers:
        _require(answer)
    chosen = _chain(answers)
    functions = answers[0].space.rules.functions
    return Ladder(
        formula,
        tuple(Rung(window, solution) for window, solution in zip(windows, chosen, strict=True)),
        {n: functions[n] for n in functions},
        answers[0].defaults,
    )


def _require(answer: Solutions) -> None:
    if answer.number:
        return
    [near] = answer.neighbours
    beside = [f"{s.count:,}" for s in (near.below, near.above) if s is not None]
    raise BudgetError(
        f"no config of the family has {answer.budgets[0]} parameters; the nearest have {' and '.join(beside)}; "
        "widen the tolerance or the aspect"
    )


def _chain(answers: Sequence[Solutions]) -> list[Solution]:
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
            among = f", among the {_CANDIDATES:,} nearest of each" if cut else ""
            below = answers[level - 1].budgets[0].target
            raise BudgetError(
                f"no chain of configs rises from {below:,} to {answer.budgets[0].target:,} in every size{among}; "
                "widen the tolerance"
            )
        found.sort(key=lambda item: item[0])
        costs, chains = [c for c, _ in found], [chain for _, chain in found]
    return chains[0]
