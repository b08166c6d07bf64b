"""Texts that the index of a layer may meet: `f"layer_{i}" == "layer_200"`, of which a run of few layers shows nothing.

An index that was written out is a plain text, and most such texts are names of modules. Where the code, or a text of
its config, has a number beyond the layers that are built, or writes numbers out in a way that no run notes, it may ask
more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, Final

from symcount.concolic.python.constants import operations, reachable, shared
from symcount.concolic.python.modules import foreign

__all__ = ["names_beyond", "numbers_in", "writes_unseen"]

_NUMBER: Final = re.compile(r"(?<!float)(?<!int)(?<!complex)(?<!utf)(?<!utf-)(?<![0-9])[0-9]+")
_UNSEEN: Final = re.compile(r"%[-#0 +]*[0-9]*[dioxXc]")  # what `%` makes of an integer asks it nothing
_WRITING: Final = {"bin", "hex", "oct", "chr", "to_bytes"}


def numbers_in(text: str) -> Iterator[int]:
    """The numbers in a text that may be a name, which has no spaces, without those of types.

    >>> list(numbers_in("blocks.200.norm")), list(numbers_in("bfloat16")), list(numbers_in("in all 48 layers"))
    ([200], [], [])
    """
    if not re.search(r"\s", text):
        yield from (int(found) for found in _NUMBER.findall(text) if len(found) < 7)


def names_beyond(classes: Iterable[type], number: int) -> bool:
    """Whether the code of *classes* has a text with at least this *number*, or compares something with as much."""
    return any(found >= number for base in _own(classes) for found in _asked(base))


def writes_unseen(classes: Iterable[type]) -> bool:
    """Whether the code of *classes* writes numbers out as nothing notes: `"%d" % i`, `hex(i)`."""
    return any(map(_writes, _own(classes)))


def _own(classes: Iterable[type]) -> dict[type, None]:
    return dict.fromkeys(base for cls in classes for base in cls.__mro__ if not foreign(base.__module__))


@lru_cache(maxsize=4096)
def _asked(cls: type) -> frozenset[int]:
    found: set[int] = set()
    for function in reachable([cls]):
        found.update(n for text in _texts(function) for n in numbers_in(text))
        for value in (value for use in operations(function.__code__) for value in use.operands):
            several = value if isinstance(value, tuple | frozenset) else (value,)
            found.update(n for n in several if type(n) is int)
    return frozenset(found)


@lru_cache(maxsize=4096)
def _writes(cls: type) -> bool:
    return any(
        _WRITING.intersection(_names(function.__code__)) or any(map(_UNSEEN.search, _texts(function)))
        for function in reachable([cls])
    )


def _names(code: CodeType) -> set[str]:
    return set(code.co_names).union(*(_names(c) for c in code.co_consts if isinstance(c, CodeType)))


def _texts(function: FunctionType) -> Iterator[str]:
    """The texts that a function is written with, without what describes it."""
    values: list[Any] = [*_constants(function.__code__, function.__doc__), *(function.__defaults__ or ())]
    yield from _flat([*values, *(function.__kwdefaults__ or {}).values(), *shared(function).values()])


def _constants(code: CodeType, description: str | None) -> Iterator[Any]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            first = constant.co_consts[0] if constant.co_consts else None
            yield from _constants(constant, first if isinstance(first, str) else None)
        elif constant != description or description is None:
            yield constant


def _flat(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, bytes):
            yield value.decode("latin-1")
        elif isinstance(value, tuple | list | frozenset | set | dict):
            yield from _flat(value)
