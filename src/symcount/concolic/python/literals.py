"""Float literals to the left of a symbolic integer.

``hidden_size * 0.75`` asks the symbolic integer, but ``0.75 * hidden_size`` is computed by ``float.__mul__``, which
converts any kind of int without asking it. So for the duration of a trace the float literals in the functions that
compute sizes are replaced by floats that do keep the expression (with plain numbers they compute what plain floats
compute). A literal set of numbers, too: `i in {5, 11}` looks for the hash of i, which asks nothing of i that shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

from symcount.concolic.python.patches import Patch
from symcount.concolic.values import expression as ex
from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt


class CodePatch(Patch):
    """Replaces the code of a function."""

    __slots__ = ()

    def __init__(self, function: FunctionType, code: CodeType) -> None:
        self.owner = function
        self.name = "__code__"
        self.replacement = code
        self.original = function.__code__

    def apply(self) -> None:
        """Put the replacement in place."""
        self.owner.__code__ = self.replacement

    def undo(self) -> None:
        """Put the original back."""
        if self.owner.__code__ is self.replacement:
            self.owner.__code__ = self.original


def literal(value: float) -> SymbolicFloat:
    """A float that is the same number, and keeps the expressions of what is computed with it."""
    exact = ex.exact(value)
    return SymbolicFloat.of(value, ex.const(exact), exact)


class _Numbers(frozenset[Any]):
    """A set that compares a symbolic number with its elements, one after the other."""

    def __contains__(self, value: object) -> bool:
        if type(value) is not SymbolicInt:
            return super().__contains__(value)
        return any(value == number for number in sorted(n for n in self if isinstance(n, int)))


@lru_cache(maxsize=8192)
def _with_symbolic_literals(code: CodeType) -> CodeType | None:
    """``code`` (and the functions defined in it) with its literals replaced; ``None`` if it has none of these."""
    constants: list[Any] = []
    for constant in code.co_consts:
        replaced = constant
        if type(constant) is float and math.isfinite(constant):
            replaced = literal(constant)
        elif type(constant) is frozenset and any(type(element) is int for element in constant):
            replaced = _Numbers(constant)
        elif isinstance(constant, CodeType):
            replaced = _with_symbolic_literals(constant) or constant
        constants.append(replaced)
    if all(new is old for new, old in zip(constants, code.co_consts, strict=True)):
        return None
    return code.replace(co_consts=tuple(constants))


def _values(module: ModuleType) -> Iterator[Any]:
    """What a module has a name for, and what is in its tables: `CHOICES = {"even": lambda i: …}`."""
    for value in list(vars(module).values()):
        if type(value) is dict:
            yield from list(value.values())
        elif type(value) in (list, tuple):
            yield from list(value)
        else:
            yield value


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions and methods written in a module, except those that run a model instead of building it."""
    for value in _values(module):
        is_own_class = isinstance(value, type) and value.__module__ == module.__name__
        for member in list(vars(value).values()) if is_own_class else [value]:
            function: Any = member
            if isinstance(member, property):
                function = member.fget
            elif isinstance(member, staticmethod | classmethod):
                function = member.__func__
            elif isinstance(member, cached_property):
                function = member.func
            while hasattr(function, "__wrapped__"):
                function = function.__wrapped__
            is_own = isinstance(function, FunctionType) and function.__globals__ is vars(module)
            if is_own and function.__name__ != "forward":
                yield function


def literals(modules: Iterable[ModuleType]) -> list[Patch]:
    """The patches that let the float literals of ``modules`` keep expressions."""
    patches: list[Patch] = []
    seen: set[FunctionType] = set()
    for module in modules:
        for function in _functions(module):
            code = _with_symbolic_literals(function.__code__) if function not in seen else None
            seen.add(function)
            if code is not None:
                patches.append(CodePatch(function, code))
    return patches
