"""Exact evaluation of an expression: the one place where symbols become numbers.

An expression is translated once into a Python syntax tree of integer operations (no text is ever evaluated) and
compiled. Divisions are brought to one fraction `p/q`; `p` must be divisible by `q`, or the value is refused.
`floor`, `ceiling`, `Mod`, `Min` and `Max` are integer operations too; there is no float anywhere. A `Sum` without a
closed form is added up term by term.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from sympy import (
    Add,
    Expr,
    Function,
    Integer,
    Max,
    Min,
    Mod,
    Mul,
    Pow,
    Rational,
    Sum,
    Symbol,
    ceiling,
    floor,
    fraction,
    together,
)

from symcount.errors import DomainError, StructureError
from symcount.exact.arithmetic import SCOPE, Number, as_written
from symcount.exact.indicators import Differs, Divides, Equals, Indicator, Leaves, Less

__all__ = [
    "Number", "Round", "as_written", "code_of", "compile_scalar", "function", "integer_value", "syntax_tree",
    "translated",
]  # fmt: skip


def function(expression: Expr, names: Sequence[str], namespace: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """Compile *expression* to a positional function of *names*, using only `+ - * // %` and powers by literals.

    A non-integer result is impossible by construction: the final division, where there is one, is checked.

    >>> from symcount.core.notation import symbol
    >>> H, A = symbol("H"), symbol("A")
    >>> f = function(H**2 / A, ["H", "A"])
    >>> f(768, 12)
    49152
    >>> f(7, 2)
    Traceback (most recent call last):
    ...
    symcount.errors.DomainError: H**2/A is not an integer at H = 7, A = 2
    """
    body, scope = translated(expression, names)
    return FunctionType(code_of(body, names), {**scope, **(namespace or {})})


def code_of(body: ast.expr, names: Sequence[str], *, others: str = "") -> CodeType:
    """The code of a function of *names* whose value is the syntax tree *body*.

    Keywords beside *names* are a dictionary called *others*, where that is said.
    """
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(arg=n) for n in names], kwonlyargs=[], kw_defaults=[], defaults=[],
        kwarg=ast.arg(arg=others) if others else None,
    )  # fmt: skip
    whole = ast.Lambda(args=arguments, body=body)
    tree = ast.fix_missing_locations(ast.Expression(body=whole))
    code = compile(tree, "<formula>", "eval")  # a syntax tree built here, never text
    return next(c for c in code.co_consts if isinstance(c, CodeType))


def translated(expression: Expr, names: Sequence[str]) -> tuple[ast.expr, dict[str, Any]]:
    """The value of *expression* as a syntax tree in *names*, and what else it has names for; see `function`."""
    numerator, denominator = fraction(together(expression))
    if denominator == 1:
        return _translate(numerator), dict(SCOPE)

    def exact(top: Any, bottom: Any, *values: Any) -> Any:
        quotient, remainder = divmod(top, bottom)
        if remainder if isinstance(remainder, int | Fraction) else remainder.any():
            at = ", ".join(f"{n} = {v}" for n, v in zip(names, values, strict=True))
            raise DomainError(f"{expression} is not an integer at {at}")
        return quotient

    body = _call("_exact", _translate(numerator), _translate(denominator), *[_name(n) for n in names])
    return body, {"_exact": exact, **SCOPE}


@lru_cache(maxsize=4096)
def compile_scalar(expression: Expr) -> Callable[[Mapping[str, Number]], Any]:
    """Compile *expression* to a function of a mapping from letters to exact numbers.

    Unlike `function` the result may be a fraction; conditions need that (`mlp_ratio`).
    """
    names = sorted(s.name for s in expression.free_symbols if isinstance(s, Symbol))
    top, bottom = fraction(together(expression))
    over = FunctionType(code_of(_translate(top), names), dict(SCOPE))
    under = FunctionType(code_of(_translate(bottom), names), dict(SCOPE)) if bottom != 1 else None

    def value(values: Mapping[str, Number]) -> Any:
        arguments = [values[name] for name in names]
        if under is None:
            return over(*arguments)
        divisor = under(*arguments)
        if divisor == 0:
            raise DomainError(f"{expression} divides by zero here")
        result = Fraction(over(*arguments)) / divisor
        return result.numerator if result.denominator == 1 else result

    return value


def integer_value(expression: Expr, values: Mapping[str, Number]) -> int:
    """Evaluate *expression* at *values*, exactly, and insist on an integer.

    Raises:
        DomainError: the value is a fraction.
    """
    value = compile_scalar(expression)(values)
    if isinstance(value, Fraction):
        if value.denominator != 1:
            names = sorted(s.name for s in expression.free_symbols if isinstance(s, Symbol))
            at = ", ".join(f"{n} = {values[n]}" for n in names)
            raise DomainError(f"{expression} is not an integer at {at}")
        return value.numerator
    return int(value)


def _name(name: str) -> ast.expr:
    return ast.Name(id=name, ctx=ast.Load())


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(func=_name(name), args=list(arguments), keywords=[])


def _fold(operator: ast.operator, terms: list[ast.expr]) -> ast.expr:
    """The terms combined as a balanced tree: a sum of a thousand terms is ten levels deep, not a thousand."""
    if len(terms) == 1:
        return terms[0]
    half = len(terms) // 2
    return ast.BinOp(left=_fold(operator, terms[:half]), op=operator, right=_fold(operator, terms[half:]))


def _translate_quotient(argument: Expr) -> ast.expr:
    top, bottom = fraction(together(argument))
    return _translate(top) if bottom == 1 else _call("_divide", _translate(top), _translate(bottom))


def syntax_tree(expression: Expr) -> ast.expr:
    """The Python syntax tree of *expression* in the operations of `symcount.exact.arithmetic`, as one exact quotient.

    >>> from symcount.core.notation import symbol
    >>> ast.unparse(syntax_tree(symbol("H") ** 2 / symbol("A")))
    '_divide(H * H, A)'

    Raises:
        StructureError: it has an operation for which there is no exact rule.
    """
    return _translate_quotient(expression)


class Round(Function):  # type: ignore[misc]  # SymPy is untyped
    """Python's `round` to an integer: an exact half goes to the even neighbour.

    >>> from symcount.core.notation import symbol
    >>> compile_scalar(Round(symbol("H") / 4))({"H": 34}), compile_scalar(Round(symbol("H") / 4))({"H": 38})
    (8, 10)
    """

    nargs = 1
    is_integer = True
    is_real = True

    @classmethod
    def eval(cls, number: Expr) -> Expr | None:
        """The value, where *number* is one."""
        return Integer(round(Fraction(int(number.p), int(number.q)))) if isinstance(number, Rational) else None


def _translate_floor(argument: Expr) -> ast.expr:
    top, bottom = fraction(together(argument))
    exact = (_translate(top), _translate(bottom))
    if all(s.is_integer for s in argument.free_symbols):
        return _call("_floor", *exact)
    floats = [_Floats().visit(_translate(part)) for part in (top, bottom)]
    return _call("_floor_of_ratio", *exact, ast.BinOp(left=floats[0], op=ast.Div(), right=floats[1]))


class _Floats(ast.NodeTransformer):
    """The same operations on the nearest floats, as the model does them."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A symbol becomes a float; a helper of this module stays."""
        return node if node.id.startswith("_") else _call("_float", _name(node.id))


