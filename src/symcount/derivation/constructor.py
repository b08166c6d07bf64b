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
from functools import partial
from inspect import Parameter
from typing import Any, Final

from symcount.concolic.config.config_source import PATH_KEY, ConfigSource
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
    return made, ConfigSource(made.passed, {**defaults, **given})


def needed(parameter: Parameter) -> bool:
    """Whether a call without this parameter is none."""
    return parameter.default is Parameter.empty and parameter.kind not in _MANY


def _function(target: Any) -> Any:
    return _function(target.func) if isinstance(target, partial) else target


def name_of(target: Any) -> str:
    """What a class or function is called, or the one whose arguments it binds."""
    return str(getattr(_function(target), "__name__", type(target).__name__))
