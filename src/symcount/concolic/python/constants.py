"""Numbers that a model's code is written with, and that the index of a layer may meet: `(i + 1) % 8`, `i in (5, 11)`.

An index is a plain number, so a trace does not show what it is compared with, and among few layers all may look alike.
What the code itself is written with says how many layers show every kind: twice a period, one more than a bound.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, Final, NamedTuple

from symcount.concolic.python.modules import foreign

__all__ = [
    "LARGEST", "layers_to_see", "longest_period", "numbers_written", "operations", "positions", "reachable",
    "shared",
]  # fmt: skip

LARGEST: Final = 128  # a larger number is a size

_PERIODIC: Final = ("%", "%=", "//", "//=", "&")
_SKIPPED: Final = {"CACHE", "NOP", "RESUME", "EXTENDED_ARG", "PRECALL", "PUSH_NULL", "NOT_TAKEN", "COPY", "SWAP"}
_WINDOW: Final = 2  # instructions before an operation, among which its operands are
_TAKING: Final = {"pop", "__getitem__", "itemgetter", "islice", "take", "choice", "nth"}  # functions that do so
_BEFORE: Final = 6  # the same, before an element is taken, which may be computed from several


class Use(NamedTuple):
    """An operation of a function (`%`, `==`, `<`, `in`, `range`), and its operands that are near: names, numbers."""

    operation: str
    operands: tuple[Any, ...]


class Layers(NamedTuple):
    """Numbers of layers: those from which on a comparison with an index comes out both ways, and those named alone."""

    from_which: frozenset[int]
    named: frozenset[int]


@dataclass(frozen=True)
class Written:
    """What a function is written with: its operations, and the numbers that its own names stand for."""

    uses: tuple[Use, ...]
    named: Mapping[str, tuple[int, ...]]


def layers_to_see(classes: Iterable[type], symbolic: Collection[str]) -> Layers:
    """Numbers of layers at which everything that the code of *classes* compares an index with has come out both ways.

    Names of *symbolic* numbers are left out: what is asked of those is seen.
    """
    found: set[int] = set()
    named: set[int] = set()
    bases = dict.fromkeys(base for cls in classes for base in cls.__mro__ if not foreign(base.__module__))
    own = {name: value for base in bases for name, value in vars(base).items() if isinstance(value, int | tuple)}
    for function in reachable(bases):
        names = {**own, **shared(function)}
        written = _written(function.__code__)
        for use in written.uses:
            if any(o in symbolic for o in use.operands if isinstance(o, str)):
                continue
            for operand in use.operands:
                values = names.get(operand, written.named.get(operand)) if isinstance(operand, str) else operand
                several = not isinstance(values, int)  # of a list, one more shows that it is no pattern
                for number in _numbers(values):
                    found.add(2 * number + 1 if use.operation in _PERIODIC or several else number + 2)
                    named |= {number} if use.operation in ("==", "!=") else set()
    return Layers(frozenset(n for n in found if n <= LARGEST), frozenset(named))


def _numbers(value: Any) -> Iterator[int]:
    """The small whole numbers that *value* is or consists of."""
    for item in (
        value if isinstance(value, tuple | list | frozenset | set | range) and len(value) <= LARGEST else (value,)
    ):
        if type(item) is int and 1 < item <= LARGEST:
            yield item


def shared(function: FunctionType) -> dict[str, Any]:
    """What names that are not its own stand for in a function, and the defaults of its arguments."""
    code = function.__code__
    found = {n: function.__globals__[n] for n in _global_names(code) if n in function.__globals__}
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    arguments = code.co_varnames[: code.co_argcount]
    found |= dict(zip(reversed(arguments), reversed(function.__defaults__ or ()), strict=False))
    return {**found, **(function.__kwdefaults__ or {})}


@lru_cache(maxsize=8192)
def _global_names(code: CodeType) -> frozenset[str]:
    """The names that *code* and the functions in it look up outside."""
    return frozenset(code.co_names).union(*(_global_names(c) for c in code.co_consts if isinstance(c, CodeType)))


def operations(code: CodeType) -> tuple[Use, ...]:
    """The operations of *code* with which an index may be asked something."""
    return _written(code).uses


@lru_cache(maxsize=8192)
def _written(code: CodeType) -> Written:
    """The operations of *code* and of the functions in it."""
    uses: list[Use] = []
    named: dict[str, tuple[int, ...]] = {}
    before: list[Any] = []
    for step in dis.get_instructions(code):
        if step.opname in _SKIPPED:
            continue
        if step.opname.startswith("STORE_") and isinstance(step.argval, str):  # or what a call gives: `pop("every", 6)`
            values = (
                before[:-1] if step.opname == "STORE_ATTR" else before
            )  # the object whose attribute it is comes last
            near = values[-1:] if values[-1:] != [None] else values[-_WINDOW:]
            named[step.argval] = (*named.get(step.argval, ()), *(n for value in near for n in _numbers(value)))
        operation = step.argrepr.removeprefix("bool(").removesuffix(")")  # so it is written from Python 3.13 on
        compares = step.opname in ("COMPARE_OP", "CONTAINS_OP")
        if compares or (step.opname == "BINARY_OP" and operation in _PERIODIC):
            uses.append(Use(operation, tuple(o for o in before[-_WINDOW:] if o is not None)))
        if step.opname.startswith("CALL") and before[-_WINDOW:-1] == ["range"] and type(before[-1]) is int:
            uses.append(Use("range", (before[-1],)))  # whose loop may end earlier, as soon as there are enough layers
        value = step.argval
        known = step.opname.startswith("LOAD_") and isinstance(value, int | str | tuple | frozenset)
        before.append(value if known and not isinstance(value, bool) else None)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = _written(constant)
            uses += inner.uses
            named = {**inner.named, **named}
    return Written(tuple(uses), named)


@lru_cache(maxsize=4096)
def _methods(cls: type) -> tuple[FunctionType, ...]:
    """The functions written in a class, without those that run a model instead of building it."""
    found: list[FunctionType] = []
    for name, member in vars(cls).items():
        function: Any = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        function = inspect.unwrap(function) if callable(function) else function
        if isinstance(function, FunctionType) and name != "forward":
            found.append(function)
    return tuple(found)


def reachable(bases: Iterable[type]) -> Iterator[FunctionType]:
    """The methods written in classes, and the functions that these name."""
    waiting = [function for base in bases for function in _methods(base)]
    seen: set[CodeType] = set()
    while waiting:
        function = waiting.pop()
        if function.__code__ in seen:
            continue
        seen.add(function.__code__)
        yield function
        others = (value for value in shared(function).values() if isinstance(value, FunctionType))
        waiting += [other for other in others if not foreign(other.__module__ or "")]


def longest_period(classes: Iterable[type], symbolic: Collection[str], most: int) -> int:
    """The largest number up to *most* by which the code of *classes* takes a remainder; one if there is none.

    An index looks up an element of a list (`KINDS[i % 3]`) without a question that a trace shows.
    """
    bases = tuple(dict.fromkeys(base for cls in classes for base in cls.__mro__ if not foreign(base.__module__)))
    return max((n for base in bases for use, n in _remainders(base) if n <= most and use not in symbolic), default=1)


@lru_cache(maxsize=4096)
def _remainders(cls: type) -> tuple[tuple[str, int], ...]:
    """The numbers by which the code of a class takes a remainder, each with the name of what is divided, if near."""
    found: list[tuple[str, int]] = []
    for function in reachable([cls]):
        names, written = {**vars(cls), **shared(function)}, _written(function.__code__)
        for use in written.uses:
            if use.operation in ("%", "%="):
                texts = [o for o in use.operands if isinstance(o, str)]
                for operand in use.operands:
                    value = names.get(operand, written.named.get(operand)) if isinstance(operand, str) else operand
                    found += [(texts[0] if texts else "", n) for n in _numbers(value)]
    return tuple(found)


def numbers_written(classes: Iterable[type]) -> frozenset[int | float]:
    """The numbers that the code of *classes* is written with: in functions, as defaults, and as attributes."""
    bases = tuple(dict.fromkeys(base for cls in classes for base in cls.__mro__ if not foreign(base.__module__)))
    return frozenset().union(*map(_written_in, bases))


@lru_cache(maxsize=4096)
def _written_in(cls: type) -> frozenset[int | float]:
    values: list[Any] = [value for name, value in vars(cls).items() if not name.startswith("__")]
    for function in reachable([cls]):
        values += [function.__defaults__, *(function.__kwdefaults__ or {}).values(), *shared(function).values()]
        values += _literals(function.__code__)
    return frozenset(_flat(values))


def _literals(code: CodeType) -> Iterator[Any]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _literals(constant)
        else:
            yield constant


def _flat(values: Iterable[Any]) -> Iterator[int | float]:
    for value in values:
        if type(value) in (int, float):
            yield abs(value)
        elif isinstance(value, tuple | list | frozenset | set) and len(value) <= LARGEST:
            yield from _flat(value)


def positions(classes: Iterable[type]) -> frozenset[str]:
    """The names of what the code of *classes* takes elements or parts of lists with: `WIDTHS[config.size]`.

    A list takes any integer without asking it anything, so no run shows that a number was used up so.
    """
    bases = tuple(dict.fromkeys(base for cls in classes for base in cls.__mro__ if not foreign(base.__module__)))
    found = frozenset[str]().union(*(names for base in bases for names, _ in _taken(base)))
    same: dict[str, frozenset[str]] = {}
    for name, others in (item for base in bases for _, several in _taken(base) for item in several.items()):
        same[name] = same.get(name, frozenset()) | others
    while more := frozenset[str]().union(*(same.get(name, frozenset()) for name in found)) - found:
        found |= more
    return found


@lru_cache(maxsize=4096)
def _taken(cls: type) -> tuple[tuple[frozenset[str], Mapping[str, frozenset[str]]], ...]:
    """For each function of a class what it takes elements with, and what its names are other names of."""
    return tuple(_elements_taken(function.__code__) for function in reachable([cls]))


@lru_cache(maxsize=8192)
def _elements_taken(code: CodeType) -> tuple[frozenset[str], Mapping[str, frozenset[str]]]:
    found: set[str] = set()
    same: dict[str, frozenset[str]] = {}
    before: list[str | None] = []
    for step in dis.get_instructions(code):
        if step.opname in _SKIPPED:
            continue
        calling = step.opname.startswith("CALL") and not _TAKING.isdisjoint(before[-_BEFORE:])
        if calling or step.opname in ("BINARY_SUBSCR", "BINARY_SLICE", "BUILD_SLICE") or step.argrepr == "[]":
            found.update(name for name in before[-_BEFORE:] if name is not None)
        if step.opname.startswith("STORE_") and isinstance(step.argval, str):
            value = before[-2:-1] if step.opname == "STORE_ATTR" else before[-1:]  # an attribute's object comes last
            name = str(step.argval)
            same[name] = same.get(name, frozenset()) | {other for other in value if other is not None}
        named = step.opname.startswith("LOAD_") and isinstance(step.argval, str)
        before.append(str(step.argval) if named and step.opname != "LOAD_CONST" else None)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner, others = _elements_taken(constant)
            found |= inner
            same |= {name: same.get(name, frozenset()) | several for name, several in others.items()}
    return frozenset(found), same