def _translate(expression: Expr) -> ast.expr:  # a table of rules, one a head
    """Rules from SymPy heads to Python operations; a head without a rule is refused."""
    if isinstance(expression, Integer):
        return ast.Constant(value=int(expression))
    if isinstance(expression, Symbol):
        return _name(expression.name)
    if isinstance(expression, Add):
        return _fold(ast.Add(), [_translate(a) for a in expression.args])
    if isinstance(expression, Mul):
        return _fold(ast.Mult(), [_translate(a) for a in expression.args])
    if isinstance(expression, Pow) and expression.exp.is_Integer and int(expression.exp) > 0:
        # H*H beats H**2 for Python integers and for NumPy arrays alike
        base = _translate(expression.base)
        return _fold(ast.Mult(), [base] * int(expression.exp))
    if isinstance(expression, Pow) and expression.base.is_integer and not isinstance(expression.exp, Rational):
        return _call("_power", _translate(expression.base), _translate(expression.exp))
    return _translate_function(expression)


def _translate_indicator(expression: Indicator) -> ast.expr:
    """A condition on integers in the operations that every language here has: `min(1, max(0, b - a))` for `a < b`."""
    left, right = (_translate_quotient(a) for a in expression.args)
    one, zero = ast.Constant(value=1), ast.Constant(value=0)
    match expression:
        case Less():
            return _call("_min", one, _call("_max", zero, ast.BinOp(left=right, op=ast.Sub(), right=left)))
        case Leaves():
            return _call("_min", one, ast.BinOp(left=right, op=ast.Mod(), right=left))
        case Differs():
            between = ast.BinOp(left=left, op=ast.Sub(), right=right)
            return _call("_min", one, ast.BinOp(left=between, op=ast.Mult(), right=between))
    opposite = {Equals: Differs, Divides: Leaves}[type(expression)](*expression.args, evaluate=False)
    return ast.BinOp(left=one, op=ast.Sub(), right=_translate_indicator(opposite))


def _translate_function(expression: Expr) -> ast.expr:
    """The rules for what is no sum, product or power."""
    if isinstance(expression, Indicator):
        return _translate_indicator(expression)
    if isinstance(expression, Sum):
        *inner, (index, _, last) = expression.limits  # from zero on, the innermost first
        own = Symbol(f"{index.name}__index", integer=True, nonnegative=True)  # which no letter is called
        one = ast.arguments(posonlyargs=[], args=[ast.arg(arg=own.name)], kwonlyargs=[], kw_defaults=[], defaults=[])
        body = Sum(expression.function, *inner) if inner else expression.function
        term = ast.Lambda(args=one, body=_translate_quotient(body.xreplace({index: own})))
        return _call("_sum", term, _translate(last + 1))
    if isinstance(expression, floor):
        return _translate_floor(expression.args[0])
    if isinstance(expression, ceiling):
        return ast.UnaryOp(op=ast.USub(), operand=_translate_floor(-expression.args[0]))
    if isinstance(expression, Round):
        return _call("_round", _translate_quotient(expression.args[0]))
    if isinstance(expression, Mod):
        top, bottom = (_translate_quotient(a) for a in expression.args)
        return ast.BinOp(left=top, op=ast.Mod(), right=bottom)
    if isinstance(expression, Min | Max):
        return _call(
            "_min" if isinstance(expression, Min) else "_max", *[_translate_quotient(a) for a in expression.args]
        )
    if expression.is_Rational or (isinstance(expression, Pow) and expression.exp == -1):
        raise StructureError(f"{expression} is a fraction inside an integer operation; multiply it out first")
    raise StructureError(f"no exact integer rule for {type(expression).__name__} in {expression}")
