"""Where in a model the code is while it runs: the path of the module whose forward pass it is in."""

from __future__ import annotations

from typing import Any, Self

from symcount.concolic.values.path import STATE, Iteration
from symcount.forward.following import tensors_in

__all__ = ["Places"]


class Places:
    """The modules whose forward passes are running, innermost last; a context in which they are known."""

    def __init__(self, model: Any) -> None:
        """Know the paths of the modules of *model*; one that is at several places is where it is called."""
        self._paths: dict[int, tuple[Any, list[str]]] = {}  # id -> the module, which keeps the id taken, and its paths
        for path, module in model.named_modules(remove_duplicate=False):
            self._paths.setdefault(id(module), (module, []))[1].append(path)
        self._model = model
        self._stack: list[str] = []
        self._hooks: list[Any] = []
        self._made: dict[str, tuple[Iteration, ...]] = {}

    @property
    def here(self) -> str:
        """The path of the innermost module that is running."""
        return self._stack[-1] if self._stack else ""

    def __enter__(self) -> Self:
        from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

        self._hooks = [
            register_module_forward_pre_hook(lambda module, _: self._stack.append(self._path(module))),
            register_module_forward_hook(lambda *_: self._left(), always_call=True),
        ]
        recorder = STATE.recorder
        if recorder is not None:
            for path, parameter in self._model.named_parameters():
                made = recorder.place_of(parameter)
                for end in range(path.count(".") + 1):
                    self._made.setdefault(path.rsplit(".", end + 1)[0], made)
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _path(self, module: Any) -> str:
        """The path of a module; one that was put into the model while it ran is looked for anew."""
        if id(module) not in self._paths:
            named = self._model.named_modules(remove_duplicate=False)
            self._paths[id(module)] = module, [path for path, one in named if one is module] or [self.here]
        paths = self._paths[id(module)][1]
        return next((path for path in paths if path.startswith(f"{self.here}.")), paths[0])

    def _left(self) -> None:
        if self._stack:
            self._stack.pop()

    def iterations(self, path: str) -> tuple[Iteration, ...]:
        """In which iterations of the constructor's loops the module there was made.

        A module that is shared has those of the module that it is in.
        """
        while path and path not in self._made:
            path = path.rpartition(".")[0]
        return self._made.get(path, ())

    def note(self, result: Any) -> None:
        """Note of new tensors in which iterations the module that runs was made: they are of the same layer."""
        recorder, made = STATE.recorder, self.iterations(self.here)
        if recorder is not None and made:
            for tensor in tensors_in(result):
                recorder.place(tensor, made, anew=False)
