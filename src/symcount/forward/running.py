"""Running a model's forward pass on the meta device, with symbolic sizes where a trace is running.

Tensors on the meta device have sizes and no content, so code that asks for the content is answered as for an input
without padding, whose tokens are ordinary ones: `mask.all()` is true, `(ids == special).any()` is false. What asks for
a number that only content says cannot be followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol, cast

from symcount.concolic.python.patches import Patch, Patches
from symcount.concolic.tensors.mode import TENSORS
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import STATE
from symcount.errors import DerivationError
from symcount.forward.following import Follower, tensors_in
from symcount.forward.inputs import inputs
from symcount.forward.places import Places

__all__ = ["Observer", "as_model", "build", "run"]


#: Questions about content whose answer is yes.
_AFFIRMED = ("all", "allclose", "equal", "_is_all_true")


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
    for module in model.modules():
        own = getattr(module, "config", None)
        if own is not None and hasattr(own, "_experts_implementation"):
            own._experts_implementation = "batched_mm"
    return model.eval()


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
    """What happens with each call: shapes are followed, questions are prepared for, observers are told."""

    def __init__(self, model: Any, observers: Sequence[Observer]) -> None:
        tracker = TENSORS.tracker
        self.places = Places(model)
        self._follower = Follower(tracker) if tracker is not None else None
        self._observers = observers
        self._true: dict[int, Any] = {}
        self._chosen: dict[int, Any] = {}

    def __call__(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
        if self._follower is not None:
            self._follower(func, args, kwargs, result)
            self.places.note(result)
        if getattr(func, "__name__", "") in _AFFIRMED and hasattr(result, "new_empty"):
            self._true[id(result)] = result
        if self._chosen and args and id(args[0]) in self._chosen:
            self._chosen.update((id(tensor), tensor) for tensor in tensors_in(result))
        for observer in self._observers:
            observer(self.places.here, func, args, kwargs, result)

    def choose(self, *tensors: Any) -> tuple[Any, ...]:
        """Note that tensors are indices of what was chosen."""
        self._chosen.update((id(tensor), tensor) for tensor in tensors)
        return tensors

    def chosen(self, tensor: Any) -> bool:
        """Whether it is the index of something that was chosen, as an expert: any will do."""
        return id(tensor) in self._chosen

    def truth(self, tensor: Any) -> bool:
        """The answer to a question about the content of a tensor."""
        return id(tensor) in self._true


def _answers(watch: _Watch) -> list[Patch]:
    import torch

    truth, item = torch.Tensor.__bool__, torch.Tensor.item

    def __bool__(self: Any) -> bool:  # noqa: N807  # it takes the place of that method
        return watch.truth(self) if self.device.type == "meta" else truth(self)

    def answered(self: Any) -> Any:
        if self.device.type != "meta":
            return item(self)
        if self.dtype is torch.bool:
            return watch.truth(self)
        if watch.chosen(self):
            return 0
        raise DerivationError(
            f"the forward pass asks for a number that is the content of a tensor, in {watch.places.here}"
        )

    return [Patch(torch.Tensor, "__bool__", __bool__), Patch(torch.Tensor, "item", answered)]


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

    watch = _Watch(model, observers)
    with ExitStack() as stack:
        stack.enter_context(_default_dtype(getattr(torch, dtype)))
        stack.enter_context(watch.places)
        stack.enter_context(Patches(_answers(watch)))
        if not observers and mode is None:  # which tokens an expert has decides about what is done, not what is held
            stack.enter_context(Patches(_choices(watch)))
        given = inputs(model, config, cached=cached)
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


def _choices(watch: _Watch) -> list[Patch]:
    """Of what has no content one entry is chosen, whatever asks for those that are not zero."""
    import torch

    nonzero, where = cast("Any", torch.nonzero), cast("Any", torch.where)

    def chosen(tensor: Any, *, as_tuple: bool = False) -> Any:
        if tensor.device.type != "meta":
            return nonzero(tensor, as_tuple=as_tuple)
        if as_tuple:
            return watch.choose(*(torch.empty((1,), dtype=torch.long, device="meta") for _ in range(tensor.ndim)))
        return watch.choose(torch.empty((1, tensor.ndim), dtype=torch.long, device="meta"))[0]

    def among(*args: Any, **kwargs: Any) -> Any:
        return chosen(args[0], as_tuple=True) if len(args) == 1 and not kwargs else where(*args, **kwargs)

    return [
        Patch(torch, "nonzero", chosen),
        Patch(torch.Tensor, "nonzero", chosen),
        Patch(torch, "where", among),
    ]


def _mode() -> Any:
    from torch.overrides import TorchFunctionMode

    class Watching(TorchFunctionMode):
        """Tells of every call of a torch function."""

        def __init__(self, watch: _Watch) -> None:
            super().__init__()
            self._watch = watch

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            self._watch(func, args, kwargs or {}, result)
            return result

    return Watching
