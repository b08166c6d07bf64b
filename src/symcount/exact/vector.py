"""Vectorised counts on NumPy arrays: int64, and refused before they are computed where 64 bits might not do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

from sympy import Add, Expr, Max, Min, Mul, Pow, Sum, ceiling, floor, fraction, together
from sympy import Mod as SymMod

from symcount.errors import DomainError, MissingSymbolError, StructureError, UnknownSymbolError, VectorOverflowError
from symcount.exact.evaluate import Round, compile_scalar
from symcount.exact.horner import nested

if TYPE_CHECKING:
    import numpy as np

__all__ = ["magnitude", "vector_function"]

LIMIT = 2**63 - 1


def magnitude(expression: Expr) -> Expr:
    """An expression that bounds the absolute value of *expression* and of every intermediate result.

    All symbols are positive, so it does to replace each coefficient by its absolute value, and to leave out what only
    makes an exponent smaller.

    >>> from symcount.core.notation import symbol
    >>> H, N, L = map(symbol, "HNL")
    >>> magnitude(H**2 - 3 * H), magnitude(H * 2 ** (N - L - 1))
    (H**2 + 3*H, 2**(N - 1)*H)
    """
    if isinstance(expression, Add):
        return Add(*(magnitude(a) for a in expression.args))
    if isinstance(expression, Mul):
        return Mul(*(magnitude(a) for a in expression.args))
    if isinstance(expression, Pow):
        rising = (
            term for term in Add.make_args(expression.exp) if term.is_number or not term.could_extract_minus_sign()
        )
        return magnitude(expression.base) ** Add(*rising)
    if isinstance(expression, floor | ceiling | Round):
        return Add(*(magnitude(part) for part in fraction(together(expression.args[0]))))
    if isinstance(expression, SymMod | Min | Max):
        return Add(*(magnitude(a) for a in expression.args))
    return abs(expression)


def vector_function(expression: Expr, minimums: Mapping[str, int]) -> Callable[..., Any]:
    """Compile *expression* to a function of keyword arrays, one for each name in *minimums*.

    The arrays' largest values decide beforehand whether any intermediate result could exceed 2⁶³ − 1.

    Raises (the returned function):
        VectorOverflowError: it could; use the scalar form, whose integers have any size.
        DomainError: an array is not of integers, or has a value below its minimum; the arrays do not broadcast
            together; or the result is not an integer.
        MissingSymbolError, UnknownSymbolError: a symbol without a value, or a name that is no symbol.

    Raises:
        StructureError: it has a sum without a closed form, whose number of terms differs from element to element.
    """
    if expression.has(Sum):
        raise StructureError(
            "a sum without a closed form has no form for arrays; use the scalar form compile(), one count at a time"
        )
    import numpy as np

    from symcount.exact.tape import Tape

    names = list(minimums)
    together_shape = lru_cache(maxsize=32)(np.broadcast_shapes)
    top, bottom = fraction(together(expression))
    bounds = [compile_scalar(magnitude(part)) for part in (top, bottom)]
    tape = Tape(nested(top), _functions())
    if bottom != 1:
        symbols = sorted(expression.free_symbols, key=str)
        tape.apply(_exact(expression, symbols), nested(top), nested(bottom), *symbols)

    def count(**arrays: Any) -> Any:
        if unknown := sorted(set(arrays) - set(names)):
            raise UnknownSymbolError(f"unknown symbol {', '.join(unknown)}: this formula has {', '.join(names)}")
        if missing := [n for n in names if n not in arrays]:
            raise MissingSymbolError(f"no value for {', '.join(missing)}: give an array or a number for each symbol")
        inputs = {n: _integers(n, arrays[n]) for n in names}
        largest = {n: _largest(n, a, minimums[n]) for n, a in inputs.items()}
        if any(bound(largest) > LIMIT for bound in bounds):
            raise VectorOverflowError(
                "the count could exceed 64 bits at "
                + ", ".join(f"{n} = {v:,}" for n, v in largest.items())
                + "; use the scalar form compile(), whose integers have any size"
            )
        try:
            shape = together_shape(*(a.shape for a in inputs.values()))
        except ValueError:
            shapes = ", ".join(f"{n} has shape {a.shape}" for n, a in inputs.items())
            raise DomainError(f"arrays that do not broadcast together: {shapes}") from None
        out = np.empty(shape, dtype=np.int64)
        tape.play({n: a.astype(np.int64, copy=False) for n, a in inputs.items()}, out)
        return out if out.ndim else out[()]

    return count


def _integers(name: str, value: Any) -> np.ndarray:
    """The array that was given, checked for its type."""
    import numpy as np

    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        if array.dtype.kind == "O" and all(isinstance(v, int) for v in array.flat):
            raise VectorOverflowError(f"{name}: values beyond 64 bits; use the scalar form compile()")
        raise DomainError(f"{name}: expected an array of integers, got {array.dtype}")
    return array


def _largest(name: str, array: np.ndarray, minimum: int) -> int:
    """The largest value, none being below *minimum*; at least 1, as a factor of zero must not hide what others come to.

    Both extremes of a block are found while it is in the cache.
    """
    import numpy as np

    from symcount.exact.tape import BLOCK, blocks

    least, largest = minimum, 1
    if array.ndim == 0:
        least = largest = int(array)
    elif array.size <= BLOCK:
        if array.size:
            least, largest = int(array.min()), int(array.max())
    else:
        parts = [array[index] for index in blocks(array.shape)]
        extremes = [(int(np.minimum.reduce(p, axis=None)), int(np.maximum.reduce(p, axis=None))) for p in parts]
        least, largest = min(low for low, _ in extremes), max(high for _, high in extremes)
    if least < minimum:
        raise DomainError(f"{name}: expected integers of at least {minimum}, got {least}")
    return max(largest, 1)


def _functions() -> dict[str, Callable[..., Any]]:
    """The functions of `symcount.exact.arithmetic` that take no arrays, for arrays of integers."""
    import numpy as np

    def divide(top: Any, bottom: Any) -> Any:
        if np.any(top % bottom):
            raise DomainError("a fraction inside a rounded number or an extremum; use the scalar form compile()")
        return top // bottom

    def floor_of_ratio(top: Any, bottom: Any, approximate: Any) -> Any:
        result = top // bottom
        if np.any(result != np.floor(approximate)):
            raise DomainError("a floor depends on floating-point rounding; use a ratio with few digits")
        return result

    def fold(binary: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        return lambda *items: reduce(binary, items)

    return {
        "_min": fold(np.minimum),
        "_max": fold(np.maximum),
        "_divide": divide,
        "_round": lambda integer: integer,
        "_float": np.float64,
        "_floor_of_ratio": floor_of_ratio,
    }


def _exact(expression: Expr, symbols: Sequence[Expr]) -> Callable[..., Any]:
    """The division at the end of *expression*; a point where there is no integer is named."""
    import numpy as np

    def exact(top: Any, bottom: Any, *values: Any) -> Any:
        if not np.all(bottom):
            raise DomainError(f"{expression} divides by zero")
        quotient = top // bottom
        fractional = quotient * bottom != top
        if np.any(fractional):
            first = np.unravel_index(np.argmax(fractional), np.shape(fractional))
            point = (np.broadcast_to(v, np.shape(fractional))[first] for v in values)
            at = ", ".join(f"{s} = {v}" for s, v in zip(symbols, point, strict=True))
            raise DomainError(f"{expression} is not an integer at {at}")
        return quotient

    return exact
