"""Expressions that a user writes, read through a whitelist of Python's syntax tree. Nothing is ever evaluated as code.

Known: numbers, the formula's symbols (letters or config fields), `+ - * / // % **`, comparisons (chained, and joined by
`and`), and the functions of `FUNCTIONS`. Numbers are exact: `0.1` is one tenth, `8/3` is a fraction.

>>> from symcount.notation import Notation, entry
>>> notation = Notation((entry("H"), entry("N")))
>>> read_expression("round_to(8*H/3, 256)", notation)
256*floor(H/96 + 1/2)
>>> [str(c) for c in read_conditions("16 <= H/N <= 128 and H % 64 == 0", notation)]
['16 <= H/N', 'H/N <= 128', 'H % 64 == 0']
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import NoReturn

from sympy import Expr, Integer, Max, Min, Rational, ceiling, floor

from symcount.domain import Condition, divides, relation
from symcount.errors import ExpressionError, UnknownSymbolError
from symcount.formula import Formula
from symcount.ledger import CONVENTIONS
from symcount.notation import Notation

__all__ = ["FUNCTIONS", "Stated", "read_conditions", "read_expression", "totals_of"]

Totals = Mapping[str, Callable[[], Expr]]
_LONGEST = 500
_HIGHEST_POWER = 8
_DEEPEST = 4  # functions inside one another: SymPy compares the arguments of each, which grow by every level


def _round_to(number: Expr, multiple: Expr) -> Expr:
    return multiple * floor(number / multiple + Rational(1, 2))


FUNCTIONS: Mapping[str, tuple[Callable[..., Expr], int | None]] = {
    "floor": (floor, 1),
    "ceil": (ceiling, 1),
    "abs": (lambda number: Max(number, -number), 1),
    "min": (Min, None),
    "max": (Max, None),
    "round_to": (_round_to, 2),
}
"""Functions of an expression: name -> (SymPy function, number of arguments). `round_to(x, m)` is the multiple of m that
is nearest to x, the larger one where two are."""

_OPERATORS: Mapping[type[ast.operator], Callable[[Expr, Expr], Expr]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: floor(a / b),
    ast.Mod: lambda a, b: a - b * floor(a / b),
}
_RELATIONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_REFUSED: Mapping[type[ast.AST], str] = {
    ast.Attribute: "attribute access",
    ast.Subscript: "indexing",
    ast.Lambda: "lambda",
    ast.Or: "or",
    ast.Not: "not",
    ast.BoolOp: "or",
    ast.Compare: "a comparison inside an expression",
    ast.IfExp: "if",
    ast.NamedExpr: "assignment",
}


@dataclass(frozen=True)
class Stated:
    """A condition, with the words in which it was given."""

    condition: Condition
    text: str
    implied: bool = False  # it comes with the model, nobody wrote it

    def __str__(self) -> str:
        return self.text


def totals_of(formula: Formula) -> dict[str, Callable[[], Expr]]:
    """What `P`, `unique`, `active` … stand for in conditions and rankings: totals, worked out when they are used."""
    named: dict[str, Callable[[], Expr]] = {name: partial(formula.total_as, name) for name in CONVENTIONS}
    return {"P": named["unique"], **named}


def read_expression(text: str, notation: Notation, totals: Totals | None = None) -> Expr:
    """The expression that *text* says, in the symbols of *notation*, and the names of *totals* where it has no such.

    Raises:
        ExpressionError: not an expression of the allowed form.
        UnknownSymbolError: a name that the formula does not have.
    """
    return _Reader(text, notation, totals or {}).expression(_parse(text))


def read_conditions(text: str, notation: Notation, totals: Totals | None = None) -> tuple[Stated, ...]:
    """The conditions that *text* says: one comparison, a chain, or several joined by `and`.

    Raises:
        ExpressionError: not a comparison of the allowed form.
        UnknownSymbolError: a name that the formula does not have.
    """
    return tuple(_Reader(text, notation, totals or {}).conditions(_parse(text)))


def _parse(text: str) -> ast.expr:
    if not isinstance(text, str) or not text.strip():
        raise ExpressionError(f"expected an expression such as H/64, got {text!r:.80}")
    if len(text) > _LONGEST:
        raise ExpressionError(f"an expression of {len(text)} characters; expected at most {_LONGEST}")
    try:
        body = ast.parse(text.strip(), mode="eval").body
        nested = _nesting(body)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ExpressionError(f"{text!r:.80} is not an expression; write it like 4*H, H % A == 0 or H/N") from None
    if nested > _DEEPEST:
        raise ExpressionError(
            f"{text!r:.80}: {nested} functions, // or % inside one another; at most {_DEEPEST} are read"
        )
    return body


def _nesting(node: ast.AST) -> int:
    """How many functions, `//` and `%` lie inside one another."""
    rounds = isinstance(node, ast.Call) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv | ast.Mod))
    return rounds + max(map(_nesting, ast.iter_child_nodes(node)), default=0)


class _Reader:
    def __init__(self, text: str, notation: Notation, totals: Totals) -> None:
        self.text = text
        self.notation = notation
        self.totals = totals

    def conditions(self, node: ast.expr) -> list[Stated]:
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            return [c for part in node.values for c in self.conditions(part)]
        if not isinstance(node, ast.Compare):
            if isinstance(node, ast.BoolOp | ast.UnaryOp):
                self.refuse(node)
            raise ExpressionError(f"{self.text!r:.80} is not a condition; write it like H % A == 0 or 16 <= H/N")
        sides = [node.left, *node.comparators]
        return [self.comparison(a, op, b) for a, op, b in zip(sides, node.ops, sides[1:], strict=False)]

    def comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Stated:
        how = _RELATIONS.get(type(op))
        if how is None:
            raise ExpressionError(
                f"{self.text!r:.80}: expected a comparison by one of {', '.join(_RELATIONS.values())}"
            )
        source = self.text.strip()
        text = f"{ast.get_source_segment(source, left)} {how} {ast.get_source_segment(source, right)}"
        a, b = self.expression(left), self.expression(right)
        rest = isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mod)
        if how == "==" and rest and b == 0:
            assert isinstance(left, ast.BinOp)  # noqa: S101  # said by `rest`
            return Stated(divides(self.expression(left.right), self.expression(left.left)), text)
        return Stated(relation(a, how, b), text)

    def expression(self, node: ast.expr) -> Expr:
        try:
            result = self.read(node)
        except (RecursionError, ZeroDivisionError):
            raise ExpressionError(f"{self.text!r:.80}: nested too deeply, or a division by zero") from None
        if result.is_finite is False or result.is_real is False or not isinstance(result, Expr):
            raise ExpressionError(f"{self.text!r:.80}: a division by zero")
        return result

    def read(self, node: ast.expr) -> Expr:
        match node:
            case ast.Constant(value=bool()):
                self.refuse(node)
            case ast.Constant(value=int() as value):
                return Integer(value)
            case ast.Constant(value=float()):
                return self.decimal(node)
            case ast.Name(id=name):
                return self.symbol(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.read(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand)
            case ast.BinOp(op=ast.Pow()):
                return self.power(node)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                a, b = self.read(left), self.read(right)
                if b == 0 and isinstance(op, ast.Div | ast.FloorDiv | ast.Mod):
                    raise ExpressionError(f"{self.text!r:.80}: a division by zero")
                return _OPERATORS[type(op)](a, b)
            case ast.Call():
                return self.call(node)
        return self.refuse(node)

    def decimal(self, node: ast.Constant) -> Expr:
        written = ast.get_source_segment(self.text.strip(), node) or ""
        try:
            number = Fraction(written)
        except ValueError:
            self.refuse(node)
        if max(number.numerator.bit_length(), number.denominator.bit_length()) > 1000:
            self.refuse(node)
        return Rational(number.numerator, number.denominator)

    def symbol(self, name: str) -> Expr:
        if name in self.totals and name not in self.notation:
            return self.totals[name]()
        try:
            return self.notation[name].symbol
        except UnknownSymbolError as error:
            raise UnknownSymbolError(f"{self.text!r:.80}: {error}") from None

    def power(self, node: ast.BinOp) -> Expr:
        exponent = node.right
        small = isinstance(exponent, ast.Constant) and type(exponent.value) is int and exponent.value <= _HIGHEST_POWER
        nested = any(isinstance(inner, ast.Pow) for inner in ast.walk(node.left))
        if not small or nested:
            raise ExpressionError(f"{self.text!r:.80}: a power needs a number from 0 to {_HIGHEST_POWER} as exponent")
        assert isinstance(exponent, ast.Constant)  # noqa: S101  # said by `small`
        return self.read(node.left) ** Integer(exponent.value)

    def call(self, node: ast.Call) -> Expr:
        known = ", ".join(FUNCTIONS)
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            name = ast.unparse(node.func)
            raise ExpressionError(f"{self.text!r:.80}: {name:.40} cannot be called in an expression; known: {known}")
        function, arity = FUNCTIONS[node.func.id]
        if node.keywords or not node.args or (arity is not None and len(node.args) != arity):
            expected = "at least one argument" if arity is None else f"{arity} argument{'s' if arity > 1 else ''}"
            raise ExpressionError(f"{self.text!r:.80}: {node.func.id} takes {expected}")
        arguments = [self.read(argument) for argument in node.args]
        if node.func.id == "round_to" and arguments[1] == 0:
            raise ExpressionError(f"{self.text!r:.80}: round_to a multiple of zero")
        return function(*arguments)

    def refuse(self, node: ast.AST) -> NoReturn:
        node = node.op if isinstance(node, ast.UnaryOp | ast.BoolOp) else node
        what = _REFUSED.get(type(node)) or f"{type(node).__name__.lower()}"
        raise ExpressionError(
            f"{self.text!r:.80}: {what} is not allowed; known are numbers, symbols, + - * / // % **, comparisons, "
            f"and {', '.join(FUNCTIONS)}"
        )
