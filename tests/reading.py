"""Printed formulas read back by SymPy's LaTeX parser, which shares nothing with the code that printed them."""

import re
from itertools import pairwise

from sympy import Expr, expand
from sympy.parsing.latex import parse_latex_lark

import symcount as sc

TOKEN = re.compile(r"\\[A-Za-z]+|\d+|\S")
ENDS = re.compile(r"\d+|[A-Za-z]|[})]")  # tokens after which a factor may end
BEGINS = re.compile(r"\d+|[A-Za-z]|\(|\\left|\\frac")


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
