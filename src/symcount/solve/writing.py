"""Configs as transformers reads them, checked against the real model before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

from symcount.architectures import find
from symcount.errors import ConfigError, UnknownModelError, VerificationError
from symcount.formula import Formula
from symcount.solve.files import whole
from symcount.solve.sizes import main_sizes
from symcount.solve.solution import Solution

__all__ = ["config_of", "with_open", "write_configs"]

_TRIED = 4096  # values of an open symbol


def config_of(formula: Formula, values: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a `config.json` for *values* (by letter).

    Raises:
        ConfigError: the formula is not of a model of transformers, or a field is part of a list.

    >>> import symcount as sc
    >>> config_of(sc.formula("gpt2"), {"V": 50257, "L": 1024, "H": 768, "N": 12, "A": 12})["n_embd"]
    768
    """
    if not formula.model_type or not formula.name:
        raise ConfigError(f"{formula.name or 'this formula'} is no model of transformers; there is no config to write")
    try:
        architecture = find(formula.name)
        arguments = {*architecture.arguments, *architecture.decided}
    except UnknownModelError:  # a derived formula's options are all config fields
        arguments = set()
    config: dict[str, Any] = {"architectures": [formula.name], "model_type": formula.model_type}
    switches = {n: v for n, v in formula.options.items() if isinstance(v, bool) and n not in arguments}
    fields = {formula.notation[letter].field: value for letter, value in values.items()}
    for path, value in {**switches, **fields}.items():
        if "[" in path:
            raise ConfigError(f"{path} is part of a list; a config of {formula.name} cannot be written")
        *parents, last = path.split(".")
        target = config
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = float(value) if isinstance(value, Fraction) else value
    return config


def with_open(formula: Formula, values: Mapping[str, Any]) -> dict[str, Any]:
    """*values*, and admissible ones of the symbols that only a condition speaks of: nearest to the usual proportions.

    >>> import symcount as sc
    >>> with_open(sc.formula("gpt2"), {"V": 50257, "L": 1024, "H": 896, "N": 8})["A"]
    14
    """
    found = dict(values)
    usual = formula.given()
    width, _ = main_sizes(formula)
    share = Fraction(values[width], usual[width]) if width in values and usual.get(width) else Fraction(1)
    conditions = [c for c in formula.domain if not {s.name for s in c.symbols} <= values.keys()]
    waiting = [e for e in formula.notation if any(e.symbol in c.symbols for c in conditions) and e.letter not in values]
    for e in waiting:
        found[e.letter] = max(1, e.minimum)  # which always fits, see `Rules`
    for e in waiting:
        if e.letter not in usual:
            continue
        wanted = usual[e.letter] * (share if e.scales else 1)
        own = [c for c in conditions if e.symbol in c.symbols and {s.name for s in c.symbols} <= found.keys()]
        most = min(2 * ceil(wanted), _TRIED)
        for number in sorted(range(max(1, e.minimum), most + 1), key=lambda n: (abs(n - wanted), -n)):
            if all(c.holds({**found, e.letter: number}) for c in own):
                found[e.letter] = number
                break
    return {e.letter: found[e.letter] for e in formula.notation if e.letter in found}


def write_configs(
    solutions: Mapping[str, Solution], directory: Path, *, check: bool, overwrite: bool
) -> tuple[Path, ...]:
    """Write the config of each solution to a folder of its own, after all of them are checked; see `Ladder.write`."""
    configs = {label: solution.config() for label, solution in solutions.items()}
    files = {
        label: directory / f"{solution.formula.model_type}-{label}" / "config.json"
        for label, solution in solutions.items()
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
        with whole(file) as temporary:
            temporary.write_text(json.dumps(configs[label], indent=2) + "\n", encoding="utf-8")
    return tuple(files.values())


def _check(formula: Formula, label: str, config: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """Build the real model on the meta device.

    Raises:
        VerificationError: it does not have the count.
    """
    from symcount.verify import verify

    report = verify(formula, dict(config))
    for convention, count in counts.items():
        real = report.totals[convention].model
        if not report.exact or (real is not None and real != count):
            first = next(iter(map(str, report.differences)), f"{convention}: {real:,}")
            raise VerificationError(
                f"{label}: {count:,} parameters by the formula, but the real model differs: {first}"
            )
