"""Following symbolic shapes from ``torch.empty((out, in))`` to the parameter that is registered.

PyTorch's C++ sees plain integers, but a ``TorchFunctionMode`` sees the arguments before. The mode used here takes the
place of ``torch.device("meta")``, which is such a mode itself, so following shapes costs little more than using the
meta device does.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache, wraps
from typing import Any, Final, Protocol

from symcount.concolic.python.builtins import shadow_type, unshadowed
from symcount.concolic.python.patches import Patch
from symcount.concolic.refusals import TooManyTensorsError
from symcount.concolic.tensors.blanks import Made, computed, sized
from symcount.concolic.tensors.passing import passing, written
from symcount.concolic.tensors.shape_rules import agreeing, rules
from symcount.concolic.tensors.view_rules import Dims, Rule
from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt
from symcount.concolic.values.path import STATE, record_structural


class Following(Protocol):
    """Is told of every call of a torch function while a model runs, and may give a result in place of its own."""

    def instead(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """What is given in place of the result of a call; `NotImplemented` where it has one."""

    def __call__(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
        """What is to be done about a call."""


class Tracker:
    """The symbolic shapes of the tensors of one trace. Tensors are held, so that identities stay unique."""

    def __init__(self, limit: int | None = None) -> None:
        self._known: dict[int, tuple[Any, Dims]] = {}
        self.limit = limit
        self.made: Made = {}
        self.follow: Following | None = None  # while a model runs

    def shape_of(self, tensor: Any) -> Dims:
        """The symbolic shape of a tensor if known, otherwise its plain one."""
        known = self._known.get(id(tensor))
        return known[1] if known is not None else tuple(tensor.shape)

    def known(self, tensor: Any) -> Dims | None:
        """The symbolic shape of a tensor, if known."""
        known = self._known.get(id(tensor))
        return None if known is None else known[1]

    def learn(self, tensor: Any, dims: Dims) -> None:
        """Note the symbolic shape of a tensor, and in which iterations of the code's loops it was made."""
        self._known[id(tensor)] = (tensor, dims)
        if STATE.recorder is not None and STATE.recorder.iterations:
            STATE.recorder.place(tensor, STATE.recorder.here(), anew=False)
        if self.limit is not None and len(self._known) > self.limit:
            raise TooManyTensorsError(f"the model has more than {self.limit} tensors at these values")

    def empty(self, args: Sequence[Any], dtype: Any) -> Any:
        """What `torch.empty(*args)` makes; `None` if *args* are not just a size."""
        dims = tuple(args[0]) if len(args) == 1 and isinstance(args[0], list | tuple) else args
        tensor = sized(self.made, dims, dtype) if args else None
        if tensor is not None and SymbolicInt in map(type, dims):
            self.learn(tensor, tuple(dims))
        return tensor

    def apply(self, rule: Rule, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
        """Find the symbolic shape of the result of a torch function."""
        try:
            dims = agreeing(rule(self.shape_of, args, kwargs, result), result.shape)
        except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError):
            return  # a form of call that the rule does not foresee: the result has no symbolic shape
        if dims is not None:
            self.learn(result, dims)
        if result.device.type != "meta":
            self._data(args)

    def apply_each(self, rule: Any, args: Sequence[Any], kwargs: dict[str, Any], results: Sequence[Any]) -> None:
        """Find the symbolic shapes of several results by a rule that gives one for each."""
        try:
            each = rule(self.shape_of, args, kwargs, results)
            found = [agreeing(dims, one.shape) for dims, one in zip(each, results, strict=True)]
        except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError):
            return  # the same
        for one, dims in zip(results, found, strict=True):
            if dims is not None:
                self.learn(one, dims)

    @staticmethod
    def _data(args: Sequence[Any]) -> None:
        """A symbolic number became the *content* of a real tensor, where no expression can follow it: report it."""
        for argument in args:
            if isinstance(argument, SymbolicInt | SymbolicFloat):
                record_structural("data", argument.node)
            elif isinstance(argument, list | tuple):
                Tracker._data(argument)


#: Arguments that every factory of a given size has, and those with which what it makes is only a matter of the size.
_SIZED: Final = {"size", "device", "dtype", "requires_grad"}
_PLAIN: Final = {"device", "dtype"}


class _State(threading.local):
    tracker: Tracker | None = None


TENSORS: Final = _State()


