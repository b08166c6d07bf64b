"""The boundary to code that is not ours: whatever it raises becomes one error of the family, about one input."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import ParamSpec, TypeVar

from symcount.errors import ForeignError, SymcountError

__all__ = ["foreign", "guarded", "guarded_methods"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_C = TypeVar("_C", bound=type)
_LONGEST = 320


def foreign(error: Exception) -> ForeignError:
    """An exception of other code in one line: its kind, and the beginning and the end of what it says.

    >>> str(foreign(KeyError("x")))
    "KeyError: 'x'"
    """
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  # code that raises anything may also raise when it is asked what it said
        text = ""
    if len(text) > _LONGEST:  # what went wrong may be said first or, behind a module's description, last
        text = f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"
    return ForeignError(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def guarded(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """*function*, but an exception that is none of symcount's is raised as a `ForeignError` with that as its cause.

    The model and config classes, torch, SymPy and the rest raise what they like, up to `RecursionError` and
    `MemoryError`; who counts many models is to lose one by it, not all. A call with wrong arguments stays a
    `TypeError`, and interrupts pass.

    >>> @guarded
    ... def half(number):
    ...     return number // 2
    >>> half("8")
    Traceback (most recent call last):
        ...
    symcount.errors.ForeignError: TypeError: unsupported operand type(s) for //: 'str' and 'int'
    """

    @wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return function(*args, **kwargs)
        except SymcountError:
            raise
        except Exception as error:
            below = error.__traceback__.tb_next if error.__traceback__ is not None else None
            if isinstance(error, TypeError) and below is None:  # it was never entered
                raise
            raise foreign(error) from error

    return call


def guarded_methods(cls: _C) -> _C:
    """*cls*, each of its own public methods `guarded`.

    >>> @guarded_methods
    ... class Half:
    ...     def of(self, number):
    ...         return number // 2
    >>> Half().of("8")
    Traceback (most recent call last):
        ...
    symcount.errors.ForeignError: TypeError: unsupported operand type(s) for //: 'str' and 'int'
    """
    for name, method in list(vars(cls).items()):
        if isinstance(method, FunctionType) and not name.startswith("_"):
            setattr(cls, name, guarded(method))
    return cls
