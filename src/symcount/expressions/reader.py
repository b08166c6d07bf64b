"""Expressions: numbers, a formula's symbols (letters or config fields), `+ - * / // % **` and a few functions.

Numbers are exact: `0.1` is one tenth, `8/3` is a fraction.

>>> from symcount.core.notation import Notation, entry
>>> notation = Notation((entry("H"), entry("N")))
>>> read_expression("round_to(8*H/3, 256)", notation)
256*floor(H/96 + 1/2)
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from fractions import Fraction

from sympy import Expr, Integer, Max, Min, Rational, ceiling, floor

from symcount.core.notation import Notation
from symcount.errors import ExpressionError, UnknownSymbolError
from symcount.expressions.syntax import FUNCTION_NAMES, parse, refuse

__all__ = ["FUNCTIONS", "Reader", "Totals", "read_expression"]

Totals = Mapping[str, Callable[[], Expr]]
_HIGHEST_POWER = 8


def _round_to(number: Expr, multiple: Expr) -> Expr:
    return multiple * floor(number / multiple + Rational(1, 2))


_MEANINGS: tuple[tuple[Callable[..., Expr], int | None], ...] = (
    (floor, 1),
    (ceiling, 1),
    (lambda number: Max(number, -number), 1),
    (Min, None),
    (Max, None),
    (_round_to, 2),
)
FUNCTIONS: Mapping[str, tuple[Callable[..., Expr], int | None]] = dict(zip(FUNCTION_NAMES, _MEANINGS, strict=True))
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


def read_expression(text: str, notation: Notation, totals: Totals | None = None) -> Expr:
    """The expression that *text* says, in the symbols of *notation*, and the names of *totals* where it has no such.

    Raises:
        ExpressionError: not an expression of the allowed form.
        UnknownSymbolError: a name that the formula does not have.
    """
    return Reader(text, notation, totals or {}).expression(parse(text))


class Reader:
    """Reads the syntax tree of one text.

    Args:
        text: the text, for what is said of it.
        notation: whose symbols its names are.
        totals: further names.
    """

    def __init__(self, text: str, notation: Notation, totals: Totals) -> None:
        self.text = text
        self.notation = notation
        self.totals = totals

    def expression(self, node: ast.expr) -> Expr:
        """The expression that *node* says.

        Raises:
            ExpressionError, UnknownSymbolError: see `read_expression`.
        """
        try:
            result = self._read(node)
        except (RecursionError, ZeroDivisionError):
            raise ExpressionError(f"{self.text!r:.80}: nested too deeply, or a division by zero") from None
        if result.is_finite is False or result.is_real is False or not isinstance(result, Expr):
            raise ExpressionError(f"{self.text!r:.80}: a division by zero")
        return result

    def _read(self, node: ast.expr) -> Expr:
        match node:
            case ast.Constant(value=bool()):
                refuse(self.text, node)
            case ast.Constant(value=int() as value):
                return Integer(value)
            case ast.Constant(value=float()):
                return self._decimal(node)
            case ast.Name(id=name):
                return self._symbol(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._read(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._read(operand)
            case ast.BinOp(op=ast.Pow()):
                return self._power(node)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                a, b = self._read(left), self._read(right)
                if b == 0 and isinstance(op, ast.Div | ast.FloorDiv | ast.Mod):
                    raise ExpressionError(f"{self.text!r:.80}: a division by zero")
                return _OPERATORS[type(op)](a, b)
            case ast.Call():
                return self._call(node)
        return refuse(self.text, node)

    def _decimal(self, node: ast.Constant) -> Expr:
        written = ast.get_source_segment(self.text.strip(), node) or ""
        try:
            number = Fraction(written)
        except ValueError:
            refuse(self.text, node)
        if max(number.numerator.bit_length(), number.denominator.bit_length()) > 1000:
            refuse(self.text, node)
        return Rational(number)

    def _symbol(self, name: str) -> Expr:
        if name in self.totals and name not in self.notation:
            return self.totals[name]()
        try:
            return self.notation[name].symbol
        except UnknownSymbolError as error:
            raise UnknownSymbolError(f"{self.text!r:.80}: {error}") from None

    def _power(self, node: ast.BinOp) -> Expr:
        exponent = node.right
        small = isinstance(exponent, ast.Constant) and type(exponent.value) is int and exponent.value <= _HIGHEST_POWER
        nested = any(isinstance(inner, ast.Pow) for inner in ast.walk(node.left))
        if not small or nested:
            raise ExpressionError(f"{self.text!r:.80}: a power needs a number from 0 to {_HIGHEST_POWER} as exponent")
        assert isinstance(exponent, ast.Constant)  # noqa: S101  # said by `small`
        return self._read(node.left) ** Integer(exponent.value)

    def _call(self, node: ast.Call) -> Expr:
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            name, known = ast.unparse(node.func), ", ".join(FUNCTIONS)
            raise ExpressionError(f"{self.text!r:.80}: {name:.40} cannot be called in an expression; known: {known}")
        function, arity = FUNCTIONS[node.func.id]
        if node.keywords or not node.args or (arity is not None and len(node.args) != arity):
            expected = "at least one argument" if arity is None else f"{arity} argument{'s' if arity > 1 else ''}"
            raise ExpressionError(f"{self.text!r:.80}: {node.func.id} takes {expected}")
        arguments = [self._read(argument) for argument in node.args]
        if node.func.id == "round_to" and arguments[1] == 0:
            raise ExpressionError(f"{self.text!r:.80}: round_to a multiple of zero")
        return function(*arguments)
