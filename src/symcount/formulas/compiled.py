"""A total as a fast function of its letters: exact integers in, an exact integer out, or an error naming the letter.

The functions pickle: a pool of processes may have them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from inspect import Parameter, Signature
from types import CodeType, FunctionType
from typing import Any, Final

from sympy import Expr

from symcount.core.notation import Entry
from symcount.core.values import exact, title
from symcount.errors import MissingSymbolError, UnknownSymbolError
from symcount.exact.evaluate import code_of, translated
from symcount.exact.vector import vector_function

__all__ = ["Compiled", "scalar", "vector"]

_LEFT_OUT: Final = object()
_OTHERS = "_others"  # no letter begins with an underscore


class Compiled(partial[Any]):
    """A function that was compiled from an expression; it pickles as the expression. Made by `scalar` and `vector`."""

    __slots__ = ("__signature__", "made_by", "made_of")

    __signature__: Signature
    made_by: Callable[..., Compiled]
    made_of: tuple[Any, ...]

    @classmethod
    def of(cls, call: Callable[..., Any], letters: list[str], by: Callable[..., Compiled], *of: Any) -> Compiled:
        """The function *call* of keywords, as *by* made it of *of*."""
        made = cls(call)
        made.made_by, made.made_of = by, of
        made.__signature__ = Signature([Parameter(n, Parameter.POSITIONAL_OR_KEYWORD) for n in letters])
        return made

    def __reduce__(self) -> Any:
        return self.made_by, self.made_of

    def __repr__(self) -> str:
        return f"<{self.made_of[0]} as a function of {', '.join(self.__signature__.parameters)}>"


def scalar(expression: Expr, entries: tuple[Entry, ...]) -> Compiled:
    """*expression* as a function of Python's integers, of any size; other kinds of integers are taken, too.

    Raises (the function):
        DomainError: an argument is no integer, or the value is none.
        MissingSymbolError, UnknownSymbolError: an argument is left out, or is no letter of the expression.

    >>> from symcount.core.notation import entry
    >>> area = scalar(entry("H").symbol * entry("I").symbol, (entry("H"), entry("I")))
    >>> area(H=3, I=5)
    15
    >>> area(H=3, I=2.5)
    Traceback (most recent call last):
    ...
    symcount.errors.DomainError: I (intermediate_size): expected an integer of at least 1, got 2.5
    """
    letters = [e.letter for e in entries]
    body, scope = translated(expression, letters)
    plain = FunctionType(code_of(body, letters), scope)

    def careful(others: Mapping[str, Any], *given: Any) -> Any:
        if others:
            raise UnknownSymbolError(f"unknown symbol {', '.join(others)}: this function has {', '.join(letters)}")
        if missing := [title(e) for e, value in zip(entries, given, strict=True) if value is _LEFT_OUT]:
            raise MissingSymbolError(f"no value for {', '.join(missing)}: give a number for each symbol")
        return plain(*(exact(e, value) for e, value in zip(entries, given, strict=True)))

    names = {**scope, "_careful": careful, "_int": int, "_ratio": Fraction}
    call = FunctionType(_guarded(entries, body), names, "count", (_LEFT_OUT,) * len(letters))
    return Compiled.of(call, letters, scalar, expression, entries)


def _guarded(entries: tuple[Entry, ...], body: ast.expr) -> CodeType:
    """The code of `body if V.__class__ is H.__class__ … is int and not _others else _careful(…)`.

    It is a hundredth of a microsecond for each letter; NumPy's integers of 32 bits would overflow, and floats round.
    """

    def name(of: str) -> ast.expr:
        return ast.Name(id=of, ctx=ast.Load())

    tests: list[ast.expr] = []
    for kind, rational in (("_int", False), ("_ratio", True)):
        own = [e.letter for e in entries if e.rational == rational]
        classes: list[ast.expr] = [ast.Attribute(value=name(n), attr="__class__", ctx=ast.Load()) for n in own]
        if classes:
            same = [*classes[1:], name(kind)]
            tests.append(ast.Compare(left=classes[0], ops=[ast.Is()] * len(same), comparators=same))
    letters = [e.letter for e in entries]
    given = [name(n) for n in letters]
    none = ast.UnaryOp(op=ast.Not(), operand=name(_OTHERS))
    whole = ast.IfExp(
        test=ast.BoolOp(op=ast.And(), values=[*tests, none]) if tests else none,
        body=body,
        orelse=ast.Call(func=name("_careful"), args=[name(_OTHERS), *given], keywords=[]),
    )
    return code_of(whole, letters, others=_OTHERS)


def vector(expression: Expr, entries: tuple[Entry, ...]) -> Compiled:
    """*expression* as a function of NumPy's arrays; see `symcount.exact.vector.vector_function`."""
    minimums = {e.letter: e.minimum for e in entries}
    return Compiled.of(vector_function(expression, minimums), list(minimums), vector, expression, entries)
