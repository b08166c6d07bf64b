"""Running a model's forward pass on the meta device, with symbolic sizes where a trace is running.

Tensors on the meta device have sizes and no content; what code is answered that asks for it all the same is in
`symcount.forward.answers`. What asks for a number that only content says cannot be followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from symcount.concolic.tensors.mode import TENSORS
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import STATE
from symcount.forward.answers import Answers
from symcount.forward.following import Follower, tensors_in
from symcount.forward.inputs import KNOWN, content, inputs
from symcount.forward.places import Places

__all__ = ["Observer", "as_model", "build", "run"]


def as_model(cls: type, what: str, construct: Callable[[Any, Any], None]) -> type:
    """A class of modules that stands for *what* a model of *cls* has (its `cache`), as *construct* makes it."""
    import torch

    def begun(self: Any, config: Any) -> None:
        torch.nn.Module.__init__(self)
        construct(self, config)

    members = {
        "__init__": begun,
        "__module__": cls.__module__,
        "config_class": getattr(cls, "config_class", None),
        "of": cls,
        "observes": what,
    }
    return type(f"{cls.__name__}{what.capitalize()}", (torch.nn.Module,), members)


class Observer(Protocol):
    """Is told of every call of a torch function, with the path of the module that runs."""

    def __call__(self, path: str, func: Any, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
        """What is to be noted of a call."""


def build(cls: type, config: Any, dtype: str = "bfloat16") -> Any:
    """The model, in *dtype*; of a mixture every expert is applied to the tokens routed to it."""
    import torch

    with _default_dtype(getattr(torch, dtype)):
        model = cls(config)
    _moved(model, getattr(torch, dtype))
    for module in model.modules():
        own = getattr(module, "config", None)
        if own is not None and hasattr(own, "_experts_implementation"):
            own._experts_implementation = "batched_mm"
    return model.eval()


def _moved(model: Any, dtype: Any) -> None:
    """Put on the meta device, in *dtype*, what its class makes elsewhere: `torch.FloatTensor(n)` heeds neither."""
    import torch

    if torch.get_default_device().type != "meta" and TENSORS.tracker is None:
        return
    recorder = STATE.recorder
    shape_of = TENSORS.tracker.shape_of if TENSORS.tracker is not None else lambda tensor: tuple(tensor.shape)
    for module in model.modules():
        for name, tensor in module._parameters.items():
            if tensor is not None and tensor.device.type != "meta":
                own = dtype if tensor.is_floating_point() else tensor.dtype
                made = torch.empty(shape_of(tensor), dtype=own, device="meta")
                other = torch.nn.Parameter(made, requires_grad=tensor.requires_grad)
                if recorder is not None and id(tensor) in recorder.made:
                    recorder.made[id(other)] = recorder.made[id(tensor)]
                module._parameters[name] = other


@contextmanager
def _default_dtype(dtype: Any) -> Iterator[None]:
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class _Watch:
    """What happens with each call: shapes are followed, questions are answered, observers are told."""

    def __init__(self, model: Any, observers: Sequence[Observer], *, whole: bool) -> None:
        tracker = TENSORS.tracker
        self.places = Places(model)
        self.answers = Answers(lambda: self.places.here, whole=whole)
        self._follower = Follower(tracker) if tracker is not None else None
        self._observers = observers

    def instead(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """What is given in place of the result of a call; `NotImplemented` where it has one."""
        found = self.answers.instead(func, args, kwargs)
        if found is not NotImplemented:
            self.places.note(found)
        return found

    def __call__(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
        if self._follower is not None:
            self._follower(func, args, kwargs, result)
            self.places.note(result)
        self.answers.note(func, args, kwargs, result, list(tensors_in(result)))
        for observer in self._observers:
            observer(self.places.here, func, args, kwargs, result)


def run(
    model: Any,
    config: Any,
    *observers: Observer,
    dtype: str = "bfloat16",
    cached: bool = True,
    mode: Callable[[Places], Any] | None = None,
) -> tuple[Any, Places]:
    """What the model returns for the inputs that *config* speaks of, and where its modules are.

    Raises:
        DerivationError: the forward pass cannot be followed.
        Exception: whatever the model raises.
    """
    import torch

    # which tokens an expert has decides about what is done, not what is held
    watch = _Watch(model, observers, whole=bool(observers) or mode is not None)
    with ExitStack() as stack:
        stack.enter_context(_default_dtype(getattr(torch, dtype)))
        stack.enter_context(watch.places)
        given = inputs(model, config, cached=cached)
        for name in given.keys() & set(KNOWN):
            watch.answers.contents.learn(given[name], content(name, given[name], config))
        watch.answers.tokens = [given[name] for name in ("input_ids", "decoder_input_ids") if name in given]
        stack.enter_context(_asking())
        tracker = TENSORS.tracker
        if tracker is None:
            stack.enter_context(_mode()(watch))
        else:
            tracker.follow, tracker.limit = watch, None  # what flows is not what the model has
            stack.callback(setattr, tracker, "follow", None)
        if mode is not None:
            stack.enter_context(mode(watch.places))
        return model(**given), watch.places


@contextmanager
def _asking() -> Iterator[None]:
    """What the forward pass uses up as numbers of things is forgotten, and what it asks that no formula says.

    Its loops make no modules. Logarithms and common divisors concern what tensors contain, as slopes that are powers of
    two; where they should decide about their sizes, these are others at other values, which the derivation sees.
    """
    recorder = STATE.recorder
    if recorder is None:
        yield
        return
    before = {id(one): set(one) for one in (recorder.conditions, recorder.predicates, recorder.structural)}
    recorder.running = True
    try:
        yield
    finally:
        recorder.running = False
        for asked in (recorder.conditions, recorder.predicates):
            for key in [k for k in asked if k not in before[id(asked)]]:
                if any(_transcendental(side) for side in (asked[key].left, asked[key].right)):
                    del asked[key]
        for use in [k for k in recorder.structural if k not in before[id(recorder.structural)]]:
            del recorder.structural[use]


def _transcendental(node: Node) -> bool:
    if node.op in ("sym", "const", "index"):
        return False
    return node.op in ("log", "gcd", "pow") or any(_transcendental(a) for a in node.args if isinstance(a, Node))


def _mode() -> Any:
    from torch.overrides import TorchFunctionMode

    class Watching(TorchFunctionMode):
        """Tells of every call of a torch function."""

        def __init__(self, watch: _Watch) -> None:
            super().__init__()
            self._watch = watch

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = self._watch.instead(func, args, kwargs or {})
            if result is NotImplemented:
                result = func(*args, **(kwargs or {}))
            self._watch(func, args, kwargs or {}, result)
            return result

    return Watching
