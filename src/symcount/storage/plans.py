"""The plans of tensor parallelism of transformers' classes: a style for the path of a module or parameter.

A model merges the plan of its own class, that of its config class and those of the models inside it. Where torch and
transformers are installed the real model is asked; otherwise there is the table beside this file, which
`python -m benchmarks.plans` read off the classes of one release.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from symcount.errors import DependencyError, OptionError
from symcount.formulas.formula import Formula
from symcount.verification.report import realised

__all__ = ["plan_of", "table"]


@cache
def table() -> Mapping[str, Any]:
    """The stored plans: the release of `transformers`, the distinct `plans`, and for `classes` the number of theirs."""
    found: dict[str, Any] = json.loads(files("symcount.storage").joinpath("plans.json").read_text("utf-8"))
    return found


def plan_of(formula: Formula) -> tuple[Mapping[str, str], str]:
    """The plan that the model's class has, by path with `*` for indices; and the release that it is stored of.

    Raises:
        DependencyError: torch or transformers is missing, and nothing is stored of the class.
        OptionError: the model has none.
    """
    try:
        found, release = _asked(formula), ""
    except DependencyError:
        stored = table()
        if formula.name not in stored["classes"]:
            raise
        number, release = stored["classes"][formula.name], stored["transformers"]
        found = None if number is None else stored["plans"][number]
    if not found:
        raise OptionError(f"{formula.name}: transformers has no plan of tensor parallelism for it; give one: plan=…")
    return found, release


def _asked(formula: Formula) -> Mapping[str, str] | None:
    """The plan of the real model."""
    _, model = realised(formula, None, {})
    found = getattr(model, "tp_plan", None) or getattr(model, "_tp_plan", None)
    return {str(name): str(style) for name, style in found.items()} if isinstance(found, Mapping) else None
