"""A page to play with a formula: every letter an input; total, conventions, parts and domain follow, exactly.

One file that needs no network. What it computes is JavaScript with integers of any size, written by
`symcount.code.javascript` from the same expressions from which everything else is counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from html import escape
from importlib.resources import files

from sympy import Expr, Symbol

from symcount.code.conditions import holds
from symcount.code.integers import quotient
from symcount.code.javascript import HELPERS, JAVASCRIPT
from symcount.code.program import used
from symcount.core.ledger import CONVENTIONS
from symcount.core.notation import Entry, Notation
from symcount.errors import NotationError, SymcountError
from symcount.exact.evaluate import Number
from symcount.typeset.colours import colours
from symcount.typeset.html import block
from symcount.typeset.latex import terms_of
from symcount.typeset.lines import aligned, broken
from symcount.typeset.mathml import mathml
from symcount.typeset.said import holds_for
from symcount.typeset.setting import Setting
from symcount.typeset.styles import compose
from symcount.typeset.terms import Group, Sum

__all__ = ["page"]

_WIDEST = 56.0  # em of a formula on the page, before it is broken
_CELL = 24.0  # em of a formula in a cell
_MEANINGS: Mapping[str, str] = {
    "unique": "every stored tensor once",
    "per_layer": "a tied tensor at each layer that uses it",
    "non_embedding": "without input tables and the projection onto the vocabulary",
    "active": "of a mixture of experts only what one token uses",
    "trainable": "without frozen tensors",
}
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"  # nothing is ever fetched
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
{css}</style>
</head>
<body>
<h1>{title}</h1>
{body}
<script>
{script}</script>
</body>
</html>"""


def page(setting: Setting, style: str) -> str:
    """The formula in *style*, its letters as inputs, and what follows from them.

    Raises:
        NotationError: no such style; or LaTeX for a symbol that MathML has no sign for.
        StructureError: the formula has an operation for which there is no exact one in JavaScript.
    """
    return _Page(replace(setting, equation=True, width=setting.width or _WIDEST), style).whole()


