r"""A file of macros, so that the numbers in a paper stay in step with its formula.

>>> import symcount as sc
>>> print(sc.formula("gpt2").typeset("macros").splitlines()[1])
\newcommand{\gptTwoTotal}{124{,}439{,}808}
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import count

from symcount.core.ledger import CONVENTIONS
from symcount.errors import NotationError
from symcount.typeset.content import Math
from symcount.typeset.numbers import percent, rounded
from symcount.typeset.said import holds_for
from symcount.typeset.setting import Setting
from symcount.typeset.styles import compose

__all__ = ["macros"]

_DIGITS = "Zero One Two Three Four Five Six Seven Eight Nine".split()


def macros(setting: Setting, style: str) -> str:
    r"""One `\newcommand` for the total, each other convention, each part and its share, each size, and the formula.

    Names have the model type before them, or the *prefix* of the look, so that a paper can have two sizes of one
    class; LaTeX's names are of letters, so digits are spelled: `gptTwo`.

    Raises:
        NotationError: the style is one that is not a formula, or the prefix is not of letters.
    """
    if style not in ("grouped", "compact", "expanded"):
        raise NotationError(f"style {style!r} is not one formula; for macros use grouped, compact or expanded")
    prefix = _prefix(setting)
    found = {"Total": setting.count(setting.at(setting.total)), "About": rounded(setting.at(setting.total))}
    for convention in CONVENTIONS:
        if convention != setting.convention:
            total = setting.ledger.total(convention)
            if total.free_symbols <= {e.symbol for e in setting.notation if e.letter in setting.values}:
                found[macro_name(convention)] = setting.count(setting.at(total))
    whole = setting.at(setting.total)
    for section in setting.sections:
        for piece in section.pieces:
            part = setting.at(section.repeat * piece.body.value())
            found[_free(macro_name(piece.title), found)] = setting.count(part)
            found[_free(f"{macro_name(piece.title)}Share", found)] = rf"{percent(part, whole)}\,\%"
    for e in setting.used:
        if e.letter in setting.values:
            found[_free(f"Size{macro_name(e.field)}", found)] = setting.count(setting.values[e.letter])
    content = compose(setting, style)
    if isinstance(content, Math):
        found["Formula"] = rf"\ensuremath{{{content.latex}}}"
    lines = [rf"\newcommand{{\{prefix}{name}}}{{{value}}}" for name, value in found.items()]
    return "\n".join([f"% {setting.unit.capitalize()} of {setting.name}: {'; '.join(holds_for(setting))}.", *lines])


def _prefix(setting: Setting) -> str:
    wanted = setting.prefix
    if wanted is None:
        return macro_name(setting.model_type or setting.name, lower=True)
    if not (wanted.isascii() and wanted.isalpha()):
        raise NotationError(f"prefix {wanted!r:.80}: expected letters only, as LaTeX's names are, such as bertLarge")
    return wanted


def macro_name(words: str, *, lower: bool = False) -> str:
    """*words* as a part of a macro's name.

    >>> macro_name("feed-forward"), macro_name("gpt2", lower=True), macro_name("vision_config.hidden_size")
    ('FeedForward', 'gptTwo', 'VisionConfigHiddenSize')
    """
    parts = re.findall(r"[A-Za-z]+|[0-9]", words)
    name = "".join(_DIGITS[int(p)] if p.isdigit() else p[0].upper() + p[1:] for p in parts) or "Model"
    return name[0].lower() + name[1:] if lower else name


def _free(name: str, taken: Collection[str]) -> str:
    """*name*, with a number after it where it is *taken*."""
    again = (f"{name}{macro_name(str(number))}" for number in count(2))
    return name if name not in taken else next(other for other in again if other not in taken)
