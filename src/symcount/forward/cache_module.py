"""A model's cache as a module: its tensors are the parameters, so that all that derives a formula derives its size."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from symcount.errors import DerivationError
from symcount.forward.running import as_model, build, run
from symcount.forward.states import OUTPUTS, placed, states

__all__ = ["DTYPE", "KIND", "MARK", "cache_module"]

#: The dtype of the model whose cache is looked at: tensors of another one have that whatever the model's is.
DTYPE = "bfloat16"
#: Between the name of a tensor and its dtype, where that is not the model's.
MARK = ":"
#: Before the name of a class that stands for the module above it: layers of several classes are in one list.
KIND = "@"


@cache
def _kind(name: str) -> type:
    import torch

    return type(name, (torch.nn.Module,), {})


@lru_cache(maxsize=256)
def cache_module(cls: type) -> type:
    """The class whose instances have, as parameters, the tensors of the cache of a model of *cls*."""
    import torch

    def construct(self: Any, config: Any) -> None:
        model = build(cls, config, DTYPE)
        with torch.no_grad():
            output, _ = run(model, config, dtype=DTYPE)
        found = next((c for n in OUTPUTS if (c := getattr(output, n, None)) is not None), None)
        if found is None:
            raise DerivationError(f"{cls.__name__} has no cache: its forward pass returns none")
        for path, kind, tensor in states(found):
            place, name = placed(path)
            owner = self
            for part in (*place, *([f"{KIND}{kind}"] if place else [])):
                if part not in owner._modules:
                    owner.add_module(part, _kind(kind)())
                owner = owner._modules[part]
            dtype = str(tensor.dtype).removeprefix("torch.")
            if dtype != DTYPE:
                name = f"{name}{MARK}{dtype}"
            owner.register_parameter(name, torch.nn.Parameter(tensor, requires_grad=False))

    return as_model(cls, "cache", construct)
