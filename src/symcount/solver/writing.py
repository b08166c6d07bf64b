"""Configs as transformers reads them, checked against the real model before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from symcount.core.files import replacing
from symcount.errors import ConfigError, VerificationError
from symcount.formulas.formula import Formula
from symcount.solver.solution import Solution

__all__ = ["write_configs"]


def write_configs(
    solutions: Mapping[str, Solution], directory: Path, *, check: bool, overwrite: bool
) -> tuple[Path, ...]:
    """Write the config of each solution to a folder of its own, after all of them are checked; see `Ladder.write`."""
    configs = {label: solution.config() for label, solution in solutions.items()}
    files = {
        label: directory / f"{_name(solution.formula)}-{label}" / "config.json" for label, solution in solutions.items()
    }
    for file in files.values():
        if file.exists() and not overwrite:
            raise ConfigError(f"{file} is there already; choose another directory, or allow it to be replaced")
    if check:
        for label, solution in solutions.items():
            _check(solution.formula, label, configs[label], solution.counts)
    for label, file in files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{file.parent}: {error.strerror or error}") from None
        with replacing(file) as temporary:
            temporary.write_text(json.dumps(configs[label], indent=2) + "\n", encoding="utf-8")
    return tuple(files.values())


def _name(formula: Formula) -> str:
    return formula.model_type or formula.name.lower()


def _check(formula: Formula, label: str, config: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """Build the real model on the meta device.

    Raises:
        VerificationError: it does not have the count.
    """
    from symcount.verification.report import verify

    report = verify(formula, dict(config))
    for convention, count in counts.items():
        if convention not in report.totals:  # bytes: the real model is compared in its parameters
            continue
        real = report.totals[convention].model
        if not report.exact or (real is not None and real != count):
            first = next(iter(map(str, report.differences)), f"{convention}: {real:,}")
            raise VerificationError(
                f"{label}: {count:,} parameters by the formula, but the real model differs: {first}"
            )
