"""What views of a tensor do to symbolic shapes: reshaping, expanding, permuting, indexing and joining.

See :mod:`symcount.concolic.tensors.shape_rules` for what a rule is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from symcount.concolic.values import expression as ex
from symcount.concolic.values.numbers import SymbolicInt, integer, node_of
from symcount.concolic.values.path import record_condition

Dims = tuple[int, ...]
ShapeOf = Callable[[Any], Dims]
Rule = Callable[[ShapeOf, Sequence[Any], dict[str, Any], Any], "Dims | None"]


def shorter(a: int, b: int) -> int:
    """The smaller of two sizes, which leaves no condition: the expression is right either way."""
    left, right = node_of(a), node_of(b)
    assert left is not None  # noqa: S101  # both are numbers
    assert right is not None  # noqa: S101  # the same
    return integer(min(int(a), int(b)), ex.minimum(left, right))


def sizes_of(args: Sequence[Any]) -> tuple[Any, ...]:
    """The sizes in ``f(2, 3)`` or ``f((2, 3))``."""
    if len(args) == 1 and isinstance(args[0], list | tuple):
        return tuple(args[0])
    return tuple(args)


def _product(dims: Iterable[int]) -> int:
    return math.prod(dims)


def view_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``view`` and ``reshape``, with ``-1`` inferred."""
    size = list(sizes_of(args[1:])) if len(args) > 1 else list(kwargs.get("shape", kwargs.get("size", ())))
    if not size or not all(isinstance(dim, int) for dim in size):
        return shape_of(args[0]) if not size else None  # view(dtype)
    return inferred(size, shape_of(args[0]))


def inferred(size: list[int], given: Sequence[int]) -> Dims | None:
    """A size in which one place may be -1: what is left there of the *given* sizes."""
    if -1 in [int(dim) for dim in size]:
        unknown = [int(dim) for dim in size].index(-1)
        total, rest = map(_product, _uncommon(given, size[:unknown] + size[unknown + 1 :]))
        if int(rest) == 0:
            return None
        size[unknown] = total // rest
    return tuple(size)


def _uncommon(given: Iterable[int], size: Iterable[int]) -> tuple[list[int], list[int]]:
    """The factors of two products without those that both have: what is cancelled need not be divided."""
    left, right = ([f for dim in dims for f in _factors(dim)] for dims in (given, size))
    rest: list[int] = []
    for factor in right:
        node = node_of(factor)
        place = next((i for i, other in enumerate(left) if node_of(other) is node), None)
        if place is None:
            rest.append(factor)
        else:
            del left[place]
    return left, rest


def _factors(dim: int) -> list[int]:
    """The factors of a symbolic product, each with its value; the number itself if it is none."""
    if not isinstance(dim, SymbolicInt) or dim.factors is None:
        return [dim]
    return [factor for part in dim.factors for factor in _factors(part)]


def view_as_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``view_as`` and its kind: the shape of the other tensor."""
    return shape_of(args[1] if len(args) > 1 else kwargs["other"])


def flatten_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``flatten``."""
    shape = shape_of(args[0])
    start = kwargs.get("start_dim", args[1] if len(args) > 1 else 0) % max(len(shape), 1)
    end = kwargs.get("end_dim", args[2] if len(args) > 2 else -1) % max(len(shape), 1)
    return (*shape[:start], _product(shape[start : end + 1]), *shape[end + 1 :])


def expand_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``expand`` and ``broadcast_to``."""
    size = sizes_of(args[1:]) if len(args) > 1 else tuple(kwargs.get("size", kwargs.get("shape", ())))
    shape = (1,) * (len(size) - len(shape_of(args[0]))) + tuple(shape_of(args[0]))
    return tuple(old if int(new) == -1 else new for old, new in zip(shape, size, strict=True))


def repeat_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``repeat`` and ``tile``."""
    times = sizes_of(args[1:]) if len(args) > 1 else tuple(kwargs.get("repeats", kwargs.get("dims", ())))
    shape = shape_of(args[0])
    width = max(len(times), len(shape))
    shape, times = (1,) * (width - len(shape)) + shape, (1,) * (width - len(times)) + times
    return tuple(dim * count for dim, count in zip(shape, times, strict=True))


def repeat_interleave_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``repeat_interleave`` by a number."""
    times = kwargs.get("repeats", args[1] if len(args) > 1 else None)
    dim = kwargs.get("dim", args[2] if len(args) > 2 else None)
    if not isinstance(times, int):
        return None
    shape = list(shape_of(args[0]))
    if dim is None:
        return (_product(shape) * times,)
    shape[dim] = shape[dim] * times
    return tuple(shape)


def unsqueeze_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``unsqueeze``."""
    shape = list(shape_of(args[0]))
    dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    shape.insert(dim if dim >= 0 else dim + len(shape) + 1, 1)
    return tuple(shape)


