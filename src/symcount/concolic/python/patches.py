"""Replacing attributes of modules and classes for a while, with the guarantee that they come back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, wraps
from types import ModuleType
from typing import Any, Final

from symcount.concolic.values.path import STATE

_ABSENT: Final = object()


class Patch:
    """One replacement of an attribute of a module or class, and how to undo it."""

    __slots__ = ("name", "original", "owner", "replacement")

    def __init__(self, owner: Any, name: str, replacement: Any, original: Any = _ABSENT) -> None:
        self.owner = owner
        self.name = name
        self.replacement = replacement
        self.original = vars(owner).get(name, _ABSENT) if original is _ABSENT else original

    def apply(self) -> None:
        """Put the replacement in place."""
        if isinstance(self.owner, ModuleType):
            vars(self.owner)[self.name] = self.replacement
        else:
            setattr(self.owner, self.name, self.replacement)

    def undo(self) -> None:
        """Put the original back. Harmless if the patch was never applied, or applied and undone."""
        namespace = vars(self.owner)
        if namespace.get(self.name, _ABSENT) is not self.replacement:
            return  # never applied, or replaced by someone else, whose value is not ours to overwrite
        if self.original is _ABSENT:
            if isinstance(self.owner, ModuleType):
                del namespace[self.name]
            else:
                delattr(self.owner, self.name)
        elif isinstance(self.owner, ModuleType):
            namespace[self.name] = self.original
        else:
            setattr(self.owner, self.name, self.original)


class Patches:
    """A context manager that applies patches and undoes all of them, in reverse, whatever happens in between.

    What a signal's handler raises (Ctrl-C, a time limit) while they are being undone is raised after the last one.
    """

    def __init__(self, patches: Iterable[Patch]) -> None:
        self._patches = list(patches)

    def __enter__(self) -> None:
        try:
            for patch in self._patches:
                patch.apply()
        except BaseException:
            self._undo()
            raise

    def __exit__(self, *exception: object) -> None:
        self._undo()

    def _undo(self) -> None:
        finished(self._undo_each)

    def _undo_each(self) -> None:
        while self._patches:
            self._patches[-1].undo()
            self._patches.pop()


def finished(step: Callable[[], None]) -> None:
    """Run a step that may be begun again to its end, and raise then what interrupted it.

    Raises:
        BaseException: what a signal's handler raised meanwhile, or what the step itself raises each time.
    """
    interrupt: BaseException | None = None
    for _ in range(_TRIES):
        try:
            step()
            break
        except BaseException as error:  # noqa: BLE001  # raised again below
            interrupt = error
    if interrupt is not None:
        raise interrupt


#: So many interrupts in a row are outlived; an error of the step's own is met each time.
_TRIES: Final = 100

#: In-place initialisers: on the meta device they cost time and do nothing.
_INITIALISERS: Final = ("uniform_", "normal_", "trunc_normal_", "constant_", "ones_", "zeros_", "xavier_uniform_",
                        "xavier_normal_", "kaiming_uniform_", "kaiming_normal_", "orthogonal_", "eye_")  # fmt: skip


@cache
def _layers() -> tuple[type, ...]:
    """The layers of torch that initialise themselves, which takes a third of the time of their construction."""
    import torch

    found = {c for c in vars(torch.nn).values() if isinstance(c, type) and issubclass(c, torch.nn.Module)}
    return tuple({base for c in found for base in c.__mro__ if "reset_parameters" in vars(base)})


def no_initialisation() -> list[Patch]:
    """Patches that leave out filling tensors with numbers: on the meta device that costs time and does nothing."""
    import torch

    idle = [patch for layer in _layers() for patch in _without_effect(layer, ("reset_parameters",))]
    return [*_without_effect(torch.nn.init, _INITIALISERS), *idle]


def quick_attributes() -> list[Patch]:
    """Patches of `torch.nn.Module` that make its attributes in less time, in the simple cases, which are nearly all.

    They are a new sub-module, a new parameter, and a value that is no tensor under a name that nothing is registered
    under. Torch asks for the rarest case first, in Python, for every attribute of every module, and gives each new
    module its seventeen attributes one by one: a third of the time of a construction.
    """
    import torch
    from torch.nn.modules import module as home

    Module, Parameter, Tensor = torch.nn.Module, torch.nn.Parameter, torch.Tensor  # classes
    hooks, parameter_hooks = home._global_module_registration_hooks, home._global_parameter_registration_hooks
    original: Any = Module.__setattr__
    constructor: Any = Module.__init__
    first = vars(Module())
    values = {name: value for name, value in first.items() if not isinstance(value, dict | set)}
    containers = [(name, type(value)) for name, value in first.items() if name not in values]

    def construct(self: Any, *args: Any, **kwargs: Any) -> None:
        if args or kwargs or self.call_super_init:
            constructor(self, *args, **kwargs)
            return
        own = self.__dict__
        own.update(values)
        for name, kind in containers:
            own[name] = kind()

    def quick(self: Any, name: str, value: Any) -> None:
        own = self.__dict__
        modules = own.get("_modules")
        if modules is None or name in modules or name in own["_parameters"] or name in own["_buffers"]:
            original(self, name, value)
        elif isinstance(value, Module):
            if name in own or hooks:
                original(self, name, value)
            else:
                modules[name] = value
        elif type(value) is Parameter:
            if name in own or parameter_hooks or hasattr(type(self), name):
                original(self, name, value)
            else:
                own["_parameters"][name] = value
        elif issubclass(type(value), Tensor):
            original(self, name, value)
        else:
            object.__setattr__(self, name, value)

    return [
        Patch(Module, "__setattr__", wraps(original)(quick)),
        Patch(Module, "__init__", wraps(constructor)(construct)),
    ]


def _without_effect(owner: ModuleType | type, names: Iterable[str]) -> list[Patch]:
    """Patches that make functions of a module or class return their first argument untouched, in a tracing thread.

    transformers, too, replaces the functions of `torch.nn.init` while it makes a model, and in another thread it may
    put ours back after we have gone. They do nothing then, and the next patch is one of the function behind them.
    """
    plain = {name: _behind(vars(owner)[name]) for name in names}
    return [Patch(owner, name, _skipping(function), function) for name, function in plain.items()]


_SKIPS: Final = "symcount_skips"


def _behind(function: Callable[..., Any]) -> Callable[..., Any]:
    while _SKIPS in vars(function):
        function = vars(function)[_SKIPS]
    return function


def _skipping(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def skipping(*args: Any, **kwargs: Any) -> Any:
        if STATE.recorder is None or not args:
            return function(*args, **kwargs)
        return args[0]

    setattr(skipping, _SKIPS, function)
    return skipping
