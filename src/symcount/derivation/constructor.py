"""A class or function that takes its sizes as arguments, as one that takes a config: the arguments are the config.

>>> from symcount.concolic.config.config_source import construct
>>> from torch import nn
>>> constructor, source = as_constructor(nn.Linear, {"in_features": 3, "out_features": 5})
>>> constructor.__name__, source.kwargs["bias"]
('Linear', True)
>>> constructor(construct(source))
Linear(in_features=3, out_features=5, bias=True)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial, wraps
from inspect import Parameter
from typing import Any, Final

from symcount.concolic.config.config_source import PATH_KEY, ConfigSource
from symcount.concolic.python.modules import is_users
from symcount.concolic.python.patches import Patch, Patches
from symcount.concolic.session import quiet
from symcount.errors import DerivationError, OptionError, near

__all__ = ["Constructor", "Passed", "as_constructor", "name_of", "needed", "parameters_of"]

_MANY: Final = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


class Passed:
    """The arguments of a call, each under the name of its parameter; all of them are passed on.

    Attributes:
        symcount_passed: the defaults of the parameters.
    """

    attribute_map: Final[dict[str, str]] = {}
    symcount_passed: Mapping[str, Any] = {}

    def __init__(self, **arguments: Any) -> None:
        vars(self).update(arguments)


class Constructor:
    """Builds models of one class, or by one function, from an object that has the arguments of the call.

    Attributes:
        target: the class or function.
        passed: the class of that object.
        config_parameter: the parameter that is a config by itself, if there is one; its fields are named without it.
    """

    def __init__(self, target: Callable[..., Any]) -> None:
        """Make one of *target*."""
        self.target = target
        self.__name__ = name_of(target)
        self.__module__ = str(getattr(_function(target), "__module__", "") or "")
        self._parameters = parameters_of(target)
        defaults = {p.name: p.default for p in self._parameters if p.default is not Parameter.empty}
        self.passed: type = type("Passed", (Passed,), {"__module__": __name__, "symcount_passed": defaults})

    def __call__(self, arguments: Any) -> Any:
        """The model that these *arguments* make."""
        given = {name: value for name, value in vars(arguments).items() if name != PATH_KEY}
        positional: list[Any] = []
        for parameter in self._parameters:
            if parameter.kind == Parameter.POSITIONAL_ONLY and parameter.name in given:
                positional.append(given.pop(parameter.name))
            elif parameter.kind == Parameter.VAR_POSITIONAL:
                positional += given.pop(parameter.name, ())
        return self.target(*positional, **given)

    def __repr__(self) -> str:
        return f"<constructor of {self.__name__}>"


_KNOWN: Final[dict[int, Constructor]] = {}


def constructor_of(target: Callable[..., Any]) -> Constructor:
    """The constructor of *target*; the same one each time."""
    if id(target) not in _KNOWN:
        _KNOWN[id(target)] = Constructor(target)
    return _KNOWN[id(target)]


def parameters_of(target: Callable[..., Any]) -> tuple[Parameter, ...]:
    """What a class or function takes.

    Raises:
        DerivationError: it does not say that.
    """
    try:
        return tuple(inspect.signature(target).parameters.values())
    except (TypeError, ValueError):
        raise DerivationError(f"{name_of(target)} does not say which arguments it takes") from None


def as_constructor(target: Callable[..., Any], given: Mapping[str, Any]) -> tuple[Constructor, ConfigSource]:
    """The constructor of *target*, and the source of the arguments: those *given*, and the defaults of the others.

    Raises:
        OptionError: an argument that it does not take.
        DerivationError: one that it needs is not given.
    """
    made = constructor_of(target)
    parameters = {p.name: p for p in parameters_of(target)}
    open_ended = any(p.kind == Parameter.VAR_KEYWORD for p in parameters.values())
    named = [name for name, p in parameters.items() if p.kind != Parameter.VAR_KEYWORD]
    for name in given:
        if name not in named and not open_ended:
            raise OptionError(f"{made.__name__} takes no argument {name!r:.80}.{near(name, named)}")
    missing = [n for n in named if n not in given and needed(parameters[n])]
    if missing:
        raise DerivationError(
            f"{made.__name__} needs {', '.join(missing)}: symcount.derive({made.__name__}, {missing[0]}=…)"
        )
    defaults = {n: p.default for n, p in parameters.items() if p.default is not Parameter.empty}
    if open_ended and isinstance(target, type):
        defaults = {**_handed_on(target, given), **defaults}
    return made, ConfigSource(made.passed, {**defaults, **given})


_HANDED_ON: Final[dict[tuple[type, frozenset[str]], dict[str, Any]]] = {}


def _handed_on(cls: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of the classes that *cls* inherits from, for what it hands on as `**kwargs` and does not say itself.

    What it says itself is seen from a call.
    """
    import torch

    if (known_call := (cls, frozenset(given))) in _HANDED_ON:
        return _HANDED_ON[known_call]
    said: dict[type, frozenset[str]] = {}

    def noted(base: type) -> Patch:
        original: Any = vars(base)["__init__"]

        @wraps(original)
        def constructor(self: Any, *args: Any, **kwargs: Any) -> None:
            if type(self) is cls:
                said.setdefault(base, frozenset(inspect.signature(original).bind(self, *args, **kwargs).arguments))
            original(self, *args, **kwargs)

        return Patch(base, "__init__", constructor)

    bases = [b for b in cls.__mro__[1:] if "__init__" in vars(b) and is_users(b.__module__)]
    try:
        with Patches(map(noted, bases)), quiet(), torch.device("meta"):
            cls(**given)
    except Exception:  # noqa: BLE001  # it says what is wrong when the model is derived
        return {}
    found: dict[str, Any] = {}
    for base in bases:
        parameters = parameters_of(base)
        known = said.get(base, frozenset(p.name for p in parameters))
        found |= {
            p.name: p.default
            for p in parameters
            if p.name not in {*known, *found} and p.default is not Parameter.empty and p.kind not in _MANY
        }
        if all(p.kind != Parameter.VAR_KEYWORD for p in parameters):
            break
    _HANDED_ON[known_call] = found
    return found


def needed(parameter: Parameter) -> bool:
    """Whether a call without this parameter is none."""
    return parameter.default is Parameter.empty and parameter.kind not in _MANY


def _function(target: Any) -> Any:
    return _function(target.func) if isinstance(target, partial) else target


def name_of(target: Any) -> str:
    """What a class or function is called, or the one whose arguments it binds."""
    return str(getattr(_function(target), "__name__", type(target).__name__))
