"""A derivation as a document: a model counted part by part, each part held against the real model where it was built.

The document is a list of headings, sentences, formulas and tables, and becomes Markdown, LaTeX or HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape as html_escape

from symcount.core.ledger import CONVENTIONS
from symcount.core.notation import escape
from symcount.errors import NotationError, VerificationError, near
from symcount.typeset import html, latexdoc, markdown
from symcount.typeset.content import Cell, Count, Formulas, Math, Table
from symcount.typeset.latex import set_symbols, terms_of
from symcount.typeset.lines import aligned, broken
from symcount.typeset.look import word
from symcount.typeset.mathml import mathml
from symcount.typeset.outline import Piece, Section
from symcount.typeset.setting import Setting
from symcount.typeset.styles import compose
from symcount.typeset.terms import Series

__all__ = ["FORMS", "Seen", "derivation"]

FORMS = ("markdown", "tex", "html")
_WIDTH = 44.0  # em of a formula
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 Georgia, serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; border-top: 2px solid; border-bottom: 2px solid }}
th, td {{ padding: .2rem .6rem; text-align: left }}
.display, .wide {{ overflow-x: auto; margin: 1rem 0 }}
.inner td:first-child {{ padding-left: 2rem }}
</style>
</head>
<body>
{body}
</body>
</html>"""


@dataclass(frozen=True)
class Seen:
    """What was seen of the real model.

    Attributes:
        by_tensor: numbers of parameters that it has, by the names of the formula's tensors.
        said: sentences about the comparison.
    """

    by_tensor: Mapping[str, int]
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heading:
    """A heading; the first is the title."""

    words: str


@dataclass(frozen=True)
class Code:
    """A name of the model's code within a sentence."""

    text: str


Sentence = tuple["str | Formulas | Code", ...]
Item = Heading | Sentence | Math | Table


def derivation(setting: Setting, to: str = "markdown", seen: Seen | None = None) -> str:
    """The document in one of `FORMS`.

    Args:
        setting: the formula, with sizes.
        to: `markdown`, `tex` (a whole document) or `html`.
        seen: what the real model has; without it nothing is said of one.

    Raises:
        NotationError: no such form.
        VerificationError: the real model has another number in some part.
        MissingSymbolError, DomainError: the formula has no value at the sizes.
    """
    if to not in FORMS:
        raise NotationError(f"document as {to!r}: expected one of {', '.join(FORMS)}.{near(str(to), FORMS)}")
    items = _items(replace(setting, equation=True, width=setting.width or _WIDTH), seen)
    return {"markdown": _markdown, "tex": _tex, "html": _html}[to](items, setting)


def _items(setting: Setting, seen: Seen | None) -> list[Item]:
    items: list[Item] = [Heading(f"Counting the parameters of {setting.name}")]
    options = ", ".join(f"{name} = {word(value)}" for name, value in setting.options.items())
    held = f"for {options}, " if options else ""
    said = f" of transformers, {held}counted under the convention {setting.convention}. Its total is the sum over its "
    items.append(("The model is ", Code(setting.name), f"{said}parts, and each part is made of a few sizes:"))
    items.append(compose(setting, "notation"))
    if setting.definitions:
        items.append(("Below, ", Formulas(setting.definitions), "."))
    if setting.conditions:
        items.append(("The formula holds where ", Formulas(setting.conditions), "."))
    number = 0
    for section in setting.sections:
        for piece in section.pieces:
            number += 1
            items += _step(setting, section, piece, number, seen)
    items += [
        Heading(f"{number + 1}. All parameters"),
        ("The sum of the parts, the repeated ones as often as they stand in the model:",),
        compose(setting, "grouped"),
        ("At these sizes that is ", Formulas((setting.count(setting.at(setting.total)),)), "."),
        compose(setting, "table"),
        *_conventions(setting, number + 2),
    ]
    if seen is not None and seen.said:
        items += [Heading(f"{number + 3}. Checked against the real model"), *((sentence,) for sentence in seen.said)]
    return items


