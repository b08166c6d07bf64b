"""Printed formulas read back by SymPy's LaTeX parser, which shares nothing with the code that printed them."""

import re
from functools import cache
from itertools import pairwise

from sympy import Add, Expr, expand
from sympy.parsing.latex import parse_latex_lark

import symcount as sc

TOKEN = re.compile(r"\\[A-Za-z]+|\d+(?:\.\d+)?|\S")
ENDS = re.compile(r"\d+|[A-Za-z]|[})]|\\rfloor|\\rceil")  # tokens after which a factor may end
BEGINS = re.compile(r"\d+|[A-Za-z]|\(|\\left|\\frac|\\lfloor|\\lceil")
STAND_INS = "abcfghjklmnopqrstuvwyzABCDFGHJKLMNOPQRSTUVWXYZ"  # letters that the parser takes for nothing but letters
LAYOUT = (
    r"\\(?:begin|end)\{align(?:ed|\*)\}(?:\[t\])?|\\\\(?:\[1ex\])?|\\q?quad|\\[bB]ig+[lr]|&|"
    r"\\,|\\(?:left|right)(?=[(\\)])"
)


def with_signs(latex):
    r"""Put a sign where factors stand side by side: the parser takes `N(H + 1)` for a function, and `H^2I` for nothing.

    >>> print(with_signs("N(12H^2 + HI)"))
    N \cdot ( 12 \cdot H ^ 2 + H \cdot I )
    """
    tokens = TOKEN.findall(latex)
    signed = tokens[:1]
    for before, after in pairwise(tokens):
        if ENDS.fullmatch(before) and BEGINS.fullmatch(after):
            signed.append(r"\cdot")
        signed.append(after)
    return " ".join(signed)


def read_back(latex):
    """The polynomial that *latex* says, in symcount's symbols."""
    parsed = parse_latex_lark(with_signs(latex))
    if not isinstance(parsed, Expr):
        raise AssertionError(f"{latex!r} has no single reading: {parsed!r}")
    return expand(parsed.xreplace({s: sc.symbol(str(s.name)) for s in parsed.free_symbols}))


def read_as(latex, notation):
    """The expression that *latex* says, where its symbols look as in *notation* and it may be broken and annotated."""
    ordered = sorted(notation, key=lambda e: -len(e.latex))
    numbered = dict(zip(STAND_INS, (e.symbol for e in ordered), strict=False))
    names = {e.latex: name for name, e in zip(STAND_INS, ordered, strict=False)}
    kept = (
        r"\\(?:begin|end)\{[a-z*]+\}",
        r"\\(?:left|right|[bB]igg?[lr]|q?quad|cdot|lfloor|rfloor|lceil|rceil)(?![A-Za-z])",
    )  # their letters are no symbols
    signs = re.compile("|".join([*kept, *map(re.escape, names), r"\\[A-Za-z]+", "."]), re.DOTALL)
    text = signs.sub(lambda m: f" {names[m[0]]} " if m[0] in names else m[0], unbraced(latex))
    text = re.sub(LAYOUT, " ", text)
    parsed = [sign * _term(term) for sign, term in _terms(text.replace("{,}", ""))]
    return expand(Add(*(term.xreplace({s: numbered[str(s)] for s in term.free_symbols}) for term in parsed)))


def _terms(text):
    """The terms of a sum with their signs, split at the signs outside all brackets: the parser is slow on long sums."""
    depth, sign, start = 0, 1, 0
    for here, char in enumerate(f"{text}+"):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(char, 0)
        depth += text.startswith((r"\lfloor", r"\lceil"), here) - text.startswith((r"\rfloor", r"\rceil"), here)
        if depth == 0 and char in "+-":
            if text[start:here].strip():
                yield sign, text[start:here].strip()
            sign, start = 1 - 2 * (char == "-"), here + 1


@cache
def _term(text):
    parsed = parse_latex_lark(with_signs(text))
    if not isinstance(parsed, Expr):
        raise AssertionError(f"{text!r} has no single reading: {parsed!r}")
    return parsed


def unbraced(latex):
    r"""Leave underbraces and their labels out.

    >>> unbraced(r"N(\underbrace{4H^{2}}_{\text{norms}} + H)")
    'N(4H^{2} + H)'
    """
    while (start := latex.find(r"\underbrace{")) >= 0:
        depth, end = 1, start + len(r"\underbrace{")
        while depth:
            depth += {"{": 1, "}": -1}.get(latex[end], 0)
            end += 1
        rest = re.sub(r"\A_\{\\text\{[^{}]*\}\}", "", latex[end:])
        latex = latex[:start] + latex[start + len(r"\underbrace{") : end - 1] + rest
    return latex


def read_steps(latex, notation):
    """Each step of a derivation as (label, expression, numbers, value), with labels of earlier steps filled in."""
    known, result = {}, []
    for lines in latex.split(r"\\[1ex]"):
        block = re.sub(r"\A.*?\\begin\{align\*\}|\\end\{align\*\}.*\Z", "", lines, flags=re.DOTALL)
        label, *sides = (re.sub(r"\A[&\s]+|[&\s\\]+\Z", "", side) for side in block.replace(r"\quad =", "=").split("="))
        text = sides[0]
        for name, value in known.items():
            text = text.replace(name, f" ({value}) ")
        value = int(sides[-1].replace("{,}", ""))
        numbers = [read_as(side, ()) for side in sides[1:]]
        result.append((label, read_as(text, notation), numbers, value))
        known[label] = sides[0]
    return result
