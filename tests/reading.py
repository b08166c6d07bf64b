"""Printed formulas read back by SymPy's LaTeX parser, which shares nothing with the code that printed them."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from sympy import Add, Expr, Symbol, expand
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
    latex, scalars = unfolded(latex), _scalars(latex)
    ordered = sorted([*notation, *(_Name(left) for left in scalars)], key=lambda e: -len(e.latex))
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
    value = Add(*(term.xreplace({s: numbered[str(s)] for s in term.free_symbols}) for term in parsed))
    return expand(value.xreplace({Symbol(left): read_as(right, notation) for left, right in scalars.items()}))


@dataclass(frozen=True)
class _Name:
    """What stands for something that is said behind the formula."""

    latex: str

    @property
    def symbol(self):
        return Symbol(self.latex)


def _said(latex):
    """What is said behind a formula, `n = …`."""
    parts = re.split(r",?\s*(?:\\\\\n& |\\quad )(?=[A-Za-z]\S* = )", latex)
    return parts[0], [re.sub(r"\s*\\end\{aligned\}\s*\Z|,\s*\Z", "", part) for part in parts[1:]]


def _scalars(latex):
    """Those definitions that have no index."""
    pairs = [definition.split(" = ") for definition in _said(latex)[1]]
    return {left: right for left, right in pairs if len(left) == 1 and not right.startswith("(")} | {
        left: right for left, right in pairs if re.fullmatch(r"N_\{\\mathrm\{\w+\}\}", left)
    }


def unfolded(latex):
    r"""Write sums out, with what is said behind the formula put in.

    >>> unfolded(r"H + \sum_{i=0}^2 N_iH_i,\quad H_i = 2^iH")
    'H + ((N_0(2^{0}H))+(N_1(2^{1}H))+(N_2(2^{2}H)))'
    >>> unfolded(r"\sum_{i=1}^2 r_ic_{i-1}c_i,\quad r = (3, 5)")
    '(((3)c_0c_1)+((5)c_1c_2))'
    """
    start, said = _said(latex)
    formula = start.rstrip().rstrip(",") + r"\end{aligned}" * (r"\begin{aligned}" in latex) if said else latex
    said = [definition for definition in said if definition.split(" = ")[0] not in _scalars(latex)]
    while (found := re.search(r"\\sum_\{(\w)=(\d+)\}\^(?:\{(\d+)\}|(\d))", formula)) is not None:
        index, first, last = found[1], int(found[2]), int(found[3] or found[4])
        end, depth = found.end(), 0
        while end < len(formula):
            tail = formula[end:]
            if depth == 0 and end > found.end() and re.match(r" ?(?:[+,)&}]|- |\\right|\\\\|\\end)", tail):
                break
            depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(formula[end], 0)
            end += 1
        body = formula[found.end() : end].strip()
        terms = [_at(body, index, number, said, first) for number in range(first, last + 1)]
        formula = f"{formula[: found.start()]}({'+'.join(f'({t})' for t in terms)}){formula[end:]}"
    return _levels(formula, said)


def _at(body, index, number, said, first):
    """What stands behind a sum's sign, at one index."""

    def shift(text):
        return re.sub(rf"(?<![A-Za-z\\]){index}([+-]\d+)?(?![A-Za-z])", lambda m: str(number + int(m[1] or 0)), text)

    for definition in said:
        left, right = (side.strip() for side in definition.split(" = "))
        if right.startswith("("):
            data = right.strip("()").split(", ")
            body = re.sub(rf"(?<![A-Za-z\\]){left}_{index}", f"({data[number - first]})", body)
        elif index in left:
            part = re.fullmatch(r"(.*)/(.*)", right)
            value = rf"\frac{{{part[1]}}}{{{part[2]}}}" if part else right
            body = body.replace(left, f"({value})")
    body = re.sub(rf"_(\{{[^{{}}]*(?:\{{[^{{}}]*\}}[^{{}}]*)?\}}|{index})", lambda m: f"_{shift(m[1])}", body)
    body = re.sub(r"_\{(\d)\}", r"_\1", body)
    body = re.sub(rf"\^\{{(\d+){index}\}}", lambda m: f"^{{{int(m[1]) * number}}}", body)
    return re.sub(rf"\^{index}", f"^{{{number}}}", body)


def _levels(formula, said):
    """The single sizes of a progression, `H_3`, put in."""
    for definition in said:
        left, right = (side.strip() for side in definition.split(" = "))
        found = re.search(r"([a-z])\}?$", left)
        if not right.startswith("(") and found is not None and f"^{found[1]}" in right:
            name = re.escape(left[: found.start(1)]) + r"(\d+)" + re.escape(left[found.end(1) :])
            part = re.fullmatch(r"(.*)/(.*)", right)
            value = rf"\frac{{{part[1]}}}{{{part[2]}}}" if part else right
            formula = re.sub(name, lambda m: f"({value.replace('^' + found[1], '^{' + m[1] + '}')})", formula)  # noqa: B023
    return formula


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
    """What a term says; each of its brackets is read by itself: the time of the parser grows with the square."""
    inside = {}
    for start, end in reversed(_brackets(text)):
        name = next(c for c in reversed(STAND_INS) if c not in text)
        inside[Symbol(name)] = Add(*(sign * _term(term) for sign, term in _terms(text[start + 1 : end - 1])))
        text = f"{text[:start]} {name} {text[end:]}"
    parsed = parse_latex_lark(with_signs(text))
    if not isinstance(parsed, Expr):
        raise AssertionError(f"{text!r} has no single reading: {parsed!r}")
    return parsed.xreplace(inside)


def _brackets(text):
    r"""Where the outermost brackets begin and end; those behind a name, which are of a function, are none of them.

    >>> _brackets("N(H+(A-1)) H")
    [(1, 10)]
    >>> _brackets(r"\max(H,I)"), _brackets("(1)")
    ([], [])
    """
    depth, start, found = 0, 0, []
    for here, char in enumerate(text):
        if char == "(":
            start = start if depth else here
            depth += 1
        elif char == ")":
            depth -= 1
            inner = text[start + 1 : here]
            called = re.search(r"\\(?!cdot|lfloor|lceil)[A-Za-z]+\s*(?:\{[^{}]*\}\s*)?\Z", text[:start])
            if depth == 0 and not called and "," not in inner and len(inner) > 1:
                found.append((start, here + 1))
    return found


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
        before = latex[:start]
        if before.endswith("{") and rest.startswith("}"):  # the braces that keep the sign behind it apart
            before, rest = before[:-1], rest[1:]
        latex = before + latex[start + len(r"\underbrace{") : end - 1] + rest
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
