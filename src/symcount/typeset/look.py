"""How a formula is to look, as it is asked for, and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypedDict

from symcount.errors import NotationError, near
from symcount.typeset.tex import parse

__all__ = ["Look", "check_look", "checked_label", "checked_lhs", "word"]

_LABEL = re.compile(r"[A-Za-z0-9:._+/ -]{1,80}\Z")


class Look(TypedDict, total=False):
    r"""How a formula is to look; every part has a default.

    Attributes:
        convention: what counts (`unique`).
        notation: a preset of letters (`default`): see `symcount.typeset.presets`.
        symbols: LaTeX for single symbols, by letter or config field, e.g. `{"H": r"d_{\mathrm{model}}"}`.
        numbers: `comma`, `thin`, `siunitx` or `none`; see `symcount.typeset.numbers`.
        values: sizes by letter or config field; those left out have the model's defaults.
        width: a TeX length (`3.3in`), at which long formulas are broken; `None` breaks nothing.
        lhs: LaTeX for the left-hand side, before an equals sign: `P_{\mathrm{BERT}}`.
        label: of an `equation` environment around the formula, for `\ref`.
        prefix: what the names of macros begin with.
    """

    convention: str
    notation: str | None
    symbols: Mapping[str, str] | None
    numbers: str
    values: Mapping[str, Any] | None
    width: str | None
    lhs: str | None
    label: str | None
    prefix: str | None


def check_look(look: Mapping[str, object]) -> None:
    """Refuse a part of a look that there is not.

    Raises:
        NotationError: the message lists those that there are.
    """
    known = list(Look.__annotations__)
    for name in look:
        if name not in known:
            raise NotationError(f"{name}: expected one of {', '.join(known)}.{near(name, known)}")


def word(value: Any) -> str:
    """A config value as JSON writes it."""
    return {True: "true", False: "false", None: "null"}.get(value, str(value)) if _is_word(value) else str(value)


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)  # 1 is no true, and a list cannot be looked up


def checked_lhs(latex: str | None) -> str | None:
    """LaTeX for a left-hand side, if it can be read.

    Raises:
        NotationError: braces or scripts do not match, or it would end the formula.
    """
    if latex is None:
        return None
    parse(latex)
    if not latex.strip() or any(sign in latex for sign in ("&", r"\\", "$", "%", "=")):
        raise NotationError(f"left-hand side {latex!r:.80}: expected LaTeX such as P_{{\\mathrm{{BERT}}}}")
    return latex


def checked_label(label: str | None) -> str | None:
    """A label that LaTeX takes.

    Raises:
        NotationError: it is none.
    """
    if label is not None and not _LABEL.match(label):
        raise NotationError(f"label {label!r:.80}: expected letters, digits and : . _ + / -, such as eq:bert")
    return label
