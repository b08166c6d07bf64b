"""What is said of a formula beside it: of what it is, for what it holds, what made it, the total at the sizes."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec

from symcount.errors import SymcountError
from symcount.typeset.look import word
from symcount.typeset.setting import Setting
from symcount.typeset.text import text

__all__ = ["comment", "holds_for", "total_at_sizes"]


def holds_for(setting: Setting) -> tuple[str, ...]:
    """The convention, the options at whose other value the formula is another one, and what made it."""
    options = [f"{n} not given" if v is None else f"{n} = {word(v)}" for n, v in setting.options.items()]
    made = [f"symcount {version('symcount')}"] if find_spec("symcount") else []
    return (f"convention {setting.convention}", *options, *made, *setting.made)


def total_at_sizes(setting: Setting) -> str | None:
    """The total at the sizes, in LaTeX; `None` where a symbol has no size."""
    try:
        return f"{setting.symbol} = {setting.count(setting.at(setting.total))}"
    except SymcountError:
        return None


def comment(setting: Setting, mark: str) -> str:
    """Lines of a comment, each behind *mark*, that say of what and for what the formula is."""
    kind = f" ({setting.model_type})" if setting.model_type else ""
    lines = [f"{setting.unit.capitalize()} of {setting.name}{kind}: {'; '.join(holds_for(setting))}"]
    if setting.conditions:
        lines.append(f"Valid where {', '.join(text(c, ascii_only=True) for c in setting.conditions)}")
    if (total := total_at_sizes(setting)) is not None:
        used = (e for e in setting.used if e.letter in setting.values)
        sizes = ", ".join(f"{text(e.latex, ascii_only=True)} = {setting.values[e.letter]}" for e in used)
        lines.append(f"{text(total, ascii_only=True)} at {sizes}")
    return "\n".join(f"{mark} {line}" for line in lines)
