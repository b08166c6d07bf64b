"""Conditions: comparisons, in chains, joined by `and`, `or` and `not`, and `in` a list of values.

>>> from symcount.core.notation import Notation, entry
>>> notation = Notation((entry("H"), entry("N")))
>>> [str(c) for c in read_conditions("16 <= H/N <= 128 and H % 64 == 0", notation)]
['16 <= H/N', 'H/N <= 128', 'H % 64 == 0']
>>> [c.alternatives for c in read_conditions("N in (6, 12)", notation)] == [
...     ((relation(entry("N").symbol, "==", 6),), (relation(entry("N").symbol, "==", 12),))]
True
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, product
from math import prod
from typing import Any

from sympy import Expr

from symcount.core.domain import Condition, divides, relation
from symcount.core.notation import Notation
from symcount.errors import ExpressionError
from symcount.expressions.reader import Reader, Totals
from symcount.expressions.syntax import parse

__all__ = ["Stated", "read_conditions"]

Groups = tuple[tuple[Condition, ...], ...]
_RELATIONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_MOST = 256  # groups of conditions of which one must hold: nobody writes more, and each is checked


@dataclass(frozen=True)
class Stated:
    """A condition, with the words in which it was given.

    Attributes:
        alternatives: groups of conditions; all conditions of one group at least hold.
        text: the words.
        implied: it comes with the model, nobody wrote it.
    """

    alternatives: Groups
    text: str
    implied: bool = False

    @classmethod
    def of(cls, condition: Condition, text: str = "", *, implied: bool = False) -> Stated:
        """A single condition, in its own words where no others are given."""
        return cls(((condition,),), text or str(condition), implied)

    @property
    def condition(self) -> Condition | None:
        """The condition, where it is a single one."""
        single = len(self.alternatives) == 1 and len(self.alternatives[0]) == 1
        return self.alternatives[0][0] if single else None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All conditions of all groups."""
        return tuple(chain.from_iterable(self.alternatives))

    @property
    def sides(self) -> list[Expr]:
        """What is compared."""
        return [side for c in self.conditions for side in (c.left, c.right)]

    @property
    def symbols(self) -> set[Any]:
        """The symbols that it speaks of."""
        return {s for side in self.sides for s in side.free_symbols}

    def __str__(self) -> str:
        return self.text


def read_conditions(text: str, notation: Notation, totals: Totals | None = None) -> tuple[Stated, ...]:
    """The conditions that *text* says, all of which must hold: the parts that are joined by `and`.

    Raises:
        ExpressionError: not a condition of the allowed form.
        UnknownSymbolError: a name that the formula does not have.
    """
    return tuple(_Conditions(text, notation, totals or {}).joined(parse(text)))


class _Conditions(Reader):
    def joined(self, node: ast.expr) -> list[Stated]:
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            return [c for part in node.values for c in self.joined(part)]
        if isinstance(node, ast.Compare):
            return [
                Stated(self.compared(a, op, b, sure=True), self.said(a, op, b)) for a, op, b in self.comparisons(node)
            ]
        return [Stated(self.groups(node, sure=True), ast.get_source_segment(self.text.strip(), node) or self.text)]

    def groups(self, node: ast.expr, *, sure: bool) -> Groups:
        """The groups of conditions of which one must hold; of the opposite where *node* is not to hold."""
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return self.groups(inner, sure=not sure)
            case ast.BoolOp(op=op, values=parts):
                found = [self.groups(part, sure=sure) for part in parts]
                return self.any_of(found) if isinstance(op, ast.Or) == sure else self.all_of(found)
            case ast.Compare():
                found = [self.compared(a, op, b, sure=sure) for a, op, b in self.comparisons(node)]
                return self.all_of(found) if sure else self.any_of(found)
        raise ExpressionError(f"{self.text!r:.80} is not a condition; write it like H % A == 0 or 16 <= H/N")

    def any_of(self, found: list[Groups]) -> Groups:
        return self.few(sum(map(len, found))) or tuple(chain.from_iterable(found))

    def all_of(self, found: list[Groups]) -> Groups:
        return self.few(prod(map(len, found))) or tuple(tuple(chain.from_iterable(c)) for c in product(*found))

    def few(self, number: int) -> Groups:
        if number > _MOST:
            raise ExpressionError(f"{self.text!r:.80}: {number:,} cases; at most {_MOST} are read")
        return ()

    @staticmethod
    def comparisons(node: ast.Compare) -> list[tuple[ast.expr, ast.cmpop, ast.expr]]:
        sides = [node.left, *node.comparators]
        return list(zip(sides, node.ops, sides[1:], strict=False))

    def said(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> str:
        how = _RELATIONS.get(type(op)) or ("not in" if isinstance(op, ast.NotIn) else "in")
        source = self.text.strip()
        return f"{ast.get_source_segment(source, left)} {how} {ast.get_source_segment(source, right)}"

    def compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr, *, sure: bool) -> Groups:
        if isinstance(op, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple | ast.List | ast.Set) or not right.elts:
                raise ExpressionError(f"{self.text!r:.80}: expected values after in, such as H in (512, 768)")
            each = [self.compared(left, ast.Eq(), v, sure=sure == isinstance(op, ast.In)) for v in right.elts]
            return self.any_of(each) if sure == isinstance(op, ast.In) else self.all_of(each)
        how = _RELATIONS.get(type(op))
        if how is None:
            known = ", ".join(_RELATIONS.values())
            raise ExpressionError(f"{self.text!r:.80}: expected a comparison by one of {known}, in, not in")
        a, b = self.expression(left), self.expression(right)
        found = relation(a, how, b)
        if how == "==" and b == 0 and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mod):
            found = divides(self.expression(left.right), self.expression(left.left))
        return ((found if sure else found.opposite,),)
