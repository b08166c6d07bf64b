r"""A name for a rounding that occurs often: `\rho(32\alpha)` with `\rho(x) = \max(q, q\lfloor … x … \rfloor)`.

The law: what is named, with its definition put in, is what it was; every expression that is replaced is remembered.

>>> from sympy import Max, floor, symbols
>>> a, q = symbols("a q", integer=True, positive=True)
>>> width = lambda n: Max(q, q * floor((n * a + q) / q))
>>> named, originals, definitions = name_roundings([width(32), width(64) * width(16)], [r"\rho"])
>>> named, definitions
([\rho(32*a), \rho(16*a)*\rho(64*a)], [(\rho, Max(q, q*floor((q + x)/q)))])
>>> originals[named[0]] == width(32)
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Add, Expr, Function, Max, Min, Mod, Mul, Symbol, ceiling, floor

from symcount.exact.evaluate import Round

__all__ = ["ARGUMENT", "name_roundings"]

ARGUMENT = Symbol("x", positive=True)
_ROUNDINGS = (Max, Min, Mod, floor, ceiling, Round)
_LEAST = 6  # nodes that a definition has if it is worth a name
_OFTEN = 3  # times that it occurs


def name_roundings(
    expressions: Sequence[Expr], letters: Sequence[str]
) -> tuple[list[Expr], dict[Expr, Expr], list[tuple[Any, Expr]]]:
    """*expressions* with roundings named, what each name with its argument was, and the definitions."""
    shown = list(expressions)
    originals: dict[Expr, Expr] = {}
    definitions: list[tuple[Any, Expr]] = []
    for letter in letters:
        nodes = _roundings(shown)
        best = _most_useful(nodes)
        if best is None:
            break
        sample = nodes[0]
        name = Function(letter, integer=sample.is_integer or None, positive=sample.is_positive or None)
        memory: dict[Expr, Expr] = {}
        shown = [_replaced(e, best, name, memory) for e in shown]
        for new, old in memory.items():
            originals[new] = old.xreplace(originals) if originals else old
        definitions = [(other, _replaced(text, best, name, {})) for other, text in definitions]
        definitions.append((name, best))
    return shown, originals, definitions


def _roundings(expressions: Sequence[Expr]) -> list[Expr]:
    """The distinct compound roundings in *expressions*, larger ones before what is in them."""
    found: dict[Expr, None] = {}
    stack = list(reversed(expressions))
    seen: set[Expr] = set()
    while stack:
        e = stack.pop()
        if e in seen:
            continue
        seen.add(e)
        if isinstance(e, _ROUNDINGS) and _size(e) >= _LEAST:
            found.setdefault(e)
        stack += [a for a in e.args if isinstance(a, Expr)]
    return list(found)


def _size(e: Expr) -> int:
    return 1 + sum(_size(a) for a in e.args if isinstance(a, Expr))


def _most_useful(nodes: Sequence[Expr]) -> Expr | None:
    """The definition that most of *nodes* have in common, by how much it saves."""
    best, saved = None, 0
    tried: set[Expr] = set()
    for position, first in enumerate(nodes[:12]):
        for second in nodes[position + 1 : position + 13]:
            common = _common(first, second)
            if common is None or common in tried or common == ARGUMENT or _size(common) < _LEAST:
                continue
            tried.add(common)
            matched = [node for node in nodes if _match(common, node) is not None]
            if len(matched) >= _OFTEN and len(matched) * _size(common) > saved:
                best, saved = common, len(matched) * _size(common)
    return best


def _common(a: Expr, b: Expr) -> Expr | None:
    """What *a* and *b* have in common, with an argument where they differ, which must be at one place only."""
    if a == b:
        return a
    if a.func is not b.func or not a.args:
        return None
    if isinstance(a, Add | Mul):
        same = [x for x in a.args if x in b.args]
        one, other = [x for x in a.args if x not in same], [x for x in b.args if x not in same]
        if len(one) == len(other) == 1 and (inner := _common(one[0], other[0])) is not None and inner != ARGUMENT:
            return _made(a.func, [*same, inner])
        return _made(a.func, [*same, ARGUMENT]) if isinstance(a, Add) and same else ARGUMENT
    if len(a.args) != len(b.args):
        return None
    if isinstance(a, Max | Min):
        same = [x for x in a.args if x in b.args]
        one, other = [x for x in a.args if x not in same], [x for x in b.args if x not in same]
    else:
        same = []
        one, other = list(a.args), list(b.args)
    inner_parts = []
    for x, y in zip(one, other, strict=True):
        inner = _common(x, y)
        inner_parts.append(ARGUMENT if inner is None else inner)
    if sum(ARGUMENT in p.free_symbols for p in inner_parts) != 1:
        return None
    return _made(a.func, [*same, *inner_parts])


def _made(func: Any, args: Sequence[Expr]) -> Expr:
    made: Expr = func(*args, evaluate=False) if func in (Max, Min, floor, ceiling) else func(*args)
    return made


def _match(pattern: Expr, e: Expr) -> Expr | None:
    """What the argument of *pattern* is in *e*; `None` where *e* is no such expression."""
    if pattern == ARGUMENT:
        return e
    if pattern.func is not e.func or not pattern.args:
        return None
    if isinstance(pattern, Add | Mul | Max | Min):
        fixed = [p for p in pattern.args if ARGUMENT not in p.free_symbols]
        holes = [p for p in pattern.args if ARGUMENT in p.free_symbols]
        rest = [x for x in e.args if x not in fixed]
        if len(holes) != 1 or not rest or len(rest) + len(fixed) != len(e.args):
            return None
        if holes[0] == ARGUMENT:
            return _made(e.func, rest) if len(rest) > 1 else rest[0]
        return _match(holes[0], rest[0]) if len(rest) == 1 else None
    if len(pattern.args) != len(e.args):
        return None
    found = None
    for p, x in zip(pattern.args, e.args, strict=True):
        if ARGUMENT not in p.free_symbols:
            if p != x:
                return None
        else:
            found = _match(p, x)
            if found is None:
                return None
    return found


def _replaced(
    e: Expr, pattern: Expr, name: Any, memory: dict[Expr, Expr], known: dict[Expr, Expr] | None = None
) -> Expr:
    known = {} if known is None else known
    if e in known:
        return known[e]
    argument = _match(pattern, e) if isinstance(e, _ROUNDINGS) else None
    result = e
    if argument is not None:
        result = name(_replaced(argument, pattern, name, memory, known))
        memory[result] = e
    elif e.args:
        args = [_replaced(a, pattern, name, memory, known) if isinstance(a, Expr) else a for a in e.args]
        if any(x is not y for x, y in zip(args, e.args, strict=True)):
            result = _made(e.func, args)
    known[e] = result
    return result
