"""What a programming language is to a printer: a table of operators, and names that are taken."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from symcount.code.integers import BOTTOM, TOP, Approximate, Node, Operation
from symcount.errors import StructureError

__all__ = ["CALL", "Language", "Operator"]

CALL = 100  # binds as strongly as can be: a function's call, a name, a number
_SUM, _SIGN, _PRODUCT = 10, 20, 30


@dataclass(frozen=True)
class Operator:
    """How an operation is written.

    Attributes:
        form: the text, with `{0}`, `{1}` for the operands.
        binding: how strongly it binds.
        operands: how strongly each operand must bind to need no brackets; calls need none.
        pairs: whether it takes two operands, so that three are two operations.
    """

    form: str
    binding: int = CALL
    operands: tuple[int, ...] = (0, 0)
    pairs: bool = False

    def write(self, parts: Sequence[tuple[str, int]]) -> tuple[str, int]:
        """The operation on *parts*, each with its binding."""
        needs = (*self.operands, *[self.operands[-1]] * len(parts))
        shown = [text if binding >= need else f"({text})" for (text, binding), need in zip(parts, needs, strict=False)]
        return self.form.format(*shown, all=", ".join(shown)), self.binding


@dataclass(frozen=True)
class Language:
    """A language whose expressions are printed from one table.

    Attributes:
        name: as it is asked for.
        operators: by operation; see `symcount.code.integers.Operation`, `divide` for an exact quotient,
            `real_…` for what is done in floating point.
        number: how an integer is written.
        letter: how a letter is written.
        real, ratio: how an integer, and how a ratio, are written in floating point.
        lower: how the floor of a quotient in floating point is written.
        reserved: words that no letter may be.
        ratios: the letters that are no integers.
        suffix: the ending of its files.
    """

    name: str
    operators: Mapping[str, Operator]
    number: Callable[[int], str] = str
    letter: Callable[[str], str] = str
    real: str = "{0}"
    ratio: str = "{0}"
    lower: str = ""
    reserved: Collection[str] = field(default_factory=frozenset)
    ratios: Collection[str] = field(default_factory=frozenset)
    suffix: str = ""

    def expression(self, node: Node) -> str:
        """*node* as an expression.

        Raises:
            StructureError: it has an operation that the language's table has not.
        """
        return self._write(node)[0]

    def exact(self, top: Node, bottom: Node) -> str:
        """The quotient of two integers that must be one."""
        return self.expression(top) if bottom == 1 else self._operate("divide", (top, bottom))[0]

    def _write(self, node: Node) -> tuple[str, int]:
        match node:
            case int():
                text = self.number(node)
                return text, CALL if node >= 0 else _SIGN
            case str():
                return self.letter(node), CALL
            case Approximate(tree):
                return self.approximate(tree), 0
            case Operation("add", parts) if not self.operators["add"].pairs:
                return self._sum(parts)
        return self._operate(node.name, node.parts)

    def _operate(self, name: str, parts: Sequence[Node]) -> tuple[str, int]:
        if name == "power" and not isinstance(parts[1], int) and "raise" in self.operators:
            name = "raise"
        if name == "floor" and len(parts) == 3:
            name = "floor of ratios"
        operator = self.operators.get(name)
        if operator is None:
            raise StructureError(f"there is no exact {name} in {self.name}")
        shown = [self._write(part) for part in parts]
        if name == "multiply" and not operator.pairs:
            text = operator.form.join(t if b >= _PRODUCT else f"({t})" for t, b in shown)
            return text, operator.binding
        if operator.pairs and len(shown) > 1:
            return reduce(lambda a, b: operator.write([a, b]), shown)
        return operator.write(shown)

    def _sum(self, parts: Sequence[Node]) -> tuple[str, int]:
        first, *rest = parts
        text = self._write(first)[0]
        for part in rest:
            match part:
                case Operation("negate", (inner,)):
                    shown, binding = self._write(inner)
                    text += f" - ({shown})" if binding <= _SUM else f" - {shown}"
                case int() if part < 0:
                    text += f" - {self.number(-part)}"
                case _:
                    text += f" + {self._write(part)[0]}"
        return text, _SUM

    def approximate(self, tree: ast.expr) -> str:
        """A quotient in floating point; every operation in brackets, since their order is part of the result."""
        match tree:
            case ast.Constant(value=int() as value):
                return self.real.format(self.number(value))
            case ast.Name(id=name) if name in self.ratios:
                return self.ratio.format(self.letter(name + TOP), self.letter(name + BOTTOM))
            case ast.Name(id=name):
                return self.real.format(self.letter(name))
            case ast.Call(func=ast.Name(id="_float"), args=[inner]):
                return self.approximate(inner)
            case ast.UnaryOp(operand=operand):
                return f"(-{self.approximate(operand)})"
            case ast.BinOp(left=left, op=ast.Add() | ast.Mult() | ast.Div() as op, right=right):
                sign = {ast.Add: "+", ast.Mult: "*", ast.Div: "/"}[type(op)]
                return f"({self.approximate(left)} {sign} {self.approximate(right)})"
            case ast.Call(func=ast.Name(id="_floor" | "_floor_of_ratio"), args=[over, under, *_]):
                return self.lower.format(f"{self.approximate(over)} / {self.approximate(under)}")
            case ast.Call(func=ast.Name(id="_divide"), args=[over, under]):
                return f"({self.approximate(over)} / {self.approximate(under)})"
            case ast.Call(func=ast.Name(id="_round"), args=[number]):
                return self.operators["real_round"].form.format(self.approximate(number))
            case ast.Call(func=ast.Name(id="_max" | "_min" as name), args=arguments):
                return reduce(self.operators[f"real{name}"].form.format, map(self.approximate, arguments))
        raise StructureError(f"there is no {ast.unparse(tree)} in floating point in {self.name}")