def squeeze_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``squeeze``."""
    shape = shape_of(args[0])
    dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
    if dim is None:
        return tuple(d for d in shape if int(d) != 1)
    dims = {d % len(shape) for d in (dim if isinstance(dim, list | tuple) else [dim])}
    return tuple(d for i, d in enumerate(shape) if i not in dims or int(d) != 1)


def transpose_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``transpose`` and ``swapaxes``."""
    shape = list(shape_of(args[0]))
    a = kwargs.get("dim0", args[1] if len(args) > 1 else 0)
    b = kwargs.get("dim1", args[2] if len(args) > 2 else 1)
    shape[a], shape[b] = shape[b], shape[a]
    return tuple(shape)


def reverse_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``t()`` and ``.T``."""
    return tuple(reversed(shape_of(args[0])))


def swap_last_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``.mT``."""
    shape = shape_of(args[0])
    return (*shape[:-2], shape[-1], shape[-2])


def permute_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``permute``."""
    order = kwargs["dims"] if "dims" in kwargs else sizes_of(args[1:])
    shape = shape_of(args[0])
    return tuple(shape[i] for i in order)


_MANY: Final = 16  # tensors


def cat_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``cat``."""
    shapes = [shape_of(tensor) for tensor in (args[0] if args else kwargs["tensors"])]
    dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    shapes = [shape for shape in shapes if len(shape) == result.ndim]
    merged = list(_most_symbolic(shapes))
    merged[dim] = _sum([shape[dim] for shape in shapes])
    return tuple(merged)


def _sum(sizes: Sequence[int]) -> int:
    """Their sum; one of hundreds of chunks, which are nearly all alike, must not be nested as deep."""
    if len(sizes) < _MANY:
        return sum(sizes)
    alike: dict[Any, list[int]] = {}
    for size in sizes:
        alike.setdefault(node_of(size), []).append(size)
    return sum(several[0] * len(several) for several in alike.values())


def stack_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``stack``."""
    shapes = [shape_of(tensor) for tensor in (args[0] if args else kwargs["tensors"])]
    dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    merged = list(_most_symbolic(shapes))
    merged.insert(dim if dim >= 0 else dim + len(merged) + 1, len(shapes))
    return tuple(merged)


def _most_symbolic(shapes: Sequence[Dims]) -> Dims:
    """Dim by dim, a symbolic one if any of the (equal) shapes has it."""
    columns = zip(*shapes, strict=True)
    return tuple(next((d for d in column if isinstance(d, SymbolicInt)), column[0]) for column in columns)


def getitem_rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """Indexing with numbers, slices, ``None`` and ``...``."""
    shape = list(shape_of(args[0]))
    index = args[1] if isinstance(args[1], tuple) else (args[1],)
    consumed = sum(1 for item in index if item is not None and item is not Ellipsis)
    dims: list[int] = []
    for item in index:
        if item is None:
            dims.append(1)
        elif item is Ellipsis:
            kept = len(shape) - consumed
            dims.extend(shape[:kept])
            shape = shape[kept:]
        elif isinstance(item, bool):
            return None
        elif isinstance(item, int):
            shape.pop(0)
            consumed -= 1
        elif isinstance(item, slice):
            dims.append(_sliced(shape.pop(0), item))
            consumed -= 1
        else:
            return None
    return (*dims, *shape)


def _sliced(dim: int, item: slice) -> int:
    """The length of a slice of a dimension, exact in the common forms ``[:]``, ``[:n]``, ``[n:]`` and ``[::2]``."""
    start, stop, step = item.start or 0, item.stop, 1 if item.step is None else item.step
    if int(start) >= 0 and (stop is None or 0 <= int(stop) <= int(dim)) and int(step) > 0:
        plain = node_of(dim)
        summed = plain is not None and plain.op in ("add", "sub")  # of which the quotient is no floor here
        if stop is None and int(start) < int(step) and int(dim) % int(step) == 0 and not summed:
            return dim // step  # every second one, from the first or from the second on
        length: int = (dim if stop is None else stop) - start
        return length if int(step) == 1 else math.ceil(length / step)
    if int(start) < 0 and stop is None and int(step) == 1:  # the last ones, all of them if there are fewer
        if (number := node_of(-start)) is not None and number.op != "const":  # of `x[-0:]` it is all of them
            record_condition(">", number, ex.const(0), module=__name__)
        return shorter(dim, -start)
    if stop is not None and int(stop) < 0 and int(step) == 1 and int(start) >= 0:
        kept: int = dim + stop - start
        return kept
    return len(range(*item.indices(int(dim))))
