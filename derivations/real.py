"""Numbers that PyTorch counts in a real model of transformers: what every step of a derivation is held against.

Nothing here knows the formulas: a model is built on the meta device, its modules are walked, its tensors are added up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from symcount.formulas.formula import Formula
from symcount.verification import real_model

__all__ = ["buffers", "build", "counted"]


def build(formula: Formula, sizes: Mapping[str, int]) -> Any:
    """The class that *formula* speaks of, at *sizes* (by letter), on the meta device: shapes without memory."""
    model = real_model.model_class(formula.name, formula.model_type)
    fields = {formula.notation[letter].field: size for letter, size in sizes.items()}
    return real_model.build(model, real_model.make_config(model, fields), {})


def counted(model: Any, patterns: Iterable[str], kind: str | None = None, convention: str = "unique") -> int:
    """The elements of the tensors of *model* whose full name fits one of *patterns*.

    Args:
        model: a torch module.
        patterns: shell-style patterns for names as in `named_parameters()`.
        kind: only tensors of modules of this class.
        convention: `unique`: each tensor once; `per_layer`: once for each layer that holds it, a layer being a module
            without children; `trainable`: each once, unless it is frozen.
    """
    wanted, sizes, holders = tuple(patterns), {}, defaultdict(int)
    for path, module in model.named_modules():
        if kind not in (None, type(module).__name__):
            continue
        for name, tensor in module.named_parameters(recurse=False):
            full = f"{path}.{name}" if path else name
            if not any(fnmatchcase(full, pattern) for pattern in wanted):
                continue
            if convention == "trainable" and not tensor.requires_grad:
                continue
            sizes[id(tensor)] = tensor.numel()
            holders[id(tensor)] += not any(True for _ in module.children())
    often = convention == "per_layer"
    return sum(size * (max(1, holders[key]) if often else 1) for key, size in sizes.items())


def buffers(model: Any, pattern: str = "*") -> int:
    """The elements of the buffers whose name fits *pattern*: tensors that a model carries along, but does not learn."""
    return sum(buffer.numel() for name, buffer in model.named_buffers() if fnmatchcase(name, pattern))
