"""A model's forward pass as a module: its operations are the parameters, each with the sizes that it multiplies."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from symcount.concolic.tensors.mode import TENSORS
from symcount.concolic.values.path import STATE
from symcount.forward.operations import Operations
from symcount.forward.running import as_model, build, run

__all__ = ["MARK", "operations_module"]

#: Between the name of an operation and what is known of it: how many gradients it needs, and whether it is causal.
MARK = ":"


@lru_cache(maxsize=256)
def operations_module(cls: type) -> type:
    """The class whose instances have the operations of the forward pass of a model of *cls* as parameters.

    A parameter stands in the module that ran, and has the sizes whose product is the number of operations. Its name
    says what the operation is, and of how many of its operands a gradient is needed, and whether it is causal.
    """
    import torch

    def construct(self: Any, config: Any) -> None:
        model = build(cls, config, "float32")
        tracker, recorder = TENSORS.tracker, STATE.recorder
        shape_of = tracker.shape_of if tracker is not None else _shape_of
        modules = dict(model.named_modules(remove_duplicate=False))
        noted = Operations(
            shape_of,
            len(recorder.here()) if recorder is not None else 0,
            lambda path: bool(getattr(modules.get(path), "is_causal", False)),
        )
        places = run(model, config, noted, dtype="float32", cached=False)[1]
        for path, name, one in noted.collected():
            owner, source = self, ""
            for part in filter(None, path.split(".")):
                source = f"{source}.{part}" if source else part
                if part not in owner._modules:
                    owner.add_module(part, _like(type(modules[source]).__name__, type(modules[source]).__module__)())
                owner = owner._modules[part]
            tensor = torch.empty(one.sizes)
            if recorder is not None and (made := places.iterations(path)):
                recorder.place(tensor, made)
            full = f"{name}{MARK}{one.gradients}{'c' if one.causal else ''}"
            owner.register_parameter(full, torch.nn.Parameter(tensor, requires_grad=False))

    return as_model(cls, "operations", construct)


def _shape_of(tensor: Any) -> tuple[int, ...]:
    return tuple(tensor.shape)


@lru_cache(maxsize=4096)
def _like(name: str, module: str) -> Any:
    """An empty module class of that name."""
    import torch

    return type(name, (torch.nn.Module,), {"__module__": module})