@lru_cache(maxsize=1)
def _mode_class() -> Any:
    import torch
    from torch.utils._device import DeviceContext, _device_constructors

    table = rules()
    # linspace makes schedules (stochastic depth) that are read back number by number, which the meta device cannot do.
    on_device = _device_constructors() - {torch.linspace}
    # What a tensor is filled with does not matter, and on the meta device filling it takes several times as long.
    filled = {torch.empty, torch.ones, torch.zeros, torch.rand, torch.randn}
    shape: Any = torch.Tensor.shape
    sizes = {shape.__get__, torch.Tensor.size, torch.Tensor.numel, torch.Tensor.nelement}
    parts = {torch.Tensor.unbind, torch.unbind, torch.Tensor.tolist}  # `for x in tensor` is the first of them
    quick = computed()
    tensor_class = torch.Tensor

    class TracingMode(DeviceContext):
        """``torch.device("meta")`` that also follows symbolic shapes."""

        def __init__(self, tracker: Tracker) -> None:
            super().__init__("meta")
            self.tracker = tracker

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            kwargs, follow = kwargs or {}, self.tracker.follow
            if follow is None:
                return self._called(func, args, kwargs)
            result = follow.instead(func, args, kwargs)
            if result is NotImplemented:
                result = self._called(func, args, kwargs)
            follow(func, args, kwargs, result)
            return result

        def _called(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
            """What the call gives, with its shape if a rule says that."""
            if (given := kwargs.get("dtype")) is not None and isinstance(given, type):
                kwargs["dtype"] = unshadowed(given)  # `int` may be meant, in code where it is shadowed
            make = quick.get(func)
            result = make(self.tracker.made, args, kwargs) if make is not None else None
            if result is None and self.tracker.follow is not None:
                result = _flowing(func, args, kwargs)
            if result is None and func in on_device and kwargs.get("device") is None:
                if func in filled and self.tracker.follow is None:
                    if kwargs.keys() <= _PLAIN:
                        result = self.tracker.empty(args, kwargs.get("dtype"))
                        if result is not None:
                            return result
                    if kwargs.keys() <= _SIZED:
                        func = torch.empty
                kwargs["device"] = self.device
            if result is None:
                result = func(*args, **kwargs)
            rule = table.get(func)
            if rule is not None:
                if isinstance(result, tensor_class):
                    self.tracker.apply(rule, args, kwargs, result)
            elif func in parts:
                _gone_through(self.tracker.known(args[0]))
            elif func in sizes:
                return _sizes(self.tracker.known(args[0]), result, args, kwargs)
            return result

    return TracingMode


def _flowing(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The result of a call in a forward pass, if sizes and types say all of it, or if it is written into such a one."""
    import torch

    if (make := passing().get(func)) is not None:
        return make(args, kwargs)
    if written(func, args):
        with torch.no_grad():
            result = func(*args, **kwargs)
        return args[0] if result is None else result  # what is assigned to has no result
    return None


def _sizes(dims: Dims | None, result: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The symbolic version of ``tensor.shape``, ``tensor.size()``, ``tensor.size(dim)`` and ``tensor.numel()``."""
    import math

    import torch

    if dims is None:
        return result
    if isinstance(result, torch.Size):
        return torch.Size(dims)
    dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
    symbolic = math.prod(dims) if dim is None else dims[dim]
    return symbolic if int(symbolic) == result else result


def _gone_through(dims: Dims | None) -> None:
    """Code goes through a tensor part by part: so there are as many things as it is long."""
    if dims and isinstance(dims[0], SymbolicInt):
        record_structural("repeat", dims[0].node)


def tracing_mode(tracker: Tracker) -> Any:
    """The context in which a model is constructed."""
    return _mode_class()(tracker)


def patches() -> list[Patch]:
    """Constructors that no ``TorchFunctionMode`` sees: ``Parameter(t)``, ``Tensor(2, 3)``, ``FloatTensor(2)``.

    And ``tensor([0], dtype=int)``, where ``int`` is shadowed: torch's own parser refuses what is no type of its own.
    """
    import torch
    from torch.utils._device import _device_constructors

    _device_constructors(), rules(), _mode_class()  # which remember torch's own functions at their first call

    def constructed(self: Any, *args: Any, **kwargs: Any) -> None:
        # Tensor has no __init__ of its own; its work is done in __new__, so there is nothing to call.
        tracker, recorder = TENSORS.tracker, STATE.recorder
        if tracker is None or recorder is None:
            return
        data = args[0] if args else kwargs.get("data")
        recorder.place(self, recorder.here() or recorder.place_of(data))
        if isinstance(data, torch.Tensor):
            dims = tracker.known(data)
            if dims is not None:
                tracker.learn(self, dims)
        elif data is not None:
            _learn_sizes(tracker, self, args)

    def float_tensor(*args: Any, **kwargs: Any) -> Any:
        tensor = original(*args, **kwargs)
        if TENSORS.tracker is not None:
            _learn_sizes(TENSORS.tracker, tensor, args)
        return tensor

    original: Any = torch.FloatTensor
    return [
        Patch(torch.Tensor, "__init__", constructed),
        Patch(torch, "FloatTensor", shadow_type(original, float_tensor)),
        *(Patch(torch, name, _typed(getattr(torch, name))) for name in ("tensor", "ones")),
    ]


def _typed(function: Any) -> Any:
    """*function* of torch, for which a shadow of ``int`` is ``int``."""

    @wraps(function)
    def made(*args: Any, **kwargs: Any) -> Any:
        given = kwargs.get("dtype")
        if given is not None and isinstance(given, type):
            kwargs["dtype"] = unshadowed(given)
        return function(*args, **kwargs)

    return made


def _learn_sizes(tracker: Tracker, tensor: Any, args: Sequence[Any]) -> None:
    import torch

    if any(isinstance(dim, SymbolicInt) for dim in args):
        with torch._C.DisableTorchFunction():
            dims = agreeing(args, tensor.shape)
        if dims is not None:
            tracker.learn(tensor, dims)