class _Page:
    def __init__(self, setting: Setting, style: str) -> None:
        self.setting = setting
        self.style = style
        self.language = replace(
            JAVASCRIPT,
            letter="x.{}".format,
            ratios=frozenset(e.letter for e in setting.notation if e.rational),
        )

    @cached_property
    def totals(self) -> dict[str, Expr]:
        return {convention: self.setting.ledger.total(convention) for convention in CONVENTIONS}

    @cached_property
    def letters(self) -> Notation:
        """The letters of every total and of the domain."""
        symbols: set[Symbol] = set()
        for total in self.totals.values():
            symbols |= total.free_symbols
        return self.setting.notation.restrict(symbols.union(*(c.symbols for c in self.setting.domain)))

    @cached_property
    def parts(self) -> list[tuple[str, str, Expr, str]]:
        """Each part's title, category, closed form, and that in LaTeX."""
        found = []
        for section in self.setting.sections:
            for piece in section.pieces:
                whole = piece.body if section.repeat == 1 else Sum([Group(section.repeat, piece.body)])
                shown = aligned(broken(terms_of(whole, self.setting.letters), _CELL))
                own = self.setting.plain(section.repeat * piece.body.value())
                found.append((piece.title, piece.category, own, shown))
        return found

    def whole(self) -> str:
        title = f"{self.setting.unit.capitalize()} of {escape(self.setting.name)}"
        script = self.script()
        if "</" in script:
            raise NotationError(f"{self.setting.name}: a letter or field with '</' in it cannot be part of a page")
        css = files("symcount.typeset").joinpath("page.css").read_text(encoding="utf-8")
        return _PAGE.format(policy=_POLICY, title=title, css=css, body="\n".join(self.body()), script=script)

    # ---------------------------------------------------------------- what is seen

    def body(self) -> Iterable[str]:
        setting = self.setting
        kind = f"{escape(setting.model_type)}: " if setting.model_type else ""
        yield f"<p>{kind}{escape('; '.join(holds_for(setting)))}</p>"
        yield block(compose(setting, self.style), setting.numbers)
        if setting.conditions:
            yield f"<p>Valid where {', '.join(map(mathml, setting.conditions))}.</p>"
        yield '<div class="live">'
        yield f'<div class="sizes"><h2>Sizes</h2>\n{self.inputs()}'
        yield '<p><button type="button" id="reset">Reset</button></p></div>'
        yield f'<div class="results">{self.results()}</div>'
        yield "</div>"
        latex = replace(setting, equation=False, width=None, folded=setting.folding)
        shown = compose(latex, self.style if self.style in ("grouped", "compact", "expanded") else "grouped")
        text = getattr(shown, "latex", "")
        yield "<h2>LaTeX</h2>"
        yield f'<textarea id="latex" rows="4" readonly="readonly" aria-label="LaTeX">{escape(text)}</textarea>'
        yield '<p><button type="button" id="copy">Copy</button></p>'

    def inputs(self) -> str:
        try:
            sizes: Mapping[str, Number] = self.setting.values
        except SymcountError:  # a formula without sizes of its own
            sizes = {}
        return "\n".join(self.field(e, sizes.get(e.letter)) for e in self.letters)

    @staticmethod
    def field(e: Entry, size: Number | None) -> str:
        shown = "" if size is None else f"{size:,}" if isinstance(size, int) else _ratio(Fraction(size))
        name = escape(e.letter)
        return (
            f'<div class="field"><span>{mathml(e.latex)}</span>'
            f'<label for="at-{name}">{escape(e.meaning)}<small>{escape(e.field)}</small></label>'
            f'<input id="at-{name}" value="{escape(shown)}" inputmode="{"decimal" if e.rational else "numeric"}" '
            'autocomplete="off" spellcheck="false"/></div>'
        )

    def results(self) -> str:
        categories = list(dict.fromkeys(category for _, category, _, _ in self.parts))
        colour = dict(zip(categories, colours(categories), strict=True))
        bars = "".join(
            f'<span id="bar-{i}" title="{escape(title)}" style="background:{colour[category]}"></span>'
            for i, (title, category, _, _) in enumerate(self.parts)
        )
        parts = "\n".join(
            f'<tr><td><span class="key" style="background:{colour[category]}"></span>{escape(title)}</td>'
            f'<td class="formula">{mathml(latex)}</td>'
            f'<td class="right" id="part-{i}"></td><td class="right" id="share-{i}"></td></tr>'
            for i, (title, category, _, latex) in enumerate(self.parts)
        )
        conventions = "\n".join(
            f'<tr><td class="words">{name}<span class="formula">: {_MEANINGS[name]}</span></td>'
            f'<td class="right" id="convention-{i}"></td></tr>'
            for i, name in enumerate(CONVENTIONS)
        )
        return (
            '<div class="answer" aria-live="polite"><h2>Parameters</h2>'
            '<div><span id="total"></span><span id="rounded"></span></div><div id="message" role="alert"></div></div>\n'
            f'<div id="stack">{bars}</div>\n<div class="wide"><table>'
            f'<thead><tr><th>Part</th><th class="formula">Formula</th>'
            '<th class="right">Parameters</th><th class="right">Share</th></tr></thead>'
            f"<tbody>\n{parts}\n</tbody></table></div>\n<h2>Conventions</h2>\n"
            f'<div class="wide"><table><tbody>\n{conventions}\n</tbody></table></div>'
        )

    # ---------------------------------------------------------------- what is computed

    def script(self) -> str:
        """The model and what makes answers of it."""
        runtime = files("symcount.typeset").joinpath("page.js").read_text(encoding="utf-8")
        model = self.model()
        return "\n".join(['"use strict";', *used(HELPERS, model), model, "", runtime])

    def model(self) -> str:
        letters = [
            f"    {{ letter: {_text(e.letter)}, field: {_text(e.field)}, "
            f"least: {min(e.minimum, 1) if e.rational else e.minimum}n, ratio: {_text(e.rational)} }},"
            for e in self.letters
        ]
        names = {e.letter: e.letter if e.letter == e.field else f"{e.letter} ({e.field})" for e in self.letters}
        conditions = [
            f"    {{ text: {_text(str(c))}, letters: {_text(sorted(s.name for s in c.symbols))}, "
            f"holds: (x) => {holds(self.language, c, self.language.ratios)} }},"
            for c in self.setting.domain
        ]
        lines = [
            "const model = {", "  letters: [", *letters, "  ],", f"  names: {_text(names)},",
            f"  total: {self.counted(self.setting.total)},",
            "  conventions: [", *(f"    {self.counted(self.totals[c])}," for c in CONVENTIONS), "  ],",
            "  parts: [", *(f"    {self.counted(expression)}," for _, _, expression, _ in self.parts), "  ],",
            "  conditions: [", *conditions, "  ],", "};",
        ]  # fmt: skip
        return "\n".join(lines)

    def counted(self, expression: Expr) -> str:
        needed = _text(sorted(s.name for s in expression.free_symbols))
        value = self.language.exact(*quotient(expression, self.language.ratios))
        return f"{{ letters: {needed}, of: (x) => {value} }}"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _ratio(value: Fraction) -> str:
    """A ratio as it is typed: a decimal where that is exact.

    >>> _ratio(Fraction(5, 2)), _ratio(Fraction(8, 3)), _ratio(Fraction(4))
    ('2.5', '8/3', '4')
    """
    for places in range(13):
        scaled = value * 10**places
        if scaled.denominator == 1:
            whole, rest = divmod(scaled.numerator, 10**places)
            return f"{whole}.{rest:0{places}d}" if places else str(whole)
    return f"{value.numerator}/{value.denominator}"