def _step(setting: Setting, section: Section, piece: Piece, number: int, seen: Seen | None) -> list[Item]:
    once = section.repeat == 1
    title = f"{number}. {piece.title[0].upper()}{piece.title[1:]}{'' if once else ' of one layer'}"
    found: list[Item] = [Heading(title)]
    own = [row for row in piece.rows if row.alias_of is None]
    tensors = {row.tensor: row for row in own}
    names = list(tensors)
    sentence: list[str | Formulas | Code] = ["Tensors: "]
    for position, name in enumerate(names[:12]):
        shape = r" \times ".join(set_symbols(d, setting.notation) for d in tensors[name].shape) or "1"
        sentence += [", " if position else "", Code(name), " of ", Formulas((shape,))]
    sentence.append(f" and {len(names) - 12} more." if len(names) > 12 else ".")
    found.append(tuple(sentence))
    sides = [broken(terms_of(piece.body, setting.letters), setting.width)]
    if not any(isinstance(term, Series) for term in piece.body.terms):  # of a sum each term has its numbers
        sides.append(broken(terms_of(piece.body, setting.in_numbers), setting.width))
    value = setting.count(setting.at(piece.body.value()))
    shown = list(dict.fromkeys([*(aligned(side) for side in sides), value]))
    lines = [f"   & {shown[0]}", *(f"={{}} & {side}" for side in shown[1:])]
    found.append(Math("\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"))
    whole = setting.at(section.repeat * piece.body.value())
    if not once:
        repeat = set_symbols(section.repeat, setting.notation)
        count = setting.count(setting.at(section.repeat))
        shown_repeat = repeat if repeat == count else f"{repeat} = {count}"
        found.append(("There are ", Formulas((shown_repeat,)), " of them: ", Formulas((setting.count(whole),)), "."))
    if seen is not None and setting.convention == "unique":
        real = sum(seen.by_tensor.get(name, 0) for name in names)
        if real != whole:
            raise VerificationError(f"{setting.name}: {title} has {whole:,} parameters, but the real model {real:,}")
        found.append(("PyTorch counts ", Formulas((setting.count(real),)), " in these tensors of the real model."))
    return found


def _conventions(setting: Setting, number: int) -> list[Item]:
    rows: list[tuple[Cell, ...]] = []
    for name in CONVENTIONS:
        total = setting.ledger.total(name)
        difference = (total - setting.ledger.total("unique")).expand()
        shown = "" if difference == 0 else Formulas((set_symbols(difference, setting.notation),))
        rows.append((name.replace("_", "-"), Count(setting.at(total)), shown))
    table = Table((("Convention", "left"), ("Parameters", "right"), ("Less unique", "left")), rows)
    said: Item = ("What counts is a convention; these differ where tensors are shared, frozen, tables, or experts:",)
    return [Heading(f"{number}. Conventions"), said, table]


# ---------------------------------------------------------------- forms


def _markdown(items: Sequence[Item], setting: Setting) -> str:
    shown = []
    for position, item in enumerate(items):
        match item:
            case Heading(words):
                shown.append(f"{'#' if position == 0 else '##'} {markdown.escaped(words)}")
            case Math() | Table():
                shown.append(markdown.block(item, setting.numbers))
            case _:
                shown.append("".join(map(_markdown_part, item)))
    return "\n\n".join(shown)


def _markdown_part(part: str | Formulas | Code) -> str:
    match part:
        case Formulas(latex):
            return ", ".join(markdown.inline(formula) for formula in latex)
        case Code(text):
            return f"`{text}`"
    return part


def _tex(items: Sequence[Item], setting: Setting) -> str:
    packages = "amsmath array booktabs longtable".split() + (["siunitx"] if setting.numbers == "siunitx" else [])
    lines = [
        r"\documentclass{article}",
        r"\usepackage[textwidth=6.3in,textheight=9.5in]{geometry}",
        *(rf"\usepackage{{{package}}}" for package in packages),
        r"\allowdisplaybreaks",
        r"\setlength{\parindent}{0pt}",
        r"\setlength{\parskip}{4pt}",
        r"\setlength{\tabcolsep}{4pt}",
        r"\setlength{\emergencystretch}{3em}",
        r"\begin{document}",
        r"\sloppy",
    ]
    for position, item in enumerate(items):
        match item:
            case Heading(words):
                lines.append(rf"\{'section' if position == 0 else 'subsection'}*{{\raggedright {escape(words)}}}")
            case Math() | Table():
                lines.append(latexdoc.paragraph(item, replace(setting, label=None, width=setting.width or _WIDTH)))
            case _:
                lines.append("".join(map(_tex_part, item)) + r"\par")
    return "\n".join([*lines, r"\end{document}"])


def _tex_part(part: str | Formulas | Code) -> str:
    match part:
        case Formulas(latex):
            return ", ".join(f"${formula}$" for formula in latex)
        case Code(text):
            name = escape(text).replace(".", r".\allowbreak{}").replace(r"\_", r"\_\allowbreak{}")
            return rf"\texttt{{{name}}}"
    return escape(part)


def _html(items: Sequence[Item], setting: Setting) -> str:
    shown, title = [], ""
    for position, item in enumerate(items):
        match item:
            case Heading(words):
                title = title or html_escape(words)
                shown.append(f"<h{1 if position == 0 else 2}>{html_escape(words)}</h{1 if position == 0 else 2}>")
            case Math() | Table():
                shown.append(html.block(item, setting.numbers))
            case _:
                shown.append(f"<p>{''.join(map(_html_part, item))}</p>")
    return _PAGE.format(title=title, body="\n".join(shown))


def _html_part(part: str | Formulas | Code) -> str:
    match part:
        case Formulas(latex):
            return ", ".join(map(mathml, latex))
        case Code(text):
            return f"<code>{html_escape(text)}</code>"
    return html_escape(part)
