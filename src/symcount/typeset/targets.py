"""What a formula may become.

| target | what it is |
|---|---|
| `latex` | a fragment for a paper |
| `tex` | a whole document, for a plain TeX Live |
| `markdown` | Markdown with the mathematics that GitHub shows |
| `pandoc` | Markdown with `$…$`, as Pandoc, Jupyter and Obsidian have it |
| `typst` | a fragment for Typst |
| `html` | a page to play with, that needs no network: every letter an input |
| `mathml` | one `<math>` element |
| `fragment` | HTML for a notebook |
| `text`, `ascii` | plain text, with Unicode's signs or without |
| `csv` | the numbers of a table, for another program |
| `macros` | a file of LaTeX macros, one for each number |

A PDF is made of the document by `symcount.typeset.pdf`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symcount.errors import NotationError, near
from symcount.typeset import html, latexdoc
from symcount.typeset.data import comma_separated
from symcount.typeset.macros import macros
from symcount.typeset.markdown import markdown
from symcount.typeset.page import page
from symcount.typeset.plaintext import plaintext
from symcount.typeset.setting import Setting
from symcount.typeset.typst import typst

__all__ = ["TARGETS", "render"]

TARGETS: Mapping[str, Callable[[Setting, str], str]] = {
    "latex": latexdoc.fragment,
    "tex": latexdoc.document,
    "markdown": markdown,
    "pandoc": lambda setting, style: markdown(setting, style, dollars=True),
    "typst": typst,
    "html": page,
    "mathml": html.element,
    "fragment": html.fragment,
    "text": plaintext,
    "ascii": lambda setting, style: plaintext(setting, style, ascii_only=True),
    "csv": comma_separated,
    "macros": macros,
}


def render(setting: Setting, style: str, to: str) -> str:
    """The formula of *setting* in a style, as a target.

    Raises:
        NotationError: no such target or style; or the target cannot show what is asked of it.
    """
    if to not in TARGETS:
        raise NotationError(f"target {to!r}: expected one of {', '.join(TARGETS)}.{near(str(to), list(TARGETS))}")
    return TARGETS[to](setting, style)
