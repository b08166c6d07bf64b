"""The languages there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symcount.code.c import c
from symcount.code.javascript import javascript
from symcount.code.mathematica import mathematica
from symcount.code.program import Program
from symcount.code.python import python
from symcount.errors import NotationError, near

__all__ = ["LANGUAGES", "write"]

LANGUAGES: Mapping[str, Callable[[Program], str]] = {
    "python": python,
    "c": c,
    "javascript": javascript,
    "mathematica": mathematica,
}


def write(program: Program, language: str) -> str:
    """*program* in a language.

    Raises:
        NotationError: no such language.
        StructureError: an operation that the language has not.
    """
    if language not in LANGUAGES:
        known = [*LANGUAGES, "latex"]
        raise NotationError(f"language {language!r}: expected one of {', '.join(known)}.{near(str(language), known)}")
    return LANGUAGES[language](program)
