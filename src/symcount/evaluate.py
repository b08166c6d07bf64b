"""Exact evaluation of an expression: the one place where symbols become numbers.

An expression is translated once into a Python syntax tree of integer operations (no text is ever evaluated) and
compiled. Divisions are brought to one fraction `p/q`; `p` must be divisible by `q`, or the value is refused.
`floor`, `ceiling`, `Mod`, `Min` and `Max` are integer operations too; there is no float anywhere.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from sympy import Add, Expr, Integer, Max, Min, Mod, Mul, Pow, Rational, Symbol, ceiling, floor, fraction, together

from symcount.errors import DomainError, StructureError

__all__ = ["Number", "compile_scalar", "function", "integer_value"]

Number = int | Fraction


def function(expression: Expr, names: Sequence[str], namespace: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """Compile *expression* to a positional function of *names*, using only `+ - * // %` and powers by literals.

    A non-integer result is impossible by construction: the final division, where there is one, is checked.

    >>> from symcount.notation import symbol
    >>> H, A = symbol("H"), symbol("A")
    >>> f = function(H**2 / A, ["H", "A"])
    >>> f(768, 12)
    49152
    >>> f(7, 2)
    Traceback (most recent call last):
    ...
    symcount.errors.DomainError: H**2/A is not an integer at H = 7, A = 2
    """
    numerator, denominator = fraction(together(expression))
    if denominator == 1:
        body = _translate(numerator)
    else:
        body = _call("_exact", _translate(numerator), _translate(denominator), *[_name(n) for n in names])

    def exact(top: Any, bottom: Any, *values: Any) -> Any:
        quotient, remainder = divmod(top, bottom)
        if remainder if isinstance(remainder, int | Fraction) else remainder.any():
            at = ", ".join(f"{n} = {v}" for n, v in zip(names, values, strict=True))
            raise DomainError(f"{expression} is not an integer at {at}")
        return quotient

    scope = {
        "_exact": exact,
        "_floor": _floor,
        "_power": _power,
        "_min": min,
        "_max": max,
        "__builtins__": {},
        **(namespace or {}),
    }
    return FunctionType(_code(body, names), scope)


@lru_cache(maxsize=4096)
def compile_scalar(expression: Expr) -> Callable[[Mapping[str, Number]], Any]:
    """Compile *expression* to a function of a mapping from letters to exact numbers.

    Unlike `function` the result may be a fraction; conditions need that (`mlp_ratio`).
    """
    names = sorted(s.name for s in expression.free_symbols if isinstance(s, Symbol))
    top, bottom = fraction(together(expression))
    scope = {"_floor": _floor, "_power": _power, "_min": min, "_max": max, "__builtins__": {}}
    over = FunctionType(_code(_translate(top), names), dict(scope))
    under = FunctionType(_code(_translate(bottom), names), dict(scope)) if bottom != 1 else None

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


def _floor(top: Any, bottom: Any) -> Any:
    return top // bottom


def _power(base: Any, exponent: Any) -> Any:
    negative = exponent < 0
    if negative if isinstance(negative, bool) else negative.any():  # Python would answer with a float
        raise DomainError(f"{base}^{exponent} is not an integer")
    return base**exponent


def _code(body: ast.expr, names: Sequence[str]) -> CodeType:
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(arg=n) for n in names], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    tree = ast.fix_missing_locations(ast.Expression(body=ast.Lambda(args=arguments, body=body)))
    code = compile(tree, "<formula>", "eval")  # a syntax tree built here, never text
    return next(c for c in code.co_consts if isinstance(c, CodeType))


def _name(name: str) -> ast.expr:
    return ast.Name(id=name, ctx=ast.Load())


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(func=_name(name), args=list(arguments), keywords=[])


def _fold(operator: ast.operator, terms: list[ast.expr]) -> ast.expr:
    result = terms[0]
    for term in terms[1:]:
        result = ast.BinOp(left=result, op=operator, right=term)
    return result


def _translate(expression: Expr) -> ast.expr:
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
    if isinstance(expression, Pow) and expression.base.is_Integer and not isinstance(expression.exp, Rational):
        return _call("_power", _translate(expression.base), _translate(expression.exp))
    if isinstance(expression, floor):
        top, bottom = fraction(together(expression.args[0]))
        return _call("_floor", _translate(top), _translate(bottom))
    if isinstance(expression, ceiling):
        top, bottom = fraction(together(-expression.args[0]))
        return ast.UnaryOp(op=ast.USub(), operand=_call("_floor", _translate(top), _translate(bottom)))
    if isinstance(expression, Mod):
        top, bottom = expression.args
        if fraction(together(top))[1] == 1 and fraction(together(bottom))[1] == 1:
            return ast.BinOp(left=_translate(top), op=ast.Mod(), right=_translate(bottom))
    if isinstance(expression, Min | Max):
        return _call("_min" if isinstance(expression, Min) else "_max", *[_translate(a) for a in expression.args])
    if expression.is_Rational or (isinstance(expression, Pow) and expression.exp == -1):
        raise StructureError(f"{expression} is a fraction inside an integer operation; multiply it out first")
    raise StructureError(f"no exact integer rule for {type(expression).__name__} in {expression}")
