"""Vectorised counts on NumPy arrays: int64, and refused before they are computed where 64 bits might not do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sympy import Add, Expr, Max, Min, Mul, Pow, ceiling, floor, fraction, together
from sympy import Mod as SymMod

from symcount.errors import DomainError, MissingSymbolError, UnknownSymbolError, VectorOverflowError
from symcount.evaluate import compile_scalar, function

if TYPE_CHECKING:
    import numpy as np

__all__ = ["magnitude", "vector_function"]

LIMIT = 2**63 - 1


def magnitude(expression: Expr) -> Expr:
    """An expression that bounds the absolute value of *expression* and of every intermediate result.

    All symbols are positive, so replacing each coefficient by its absolute value does it.

    >>> from symcount.notation import symbol
    >>> H = symbol("H")
    >>> magnitude(H**2 - 3 * H)
    H**2 + 3*H
    """
    if isinstance(expression, Add):
        return Add(*(magnitude(a) for a in expression.args))
    if isinstance(expression, Mul):
        return Mul(*(magnitude(a) for a in expression.args))
    if isinstance(expression, Pow):
        return magnitude(expression.base) ** expression.exp
    if isinstance(expression, floor | ceiling):
        top, _ = fraction(together(expression.args[0]))
        return magnitude(top) + 1
    if isinstance(expression, SymMod):
        return magnitude(expression.args[0])
    if isinstance(expression, Min | Max):
        return Add(*(magnitude(a) for a in expression.args))
    return abs(expression)


def vector_function(expression: Expr, minimums: Mapping[str, int]) -> Callable[..., Any]:
    """Compile *expression* to a function of keyword arrays, one for each name in *minimums*.

    The arrays' largest values decide beforehand whether any intermediate result could exceed 2⁶³ − 1.

    Raises (the returned function):
        VectorOverflowError: it could; use the scalar form, whose integers have any size.
        DomainError: an array is not of integers, has a value below its minimum, or a shape that does not go with the
            others'.
        MissingSymbolError, UnknownSymbolError: a symbol without a value, or a name that is no symbol.
    """
    import numpy as np

    names = list(minimums)
    numerator, _ = fraction(together(expression))
    bound = compile_scalar(magnitude(numerator))

    def checked(name: str, value: Any) -> np.ndarray:
        array = np.asarray(value)
        if array.dtype.kind not in "iu":
            if array.dtype.kind == "O" and all(isinstance(v, int) for v in array.flat):
                raise VectorOverflowError(f"{name}: values beyond 64 bits; use the scalar form compile()")
            raise DomainError(f"{name}: expected an array of integers, got {array.dtype}")
        if array.size and int(array.min()) < minimums[name]:
            raise DomainError(f"{name}: expected integers of at least {minimums[name]}, got {int(array.min())}")
        return array

    minimum, maximum = np.minimum, np.maximum
    compiled = function(expression, names, {"_min": _fold(minimum), "_max": _fold(maximum)})

    def count(**arrays: Any) -> Any:
        if unknown := sorted(set(arrays) - set(names)):
            raise UnknownSymbolError(f"unknown symbol {', '.join(unknown)}: this formula has {', '.join(names)}")
        if missing := [n for n in names if n not in arrays]:
            raise MissingSymbolError(f"no value for {', '.join(missing)}: give an array or a number for each symbol")
        inputs = {n: checked(n, arrays[n]) for n in names}
        largest = {n: int(a.max()) if a.size else 1 for n, a in inputs.items()}
        if bound(largest) > LIMIT:
            raise VectorOverflowError(
                "the count could exceed 64 bits at "
                + ", ".join(f"{n} = {v:,}" for n, v in largest.items())
                + "; use the scalar form compile(), whose integers have any size"
            )
        try:
            np.broadcast_shapes(*(a.shape for a in inputs.values()))
        except ValueError:
            shapes = ", ".join(f"{n} {a.shape}" for n, a in inputs.items())
            raise DomainError(f"arrays of shapes that do not go together: {shapes}") from None
        return compiled(*(inputs[n].astype(np.int64, copy=False) for n in names))

    return count


def _fold(binary: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def folded(first: Any, *rest: Any) -> Any:
        for item in rest:
            first = binary(first, item)
        return first

    return folded
