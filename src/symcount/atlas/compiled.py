"""Stored expressions as functions, without SymPy and without syntax trees: a count waits for neither.

The text of an expression (see `atlas.codec`) is never evaluated as it stands. It becomes code only if its words are
whole numbers, known names and helpers of `symcount.exact.arithmetic` that are called, and its signs are `+ - * % ( ) ,`
(beside `_floor_of_ratio` also `/`) with nothing else called, no power, and nothing taken apart: such code cannot reach
anything but its arguments.

>>> totals, = compiled(["_divide(H * H, A) + 2"], ["H", "A"])(768, 12),
>>> totals
(49154,)
>>> compiled(["__import__('os')"], [])
Traceback (most recent call last):
...
symcount.errors.StructureError: stored expression "__import__('os')" has something that no formula has
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from symcount.errors import StructureError
from symcount.exact.arithmetic import SCOPE

__all__ = ["LONGEST", "compiled"]

LONGEST = 200_000
"""Characters that the text of an expression may have."""
_HELPERS = frozenset(name for name in SCOPE if not name.startswith("__"))
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_SIGNS = re.compile(r"[\w +\-*%(),]*", re.ASCII)
_SIGNS_OF_RATIO = re.compile(r"[\w +\-*/%(),]*", re.ASCII)  # what the model computes in floating point is divided
_WRONG = re.compile(r"(?:^|[(,*])\s*\*|/\s*/|[\d)]\s*\(|\b[A-Za-z]\w*\s*\(|\b_\w*(?![\w(])", re.ASCII)
"""What is called and is no helper, a helper that is not called, a power, and what takes a list apart."""


def compiled(texts: Sequence[str], names: Sequence[str]) -> Callable[..., tuple[Any, ...]]:
    """A positional function of *names* that returns the values of all *texts*, exactly.

    Raises:
        StructureError: a text is no stored expression, or has a name that is not in *names*.
    """
    return _compiled(tuple(texts), tuple(names))


@lru_cache(maxsize=4096)  # the classes of a family have much in common
def _compiled(texts: tuple[str, ...], names: tuple[str, ...]) -> Callable[..., tuple[Any, ...]]:
    known = _HELPERS.union(names)
    for text in texts:
        _check(text, known)
    if not all(map(_NAME.fullmatch, names)):
        raise StructureError(f"stored names {', '.join(names)!r:.80} are no names; reinstall symcount")
    try:
        whole = compile(f"lambda {', '.join(names)}: ({''.join(f'({t}), ' for t in texts)})", "<formula>", "eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise StructureError(f"stored expression {', '.join(texts)!r:.80} cannot be read; reinstall symcount") from None
    return FunctionType(next(code for code in whole.co_consts if isinstance(code, CodeType)), SCOPE)


def _check(text: str, known: Collection[str]) -> None:
    if (
        len(text) > LONGEST
        or not (_SIGNS_OF_RATIO if "_floor_of_ratio(" in text else _SIGNS).fullmatch(text)
        or _WRONG.search(text)
        or not frozenset(_WORD.findall(text)).issubset(known)
    ):
        raise StructureError(f"stored expression {text!r:.80} has something that no formula has")
