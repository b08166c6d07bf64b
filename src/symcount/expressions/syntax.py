"""Text to Python's syntax tree: within limits, and never evaluated."""

from __future__ import annotations

import ast
import re
from typing import NoReturn

from symcount.errors import ExpressionError

__all__ = ["FUNCTION_NAMES", "parse", "refuse"]

FUNCTION_NAMES = ("floor", "ceil", "abs", "min", "max", "round_to")
_LONGEST = 500
_DEEPEST = 4  # functions inside one another: SymPy compares the arguments of each, which grow by every level
_REFUSED: dict[type[ast.AST], str] = {
    ast.Attribute: "attribute access",
    ast.Subscript: "indexing",
    ast.Lambda: "lambda",
    ast.And: "and inside an expression",
    ast.Or: "or inside an expression",
    ast.Not: "not inside an expression",
    ast.Compare: "a comparison inside an expression",
    ast.IfExp: "if",
    ast.NamedExpr: "assignment",
}


def parse(text: str) -> ast.expr:
    """The syntax tree of *text*.

    Raises:
        ExpressionError: no text, too long, not an expression, or too many functions inside one another.
    """
    if not isinstance(text, str) or not text.strip():
        raise ExpressionError(f"expected an expression such as H/64, got {text!r:.80}")
    if len(text) > _LONGEST:
        raise ExpressionError(f"an expression of {len(text)} characters; expected at most {_LONGEST}")
    try:
        body = ast.parse(text.strip(), mode="eval").body
        nested = _nesting(body)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        single = re.sub(r"(?<![<>=!])=(?!=)", "==", text) if text.count("=") == 1 else text
        meant = f"; equal is ==: {single!r:.80}" if single != text else "; write it like 4*H, H % A == 0 or H/N"
        raise ExpressionError(f"{text!r:.80} is not an expression{meant}") from None
    if nested > _DEEPEST:
        raise ExpressionError(
            f"{text!r:.80}: {nested} functions, // or % inside one another; at most {_DEEPEST} are read"
        )
    return body


def _nesting(node: ast.AST) -> int:
    """How many functions, `//` and `%` lie inside one another."""
    rounds = isinstance(node, ast.Call) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv | ast.Mod))
    return rounds + max(map(_nesting, ast.iter_child_nodes(node)), default=0)


def refuse(text: str, node: ast.AST) -> NoReturn:
    """Say what in *text* is not allowed, and what is.

    Raises:
        ExpressionError: always.
    """
    node = node.op if isinstance(node, ast.UnaryOp | ast.BoolOp) else node
    what = _REFUSED.get(type(node)) or f"{type(node).__name__.lower()}"
    raise ExpressionError(
        f"{text!r:.80}: {what} is not allowed; known are numbers, symbols, + - * / // % **, comparisons, "
        f"and {', '.join(FUNCTION_NAMES)}"
    )
