"""What a notebook shows of a formula: the closed form, what it holds for, its letters."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from symcount.errors import NotationError
from symcount.typeset.content import Cell, Formulas, Table
from symcount.typeset.html import block, fragment
from symcount.typeset.look import word
from symcount.typeset.mathml import mathml
from symcount.typeset.setting import Setting

__all__ = ["notebook"]


def notebook(setting: Setting, options: Mapping[str, Any], sizes: Mapping[str, Any]) -> str:
    """The formula as HTML; nothing in it needs the sizes, which a formula may not have."""
    kind = f" ({escape(setting.model_type)})" if setting.model_type else ""
    parts = [f"<p><b>{escape(setting.name)}</b>{kind}, convention {setting.convention}</p>"]
    try:
        parts.append(fragment(setting, "grouped"))
        conditions = [mathml(condition) for condition in setting.conditions]
    except NotationError:  # LaTeX of the caller's that MathML has no sign for
        parts.append(f"<p><code>{escape(str(setting.total))}</code></p>")
        conditions = [escape(str(condition)) for condition in setting.domain]
    said = []
    if options:
        said.append(f"for {', '.join(f'{escape(name)} = {escape(word(value))}' for name, value in options.items())}")
    if conditions:
        said.append(f"valid where {', '.join(conditions)}")
    if said:
        parts.append(f"<p>{'; '.join(said)}</p>")
    rows: list[tuple[Cell, ...]] = [
        (Formulas((e.latex,)), e.meaning, e.field, _size(sizes.get(e.letter))) for e in setting.used
    ]
    columns = (("Symbol", "left"), ("Meaning", "left"), ("Config field", "left"), ("Default", "right"))
    try:
        parts.append(block(Table(columns, rows), setting.numbers))
    except NotationError:
        plain = [(e.letter, *row[1:]) for e, row in zip(setting.used, rows, strict=True)]
        parts.append(block(Table(columns, plain), setting.numbers))
    return "\n".join(parts)


def _size(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)
