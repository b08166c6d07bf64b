"""Expressions as text, and back to a SymPy expression; a function of numbers is made by `atlas.compiled`.

The text is the Python syntax of `symcount.exact.evaluate.syntax_tree`. It is parsed, never evaluated: a parsed text is
accepted only if every node of it is a whole number, a known name, `+ - * %`, or a call of a helper of
`symcount.exact.arithmetic`.

>>> to_sympy("__import__('os')", {})
Traceback (most recent call last):
...
symcount.errors.StructureError: stored expression "__import__('os')" has a Call that no formula has
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from symcount.atlas.compiled import LONGEST
from symcount.errors import StructureError

if TYPE_CHECKING:
    from sympy import Expr, Symbol

__all__ = ["encode", "readable", "to_sympy"]

_ARITY: Mapping[str, int | None] = {
    "_floor": 2,
    "_floor_of_ratio": 3,
    "_power": 2,
    "_divide": 2,
    "_round": 1,
    "_float": 1,
    "_min": None,
    "_max": None,
}
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Mod)


def encode(expression: Expr) -> str:
    """The text of *expression*.

    Raises:
        StructureError: it has an operation for which there is no exact rule.

    >>> from symcount.core.notation import symbol
    >>> encode((symbol("H") + 3) // 2)
    '_floor(3 + H, 2)'
    """
    from symcount.exact.evaluate import syntax_tree

    return ast.unparse(syntax_tree(expression))


def to_sympy(text: str, symbols: Mapping[str, Symbol]) -> Expr:
    """The SymPy expression that *text* stands for.

    >>> from symcount.core.notation import symbol
    >>> to_sympy("_floor(3 + H, 2)", {"H": symbol("H")})
    floor(H/2 + 3/2)
    """
    return _expression(_parsed(text, symbols), symbols)


def readable(text: str) -> str:
    """*text* for a message.

    >>> readable("_floor(3 + H, 2) + _min(H, 4)")
    'floor((3 + H)/2) + min(H, 4)'
    """
    return ast.unparse(_Readable().visit(ast.parse(text, mode="eval"))).replace(" / ", "/")


class _Readable(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Helpers by their mathematical names."""
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("_divide", "_floor", "_floor_of_ratio"):
            top, bottom = ("(" + ast.unparse(a) + ")" if isinstance(a, ast.BinOp) else ast.unparse(a)
                           for a in node.args[:2])  # fmt: skip
            quotient = f"({top}/{bottom})"
            return ast.Name(id=f"floor{quotient}" if name != "_divide" else quotient, ctx=ast.Load())
        return ast.Call(func=ast.Name(id=name.lstrip("_"), ctx=ast.Load()), args=node.args, keywords=[])


def _parsed(text: str, names: Collection[str]) -> ast.expr:
    try:
        if len(text) > LONGEST:
            raise SyntaxError("too long")
        body = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise StructureError(f"stored expression {text!r:.80} cannot be read; reinstall symcount") from None
    _check(body, text, names, floats=False)
    return body


def _check(node: ast.expr, text: str, names: Collection[str], *, floats: bool) -> None:
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return None
        case ast.Name(id=name) if name in names:
            return None
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _OPERATORS) or (
            floats and isinstance(op, ast.Div)
        ):
            _check(left, text, names, floats=floats)
            return _check(right, text, names, floats=floats)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _check(operand, text, names, floats=floats)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _ARITY:
            if _ARITY[name] in (None, len(args)) and (name != "_float" or floats):
                for index, argument in enumerate(args):
                    _check(argument, text, names, floats=floats or (name == "_floor_of_ratio" and index == 2))
                return None
        case _:
            pass
    raise StructureError(f"stored expression {text!r:.80} has a {type(node).__name__} that no formula has")


def _expression(node: ast.expr, symbols: Mapping[str, Symbol]) -> Expr:
    import sympy

    from symcount.exact.evaluate import Round

    match node:
        case ast.Constant(value=int() as value):
            return sympy.Integer(value)
        case ast.Name(id=name):
            return symbols[name]
        case ast.UnaryOp(operand=operand):
            return -_expression(operand, symbols)
        case ast.BinOp(op=op):
            # the sums are balanced trees: what belongs together is handed to SymPy in one piece
            parts = [_expression(part, symbols) for part in _flat(node, type(op))]
            if isinstance(op, ast.Add):
                return sympy.Add(*parts)
            if isinstance(op, ast.Mult):
                return sympy.Mul(*parts)
            return parts[0] - parts[1] if isinstance(op, ast.Sub) else sympy.Mod(parts[0], parts[1])
        case ast.Call(func=ast.Name(id=name), args=args):
            parts = [_expression(a, symbols) for a in args[:2]] if name == "_floor_of_ratio" else [
                _expression(a, symbols) for a in args
            ]  # fmt: skip
            rules: dict[str, Callable[..., Any]] = {
                "_floor": lambda a, b: sympy.floor(a / b),
                "_floor_of_ratio": lambda a, b: sympy.floor(a / b),
                "_power": lambda a, b: a**b,
                "_divide": lambda a, b: a / b,
                "_round": Round,
                "_min": lambda *numbers: sympy.Min(*numbers, evaluate=False),  # it was simplified when it was stored
                "_max": lambda *numbers: sympy.Max(*numbers, evaluate=False),
            }
            return rules[name](*parts)
    raise StructureError(f"{ast.dump(node)} is no stored expression")


def _flat(node: ast.expr, kind: type[ast.operator]) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and type(node.op) is kind and kind in (ast.Add, ast.Mult):
        return [*_flat(node.left, kind), *_flat(node.right, kind)]
    return [node] if not isinstance(node, ast.BinOp) or type(node.op) is not kind else [node.left, node.right]
