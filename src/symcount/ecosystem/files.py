"""Models of packages beside transformers, by the files that these write: diffusers and timm."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from symcount.errors import UnknownModelError

if TYPE_CHECKING:
    from symcount.formulas.formula import Formula

__all__ = ["is_of_library", "library_formula", "library_totals"]


def is_of_library(fields: Mapping[str, Any]) -> bool:
    """Whether a config is one of a model of diffusers or timm.

    >>> is_of_library({"_class_name": "AutoencoderKL", "latent_channels": 4})
    True
    >>> is_of_library({"_class_name": "PNDMScheduler"}), is_of_library({"model_type": "bert"})
    (False, False)
    """
    name = fields.get("_class_name")
    if isinstance(name, str):
        parts = any(isinstance(v, list) and len(v) == 2 and isinstance(v[0], str | None) for v in fields.values())
        return not name.endswith(("Scheduler", "Processor", "Pipeline")) or (not parts and "Scheduler" not in name)
    return isinstance(fields.get("architecture"), str) and "model_type" not in fields and "architectures" not in fields


def library_totals(fields: Mapping[str, Any]) -> tuple[str, dict[str, int]]:
    """Name and totals by convention of such a config: by what is stored of it, else by its package's own code.

    Raises:
        SymcountError: see `library_formula`.
    """
    from symcount.ecosystem.store import CONVENTIONS, stored_totals  # only where one is counted

    if (found := stored_totals(fields)) is not None:
        return found
    formula = library_formula(fields)
    return formula.name, {c: formula.count({}, convention=c) for c in CONVENTIONS}


def library_formula(fields: Mapping[str, Any]) -> Formula:
    """The formula of such a config, with its numbers as defaults, derived by the package that the model is of.

    Raises:
        DependencyError: the package is not installed, nor torch.
        UnknownModelError: it has no such model.
        SymcountError: see `symcount.derive`.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing here may reach for the network
    from dataclasses import replace

    from symcount.derivation.api import derive

    name = fields.get("_class_name") or fields.get("architecture")
    if not isinstance(name, str):
        raise UnknownModelError("expected a config of diffusers (_class_name) or of timm (architecture)")
    return replace(derive(dict(fields)), name=name)
